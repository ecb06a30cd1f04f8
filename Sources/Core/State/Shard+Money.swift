// Deposits, withdrawals, corrections, holds.

extension Shard {
    mutating func decide(_ money: Money, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) -> Outcome {
        guard let account = registry.account(money.account) else { return .rejected(.unknownAccount(money.account)) }
        guard money.asset >= 0, Int(money.asset) < registry.assets.count else { return .rejected(.unknownAsset(money.asset)) }
        let slot = balanceSlot(account, money.asset)
        let balance = slot.map { balances[$0] } ?? Balance(account: account, asset: money.asset)
        let hash = money.contentHash
        if let known = remembered(account, money.reference) {
            guard known < 0, references[~known].contentHash == hash else { return .rejected(.idReused(money.reference)) }
            return .balance(available: balance.available, asset: money.asset, duplicate: true)
        }
        if let late = tooLate(money.before, now) { return .rejected(late) }
        if money.kind == .adjust ? money.amount == 0 : money.amount <= 0 { return .rejected(.badValue(.amount)) }
        guard Numbers.inRange(money.amount) else { return .rejected(.overflow(.balance)) }

        switch money.kind {
        case .deposit, .adjust:
            let total = balance.available + balance.reserved + balance.held + balance.transit + money.amount
            // The wallet's whole stock of the asset is bounded like one balance, see Balance.limit.
            let stock = totals[Int(money.asset)]
            let paidIn = stock.deposited &- stock.withdrawn &+ stock.corrected &+ money.amount
            guard Numbers.inRange(total), Numbers.inRange(balance.available + money.amount), Numbers.inRange(paidIn) else {
                return .rejected(.overflow(.balance))
            }
            if money.amount < 0, balance.available + money.amount < 0 {
                return .rejected(
                    .insufficientFunds(money.asset, number, need: -money.amount, available: balance.available))
            }
        case .withdraw, .hold:
            if balance.available < money.amount {
                return .rejected(.insufficientFunds(money.asset, number, need: money.amount, available: balance.available))
            }
        case .release:
            if balance.held < money.amount {
                return .rejected(.insufficientHeld(money.asset, number, need: money.amount, held: balance.held))
            }
        }
        apply(.moneyMoved(money), now, emit)
        let after = balanceSlot(account, money.asset).map { balances[$0].available } ?? 0
        return .balance(available: after, asset: money.asset, duplicate: false)
    }

    mutating func evolve(_ money: Money, _ time: Timestamp) {
        guard let account = registry.account(money.account) else { invariantFailure("money of an unknown account") }
        let slot = makeBalance(account, money.asset)
        let asset = Int(money.asset)
        switch money.kind {
        case .deposit:
            balances[slot].available += money.amount
            totals[asset].deposited &+= money.amount
        case .withdraw:
            balances[slot].available -= money.amount
            totals[asset].withdrawn &+= money.amount
        case .adjust:
            balances[slot].available += money.amount
            totals[asset].corrected &+= money.amount
        case .hold:
            balances[slot].available -= money.amount
            balances[slot].held += money.amount
        case .release:
            balances[slot].held -= money.amount
            balances[slot].available += money.amount
        }
        rememberReference(
            Reference(text: money.reference, contentHash: money.contentHash, account: account, asset: money.asset), time)
    }

    mutating func rememberReference(_ reference: Reference, _ time: Timestamp) {
        let slot = references.insert(reference)
        ids.insert(Shard.idHash(reference.account, reference.text), ~slot)
        remember(~slot, time)
    }
}
