import Core

extension Model {
    func apply(_ money: Money, _ wallet: WalletState, _ time: Timestamp) throws(Fault) {
        try known(money.account, wallet)
        try require(money.kind == .adjust ? money.amount != 0 : money.amount > 0, "\(money.kind) of \(money.amount)")
        try holdReference(money.account, money.reference, Model.content(money), money.asset, wallet, time)
        var fault: String?
        wallet.change(money.account, money.asset, lsn) { balance in
            switch money.kind {
            case .deposit, .adjust: balance.available += money.amount
            case .withdraw: balance.available -= money.amount
            case .hold:
                balance.available -= money.amount
                balance.held += money.amount
            case .release:
                balance.held -= money.amount
                balance.available += money.amount
            }
            let takes = money.kind == .withdraw || money.kind == .hold || money.amount < 0
            if takes && balance.available < 0 || balance.held < 0 { fault = "\(money.kind) of \(money.amount) leaves \(balance)" }
        }
        if let fault { throw Fault(fault) }
        switch money.kind {
        case .deposit: wallet.sums[money.asset, default: Sums()].deposited += money.amount
        case .withdraw: wallet.sums[money.asset, default: Sums()].withdrawn += money.amount
        case .adjust: wallet.sums[money.asset, default: Sums()].corrected += money.amount
        case .hold, .release: break
        }
    }

    func apply(_ takeOver: TakeOver, _ wallet: WalletState, _ time: Timestamp) throws(Fault) {
        try known(takeOver.account, wallet)
        try here(takeOver.instrument, wallet)
        let old = wallet.position(takeOver.account, takeOver.instrument, .max)
        try require(old.quantity == 0 && old.cost == 0, "a position of \(old.quantity) is taken over")
        guard let magnitude = Int64(exactly: takeOver.quantity.magnitude), let cost = worth(takeOver.instrument, takeOver.price, magnitude) else {
            throw Fault("a position taken over is worth too much")
        }
        let info = names.instruments[Int(takeOver.instrument)]
        for asset in [info.base, info.quote] { wallet.change(takeOver.account, asset, lsn) { _ in } }
        let before = profit(takeOver.account, takeOver.instrument, wallet, .max)
        wallet.changePosition(takeOver.account, takeOver.instrument, lsn) {
            $0.isListed = true
            $0.quantity = takeOver.quantity
            $0.cost = cost
        }
        // What it has won or lost was won or lost elsewhere.
        wallet.risks.shift(
            takeOver.account, takeOver.instrument, by: profit(takeOver.account, takeOver.instrument, wallet, .max) - before, lsn)
        try holdReference(takeOver.account, takeOver.reference, Model.content(takeOver), info.quote, wallet, time)
    }

    // MARK: Transfers

    private func debit(_ transfer: Transfer, transit: Bool, _ wallet: WalletState) throws(Fault) {
        try known(transfer.account, wallet)
        try known(transfer.toAccount, wallet)
        try require(transfer.amount > 0, "a transfer of \(transfer.amount)")
        wallet.change(transfer.account, transfer.asset, lsn) {
            $0.available -= transfer.amount
            if transit { $0.transit += transfer.amount }
        }
        let left = wallet.balance(transfer.account, transfer.asset, .max).available
        try require(left >= 0, "a transfer leaves \(left)")
    }

    func applyWithin(_ transfer: Transfer, _ wallet: WalletState, _ time: Timestamp) throws(Fault) {
        try require(transfer.toWallet == wallet.number && transfer.account != transfer.toAccount, "a transfer inside the wallet goes elsewhere")
        try debit(transfer, transit: false, wallet)
        wallet.change(transfer.toAccount, transfer.asset, lsn) { $0.available += transfer.amount }
        try holdReference(transfer.account, transfer.reference, Model.content(transfer), transfer.asset, target: wallet.number, wallet, time)
    }

    func applySent(_ transfer: Transfer, _ sequence: Int64, _ wallet: WalletState, _ time: Timestamp) throws(Fault) {
        try require(transfer.toWallet != wallet.number && Int(transfer.toWallet) < names.wallets.count, "a transfer is sent to wallet \(transfer.toWallet)")
        let number = (wallet.sent[transfer.toWallet] ?? 0) + 1
        try require(sequence == number, "transfer number \(sequence) to wallet \(transfer.toWallet), expected \(number)")
        wallet.sent[transfer.toWallet] = number
        try debit(transfer, transit: true, wallet)
        wallet.sums[transfer.asset, default: Sums()].transferredOut += transfer.amount
        wallet.outgoing[transfer.toWallet, default: []].append(
            WalletState.Outgoing(
                sequence: sequence, transfer: transfer, lsn: lsn, available: wallet.balance(transfer.account, transfer.asset, .max).available))
        try holdReference(
            transfer.account, transfer.reference, Model.content(transfer), transfer.asset, target: transfer.toWallet, sequence: sequence, wallet, time)
    }

