// Risk limits, before every order: the account's in this wallet, then the account's on the instrument.

extension Shard {
    /// Why risk control refuses an order, or more of one. `quantity`: its OrderQty; `added`: what comes on top of what is open;
    /// `notional`: of the whole order, 0 where it is not known; `opens`: it is one more open order.
    @inline(__always)
    func riskRefusal(
        _ number: AccountNumber, _ account: Int32, _ instrument: InstrumentID, _ position: Int32?, _ side: Side,
        quantity: Quantity, added: Quantity, notional: Amount, opens: Bool
    ) -> Rejection? {
        let open = position.map { side == .buy ? positions[$0].openBuy : positions[$0].openSell } ?? 0
        let (openAfter, overflow) = open.addingReportingOverflow(added)
        if overflow { return .overflow(.position) }
        // Most have no limits.
        if accounts[account].limits == none, position.map({ positions[$0].limits }) ?? none == none { return nil }
        return limitRefusal(
            number, account, instrument, position, side, openAfter: openAfter, quantity: quantity, added: added, notional: notional, opens: opens)
    }

    @inline(never)
    private func limitRefusal(
        _ number: AccountNumber, _ account: Int32, _ instrument: InstrumentID, _ position: Int32?, _ side: Side, openAfter: Quantity,
        quantity: Quantity, added: Quantity, notional: Amount, opens: Bool
    ) -> Rejection? {
        let held = position.map { positions[$0].quantity } ?? 0
        // Where the position goes if every open order of this side fills.
        let worst = side == .buy ? Int128(held) + Int128(openAfter) : Int128(openAfter) - Int128(held)

        func refusal(_ slot: Int32, _ scope: LimitScope, _ openOrders: Int32) -> Rejection? {
            if slot == none { return nil }
            let it = limits[slot]
            let unit = Int128(markets[instrument].quantityUnit)
            if !it.enabled { return .limitDisabled(scope) }
            if Int128(quantity) * unit > it.maxQuantity {
                return .limitQuantity(scope, limit: it.maxQuantity, value: Int128(quantity) * unit)
            }
            if it.maxNotional != Limits.none {
                if notional == 0 { return .noMark(instrument) }
                if notional > it.maxNotional {
                    let quote = markets[instrument].quote
                    return .limitNotional(scope, quote: quote, limit: it.maxNotional, value: notional)
                }
            }
            if opens, Int64(openOrders) + 1 > it.maxOpenOrders {
                return .limitOpenOrders(scope, limit: it.maxOpenOrders, value: Int64(openOrders) + 1)
            }
            if added > 0, it.maxPosition != Limits.none, worst * unit > it.maxPosition {
                return .limitPosition(scope, limit: it.maxPosition, value: worst * unit)
            }
            return nil
        }
        if let refused = refusal(
            accounts[account].limits, LimitScope(account: number, instrument: -1, wallet: self.number),
            accounts[account].openOrders)
        {
            return refused
        }
        guard let position else { return nil }
        return refusal(
            positions[position].limits, LimitScope(account: number, instrument: instrument, wallet: self.number),
            positions[position].openOrders)
    }
}
