// What an image has of internal venues. A shard without any has the image it had before there were such.
//
//   an order, after the rest of it, as its flags say
//       maker rate, taker rate | marks, stop, display, what shows | OrderID's counter - that of its pair's first leg
//   where there are books, after everything else:
//   * 2; then per internal instrument of this wallet *: last price, its quantity, its time, count of hours,
//       each *: hour since 1970, volume, turnover, high, low, trades
//       and for bids, asks, armed orders that wait for last to rise, to fall, for the mark to rise, to fall
//       * count, then each *, the best price first, in the order of their turns: OrderID's counter - the one before
//
// Marks are bits: 1 post-only, 2 reduce-only, 4 by mark, 8 triggered, then two bits of Trigger, then three of SelfTradePrevention. Levels and what
// they show follow from their orders.

extension ImageFlags {
    /// The two upper bits of CancelReason.
    static let moreReasonShift: UInt64 = 14
    static let rates: UInt64 = 1 << 16
    static let instructions: UInt64 = 1 << 17
    static let secondLeg: UInt64 = 1 << 18
}

private struct MarkBits {
    static let postOnly: UInt64 = 1 << 0
    static let reduceOnly: UInt64 = 1 << 1
    static let byMark: UInt64 = 1 << 2
    static let triggered: UInt64 = 1 << 3
    static let triggerShift: UInt64 = 4
    static let selfTradeShift: UInt64 = 6
    static let all: UInt64 = 1 << 9 - 1
}

extension Shard {
    static var booksTag: UInt8 { 2 }

    // MARK: Orders

    /// What of the flags concerns an internal venue.
    @inline(__always)
    borrowing func marketFlags(_ slot: Int32) -> UInt64 {
        var flags = UInt64(orderRecords[slot].reason.rawValue >> 2) << ImageFlags.moreReasonShift
        if orderRecords[slot].rates != 0 { flags |= ImageFlags.rates }
        let extra = orderRecords[slot].extra
        if extra != none {
            if !extras[extra].instructions.isPlain || extras[extra].isTriggered { flags |= ImageFlags.instructions }
            if extras[extra].isSecond { flags |= ImageFlags.secondLeg }
        }
        return flags
    }

    borrowing func putMarket(order slot: Int32, _ flags: UInt64, to out: inout ImageWriter) {
        if flags & ImageFlags.rates != 0 {
            let rates = feeRates[Int(orderRecords[slot].rates)]
            out.put(rates.maker)
            out.put(rates.taker)
        }
        let extra = orderRecords[slot].extra
        if flags & ImageFlags.instructions != 0 {
            let it = extras[extra].instructions
            var marks = UInt64(it.trigger.rawValue) << MarkBits.triggerShift | UInt64(it.selfTrade.rawValue) << MarkBits.selfTradeShift
            if it.postOnly { marks |= MarkBits.postOnly }
            if it.reduceOnly { marks |= MarkBits.reduceOnly }
            if it.triggerPrice == .mark { marks |= MarkBits.byMark }
            if extras[extra].isTriggered { marks |= MarkBits.triggered }
            out.put(unsigned: marks)
            out.put(it.stop)
            out.put(it.display)
            out.put(orders[slot].status.isOpen ? extras[extra].shown : 0)
        }
        if flags & ImageFlags.secondLeg != 0 { out.put(unsigned: UInt64(orders[slot].id &- orders[extras[extra].partner].id)) }
    }

    /// What ``putMarket(order:_:to:)`` wrote of one order.
    struct ImageMarket {
        var rates = FeeRates()
        /// The counter of the pair's first leg; 0: not a second leg.
        var first: Int64 = 0
    }

