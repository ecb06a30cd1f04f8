import Core

// Limits, latches and timers as they are told.

extension Telling {
    private func scope(_ instrument: InstrumentID) -> String {
        instrument >= 0 ? "symbol=\(info(instrument).symbol.plain)" : "wallet=\(model.names.wallets[Int(wallet.number)].name.plain)"
    }

    private func name(_ account: AccountNumber) -> String { account == 0 ? "*" : "\(account)" }

    func limitsText(_ instrument: InstrumentID, _ limits: Limits) -> String {
        func value(_ amount: Amount) -> String { amount == Limits.none ? "-" : self.amount(amount) }
        func rate(_ key: String, _ rate: Int32) -> String { rate == Limits.unlimited ? "" : " \(key)=\(rate)" }
        func fee(_ key: String, _ rate: Int32) -> String { rate == Limits.noRate ? "" : " \(key)=\(Decimals.print(Int128(rate), scale: 2))" }
        var text = " \(scope(instrument)) max_qty=\(value(limits.maxQuantity)) max_notional=\(value(limits.maxNotional)) max_position=\(value(limits.maxPosition))"
        text += " max_open=\(limits.maxOpenOrders == .max ? "-" : String(limits.maxOpenOrders)) enabled=\(limits.enabled ? 1 : 0)"
        text += rate("price_band_bps", limits.priceBand) + rate("max_order_rate", limits.maxOrderRate) + rate("max_cancel_rate", limits.maxCancelRate)
        if limits.maxDailyLoss != Limits.none { text += " max_daily_loss=\(value(limits.maxDailyLoss))" }
        text += (limits.mayShort ? "" : " short=0") + (limits.listedOnly ? " listed=1" : "")
        text += fee("maker_bps", limits.makerFee) + fee("taker_bps", limits.takerFee)
        return text + (limits.selfTrade == .standard ? "" : " stp=\(limits.selfTrade)")
    }

    /// A row of LIM; instrument -1: what holds for the account in the wallet, `nil`: nothing.
    func limitsRow(_ account: AccountNumber, _ instrument: InstrumentID) -> String? {
        guard instrument < 0 else { return wallet.ownLimit(account, instrument, at).map { name(account) + limitsText(instrument, $0) } }
        guard let limits = wallet.limit(account, -1, at) else { return nil }
        var text = name(account) + limitsText(-1, limits)
        if account == 0 { return text }
        if wallet.ownLimit(account, -1, at) == nil { text += " default=1" }
        let latched = wallet.risks.latched(account, at).sorted().map { assetName($0) }
        return latched.isEmpty ? text : text + " latched=" + latched.joined(separator: ",")
    }

    func limits(_ account: AccountNumber, _ instrument: InstrumentID, _ limits: Limits) -> Event {
        Event(
            kind: "LIMIT", account: account, instrument: instrument, text: end("LIMIT account=\(name(account))" + limitsText(instrument, limits)))
    }

    func latch(_ account: AccountNumber, _ asset: AssetID, _ on: Bool) -> Event {
        let what = on ? "latched=\(assetName(asset))" : "reset=loss"
        return Event(kind: "LIMIT", account: account, instrument: -1, text: end("LIMIT account=\(account) \(scope(-1)) \(what)"))
    }

    func timerRow(_ account: AccountNumber) -> String? {
        let deadline = wallet.risks.deadline(account, at)
        return deadline == 0 ? nil : "\(account) \(scope(-1)) deadline=\(deadline / 1_000)"
    }

    // MARK: Refusals

    func limit(_ code: String, _ account: AccountNumber, _ instrument: InstrumentID, _ limit: String = "", _ value: String = "") -> String {
        code + (limit.isEmpty ? "" : " limit=\(limit) value=\(value)") + " account=\(account) \(scope(instrument))"
    }

    /// Without a limit nobody keeps what was lost: then `value` is any.
    func dailyLoss(_ account: AccountNumber, _ asset: AssetID, _ most: Amount, _ lost: Amount) -> String {
        let isKept = most != Limits.none
        let facts = isKept ? "limit=\(amount(most)) value=\(amount(lost))" : "limit=- value=any"
        return "LIMIT_DAILY_LOSS asset=\(assetName(asset)) \(facts) account=\(account) \(scope(-1))"
    }

    func rate(_ what: String, _ account: AccountNumber, _ instrument: InstrumentID, _ rate: Int32, _ wait: Int64) -> String {
        "LIMIT_\(what)_RATE limit=\(rate) retry=\((wait + 999) / 1_000) account=\(account) \(scope(instrument))"
    }
}
