import Core

// The verbs that define: assets, wallets, venues, instruments, accounts, settings.

extension Reading {
    mutating func definition() -> Ask? {
        let isList: Bool
        switch words.verb {
        case "AST":
            isList = a.isEmpty && !has("decimals")
            if !isList, a.isEmpty { return fail("MISSING_ARGUMENT", nil) }
            if !isList, !has("decimals") { return fail("MISSING_KEY", nil) }
            if !isList { noLimit() }
            return isList
                ? .query(Query(kind: .assets, limit: limit(Int.max)))
                : .define(.asset(AssetInfo(name: Text(cut: name(a[0])), decimals: Int32(whole(words["decimals"]!, 0...18)))))
        case "WLT":
            if a.isEmpty { return .query(Query(kind: .wallets, limit: limit(Int.max))) }
            noLimit()
            return .define(.wallet(WalletInfo(name: Text(cut: name(a[0])))))
        case "VEN":
            if a.isEmpty, !has("kind") { return .query(Query(kind: .venues, limit: limit(Int.max))) }
            if a.isEmpty { return fail("MISSING_ARGUMENT", nil) }
            guard let kind = words["kind"] else { return fail("MISSING_KEY", nil) }
            noLimit()
            if kind == "connector" { return fail("NOT_SUPPORTED", nil) }
            if kind != "manual", kind != "internal" { faults.insert("BAD_VALUE") }
            return .define(.venue(VenueInfo(name: Text(cut: name(a[0])), kind: kind == "internal" ? .internal : .manual)))
        case "SET":
            if a.isEmpty { return .query(Query(kind: .settings, limit: limit(Int.max))) }
            noLimit()
            guard let setting = Setting.allCases.first(where: { $0.name == a[0] }) else { return fail("UNKNOWN_SETTING", nil) }
            if a.count < 2 { return fail("MISSING_ARGUMENT", nil) }
            return .define(.setting(setting, whole(a[1], setting.allowed)))
        case "ACC": return accountVerb()
        default: return instrumentVerb()
        }
    }

    mutating func noLimit() { if has("limit") { faults.insert("UNKNOWN_KEY") } }

    mutating func accountVerb() -> Ask? {
        guard a.count > 1 else {
            var query = Query(kind: .accounts)
            if let first = a.first { query.account = account(first) }
            if let after = words["after"] {
                if !a.isEmpty { faults.insert("UNKNOWN_KEY") }
                query.after = whole(after, 0...Registry.accountNumberMax)
            }
            query.limit = limit(Int.max)
            return .query(query)
        }
        noLimit()
        if has("after") { faults.insert("UNKNOWN_KEY") }
        if a[0] == "*" {
            if a[1] != "suspend", a[1] != "resume" { faults.insert("BAD_VALUE") }
            return .house(a[1] == "suspend" ? .suspended : .open)
        }
        let account = account(a[0])
        let status = names.status(account, at: number)
        switch a[1] {
        case "open":
            if status == .suspended { faults.insert("ALREADY_EXISTS") }
            return .define(.account(account, .open))
        case "suspend", "resume":
            if status == nil { faults.insert("UNKNOWN_ACCOUNT") }
            return .define(.account(account, a[1] == "suspend" ? .suspended : .open))
        default: return fail("BAD_VALUE", nil)
        }
    }

    mutating func instrumentVerb() -> Ask? {
        let given = words.options.keys.filter { $0 != "limit" && $0 != "before" }
        guard let first = a.first else {
            if !given.isEmpty { return fail("MISSING_ARGUMENT", nil) }
            return .query(Query(kind: .instruments, limit: limit(Int.max)))
        }
        let symbol = name(first)
        let known = names.instrument(symbol, at: number)
        if given.isEmpty {
            guard let known else { return fail("UNKNOWN_INSTRUMENT", nil) }
            return .query(Query(kind: .instruments, instrument: known, wallet: info(known).wallet, limit: limit(Int.max)))
        }
        noLimit()
        return known.map { changed($0) } ?? defined(symbol)
    }

