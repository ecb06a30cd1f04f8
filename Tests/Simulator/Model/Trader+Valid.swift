// What a desk sends.

extension Trader {
    func validCommand() -> Pending {
        var weights = [30, 14, 8, 9, 1, 2, 3, 2, 5, 2, 2, 1, 1, 4, 3, 4, 2, 3, 3, 1, 1, 1, 1, 2, 1, 1, universe.risks.contains(.timers) ? 2 : 0]
        weights[17] += 2 * universe.risks.count
        // Cancels enough for a bucket.
        if universe.risks.contains(.rates) { weights[2] += 12 }
        switch random.weighted(weights) {
        case 0: return newOrder()
        case 1: return hasMarkets && random.chance(0.7) ? newOrder() : fill()
        case 2: return cancel()
        case 3: return replace()
        case 4:
            let instrument = random.pick(symbols)
            return command("CXA \(account())" + random.pick(["", " \(instrument.symbol)", " wallet=\(instrument.wallet)"]))
        case 5: return close()
        case 6: return money("DEP", optional("note"))
        case 7: return money("WDR", optional("note"))
        case 8: return transfer()
        case 9: return money("HLD", optional("reason"))
        case 10: return money("RLS", optional("reason"))
        case 11: return money("ADJ", " reason=fix", sign: random.pick(["", "-"]))
        case 12: return takeOver()
        case 13 where hasMarkets && random.chance(0.5), 14 where hasMarkets && random.chance(0.3): return marketQuery()
        case 13: return command("BAL \(account())" + random.pick(["", "", " \(random.pick(universe.assets))", " wallet=\(random.pick(wallets))"]))
        case 14: return command("POS \(account())" + random.pick(["", " \(random.pick(symbols).symbol)"]))
        case 15: return orderQuery()
        case 16: return tradeQuery()
        case 17: return limits()
        case 18: return command(markCommand())
        case 19: return command("SYNC")
        case 20: return command(random.pick(["PING", "TIME", "PING"]))
        case 21: return subscribe()
        case 22: return command(random.pick(["INS", "AST", "WLT", "VEN", "SET", "ACC", "ACC \(account())", "INS \(random.pick(symbols).symbol)"]))
        case 23: return rare()
        case 24: return limitsQuery()
        case 26: return timer()
        default: return command(random.pick(["STAT", "SES", "HELP", "HELP NEW", "STAT hash=1"]))
        }
    }

    func account() -> Int64 { random.pick(accounts) }

    func nextID(_ prefix: String = "o") -> String {
        idCount += 1
        return "\(prefix)\(id)-\(idCount)"
    }

    func optional(_ key: String) -> String { random.chance(0.2) ? " \(key)=\(random.pick(["desk", "50%25", "a%20b", "end-of-day"]))" : "" }

    /// In lots: about a hundredth to two units.
    func lots(_ instrument: Universe.Instrument) -> Int {
        var unit = 1
        for _ in 0..<instrument.lotDecimals { unit *= 10 }
        return max(1, unit * random.next(in: 1...200) / 100 + (random.chance(0.3) ? random.next(below: unit) : 0))
    }

    private func isBuy(_ account: Int64) -> Bool { random.chance(0.55) }

    func newOrder() -> Pending {
        if hasMarkets, random.chance(0.7) { return marketOrder() }
        let instrument = random.pick(symbols.filter { !$0.isInternal })
        let account = account()
        let isBuy = isBuy(account)
        let isMarket = random.chance(0.12)
        let quantity = lots(instrument)
        let spread = max(1, instrument.priceTicks / 20)
        let price = max(1, instrument.priceTicks + random.next(in: -spread...spread))
        let name = nextID()
        var line = "NEW \(account) \(instrument.symbol) \(isBuy ? "B" : "S") \(isMarket ? "MKT" : "LMT") \(decimal(quantity, instrument.lotDecimals))"
        line += isMarket ? " -" : " \(decimal(price, instrument.tickDecimals))"
        if random.chance(0.1) {
            line += " GTD id=\(name) expire=\(now / 1_000 + Int64(random.pick([5, 200, 2_000, 60_000, 7_200_000])))"
        } else {
            line += " \(random.pick(["GTC", "GTC", "GTC", "IOC", "FOK"])) id=\(name)"
        }
        if isMarket, isBuy, instrument.isFunded, random.chance(0.5) { line += " max=\(random.next(in: 1...50_000))" }
        if random.chance(0.3) { line += " strategy=\(random.pick(["grid", "twap", "arb%20one", "mm"]))" }
        line += optional("note")
        know(
            KnownOrder(
                account: account, instrument: instrument, id: name, number: 0, isBuy: isBuy, isMarket: isMarket, quantity: quantity,
                price: isMarket ? 0 : price, filled: 0, isOpen: true))
        return command(line, about: name, isSafe: true)
    }

