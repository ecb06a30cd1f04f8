// Reported executions: reserve, balances, position and trade in one mutation.

/// What a fill comes to, computed before anything changes; the same for decide (does it fit?) and evolve (apply it).
struct FillEffect {
    /// qty x price in the quote asset.
    var worth: Amount
    /// Changes of the available balances, without the reserve that is released.
    var base: Amount
    var quote: Amount
    var fee: Amount
    /// The position after it.
    var quantity: Quantity
    var cost: Amount
    var realized: Amount
    /// Realized by this fill before fees.
    var gross: Amount
}

extension Shard {
    mutating func decide(
        _ fill: borrowing Fill, _ guess: Int32, _ now: Timestamp, _ emit: (borrowing Filled) -> Void, _ then: (borrowing Mutation) -> Void
    ) -> Outcome {
        let slot: Int32
        do { slot = try orderSlot(fill.order, of: fill.account, on: fill.instrument, guess: guess) } catch { return .rejected(error) }
        let order = orders[slot]
        let account = positions[order.position].account
        let exec = fill.exec
        let known = execs.find(Shard.execHash(order.id, exec)) { trades[$0].order == slot && trades[$0].exec == exec }
        if let known {
            let trade = trades[known]
            guard trade.quantity == fill.quantity, trade.price == fill.price, trade.fee == fill.fee,
                trade.feeAsset == fill.feeAsset, trade.liquidity == fill.liquidity, trade.venueTime == fill.venueTime
            else { return .rejected(.idReused(fill.exec)) }
            return .filled(view(slot), trade: trade.id, duplicate: true)
        }
        if let late = tooLate(fill.before, now) { return .rejected(late) }
        guard markets[fill.instrument].venueKind == .manual else { return .rejected(.notSupported(.venue)) }
        if fill.quantity <= 0 { return .rejected(.badValue(.quantity)) }
        if fill.price <= 0 { return .rejected(.badValue(.price)) }
        guard fill.feeAsset >= 0, Int(fill.feeAsset) < registry.assets.count else {
            return .rejected(.unknownAsset(fill.feeAsset))
        }
        let extra = orderRecords[slot].extra
        let largest = Swift.max(order.quantity, extra == none ? 0 : extras[extra].largestQuantity)
        if fill.quantity > largest - order.cumulative {
            return .rejected(.overfill(fill.instrument, max: largest, cumulative: order.cumulative))
        }
        if fill.withinLimit, order.type == .limit,
            order.side == .buy ? fill.price > order.price : fill.price < order.price
        {
            return .rejected(.beyondLimit(fill.instrument, price: order.price))
        }
        // A rebate is money from outside: the word of whoever is only a trader is not enough.
        if fill.withinLimit, fill.fee < 0 { return .rejected(.badValue(.fee)) }
        guard Numbers.inRange(fill.fee) else { return .rejected(.overflow(.fee)) }
        guard let worth = amount(fill.instrument, fill.price, fill.quantity),
            let effect = effect(slot, fill.quantity, fill.price, worth, fill.fee, fill.feeAsset)
        else { return .rejected(.overflow(.position)) }
        if !costFits(slot, fill.instrument, worth) { return .rejected(.overflow(.cost)) }
        if !fits(slot, effect, fill.quantity, fill.feeAsset) { return .rejected(.overflow(.balance)) }

        let trade = Int64(number) << 40 | (lastTrade + 1)
        let filled = Filled(
            trade: trade, order: order.id, quantity: fill.quantity, price: fill.price, exec: fill.exec, fee: fill.fee,
            feeAsset: fill.feeAsset, liquidity: fill.liquidity, venueTime: fill.venueTime)
        forgetOld(now, keeping: slot)
        evolve(filled, at: slot, effect, now)
        emit(filled)
        let outcome = Outcome.filled(view(slot), trade: trade, duplicate: false)
        latchLoss(account, fill.instrument, now, then)
        return outcome
    }

    /// In a replay: the effect is worked out again.
    mutating func evolve(_ filled: borrowing Filled, at slot: Int32, _ time: Timestamp) {
        guard let worth = amount(positions[orders[slot].position].instrument, filled.price, filled.quantity),
            let effect = effect(slot, filled.quantity, filled.price, worth, filled.fee, filled.feeAsset)
        else { invariantFailure("a recorded fill does not fit the state") }
        evolve(filled, at: slot, effect, time)
    }

    mutating func evolve(_ filled: borrowing Filled, at slot: Int32, _ effect: FillEffect, _ time: Timestamp) {
        fillOrder(slot, filled.quantity, filled.price, spent: effect.worth, time)
        settle(orders[slot].position, effect, filled.fee, filled.feeAsset, time)
        addTrade(
            filled.trade, slot, filled.quantity, filled.price, fee: filled.fee, filled.feeAsset, filled.liquidity, exec: filled.exec,
            venueTime: filled.venueTime, time)
    }

