import Core

/// Rows of BOOK and MKT: what everybody may see of an instrument.
enum MarketWriter {
    /// Best first, bids then asks.
    static func book(_ query: Query, _ shard: borrowing Shard, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer) {
        side(.buy, query, shard, tag, &rows, &out)
        side(.sell, query, shard, tag, &rows, &out)
    }

    private static func side(
        _ side: Side, _ query: Query, _ shard: borrowing Shard, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) {
        let info = shard.registry.instruments[Int(query.instrument)]
        var left = query.depth
        var count = 0
        shard.forEachLevel(query.instrument, side) { level in
            QueryWriter.begin(tag, &out)
            out.append(side.bookWord)
            out.level(level, info)
            QueryWriter.end(&count, &out)
            left -= 1
            return left > 0
        }
        rows += count
    }

    /// A row per instrument that settles in this shard's wallet. Where nothing is matched there is only what INS and MRK say.
    static func market(
        _ query: Query, _ shard: borrowing Shard, now: Timestamp, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) {
        if query.instrument >= 0 { return market(query.instrument, shard, now, tag, &rows, &out) }
        for index in 0..<shard.registry.instruments.count where shard.registry.instruments[index].wallet == shard.number {
            if rows >= query.limit { return }
            market(InstrumentID(index), shard, now, tag, &rows, &out)
        }
    }

    private static func market(
        _ id: InstrumentID, _ shard: borrowing Shard, _ now: Timestamp, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) {
        let info = shard.registry.instruments[Int(id)]
        QueryWriter.begin(tag, &out)
        out.append(info.symbol)
        out.fact("state", info.terms.state.word)
        if let mark = shard.mark(id) { out.fact("mark", price: mark, info) }
        if let view = shard.marketView(id, now: now) { matched(view, info, shard.registry.assets[Int(info.quote)], &out) }
        QueryWriter.end(&rows, &out)
    }

    private static func matched(_ view: MarketView, _ info: InstrumentInfo, _ quote: AssetInfo, _ out: inout OutputBuffer) {
        if view.last != 0 {
            out.fact("last", price: view.last, info)
            out.fact("lastqty", quantity: view.lastQuantity, info)
            out.fact("lasttime", milliseconds: view.lastTime)
        }
        if let bid = view.bid {
            out.fact("bid", price: bid.price, info)
            out.fact("bidqty", wide: bid.quantity, info)
        }
        if let ask = view.ask {
            out.fact("ask", price: ask.price, info)
            out.fact("askqty", wide: ask.quantity, info)
        }
        if view.trades24 != 0 {
            out.fact("high", price: view.high24, info)
            out.fact("low", price: view.low24, info)
        }
        out.fact("volume", wide: view.volume24, info)
        out.key("turnover")
        out.append(view.turnover24, scale: Int(info.priceScale + info.quantityScale), least: Int(quote.decimals))
        out.fact("trades", view.trades24)
    }
}

extension Side {
    /// Of an order in a book.
    var bookWord: StaticString { self == .buy ? "bid" : "ask" }
}
