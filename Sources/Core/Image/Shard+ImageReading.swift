// A shard of its image: the format is at the top of Shard+Image.swift.

extension Shard {
    /// Takes an image into this shard, which has its registry and nothing else.
    /// - Throws: ``ImageError`` when it is not an image of this registry's, and what the reader's giver of blocks throws; the shard is of no use then.
    package mutating func read(from source: inout ImageReader) throws {
        invariant(lastOrder == 0 && orders.end == 0 && memory.count == 0, "an image is read into a new shard")
        try source.beginItem()
        lastOrder = source.int64()
        lastTrade = source.int64()
        let open = source.int64()
        source.check(
            lastOrder >= 0 && lastOrder <= SlotIndex.counterMax && lastTrade >= 0 && lastTrade <= SlotIndex.counterMax, "a counter is out of range")
        try source.endItem()
        try source.beginItem()
        for _ in 0..<(try source.count(max: Int(UInt16.max), "strategies")) {
            try source.beginItem()
            let name = source.text()
            try source.endItem()
            strategyNames.insert(name.hash, Int32(strategies.count))
            strategies.append(name)
        }
        try readMoney(from: &source)
        for account in 0..<accounts.end { try read(account: account, from: &source) }
        var check = ReservesCheck(balances: Int(balances.end))
        try readOrders(from: &source, &check)
        for position in 0..<positions.end { try readTrades(position, from: &source) }
        try readMemory(from: &source, &check)
        try readParts(from: &source)
        try checkBooks()
        guard openOrders == open else { throw ImageError("\(openOrders) orders are open, not \(open)") }
        for slot in 0..<balances.end where balances[slot].reserved != check.reserved[Int(slot)] {
            throw ImageError("a balance's reserve is not what its orders hold")
        }
    }

    /// What only some images have.
    private mutating func readParts(from source: inout ImageReader) throws {
        var last: UInt8 = 0
        while try source.hasMore() {
            let tag = source.byte()
            source.check(tag > last, "a part is there twice, or not in its order")
            last = tag
            try source.endItem()
            switch tag {
            case Shard.risksTag: try readRisks(from: &source)
            case Shard.booksTag: try readBooks(from: &source)
            default: throw ImageError("a part that is not known")
            }
        }
    }

    /// What a load counts, to compare it with what the image says.
    private struct ReservesCheck {
        var reserved: [Amount]
        /// Closed orders that nothing has told when to forget.
        var unplaced = 0
        init(balances: Int) { reserved = [Amount](repeating: 0, count: balances) }
    }
    /// A closed order's `next` until its place among the closed ones is known.
    private static var unplaced: Int32 { -2 }

    private mutating func readMoney(from source: inout ImageReader) throws {
        for index in 0..<markets.end {
            try source.beginItem()
            markets[index].mark = source.int64()
            try source.endItem()
        }
        for index in totals.indices {
            try source.beginItem()
            totals[index].deposited = source.int128()
            totals[index].withdrawn = source.int128()
            totals[index].corrected = source.int128()
            totals[index].transferredIn = source.int128()
            totals[index].transferredOut = source.int128()
            totals[index].feesCollected = source.int128()
            try source.endItem()
        }
        try source.beginItem()
        for _ in 0..<(try source.count(max: registry.venues.count * registry.assets.count, "debts of venues")) {
            try source.beginItem()
            let venue = source.index(below: VenueID(registry.venues.count), "venue")
            let asset = source.index(below: AssetID(registry.assets.count), "asset")
            let amount = source.int128()
            try source.endItem()
            let slot = owed.insert(Owed(amount: amount, venue: venue, asset: asset))
            owedKeys.insert(Shard.pairHash(venue, asset), slot)
        }
        for other in channels.indices { try read(channel: other, from: &source) }
    }