    func know(_ order: KnownOrder) {
        orders.append(order)
        if orders.count > 150 {
            // The oldest ones that are over, else the oldest.
            if let old = orders.firstIndex(where: { !$0.isOpen }) { orders.remove(at: old) } else { orders.removeFirst() }
        }
    }

    func someOrder(open: Double = 0.93) -> KnownOrder? {
        if orders.isEmpty { return nil }
        if random.chance(open) {
            let candidates = orders.filter(\.isOpen)
            if !candidates.isEmpty { return random.pick(candidates) }
        }
        return random.pick(orders)
    }

    private func name(_ order: KnownOrder) -> String { order.number != 0 && random.chance(0.5) ? "\(order.number)" : "id=\(order.id)" }

    func fill() -> Pending {
        guard let order = someOrder(), !order.instrument.isInternal || random.chance(0.02) else { return newOrder() }
        let left = max(1, order.quantity - order.filled)
        let quantity = random.chance(0.4) ? left : random.next(in: 1...left)
        let base = order.price == 0 ? order.instrument.priceTicks : order.price
        let off = random.next(below: max(1, base / 50) + 1)
        let ticks = max(1, random.chance(0.1) ? base + off * random.pick([-1, 1]) : order.isBuy ? base - off : base + off)
        var line = "FIL \(order.account) \(order.instrument.symbol) \(name(order)) \(decimal(quantity, order.instrument.lotDecimals))"
        // A venue's price may be finer than the tick.
        line += random.chance(0.2) ? " \(decimal(ticks * 100 + random.next(below: 100), order.instrument.tickDecimals + 2))" : " \(decimal(ticks, order.instrument.tickDecimals))"
        line += " exec=\(nextID("e"))"
        if random.chance(0.6) { line += " fee=\(random.pick(["1.25", "0.0000000001", "-0.5", "0", "0.123456789012345678"]))" }
        if random.chance(0.3) { line += " feeasset=\(random.pick(universe.assets))" }
        if random.chance(0.5) { line += " liq=\(random.pick(["M", "T"]))" }
        if random.chance(0.2) { line += " time=\(max(1, now / 1_000 - 5))" }
        return command(line, about: order.id, isSafe: true)
    }

    func cancel() -> Pending {
        guard let order = someOrder() else { return newOrder() }
        return command("CXL \(order.account) \(order.instrument.symbol) \(name(order))" + optional("reason"), about: order.id)
    }

    func replace() -> Pending {
        guard let order = someOrder() else { return newOrder() }
        let quantity = max(max(1, order.filled), order.quantity * random.next(in: 50...150) / 100)
        let spread = max(1, order.instrument.priceTicks / 20)
        var price = max(1, order.instrument.priceTicks + random.next(in: -spread...spread))
        // Into a queue, or to the end of its own.
        if order.instrument.isInternal { price = random.chance(0.4) ? max(1, order.price) : ticks(order.instrument) }
        var line = "RPL \(order.account) \(order.instrument.symbol) \(name(order)) \(decimal(random.chance(0.1) ? max(1, order.filled) : quantity, order.instrument.lotDecimals))"
        line += order.isMarket ? " -" : " \(decimal(price, order.instrument.tickDecimals))"
        if order.stop != 0, random.chance(0.5) { line += " stop=\(self.price(order.instrument, around: order.stop))" }
        if order.isMarket, order.isBuy, random.chance(0.4) { line += " max=\(random.next(in: 1...50_000))" }
        return command(line, about: order.id)
    }

    func close() -> Pending {
        let instrument = random.pick(symbols)
        let account = account()
        let name = nextID("c")
        var line = "CLS \(account) \(instrument.symbol)"
        switch random.next(below: 4) {
        case 0: break
        case 1: line += " -"
        case 2: line += " - \(price(instrument, around: instrument.priceTicks))"
        default: line += " \(decimal(lots(instrument), instrument.lotDecimals)) \(price(instrument, around: instrument.priceTicks))"
        }
        know(
            KnownOrder(
                account: account, instrument: instrument, id: name, number: 0, isBuy: false, isMarket: false, quantity: 1, price: 0, filled: 0,
                isOpen: true))
        return command(line + " id=\(name)", about: name, isSafe: true)
    }

    func money(_ verb: String, _ rest: String, sign: String = "") -> Pending {
        let asset = random.pick(universe.assets)
        let amount = asset == "USD" ? "\(random.next(in: 1...20_000)).\(random.next(in: 10...99))" : "0.\(random.next(in: 1...99_999_999))"
        let wallet = random.chance(0.7) ? " wallet=\(random.pick(wallets))" : ""
        return command("\(verb) \(account()) \(asset) \(sign)\(amount) ref=\(nextID("r"))\(wallet)\(rest)", isSafe: true)
    }

