// Matching: one incoming order against the other side of its book, record by record. decide works a match out and evolve applies it before the next is
// looked at, so every rung sees the state as it is then. The rules are in docs/MATCHING.md.

/// The prices that a command's trades went through.
struct TradedRange {
    var low: Price = .max
    var high: Price = 0
    @inline(__always)
    mutating func include(_ price: Price) {
        low = Swift.min(low, price)
        high = Swift.max(high, price)
    }
}

extension Shard {
    /// Trades the open order with what crosses it, then cancels what may not rest.
    mutating func match(
        _ taker: Int32, _ instrument: InstrumentID, _ range: inout TradedRange, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void
    ) {
        let order = orders.pointer(taker)
        let side = order.pointee.side
        let opposite = books.ladders.pointer(Books.ladder(markets[instrument].book, side == .buy ? .asks : .bids))
        let account = positions[order.pointee.position].account
        let isReducing = isReduceOnly(taker)
        while order.pointee.status.isOpen {
            let level = opposite.pointee.best
            if level == none { break }
            let price = books.levels[level].price
            if !Shard.takes(side, order.pointee.type, order.pointee.price, price) { break }
            if isReducing, reducible(taker) == 0 {
                cancel(taker, .reduceOnly, now, emit)
                break
            }
            let maker = books.levels[level].first
            if positions[orders[maker].position].account == account {
                preventSelfTrade(taker, maker, instrument, now, emit)
            } else {
                trade(taker, maker, instrument, price, &range, now, emit)
            }
        }
        if order.pointee.status.isOpen, !rests(taker) { cancel(taker, .unfilled, now, emit) }
    }

    /// One match, or the end of whichever of the two cannot trade.
    @inline(__always)
    private mutating func trade(
        _ taker: Int32, _ maker: Int32, _ instrument: InstrumentID, _ price: Price, _ range: inout TradedRange, _ now: Timestamp,
        _ emit: (borrowing Mutation) -> Void
    ) {
        var quantity = Swift.min(orders[taker].leaves, visible(maker))
        if isReduceOnly(maker) {
            quantity = Swift.min(quantity, reducible(maker))
            if quantity == 0 { return cancel(maker, .reduceOnly, now, emit) }
        }
        if isReduceOnly(taker) { quantity = Swift.min(quantity, reducible(taker)) }
        let takerRate = feeRates[Int(orderRecords[taker].rates)].taker
        if orders[taker].type == .market, orders[taker].side == .buy, orders[taker].funds != none {
            quantity = affordable(quantity, price, takerRate, extras: orderRecords[taker].extra, instrument)
            if quantity == 0 { return cancel(taker, .funds, now, emit) }
        }
        guard let worth = amount(instrument, price, quantity) else { return cancel(maker, .overflow, now, emit) }
        let quote = markets[instrument].quote
        let makerFee = fee(worth, feeRates[Int(orderRecords[maker].rates)].maker)
        let takerFee = fee(worth, takerRate)
        guard let makerEffect = effectInRange(maker, instrument, quantity, price, worth, makerFee, quote) else {
            return cancel(maker, .overflow, now, emit)
        }
        guard let takerEffect = effectInRange(taker, instrument, quantity, price, worth, takerFee, quote) else {
            return cancel(taker, .overflow, now, emit)
        }
        if partner(maker) != none { cancel(partner(maker), .oco, now, emit) }
        if partner(taker) != none { cancel(partner(taker), .oco, now, emit) }
        let matched = Matched(
            trade: Int64(number) << 40 | (lastTrade + 1), maker: orders[maker].id, taker: orders[taker].id, quantity: quantity, price: price,
            makerFee: makerFee, takerFee: takerFee)
        forgetOld(now, keeping: nil)
        evolve(matched, maker, makerEffect, taker, takerEffect, now)
        emit(.matched(matched))
        range.include(price)
        latchLosses(maker, taker, instrument, now, emit)
    }