    /// The order and its reserve.
    mutating func fillOrder(_ slot: Int32, _ quantity: Quantity, _ price: Price, spent: Amount, _ time: Timestamp) {
        let order = orders[slot]
        let reservedBefore = reserved(slot)
        let cumulative = order.cumulative + quantity
        orders[slot].cumulative = cumulative
        let record = orderRecords.pointer(slot)
        record.pointee.cumulativeCost += Int128(price) * Int128(quantity)
        record.pointee.updated = time
        if order.status.isOpen {
            let extra = record.pointee.extra
            if extra != none {
                extras[extra].marketReserve -= Swift.min(extras[extra].marketReserve, spent)
            }
            changeOpen(slot, -Swift.min(quantity, order.leaves))
            if cumulative >= order.quantity {
                close(slot, .filled, .requested, time)
            } else {
                orders[slot].status = .partiallyFilled
                invariant(orders[slot].leaves + cumulative == order.quantity, "LeavesQty + CumQty is not OrderQty")
            }
        }
        if order.funds != none { moveReserve(order.funds, reserved(slot) - reservedBefore) }
    }

    /// Money and position.
    mutating func settle(_ position: Int32, _ effect: FillEffect, _ fee: Amount, _ feeAsset: AssetID, _ time: Timestamp) {
        let it = positions.pointer(position)
        let market = markets.pointer(it.pointee.instrument).pointee
        balances[it.pointee.base].available += effect.base
        balances[it.pointee.quote].available += effect.quote
        if fee != 0 {
            let payer = feeAsset == market.quote ? it.pointee.quote : makeBalance(it.pointee.account, feeAsset)
            balances[payer].available -= fee
            totals[Int(feeAsset)].feesCollected &+= fee
        }
        // Of two sides of a match one pays the other; only what has no other side is a venue's.
        if hasVenueAsOtherSide(market) {
            changeOwed(market.venue, market.base, -effect.base)
            changeOwed(market.venue, market.quote, -effect.quote)
        }
        keepDayBase(position, time)
        it.pointee.traded = true
        it.pointee.quantity = effect.quantity
        it.pointee.cost = effect.cost
        it.pointee.realized = effect.realized
        if fee != 0, feeAsset != market.base, feeAsset != market.quote { addFee(position, feeAsset, fee) }
    }

    @inline(__always)
    private func hasVenueAsOtherSide(_ market: Market) -> Bool { market.book == none || market.funds == .none }

    // MARK: Effect

    /// `nil` when the position, its cost or its PnL would not fit. `worth`: quantity x price.
    func effect(
        _ slot: Int32, _ quantity: Quantity, _ price: Price, _ worth: Amount, _ fee: Amount, _ feeAsset: AssetID
    ) -> FillEffect? {
        let side = orders[slot].side
        let position = positions.pointer(orders[slot].position).pointee
        let market = markets.pointer(position.instrument).pointee
        let signed = side == .buy ? quantity : -quantity
        let (held, overflow) = position.quantity.addingReportingOverflow(signed)
        guard !overflow, held != .min else { return nil }

        var cost = position.cost
        var gross: Amount = 0
        if position.quantity == 0 || (position.quantity > 0) == (signed > 0) {
            cost += worth
        } else {
            // Against the position: the closed part leaves at cost x closed / quantity (truncated), the rest of a flip opens at this price.
            let closed = Quantity(Swift.min(position.quantity.magnitude, quantity.magnitude))
            let removed = Numbers.share(of: cost, UInt64(closed), of: UInt64(position.quantity.magnitude))
            guard let closedWorth = closed == quantity ? worth : amount(position.instrument, price, closed) else { return nil }
            gross = position.quantity > 0 ? closedWorth - removed : removed - closedWorth
            cost = closed == quantity ? cost - removed : worth - closedWorth
        }
        var realized = position.realized + gross
        if feeAsset == market.quote {
            realized -= fee
        } else if feeAsset == market.base {
            let scale = registry.instruments[Int(position.instrument)].priceScale
            guard let value = Numbers.value(ofBase: fee, price: price, priceScale: scale) else { return nil }
            realized -= value
        }
        guard Numbers.inRange(cost), Numbers.inRange(realized), Numbers.inRange(gross) else { return nil }

        var base: Amount = 0
        var quote: Amount = gross
        if market.funds == .full {
            let moved = Int128(quantity) * Int128(market.quantityUnit)
            guard Numbers.inRange(moved) else { return nil }
            base = side == .buy ? moved : -moved
            quote = side == .buy ? -worth : worth
        }
        return FillEffect(
            worth: worth, base: base, quote: quote, fee: fee, quantity: held, cost: cost, realized: realized, gross: gross)
    }

