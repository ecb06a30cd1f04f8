import Core

/// BOOK and MKT, and the market data of SUB and UNS. All of it is public: any session may ask.
extension LineParser {
    static func book(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        var query = Query(.book)
        query.instrument = try market(a[0], "BOOK", a, registry)
        query.wallet = registry.instruments[Int(query.instrument)].wallet
        query.depth = try depth(a)
        query.limit = .max
        parsed.request = .query(query)
        parsed.requires = Requires(.session)
    }

    static func market(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        var query = Query(.market)
        if a.count > 0 {
            query.instrument = try a.instrument(a[0], registry)
            query.wallet = registry.instruments[Int(query.instrument)].wallet
        }
        try finish(query, a, &parsed)
    }

    /// `SUB book=S [trades=S] [depth=N]`; a subscription of its own kind, which no option of events fits.
    static func subscribeMarket(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        for key in [.from, .account, .symbol, .kind] as [OptionKey] where a.has(key) { throw .unknownKey(Text("\(key.name)")) }
        var request = SessionVerb.MarketData()
        if a.has(.book) { request.book = try market(a.bytes(.book), "book", a, registry) }
        if a.has(.trades) { request.trades = try market(a.bytes(.trades), "trades", a, registry) }
        if a.has(.depth), !a.has(.book) { throw .unknownKey(Text("depth")) }
        request.depth = try depth(a)
        parsed.request = .session(.subscribeMarket(request))
        parsed.requires = Requires(.session)
    }

    static func unsubscribe(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        parsed.requires = Requires(.session)
        guard a.has(.book) || a.has(.trades) else {
            parsed.request = .session(.unsubscribe)
            return
        }
        var request = SessionVerb.MarketData()
        if a.has(.book) { request.book = try a.instrument(a.bytes(.book), registry) }
        if a.has(.trades) { request.trades = try a.instrument(a.bytes(.trades), registry) }
        parsed.request = .session(.unsubscribeMarket(request))
    }

    /// An instrument that has a book here.
    private static func market(
        _ bytes: UnsafeRawBufferPointer, _ what: StaticString, _ a: Arguments, _ registry: borrowing Registry
    ) throws(Refusal) -> InstrumentID {
        let instrument = try a.instrument(bytes, registry)
        guard registry.venues[Int(registry.instruments[Int(instrument)].venue)].kind == .internal else { throw .notSupported(what) }
        return instrument
    }

    private static func depth(_ a: Arguments) throws(Refusal) -> Int {
        guard a.has(.depth) else { return Query.depthDefault }
        return Int(try a.whole(a.bytes(.depth), "depth", 1...Int64(Query.depthMax), expected: "1..1000"))
    }
}
