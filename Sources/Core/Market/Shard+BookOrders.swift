// NEW, CLS and RPL on an internal venue. The order of the checks is in docs/MATCHING.md, section 10; below the last rung nothing can fail.

extension Shard {
    static var armedMax: Int64 { 100_000 }
    /// Of an iceberg. Each is a match and a record, and one order may use up all of them: nobody may be kept waiting for millions.
    static var slicesMax: Quantity { 1_000 }

    // MARK: New

    mutating func acceptInBook(
        _ new: borrowing NewOrder, _ account: Int32, _ idHash: UInt64, _ hash: UInt64, wholePosition: Bool, _ now: Timestamp,
        _ emit: (borrowing OrderAccepted) -> Void, _ then: (borrowing Mutation) -> Void
    ) -> Outcome {
        let instrument = new.instrument
        let options = new.instructions
        let isArmed = options.trigger != .none
        if let late = tooLate(new.before, now) { return .rejected(late) }
        if registry.accounts[Int(account)].status != .open { return .rejected(.accountSuspended(new.account)) }
        if let closed = closedRefusal(instrument) { return .rejected(closed) }
        if let key = optionsFault(new) { return .rejected(.badValue(key)) }
        if let fault = termsFault(instrument, new.type, new.quantity, new.price, lot: !wholePosition, tick: true) { return .rejected(fault) }
        if isArmed, !isMultiple(options.stop, of: markets[instrument].terms.tick) { return .rejected(.offTick(instrument)) }
        if let refused = expiryRefusal(new.timeInForce, new.expire, now) { return .rejected(refused) }
        if new.max != 0, !isAllowed(max: new.max, instrument, new.side, new.type) { return .rejected(.badValue(.max)) }
        guard
            let notional = notional(
                instrument, new.type, new.quantity, new.price, new.max, reference: isArmed ? options.stop : referencePrice(instrument))
        else {
            return .rejected(.overflow(.notional))
        }
        if let fault = notionalFault(instrument, new.type, notional) { return .rejected(fault) }
        let position = positionSlot(account, instrument) ?? none
        var other = none
        if !new.oco.isEmpty {
            guard let first = firstLeg(new.oco, account, position, new.side, new.quantity) else { return .rejected(.badPair(new.oco)) }
            other = first
        }
        let rates = feeRatesInForce(instrument, account, position)
        if isArmed {
            if let refused = triggerRefusal(instrument, new.side, options) { return .rejected(refused) }
        } else if let refused = takingRefusal(new, account, position, rates) {
            return .rejected(refused)
        }
        let held = position == none ? 0 : positions[position].quantity
        if options.reduceOnly, new.side == .buy ? -Int128(held) < Int128(new.quantity) : held < new.quantity {
            return .rejected(.reduceOnly(instrument, position: held))
        }
        if let refused = riskRefusal(
            RiskAsk(
                number: new.account, account: account, instrument: instrument, position: position, side: new.side, quantity: new.quantity,
                added: new.quantity, price: new.price, stop: options.stop, notional: riskNotional(instrument, new.type, notional), opens: true,
                isDearer: true, counts: true, part: openPart(isReduceOnly: options.reduceOnly, first: other)), now, then)
        {
            return .rejected(refused)
        }

        var marketReserve: Amount = 0
        var need: Amount = 0
        if markets[instrument].funds == .full {
            guard let own = self.need(
                instrument, new.side, new.type, new.quantity, new.price, new.max, stop: options.stop, account, rates, new.timeInForce) else {
                return .rejected(.overflow(.reserve))
            }
            if new.side == .buy, new.type == .market { marketReserve = own }
            need = other == none ? own : Swift.max(0, own - reserved(other))
            let side = new.side
            let asset = side == .buy ? markets[instrument].quote : markets[instrument].base
            let balance = position == none ? balanceSlot(account, asset) : side == .buy ? positions[position].quote : positions[position].base
            let available = balance.map { balances[$0].available } ?? 0
            if available < need { return .rejected(.insufficientFunds(asset, number, need: need, available: available)) }
        }
        if let full = tableRefusal(new.strategy) { return .rejected(full) }
        let book = markets[instrument].book
        if isArmed, books.books[book].armed >= Int32(Shard.armedMax) { return .rejected(.tableFull(.triggers, max: Shard.armedMax)) }

        let accepted = OrderAccepted(
            id: Int64(number) << 40 | (lastOrder + 1), account: new.account, instrument: instrument, side: new.side, type: new.type,
            timeInForce: new.timeInForce, quantity: new.quantity, price: new.price, clientID: new.clientID, expire: new.expire, max: new.max,
            marketReserve: marketReserve, strategy: new.strategy, note: new.note, cancelOnDisconnect: new.cancelOnDisconnect, contentHash: hash,
            instructions: options, oco: other == none ? 0 : orders[other].id, fees: rates)
        forgetOld(now, keeping: nil)
        let slot = evolve(accepted, at: OrderPlace(account: account, position: position, idHash: idHash, reserve: need), now)
        emit(accepted)
        if isArmed { return .order(view(slot), duplicate: false) }
        return trade(slot, instrument, now, then)
    }

