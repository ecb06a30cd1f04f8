import Core

// NEW and CLS: a ladder of checks, then the order is there and trades.
extension Twin {
    package func decide(_ new: NewOrder) -> Answer {
        guard let account = account(new.account) else { return .rejected(.unknownAccount(new.account)) }
        guard let market = market(new.instrument) else { return .rejected(.unknownInstrument(new.instrument)) }
        if let known = ids[TwinName(account.number, new.clientID)] { return repeated(known, .newOrder(new), new.clientID) }
        return accept(new, account, market, .newOrder(new), wholePosition: false)
    }

    package func decide(_ close: ClosePosition) -> Answer {
        guard let account = account(close.account) else { return .rejected(.unknownAccount(close.account)) }
        guard let market = market(close.instrument) else { return .rejected(.unknownInstrument(close.instrument)) }
        if let known = ids[TwinName(account.number, close.clientID)] { return repeated(known, .closePosition(close), close.clientID) }
        let held = account.positions[market.id]?.quantity ?? 0
        guard held != 0, held != .min, abs(held) >= abs(close.quantity) else { return .rejected(.noPosition(market.id, quantity: held)) }
        let new = NewOrder(
            account: close.account, instrument: close.instrument, side: held > 0 ? .sell : .buy, type: close.price == 0 ? .market : .limit,
            timeInForce: .gtc, quantity: close.quantity == 0 ? abs(held) : close.quantity, price: close.price, clientID: close.clientID,
            max: close.max, strategy: close.strategy, note: close.note, before: close.before, cancelOnDisconnect: close.cancelOnDisconnect)
        return accept(new, account, market, .closePosition(close), wholePosition: new.quantity == abs(held) || -new.quantity == abs(held))
    }

    private func repeated(_ known: TwinKnown, _ command: Command, _ id: Text) -> Answer {
        guard case .order(let order, let content) = known, haveSameContent(content, command) else { return .rejected(.idReused(id)) }
        return .order(OrderPicture(orders[order]!), duplicate: true)
    }

    private func accept(_ new: NewOrder, _ account: TwinAccount, _ market: TwinMarket, _ content: Command, wholePosition: Bool) -> Answer {
        if let late = tooLate(new.before) { return .rejected(late) }
        if account.status != .open { return .rejected(.accountSuspended(account.number)) }
        if let closed = stateFault(market) { return .rejected(closed) }
        if let fault = instructionsFault(market, new) { return .rejected(fault) }
        if let fault = termsFault(market, new.type, new.quantity, new.price, lot: !wholePosition, tick: true) { return .rejected(fault) }
        if new.instructions.stop % market.terms.tick != 0 { return .rejected(.offTick(market.id)) }
        if new.timeInForce == .gtd {
            if new.expire <= now { return .rejected(.alreadyExpired(expire: new.expire, now: now)) }
        } else if new.expire != 0 {
            return .rejected(.badValue(.expire))
        }
        if new.max != 0, !isAllowed(max: new.max, market, new) { return .rejected(.badValue(.max)) }
        guard let notional = notional(market, new.type, new.quantity, new.price, new.max, stop: new.instructions.stop) else { return .rejected(.overflow(.notional)) }
        if isTooSmall(market, new.type, notional) { return .rejected(.notionalTooSmall(market.id, notional: notional)) }
        var leg: TwinOrder?
        if !new.oco.isEmpty {
            leg = find(.client(new.oco), account, market)
            guard let leg, leg.isOpen, leg.leg == nil, leg.cumulative == 0, leg.side == new.side, leg.quantity == new.quantity else {
                return .rejected(.badPair(new.oco))
            }
        }
        let rates = market.isInternal ? rates(account, market) : FeeRates()
        let order = TwinOrder(
            id: Int64(wallet) << 40 | (lastOrder + 1), account: account, market: market, new: new, rates: rates, now: now)
        let isArmed = new.instructions.trigger != .none
        var counted: Amount?
        if isArmed {
            if let price = priceThatTriggers(order, new.instructions.stop) {
                return .rejected(.wouldTrigger(market.id, stop: new.instructions.stop, price: price))
            }
        } else if market.isInternal {
            if market.terms.state == .postOnly, takesAtOnce(new) { return .rejected(.instrumentPostOnly(market.id)) }
            if let fault = takingFault(order, new.price) { return .rejected(fault) }
            if new.timeInForce == .fok {
                let (quantity, worth) = fillable(new, new.quantity, new.price, account, market, rates, new.max > 0 ? new.max : nil)
                if quantity < new.quantity { return .rejected(.unfillable(market.id, available: quantity)) }
                counted = worth
            }
        }

        if new.instructions.reduceOnly, order.closable < new.quantity {
            return .rejected(.reduceOnly(market.id, position: order.position.quantity))
        }
        if let refused = riskRefusal(
            TwinAsk(
                account: account, market: market, side: new.side, quantity: new.quantity, added: new.quantity, price: new.price,
                stop: new.instructions.stop, notional: knownWorth(market, new.type, notional), opens: true, isDearer: true, counts: true,
                isReduceOnly: new.instructions.reduceOnly, leg: leg))
        {
            return .rejected(refused)
        }

        if market.info.funds == .full {
            if order.isMarketBuy {
                switch marketHold(order, new.quantity, new.max, stop: new.instructions.stop, isArmed: isArmed, notional: notional, counted: counted) {
                case .success(let hold): order.hold = hold
                case .failure(let rejection): return .rejected(rejection)
                }
            } else if new.side == .buy {
                guard isInRange(notional + feeHeld(notional, rates)) else { return .rejected(.overflow(.reserve)) }
            } else {
                guard isInRange(Int128(new.quantity) * market.quantityUnit) else { return .rejected(.overflow(.reserve)) }
            }
        }
        order.leg = leg
        order.isSecond = leg != nil
        if market.info.funds == .full {
            let (need, available) = (order.held, available(account, order.fundsAsset))
            if available < need { return .rejected(.insufficientFunds(order.fundsAsset, wallet, need: need, available: available)) }
        }

        // It is there.
        record(
            .orderAccepted(
                OrderAccepted(
                    id: order.id, account: account.number, instrument: market.id, side: new.side, type: new.type, timeInForce: new.timeInForce,
                    quantity: new.quantity, price: new.price, clientID: new.clientID, expire: new.expire, max: new.max, marketReserve: order.hold,
                    strategy: new.strategy, note: new.note, cancelOnDisconnect: new.cancelOnDisconnect, instructions: new.instructions,
                    oco: leg?.id ?? 0, fees: rates)))
        lastOrder += 1
        leg?.leg = order
        orders[order.id] = order
        ids[TwinName(account.number, new.clientID)] = .order(order.id, content: content)
        account.open.append(order)
        // A position's balances are there from its first order on.
        account.positions[market.id] = account.positions[market.id] ?? TwinPosition()
        count(\.orders, account, market)
        if leg != nil, market.info.funds == .full { saw(order.held == 0 ? .secondLegHoldsNothing : .secondLegHoldsMore) }
        if isArmed {
            arm(order)
        } else if market.isInternal {
            if order.type == .market, market.others(of: order.side).isEmpty { saw(.marketIntoEmptyBook) }
            enter(order)
            if new.timeInForce == .fok { saw(order.status == .filled ? .fokFilled : .fokEndedByOverflow) }
            if new.timeInForce == .ioc, order.status == .canceled, order.cumulative > 0 { saw(.iocPart) }
            if new.instructions.postOnly, order.isOpen { saw(.postRests) }
            cascade(market)
        }
        return .order(OrderPicture(order), duplicate: false)
    }

