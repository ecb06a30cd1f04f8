import Core

/// INS: list, definition or change.
extension LineParser {
    static func instruments(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let lists = a.present.subtracting(KeySet(.limit) | .before).isEmpty
        guard a.count > 0 else {
            if !lists { throw .missingArgument(.instruments, index: 0) }
            return try finish(Query(.instruments), a, &parsed)
        }
        let symbol = try a.name(a[0], "symbol")
        let known = registry.instrument(symbol)
        if lists {
            guard let known else { throw .unknownInstrument(symbol) }
            var query = Query(.instruments)
            query.instrument = known
            query.wallet = registry.instruments[Int(known)].wallet
            return try finish(query, a, &parsed)
        }
        if let known {
            let terms = try changed(registry.instruments[Int(known)], a, registry)
            parsed.named = a.present
            try define(.changeInstrument(known, terms), a, &parsed)
        } else {
            try define(.instrument(try new(symbol, a, registry)), a, &parsed)
        }
    }

    /// `terms` where the line names them, else those that there are by now: another change may have come before this one.
    static func merged(_ terms: InstrumentTerms, named: KeySet, into now: InstrumentTerms) -> InstrumentTerms {
        var merged = now
        if named.contains(.tick) { merged.tick = terms.tick }
        if named.contains(.lot) { merged.lot = terms.lot }
        if named.contains(.minQty) { merged.minQuantity = terms.minQuantity }
        if named.contains(.maxQty) { merged.maxQuantity = terms.maxQuantity }
        if named.contains(.minNotional) { merged.minNotional = terms.minNotional }
        if named.contains(.state) { merged.state = terms.state }
        if named.contains(.makerBps) { merged.fees.maker = terms.fees.maker }
        if named.contains(.takerBps) { merged.fees.taker = terms.fees.taker }
        return merged
    }

    /// The terms after the change; a key of what never changes must say what is so already.
    private static func changed(
        _ info: InstrumentInfo, _ a: Arguments, _ registry: borrowing Registry
    ) throws(Refusal) -> InstrumentTerms {
        if a.has(.venue), try a.venue(a.bytes(.venue), registry) != info.venue { throw .fixed("venue") }
        if a.has(.wallet), try a.wallet(.wallet, registry) != info.wallet { throw .fixed("wallet") }
        if a.has(.base), try a.asset(a.bytes(.base), "base", registry) != info.base { throw .fixed("base") }
        if a.has(.quote), try a.asset(a.bytes(.quote), "quote", registry) != info.quote { throw .fixed("quote") }
        if a.has(.priceScale), try scale(a, .priceScale) != info.priceScale { throw .fixed("price_scale") }
        if a.has(.qtyScale), try scale(a, .qtyScale) != info.quantityScale { throw .fixed("qty_scale") }
        if a.has(.funds), try funds(a) != info.funds { throw .fixed("funds") }

        var terms = info.terms
        if a.has(.tick) { terms.tick = try a.positive(a.bytes(.tick), "tick", scale: info.priceScale) }
        if a.has(.lot) { terms.lot = try a.positive(a.bytes(.lot), "lot", scale: info.quantityScale) }
        try bounds(a, scale: info.quantityScale, &terms)
        return terms
    }

    /// min_qty, max_qty, min_notional, state and fees, where given.
    private static func bounds(_ a: Arguments, scale: Int32, _ terms: inout InstrumentTerms) throws(Refusal) {
        if a.has(.minQty) { terms.minQuantity = try a.int64(a.bytes(.minQty), "min_qty", scale: Int(scale)) }
        if a.has(.maxQty) { terms.maxQuantity = try a.positive(a.bytes(.maxQty), "max_qty", scale: scale) }
        if a.has(.minNotional) { terms.minNotional = try a.amount(a.bytes(.minNotional), "min_notional") }
        if a.has(.state) {
            let bytes = a.bytes(.state)
            guard let state = InstrumentState.allCases.first(where: { a.isWord(bytes, $0.word) }) else {
                throw .badValue(argument: "state", value: Text(cut: bytes), expected: "trading|post_only|cancel_only|halted")
            }
            terms.state = state
        }
        if a.has(.makerBps) { terms.fees.maker = try a.basisPoints(.makerBps) }
        if a.has(.takerBps) { terms.fees.taker = try a.basisPoints(.takerBps) }
    }

    /// The default of max_qty, in units of the quantity scale: 90,000 at eight decimals.
    static let maxQuantityDefault: Quantity = 9_000_000_000_000

    private static func new(
        _ symbol: Text, _ a: Arguments, _ registry: borrowing Registry
    ) throws(Refusal) -> InstrumentInfo {
        for key in [.venue, .wallet, .base, .quote, .tick, .lot] as [OptionKey] where !a.has(key) { throw .missingKey(key.name) }
        let venue = try a.venue(a.bytes(.venue), registry)
        let wallet = try a.wallet(.wallet, registry)
        let base = try a.asset(a.bytes(.base), "base", registry)
        let quote = try a.asset(a.bytes(.quote), "quote", registry)
        if base == quote {
            throw .badValue(argument: "quote", value: Text(cut: a.bytes(.quote)), expected: "another_asset_than_base")
        }
        let tickDecimals = try decimals(a, .tick)
        let lotDecimals = try decimals(a, .lot)
        let priceScale = a.has(.priceScale) ? try scale(a, .priceScale) : tickDecimals + 2
        let quantityScale = a.has(.qtyScale) ? try scale(a, .qtyScale) : lotDecimals
        if priceScale + quantityScale > 18 {
            // Before the numbers are read at these scales.
            let key: OptionKey = a.has(.priceScale) ? .priceScale : a.has(.qtyScale) ? .qtyScale : .tick
            throw .badValue(
                argument: key.name, value: Text(cut: a.bytes(key)), expected: "price_scale+qty_scale<=18")
        }
        let lot = try a.positive(a.bytes(.lot), "lot", scale: quantityScale)
        var terms = InstrumentTerms(
            tick: try a.positive(a.bytes(.tick), "tick", scale: priceScale), lot: lot, minQuantity: lot,
            maxQuantity: max(maxQuantityDefault, lot), minNotional: 0)
        try bounds(a, scale: quantityScale, &terms)
        return InstrumentInfo(
            symbol: symbol, venue: venue, wallet: wallet, base: base, quote: quote, priceScale: priceScale,
            quantityScale: quantityScale, funds: a.has(.funds) ? try funds(a) : .full, terms: terms)
    }

    private static func scale(_ a: Arguments, _ key: OptionKey) throws(Refusal) -> Int32 {
        Int32(try a.whole(a.bytes(key), key.name, 0...18, expected: "0..18"))
    }

    private static func funds(_ a: Arguments) throws(Refusal) -> FundsCheck {
        let bytes = a.bytes(.funds)
        if a.isWord(bytes, "full") { return .full }
        if a.isWord(bytes, "none") { return .none }
        throw .badValue(argument: "funds", value: Text(cut: bytes), expected: "full|none")
    }

    /// The decimals as written: 2 of 0.01, 3 of 0.010.
    private static func decimals(_ a: Arguments, _ key: OptionKey) throws(Refusal) -> Int32 {
        let bytes = a.bytes(key)
        _ = try a.nonzeroAmount(bytes, key.name)
        guard let point = bytes.firstIndex(of: UInt8(ascii: ".")) else { return 0 }
        return Int32(bytes.count - point - 1)
    }
}
