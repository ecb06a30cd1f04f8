// A shard's image: all of its state but the registry, for snapshots. Content, not layout: what follows from the rest (indexes, open sums, what orders
// reserve, heaps) is made anew, and what must agree is compared, so that a load is also a check. Version 1; what a snapshot file is around it, and the
// registry in it, is in WAL/SnapshotFormat.swift. Numbers are LEB128, signed ones as zigzag; `*` are items, which never lie across two blocks.
//
//   * lastOrder, lastTrade, open orders
//   * count of strategies, then each *: text
//   per instrument *: mark;  per asset *: 6 totals;  count of owed, then each *: venue, asset, amount
//   per wallet *: sent, settled, received, count of unsettled, then each *: sequence, account, to account, asset, amount, reference
//   per account *: count of balances, of positions, has limits, [limits]
//       each balance *: asset, available, reserved, held, transit
//       each position *: instrument, quantity, cost, realized, traded, has limits, [limits], count of fees; each fee *: asset, amount
//   * count of orders, then each *, by OrderID: OrderID's counter - the one before, position, flags, price, quantity, created - the one before's, id, and as flags say
//       cumulative, its cost | updated - created | strategy | content hash, 8 bytes | max, market reserve, note, reason, expire, largest quantity, session
//   per position *: count of trades, then each *, oldest first: TradeID's counter - the one before, order's counter, quantity, price, fee, fee asset,
//       time, venue time, liquidity, exec
//   * count of what is remembered, then each *, next to be forgotten first: seconds - the one before, 2 x order's counter
//       | 1, account, asset, text, content hash, sequence, target
//   and where there is any of it, parts in the order of their tags: risks, see Shard+RiskImage.swift; books, see Shard+MarketImage.swift
//
// Limits are 1, then 3 amounts, most open orders, enabled; or 2 where they say more, then that, and what more (Shard+RiskImage.swift).
//
// Positions are numbered as they come; accounts, assets, instruments and wallets are the registry's.

/// Of an order in an image.
struct ImageFlags {
    static let sell: UInt64 = 1 << 0
    static let market: UInt64 = 1 << 1
    /// Two bits of TimeInForce, three of OrdStatus, two of CancelReason.
    static let timeInForceShift: UInt64 = 2
    static let statusShift: UInt64 = 4
    static let reasonShift: UInt64 = 7
    static let filled: UInt64 = 1 << 9
    static let updated: UInt64 = 1 << 10
    static let strategy: UInt64 = 1 << 11
    /// Of other content than the order has now: it was replaced, or made by CLS.
    static let contentHash: UInt64 = 1 << 12
    static let extra: UInt64 = 1 << 13
    // From bit 14 on: Shard+MarketImage.swift.
    static let all: UInt64 = 1 << 19 - 1
}

extension Shard {
    /// Orders there are, open and remembered.
    package var orderCount: Int { orders.count }

    /// Writes the image. It ends with a whole item; the caller flushes.
    /// - Throws: what the writer's taker of blocks throws.
    package borrowing func write(to out: inout ImageWriter) throws {
        out.put(lastOrder)
        out.put(lastTrade)
        out.put(Int64(openOrders))
        try out.endItem()
        out.put(unsigned: UInt64(strategies.count - 1))
        try out.endItem()
        for strategy in strategies.dropFirst() {
            out.put(strategy)
            try out.endItem()
        }
        try writeMoney(to: &out)
        var numbers = [Int32](repeating: none, count: Int(positions.end))
        var written: Int32 = 0
        for account in 0..<accounts.end { try write(account: account, &numbers, &written, to: &out) }
        try writeOrders(numbers, to: &out)
        for account in 0..<accounts.end {
            var position = accounts[account].positions
            while position != none {
                try writeTrades(position, to: &out)
                position = positions[position].next
            }
        }
        try writeMemory(to: &out)
        try writeRisks(numbers, to: &out)
        try writeBooks(to: &out)
    }