    package func arm(_ order: TwinOrder) {
        order.isArmed = true
        order.market.armed.append(order)
    }

    // MARK: Checks

    private func stateFault(_ market: TwinMarket) -> Rejection? {
        if !market.isInternal { return market.terms.state == .trading ? nil : .instrumentHalted(market.id) }
        switch market.terms.state {
        case .trading, .postOnly: return nil
        case .halted: return .instrumentHalted(market.id)
        case .cancelOnly: return .instrumentCancelOnly(market.id)
        }
    }

    /// Never rests: market, IOC, FOK.
    package func takesAtOnce(_ new: NewOrder) -> Bool { new.type == .market || new.timeInForce == .ioc || new.timeInForce == .fok }

    package func termsFault(_ market: TwinMarket, _ type: OrderType, _ quantity: Quantity, _ price: Price, lot: Bool, tick: Bool) -> Rejection? {
        if quantity <= 0 { return .badValue(.quantity) }
        if type == .limit ? price <= 0 : price != 0 { return .badValue(.price) }
        if lot {
            if quantity % market.terms.lot != 0 { return .offLot(market.id) }
            if quantity < market.terms.minQuantity || quantity > market.terms.maxQuantity { return .quantityOutOfBounds(market.id) }
        }
        if tick, price % market.terms.tick != 0 { return .offTick(market.id) }
        return nil
    }

    package func isAllowed(max: Amount, _ market: TwinMarket, _ new: NewOrder) -> Bool {
        max > 0 && isInRange(max) && new.type == .market && new.side == .buy && market.info.funds == .full
    }

    private func instructionsFault(_ market: TwinMarket, _ new: NewOrder) -> Rejection? {
        let it = new.instructions
        if !market.isInternal { return it == Instructions() && new.oco.isEmpty ? nil : .notSupported(.instructions) }
        if it.stop < 0 || (it.stop != 0) != (it.trigger != .none) { return .badValue(.stop) }
        if it.trigger == .none, it.triggerPrice != .last { return .badValue(.trigger) }
        if it.trigger != .none, new.timeInForce == .fok { return .badValue(.timeInForce) }
        if it.postOnly, takesAtOnce(new) || it.trigger != .none { return .badValue(.post) }
        if it.display != 0, it.display < 0 || it.display >= new.quantity || it.display % market.terms.lot != 0 || takesAtOnce(new) {
            return .badValue(.display)
        }
        if isCutTooFine(new.quantity, display: it.display) { return .badValue(.display) }
        if !new.oco.isEmpty, new.timeInForce == .ioc || new.timeInForce == .fok || new.type == .market && it.trigger == .none { return .badValue(.oco) }
        return nil
    }

