import Core
import Twin

// Limits: what speaks against an order, and LIM. On internal venues the twin says the first of it instead.

extension Judge {
    func limitReasons(
        _ account: AccountNumber, _ instrument: InstrumentID, _ side: Side, quantity: Quantity, added: Quantity, notional: Amount, opens: Bool
    ) -> [String] {
        let position = wallet.position(account, instrument, at)
        let openAfter = (side == .buy ? position.openBuy : position.openSell) + Int128(added)
        if openAfter > Int128(Int64.max) { return ["OVERFLOW what=position"] }
        var reasons: [String] = []
        let worst = side == .buy ? Int128(position.quantity) + openAfter : openAfter - Int128(position.quantity)
        for scope in [-1, instrument] {
            guard let limits = wallet.limit(account, scope, at) else { continue }
            if !limits.enabled { reasons.append(telling.limit("LIMIT_DISABLED", account, scope)) }
            func exceeds(_ code: String, _ value: Amount, _ limit: Amount) {
                if value > limit {
                    reasons.append(
                        telling.limit(code, account, scope, Decimals.print(limit, scale: 18), Decimals.print(value, scale: 18)))
                }
            }
            let unit = model.units(instrument, 1)
            exceeds("LIMIT_QTY", Int128(quantity) * unit, limits.maxQuantity)
            if limits.maxNotional != Limits.none {
                if notional == 0 { reasons.append("NO_MARK symbol=\(info(instrument).symbol.plain)") }
                exceeds("LIMIT_NOTIONAL", notional, limits.maxNotional)
            }
            if opens {
                let open = scope < 0 ? wallet.openOrders(account, at) : position.openOrders
                if Int64(open) + 1 > limits.maxOpenOrders {
                    reasons.append(telling.limit("LIMIT_OPEN_ORDERS", account, scope, "\(limits.maxOpenOrders)", "\(open + 1)"))
                }
            }
            if added > 0, limits.maxPosition != Limits.none { exceeds("LIMIT_POSITION", worst * unit, limits.maxPosition) }
        }
        return reasons
    }

    /// A limit price too far from the mark, else the last trade; of an armed order, from its stop. `price` 0: it has none.
    func bandReasons(_ account: AccountNumber, _ instrument: InstrumentID, price: Price, stop: Price = 0) -> [String] {
        var reasons: [String] = []
        for scope in [-1, instrument] {
            guard let limits = wallet.limit(account, scope, at), limits.priceBand != Limits.unlimited, price != 0 else { continue }
            let mark = wallet.mark(instrument, at)
            let reference = stop != 0 ? stop : mark != 0 ? mark : wallet.last(instrument, at).price
            if reference == 0 {
                reasons.append("NO_MARK symbol=\(info(instrument).symbol.plain)")
                continue
            }
            let (value, rest) = (Int128(abs(price - reference)) * 10_000).quotientAndRemainder(dividingBy: Int128(reference))
            let distance = value + (rest == 0 ? 0 : 1)
            if distance > Int128(limits.priceBand) {
                reasons.append(
                    "LIMIT_PRICE_BAND limit=\(limits.priceBand) value=\(distance) reference=\(telling.price(reference, of: instrument))"
                        + telling.limit("", account, scope))
            }
        }
        return reasons
    }

    /// A sale that could bring the position below zero, with all open sales.
    func shortReasons(_ account: AccountNumber, _ instrument: InstrumentID, _ side: Side, added: Quantity) -> [String] {
        let position = wallet.position(account, instrument, at)
        let worst = position.openSell + Int128(added) - Int128(position.quantity)
        guard side == .sell, added > 0, worst > 0 else { return [] }
        return [-1, instrument].compactMap { scope in
            guard let limits = wallet.limit(account, scope, at), !limits.mayShort else { return nil }
            let value = Decimals.print(-worst * model.units(instrument, 1), scale: 18)
            return "LIMIT_SHORT value=\(value)" + telling.limit("", account, scope) + (scope < 0 ? " symbol=\(info(instrument).symbol.plain)" : "")
        }
    }

