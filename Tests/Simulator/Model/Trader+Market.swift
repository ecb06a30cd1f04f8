// What a desk sends to an internal venue.

extension Trader {
    var markets: [Universe.Instrument] { symbols.filter(\.isInternal) }
    var hasMarkets: Bool { symbols.contains(where: \.isInternal) }

    /// Prices of few ticks around where the market is, so that orders meet and queues form.
    func ticks(_ instrument: Universe.Instrument) -> Int {
        max(1, instrument.priceTicks + random.next(in: -8...8) * random.pick([1, 1, 1, 10]))
    }

    func marketOrder() -> Pending {
        let instrument = random.pick(markets)
        let account = account()
        let isBuy = random.chance(0.5)
        let isMarket = random.chance(0.15)
        var quantity = random.chance(0.5) ? roundLots(instrument) : lots(instrument)
        // A pair wants the same quantity.
        let partner = orders.last { $0.isOpen && $0.account == account && $0.instrument.symbol == instrument.symbol && $0.isBuy == isBuy }
        let isPaired = partner != nil && random.chance(0.25)
        if isPaired { quantity = partner!.quantity }
        let price = ticks(instrument)
        let name = nextID()
        var line = "NEW \(account) \(instrument.symbol) \(isBuy ? "B" : "S") \(isMarket ? "MKT" : "LMT") \(decimal(quantity, instrument.lotDecimals))"
        line += isMarket ? " -" : " \(decimal(price, instrument.tickDecimals))"
        let tif = isMarket ? random.pick(["GTC", "IOC", "FOK"]) : random.pick(["GTC", "GTC", "GTC", "GTC", "GTD", "IOC", "FOK"])
        line += " \(tif) id=\(name)"
        if tif == "GTD" { line += " expire=\(now / 1_000 + Int64(random.pick([5, 200, 2_000, 60_000, 7_200_000])))" }
        if isMarket, isBuy, instrument.isFunded, random.chance(0.5) { line += " max=\(random.next(in: 1...3_000))" }
        var stop = 0
        if random.chance(0.18) {
            stop = max(1, instrument.priceTicks + random.next(in: -25...25))
            line += " stop=\(decimal(stop, instrument.tickDecimals))" + random.pick(["", " take=1"]) + random.pick(["", "", " trigger=mark", " trigger=last"])
        }
        let rests = !isMarket && (tif == "GTC" || tif == "GTD")
        if rests, random.chance(0.15) { line += " display=\(decimal(max(1, quantity / random.pick([2, 3, 10])), instrument.lotDecimals))" }
        if rests, stop == 0, random.chance(0.15) { line += " post=1" }
        if random.chance(0.1) { line += " reduce=1" }
        if random.chance(0.15) { line += " stp=\(random.pick(["newest", "oldest", "both", "decrement"]))" }
        if isPaired { line += " oco=\(partner!.id)" }
        if random.chance(0.1) { line += " strategy=mm" }
        line += optional("note")
        know(
            KnownOrder(
                account: account, instrument: instrument, id: name, number: 0, isBuy: isBuy, isMarket: isMarket, quantity: quantity,
                price: isMarket ? 0 : price, filled: 0, isOpen: true, stop: stop))
        return command(line, about: name, isSafe: true)
    }

    /// A few whole tenths: quantities that meet exactly.
    private func roundLots(_ instrument: Universe.Instrument) -> Int {
        var tenth = 1
        for _ in 1..<instrument.lotDecimals { tenth *= 10 }
        return tenth * random.next(in: 1...8)
    }

    func marketQuery() -> Pending {
        let symbol = random.pick(markets).symbol
        return command(random.pick(["BOOK \(symbol)", "BOOK \(symbol) depth=\(random.pick([1, 3, 1_000]))", "MKT \(symbol)", "MKT"]))
    }

    func marketSubscription() -> Pending {
        let symbol = random.pick(markets).symbol
        switch random.next(below: 5) {
        case 0, 1: return command("SUB book=\(symbol)" + random.pick(["", " depth=1", " depth=3", " depth=1000"]))
        case 2: return command("SUB trades=\(symbol)")
        case 3: return command("SUB book=\(symbol) trades=\(symbol) depth=5")
        default: return command("UNS " + random.pick(["book=\(symbol)", "trades=\(symbol)"]))
        }
    }
}
