// The order books of a wallet's internal instruments: six ladders each, whose levels are lists of orders in the order of time.

/// What a ladder is of a book. Bids and armed orders that wait for a fall have the highest price first, the others the lowest.
enum LadderKind: Int32 {
    case bids = 0, asks, risingLast, fallingLast, risingMark, fallingMark
    static var count: Int32 { 6 }

    /// Ascending from the worst price to the best.
    @inline(__always)
    func key(_ price: Price) -> Int64 {
        switch self {
        case .bids, .fallingLast, .fallingMark: price
        case .asks, .risingLast, .risingMark: -price
        }
    }
}

/// Orders of one price. One per price and ladder, as long as there are any.
struct Level: BitwiseCopyable {
    /// Sum of what its orders show; of an armed ladder: 0.
    var quantity: Int128 = 0
    var price: Price
    var first: Int32 = none
    var last: Int32 = none
    var orders: Int32 = 0
    /// Its key there, see ``LadderKind/key(_:)``.
    var key: Int64
    /// Index in ``Books/ladders``: book x 6 + kind.
    var ladder: Int32
}

struct Book: BitwiseCopyable {
    var instrument: InstrumentID
    /// Orders that wait for a price.
    var armed: Int32 = 0
    /// Of the newest trade; 0: there was none.
    var last: Price = 0
    var lastQuantity: Quantity = 0
    var lastTime: Timestamp = 0
    /// Slot in ``Books/hours``.
    var hours: Int32
}

struct Books: ~Copyable {
    var books = Arena<Book>()
    var ladders = Arena<Ladder>()
    var levels = Arena<Level>()
    var chunks = Arena<LadderChunk>()
    var hours = Arena<MarketHours>()

    /// For followers: levels of bids and asks that changed, if somebody wants to know.
    var notesLevels = false
    var touched: [TouchedLevel] = []

    struct TouchedLevel { var ladder: Int32; var price: Price }

    init() {}

    deinit {
        for index in 0..<ladders.end { ladders.pointer(index).pointee.free() }
    }

    /// A book for `instrument`; its index.
    mutating func add(_ instrument: InstrumentID) -> Int32 {
        let book = books.insert(Book(instrument: instrument, hours: hours.insert(MarketHours())))
        for _ in 0..<LadderKind.count { _ = ladders.insert(Ladder()) }
        return book
    }

    @inline(__always)
    static func ladder(_ book: Int32, _ kind: LadderKind) -> Int32 { book * LadderKind.count + kind.rawValue }

    @inline(__always)
    static func kind(_ ladder: Int32) -> LadderKind { LadderKind(rawValue: ladder % LadderKind.count)! }

    /// The level of the best price; `none`: empty.
    @inline(__always)
    func best(_ book: Int32, _ kind: LadderKind) -> Int32 { ladders[Books.ladder(book, kind)].best }

    @inline(__always)
    mutating func note(_ level: Int32) {
        if notesLevels { noteTouched(level) }
    }

    @inline(never)
    private mutating func noteTouched(_ level: Int32) {
        touched.append(TouchedLevel(ladder: levels[level].ladder, price: levels[level].price))
    }

    // MARK: Memory ahead

    /// Asks for where a key will be looked for in a ladder; of a short one all is at hand.
    @inline(__always)
    func prefetchPlace(_ ladder: Int32, _ key: Int64) {
        let it = ladders.pointer(ladder)
        if it.pointee.isLong { chunks.prefetchKeys(it.pointee.chunks![it.pointee.chunk(for: key)]) }
    }

    /// Asks for the level with this key.
    @inline(__always)
    func prefetchLevel(_ ladder: Int32, _ key: Int64) {
        let it = ladders.pointer(ladder)
        if !it.pointee.isLong { return }
        let level = it.pointee.find(key, chunks)
        if level != none { levels.prefetch(level) }
    }

    // MARK: Orders in levels

    /// Puts an order last at its price, showing `quantity`.
    @inline(__always)
    mutating func append(
        _ slot: Int32, _ book: Int32, _ kind: LadderKind, _ price: Price, showing quantity: Quantity, _ orders: inout Arena<Order>
    ) {
        let ladder = Books.ladder(book, kind)
        let key = kind.key(price)
        let it = ladders.pointer(ladder)
        let place = it.pointee.place(of: key, chunks)
        var level = place.level
        if level == none {
            level = levels.insert(Level(price: price, key: key, ladder: ladder))
            it.pointee.insert(key, level, at: place, &chunks)
        }
        link(slot, level, &orders)
        levels[level].quantity += Int128(quantity)
        note(level)
    }

    @inline(__always)
    private mutating func link(_ slot: Int32, _ level: Int32, _ orders: inout Arena<Order>) {
        let (order, it) = (orders.pointer(slot), levels.pointer(level))
        let last = it.pointee.last
        order.pointee.level = level
        order.pointee.bookPrevious = last
        order.pointee.bookNext = none
        if last == none { it.pointee.first = slot } else { orders[last].bookNext = slot }
        it.pointee.last = slot
        it.pointee.orders += 1
    }

    @inline(__always)
    private mutating func unlink(_ slot: Int32, _ level: Int32, _ orders: inout Arena<Order>) {
        let (order, it) = (orders.pointer(slot), levels.pointer(level))
        let (previous, next) = (order.pointee.bookPrevious, order.pointee.bookNext)
        if previous == none { it.pointee.first = next } else { orders[previous].bookNext = next }
        if next == none { it.pointee.last = previous } else { orders[next].bookPrevious = previous }
        it.pointee.orders -= 1
    }

    /// Takes an order, which showed `quantity`, out of its level, and the level out of its ladder if it was the only one.
    @inline(__always)
    mutating func remove(_ slot: Int32, showing quantity: Quantity, _ orders: inout Arena<Order>) {
        let order = orders.pointer(slot)
        let level = order.pointee.level
        unlink(slot, level, &orders)
        order.pointee.level = none
        order.pointee.bookNext = none
        order.pointee.bookPrevious = none
        let it = levels.pointer(level)
        it.pointee.quantity -= Int128(quantity)
        note(level)
        if it.pointee.orders == 0 {
            invariant(it.pointee.quantity == 0, "an empty level shows a quantity")
            ladders[it.pointee.ladder].remove(it.pointee.key, &chunks)
            levels.remove(level)
        }
    }

    /// An order shows more or less than before.
    @inline(__always)
    mutating func change(_ level: Int32, by quantity: Quantity) {
        levels[level].quantity += Int128(quantity)
        note(level)
    }

    /// Puts an order behind the others of its level.
    mutating func moveBack(_ slot: Int32, _ orders: inout Arena<Order>) {
        let level = orders[slot].level
        if levels[level].last == slot { return }
        unlink(slot, level, &orders)
        link(slot, level, &orders)
    }
}