    /// Matches an order that was entered or replaced; then whatever its trades trigger. The order as it is then.
    private mutating func trade(_ slot: Int32, _ instrument: InstrumentID, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) -> Outcome {
        var range = TradedRange()
        match(slot, instrument, &range, now, emit)
        let view = view(slot)
        if range.high != 0, books.books[markets[instrument].book].armed > 0 {
            runTriggers(instrument, range, now, emit)
            // It may have traded again, or be forgotten already if a thousand others closed.
            if let slot = orderSlot(view.id) { return .order(self.view(slot), duplicate: false) }
        }
        return .order(view, duplicate: false)
    }

    /// Options that do not go together, or are none of this order's.
    private func optionsFault(_ new: borrowing NewOrder) -> Rejection.Key? {
        let it = new.instructions
        let (type, timeInForce, quantity, lot) = (new.type, new.timeInForce, new.quantity, markets[new.instrument].terms.lot)
        let mayRest = Shard.mayRest(type, timeInForce)
        if it.stop < 0 || (it.stop != 0) != (it.trigger != .none) { return .stop }
        if it.triggerPrice != .last, it.trigger == .none { return .trigger }
        // One trade may trigger 100,000 orders: none of them may look through the book before it trades.
        if it.trigger != .none, timeInForce == .fok { return .timeInForce }
        if it.postOnly, !mayRest || it.trigger != .none { return .post }
        if it.display != 0 {
            let isSlice = it.display > 0 && it.display < quantity && it.display % lot == 0 && !hasTooManySlices(it, quantity)
            if !mayRest || !isSlice { return .display }
        }
        if !new.oco.isEmpty, timeInForce == .ioc || timeInForce == .fok || type == .market && it.trigger == .none { return .oco }
        return nil
    }

    /// `leaves` above 0.
    private func hasTooManySlices(_ it: Instructions, _ leaves: Quantity) -> Bool {
        it.display > 0 && (leaves - 1) / it.display >= Shard.slicesMax
    }

    /// The order that `id` names, if it can be a pair's first leg.
    private func firstLeg(_ id: Text, _ account: Int32, _ position: Int32, _ side: Side, _ quantity: Quantity) -> Int32? {
        guard position != none, let slot = remembered(account, id), slot >= 0, orders[slot].position == position, orders[slot].status == .new,
            orders[slot].side == side, orders[slot].quantity == quantity, orders[slot].level != none, partner(slot) == none
        else { return nil }
        return slot
    }

    /// The instrument's rates, or what the account has in their place.
    private func feeRatesInForce(_ instrument: InstrumentID, _ account: Int32, _ position: Int32) -> FeeRates {
        var rates = markets[instrument].terms.fees
        takeRates(of: accountLimits(account), &rates)
        if position != none { takeRates(of: positions[position].limits, &rates) }
        return rates
    }

    private func takeRates(of slot: Int32, _ rates: inout FeeRates) {
        if slot == none { return }
        if limits[slot].makerFee != Limits.noRate { rates.maker = limits[slot].makerFee }
        if limits[slot].takerFee != Limits.noRate { rates.taker = limits[slot].takerFee }
    }

