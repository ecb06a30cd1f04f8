// What an image has of limits that came later, of rates, losses and dead-man timers. A shard without any of it has the image it had before.
//
//   limits of form 2, after the fields of form 1: maker rate, taker rate, 1 self-trade prevention, price band, order rate, cancel rate, most daily loss,
//       1 flags (1 no short sales, 2 listed instruments only), orders' and cancels' arrivals
//   risks, after everything else:
//   * 1, has default limits, [limits], 1 keeps days, count of accounts, then each *: account, orders' and cancels' arrivals, deadline,
//       count of latches, their assets
//   where days are kept: per instrument *: day, reference;  * count of bases, then each *: position, profit, day

extension Shard {
    static var risksTag: UInt8 { 1 }

    borrowing func putMore(limits slot: Int32, to out: inout ImageWriter) {
        let it = limits[slot]
        out.put(it.makerFee)
        out.put(it.takerFee)
        out.put(byte: it.selfTrade.rawValue)
        out.put(it.priceBand)
        out.put(it.maxOrderRate)
        out.put(it.maxCancelRate)
        out.put(it.maxDailyLoss)
        out.put(byte: (it.mayShort ? 0 : 1) | (it.listedOnly ? 2 : 0))
        out.put(arrivals[slot].orders)
        out.put(arrivals[slot].cancels)
    }

    mutating func readMore(_ it: inout Limits, from source: inout ImageReader) -> Arrivals {
        it.makerFee = source.int32()
        it.takerFee = source.int32()
        let selfTrade = SelfTradePrevention(rawValue: source.byte())
        source.check(selfTrade != nil, "a self-trade prevention that is not known")
        it.selfTrade = selfTrade ?? .standard
        it.priceBand = source.int32()
        it.maxOrderRate = source.int32()
        it.maxCancelRate = source.int32()
        source.check(it.priceBand > 0 && it.maxOrderRate > 0 && it.maxCancelRate > 0, "a rate is out of range")
        it.maxDailyLoss = source.int128()
        let flags = source.byte()
        source.check(flags < 4, "limits with flags that are not known")
        it.mayShort = flags & 1 == 0
        it.listedOnly = flags & 2 != 0
        let orders = source.int64()
        return Arrivals(orders: orders, cancels: source.int64())
    }

    /// - Parameter numbers: of the positions, by slot, as they are in the image.
    borrowing func writeRisks(_ numbers: [Int32], to out: inout ImageWriter) throws {
        if defaultLimits == none, risks.count == 0, !keepsDays { return }
        out.put(byte: Shard.risksTag)
        put(limits: defaultLimits, to: &out)
        out.put(byte: keepsDays ? 1 : 0)
        out.put(unsigned: UInt64(risks.end))
        try out.endItem()
        for index in 0..<risks.end {
            let it = risks[index]
            out.put(unsigned: UInt64(it.account))
            out.put(it.arrivals.orders)
            out.put(it.arrivals.cancels)
            out.put(it.deadline)
            var assets: [AssetID] = []
            var latch = it.latches
            while latch != none {
                assets.append(latches[latch].asset)
                latch = latches[latch].next
            }
            out.put(unsigned: UInt64(assets.count))
            try out.endItem()
            for asset in assets {
                out.put(unsigned: UInt64(asset))
                try out.endItem()
            }
        }
        if !keepsDays { return }
        for index in 0..<markets.end {
            out.put(markets[index].day)
            out.put(markets[index].dayReference)
            try out.endItem()
        }
        out.put(unsigned: UInt64(dayBases.count))
        try out.endItem()
        for slot in 0..<positions.end where positions[slot].dayBase != none {
            out.put(unsigned: UInt64(numbers[Int(slot)]))
            out.put(dayBases[positions[slot].dayBase].profit)
            out.put(dayBases[positions[slot].dayBase].day)
            try out.endItem()
        }
    }

    /// Positions have their numbers as slots.
    mutating func readRisks(from source: inout ImageReader) throws {
        try source.beginItem()
        defaultLimits = readLimits(from: &source)
        keepsDays = source.byte() != 0
        for _ in 0..<(try source.count(max: Int(accounts.end), "accounts with risks")) { try readRisk(from: &source) }
        if !keepsDays { return }
        for index in 0..<markets.end {
            try source.beginItem()
            markets[index].day = source.int32()
            markets[index].dayReference = source.int64()
            source.check(markets[index].dayReference >= 0, "a price is out of range")
            try source.endItem()
        }
        try source.beginItem()
        for _ in 0..<(try source.count(max: Int(positions.end), "positions with a day")) {
            try source.beginItem()
            let position = source.index(below: positions.end, "position")
            let profit = source.int128()
            let day = source.int32()
            try source.endItem()
            guard positions[position].dayBase == none else { throw ImageError("a position has two days") }
            setDayBase(position, DayBase(profit: profit, day: day))
        }
    }

    private mutating func readRisk(from source: inout ImageReader) throws {
        try source.beginItem()
        let account = source.index(below: accounts.end, "account")
        let orders = source.int64()
        let arrived = Arrivals(orders: orders, cancels: source.int64())
        let deadline = source.int64()
        source.check(deadline >= 0, "a time is out of range")
        let count = try source.count(max: registry.assets.count, "latches")
        guard accounts[account].risk == none else { throw ImageError("an account has two records of risks") }
        let risk = makeRisk(account)
        risks[risk].arrivals = arrived
        risks[risk].deadline = deadline
        addDeadline(risk)
        for _ in 0..<count {
            try source.beginItem()
            let asset = source.index(below: AssetID(registry.assets.count), "asset")
            try source.endItem()
            latch(account, asset)
        }
    }
}