    mutating func terms(_ quantityScale: Int32) -> TermsChange {
        var change = TermsChange()
        if let value = words["min_qty"] { change.minQuantity = scaled(value, quantityScale, zero: true) }
        if let value = words["max_qty"] { change.maxQuantity = scaled(value, quantityScale) }
        if let value = words["min_notional"] { change.minNotional = amount(value, zero: true) }
        if let value = words["state"] {
            let all: [String: InstrumentState] = ["trading": .trading, "halted": .halted, "post_only": .postOnly, "cancel_only": .cancelOnly]
            change.state = all[value] ?? fail("BAD_VALUE", .trading)
        }
        change.makerFee = basisPoints("maker_bps")
        change.takerFee = basisPoints("taker_bps")
        return change
    }

    /// In 10^-6.
    mutating func basisPoints(_ key: String) -> Int32? {
        guard let text = words[key], let value = number(text, scale: 2, signed: true) else { return nil }
        return (-1_000...10_000).contains(value) ? Int32(value) : fail("BAD_VALUE", nil)
    }

    mutating func funds() -> FundsCheck {
        let value = words["funds"]
        if let value, value != "full", value != "none" { faults.insert("BAD_VALUE") }
        return value == "none" ? .none : .full
    }

    mutating func changed(_ id: InstrumentID) -> Ask? {
        let info = info(id)
        if let value = words["venue"], venue(value) != info.venue { faults.insert("FIXED") }
        if has("wallet"), wallet(option: "wallet") != info.wallet { faults.insert("FIXED") }
        if let value = words["base"], asset(value) != info.base { faults.insert("FIXED") }
        if let value = words["quote"], asset(value) != info.quote { faults.insert("FIXED") }
        if let value = words["price_scale"], whole(value, 0...18) != Int64(info.priceScale) { faults.insert("FIXED") }
        if let value = words["qty_scale"], whole(value, 0...18) != Int64(info.quantityScale) { faults.insert("FIXED") }
        if has("funds"), funds() != info.funds { faults.insert("FIXED") }
        var change = terms(info.quantityScale)
        if let value = words["tick"] { change.tick = scaled(value, info.priceScale) }
        if let value = words["lot"] { change.lot = scaled(value, info.quantityScale) }
        return .change(id, change)
    }

    mutating func defined(_ symbol: String) -> Ask? {
        for key in ["venue", "wallet", "base", "quote", "tick", "lot"] where !has(key) { faults.insert("MISSING_KEY") }
        if !faults.isEmpty { return nil }
        let (venue, wallet, base, quote) = (venue(words["venue"]!), wallet(option: "wallet"), asset(words["base"]!), asset(words["quote"]!))
        if base == quote { faults.insert("BAD_VALUE") }
        func decimals(_ key: String, _ reading: inout Reading) -> Int32 {
            let text = reading.words[key]!
            _ = reading.amount(text)
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 2 ? Int32(parts[1].utf8.count) : 0
        }
        let (tickDecimals, lotDecimals) = (decimals("tick", &self), decimals("lot", &self))
        let priceScale = words["price_scale"].map { Int32(whole($0, 0...18)) } ?? tickDecimals + 2
        let quantityScale = words["qty_scale"].map { Int32(whole($0, 0...18)) } ?? lotDecimals
        let funds = funds()
        if priceScale + quantityScale > 18 { return fail("BAD_VALUE", nil) }
        let (tick, lot) = (scaled(words["tick"]!, priceScale), scaled(words["lot"]!, quantityScale))
        let standard = InstrumentTerms(
            tick: tick, lot: lot, minQuantity: lot, maxQuantity: Swift.max(9_000_000_000_000, lot), minNotional: 0)
        return .define(
            .instrument(
                InstrumentInfo(
                    symbol: Text(cut: symbol), venue: venue, wallet: wallet, base: base, quote: quote, priceScale: priceScale,
                    quantityScale: quantityScale, funds: funds, terms: terms(quantityScale).applied(to: standard))))
    }
}