    /// What the order holds by itself; `nil`: too much.
    @inline(__always)
    private func need(
        _ instrument: InstrumentID, _ side: Side, _ type: OrderType, _ quantity: Quantity, _ price: Price, _ max: Amount, stop: Price,
        _ account: Int32, _ rates: FeeRates, _ timeInForce: TimeInForce
    ) -> Amount? {
        if side == .sell || type == .limit { return need(instrument, side, quantity, price, rates) }
        return needOfMarketBuy(instrument, quantity, max, stop: stop, account, rates, certain: timeInForce == .fok)
    }

    /// The same of a sale or a limit order.
    @inline(__always)
    func need(_ instrument: InstrumentID, _ side: Side, _ quantity: Quantity, _ price: Price, _ rates: FeeRates) -> Amount? {
        if side == .sell { return inRange(Int128(quantity) * Int128(markets[instrument].quantityUnit)) }
        return amount(instrument, price, quantity).flatMap { inRange($0 + feeHeld($0, rates)) }
    }

    @inline(never)
    private func needOfMarketBuy(
        _ instrument: InstrumentID, _ quantity: Quantity, _ max: Amount, stop: Price, _ account: Int32, _ rates: FeeRates, certain: Bool
    ) -> Amount? {
        if max > 0 { return max }
        if stop != 0 {
            guard let worth = amount(instrument, stop, quantity) else { return nil }
            let withMargin = worth + (worth * Int128(registry.setting(.marketMarginBps)) + 9_999) / 10_000
            return inRange(withMargin).flatMap { inRange($0 + feeHeld($0, rates)) }
        }
        return asked(instrument, quantity, account, certain: certain).flatMap { inRange($0 + feeHeld($0, rates)) }
    }

    private func inRange(_ amount: Amount) -> Amount? { Numbers.inRange(amount) ? amount : nil }

    // MARK: What is on the other side

    /// The best price on the other side, if an order trades at it.
    @inline(__always)
    func crossing(_ instrument: InstrumentID, _ side: Side, _ type: OrderType, _ price: Price) -> Price? {
        let level = books.best(markets[instrument].book, side == .buy ? .asks : .bids)
        if level == none { return nil }
        let best = books.levels[level].price
        return Shard.takes(side, type, price, best) ? best : nil
    }

    /// Whether an order trades at a price of the other side.
    @inline(__always)
    static func takes(_ side: Side, _ type: OrderType, _ limit: Price, _ price: Price) -> Bool {
        type == .market || (side == .buy ? price <= limit : price >= limit)
    }

    /// An order that must not take, or must take all, against the book of now.
    private func takingRefusal(_ new: borrowing NewOrder, _ account: Int32, _ position: Int32, _ rates: FeeRates) -> Rejection? {
        let instrument = new.instrument
        let crossing = crossing(instrument, new.side, new.type, new.price)
        if markets[instrument].terms.state == .postOnly {
            let mayRest = Shard.mayRest(new.type, new.timeInForce)
            if crossing != nil || !mayRest { return .instrumentPostOnly(instrument) }
        }
        if let crossing, new.instructions.postOnly { return .wouldTake(instrument, price: crossing) }
        if new.timeInForce == .fok {
            let available = fillable(
                instrument, new.side, new.type, new.price, new.quantity, account,
                selfTradePrevention(new.instructions.selfTrade, account, position),
                budget: new.max == 0 ? nil : new.max, rates.taker)
            if available < new.quantity { return .unfillable(instrument, available: available) }
        }
        return nil
    }

