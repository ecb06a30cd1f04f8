import Core
import Twin

// Commands of internal venues: the naive twin says what they come to, beginning each time with the state as the model has it.

extension Judge {
    /// - Parameter limits: what limits have against it that the twin does not know.
    func market(_ command: Command, limits: [String] = []) -> Verdict {
        switch start.decide(command, now: now) {
        case .refused(let rejection): .refuse([telling.refusal(rejection)] + limits)
        case .repeated: .refuse(["?"])
        case .done(let records): limits.isEmpty ? .run(records) : .refuse(limits)
        }
    }

    func market(_ close: ClosePosition) -> Verdict {
        let held = wallet.position(close.account, close.instrument, at).quantity
        let quantity = close.quantity == 0 ? Quantity(clamping: held.magnitude) : close.quantity
        return market(
            .closePosition(close),
            limits: bandReasons(close.account, close.instrument, price: close.price)
                + shortReasons(close.account, close.instrument, held > 0 ? .sell : .buy, added: quantity))
    }

    func market(_ order: NewOrder) -> Verdict {
        let short = order.instructions.reduceOnly ? [] : shortReasons(order.account, order.instrument, order.side, added: order.quantity)
        return market(
            .newOrder(order), limits: bandReasons(order.account, order.instrument, price: order.price, stop: order.instructions.stop) + short)
    }

    func market(_ replace: Replace, _ order: OrderState) -> Verdict {
        let stop = replace.stop == 0 ? order.instructions.stop : replace.stop
        let isSame = replace.price == order.price && (!order.isArmed || stop == order.instructions.stop)
        let band = isSame ? [] : bandReasons(order.account, order.instrument, price: replace.price, stop: order.isArmed ? stop : 0)
        let added = replace.quantity - order.quantity
        let short = order.instructions.reduceOnly ? [] : shortReasons(order.account, order.instrument, order.side, added: added)
        return market(.replace(replace), limits: band + short)
    }

    // MARK: Limits of a price and of short sales

    /// A limit price too far from the mark, else the last trade; of an armed order, from its stop. `price` 0: it has none.
    func bandReasons(_ account: AccountNumber, _ instrument: InstrumentID, price: Price, stop: Price = 0) -> [String] {
        var reasons: [String] = []
        for scope in [-1, instrument] {
            guard let limits = wallet.limit(account, scope, at), limits.priceBand != Limits.unlimited, price != 0 else { continue }
            let mark = wallet.mark(instrument, at)
            let reference = stop != 0 ? stop : mark != 0 ? mark : wallet.last(instrument, at).price
            if reference == 0 {
                reasons.append("NO_MARK symbol=\(info(instrument).symbol.plain)")
                continue
            }
            let (value, rest) = (Int128(abs(price - reference)) * 10_000).quotientAndRemainder(dividingBy: Int128(reference))
            let distance = value + (rest == 0 ? 0 : 1)
            if distance > Int128(limits.priceBand) {
                reasons.append(
                    "LIMIT_PRICE_BAND limit=\(limits.priceBand) value=\(distance) reference=\(telling.price(reference, of: instrument))"
                        + telling.limit("", account, scope))
            }
        }
        return reasons
    }

    /// A sale that could bring the position below zero, with all open sales.
    func shortReasons(_ account: AccountNumber, _ instrument: InstrumentID, _ side: Side, added: Quantity) -> [String] {
        let position = wallet.position(account, instrument, at)
        let worst = position.openSell + Int128(added) - Int128(position.quantity)
        guard side == .sell, added > 0, worst > 0 else { return [] }
        return [-1, instrument].compactMap { scope in
            guard let limits = wallet.limit(account, scope, at), !limits.mayShort else { return nil }
            let value = Decimals.print(-worst * model.units(instrument, 1), scale: 18)
            return "LIMIT_SHORT value=\(value)" + telling.limit("", account, scope) + (scope < 0 ? " symbol=\(info(instrument).symbol.plain)" : "")
        }
    }

    /// The wallet at this point of the log.
    private var start: TwinStart {
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
