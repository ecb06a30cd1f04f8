import Core
import Twin

// Commands of internal venues: the naive twin says what they come to, beginning each time with the state as the model has it.

extension Judge {
    func market(_ command: Command, of account: AccountNumber) -> Verdict {
        switch start(account).decide(command, now: now) {
        // What it records though it is refused is there at a later point: there it is refused.
        case .refused(let rejection, let after): .refuse(after.isEmpty ? [telling.refusal(rejection)] : [])
        case .repeated: .refuse(["?"])
        case .done(let records): .run(records)
        }
    }

    /// The wallet at this point of the log.
    private func start(_ judged: AccountNumber) -> TwinStart {
        var start = TwinStart(wallet: wallet.number)
        start.assets = names.assets
        start.venues = names.venues
        start.settings = Setting.allCases.map { names.setting($0, at: number) }
        start.accounts = names.accounts(at: number).map { ($0, names.status($0, at: number)!) }
        start.instruments = names.instruments.indices.map { names.info(InstrumentID($0), at: number) }
        for id in names.instruments.indices.map({ InstrumentID($0) }) where names.instruments[Int(id)].wallet == wallet.number {
            let (mark, last) = (wallet.mark(id, at), wallet.last(id, at).price)
            if mark != 0 { start.marks[id] = mark }
            if last != 0 { start.lasts[id] = last }
        }
        for (pair, versions) in wallet.balances {
            let it = versions.at(at)
            start.holdings.append(TwinStart.Holding(account: pair.account, asset: pair.other, owned: it.available + it.reserved, held: it.held))
        }
        for (pair, versions) in wallet.positions {
            let it = versions.at(at)
            start.positions.append(
                TwinStart.Position(
                    account: pair.account, instrument: pair.other, quantity: it.quantity, cost: it.cost, realized: it.realized,
                    isTraded: it.isListed))
        }
        for (pair, versions) in wallet.limits {
            if let limits = versions.at(at) { start.limits.append((pair.account, pair.other, limits)) }
        }
        for instrument in [-1] + names.instruments.indices.map({ InstrumentID($0) }) where moment == .exact {
            if let meters = wallet.risks.meters[Pair(account: judged, other: instrument)] { start.meters.append((judged, instrument, meters.at(at))) }
        }
        for asset in wallet.risks.latched(judged, at) { start.latches.append((judged, asset)) }
        if start.latches.count > 0 || (wallet.limit(judged, -1, at)?.maxDailyLoss ?? Limits.none) != Limits.none {
            for asset in names.assets.indices.map({ AssetID($0) }) { start.losses.append((judged, asset, loss(judged, asset))) }
        }
        for versions in wallet.orders.values {
            if let order = versions.at(at), order.status.isOpen { start.orders.append(TwinStart.Order(order)) }
        }
        start.lastOrder = wallet.lastOrder
        start.lastTrade = wallet.lastTrade
        return start
    }
}

extension TwinStart.Order {
    fileprivate init(_ it: OrderState) {
        let new = NewOrder(
            account: it.account, instrument: it.instrument, side: it.side, type: it.type, timeInForce: it.timeInForce, quantity: it.quantity,
            price: it.price, clientID: it.clientID, expire: it.expire, max: it.max, strategy: it.strategy, note: it.note,
            cancelOnDisconnect: it.session, instructions: it.instructions)
        self.init(
            id: it.id, new: new, rates: it.fees, quantity: it.quantity, price: it.price, max: it.max, stop: it.instructions.stop,
            cumulative: it.cumulative, paid: it.paid, hold: it.marketReserve, isArmed: it.isArmed, rank: it.rank, shown: it.shown, leg: it.leg,
            isSecond: it.isSecond, largest: it.largest)
    }
}