    private mutating func read(channel other: Int, from source: inout ImageReader) throws {
        try source.beginItem()
        channels[other].sent = source.int64()
        channels[other].settled = source.int64()
        channels[other].received = source.int64()
        for _ in 0..<(try source.count(max: Int(Int32.max), "transfers")) {
            try source.beginItem()
            let sequence = source.int64()
            let account = source.index(below: accounts.end, "account")
            let toAccount = source.int64()
            let asset = source.index(below: AssetID(registry.assets.count), "asset")
            let amount = source.int128()
            let reference = source.text()
            try source.endItem()
            let slot = outgoing.insert(
                Outgoing(amount: amount, sequence: sequence, toAccount: toAccount, reference: reference, account: account, asset: asset))
            let last = channels[other].outgoingLast
            if last == none { channels[other].outgoingFirst = slot } else { outgoing[last].next = slot }
            channels[other].outgoingLast = slot
        }
    }

    private mutating func read(account: Int32, from source: inout ImageReader) throws {
        try source.beginItem()
        let balanceCount = try source.count(max: registry.assets.count, "balances")
        let positionCount = try source.count(max: registry.instruments.count, "positions")
        accounts[account].limits = readLimits(from: &source)
        try source.endItem()
        var last = none
        for _ in 0..<balanceCount {
            try source.beginItem()
            var it = Balance(account: account, asset: source.index(below: AssetID(registry.assets.count), "asset"))
            it.available = source.int128()
            it.reserved = source.int128()
            it.held = source.int128()
            it.transit = source.int128()
            source.check(last == none || balances[last].asset < it.asset, "balances are not in order")
            try source.endItem()
            let slot = balances.insert(it)
            balanceKeys.insert(Shard.pairHash(account, it.asset), slot)
            if last == none { accounts[account].balances = slot } else { balances[last].next = slot }
            last = slot
        }
        last = none
        for _ in 0..<positionCount {
            let slot = try readPosition(account, after: last, from: &source)
            if last == none { accounts[account].positions = slot } else { positions[last].next = slot }
            last = slot
        }
    }

    private mutating func readPosition(_ account: Int32, after last: Int32, from source: inout ImageReader) throws -> Int32 {
        try source.beginItem()
        let instrument = source.index(below: markets.end, "instrument")
        try source.endItem()
        guard markets[instrument].wallet == number, last == none || positions[last].instrument < instrument,
            let base = balanceSlot(account, markets[instrument].base), let quote = balanceSlot(account, markets[instrument].quote)
        else { throw ImageError("a position is not in its place, or its balances are not there") }
        var it = Position(account: account, instrument: instrument, base: base, quote: quote)
        it.quantity = source.int64()
        it.cost = source.int128()
        it.realized = source.int128()
        it.traded = source.byte() != 0
        it.limits = readLimits(from: &source)
        let feeCount = try source.count(max: registry.assets.count, "fees")
        var lastFee = none
        for _ in 0..<feeCount {
            try source.beginItem()
            let asset = source.index(below: AssetID(registry.assets.count), "asset")
            let amount = source.int128()
            try source.endItem()
            let fee = fees.insert(FeeRecord(amount: amount, asset: asset, next: none))
            if lastFee == none { it.fees = fee } else { fees[lastFee].next = fee }
            lastFee = fee
        }
        let slot = positions.insert(it)
        positionKeys.insert(Shard.pairHash(account, instrument), slot)
        return slot
    }

    mutating func readLimits(from source: inout ImageReader) -> Int32 {
        let form = source.byte()
        if form == 0 { return none }
        source.check(form <= 2, "limits of a form that is not known")
        var it = Limits()
        it.maxQuantity = source.int128()
        it.maxNotional = source.int128()
        it.maxPosition = source.int128()
        it.maxOpenOrders = source.int64()
        it.enabled = source.byte() != 0
        let arrived = form == 2 ? readMore(&it, from: &source) : Arrivals()
        return insertLimits(it, arrived)
    }

    private mutating func readOrders(from source: inout ImageReader, _ check: inout ReservesCheck) throws {
        try source.beginItem()
        let count = try source.count(max: Int(Int32.max) - 8_192, "orders")
        var counter: Int64 = 0
        var created: Timestamp = 0
        var first: Int64 = 0
        for index in 0..<count {
            try source.beginItem()
            let step = source.unsigned()
            source.check(step > 0 && step <= UInt64(lastOrder - counter), "OrderIDs are not in order")
            try source.endItem()
            counter += Int64(step)
            if index == 0 { first = counter }
            if counter - first > Shard.orderSpanMax { throw ImageError("an order is too much older than the newest") }
            try readOrder(counter, &created, from: &source, &check)
        }
    }
    /// What an index of OrderIDs can span: beyond, its pages alone would be a gigabyte.
    private static var orderSpanMax: Int64 { 1 << 35 }

