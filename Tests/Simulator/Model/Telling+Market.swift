import Core

// Internal venues: what their orders show, their trades, books and refusals.

extension Telling {
    /// Options of an order, where it has any.
    func instructions(_ order: OrderState) -> String {
        let it = order.instructions
        var text = ""
        if it.trigger != .none {
            text += " stop=\(price(it.stop, of: order.instrument))" + (it.trigger == .takeProfit ? " take=1" : "")
                + " trigger=\(it.triggerPrice == .mark ? "mark" : "last")" + (order.isArmed && order.status.isOpen ? " armed=1" : "")
        }
        if it.display != 0 { text += " display=\(quantity(it.display, of: order.instrument))" }
        if it.postOnly { text += " post=1" }
        if it.reduceOnly { text += " reduce=1" }
        if it.selfTrade != .standard { text += " stp=\(it.selfTrade)" }
        if order.leg != 0 { text += " oco=\(order.leg)" }
        return text
    }

    func match(_ it: Matched) -> [Event] {
        let sides = [(it.maker, it.trade), (it.taker, it.trade + 1)].compactMap { order, trade in
            wallet.trades[trade].map {
                fill(
                    Filled(
                        trade: trade, order: order, quantity: it.quantity, price: it.price, exec: Text(), fee: $0.fee, feeAsset: $0.feeAsset,
                        liquidity: $0.liquidity, venueTime: 0))
            }
        }
        // Both trades, then both positions.
        return sides.map { $0[0] } + sides.map { $0[1] }
    }

    // MARK: Market data

    func levelText(_ level: LevelState, _ side: Side, _ id: InstrumentID) -> String {
        "\(side == .buy ? "bid" : "ask") px=\(price(level.price, of: id)) qty=\(quantity(wide: level.shown, of: id)) orders=\(level.orders)"
    }

    /// A row of MKT, without what is of the last 24 hours.
    func marketRow(_ id: InstrumentID) -> String {
        let info = model.names.info(id, at: wallet.registryNumber.at(at))
        var text = "\(info.symbol.plain) state=\(info.terms.state.word)"
        let mark = wallet.mark(id, at)
        if mark != 0 { text += " mark=\(price(mark, of: id))" }
        guard model.names.isInternal(id) else { return text }
        let last = wallet.last(id, at)
        if last.price != 0 { text += " last=\(price(last.price, of: id)) lastqty=\(quantity(last.quantity, of: id)) lasttime=\(last.time / 1_000)" }
        for side in [Side.buy, .sell] {
            guard let best = model.levels(id, side, wallet, at, depth: 1).first else { continue }
            let word = side == .buy ? "bid" : "ask"
            text += " \(word)=\(price(best.price, of: id)) \(word)qty=\(quantity(wide: best.shown, of: id))"
        }
        return text
    }

    // MARK: Refusals