    private borrowing func writeMoney(to out: inout ImageWriter) throws {
        for index in 0..<markets.end {
            out.put(markets[index].mark)
            try out.endItem()
        }
        for it in totals {
            for amount in [it.deposited, it.withdrawn, it.corrected, it.transferredIn, it.transferredOut, it.feesCollected] { out.put(amount) }
            try out.endItem()
        }
        out.put(unsigned: UInt64(owed.end))
        try out.endItem()
        for index in 0..<owed.end {
            out.put(unsigned: UInt64(owed[index].venue))
            out.put(unsigned: UInt64(owed[index].asset))
            out.put(owed[index].amount)
            try out.endItem()
        }
        for channel in channels {
            out.put(channel.sent)
            out.put(channel.settled)
            out.put(channel.received)
            var unsettled: UInt64 = 0
            var slot = channel.outgoingFirst
            while slot != none {
                unsettled += 1
                slot = outgoing[slot].next
            }
            out.put(unsigned: unsettled)
            try out.endItem()
            slot = channel.outgoingFirst
            while slot != none {
                let it = outgoing[slot]
                out.put(it.sequence)
                out.put(unsigned: UInt64(it.account))
                out.put(it.toAccount)
                out.put(unsigned: UInt64(it.asset))
                out.put(it.amount)
                out.put(it.reference)
                try out.endItem()
                slot = it.next
            }
        }
    }

    private borrowing func write(account: Int32, _ numbers: inout [Int32], _ written: inout Int32, to out: inout ImageWriter) throws {
        let state = accounts[account]
        func count(_ first: Int32, _ next: (Int32) -> Int32) -> UInt64 {
            var count: UInt64 = 0
            var slot = first
            while slot != none {
                count += 1
                slot = next(slot)
            }
            return count
        }
        out.put(unsigned: count(state.balances) { balances[$0].next })
        out.put(unsigned: count(state.positions) { positions[$0].next })
        put(limits: state.limits, to: &out)
        try out.endItem()
        var balance = state.balances
        while balance != none {
            let it = balances[balance]
            out.put(unsigned: UInt64(it.asset))
            for amount in [it.available, it.reserved, it.held, it.transit] { out.put(amount) }
            try out.endItem()
            balance = it.next
        }
        var position = state.positions
        while position != none {
            numbers[Int(position)] = written
            written += 1
            let it = positions[position]
            out.put(unsigned: UInt64(it.instrument))
            out.put(it.quantity)
            out.put(it.cost)
            out.put(it.realized)
            out.put(byte: it.traded ? 1 : 0)
            put(limits: it.limits, to: &out)
            out.put(unsigned: count(it.fees) { fees[$0].next })
            try out.endItem()
            var fee = it.fees
            while fee != none {
                out.put(unsigned: UInt64(fees[fee].asset))
                out.put(fees[fee].amount)
                try out.endItem()
                fee = fees[fee].next
            }
            position = it.next
        }
    }

    borrowing func put(limits slot: Int32, to out: inout ImageWriter) {
        if slot == none { return out.put(byte: 0) }
        let it = limits[slot]
        out.put(byte: it.isOfFirstKind ? 1 : 2)
        for amount in [it.maxQuantity, it.maxNotional, it.maxPosition] { out.put(amount) }
        out.put(it.maxOpenOrders)
        out.put(byte: it.enabled ? 1 : 0)
        if !it.isOfFirstKind { putMore(limits: slot, to: &out) }
    }

    private borrowing func writeOrders(_ numbers: [Int32], to out: inout ImageWriter) throws {
        out.put(unsigned: UInt64(orders.count))
        try out.endItem()
        var counter: Int64 = 0
        var created: Timestamp = 0
        try orderIDs.forEach(prefetch: { orders.prefetch($0); orderRecords.prefetch($0) }) { number, slot in
            put(order: slot, counter: number &- counter, position: numbers[Int(orders[slot].position)], created: &created, to: &out)
            counter = number
            try out.endItem()
        }
    }

