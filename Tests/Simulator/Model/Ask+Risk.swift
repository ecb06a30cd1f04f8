import Core

// LIM and DMS.

extension Reading {
    private static let limitKeys = [
        "max_qty", "max_notional", "max_position", "max_open", "enabled", "price_band_bps", "max_order_rate", "max_cancel_rate", "max_daily_loss",
        "short", "listed", "maker_bps", "taker_bps", "stp", "reset",
    ]

    mutating func limits() -> Ask? {
        // 0: all that have none of their own.
        let account = a[0] == "*" ? 0 : account(a[0])
        if account == 0, a.count > 1 { return fail("EXTRA_ARGUMENT", nil) }
        let id = a.count > 1 ? instrument(a[1]) : nil
        if a.count > 1, id == nil { return nil }
        let wallet = scope(id)
        guard Reading.limitKeys.contains(where: { has($0) }) else {
            return .query(Query(kind: .limits, account: account, instrument: id ?? -1, wallet: wallet, limit: limit(Int.max)))
        }
        noLimit()
        var change = LimitsChange()
        change.maxQuantity = most("max_qty")
        change.maxNotional = most("max_notional")
        change.maxPosition = most("max_position")
        change.maxDailyLoss = most("max_daily_loss")
        if let most = words["max_open"] { change.maxOpenOrders = most == "-" ? .max : scaled(most, 0, zero: true) }
        if has("enabled") { change.enabled = flag("enabled") }
        change.priceBand = number("price_band_bps")
        change.maxOrderRate = number("max_order_rate")
        change.maxCancelRate = number("max_cancel_rate")
        if has("short") { change.mayShort = flag("short") }
        if has("listed") { change.listedOnly = flag("listed") }
        change.makerFee = words["maker_bps"] == "-" ? Limits.noRate : basisPoints("maker_bps")
        change.takerFee = words["taker_bps"] == "-" ? Limits.noRate : basisPoints("taker_bps")
        if let word = words["stp"] { change.selfTrade = word == "-" ? .standard : selfTrade(word) }
        if id != nil, has("max_daily_loss") || has("listed") || has("reset") { faults.insert("BAD_VALUE") }
        if let what = words["reset"] {
            if what != "loss" || account == 0 { faults.insert("BAD_VALUE") }
            change.resetsLoss = true
        }
        let target = wallet >= 0 ? wallet : self.wallet(option: "wallet")
        return .shard(target, .setLimits(SetLimits(account: account, instrument: id ?? -1, change: change, before: time("before"))))
    }

    private mutating func most(_ key: String) -> Amount? {
        words[key].map { $0 == "-" ? Limits.none : amount($0, zero: true) }
    }

    private mutating func number(_ key: String) -> Int32? {
        words[key].map { $0 == "-" ? Limits.unlimited : Int32(whole($0, 1...1_000_000)) }
    }

    mutating func deadMan() -> Ask? {
        guard a.count > 1 else {
            var query = Query(kind: .deadMen)
            if let first = a.first { query.account = account(first) }
            query.limit = limit(Int.max)
            return .query(query)
        }
        noLimit()
        return .deadMan(account(a[0]), seconds: a[1] == "-" ? 0 : whole(a[1], 0...86_400))
    }
}
