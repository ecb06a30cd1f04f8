import Core

// RPL, CXL, CXA.
extension Twin {
    package func decide(_ replace: Replace) -> Answer {
        guard let account = account(replace.account) else { return .rejected(.unknownAccount(replace.account)) }
        guard let market = market(replace.instrument) else { return .rejected(.unknownInstrument(replace.instrument)) }
        guard let order = find(replace.order, account, market) else { return .rejected(.unknownOrder) }
        let stopChanges = replace.stop != 0 && replace.stop != order.stop
        let most = replace.max == 0 ? order.max : replace.max
        let isSame = replace.quantity == order.quantity && replace.price == order.price && most == order.max && !stopChanges
        if isSame, order.isOpen || order.status == .filled { return .order(OrderPicture(order), duplicate: true) }
        let stop = !order.isArmed ? 0 : stopChanges ? replace.stop : order.stop
        if let late = tooLate(replace.before) { return .rejected(late) }
        guard order.isOpen else { return .rejected(.orderClosed(order.status)) }
        if order.leg != nil { return .rejected(.inPair(order.id)) }
        if !market.isInternal, replace.stop != 0 { return .rejected(.notSupported(.instructions)) }
        if let closed = stateFault(order, replace, stopChanges) { return .rejected(closed) }
        if account.status != .open { return .rejected(.accountSuspended(account.number)) }
        if replace.stop < 0 || replace.stop != 0 && !order.isArmed { return .rejected(.badValue(.stop)) }
        if replace.quantity > order.quantity, isCutTooFine(replace.quantity - order.cumulative, display: order.display) { return .rejected(.badValue(.quantity)) }
        if let fault = termsFault(
            market, order.type, replace.quantity, replace.price, lot: replace.quantity != order.quantity, tick: replace.price != order.price)
        {
            return .rejected(fault)
        }
        if stopChanges, replace.stop % market.terms.tick != 0 { return .rejected(.offTick(market.id)) }
        if replace.quantity < order.cumulative { return .rejected(.belowCumulative(market.id, cumulative: order.cumulative)) }
        if most != 0, !isAllowed(max: most, market, order.new) { return .rejected(.badValue(.max)) }
        guard let notional = notional(market, order.type, replace.quantity, replace.price, most, stop: stop) else {
            return .rejected(.overflow(.notional))
        }
        if isTooSmall(market, order.type, notional) { return .rejected(.notionalTooSmall(market.id, notional: notional)) }

        let leaves = replace.quantity - order.cumulative
        if stopChanges, let price = priceThatTriggers(order, replace.stop) {
            return .rejected(.wouldTrigger(market.id, stop: replace.stop, price: price))
        }
        let leavesPlace = replace.price != order.price || replace.quantity > order.quantity
        if market.isInternal, !order.isArmed, leavesPlace, leaves > 0, let fault = takingFault(order, replace.price) {
            return .rejected(fault)
        }

        if order.new.instructions.reduceOnly, replace.quantity > order.quantity, leaves > order.closable {
            return .rejected(.reduceOnly(market.id, position: order.position.quantity))
        }

        // What the rest will hold.
        var hold: Amount = 0
        var change: Amount = 0
        if market.info.funds == .full {
            var need: Amount = 0
            if leaves == 0 {
                need = 0
            } else if most != 0, replace.max == 0 {
                // What is left of it.
                need = order.held
                hold = need
            } else if order.isMarketBuy {
                guard let restNotional = self.notional(market, order.type, leaves, replace.price, most, stop: stop) else {
                    return .rejected(.overflow(.reserve))
                }
                switch marketHold(order, leaves, most, stop: stop, isArmed: order.isArmed, notional: restNotional, counted: nil) {
                case .success(let amount): need = amount
                case .failure(let rejection): return .rejected(rejection)
                }
                hold = need
            } else if order.side == .buy {
                guard let worth = market.worth(replace.price, leaves), isInRange(worth + feeHeld(worth, order.rates)) else {
                    return .rejected(.overflow(.reserve))
                }
                need = worth + feeHeld(worth, order.rates)
            } else {
                need = Int128(leaves) * market.quantityUnit
                guard isInRange(need) else { return .rejected(.overflow(.reserve)) }
            }
            change = need - order.held
            let available = available(account, order.fundsAsset)
            if change > 0, available < change {
                return .rejected(.insufficientFunds(order.fundsAsset, wallet, need: change, available: available))
            }
        }
        let added = replace.quantity - order.quantity
        let counts = added > 0 || replace.price != order.price || most != order.max || stopChanges
        // A sale that is offered for less is nearer to trading.
        let asksMore = order.side == .sell ? replace.price != order.price : replace.price > order.price
        let marketStopRises = order.type == .market && order.isArmed && stop > order.stop
        if let refused = riskRefusal(
            TwinAsk(
                account: account, market: market, side: order.side, quantity: replace.quantity, added: max(added, 0),
                price: replace.price == order.price && !stopChanges ? 0 : replace.price, stop: stop, notional: knownWorth(market, order.type, notional), opens: false,
                isDearer: added > 0 || change > 0 || asksMore || marketStopRises, counts: counts,
                isReduceOnly: order.new.instructions.reduceOnly))
        {
            return .rejected(refused)
        }

        record(
            .orderReplaced(
                OrderReplaced(
                    order: order.id, quantity: replace.quantity, price: replace.price, max: most, marketReserve: hold,
                    stop: stopChanges ? replace.stop : 0)))
        if counts { count(\.orders, account, market) }
        order.largest = max(order.largest, replace.quantity)
        order.quantity = replace.quantity
        order.price = replace.price
        order.max = most
        order.hold = hold
        order.updated = now
        if leaves == 0 {
            saw(.replaceFills)
            close(order, .filled)
        } else if order.isArmed {
            saw(stopChanges ? .replaceMovesStop : .replaceOfArmed)
            if stopChanges {
                order.stop = replace.stop
                market.remove(order)
                arm(order)
            }
        } else if market.isInternal {
            if leavesPlace {
                market.remove(order)
                let before = order.cumulative
                enter(order)
                saw(order.cumulative > before ? .replaceTakes : .replaceLosesPlace)
                cascade(market)
            } else {
                saw(order.display > 0 ? .replaceKeepsPlaceOfIceberg : .replaceKeepsPlace)
                order.shown = min(order.shown, order.leaves)
            }
        }
        return .order(OrderPicture(order), duplicate: false)
    }