    func refusal(_ rejection: Rejection) -> String {
        let names = model.names
        func symbol(_ id: InstrumentID) -> String { "symbol=\(names.instruments[Int(id)].symbol.plain)" }
        func terms(_ id: InstrumentID) -> InstrumentTerms { names.terms(id, at: wallet.registryNumber.at(at)) }
        func amount(_ value: Amount) -> String { Decimals.print(value, scale: 18) }
        switch rejection {
        case .unknownAccount(let account): return "UNKNOWN_ACCOUNT account=\(account)"
        case .accountSuspended(let account): return "ACCOUNT_SUSPENDED account=\(account)"
        case .instrumentHalted(let id): return "INSTRUMENT_HALTED \(symbol(id))"
        case .instrumentPostOnly(let id): return "INSTRUMENT_POST_ONLY \(symbol(id))"
        case .instrumentCancelOnly(let id): return "INSTRUMENT_CANCEL_ONLY \(symbol(id))"
        case .unfillable(let id, let available): return "UNFILLABLE available=\(quantity(available, of: id))"
        case .wouldTake(let id, let price): return "WOULD_TAKE price=\(self.price(price, of: id))"
        case .wouldTrigger(let id, let stop, let price): return "WOULD_TRIGGER stop=\(self.price(stop, of: id)) price=\(self.price(price, of: id))"
        case .reduceOnly(let id, let position): return "REDUCE_ONLY position=\(quantity(position, of: id))"
        case .badPair(let id): return "BAD_PAIR id=\(id.plain)"
        case .inPair(let order): return "IN_PAIR order=\(order)"
        case .offTick(let id): return "OFF_TICK tick=\(price(terms(id).tick, of: id))"
        case .offLot(let id): return "OFF_LOT lot=\(quantity(terms(id).lot, of: id))"
        case .quantityOutOfBounds(let id):
            return "QTY_OUT_OF_BOUNDS min=\(quantity(terms(id).minQuantity, of: id)) max=\(quantity(terms(id).maxQuantity, of: id))"
        case .notionalTooSmall(let id, let notional): return notionalTooSmall(id, notional)
        case .noMark(let id): return "NO_MARK \(symbol(id))"
        case .alreadyExpired(let expire, let now): return "ALREADY_EXPIRED expire=\(expire / 1_000) now=\(now / 1_000)"
        case .tooLate(let before, let now): return "TOO_LATE before=\(before / 1_000) now=\(now / 1_000)"
        case .orderClosed(let status): return "ORDER_CLOSED status=\(status.word)"
        case .belowCumulative(let id, let cumulative): return "BELOW_CUM cum=\(quantity(cumulative, of: id))"
        case .noPosition(let id, let held): return "NO_POSITION qty=\(quantity(held, of: id))"
        case .insufficientFunds(let asset, _, let need, let available): return funds("INSUFFICIENT_FUNDS", asset, need: need, "available", available)
        case .limitDisabled(let scope): return limit("LIMIT_DISABLED", scope.account, scope.instrument)
        case .limitQuantity(let scope, let most, let value): return limit("LIMIT_QTY", scope.account, scope.instrument, amount(most), amount(value))
        case .limitNotional(let scope, _, let most, let value):
            return limit("LIMIT_NOTIONAL", scope.account, scope.instrument, amount(most), amount(value))
        case .limitPosition(let scope, let most, let value):
            return limit("LIMIT_POSITION", scope.account, scope.instrument, amount(most), amount(value))
        case .limitOpenOrders(let scope, let most, let value): return limit("LIMIT_OPEN_ORDERS", scope.account, scope.instrument, "\(most)", "\(value)")
        case .limitPriceBand(let scope, let id, let most, let value, let reference):
            return "LIMIT_PRICE_BAND limit=\(most) value=\(value) reference=\(price(reference, of: id))" + limit("", scope.account, scope.instrument)
        case .limitShort(let scope, let id, let value):
            return "LIMIT_SHORT value=\(amount(value))" + limit("", scope.account, scope.instrument) + (scope.instrument < 0 ? " \(symbol(id))" : "")
        case .limitNotListed(let scope, let id): return limit("LIMIT_NOT_LISTED", scope.account, -1) + " \(symbol(id))"
        case .limitDailyLoss(let scope, let asset, let most, let value): return dailyLoss(scope.account, asset, most, value)
        case .limitOrderRate(let scope, let rate, let wait): return self.rate("ORDER", scope.account, scope.instrument, Int32(rate), wait)
        case .overflow(let what): return "OVERFLOW what=\(what)"
        case .notSupported(let what): return "NOT_SUPPORTED what=\(what)"
        case .badValue(let key): return "BAD_VALUE argument=\(word(key))"
        default: return "\(rejection)"
        }
    }

    private func word(_ key: Rejection.Key) -> String {
        switch key {
        case .quantity: "qty"
        case .timeInForce: "tif"
        case .makerFee: "maker_bps"
        case .takerFee: "taker_bps"
        default: "\(key)"
        }
    }
}

extension InstrumentState {
    var word: String {
        switch self {
        case .trading: "trading"
        case .halted: "halted"
        case .postOnly: "post_only"
        case .cancelOnly: "cancel_only"
        }
    }
}