    /// Of one side; `nil` where anything would leave its range.
    @inline(__always)
    private func effectInRange(
        _ slot: Int32, _ instrument: InstrumentID, _ quantity: Quantity, _ price: Price, _ worth: Amount, _ fee: Amount, _ quote: AssetID
    ) -> FillEffect? {
        guard costFits(slot, instrument, worth), let effect = effect(slot, quantity, price, worth, fee, quote) else { return nil }
        return fits(slot, effect, quantity, quote) ? effect : nil
    }

    // MARK: Evolve

    /// In a replay: the effects are worked out again.
    mutating func evolve(_ matched: borrowing Matched, _ maker: Int32, _ taker: Int32, _ time: Timestamp) {
        let instrument = positions[orders[maker].position].instrument
        let quote = markets[instrument].quote
        guard let worth = amount(instrument, matched.price, matched.quantity),
            let makerEffect = effect(maker, matched.quantity, matched.price, worth, matched.makerFee, quote),
            let takerEffect = effect(taker, matched.quantity, matched.price, worth, matched.takerFee, quote)
        else { invariantFailure("a recorded match does not fit the state") }
        evolve(matched, maker, makerEffect, taker, takerEffect, time)
    }

    private mutating func evolve(
        _ matched: borrowing Matched, _ maker: Int32, _ makerEffect: FillEffect, _ taker: Int32, _ takerEffect: FillEffect, _ time: Timestamp
    ) {
        let instrument = positions[orders[maker].position].instrument
        let (quantity, price) = (matched.quantity, matched.price)
        invariant(orders[maker].level != none, "a match with an order that does not rest")
        let isSliceDone = showLess(maker, quantity)
        fill(maker, matched.trade, quantity, price, matched.makerFee, makerEffect, .maker, time)
        if isSliceDone, orders[maker].status.isOpen { showNextSlice(maker) }
        if orders[taker].level != none { takeFromBook(taker, quantity) }
        fill(taker, matched.trade + 1, quantity, price, matched.takerFee, takerEffect, .taker, time)

        keepDayReference(instrument, time)
        let book = markets[instrument].book
        books.books[book].last = price
        books.books[book].lastQuantity = quantity
        books.books[book].lastTime = time
        books.hours[books.books[book].hours].add(price, quantity, time)
    }

    @inline(__always)
    private mutating func fill(
        _ slot: Int32, _ trade: TradeID, _ quantity: Quantity, _ price: Price, _ fee: Amount, _ effect: FillEffect, _ liquidity: Liquidity,
        _ time: Timestamp
    ) {
        fillOrder(slot, quantity, price, spent: effect.worth + Swift.max(fee, 0), time)
        let position = orders[slot].position
        let quote = markets[positions[position].instrument].quote
        settle(position, effect, fee, quote, time)
        addTrade(trade, slot, quantity, price, fee: fee, quote, liquidity, time)
    }

    /// A maker shows so much less. True: an iceberg whose slice is used up.
    private mutating func showLess(_ maker: Int32, _ quantity: Quantity) -> Bool {
        books.change(orders[maker].level, by: -quantity)
        let extra = orderRecords[maker].extra
        if extra == none || extras[extra].instructions.display == 0 { return false }
        extras[extra].shown -= quantity
        return extras[extra].shown == 0
    }

    private mutating func showNextSlice(_ maker: Int32) {
        let extra = orderRecords[maker].extra
        let shown = Swift.min(extras[extra].instructions.display, orders[maker].leaves)
        extras[extra].shown = shown
        books.change(orders[maker].level, by: shown)
        books.moveBack(maker, &orders)
    }

    /// A taker that is in the book already, where its rest will be: an iceberg goes on showing its slice while there is enough.
    private mutating func takeFromBook(_ taker: Int32, _ quantity: Quantity) {
        let extra = orderRecords[taker].extra
        var less = quantity
        if extra != none, extras[extra].instructions.display != 0 {
            let shown = extras[extra].shown
            let after = Swift.min(shown, orders[taker].leaves - quantity)
            extras[extra].shown = after
            less = shown - after
        }
        books.change(orders[taker].level, by: -less)
    }

