// Where an order stands in its instrument's book, and what it holds there. Part of evolve: nothing here can fail, and all of it follows from the state and
// the mutation alone. The rules are in docs/MATCHING.md.

/// What a replace does to an order's place in its level.
enum BookPlace { case none, kept, last }

extension Shard {
    // MARK: Places

    /// A new order: armed, or resting, or neither (market, IOC and FOK orders are in no book).
    mutating func placeNew(_ slot: Int32, _ instrument: InstrumentID) {
        let extra = orderRecords[slot].extra
        if extra != none, extras[extra].instructions.trigger != .none {
            books.books[markets[instrument].book].armed += 1
            return placeLast(slot, instrument)
        }
        if rests(slot) { placeLast(slot, instrument) }
    }

    /// Whether what does not trade of the order rests.
    @inline(__always)
    func rests(_ slot: Int32) -> Bool {
        Shard.mayRest(orders[slot].type, orders[slot].timeInForce)
    }

    @inline(__always)
    static func mayRest(_ type: OrderType, _ timeInForce: TimeInForce) -> Bool {
        type == .limit && (timeInForce == .gtc || timeInForce == .gtd)
    }

    /// Does it wait for its trigger?
    @inline(__always)
    func isArmed(_ slot: Int32) -> Bool {
        let extra = orderRecords[slot].extra
        return extra != none && extras[extra].instructions.trigger != .none && !extras[extra].isTriggered && orders[slot].status.isOpen
    }

    /// Behind the others of its price. An iceberg shows a full slice again.
    mutating func placeLast(_ slot: Int32, _ instrument: InstrumentID) {
        let book = markets[instrument].book
        let order = orders.pointer(slot)
        let (side, leaves) = (order.pointee.side, order.pointee.quantity - order.pointee.cumulative)
        let extra = orderRecords[slot].extra
        var shows = leaves
        if extra != none {
            let it = extras[extra].instructions
            if it.trigger != .none, !extras[extra].isTriggered {
                return books.append(slot, book, LadderKind(it.trigger, it.triggerPrice, side), it.stop, showing: 0, &orders)
            }
            if it.display != 0 {
                shows = Swift.min(it.display, leaves)
                extras[extra].shown = shows
            }
        }
        books.append(slot, book, side == .buy ? .bids : .asks, order.pointee.price, showing: shows, &orders)
    }

    /// What others see of a resting order; nothing of an armed one.
    @inline(__always)
    func visible(_ slot: Int32) -> Quantity {
        let leaves = orders[slot].quantity - orders[slot].cumulative
        let extra = orderRecords[slot].extra
        if extra == none { return leaves }
        if extras[extra].instructions.trigger != .none, !extras[extra].isTriggered { return 0 }
        return extras[extra].instructions.display == 0 ? leaves : extras[extra].shown
    }

    mutating func leaveBook(_ slot: Int32) {
        if isArmed(slot) {
            books.books[markets[positions[orders[slot].position].instrument].book].armed -= 1
        }
        books.remove(slot, showing: visible(slot), &orders)
    }

    /// Before a replace changes the order: out of its level, unless it keeps its place.
    mutating func leaveForReplace(_ slot: Int32, _ quantity: Quantity, _ price: Price, stop: Price) -> BookPlace {
        let order = orders.pointer(slot)
        if order.pointee.level == none { return .none }
        let extra = orderRecords[slot].extra
        if isArmed(slot) {
            if stop == 0 || stop == extras[extra].instructions.stop { return .kept }
            books.remove(slot, showing: 0, &orders)
            return .last
        }
        let shown = visible(slot)
        if !keepsPlace(slot, quantity, price) || quantity == order.pointee.cumulative {
            books.remove(slot, showing: shown, &orders)
            return .last
        }
        let leaves = quantity - order.pointee.cumulative
        var shows = leaves
        if extra != none, extras[extra].instructions.display != 0 {
            shows = Swift.min(shown, leaves)
            extras[extra].shown = shows
        }
        books.change(order.pointee.level, by: shows - shown)
        return .kept
    }

