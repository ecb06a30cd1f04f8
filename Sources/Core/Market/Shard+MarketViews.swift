// Market data: reads of a book.

/// The orders of one price.
public struct BookLevel: BitwiseCopyable, Sendable, Equatable {
    public var price: Price
    /// What shows, at the quantity scale.
    public var quantity: Int128
    public var orders: Int32
}

public struct MarketView: BitwiseCopyable, Sendable {
    /// Of the newest trade; 0: there was none.
    public var last: Price
    public var lastQuantity: Quantity
    public var lastTime: Timestamp
    public var bid: BookLevel?
    public var ask: BookLevel?
    /// 0: none.
    public var mark: Price
    /// Base quantity of the last 24 hours, in steps of an hour, at the quantity scale.
    public var volume24: Int128
    /// Quote of the last 24 hours, at price scale + quantity scale.
    public var turnover24: Int128
    public var high24: Price
    public var low24: Price
    public var trades24: Int64
}

extension Shard {
    /// Whether the instrument is matched in this shard.
    public func hasBook(_ instrument: InstrumentID) -> Bool { isHere(instrument) && markets[instrument].book != none }

    /// Best first, until `body` says false.
    public func forEachLevel(_ instrument: InstrumentID, _ side: Side, _ body: (BookLevel) -> Bool) {
        guard hasBook(instrument) else { return }
        ladder(instrument, side).forEachLevel(books.chunks) { body(view(level: $0)) }
    }

    private func ladder(_ instrument: InstrumentID, _ side: Side) -> Ladder {
        books.ladders[Books.ladder(markets[instrument].book, side == .buy ? .bids : .asks)]
    }

    private func view(level: Int32) -> BookLevel {
        BookLevel(price: books.levels[level].price, quantity: books.levels[level].quantity, orders: books.levels[level].orders)
    }

    /// `nil`: not matched here. `now`: the end of its 24 hours.
    public func marketView(_ instrument: InstrumentID, now: Timestamp) -> MarketView? {
        guard hasBook(instrument) else { return nil }
        let book = books.books[markets[instrument].book]
        let day = books.hours[book.hours].total(now: now)
        func best(_ side: Side) -> BookLevel? {
            let level = ladder(instrument, side).best
            return level == none ? nil : view(level: level)
        }
        return MarketView(
            last: book.last, lastQuantity: book.lastQuantity, lastTime: book.lastTime, bid: best(.buy), ask: best(.sell), mark: markets[instrument].mark,
            volume24: day.volume, turnover24: day.turnover, high24: day.high, low24: day.low, trades24: day.trades)
    }

    /// Orders of a level in the order of their turn. For tests and images.
    package func forEachOrder(_ instrument: InstrumentID, _ side: Side, price: Price, _ body: (OrderID, _ shown: Quantity) -> Void) {
        guard hasBook(instrument) else { return }
        let level = ladder(instrument, side).find((side == .buy ? LadderKind.bids : .asks).key(price), books.chunks)
        var slot = level == none ? none : books.levels[level].first
        while slot != none {
            body(orders[slot].id, visible(slot))
            slot = orders[slot].bookNext
        }
    }

    // MARK: For followers

    /// Whether levels that change are noted until they are taken.
    public var notesLevels: Bool {
        get { books.notesLevels }
        set { books.notesLevels = newValue }
    }

    /// The levels that have changed since the last call, some more than once.
    public mutating func takeTouchedLevels(_ body: (InstrumentID, Side, Price) -> Void) {
        for it in books.touched {
            let kind = Books.kind(it.ladder)
            if kind.isArmed { continue }
            body(books.books[it.ladder / LadderKind.count].instrument, kind == .bids ? .buy : .sell, it.price)
        }
        books.touched.removeAll(keepingCapacity: true)
    }
}