    // MARK: What limits a match

    @inline(__always)
    func isReduceOnly(_ slot: Int32) -> Bool {
        let extra = orderRecords[slot].extra
        return extra != none && extras[extra].instructions.reduceOnly
    }

    /// How much of the position an order may close.
    func reducible(_ slot: Int32) -> Quantity {
        let held = positions[orders[slot].position].quantity
        return orders[slot].side == .sell ? Swift.max(held, 0) : Swift.max(-held, 0)
    }

    /// How much of `quantity` a market buy can pay, fee included, in whole lots or all of it.
    private func affordable(_ quantity: Quantity, _ price: Price, _ rate: Int32, extras extra: Int32, _ instrument: InstrumentID) -> Quantity {
        let budget = extra == none ? 0 : extras[extra].marketReserve
        let paid = Swift.max(rate, 0)
        if let worth = amount(instrument, price, quantity), worth + fee(worth, paid) <= budget { return quantity }
        guard let unit = amount(instrument, price, 1) else { return 0 }
        let parts = UInt128(Shard.feeUnit)
        let worth = (parts + UInt128(paid)).dividingFullWidth(UInt128(budget).multipliedFullWidth(by: parts)).quotient
        let lot = markets[instrument].terms.lot
        return Quantity(Swift.min(worth / UInt128(unit), UInt128(quantity))) / lot * lot
    }

    /// The order's own word, its account's on the instrument, its account's, or the newest goes.
    func selfTradePrevention(_ slot: Int32) -> SelfTradePrevention {
        let extra = orderRecords[slot].extra
        let own = extra == none ? .standard : extras[extra].instructions.selfTrade
        return selfTradePrevention(own, positions[orders[slot].position].account, orders[slot].position)
    }

    func selfTradePrevention(_ own: SelfTradePrevention, _ account: Int32, _ position: Int32) -> SelfTradePrevention {
        if own != .standard { return own }
        if position != none, positions[position].limits != none, limits[positions[position].limits].selfTrade != .standard {
            return limits[positions[position].limits].selfTrade
        }
        let whole = accountLimits(account)
        return whole == none || limits[whole].selfTrade == .standard ? .newest : limits[whole].selfTrade
    }

    private mutating func preventSelfTrade(
        _ taker: Int32, _ maker: Int32, _ instrument: InstrumentID, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void
    ) {
        switch selfTradePrevention(taker) {
        case .standard, .newest: cancel(taker, .selfTrade, now, emit)
        case .oldest: cancel(maker, .selfTrade, now, emit)
        case .both:
            cancel(maker, .selfTrade, now, emit)
            cancel(taker, .selfTrade, now, emit)
        case .decrement:
            let less = Swift.min(orders[taker].leaves, orders[maker].leaves)
            for slot in [maker, taker] {
                if orders[slot].leaves == less { cancel(slot, .selfTrade, now, emit) } else { reduce(slot, by: less, now, emit) }
            }
        }
    }

    private mutating func reduce(_ slot: Int32, by quantity: Quantity, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) {
        if partner(slot) != none { cancel(partner(slot), .oco, now, emit) }
        let extra = orderRecords[slot].extra
        let replaced = OrderReplaced(
            order: orders[slot].id, quantity: orders[slot].quantity - quantity, price: orders[slot].price, max: extra == none ? 0 : extras[extra].max,
            marketReserve: extra == none ? 0 : extras[extra].marketReserve)
        forgetOld(now, keeping: nil)
        evolve(replaced, at: slot, now)
        emit(.orderReplaced(replaced))
    }

    /// Cancels an order and the other leg of its pair.
    mutating func cancel(_ slot: Int32, _ reason: CancelReason, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) {
        cancelOrder(slot, reason, Text(), now) { emit(.orderCanceled(copy $0)) }
    }
}