    func transfer() -> Pending {
        let (from, to) = (account(), account())
        let asset = random.pick(universe.assets)
        var line = "XFR \(from) \(random.chance(0.5) ? from : to) \(asset) \(asset == "USD" ? "\(random.next(in: 1...5_000)).5" : "0.\(random.next(in: 1...999_999))")"
        line += " ref=\(nextID("x")) from=\(random.pick(wallets)) to=\(random.pick(wallets))"
        return command(line + optional("note"), isSafe: true)
    }

    private func takeOver() -> Pending {
        let instrument = random.pick(symbols)
        let quantity = random.pick(["", "-"]) + decimal(lots(instrument), instrument.lotDecimals)
        return command(
            "PTO \(account()) \(instrument.symbol) \(quantity) \(price(instrument, around: instrument.priceTicks)) ref=\(nextID("p"))" + optional("note"),
            isSafe: true)
    }

    private func orderQuery() -> Pending {
        if let order = someOrder(open: 0.5), random.chance(0.5) {
            return command("ORD \(order.account) \(random.chance(0.2) ? "-" : order.instrument.symbol) \(name(order))")
        }
        let symbol = random.pick(["", "", " \(random.pick(symbols).symbol)"])
        let status = random.pick(["", " status=open", " status=closed", " status=all"])
        return command("ORD \(account())\(symbol)\(status) limit=\(random.pick([1, 5, 50, 1_000]))" + (random.chance(0.2) ? " after=\(orders.last?.number ?? 0)" : ""))
    }

    private func tradeQuery() -> Pending {
        if let order = someOrder(open: 0.5), random.chance(0.4) {
            return command("TRD \(order.account) \(order.instrument.symbol) \(name(order))")
        }
        return command("TRD \(account())" + random.pick(["", " \(random.pick(symbols).symbol)"]) + " limit=\(random.pick([1, 10, 1_000]))")
    }

    private func subscribe() -> Pending {
        if hasMarkets, random.chance(0.6) { return marketSubscription() }
        if isSubscribed { return command(random.chance(0.3) ? "UNS" : "PING") }
        var line = "SUB"
        switch random.next(below: 4) {
        case 0: break
        case 1: line += " from=\(lastLSN)"
        case 2: line += " from=\(lastLSN > 200 ? lastLSN - UInt64(random.next(below: 200)) : 0)"
        default: line += " from=\(lastLSN).\(random.next(in: 1...2))"
        }
        if random.chance(0.4) { line += " account=\(account())" }
        if random.chance(0.2) { line += " symbol=\(random.pick(symbols).symbol)" }
        if random.chance(0.3) { line += " kind=\(random.pick(["ORDER,TRADE", "BALANCE", "POSITION,MARK,LIMIT", "REGISTRY", "TRADE"]))" }
        return command(line)
    }

    /// Set-up and switches: seldom.
    private func rare() -> Pending {
        let instrument = random.pick(symbols)
        switch random.next(below: 16) {
        case 0: return command("ACC \(account()) suspend")
        case 1, 2, 3: return command("ACC \(account()) resume")
        case 4:
            return command("INS \(instrument.symbol) state=\(instrument.isInternal ? random.pick(["halted", "post_only", "cancel_only"]) : "halted")")
        case 7 where instrument.isInternal:
            return command("INS \(instrument.symbol) maker_bps=\(random.pick(["1", "-0.5", "0"])) taker_bps=\(random.pick(["2", "7.5"]))")
        case 5, 6: return command("INS \(instrument.symbol) state=trading")
        case 7: return command("INS \(instrument.symbol) tick=\(random.pick(["0.01", "0.02", "0.05"]))")
        case 8: return command("INS \(instrument.symbol) min_notional=\(random.pick(["0", "1", "25.5"]))")
        case 9: return command("SET \(random.pick(["window_ids 1000", "window_ids 5000", "window_hours 1", "window_hours 24", "market_margin_bps 500", "market_margin_bps 0", "market_margin_bps 333"]))")
        case 10: return random.chance(0.1) ? command("ACC * suspend") : command("ACC * resume")
        case 11: return command("ACC * resume")
        case 12:
            let account = Int64(100 + random.next(below: 40))
            if !accounts.contains(account), accounts.count < 20 { accounts.append(account) }
            return command(random.chance(0.5) ? "ACC \(account) open" : "DEP \(account) USD 5000 ref=\(nextID("r")) wallet=\(random.pick(wallets))", isSafe: true)
        case 13:
            return command("AST A\(random.next(below: 6)) decimals=\(random.next(in: 2...3))")
        case 14 where wallets.count < 6: return command("WLT n\(random.next(below: 3))")
        case 14: return command("WLT \(random.pick(wallets))")
        default:
            let symbol = "Z\(random.next(below: 6))-USD"
            return command("INS \(symbol) venue=manual wallet=\(wallets[0]) base=\(random.pick(["BTC", "ETH"])) quote=USD tick=0.01 lot=0.0001")
        }
    }
}
