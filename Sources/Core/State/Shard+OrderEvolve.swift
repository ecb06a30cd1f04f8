// How orders change the state: reserves, open quantities, lists. Nothing here can fail.

/// Where the surroundings of a new order are.
struct OrderPlace {
    var account: Int32
    /// Slot; `none`: to be made.
    var position: Int32
    /// Of (account, ClOrdID).
    var idHash: UInt64
    /// What the order holds, where decide knows it.
    var reserve: Amount?
}

extension OrderAccepted {
    /// Does it have what only some orders have? See ``OrderExtra``.
    @inline(__always)
    fileprivate var needsExtra: Bool {
        max | marketReserve != 0 || UInt64(bitPattern: expire | oco) | cancelOnDisconnect | UInt64(truncatingIfNeeded: note.count) != 0
            || !instructions.isPlain
    }
}

extension Shard {
    /// In a replay: what decide found by itself.
    func place(of accepted: borrowing OrderAccepted) -> OrderPlace {
        guard let account = registry.account(accepted.account) else { invariantFailure("order of an unknown account") }
        return OrderPlace(
            account: account, position: positionSlot(account, accepted.instrument) ?? none,
            idHash: Shard.idHash(account, accepted.clientID))
    }

    /// Returns the order's slot.
    @discardableResult
    mutating func evolve(_ accepted: borrowing OrderAccepted, at place: OrderPlace, _ time: Timestamp) -> Int32 {
        let account = place.account
        let position = place.position == none ? makePosition(account, accepted.instrument) : place.position
        let funds =
            markets[accepted.instrument].funds == .none
            ? none : accepted.side == .buy ? positions[position].quote : positions[position].base
        let slot = orders.insert(
            Order(
                id: accepted.id, price: accepted.price, quantity: accepted.quantity, cumulative: 0, position: position,
                funds: funds, side: accepted.side, type: accepted.type, timeInForce: accepted.timeInForce))
        let record = orderRecords.insert(
            OrderRecord(
                clientID: accepted.clientID, contentHash: accepted.contentHash, created: time, updated: time,
                rates: intern(accepted.fees), strategy: intern(accepted.strategy)))
        invariant(slot == record, "order arrays out of step")
        if accepted.needsExtra {
            var extra = OrderExtra()
            extra.max = accepted.max
            extra.marketReserve = accepted.marketReserve
            extra.note = accepted.note
            extra.expire = accepted.expire
            extra.cancelOnDisconnect = accepted.cancelOnDisconnect
            extra.instructions = accepted.instructions
            orderRecords[slot].extra = extras.insert(extra)
            if accepted.expire != 0 { addExpiry(slot) }
        }
        invariant(accepted.id == Int64(number) << 40 | (lastOrder + 1), "OrderIDs out of order")
        orderIDs.insert(lastOrder + 1, slot)
        ids.insert(place.idHash, slot)
        lastOrder += 1

        if accepted.oco != 0 { pair(slot, accepted.oco) }
        changeOpen(slot, accepted.quantity)
        positions[position].openOrders += 1
        accounts[account].openOrders += 1
        openOrders += 1
        if accounts[account].limits & positions[position].limits & defaultLimits != none { noteOrder(account, position, time) }
        let last = positions[position].openLast
        orders[slot].previous = last
        if last == none { positions[position].openFirst = slot } else { orders[last].next = slot }
        positions[position].openLast = slot
        if funds != none { moveReserve(funds, place.reserve ?? reserved(slot)) }
        if markets[accepted.instrument].book != none { placeNew(slot, accepted.instrument) }
        return slot
    }

