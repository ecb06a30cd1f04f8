// Transfers. Inside the wallet one mutation. To another wallet an obligation in three steps: this shard debits and numbers it (sent), the target
// credits the numbers in order, each once (received), and this shard notes up to where that is durable (settled). Between the first
// and the last the money is `transit` of the source's balance. A crash anywhere leaves the obligation in the state, and a start delivers it again.

extension Shard {
    mutating func decide(_ transfer: Transfer, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) -> Outcome {
        guard let account = registry.account(transfer.account) else { return .rejected(.unknownAccount(transfer.account)) }
        guard let toAccount = registry.account(transfer.toAccount) else {
            return .rejected(.unknownAccount(transfer.toAccount))
        }
        guard transfer.toWallet >= 0, Int(transfer.toWallet) < registry.wallets.count else {
            return .rejected(.unknownWallet(transfer.toWallet))
        }
        guard transfer.asset >= 0, Int(transfer.asset) < registry.assets.count else {
            return .rejected(.unknownAsset(transfer.asset))
        }
        let slot = balanceSlot(account, transfer.asset)
        let available = slot.map { balances[$0].available } ?? 0
        if let known = remembered(account, transfer.reference) {
            guard known < 0, references[~known].contentHash == transfer.contentHash else {
                return .rejected(.idReused(transfer.reference))
            }
            let sequence = references[~known].sequence
            if sequence > 0, sequence > channels[Int(transfer.toWallet)].settled {
                return .transferring(
                    target: transfer.toWallet, sequence: sequence, asset: transfer.asset, available: available,
                    duplicate: true)
            }
            return .balance(available: available, asset: transfer.asset, duplicate: true)
        }
        if let late = tooLate(transfer.before, now) { return .rejected(late) }
        if transfer.amount <= 0 { return .rejected(.badValue(.amount)) }
        if transfer.toWallet == number, account == toAccount { return .rejected(.badValue(.wallet)) }
        if registry.accounts[Int(account)].status != .open { return .rejected(.accountSuspended(transfer.account)) }
        if available < transfer.amount {
            return .rejected(.insufficientFunds(transfer.asset, number, need: transfer.amount, available: available))
        }
        if transfer.toWallet == number {
            let target = balanceSlot(toAccount, transfer.asset).map { balances[$0] }
            let total = (target.map { $0.available + $0.reserved + $0.held + $0.transit } ?? 0) + transfer.amount
            guard Numbers.inRange(total) else { return .rejected(.overflow(.balance)) }
            apply(.transferredWithin(transfer), now, emit)
            return .balance(available: available - transfer.amount, asset: transfer.asset, duplicate: false)
        }
        let sequence = channels[Int(transfer.toWallet)].sent + 1
        apply(.transferSent(transfer, sequence: sequence), now, emit)
        return .transferring(
            target: transfer.toWallet, sequence: sequence, asset: transfer.asset, available: available - transfer.amount,
            duplicate: false)
    }

    mutating func evolveWithin(_ transfer: Transfer, _ time: Timestamp) {
        guard let account = registry.account(transfer.account), let toAccount = registry.account(transfer.toAccount) else {
            invariantFailure("transfer of an unknown account")
        }
        balances[makeBalance(account, transfer.asset)].available -= transfer.amount
        balances[makeBalance(toAccount, transfer.asset)].available += transfer.amount
        rememberReference(
            Reference(
                text: transfer.reference, contentHash: transfer.contentHash, account: account, asset: transfer.asset,
                target: number), time)
    }

