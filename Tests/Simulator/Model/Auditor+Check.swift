import Core

extension Auditor {
    /// Compares a whole shard with the model through what it shows, at a quiet moment: all loops idle, the model at `lsn`.
    package func check(_ shard: borrowing Shard, at lsn: UInt64) {
        counts.checks += 1
        if model.lsn != lsn { return fail("wallet \(shard.number) is at LSN \(lsn), the model at \(model.lsn)") }
        for wallet in model.wallets { endRun(wallet.number) }
        if let text = model.unfinished() { return fail("not finished at a quiet moment: \(text)") }
        for wallet in model.wallets { if let text = model.crossed(wallet) { return fail("at a quiet moment: \(text)") } }
        for wallet in model.wallets { if let text = model.overdue(wallet) { return fail("at a quiet moment: \(text)") } }
        if let text = model.imbalance() { return fail("money is lost or made: \(text)") }
        let wallet = model.wallet(shard.number)
        let telling = Telling(model: model, wallet: wallet)
        func differ(_ what: String, _ there: String, _ expected: String) {
            if there != expected { fail("wallet \(wallet.number): \(what) is \(there), should be \(expected)") }
        }
        if let asset = shard.conservationFault() { fail("wallet \(wallet.number): asset \(asset) is not conserved") }
        if !shard.reservesMatch() { fail("wallet \(wallet.number): reserves are not what open orders hold") }
        differ("the registry", "\(shard.registry.number)", "\(model.names.count)")
        let open = wallet.orders.values.count { $0.last?.status.isOpen ?? false }
        let counts = shard.counts
        differ("open orders", "\(counts.openOrders)", "\(open)")
        differ("what is remembered", "\(counts.remembered)", "\(wallet.memory.count)")
        for id in model.names.instruments.indices.map({ InstrumentID($0) }) where model.names.instruments[Int(id)].wallet == wallet.number {
            if let view = shard.marketView(id, now: 0) {
                let last = wallet.last(id, .max)
                differ("last of \(id)", "\(view.last) \(view.lastQuantity) \(view.lastTime)", "\(last.price) \(last.quantity) \(last.time)")
                for side in [Side.buy, .sell] { differ("book of \(id)", book(shard, id, side), model.book(id, side, wallet, .max).map { "\($0.id) \($0.price) \($0.shown)" }.joined(separator: ", ")) }
            }
            differ("mark of \(id)", "\(shard.mark(id) ?? 0)", "\(wallet.mark(id, .max))")
            differ("definition of \(id)", "\(shard.registry.instruments[Int(id)])", "\(model.names.info(id, at: model.names.count))")
        }
        differ("limits of all", "\(shard.limits(account: 0, instrument: -1))", "\(wallet.limit(0, -1, .max) ?? Limits())")
        for account in model.names.accounts {
            differ("status of \(account)", "\(shard.registry.account(account).map { shard.registry.accounts[Int($0)].status.word } ?? "?")",
                model.names.status(account, at: .max)!.word)
            for asset in model.names.assets.indices.map({ AssetID($0) }) {
                let it = shard.balance(account: account, asset: asset)
                let there = it.map { BalanceState(available: $0.available, reserved: $0.reserved, held: $0.held, transit: $0.transit) } ?? BalanceState()
                differ("balance of \(account), \(asset)", "\(there)", "\(wallet.balance(account, asset, .max))")
            }
            for id in model.names.instruments.indices.map({ InstrumentID($0) }) where model.names.instruments[Int(id)].wallet == wallet.number {
                let it = wallet.position(account, id, .max)
                let there = shard.position(account: account, instrument: id)
                differ("position of \(account), \(id)", there.map { "\($0.quantity) \($0.cost) \($0.realized) \($0.openBuy) \($0.openSell)" } ?? "none",
                    it.isListed ? "\(it.quantity) \(it.cost) \(it.realized) \(it.openBuy) \(it.openSell)" : "none")
                differ("limits of \(account), \(id)", "\(shard.limits(account: account, instrument: id))", "\(wallet.limit(account, id, .max) ?? Limits())")
            }
            checkRisks(shard, account, wallet)
            checkOrders(shard, account, wallet, telling)
            if failure != nil { return }
        }
    }

    /// In the order of their turns.
    private func book(_ shard: borrowing Shard, _ id: InstrumentID, _ side: Side) -> String {
        var prices: [Price] = []
        shard.forEachLevel(id, side) {
            prices.append($0.price)
            return true
        }
        var all: [String] = []
        for price in prices { shard.forEachOrder(id, side, price: price) { all.append("\($0) \(price) \($1)") } }
        return all.joined(separator: ", ")
    }

    private func checkOrders(_ shard: borrowing Shard, _ account: AccountNumber, _ wallet: WalletState, _ telling: Telling) {
        var there: [String] = []
        shard.forEachOrder(account: account, instrument: -1, status: .all, after: 0, limit: .max) { it in
            there.append(
                "\(it.view.id) \(it.view.status) \(it.quantity) \(it.price) \(it.view.leaves) \(it.view.cumulative) \(it.view.cumulativeCost) \(it.reserved) \(it.created) \(it.updated) \(it.clientID.plain) \(it.expire) \(it.max) \(it.reasonText.plain) \(it.cancelOnDisconnect) \(it.instructions) \(it.oco) \(it.isArmed)")
        }
        let orders = wallet.orders(account, -1, .max)
        let expected = orders.map { it in
            "\(it.id) \(it.status) \(it.quantity) \(it.price) \(it.leaves) \(it.cumulative) \(it.paid) \(model.reserve(it, wallet)?.amount ?? 0) \(it.created) \(it.updated) \(it.clientID.plain) \(it.expire) \(it.max) \(it.reasonText.plain) \(it.session) \(it.instructions) \(it.leg) \(it.isArmed && it.status.isOpen)"
        }
        for index in 0..<max(there.count, expected.count) {
            let (a, b) = (index < there.count ? there[index] : "none", index < expected.count ? expected[index] : "none")
            if a != b { return fail("wallet \(wallet.number), account \(account): an order is\n  \(a)\n  and should be\n  \(b)") }
        }
        var trades: [String] = []
        shard.forEachTrade(account: account, instrument: -1, order: nil, limit: .max) {
            trades.append("\($0.id) \($0.order) \($0.quantity) \($0.price) \($0.fee) \($0.feeAsset) \($0.exec.plain) \($0.time)")
        }
        let known = orders.flatMap(\.trades).sorted(by: >).compactMap { wallet.trades[$0] }
        let told = known.map { "\($0.id) \($0.order) \($0.quantity) \($0.price) \($0.fee) \($0.feeAsset) \($0.exec.plain) \($0.time)" }
        if trades != told { return fail("wallet \(wallet.number), account \(account): trades are \(trades), should be \(told)") }
        for order in orders where order.status.isOpen {
            if order.expire != 0, order.expire + 2_000_000 < wallet.time.last {
                return fail("order \(order.id) is open, due at \(order.expire), and it is \(wallet.time.last)")
            }
            guard order.session != 0 else { continue }
            let isGone = sessionOwner[order.session].map { !(connections[$0]?.isOpen ?? false) } ?? false
            if order.lsn <= lifeStart || isGone { return fail("order \(order.id) is open, and the session \(order.session) that it ends with is gone") }
        }
    }
}