    @inline(__always)
    func keepsPlace(_ slot: Int32, _ quantity: Quantity, _ price: Price) -> Bool {
        price == orders[slot].price && quantity <= orders[slot].quantity
    }

    /// The armed order's price has come.
    mutating func evolveTriggered(_ slot: Int32, _ time: Timestamp) {
        leaveBook(slot)
        extras[orderRecords[slot].extra].isTriggered = true
        orderRecords[slot].updated = time
        if rests(slot) { placeLast(slot, positions[orders[slot].position].instrument) }
    }

    // MARK: Reserves

    /// What an open order of a book holds: what its leaves need and the fee for it, of a pair's second leg only what the first does not hold.
    func reservedInBook(_ slot: Int32, _ instrument: InstrumentID) -> Amount {
        let own = neededInBook(slot, instrument)
        let extra = orderRecords[slot].extra
        if extra == none || !extras[extra].isSecond { return own }
        return Swift.max(0, own - neededInBook(extras[extra].partner, instrument))
    }

    @inline(__always)
    private func neededInBook(_ slot: Int32, _ instrument: InstrumentID) -> Amount {
        let amount = needed(slot, instrument)
        let order = orders.pointer(slot)
        if order.pointee.side == .sell || order.pointee.type == .market { return amount }
        let rates = Int(orderRecords[slot].rates)
        return rates == 0 ? amount : amount + feeHeld(amount, feeRates[rates])
    }

    /// The most that fees can come to, rounded up.
    @inline(__always)
    func feeHeld(_ amount: Amount, _ rates: FeeRates) -> Amount {
        let rate = Swift.max(rates.maker, rates.taker, 0)
        return rate == 0 ? 0 : Numbers.millionths(amount, rate, roundedUp: true)
    }

    /// What a side of a match pays, cut off towards zero.
    @inline(__always)
    func fee(_ worth: Amount, _ rate: Int32) -> Amount {
        if rate == 0 { return 0 }
        let fee = Numbers.millionths(worth, abs(rate), roundedUp: false)
        return rate < 0 ? -fee : fee
    }

    static var feeUnit: Int128 { 1_000_000 }

    // MARK: Pairs

    /// Makes `slot` the second leg of a pair whose first is `first`.
    mutating func pair(_ slot: Int32, _ first: OrderID) {
        guard let other = orderSlot(first) else { invariantFailure("an OCO pair with an unknown order") }
        if orderRecords[other].extra == none { orderRecords[other].extra = extras.insert(OrderExtra()) }
        extras[orderRecords[other].extra].partner = slot
        extras[orderRecords[slot].extra].partner = other
        extras[orderRecords[slot].extra].isSecond = true
    }

    /// A leg is closed: the other is alone, holds all that it needs and counts by itself.
    mutating func unpair(_ closed: Int32) {
        let other = extras[orderRecords[closed].extra].partner
        let (before, leaves) = (reserved(other), orders[other].leaves)
        changeOpenParts(other, -leaves)
        for slot in [closed, other] {
            extras[orderRecords[slot].extra].partner = none
            extras[orderRecords[slot].extra].isSecond = false
        }
        changeOpenParts(other, leaves)
        if orders[other].funds != none { moveReserve(orders[other].funds, reserved(other) - before) }
    }

    /// The other leg of the order's pair; `none`.
    @inline(__always)
    func partner(_ slot: Int32) -> Int32 {
        let extra = orderRecords[slot].extra
        return extra == none ? none : extras[extra].partner
    }
}

extension LadderKind {
    init(_ trigger: Trigger, _ price: TriggerPrice, _ side: Side) {
        let rises = (trigger == .stop) == (side == .buy)
        switch price {
        case .last: self = rises ? .risingLast : .fallingLast
        case .mark: self = rises ? .risingMark : .fallingMark
        }
    }

    var isArmed: Bool { rawValue >= LadderKind.risingLast.rawValue }
}