    mutating func evolveSent(_ transfer: Transfer, _ sequence: Int64, _ time: Timestamp) {
        guard let account = registry.account(transfer.account) else { invariantFailure("transfer of an unknown account") }
        let target = Int(transfer.toWallet)
        invariant(sequence == channels[target].sent + 1, "transfers out of order")
        channels[target].sent = sequence
        let balance = makeBalance(account, transfer.asset)
        balances[balance].available -= transfer.amount
        balances[balance].transit += transfer.amount
        totals[Int(transfer.asset)].transferredOut &+= transfer.amount
        let slot = outgoing.insert(
            Outgoing(
                amount: transfer.amount, sequence: sequence, toAccount: transfer.toAccount, reference: transfer.reference,
                account: account, asset: transfer.asset))
        let last = channels[target].outgoingLast
        if last == none { channels[target].outgoingFirst = slot } else { outgoing[last].next = slot }
        channels[target].outgoingLast = slot
        rememberReference(
            Reference(
                text: transfer.reference, contentHash: transfer.contentHash, sequence: sequence, account: account,
                asset: transfer.asset, target: transfer.toWallet), time)
    }

    /// Target: credits transfer number `sequence` of shard `source`, if it is the next one; a number already credited changes nothing. A
    /// credit is never refused. Returns the highest number credited.
    public mutating func receive(
        _ transfer: TransferReceived, now: Timestamp, emit: (borrowing Mutation) -> Void
    ) -> Int64 {
        let received = channels[Int(transfer.source)].received
        if transfer.sequence <= received { return received }
        invariant(transfer.sequence == received + 1, "a transfer was lost between shards")
        apply(.transferReceived(transfer), now, emit)
        return transfer.sequence
    }

    /// The number of the last transfer of `source` that is credited here.
    public func highestReceived(from source: WalletID) -> Int64 { channels[Int(source)].received }

    mutating func evolve(_ received: TransferReceived) {
        guard let account = registry.account(received.account) else { invariantFailure("credit of an unknown account") }
        let source = Int(received.source)
        invariant(received.sequence == channels[source].received + 1, "credits out of order")
        channels[source].received = received.sequence
        balances[makeBalance(account, received.asset)].available += received.amount
        totals[Int(received.asset)].transferredIn &+= received.amount
    }

    /// Source: all transfers to `target` up to number `upTo` are credited there, durably.
    public mutating func settle(
        target: WalletID, upTo: Int64, now: Timestamp, emit: (borrowing Mutation) -> Void
    ) {
        if upTo <= channels[Int(target)].settled { return }
        invariant(upTo <= channels[Int(target)].sent, "settled a transfer that was never sent")
        apply(.transfersSettled(target: target, upTo: upTo), now, emit)
    }

    /// The number of the last transfer to `target` that is settled.
    public func highestSettled(to target: WalletID) -> Int64 { channels[Int(target)].settled }

    mutating func evolveSettled(_ target: WalletID, _ upTo: Int64) {
        channels[Int(target)].settled = upTo
        while channels[Int(target)].outgoingFirst != none {
            let slot = channels[Int(target)].outgoingFirst
            let entry = outgoing[slot]
            if entry.sequence > upTo { break }
            guard let balance = balanceSlot(entry.account, entry.asset) else { invariantFailure("transit without a balance") }
            balances[balance].transit -= entry.amount
            invariant(balances[balance].transit >= 0, "transit below zero")
            channels[Int(target)].outgoingFirst = entry.next
            if entry.next == none { channels[Int(target)].outgoingLast = none }
            outgoing.remove(slot)
        }
    }

    /// What this shard has sent and not settled: to `target`, or to all shards by ascending number; in order of the numbers.
    public func forEachUnsettled(target: WalletID? = nil, _ body: (TransferReceived, WalletID) -> Void) {
        for other in channels.indices where target == nil || Int(target!) == other {
            var slot = channels[other].outgoingFirst
            while slot != none {
                let entry = outgoing[slot]
                body(
                    TransferReceived(
                        source: number, sequence: entry.sequence, account: entry.toAccount,
                        fromAccount: registry.accounts[Int(entry.account)].number, asset: entry.asset,
                        amount: entry.amount, reference: entry.reference), WalletID(other))
                slot = entry.next
            }
        }
    }
}
