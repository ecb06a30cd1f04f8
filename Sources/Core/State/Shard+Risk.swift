// Risk limits, before every order: the account's in this wallet (its own, or those of all that have none), then the account's on the instrument, then
// how many orders a second.

/// What risk control is asked: an order, or a replace of one.
struct RiskAsk: BitwiseCopyable {
    var number: AccountNumber
    var account: Int32
    var instrument: InstrumentID
    /// `none`: there is no position yet.
    var position: Int32
    var side: Side
    /// Its OrderQty.
    var quantity: Quantity
    /// What comes on top of what is open.
    var added: Quantity
    /// Its new limit price; 0: it has none, or the one it had.
    var price: Price
    /// What arms it; 0: nothing.
    var stop: Price
    /// Of the whole order, 0 where it is not known.
    var notional: Amount
    /// It is one more open order.
    var opens: Bool
    /// It asks for more than there is: a new order, or more quantity, price or money.
    var isDearer: Bool
    /// It counts for the order rate.
    var counts: Bool
    /// What of it counts where the position may go.
    var part: OpenPart
}

extension Shard {
    /// Why risk control refuses it. That the account has lost too much is noted whether it is refused or not.
    @inline(__always)
    mutating func riskRefusal(_ ask: RiskAsk, _ now: Timestamp, _ then: (borrowing Mutation) -> Void) -> Rejection? {
        let position = ask.position
        let open = position == none ? 0 : ask.side == .buy ? positions[position].openBuy : positions[position].openSell
        let (openAfter, overflow) = open.addingReportingOverflow(ask.added)
        if overflow { return .overflow(.position) }
        // Most have no limits.
        let own = position == none ? none : positions[position].limits
        if accounts[ask.account].limits & accounts[ask.account].risk & own & defaultLimits == none { return nil }
        return limitRefusal(ask, openAfter, now, then)
    }

    @inline(never)
    private mutating func limitRefusal(
        _ ask: RiskAsk, _ openAfter: Quantity, _ now: Timestamp, _ then: (borrowing Mutation) -> Void
    ) -> Rejection? {
        latchLoss(ask.account, ask.instrument, now, then)
        let whole = accountLimits(ask.account)
        let own = ask.position == none ? none : positions[ask.position].limits
        if let refused = refusal(ask, whole, -1, openAfter, accounts[ask.account].openOrders) { return refused }
        if whole != none, ask.isDearer, limits[whole].listedOnly, own == none {
            return .limitNotListed(scope(ask.number, -1), ask.instrument)
        }
        if let refused = refusal(ask, own, ask.instrument, openAfter, ask.position == none ? 0 : positions[ask.position].openOrders) {
            return refused
        }
        if ask.isDearer, !takesRiskOff(ask, openAfter), let refused = lossRefusal(ask.number, ask.account, ask.instrument, now) { return refused }
        return !ask.counts ? nil : orderRateRefusal(ask.number, ask.account, ask.instrument, ask.position, now)
    }

    /// Why the limits in `slot` refuse it. `scope`: the instrument they are of, -1: the account.
    private func refusal(
        _ ask: RiskAsk, _ slot: Int32, _ instrument: InstrumentID, _ openAfter: Quantity, _ openOrders: Int32
    ) -> Rejection? {
        if slot == none { return nil }
        let it = limits[slot]
        let scope = scope(ask.number, instrument)
        if it.priceBand != Limits.unlimited, ask.price != 0, let refused = bandRefusal(ask, scope, it.priceBand) { return refused }
        if !ask.isDearer { return nil }
        let unit = Int128(markets[ask.instrument].quantityUnit)
        if !it.enabled { return .limitDisabled(scope) }
        if Int128(ask.quantity) * unit > it.maxQuantity {
            return .limitQuantity(scope, limit: it.maxQuantity, value: Int128(ask.quantity) * unit)
        }
        if it.maxNotional != Limits.none {
            if ask.notional == 0 { return .noMark(ask.instrument) }
            if ask.notional > it.maxNotional {
                return .limitNotional(scope, quote: markets[ask.instrument].quote, limit: it.maxNotional, value: ask.notional)
            }
        }
        if ask.opens, Int64(openOrders) + 1 > it.maxOpenOrders {
            return .limitOpenOrders(scope, limit: it.maxOpenOrders, value: Int64(openOrders) + 1)
        }
        // Where the position goes if every open order of this side fills.
        if ask.added <= 0 || ask.part == .nothing { return nil }
        let held = ask.position == none ? 0 : positions[ask.position].quantity
        let worst = mayTrade(ask, openAfter) + (ask.side == .buy ? Int128(held) : -Int128(held))
        if it.maxPosition != Limits.none, worst * unit > it.maxPosition {
            return .limitPosition(scope, limit: it.maxPosition, value: worst * unit)
        }
        if !it.mayShort, ask.side == .sell, worst > 0 { return .limitShort(scope, ask.instrument, value: -worst * unit) }
        return nil
    }

    /// A limit price too far from where the market is; of an armed order, from where the market will be when it is an order.
    private func bandRefusal(_ ask: RiskAsk, _ scope: LimitScope, _ band: Int32) -> Rejection? {
        let market = referencePrice(ask.instrument)
        if market <= 0 { return .noMark(ask.instrument) }
        let reference = ask.stop != 0 ? ask.stop : market
        let distance = Int128((ask.price - reference).magnitude) * 10_000
        if distance <= Int128(reference) * Int128(band) { return nil }
        return .limitPriceBand(
            scope, ask.instrument, limit: Int64(band), value: Int64(clamping: (distance + Int128(reference) - 1) / Int128(reference)),
            reference: reference)
    }

    /// Against the position, and no more than it with everything that is open on that side.
    private func takesRiskOff(_ ask: RiskAsk, _ openAfter: Quantity) -> Bool {
        let held = ask.position == none ? 0 : positions[ask.position].quantity
        guard held != 0, (held > 0) == (ask.side == .sell) else { return false }
        return mayTrade(ask, openAfter) <= Int128(held.magnitude)
    }

    /// How much of what is open on that side can trade, with what is asked for: of pairs one leg, and with reduce-only orders, which may come first, no
    /// more than the position.
    private func mayTrade(_ ask: RiskAsk, _ openAfter: Quantity) -> Int128 {
        if ask.position == none { return Int128(openAfter) }
        let slot = positions[ask.position].openParts
        let parts = slot == none ? OpenParts() : openParts[slot]
        let isBuy = ask.side == .buy
        let closing = Int128(isBuy ? parts.closingBuy : parts.closingSell) + (ask.part == .closing ? Int128(ask.added) : 0)
        let nothing = Int128(isBuy ? parts.nothingBuy : parts.nothingSell) + (ask.part == .nothing ? Int128(ask.added) : 0)
        let held = Int128(positions[ask.position].quantity)
        return Int128(openAfter) - closing - nothing + Swift.min(closing, Swift.max(isBuy ? -held : held, 0))
    }

    func scope(_ number: AccountNumber, _ instrument: InstrumentID) -> LimitScope {
        LimitScope(account: number, instrument: instrument, wallet: self.number)
    }
}