    /// How much of `quantity` can be traded at once for certain.
    private func fillable(
        _ instrument: InstrumentID, _ side: Side, _ type: OrderType, _ price: Price, _ quantity: Quantity, _ account: Int32,
        _ prevention: SelfTradePrevention, budget: Amount?, _ rate: Int32
    ) -> Quantity {
        var sum: Quantity = 0
        var cost: Amount = 0
        books.ladders[Books.ladder(markets[instrument].book, side == .buy ? .asks : .bids)].forEachLevel(books.chunks) { level in
            let at = books.levels[level].price
            if !Shard.takes(side, type, price, at) { return false }
            var here: Int128 = 0
            var slot = books.levels[level].first
            while slot != none {
                if positions[orders[slot].position].account == account {
                    if prevention != .oldest { return false }
                } else if isCertain(slot) {
                    here += Int128(orders[slot].leaves)
                }
                slot = orders[slot].bookNext
            }
            let taken = Quantity(Swift.min(here, Int128(quantity - sum)))
            if let budget {
                guard let worth = amount(instrument, at, taken), cost + worth + fee(cost + worth, Swift.max(rate, 0)) <= budget else { return false }
                cost += worth
            }
            sum += taken
            return sum < quantity
        }
        return sum
    }

    /// Whether a resting order can be counted on: a reduce-only one may not, and of a pair only the leg that is reached first.
    private func isCertain(_ slot: Int32) -> Bool {
        let extra = orderRecords[slot].extra
        if extra == none { return true }
        if extras[extra].instructions.reduceOnly { return false }
        let other = extras[extra].partner
        if other == none || isArmed(other) { return true }
        let (price, otherPrice) = (orders[slot].price, orders[other].price)
        if price == otherPrice { return orders[slot].id < orders[other].id }
        return orders[slot].side == .buy ? price > otherPrice : price < otherPrice
    }

    /// What buying `quantity`, or all there is, of others costs in the book of now; `certain`: only of those that can be counted on. `nil`: too much.
    private func asked(_ instrument: InstrumentID, _ quantity: Quantity, _ account: Int32, certain: Bool) -> Amount? {
        var left = quantity
        var cost: Amount? = 0
        books.ladders[Books.ladder(markets[instrument].book, .asks)].forEachLevel(books.chunks) { level in
            var slot = books.levels[level].first
            while slot != none, left > 0 {
                if positions[orders[slot].position].account != account, !certain || isCertain(slot) {
                    let taken = Swift.min(left, orders[slot].leaves)
                    guard let worth = amount(instrument, books.levels[level].price, taken), let sum = cost, let new = inRange(sum + worth) else {
                        cost = nil
                        return false
                    }
                    cost = new
                    left -= taken
                }
                slot = orders[slot].bookNext
            }
            return left > 0
        }
        return cost
    }

    // MARK: Replace