    func readMarket(_ flags: UInt64, _ extra: inout OrderExtra?, counter: Int64, leaves: Quantity, from source: inout ImageReader) -> ImageMarket {
        var it = ImageMarket()
        if flags & ImageFlags.rates != 0 {
            it.rates = FeeRates(maker: source.int32(), taker: source.int32())
            source.check(
                FeeRates.allowed.contains(it.rates.maker) && FeeRates.allowed.contains(it.rates.taker) && it.rates != FeeRates(),
                "an order's rates are out of range")
        }
        if flags & (ImageFlags.instructions | ImageFlags.secondLeg) != 0 {
            source.check(extra != nil, "an order has instructions, and nothing that only some orders have")
        }
        if flags & ImageFlags.instructions != 0 {
            let marks = source.unsigned()
            let trigger = Trigger(rawValue: UInt8(marks >> MarkBits.triggerShift & 3))
            let selfTrade = SelfTradePrevention(rawValue: UInt8(truncatingIfNeeded: marks >> MarkBits.selfTradeShift & 7))
            source.check(marks & ~MarkBits.all == 0 && trigger != nil && selfTrade != nil, "an order's instructions are not of the format")
            var instructions = Instructions()
            instructions.postOnly = marks & MarkBits.postOnly != 0
            instructions.reduceOnly = marks & MarkBits.reduceOnly != 0
            instructions.triggerPrice = marks & MarkBits.byMark != 0 ? .mark : .last
            instructions.trigger = trigger ?? .none
            instructions.selfTrade = selfTrade ?? .standard
            instructions.stop = source.int64()
            instructions.display = source.int64()
            let shown = source.int64()
            source.check(
                instructions.stop >= 0 && (instructions.stop != 0) == (instructions.trigger != .none) && instructions.display >= 0 && shown >= 0
                    && shown <= Swift.max(leaves, 0) && (shown == 0 || instructions.display != 0),
                "an order's instructions are out of range")
            extra?.instructions = instructions
            extra?.shown = shown
            extra?.isTriggered = marks & MarkBits.triggered != 0
        }
        if flags & ImageFlags.secondLeg != 0 {
            let step = source.unsigned()
            source.check(step > 0 && step < UInt64(counter), "a pair's first leg came after its second")
            it.first = counter &- Int64(truncatingIfNeeded: step)
        }
        return it
    }

    /// What an order of this instrument may have, and its rates and pair. Before it is counted as open.
    mutating func place(_ slot: Int32, _ market: ImageMarket) throws {
        let position = orders[slot].position
        let extra = orderRecords[slot].extra
        if markets[positions[position].instrument].book == none {
            let isPlain = extra == none || extras[extra].instructions.isPlain && !extras[extra].isTriggered
            guard isPlain, market.rates == FeeRates(), market.first == 0 else { throw ImageError("an order has what only internal venues know") }
            return
        }
        orderRecords[slot].rates = intern(market.rates)
        if extra != none, extras[extra].marketReserve < 0 || extras[extra].marketReserve >= Balance.limit {
            throw ImageError("a market order's reserve is out of range")
        }
        if market.first == 0 { return }
        guard let first = orderIDs[market.first], orders[slot].status.isOpen, orders[first].status.isOpen, orders[first].position == position,
            orders[first].side == orders[slot].side, orderRecords[first].extra != none, partner(first) == none
        else { throw ImageError("a pair's legs do not go together") }
        pair(slot, orders[first].id)
    }

    // MARK: Books

    borrowing func writeBooks(to out: inout ImageWriter) throws {
        if books.books.end == 0 { return }
        out.put(byte: Shard.booksTag)
        try out.endItem()
        for index in 0..<books.books.end {
            try writeTrading(index, to: &out)
            for ladder in index * LadderKind.count..<(index + 1) * LadderKind.count { try write(ladder: ladder, to: &out) }
        }
    }

    /// A book has as many hours as it was traded in.
    private borrowing func writeTrading(_ index: Int32, to out: inout ImageWriter) throws {
        let book = books.books[index]
        out.put(book.last)
        out.put(book.lastQuantity)
        out.put(book.lastTime)
        let hours = books.hours[book.hours].hours
        out.put(unsigned: UInt64(hours.indices.count { hours[$0].trades > 0 }))
        try out.endItem()
        for hour in hours.indices where hours[hour].trades > 0 {
            let it = hours[hour]
            out.put(it.number)
            out.put(it.volume)
            out.put(it.turnover)
            out.put(it.high)
            out.put(it.low)
            out.put(it.trades)
            try out.endItem()
        }
    }