    /// Does what the order has traded stay in range, with so much more?
    @inline(__always)
    func costFits(_ slot: Int32, _ instrument: InstrumentID, _ worth: Amount) -> Bool {
        let (cost, unit) = (orderRecords[slot].cumulativeCost, markets[instrument].amountUnit)
        // Below 2^63, as nearly always, the product fits.
        guard let traded = cost >> 63 == 0 ? cost &* Int128(unit) : Numbers.scaled(cost, unit) else { return false }
        return Numbers.inRange(traded + worth)
    }

    /// Do the balances stay in range? The reserve that is released only moves within a balance and is at most what it has.
    func fits(_ slot: Int32, _ effect: FillEffect, _ quantity: Quantity, _ feeAsset: AssetID) -> Bool {
        let position = positions[orders[slot].position]
        let market = markets[position.instrument]
        func inRange(_ balance: Int32?, _ change: Amount) -> Bool {
            guard let balance else { return Numbers.inRange(change) }
            let it = balances[balance]
            // Far from any bound, as nearly always: five that are below an eighth of it.
            if Numbers.areSmall(it.available, it.reserved, it.held, it.transit, change) { return true }
            // Available may gain the whole reserve (it is released) or none of it.
            return Numbers.inRange(it.available + change) && Numbers.inRange(it.available + it.reserved + change)
                && Numbers.inRange(it.available + it.reserved + it.held + it.transit + change)
        }
        // All money of an asset in a wallet stays bounded too, so that no sum of credits can overflow 128 bits (see Balance.limit).
        guard Numbers.inRange(totals[Int(feeAsset)].feesCollected + effect.fee) else { return false }
        if hasVenueAsOtherSide(market) {
            guard Numbers.inRange(owedAmount(market.venue, market.base) - effect.base),
                Numbers.inRange(owedAmount(market.venue, market.quote) - effect.quote)
            else { return false }
        }
        let feeOnBase = feeAsset == market.base ? effect.fee : 0
        let feeOnQuote = feeAsset == market.quote ? effect.fee : 0
        if !inRange(position.base, effect.base - feeOnBase) || !inRange(position.quote, effect.quote - feeOnQuote) {
            return false
        }
        if feeAsset == market.base || feeAsset == market.quote { return true }
        var record = position.fees
        while record != none, fees[record].asset != feeAsset { record = fees[record].next }
        let paid = record == none ? 0 : fees[record].amount
        return inRange(balanceSlot(position.account, feeAsset), -effect.fee) && Numbers.inRange(paid + effect.fee)
    }

    // MARK: Records

    private mutating func addFee(_ position: Int32, _ asset: AssetID, _ amount: Amount) {
        var record = positions[position].fees
        while record != none {
            if fees[record].asset == asset {
                fees[record].amount += amount
                return
            }
            record = fees[record].next
        }
        positions[position].fees = fees.insert(FeeRecord(amount: amount, asset: asset, next: positions[position].fees))
    }

    /// `exec`: empty for a side of a match, which nobody can report again.
    mutating func addTrade(
        _ id: TradeID, _ order: Int32, _ quantity: Quantity, _ price: Price, fee: Amount, _ feeAsset: AssetID, _ liquidity: Liquidity,
        exec: Text = Text(), venueTime: Timestamp = 0, _ time: Timestamp
    ) {
        invariant(id == Int64(number) << 40 | (lastTrade + 1), "TradeIDs out of order")
        lastTrade += 1
        let it = positions.pointer(orders[order].position)
        let newest = it.pointee.tradesNewest
        let trade = trades.insert(
            Trade(
                fee: fee, id: id, quantity: quantity, price: price, time: time, venueTime: venueTime, exec: exec, order: order, feeAsset: feeAsset,
                olderOfOrder: orderRecords[order].trades, newer: none, older: newest, liquidity: liquidity))
        orderRecords[order].trades = trade
        if newest == none { it.pointee.tradesOldest = trade } else { trades[newest].newer = trade }
        it.pointee.tradesNewest = trade
        if !exec.isEmpty { execs.insert(Shard.execHash(orders[order].id, exec), trade) }
    }

    private func owedAmount(_ venue: VenueID, _ asset: AssetID) -> Int128 {
        owedKeys.find(Shard.pairHash(venue, asset)) { owed[$0].venue == venue && owed[$0].asset == asset }
            .map { owed[$0].amount } ?? 0
    }

    private mutating func changeOwed(_ venue: VenueID, _ asset: AssetID, _ change: Amount) {
        if change == 0 { return }
        let hash = Shard.pairHash(venue, asset)
        let slot: Int32
        if let known = owedKeys.find(hash, { owed[$0].venue == venue && owed[$0].asset == asset }) {
            slot = known
        } else {
            slot = owed.insert(Owed(venue: venue, asset: asset))
            owedKeys.insert(hash, slot)
        }
        owed[slot].amount &+= change
    }
}
