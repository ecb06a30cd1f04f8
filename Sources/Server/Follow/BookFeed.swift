import Core

/// A book as one client knows it: what it was sent of the best levels, and how the next lines bring that to what the book is now.
///
/// Nothing is queued per change. A client that reads slowly gets fewer and larger steps, each from what it knows to what is.
package struct BookFeed {
    let instrument: InstrumentID
    let wallet: WalletID
    /// Levels of a side, the best ones.
    let depth: Int
    /// The first lines show the book as it was after this change, or later.
    var from: UInt64
    /// Of the last line.
    private var sequence: Int64 = 0
    private var hasBegun = false
    /// The book has changed since it was last looked at, or was never.
    package private(set) var isDue = true
    private var bids: [BookLevel] = []
    private var asks: [BookLevel] = []
    private var found: [BookLevel] = []

    package init(instrument: InstrumentID, wallet: WalletID, depth: Int, from: UInt64) {
        self.instrument = instrument
        self.wallet = wallet
        self.depth = depth
        self.from = from
    }

    /// What was sent does not count any more: a snapshot comes next.
    package mutating func beginAnew(from lsn: UInt64) {
        from = max(from, lsn)
        hasBegun = false
        isDue = true
        bids.removeAll()
        asks.removeAll()
    }

    /// Levels have changed, none of them better than these.
    package mutating func note(_ touched: TouchedBook) {
        if isDue { return }
        // Full and better at its end than what was touched: not in it.
        let bidsAreFull = bids.count == depth && bids[depth - 1].price > touched.bid
        let asksAreFull = asks.count == depth && asks[depth - 1].price < touched.ask
        isDue = !(bidsAreFull && asksAreFull)
    }

    /// Appends the lines from what was sent to what is, the last of them with `lsn=`.
    package mutating func write(_ shard: borrowing Shard, lsn: UInt64, into out: inout OutputBuffer) {
        guard lsn >= from, Int(instrument) < shard.registry.instruments.count else { return }
        isDue = false
        let info = shard.registry.instruments[Int(instrument)]
        let start = out.count
        if hasBegun {
            step(.buy, shard, info, &out)
            step(.sell, shard, info, &out)
        } else {
            hasBegun = true
            snapshot(shard, info, &out)
        }
        guard out.count > start else { return }
        out.truncate(to: out.count - 1)
        out.fact("lsn", Int64(lsn))
        out.append(UInt8(ascii: "\n"))
    }

    private mutating func begin(_ info: InstrumentInfo, _ out: inout OutputBuffer) {
        sequence += 1
        out.append("! BOOK")
        out.fact("symbol", info.symbol)
        out.fact("seq", sequence)
    }

    private mutating func snapshot(_ shard: borrowing Shard, _ info: InstrumentInfo, _ out: inout OutputBuffer) {
        BookFeed.read(.buy, instrument, depth, shard, into: &bids)
        BookFeed.read(.sell, instrument, depth, shard, into: &asks)
        begin(info, &out)
        out.fact("type", "snapshot")
        out.fact("levels", Int64(bids.count + asks.count))
        out.fact("depth", Int64(depth))
        out.append(UInt8(ascii: "\n"))
        for index in bids.indices { line(.buy, bids[index], info, &out) }
        for index in asks.indices { line(.sell, asks[index], info, &out) }
    }

    /// Best first: what has gone, what has changed, what is new.
    private mutating func step(
        _ side: Side, _ shard: borrowing Shard, _ info: InstrumentInfo, _ out: inout OutputBuffer
    ) {
        // Taken out while they are compared; `found` lends its memory.
        var (known, new): ([BookLevel], [BookLevel]) = ([], [])
        swap(&new, &found)
        if side == .buy { swap(&known, &bids) } else { swap(&known, &asks) }
        BookFeed.read(side, instrument, depth, shard, into: &new)
        var (old, next) = (0, 0)
        while old < known.count || next < new.count {
            if next == new.count || (old < known.count && BookFeed.isBetter(known[old].price, new[next].price, side)) {
                gone(side, known[old].price, info, &out)
                old += 1
            } else if old == known.count || known[old].price != new[next].price {
                line(side, new[next], info, &out)
                next += 1
            } else {
                if known[old].quantity != new[next].quantity || known[old].orders != new[next].orders { line(side, new[next], info, &out) }
                old += 1
                next += 1
            }
        }
        if side == .buy { swap(&new, &bids) } else { swap(&new, &asks) }
        swap(&known, &found)
    }

    private static func read(
        _ side: Side, _ instrument: InstrumentID, _ depth: Int, _ shard: borrowing Shard, into levels: inout [BookLevel]
    ) {
        levels.removeAll(keepingCapacity: true)
        shard.forEachLevel(instrument, side) { level in
            levels.append(level)
            return levels.count < depth
        }
    }

    private mutating func line(_ side: Side, _ level: BookLevel, _ info: InstrumentInfo, _ out: inout OutputBuffer) {
        begin(info, &out)
        out.fact("side", side.bookWord)
        out.level(level, info)
        out.append(UInt8(ascii: "\n"))
    }

    private mutating func gone(_ side: Side, _ price: Price, _ info: InstrumentInfo, _ out: inout OutputBuffer) {
        begin(info, &out)
        out.fact("side", side.bookWord)
        out.fact("px", price: price, info)
        out.fact("qty", "0")
        out.append(UInt8(ascii: "\n"))
    }

    private static func isBetter(_ a: Price, _ b: Price, _ side: Side) -> Bool { side == .buy ? a > b : a < b }
}

/// The best prices of a book's levels that have changed.
package struct TouchedBook {
    var bid = Price.min
    var ask = Price.max

    package init() {}

    package mutating func note(_ side: Side, _ price: Price) {
        if side == .buy { bid = max(bid, price) } else { ask = min(ask, price) }
    }
}

/// The trades of an instrument, for one client, from a point on. They are numbered whether there is room for them or not: a number that is missing is
/// a trade that was left out because the client did not read.
package struct TradeFeed {
    let instrument: InstrumentID
    /// All up to this change are written or left out; a follower that begins anew comes by them again.
    private var done: UInt64
    private var sequence: Int64 = 0

    package init(instrument: InstrumentID, from: UInt64) {
        self.instrument = instrument
        done = from
    }

    package mutating func write(_ trade: PublicTrade, lsn: UInt64, hasRoom: Bool, into out: inout OutputBuffer) {
        if lsn <= done { return }
        done = lsn
        sequence += 1
        guard hasRoom else { return }
        out.append("! MTRADE")
        out.fact("symbol", trade.info.symbol)
        out.fact("seq", sequence)
        out.fact("px", price: trade.price, trade.info)
        out.fact("qty", quantity: trade.quantity, trade.info)
        out.fact("side", trade.takerSide.word)
        out.fact("trade", trade.id)
        out.fact("time", milliseconds: trade.time)
        out.append(UInt8(ascii: "\n"))
    }
}

/// What everybody may know of a trade.
package struct PublicTrade {
    var id: TradeID
    var instrument: InstrumentID
    var info: InstrumentInfo
    var price: Price
    var quantity: Quantity
    var takerSide: Side
    var time: Timestamp

    /// After `matched` was applied.
    package init(_ matched: Matched, _ shard: borrowing Shard, time: Timestamp) {
        guard let taker = shard.order(id: matched.taker) else { invariantFailure("a trade of an order that is not there") }
        id = matched.trade
        instrument = taker.view.instrument
        info = shard.registry.instruments[Int(instrument)]
        price = matched.price
        quantity = matched.quantity
        takerSide = taker.side
        self.time = time
    }
}