    // MARK: Instruments, losses, rates

    func listReasons(_ account: AccountNumber, _ instrument: InstrumentID) -> [String] {
        let isListed = wallet.ownLimit(account, instrument, at) != nil
        if isListed || !(wallet.limit(account, -1, at)?.listedOnly ?? false) { return [] }
        return [telling.limit("LIMIT_NOT_LISTED", account, -1) + " symbol=\(info(instrument).symbol.plain)"]
    }

    /// What the account has lost today.
    func loss(_ account: AccountNumber, _ asset: AssetID) -> Amount {
        moment == .nextDay ? 0 : model.loss(account, asset, wallet, at, now)
    }

    /// It has lost too much, and that is to be recorded before the order that is judged.
    func latchReasons(_ account: AccountNumber, _ instrument: InstrumentID) -> [String] {
        let asset = names.instruments[Int(instrument)].quote
        return model.owesLatch(account, asset, wallet, at, now) ? ["(latched before it)"] : []
    }

    func lossReasons(_ account: AccountNumber, _ instrument: InstrumentID, _ side: Side, added: Quantity) -> [String] {
        let asset = names.instruments[Int(instrument)].quote
        if !wallet.risks.latched(account, at).contains(asset) { return latchReasons(account, instrument) }
        let position = wallet.position(account, instrument, at)
        let open = (side == .buy ? position.openBuy : position.openSell) + Int128(added)
        let isAgainst = position.quantity != 0 && (position.quantity > 0) == (side == .sell)
        if isAgainst, open <= Int128(position.quantity.magnitude) { return [] }
        return [telling.dailyLoss(account, asset, wallet.limit(account, -1, at)?.maxDailyLoss ?? Limits.none, loss(account, asset))]
    }

    func rateReasons(_ what: String, _ which: KeyPath<TwinMeters, TwinMeter>, _ account: AccountNumber, _ instrument: InstrumentID) -> [String] {
        if moment != .exact { return [] }
        return [-1, instrument].compactMap { scope in
            guard let rate = wallet.limit(account, scope, at)?.rate(which), let meters = wallet.risks.meters[Pair(account: account, other: scope)],
                let wait = meters.at(at)[keyPath: which].wait(rate, now)
            else { return nil }
            return telling.rate(what, account, scope, rate, wait)
        }
    }

    // MARK: LIM

    func decide(_ set: SetLimits) -> Verdict {
        if set.account != 0, status(set.account) == nil { return .refuse(["UNKNOWN_ACCOUNT account=\(set.account)"]) }
        let old = wallet.limit(set.account, set.instrument, at) ?? Limits()
        var new = old
        if let value = set.change.maxQuantity { new.maxQuantity = value }
        if let value = set.change.maxNotional { new.maxNotional = value }
        if let value = set.change.maxPosition { new.maxPosition = value }
        if let value = set.change.maxOpenOrders { new.maxOpenOrders = value }
        if let value = set.change.enabled { new.enabled = value }
        if let value = set.change.priceBand { new.priceBand = value }
        if let value = set.change.maxOrderRate { new.maxOrderRate = value }
        if let value = set.change.maxCancelRate { new.maxCancelRate = value }
        if let value = set.change.maxDailyLoss { new.maxDailyLoss = value }
        if let value = set.change.mayShort { new.mayShort = value }
        if let value = set.change.listedOnly { new.listedOnly = value }
        if let value = set.change.makerFee { new.makerFee = value }
        if let value = set.change.takerFee { new.takerFee = value }
        if let value = set.change.selfTrade { new.selfTrade = value }
        var records: [Mutation] = new == old ? [] : [.limitsSet(account: set.account, instrument: set.instrument, new)]
        if set.change.resetsLoss, old.maxDailyLoss != Limits.none || !wallet.risks.latched(set.account, at).isEmpty {
            records.append(.lossLatched(account: set.account, asset: -1, on: false))
        }
        if records.isEmpty { return .repeated("OK") }
        let reasons = late(set.before)
        return reasons.isEmpty ? .run(records) : .refuse(reasons)
    }
}