    mutating func replaceInBook(
        _ replace: borrowing Replace, _ account: Int32, _ slot: Int32, _ now: Timestamp, _ emit: (borrowing OrderReplaced) -> Void,
        _ then: (borrowing Mutation) -> Void
    ) -> Outcome {
        let instrument = replace.instrument
        let (quantity, price, newStop) = (replace.quantity, replace.price, replace.stop)
        let order = orders[slot]
        let market = markets.pointer(instrument)
        let extra = orderRecords[slot].extra
        let max = spendingCap(replace, extra)
        let options = extra == none ? Instructions() : extras[extra].instructions
        let isArmed = isArmed(slot)
        let keeps = keepsPlace(slot, quantity, price) && (newStop == 0 || newStop == options.stop)
        if partner(slot) != none { return .rejected(.inPair(order.id)) }
        if let closed = closedRefusal(instrument), market.pointee.terms.state == .halted || !keeps || quantity == order.quantity {
            return .rejected(closed)
        }
        if registry.accounts[Int(account)].status != .open { return .rejected(.accountSuspended(replace.account)) }
        if newStop != 0, !isArmed || newStop < 0 { return .rejected(.badValue(.stop)) }
        if quantity > order.quantity, hasTooManySlices(options, quantity - order.cumulative) { return .rejected(.badValue(.quantity)) }
        if let fault = termsFault(
            instrument, order.type, quantity, price, lot: quantity != order.quantity, tick: price != order.price)
        {
            return .rejected(fault)
        }
        let stop = newStop == 0 ? options.stop : newStop
        if stop != options.stop, !isMultiple(stop, of: market.pointee.terms.tick) { return .rejected(.offTick(instrument)) }
        if quantity < order.cumulative { return .rejected(.belowCumulative(instrument, cumulative: order.cumulative)) }
        if max != 0, !isAllowed(max: max, instrument, order.side, order.type) { return .rejected(.badValue(.max)) }
        guard
            let notional = notional(instrument, order.type, quantity, price, max, reference: isArmed ? stop : referencePrice(instrument))
        else {
            return .rejected(.overflow(.notional))
        }
        if let fault = notionalFault(instrument, order.type, notional) { return .rejected(fault) }
        if stop != options.stop {
            var moved = options
            moved.stop = stop
            if let refused = triggerRefusal(instrument, order.side, moved) { return .rejected(refused) }
        }
        // What is down to what it has traded is done, at whatever price.
        let mayTake = !isArmed && !keeps && quantity > order.cumulative
        let crossing = mayTake ? crossing(instrument, order.side, order.type, price) : nil
        if let crossing {
            if market.pointee.terms.state == .postOnly { return .rejected(.instrumentPostOnly(instrument)) }
            if options.postOnly { return .rejected(.wouldTake(instrument, price: crossing)) }
        }
        let leaves = quantity - order.cumulative
        let added = quantity - order.quantity
        if options.reduceOnly, added > 0, leaves > reducible(slot) {
            return .rejected(.reduceOnly(instrument, position: positions[order.position].quantity))
        }
        var marketReserve: Amount = 0
        var change: Amount = 0
        if market.pointee.funds == .full {
            let rates = feeRates[Int(orderRecords[slot].rates)]
            guard
                let need = leaves == 0
                    ? 0 : need(instrument, order.side, order.type, leaves, price, max, stop: stop, account, rates, order.timeInForce)
            else { return .rejected(.overflow(.reserve)) }
            if order.type == .market, order.side == .buy { marketReserve = need }
            change = need - reserved(slot)
            let available = balances[order.funds].available
            if change > 0, available < change {
                let asset = order.side == .buy ? market.pointee.quote : market.pointee.base
                return .rejected(.insufficientFunds(asset, number, need: change, available: available))
            }
        }
        if let refused = riskRefusal(
            RiskAsk(
                number: replace.account, account: account, instrument: instrument, position: order.position, side: order.side,
                quantity: quantity, added: Swift.max(added, 0), price: price == order.price && stop == options.stop ? 0 : price,
                stop: isArmed ? stop : 0, notional: riskNotional(instrument, order.type, notional), opens: false,
                isDearer: added > 0 || change > 0 || isDearer(order, price) || isArmed && order.type == .market && stop > options.stop,
                counts: counts(quantity, price, max, stop: stop == options.stop ? 0 : stop, slot), part: openPart(slot)), now, then)
        {
            return .rejected(refused)
        }
        let replaced = OrderReplaced(
            order: order.id, quantity: quantity, price: price, max: max, marketReserve: marketReserve,
            stop: stop == options.stop ? 0 : stop)
        forgetOld(now, keeping: nil)
        evolve(replaced, at: slot, change: change, now)
        emit(replaced)
        // An order in a book may rest: where it does not cross, that is all.
        if crossing == nil || !orders[slot].status.isOpen { return .order(view(slot), duplicate: false) }
        return trade(slot, instrument, now, then)
    }

    // MARK: Checks

    /// No orders at all.
    func closedRefusal(_ instrument: InstrumentID) -> Rejection? {
        switch markets[instrument].terms.state {
        case .trading, .postOnly: nil
        case .halted: .instrumentHalted(instrument)
        case .cancelOnly: .instrumentCancelOnly(instrument)
        }
    }

    /// What an order is worth to risk control; 0, not known: of a market order, armed or not, where nothing says where the market is.
    private func riskNotional(_ instrument: InstrumentID, _ type: OrderType, _ notional: Amount) -> Amount {
        type == .market && referencePrice(instrument) == 0 ? 0 : notional
    }

    /// Mark, or else last; 0: neither.
    func referencePrice(_ instrument: InstrumentID) -> Price {
        let mark = markets[instrument].mark
        if mark != 0 || markets[instrument].book == none { return mark }
        return books.books[markets[instrument].book].last
    }
}