    /// `change`: of what the order holds, where decide knows it.
    mutating func evolve(_ replaced: borrowing OrderReplaced, at slot: Int32, change: Amount? = nil, _ time: Timestamp) {
        let before = change == nil ? reserved(slot) : 0
        let old = orders[slot]
        let counted = limits.end == 0 ? false : counts(replaced.quantity, replaced.price, replaced.max, stop: replaced.stop, slot)
        let instrument = positions[old.position].instrument
        let place =
            markets[instrument].book == none ? .none : leaveForReplace(slot, replaced.quantity, replaced.price, stop: replaced.stop)
        let (order, record) = (orders.pointer(slot), orderRecords.pointer(slot))
        var extra = record.pointee.extra
        let largest = Swift.max(old.quantity, extra == none ? 0 : extras[extra].largestQuantity)
        let (isSmaller, amounts) = (largest > replaced.quantity, replaced.max | replaced.marketReserve)
        if extra == none, isSmaller || amounts != 0 {
            extra = extras.insert(OrderExtra())
            record.pointee.extra = extra
        }
        if extra != none {
            extras[extra].largestQuantity = isSmaller ? largest : 0
            extras[extra].max = replaced.max
            extras[extra].marketReserve = replaced.marketReserve
            if replaced.stop != 0 { extras[extra].instructions.stop = replaced.stop }
        }
        order.pointee.quantity = replaced.quantity
        order.pointee.price = replaced.price
        record.pointee.updated = time
        changeOpen(slot, replaced.quantity - old.quantity)
        if counted { noteOrder(positions[old.position].account, old.position, time) }
        if replaced.quantity == old.cumulative { close(slot, .filled, .requested, time) }
        if place == .last, order.pointee.status.isOpen { placeLast(slot, instrument) }
        if old.funds != none { moveReserve(old.funds, change ?? reserved(slot) - before) }
    }

    @inline(__always)
    mutating func evolve(_ canceled: borrowing OrderCanceled, at slot: Int32, _ time: Timestamp) {
        if canceled.reason == .requested { noteCancel(orders[slot].position, time) }
        evolveClosed(slot, .canceled, canceled.reason, canceled.note, time)
    }

    mutating func evolveClosed(
        _ slot: Int32, _ status: OrderStatus, _ reason: CancelReason, _ text: Text, _ time: Timestamp
    ) {
        let before = reserved(slot)
        let leaves = orders[slot].leaves
        changeOpen(slot, -leaves)
        close(slot, status, reason, time)
        if orders[slot].funds != none { moveReserve(orders[slot].funds, -before) }
        if text.isEmpty { return }
        if orderRecords[slot].extra == none { orderRecords[slot].extra = extras.insert(OrderExtra()) }
        extras[orderRecords[slot].extra].reason = text
    }

    /// Moves an open order, whose leaves are already taken from the position's open quantity, to the closed ones.
    mutating func close(_ slot: Int32, _ status: OrderStatus, _ reason: CancelReason, _ time: Timestamp) {
        invariant(orders[slot].status.isOpen, "closed an order twice")
        if orders[slot].level != none { leaveBook(slot) }
        let order = orders.pointer(slot)
        let position = positions.pointer(order.pointee.position)
        let (previous, next) = (order.pointee.previous, order.pointee.next)
        if previous == none { position.pointee.openFirst = next } else { orders[previous].next = next }
        if next == none { position.pointee.openLast = previous } else { orders[next].previous = previous }
        let last = position.pointee.closedLast
        order.pointee.previous = last
        order.pointee.next = none
        if last == none { position.pointee.closedFirst = slot } else { orders[last].next = slot }
        position.pointee.closedLast = slot

        order.pointee.status = status
        orderRecords[slot].reason = reason
        orderRecords[slot].updated = time
        let extra = orderRecords[slot].extra
        if extra != none {
            // Before what it holds is gone: a second leg has held only what this one does not.
            if extras[extra].partner != none { unpair(slot) }
            extras[extra].marketReserve = 0
            if extras[extra].heapIndex != none { expiries.remove(extra, &extras) }
        }
        position.pointee.openOrders -= 1
        accounts[position.pointee.account].openOrders -= 1
        openOrders -= 1
        remember(slot, time)
    }

    /// What the order holds of its `funds` balance now.
    @inline(__always)
    func reserved(_ slot: Int32) -> Amount {
        let order = orders.pointer(slot)
        if order.pointee.funds == none || !order.pointee.status.isOpen { return 0 }
        let instrument = positions[order.pointee.position].instrument
        if markets[instrument].book != none { return reservedInBook(slot, instrument) }
        return needed(slot, instrument)
    }