    /// More than a thousand slices.
    package func isCutTooFine(_ quantity: Quantity, display: Quantity) -> Bool { display > 0 && Int128(quantity) > 1_000 * Int128(display) }

    package func notional(_ market: TwinMarket, _ type: OrderType, _ quantity: Quantity, _ price: Price, _ max: Amount, stop: Price) -> Amount? {
        if type == .limit { return market.worth(price, quantity) }
        guard let price = stop != 0 ? stop : market.mark ?? market.last else { return 0 }
        return market.worth(price, quantity).map { Swift.max($0, max) }
    }

    /// Of a market order nobody knows what it is worth where there is neither mark nor trade, whatever arms it.
    package func knownWorth(_ market: TwinMarket, _ type: OrderType, _ notional: Amount) -> Amount {
        type == .market && market.mark == nil && market.last == nil ? 0 : notional
    }

    package func isTooSmall(_ market: TwinMarket, _ type: OrderType, _ notional: Amount) -> Bool {
        notional < market.terms.minNotional && (type == .limit || notional > 0)
    }

    /// The account's rates on the instrument, else in the wallet, else the instrument's; each for itself.
    package func rates(_ account: TwinAccount, _ market: TwinMarket) -> FeeRates {
        let (own, wide) = (account.positions[market.id]?.limits ?? Limits(), limits(of: account) ?? Limits())
        func rate(_ choices: [Int32]) -> Int32 { choices.first { $0 != Limits.noRate }! }
        return FeeRates(
            maker: rate([own.makerFee, wide.makerFee, market.terms.fees.maker]), taker: rate([own.takerFee, wide.takerFee, market.terms.fees.taker]))
    }

    /// The last or mark price with which an order of that stop would trigger at once; where there is none, the other one.
    package func priceThatTriggers(_ order: TwinOrder, _ stop: Price) -> Price? {
        let market = order.market
        guard let price = order.new.instructions.triggerPrice == .last ? market.last ?? market.mark : market.mark ?? market.last else { return nil }
        return (isRising(order) ? price >= stop : price <= stop) ? price : nil
    }

    /// Of an order that may not take.
    package func takingFault(_ order: TwinOrder, _ price: Price) -> Rejection? {
        guard let best = order.market.others(of: order.side).first, crosses(order.side, order.type, price, best) else { return nil }
        if order.market.terms.state == .postOnly { return .instrumentPostOnly(order.market.id) }
        return order.new.instructions.postOnly ? .wouldTake(order.market.id, price: best.price) : nil
    }

    /// What a market buy holds.
    package func marketHold(
        _ order: TwinOrder, _ quantity: Quantity, _ max: Amount, stop: Price, isArmed: Bool, notional: Amount, counted: Amount?
    ) -> Result<Amount, Rejection> {
        let market = order.market
        if max > 0 { return .success(max) }
        let margin = Int128(settings[Int(Setting.marketMarginBps.rawValue)])
        var amount: Amount?
        if !market.isInternal {
            if market.mark == nil { return .failure(.noMark(market.id)) }
            amount = notional + (notional * margin + 9_999) / 10_000
        } else if isArmed {
            amount = market.worth(stop, quantity).map { $0 + ($0 * margin + 9_999) / 10_000 }
        } else {
            amount = counted ?? asked(order.new, order.account, market)
        }
        guard let amount, isInRange(amount), isInRange(amount + feeHeld(amount, order.rates)) else { return .failure(.overflow(.reserve)) }
        return .success(amount + feeHeld(amount, order.rates))
    }
}

/// Do two commands ask for the same thing? The tag, `before=` and the session do not count.
package func haveSameContent(_ a: Command, _ b: Command) -> Bool {
    switch (a, b) {
    case (.newOrder(let a), .newOrder(let b)):
        return a.instrument == b.instrument && a.side == b.side && a.type == b.type && a.timeInForce == b.timeInForce && a.quantity == b.quantity
            && a.price == b.price && a.expire == b.expire && a.max == b.max && a.strategy == b.strategy && a.note == b.note
            && a.instructions == b.instructions && a.oco == b.oco
    case (.closePosition(let a), .closePosition(let b)):
        return a.instrument == b.instrument && a.quantity == b.quantity && a.price == b.price && a.max == b.max && a.strategy == b.strategy
            && a.note == b.note
    case (.money(let a), .money(let b)): return a.kind == b.kind && a.asset == b.asset && a.amount == b.amount && a.note == b.note
    case (.takeOver(let a), .takeOver(let b)):
        return a.instrument == b.instrument && a.quantity == b.quantity && a.price == b.price && a.note == b.note
    default: return false
    }
}
