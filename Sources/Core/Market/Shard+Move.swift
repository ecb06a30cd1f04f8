// Moves: most of what an internal venue is asked for is a plain limit order to another price or quantity, with nothing in its way.

extension Shard {
    /// Replaces an open order if it has no options, the account no limits, and nothing at all is to be said against it; it rests then. `nil`: nothing has
    /// changed, and ``replaceInBook(_:_:_:_:_:_:)``, whose checks these are and in whose order they need not be, says why not or does what else it takes.
    @inline(__always)
    mutating func move(
        _ replace: borrowing Replace, _ account: Int32, _ slot: Int32, _ now: Timestamp, _ emit: (borrowing OrderReplaced) -> Void
    ) -> Outcome? {
        let (instrument, quantity, price, max, stop) = (replace.instrument, replace.quantity, replace.price, replace.max, replace.stop)
        if max != 0 || stop != 0 || orderRecords[slot].extra != none { return nil }
        let order = orders.pointer(slot)
        let market = markets.pointer(instrument)
        let position = positions.pointer(order.pointee.position)
        let isBuy = order.pointee.side == .buy
        if order.pointee.type != .limit || order.pointee.level == none || market.pointee.terms.state != .trading || market.pointee.funds != .full {
            return nil
        }
        if registry.accounts[Int(account)].status != .open { return nil }
        if accounts[account].limits & accounts[account].risk & position.pointee.limits & defaultLimits != none { return nil }

        if price <= 0 || price != order.pointee.price && !isMultiple(price, of: market.pointee.terms.tick) { return nil }
        if quantity <= order.pointee.cumulative { return nil }
        let leaves = quantity - order.pointee.cumulative
        let isOtherQuantity = quantity != order.pointee.quantity
        if isOtherQuantity {
            let terms = market.pointee.terms
            if quantity < terms.minQuantity || quantity > terms.maxQuantity || !isMultiple(quantity, of: terms.lot) { return nil }
            let open = isBuy ? position.pointee.openBuy : position.pointee.openSell
            if open.addingReportingOverflow(Swift.max(quantity - order.pointee.quantity, 0)).overflow { return nil }
        }
        guard let notional = Numbers.product(price, quantity, market.pointee.amountUnit), notional >= market.pointee.terms.minNotional else { return nil }
        if crossing(instrument, order.pointee.side, .limit, price) != nil { return nil }

        var change: Amount = 0
        if isBuy || isOtherQuantity {
            let rates = feeRates[Int(orderRecords[slot].rates)]
            guard let need = need(instrument, order.pointee.side, leaves, price, rates) else { return nil }
            change = need - reserved(slot)
            if change > 0, balances[order.pointee.funds].available < change { return nil }
        }
        let replaced = OrderReplaced(order: order.pointee.id, quantity: quantity, price: price, max: 0, marketReserve: 0)
        forgetOld(now, keeping: nil)
        evolve(replaced, at: slot, change: change, now)
        emit(replaced)
        return .order(
            OrderView(
                id: order.pointee.id, instrument: instrument, status: order.pointee.status, leaves: leaves, cumulative: order.pointee.cumulative,
                cumulativeCost: orderRecords[slot].cumulativeCost),
            duplicate: false)
    }
}
