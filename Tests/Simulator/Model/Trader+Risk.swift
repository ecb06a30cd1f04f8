// Limits and dead-man timers.

extension Trader {
    func limits() -> Pending {
        if random.chance(0.6), let change = riskChange() { return command(change) }
        let scope = random.chance(0.5) ? " \(random.pick(symbols).symbol)" : " wallet=\(random.pick(wallets))"
        let change = random.pick([
            "max_qty=\(random.pick(["1", "0.5", "-"]))", "max_notional=\(random.pick(["100000", "5000.5", "-"]))",
            "max_position=\(random.pick(["3", "0.7", "-"]))", "max_open=\(random.pick(["3", "20", "-"]))", "enabled=\(random.next(below: 2))",
            "max_qty=- max_notional=- max_position=- max_open=- enabled=1", "stp=\(random.pick(["newest", "oldest", "both", "decrement", "-"]))",
            "price_band_bps=\(random.pick(["100", "450", "-"]))", "short=\(random.next(below: 2))",
            "maker_bps=\(random.pick(["-", "-1", "0.25"])) taker_bps=\(random.pick(["-", "3", "0"]))",
        ])
        let whose = universe.risks.contains(.all) && scope.hasPrefix(" wallet=") && random.chance(0.2) ? "*" : "\(account())"
        return command("LIM \(whose)\(scope) \(change)")
    }

    /// One of those that not all worlds have.
    private func riskChange() -> String? {
        let kinds = Universe.Risk.allCases.filter { universe.risks.contains($0) && $0 != .timers && $0 != .all }
        if kinds.isEmpty { return nil }
        let wallet = " wallet=\(random.pick(wallets))"
        let whose = universe.risks.contains(.all) && random.chance(0.25) ? "*" : "\(account())"
        switch random.pick(kinds) {
        case .rates:
            let scope = whose != "*" && random.chance(0.4) ? " \(random.pick(symbols).symbol)" : wallet
            return "LIM \(whose)\(scope) " + random.pick([
                "max_order_rate=\(random.pick(["1", "1", "1", "2", "5", "1000000"]))", "max_cancel_rate=\(random.pick(["1", "1", "1", "3"]))",
                "max_order_rate=-", "max_cancel_rate=-",
            ])
        case .losses:
            // An amount of its own, so that it is plain whose line it was.
            idCount += 1
            return random.pick([
                "LIM \(whose)\(wallet) max_daily_loss=\(random.pick(["0", "1", "25.5", "400", "20000"]))",
                "LIM \(whose)\(wallet) max_daily_loss=\(random.pick(["0", "5", "100", "-"]))", "LIM \(account())\(wallet) reset=loss",
                "LIM \(account())\(wallet) max_notional=\(id + 1)00000.\(idCount + 10) reset=loss",
            ])
        default:
            if random.chance(0.5) { return "LIM \(account()) \(random.pick(symbols).symbol) max_open=\(random.pick(["50", "60", "-"]))" }
            return "LIM \(whose)\(wallet) listed=\(random.pick(["0", "1", "1"]))"
        }
    }

    /// Soon, so that it runs out, and now and then late enough to be renewed, turned off or lived through by a restart.
    func timer() -> Pending {
        let account = account()
        switch random.next(below: 8) {
        case 0: return command("DMS \(account) \(random.pick(["-", "0"]))")
        case 1, 2: return command("DMS" + random.pick(["", " \(account)", " \(account)"]))
        default:
            // Some so late that loops may see it differently.
            let late = random.chance(0.15) ? " before=\(max(1, now / 1_000 + Int64(random.pick([0, 1, 20, 500]))))" : ""
            return command("DMS \(account) \(random.pick([1, 1, 2, 3, 5, 10, 30, 300, 86_400]))\(late)")
        }
    }

    func limitsQuery() -> Pending {
        if universe.risks.contains(.all), random.chance(0.3) { return command("LIM *" + random.pick(["", " wallet=\(random.pick(wallets))"])) }
        return command("LIM \(account())" + random.pick(["", " \(random.pick(symbols).symbol)"]))
    }

    /// What takes a limit away that has refused something. Those of all are taken away from all, or the account gets its own.
    func limitRemedy(_ code: String, _ facts: [String: String]) -> String? {
        let account = facts["account"] ?? "7"
        let wallet = facts["wallet"].map { " wallet=\($0)" } ?? ""
        switch code {
        case "LIMIT_ORDER_RATE", "LIMIT_CANCEL_RATE":
            guard random.chance(0.03) else { return nil }
            let scope = facts["symbol"].map { " \($0)" } ?? wallet
            return "LIM \(account)\(scope) max_order_rate=- max_cancel_rate=-"
        case "LIMIT_DAILY_LOSS": return "LIM \(account)\(wallet) reset=loss"
        case "LIMIT_NOT_LISTED":
            return random.chance(0.5) ? "LIM \(account) \(facts["symbol"] ?? "BTC-USD") max_open=40" : "LIM \(account)\(wallet) listed=0"
        default:
            let isOfAll = universe.risks.contains(.all) && facts["symbol"] == nil && random.chance(0.3)
            let scope = facts["symbol"].map { " \($0)" } ?? wallet
            return "LIM \(isOfAll ? "*" : account)\(scope) max_qty=- max_notional=- max_position=- max_open=- enabled=1 price_band_bps=- short=1"
        }
    }

    /// No limit and no timer at all.
    func carelessLimit(_ account: Int64, _ symbol: String) -> String {
        random.pick([
            "DMS \(account) 0.5", "DMS 999999 5", "DMS \(account) 86401", "DMS \(account) soon", "DMS \(account) 5 limit=3", "DMS 0", "DMS * 5",
            "DMS 999998", "DMS \(account) 5 before=\(max(1, now / 1_000 - 100))", "LIM * \(symbol) max_qty=1", "LIM * reset=loss", "LIM \(account) \(symbol) listed=1",
            "LIM \(account) \(symbol) max_daily_loss=5", "LIM \(account) \(symbol) reset=loss", "LIM \(account) reset=profit",
            "LIM \(account) max_order_rate=0", "LIM \(account) max_cancel_rate=1000001", "LIM \(account) max_order_rate=1.5", "LIM 999999 max_open=5",
            "LIM * limit=5 max_open=5", "LIM \(account) max_daily_loss=-1", "LIM * listed=2", "LIM \(account) listed=-", "LIM 999999",
        ])
    }
}