    @inline(__always)
    private borrowing func put(order slot: Int32, counter: Int64, position: Int32, created: inout Timestamp, to out: inout ImageWriter) {
        let hasContent = orderRecords[slot].contentHash == contentHashOfNew(slot)
        var flags = UInt64(orders[slot].timeInForce.rawValue) << ImageFlags.timeInForceShift
            | UInt64(orders[slot].status.rawValue) << ImageFlags.statusShift | UInt64(orderRecords[slot].reason.rawValue & 3) << ImageFlags.reasonShift
            | marketFlags(slot)
        if orders[slot].side == .sell { flags |= ImageFlags.sell }
        if orders[slot].type == .market { flags |= ImageFlags.market }
        if orders[slot].cumulative != 0 { flags |= ImageFlags.filled }
        if orderRecords[slot].updated != orderRecords[slot].created { flags |= ImageFlags.updated }
        if orderRecords[slot].strategy != 0 { flags |= ImageFlags.strategy }
        if !hasContent { flags |= ImageFlags.contentHash }
        if orderRecords[slot].extra != none { flags |= ImageFlags.extra }
        out.put(unsigned: UInt64(counter))
        out.put(unsigned: UInt64(position))
        out.put(unsigned: flags)
        out.put(orders[slot].price)
        out.put(orders[slot].quantity)
        out.put(orderRecords[slot].created &- created)
        created = orderRecords[slot].created
        out.put(orderRecords[slot].clientID)
        if flags & ImageFlags.filled != 0 {
            out.put(orders[slot].cumulative)
            out.put(orderRecords[slot].cumulativeCost)
        }
        if flags & ImageFlags.updated != 0 { out.put(orderRecords[slot].updated &- created) }
        if flags & ImageFlags.strategy != 0 { out.put(unsigned: UInt64(orderRecords[slot].strategy)) }
        if flags & ImageFlags.contentHash != 0 { out.put(word: orderRecords[slot].contentHash) }
        if flags & ImageFlags.extra != 0 {
            let it = extras[orderRecords[slot].extra]
            out.put(it.max)
            out.put(it.marketReserve)
            out.put(it.note)
            out.put(it.reason)
            out.put(it.expire)
            out.put(it.largestQuantity)
            out.put(unsigned: it.cancelOnDisconnect)
        }
        if flags & (ImageFlags.rates | ImageFlags.instructions | ImageFlags.secondLeg) != 0 { putMarket(order: slot, flags, to: &out) }
    }

    private borrowing func writeTrades(_ position: Int32, to out: inout ImageWriter) throws {
        var count: UInt64 = 0
        var trade = positions[position].tradesOldest
        while trade != none {
            count += 1
            trade = trades[trade].newer
        }
        out.put(unsigned: count)
        try out.endItem()
        var counter: Int64 = 0
        trade = positions[position].tradesOldest
        while trade != none {
            let it = trades[trade]
            out.put(unsigned: UInt64(it.id & SlotIndex.counterMax &- counter))
            counter = it.id & SlotIndex.counterMax
            out.put(unsigned: UInt64(orders[it.order].id & SlotIndex.counterMax))
            out.put(it.quantity)
            out.put(it.price)
            out.put(it.fee)
            out.put(unsigned: UInt64(it.feeAsset))
            out.put(it.time)
            out.put(it.venueTime)
            out.put(byte: it.liquidity.rawValue)
            out.put(it.exec)
            try out.endItem()
            trade = it.newer
        }
    }

    private borrowing func writeMemory(to out: inout ImageWriter) throws {
        out.put(unsigned: UInt64(memory.count))
        try out.endItem()
        var seconds: Int64 = 0
        try memory.forEach { entry in
            out.put(Int64(entry >> 32) - seconds)
            seconds = Int64(entry >> 32)
            let value = Int32(bitPattern: UInt32(truncatingIfNeeded: entry))
            if value >= 0 {
                out.put(unsigned: UInt64(orders[value].id & SlotIndex.counterMax) << 1)
            } else {
                let it = references[~value]
                out.put(unsigned: 1)
                out.put(unsigned: UInt64(it.account))
                out.put(unsigned: UInt64(it.asset))
                out.put(it.text)
                out.put(word: it.contentHash)
                out.put(it.sequence)
                out.put(it.target)
            }
            try out.endItem()
        }
    }

    /// The hash that a NEW of this order's present content has.
    borrowing func contentHashOfNew(_ slot: Int32) -> UInt64 {
        var accepted = OrderAccepted(order: orders[slot], record: orderRecords[slot], instrument: positions[orders[slot].position].instrument)
        accepted.strategy = strategies[Int(orderRecords[slot].strategy)]
        let extra = orderRecords[slot].extra
        if extra != none {
            accepted.expire = extras[extra].expire
            accepted.max = extras[extra].max
            accepted.note = extras[extra].note
            accepted.instructions = extras[extra].instructions
        }
        return accepted.contentHashOfNew
    }
}

extension OrderAccepted {
    /// With what of an order its content hash depends on, but for what is elsewhere.
    fileprivate init(order: Order, record: OrderRecord, instrument: InstrumentID) {
        self.init(
            id: order.id, account: 0, instrument: instrument, side: order.side, type: order.type, timeInForce: order.timeInForce,
            quantity: order.quantity, price: order.price, clientID: record.clientID, contentHash: 0)
    }
}