    /// What the order alone needs for its leaves, without fees.
    @inline(__always)
    func needed(_ slot: Int32, _ instrument: InstrumentID) -> Amount {
        let order = orders.pointer(slot)
        let leaves = order.pointee.quantity - order.pointee.cumulative
        if order.pointee.side == .sell { return Int128(leaves) * Int128(markets[instrument].quantityUnit) }
        if order.pointee.type == .market {
            let extra = orderRecords[slot].extra
            return extra == none ? 0 : extras[extra].marketReserve
        }
        guard let amount = amount(instrument, order.pointee.price, leaves) else { invariantFailure("an open order is worth too much") }
        return amount
    }

    @inline(__always)
    mutating func moveReserve(_ balance: Int32, _ change: Amount) {
        let it = balances.pointer(balance)
        it.pointee.available -= change
        it.pointee.reserved += change
        invariant(it.pointee.reserved >= 0, "reserved below zero")
    }

    @inline(__always)
    mutating func changeOpen(_ slot: Int32, _ change: Quantity) {
        let (position, side) = (orders[slot].position, orders[slot].side)
        if side == .buy { positions[position].openBuy += change } else { positions[position].openSell += change }
        if orderRecords[slot].extra != none { changeOpenParts(slot, change) }
    }

    /// What an order of that kind adds, be it by itself or the second leg of `first`'s pair.
    func openPart(isReduceOnly: Bool, first: Int32) -> OpenPart {
        if first != none, isReduceOnly || !self.isReduceOnly(first) { return .nothing }
        return isReduceOnly ? .closing : .whole
    }

    @inline(__always)
    func openPart(_ slot: Int32) -> OpenPart {
        let extra = orderRecords[slot].extra
        if extra == none { return .whole }
        return openPart(isReduceOnly: extras[extra].instructions.reduceOnly, first: extras[extra].isSecond ? extras[extra].partner : none)
    }

    mutating func changeOpenParts(_ slot: Int32, _ change: Quantity) {
        let part = openPart(slot)
        if part == .whole { return }
        let (position, isBuy) = (orders[slot].position, orders[slot].side == .buy)
        if positions[position].openParts == none { positions[position].openParts = openParts.insert(OpenParts()) }
        let parts = openParts.pointer(positions[position].openParts)
        switch (part, isBuy) {
        case (.closing, true): parts.pointee.closingBuy += change
        case (.closing, false): parts.pointee.closingSell += change
        case (_, true): parts.pointee.nothingBuy += change
        case (_, false): parts.pointee.nothingSell += change
        }
    }

    private mutating func intern(_ strategy: Text) -> UInt16 {
        if strategy.isEmpty { return 0 }
        if let known = strategySlot(strategy) { return UInt16(known) }
        strategyNames.insert(strategy.hash, Int32(strategies.count))
        strategies.append(strategy)
        return UInt16(strategies.count - 1)
    }

    mutating func intern(_ rates: FeeRates) -> UInt32 {
        if rates == FeeRates() { return 0 }
        if let known = feeRateKeys.find(rates.hash, { feeRates[Int($0)] == rates }) { return UInt32(known) }
        feeRateKeys.insert(rates.hash, Int32(feeRates.count))
        feeRates.append(rates)
        return UInt32(feeRates.count - 1)
    }

    mutating func addExpiry(_ slot: Int32) {
        let extra = orderRecords[slot].extra
        expiries.insert(DueHeap.Entry(time: extras[extra].expire, order: orders[slot].id, slot: extra, value: slot), &extras)
    }

    func view(_ slot: Int32) -> OrderView {
        let order = orders[slot]
        return OrderView(
            id: order.id, instrument: positions[order.position].instrument, status: order.status, leaves: order.leaves,
            cumulative: order.cumulative, cumulativeCost: orderRecords[slot].cumulativeCost,
            reason: order.status == .canceled ? orderRecords[slot].reason : .requested)
    }
}