    private borrowing func write(ladder: Int32, to out: inout ImageWriter) throws {
        func forEachOrder(_ body: (Int32) throws -> Void) throws {
            var failure: (any Error)?
            books.ladders[ladder].forEachLevel(books.chunks) { level in
                var slot = books.levels[level].first
                while slot != none, failure == nil {
                    do { try body(slot) } catch { failure = error }
                    slot = orders[slot].bookNext
                }
                return failure == nil
            }
            if let failure { throw failure }
        }
        var count: UInt64 = 0
        try forEachOrder { _ in count += 1 }
        out.put(unsigned: count)
        try out.endItem()
        var counter: Int64 = 0
        try forEachOrder { slot in
            let own = orders[slot].id & SlotIndex.counterMax
            out.put(own - counter)
            counter = own
            try out.endItem()
        }
    }

    /// After its tag.
    mutating func readBooks(from source: inout ImageReader) throws {
        try source.endItem()
        for index in 0..<books.books.end {
            try readTrading(index, from: &source)
            for ladder in index * LadderKind.count..<(index + 1) * LadderKind.count { try read(ladder: ladder, of: index, from: &source) }
            let (bid, ask) = (books.best(index, .bids), books.best(index, .asks))
            if bid != none, ask != none, books.levels[bid].price >= books.levels[ask].price { throw ImageError("a book is crossed") }
        }
    }

    private mutating func readTrading(_ index: Int32, from source: inout ImageReader) throws {
        try source.beginItem()
        let last = source.int64()
        let lastQuantity = source.int64()
        books.books[index].lastTime = source.int64()
        source.check(last >= 0 && lastQuantity >= 0, "a last trade is out of range")
        books.books[index].last = last
        books.books[index].lastQuantity = lastQuantity
        for _ in 0..<(try source.count(max: MarketHours.count, "hours")) {
            try source.beginItem()
            var it = MarketHours.Hour()
            it.number = source.int64()
            it.volume = source.int128()
            it.turnover = source.int128()
            it.high = source.int64()
            it.low = source.int64()
            it.trades = source.int64()
            source.check(
                it.number >= 0 && it.number < 1 << 40 && it.low > 0 && it.high >= it.low && it.trades > 0 && it.trades < 1 << 40,
                "an hour is out of range")
            try source.endItem()
            let place = Int(it.number % Int64(MarketHours.count))
            if books.hours[books.books[index].hours].hours[place].trades != 0 { throw ImageError("two hours are the same") }
            books.hours[books.books[index].hours].hours[place] = it
        }
    }

    private mutating func read(ladder: Int32, of book: Int32, from source: inout ImageReader) throws {
        try source.beginItem()
        let kind = Books.kind(ladder)
        var counter: Int64 = 0
        var key = Int64.max
        for _ in 0..<(try source.count(max: openOrders, "orders in a book")) {
            try source.beginItem()
            counter &+= source.int64()
            try source.endItem()
            guard let slot = orderIDs[counter], orders[slot].status.isOpen, orders[slot].level == none,
                markets[positions[orders[slot].position].instrument].book == book, let place = bookPlace(slot), place.kind == kind,
                kind.key(place.price) <= key
            else { throw ImageError("an order is not in its place of a book") }
            key = kind.key(place.price)
            books.append(slot, book, kind, place.price, showing: visible(slot), &orders)
            if kind.isArmed { books.books[book].armed += 1 }
        }
    }

    /// Where an open order of an internal venue stands; `nil`: in no book.
    private func bookPlace(_ slot: Int32) -> (kind: LadderKind, price: Price)? {
        let extra = orderRecords[slot].extra
        if isArmed(slot) {
            let it = extras[extra].instructions
            return (LadderKind(it.trigger, it.triggerPrice, orders[slot].side), it.stop)
        }
        if !rests(slot) { return nil }
        return (orders[slot].side == .buy ? .bids : .asks, orders[slot].price)
    }

    /// Every order that belongs into a book is in it.
    func checkBooks() throws {
        if books.books.end == 0 { return }
        for slot in 0..<orders.end where orders[slot].status.isOpen && markets[positions[orders[slot].position].instrument].book != none {
            if orders[slot].level == none { throw ImageError("an open order is in no book") }
        }
    }
}