    private func stateFault(_ order: TwinOrder, _ replace: Replace, _ stopChanges: Bool) -> Rejection? {
        let market = order.market
        if !market.isInternal { return market.terms.state == .trading ? nil : .instrumentHalted(market.id) }
        switch market.terms.state {
        case .trading, .postOnly: return nil
        case .halted: return .instrumentHalted(market.id)
        case .cancelOnly:
            return replace.quantity < order.quantity && replace.price == order.price && !stopChanges ? nil : .instrumentCancelOnly(market.id)
        }
    }

    package func decide(_ cancel: Cancel) -> Answer {
        guard let account = account(cancel.account) else { return .rejected(.unknownAccount(cancel.account)) }
        guard let market = market(cancel.instrument) else { return .rejected(.unknownInstrument(cancel.instrument)) }
        guard let order = find(cancel.order, account, market) else { return .rejected(.unknownOrder) }
        if order.status == .canceled { return .order(OrderPicture(order), duplicate: true) }
        if let late = tooLate(cancel.before) { return .rejected(late) }
        guard order.isOpen else { return .rejected(.orderClosed(order.status)) }
        if let full = fullMeter(\.cancels, account, market) {
            return .rejected(.limitCancelRate(full.scope, limit: full.limit, retry: full.retry))
        }
        count(\.cancels, account, market)
        self.cancel(order, .requested, cancel.note)
        return .order(OrderPicture(order), duplicate: false)
    }

    package func decide(_ all: CancelAll) -> Answer {
        if let late = tooLate(all.before) { return .rejected(late) }
        if all.account == 0 {
            return .canceled(count: accounts.reduce(0) { $0 + cancelOpen($1, -1, all.reason, session: all.session) })
        }
        guard let account = account(all.account) else { return .rejected(.unknownAccount(all.account)) }
        if all.instrument >= 0, market(all.instrument) == nil { return .rejected(.unknownInstrument(all.instrument)) }
        return .canceled(count: cancelOpen(account, all.instrument, all.reason, session: all.session))
    }

    /// By ascending instrument and OrderID. How many went, other legs included.
    package func cancelOpen(_ account: TwinAccount, _ instrument: InstrumentID, _ reason: CancelReason, session: UInt64 = 0) -> Int64 {
        let before = account.open.count
        let meant = account.open.filter {
            (instrument < 0 || $0.market.id == instrument) && (session == 0 || $0.new.cancelOnDisconnect == session)
        }
        for order in meant.sorted(by: { ($0.market.id, $0.id) < ($1.market.id, $1.id) }) where order.isOpen { cancel(order, reason) }
        return Int64(before - account.open.count)
    }
}