    private mutating func readOrder(
        _ counter: Int64, _ created: inout Timestamp, from source: inout ImageReader, _ check: inout ReservesCheck
    ) throws {
        let position = source.index(below: positions.end, "position")
        let flags = source.unsigned()
        let price = source.int64()
        let quantity = source.int64()
        created &+= source.int64()
        let clientID = source.text()
        let cumulative = flags & ImageFlags.filled != 0 ? source.int64() : 0
        let cost = flags & ImageFlags.filled != 0 ? source.int128() : 0
        let updated = flags & ImageFlags.updated != 0 ? created &+ source.int64() : created
        let strategy = flags & ImageFlags.strategy != 0 ? source.index(below: Int32(strategies.count), "strategy") : 0
        let contentHash = flags & ImageFlags.contentHash != 0 ? source.word() : 0
        guard let timeInForce = TimeInForce(rawValue: UInt8(flags >> ImageFlags.timeInForceShift & 3)),
            let status = OrderStatus(rawValue: UInt8(flags >> ImageFlags.statusShift & 7)),
            let reason = CancelReason(
                rawValue: UInt8(flags >> ImageFlags.reasonShift & 3) | UInt8(flags >> ImageFlags.moreReasonShift & 3) << 2), flags & ~ImageFlags.all == 0
        else { throw ImageError("an order's flags are not of the format") }
        var extra: OrderExtra?
        if flags & ImageFlags.extra != 0 {
            var it = OrderExtra()
            it.max = source.int128()
            it.marketReserve = source.int128()
            it.note = source.text()
            it.reason = source.text()
            it.expire = source.int64()
            it.largestQuantity = source.int64()
            it.cancelOnDisconnect = source.unsigned()
            extra = it
        }
        let market = readMarket(flags, &extra, counter: counter, leaves: quantity &- cumulative, from: &source)
        source.check(
            quantity > 0 && cumulative >= 0 && price >= 0 && (!status.isOpen || cumulative < quantity), "an order's quantities are out of range")
        try source.endItem()

        let side: Side = flags & ImageFlags.sell != 0 ? .sell : .buy
        let instrument = positions[position].instrument
        let funds = markets[instrument].funds == .none ? none : side == .buy ? positions[position].quote : positions[position].base
        let slot = orders.insert(
            Order(
                id: Int64(number) << 40 | counter, price: price, quantity: quantity, cumulative: cumulative, position: position, funds: funds,
                side: side, type: flags & ImageFlags.market != 0 ? .market : .limit, timeInForce: timeInForce, status: status))
        _ = orderRecords.insert(
            OrderRecord(
                cumulativeCost: cost, clientID: clientID, contentHash: contentHash, created: created, updated: updated,
                strategy: UInt16(truncatingIfNeeded: strategy), reason: reason))
        if let extra { orderRecords[slot].extra = extras.insert(extra) }
        if flags & ImageFlags.contentHash == 0 { orderRecords[slot].contentHash = contentHashOfNew(slot) }
        orderIDs.insert(counter, slot)
        ids.insert(Shard.idHash(positions[position].account, clientID), slot)
        try place(slot, market)
        if status.isOpen {
            try open(slot, &check)
        } else {
            orders[slot].next = Shard.unplaced
            check.unplaced += 1
        }
    }

