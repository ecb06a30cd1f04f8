import Core

/// LIM, DMS: limits and dead-man timers, or lists of them.
extension LineParser {
    static func limits(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        // 0: of every account that has none of its own.
        let account = a.isWord(a[0], "*") ? 0 : try a.account(a[0])
        if account == 0, a.count > 1 { throw .extraArgument(Text(cut: a[1])) }
        let instrument = a.count > 1 ? try a.instrument(a[1], registry) : -1
        let wallet = try scope(a, instrument: instrument, registry)
        if a.present.intersection(Verb.limitValues).isEmpty {
            var query = Query(.limits)
            query.account = account
            query.instrument = instrument
            query.wallet = wallet
            return try finish(query, a, &parsed)
        }
        if a.has(.limit) { throw .unknownKey(Text("limit")) }
        var change = LimitsChange()
        change.maxQuantity = try limit(a, .maxQty)
        change.maxNotional = try limit(a, .maxNotional)
        change.maxPosition = try limit(a, .maxPosition)
        if a.has(.maxOpen) {
            let bytes = a.bytes(.maxOpen)
            change.maxOpenOrders = a.isDash(bytes) ? .max : try a.int64(bytes, "max_open", scale: 0)
        }
        if a.has(.enabled) { change.enabled = try a.flag(.enabled) }
        change.priceBand = try limit(a, .priceBandBps, Limits.priceBandsAllowed)
        change.maxOrderRate = try limit(a, .maxOrderRate, Limits.ratesAllowed)
        change.maxCancelRate = try limit(a, .maxCancelRate, Limits.ratesAllowed)
        if a.has(.short) { change.mayShort = try a.flag(.short) }
        change.makerFee = try rate(a, .makerBps)
        change.takerFee = try rate(a, .takerBps)
        if a.has(.stp) { change.selfTrade = a.isDash(a.bytes(.stp)) ? .standard : try selfTrade(a) }
        for key in [OptionKey.maxDailyLoss, .listed, .reset] where instrument >= 0 && a.has(key) {
            throw .badValue(argument: key.name, value: Text(cut: a.bytes(key)), expected: "without_a_symbol")
        }
        change.maxDailyLoss = try limit(a, .maxDailyLoss)
        if a.has(.listed) { change.listedOnly = try a.flag(.listed) }
        if a.has(.reset) {
            guard account != 0, a.isWord(a.bytes(.reset), "loss") else {
                throw .badValue(argument: "reset", value: Text(cut: a.bytes(.reset)), expected: account == 0 ? "only_for_an_account" : "loss")
            }
            change.resetsLoss = true
        }
        parsed.request = .shard(
            try wallet >= 0 ? wallet : a.wallet(.wallet, registry),
            .setLimits(SetLimits(account: account, instrument: instrument, change: change, before: parsed.before)))
        parsed.requires = Requires(.admin, account: account)
    }

    /// `nil`: not given. `-` removes the limit.
    private static func limit(_ a: Arguments, _ key: OptionKey) throws(Refusal) -> Amount? {
        guard a.has(key) else { return nil }
        let bytes = a.bytes(key)
        return a.isDash(bytes) ? Limits.none : try a.amount(bytes, key.name)
    }

    private static func limit(_ a: Arguments, _ key: OptionKey, _ allowed: ClosedRange<Int32>) throws(Refusal) -> Int32? {
        guard a.has(key) else { return nil }
        let bytes = a.bytes(key)
        if a.isDash(bytes) { return Limits.unlimited }
        return Int32(try a.whole(bytes, key.name, Int64(allowed.lowerBound)...Int64(allowed.upperBound), expected: "1..1000000"))
    }

    private static func rate(_ a: Arguments, _ key: OptionKey) throws(Refusal) -> Int32? {
        guard a.has(key) else { return nil }
        return a.isDash(a.bytes(key)) ? Limits.noRate : try a.basisPoints(key)
    }

    /// The deadline is what it comes to when the line is read, the same in every wallet.
    static func deadMan(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        guard a.count > 1 else {
            var query = Query(.deadMen)
            if a.count > 0 { query.account = try a.account(a[0]) }
            try finish(query, a, &parsed)
            // Whose timers run is nobody else's business.
            if query.account == 0 { parsed.requires = Requires(.admin) }
            return
        }
        if a.has(.limit) { throw .unknownKey(Text("limit")) }
        let account = try a.account(a[0])
        let seconds = a.isDash(a[1]) ? 0 : try a.whole(a[1], "seconds", 0...86_400, expected: "0..86400|-")
        parsed.request = .deadMan(account, seconds: seconds)
        parsed.requires = Requires(.trade, account: account)
    }
}