    func outgoing(_ source: WalletID, _ target: WalletID, _ sequence: Int64) -> WalletState.Outgoing? {
        wallet(source).outgoing[target]?.first { $0.sequence == sequence }
    }

    /// Credited once, in the order of the numbers. Returns what the sender is told.
    func apply(_ received: TransferReceived, _ wallet: WalletState) throws(Fault) -> String {
        let number = (wallet.received[received.source] ?? 0) + 1
        try require(received.sequence == number, "transfer number \(received.sequence) from wallet \(received.source) is credited, expected \(number)")
        wallet.received[received.source] = number
        guard let sent = outgoing(received.source, wallet.number, number) else {
            throw Fault("transfer number \(number) from wallet \(received.source) is credited and was not sent")
        }
        let transfer = sent.transfer
        try require(
            transfer.toAccount == received.account && transfer.account == received.fromAccount && transfer.asset == received.asset
                && transfer.amount == received.amount && transfer.reference == received.reference,
            "what is credited is not what was sent: \(received), \(transfer)")
        wallet.change(received.account, received.asset, lsn) { $0.available += received.amount }
        wallet.sums[received.asset, default: Sums()].transferredIn += received.amount
        return "OK available=\(Decimals.print(sent.available, scale: 18))"
    }

    /// Returns what is settled.
    func applySettled(_ target: WalletID, _ upTo: Int64, _ wallet: WalletState) throws(Fault) -> [Transfer] {
        let credited = self.wallet(target).received[wallet.number] ?? 0
        try require(upTo <= credited, "transfers to wallet \(target) are settled up to \(upTo), credited up to \(credited)")
        try require(upTo > wallet.settled[target]?.last ?? 0, "transfers to wallet \(target) are settled twice")
        wallet.settled[target, default: Versioned(0)].set(upTo, lsn)
        let all = wallet.outgoing[target] ?? []
        let done = all.filter { $0.sequence <= upTo }
        wallet.outgoing[target] = all.filter { $0.sequence > upTo }
        for one in done {
            wallet.change(one.transfer.account, one.transfer.asset, lsn) { $0.transit -= one.transfer.amount }
        }
        return done.map(\.transfer)
    }

    // MARK: Conservation

    /// Money is neither made nor lost; reserves are what open orders hold. `nil`: all well.
    func imbalance() -> String? {
        for wallet in wallets {
            for asset in names.assets.indices {
                let id = AssetID(asset)
                var sum: Amount = wallet.sums[id]?.fees ?? 0
                for (pair, balance) in wallet.balances where pair.other == id { sum += balance.last.total }
                for (pair, amount) in wallet.owed where pair.other == id { sum += amount }
                let it = wallet.sums[id] ?? Sums()
                let paidIn = it.deposited - it.withdrawn + it.corrected + it.transferredIn - it.transferredOut
                if sum != paidIn { return "wallet \(wallet.number), asset \(names.assets[asset].name): \(sum) is there, \(paidIn) was paid in" }
            }
            if let text = reserveFault(wallet) { return text }
        }
        for asset in names.assets.indices {
            let id = AssetID(asset)
            var underWay: Amount = 0
            var (sent, received): (Amount, Amount) = (0, 0)
            for wallet in wallets {
                sent += wallet.sums[id]?.transferredOut ?? 0
                received += wallet.sums[id]?.transferredIn ?? 0
                for (target, list) in wallet.outgoing {
                    let credited = self.wallet(target).received[wallet.number] ?? 0
                    for one in list where one.transfer.asset == id && one.sequence > credited { underWay += one.transfer.amount }
                }
            }
            if sent - received != underWay { return "asset \(names.assets[asset].name): sent \(sent), received \(received), under way \(underWay)" }
        }
        return nil
    }

    private func reserveFault(_ wallet: WalletState) -> String? {
        var held: [Pair: Amount] = [:]
        var transit: [Pair: Amount] = [:]
        for versions in wallet.orders.values {
            guard let order = versions.last, order.status.isOpen, let (asset, amount) = reserve(order, wallet) else { continue }
            held[Pair(account: order.account, other: asset), default: 0] += amount
        }
        for list in wallet.outgoing.values {
            for one in list { transit[Pair(account: one.transfer.account, other: one.transfer.asset), default: 0] += one.transfer.amount }
        }
        for (pair, balance) in wallet.balances {
            if balance.last.reserved != held[pair] ?? 0 { return "wallet \(wallet.number), \(pair): \(balance.last.reserved) reserved, orders hold \(held[pair] ?? 0)" }
            if balance.last.transit != transit[pair] ?? 0 { return "wallet \(wallet.number), \(pair): \(balance.last.transit) in transit" }
        }
        return nil
    }
}