    /// An order that was read is open: its place in the lists, what it holds, when it expires.
    private mutating func open(_ slot: Int32, _ check: inout ReservesCheck) throws {
        let (position, leaves) = (orders[slot].position, orders[slot].quantity - orders[slot].cumulative)
        let open = orders[slot].side == .buy ? positions[position].openBuy : positions[position].openSell
        if open.addingReportingOverflow(leaves).overflow { throw ImageError("open quantities are out of range") }
        changeOpen(slot, leaves)
        positions[position].openOrders += 1
        accounts[positions[position].account].openOrders += 1
        openOrders += 1
        let last = positions[position].openLast
        orders[slot].previous = last
        if last == none { positions[position].openFirst = slot } else { orders[last].next = slot }
        positions[position].openLast = slot
        let instrument = positions[position].instrument
        let isPriced = orders[slot].side == .buy && orders[slot].type == .limit
        if isPriced, amount(instrument, orders[slot].price, leaves) == nil { throw ImageError("an open order is worth too much") }
        if orders[slot].funds != none { check.reserved[Int(orders[slot].funds)] &+= reserved(slot) }
        let extra = orderRecords[slot].extra
        if extra != none, extras[extra].expire != 0 { addExpiry(slot) }
    }

    private mutating func readTrades(_ position: Int32, from source: inout ImageReader) throws {
        try source.beginItem()
        var counter: Int64 = 0
        for _ in 0..<(try source.count(max: Int(Int32.max) - 8_192, "trades")) {
            try source.beginItem()
            let step = source.unsigned()
            source.check(step > 0 && step <= UInt64(lastTrade - counter), "TradeIDs are not in order")
            let orderCounter = Int64(bitPattern: source.unsigned())
            let quantity = source.int64()
            let price = source.int64()
            let fee = source.int128()
            let feeAsset = source.index(below: AssetID(registry.assets.count), "asset")
            let time = source.int64()
            let venueTime = source.int64()
            let liquidity = Liquidity(rawValue: source.byte())
            let exec = source.text()
            try source.endItem()
            guard let order = orderIDs[orderCounter], orders[order].position == position, let liquidity else {
                throw ImageError("a trade of an order that is not there")
            }
            counter += Int64(step)
            let newest = positions[position].tradesNewest
            let trade = trades.insert(
                Trade(
                    fee: fee, id: Int64(number) << 40 | counter, quantity: quantity, price: price, time: time, venueTime: venueTime, exec: exec,
                    order: order, feeAsset: feeAsset, olderOfOrder: orderRecords[order].trades, newer: none, older: newest, liquidity: liquidity))
            orderRecords[order].trades = trade
            if newest == none { positions[position].tradesOldest = trade } else { trades[newest].newer = trade }
            positions[position].tradesNewest = trade
            if !exec.isEmpty { execs.insert(Shard.execHash(orders[order].id, exec), trade) }
        }
    }

    private mutating func readMemory(from source: inout ImageReader, _ check: inout ReservesCheck) throws {
        try source.beginItem()
        var seconds: Int64 = 0
        for _ in 0..<(try source.count(max: Int(Int32.max), "ids")) {
            try source.beginItem()
            seconds &+= source.int64()
            let what = source.unsigned()
            source.check(seconds >= 0 && seconds <= Int64(UInt32.max), "a time is out of range")
            let value: Int32
            if what == 1 {
                let account = source.index(below: accounts.end, "account")
                let asset = source.index(below: AssetID(registry.assets.count), "asset")
                let text = source.text()
                let contentHash = source.word()
                let sequence = source.int64()
                let target = source.int32()
                source.check(target >= -1 && Int(target) < channels.count, "a reference to a wallet that is not there")
                try source.endItem()
                let slot = references.insert(
                    Reference(text: text, contentHash: contentHash, sequence: sequence, account: account, asset: asset, target: target))
                ids.insert(Shard.idHash(account, text), ~slot)
                value = ~slot
            } else {
                try source.endItem()
                guard what & 1 == 0, let slot = orderIDs[Int64(what >> 1)], orders[slot].next == Shard.unplaced else {
                    throw ImageError("an order is remembered that is not closed, or twice")
                }
                let position = orders[slot].position
                let last = positions[position].closedLast
                orders[slot].previous = last
                orders[slot].next = none
                if last == none { positions[position].closedFirst = slot } else { orders[last].next = slot }
                positions[position].closedLast = slot
                check.unplaced -= 1
                value = slot
            }
            memory.append(UInt64(seconds) << 32 | UInt64(UInt32(bitPattern: value)))
        }
        if check.unplaced != 0 { throw ImageError("\(check.unplaced) closed orders would never be forgotten") }
    }
}
