// What is remembered after its end: closed orders with their trades and ids, used references. The window (settings window_hours, window_ids) is part of the
// state, and only evolve forgets, by the record's own time, so that a replay forgets the same things at the same records.

extension Shard {
    /// At most this many are forgotten per record, so that a night's worth of ids does not fall due in one command.
    private static var forgottenPerRecordMax: Int { 4 }

    mutating func remember(_ value: Int32, _ time: Timestamp) {
        memory.append(UInt64(Shard.seconds(time)) << 32 | UInt64(UInt32(bitPattern: value)))
    }

    @inline(__always)
    mutating func forgetOld(_ time: Timestamp, keeping order: Int32?) {
        guard let first = memory.first else { return }
        let hours = registry.setting(.windowHours)
        let horizon = Int64(Shard.seconds(time)) - hours * 3_600
        if Int64(first >> 32) >= horizon, memory.count <= Int(registry.setting(.windowIDs)) { return }
        forgetOldest(horizon, order)
    }

    @inline(never)
    private mutating func forgetOldest(_ horizon: Int64, _ kept: Int32?) {
        prefetchForgotten()
        for _ in 0..<Shard.forgottenPerRecordMax {
            guard let first = memory.first else { return }
            if Int64(first >> 32) >= horizon, memory.count <= Int(registry.setting(.windowIDs)) { return }
            let value = Int32(bitPattern: UInt32(truncatingIfNeeded: first))
            if value == kept { return }
            memory.removeFirst()
            if value >= 0 { forgetOrder(value) } else { forgetReference(~value) }
        }
    }

    /// Asks for what the next but a few to be forgotten will touch: they are the oldest, so no cache has them any more.
    @inline(__always)
    private func prefetchForgotten() {
        if let far = memory.value(at: 8), let slot = Shard.orderSlot(remembered: far) {
            orders.prefetch(slot)
            orderRecords.prefetch(slot)
        }
        guard let near = memory.value(at: 4), let slot = Shard.orderSlot(remembered: near) else { return }
        let position = orders[slot].position
        positions.prefetch(position)
        orderIDs.prefetch(orders[slot].id & SlotIndex.counterMax)
        if orders[slot].next != none { orders.prefetch(orders[slot].next) }
        ids.prefetch(Shard.idHash(positions[position].account, orderRecords[slot].clientID))
    }

    private static func orderSlot(remembered entry: UInt64) -> Int32? {
        let value = Int32(bitPattern: UInt32(truncatingIfNeeded: entry))
        return value >= 0 ? value : nil
    }

    private static func seconds(_ time: Timestamp) -> UInt32 { UInt32(clamping: time / 1_000_000) }

    private mutating func forgetReference(_ slot: Int32) {
        ids.remove(Shard.idHash(references[slot].account, references[slot].text), ~slot)
        references.remove(slot)
    }

    private mutating func forgetOrder(_ slot: Int32) {
        let order = orders[slot]
        let record = orderRecords[slot]
        let position = order.position
        var trade = record.trades
        while trade != none {
            let it = trades[trade]
            if it.newer == none { positions[position].tradesNewest = it.older } else { trades[it.newer].older = it.older }
            if it.older == none { positions[position].tradesOldest = it.newer } else { trades[it.older].newer = it.newer }
            if !it.exec.isEmpty { execs.remove(Shard.execHash(order.id, it.exec), trade) }
            trades.remove(trade)
            trade = it.olderOfOrder
        }
        if order.previous == none {
            positions[position].closedFirst = order.next
        } else {
            orders[order.previous].next = order.next
        }
        if order.next == none {
            positions[position].closedLast = order.previous
        } else {
            orders[order.next].previous = order.previous
        }
        if record.extra != none { extras.remove(record.extra) }
        orderIDs.remove(order.id & SlotIndex.counterMax)
        ids.remove(Shard.idHash(positions[position].account, record.clientID), slot)
        orders.remove(slot)
        orderRecords.remove(slot)
    }
}
