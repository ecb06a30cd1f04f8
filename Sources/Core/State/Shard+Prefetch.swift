// Most of what an order costs in a large shard is waiting for memory: 160 to 250 ns for a line that is in no cache, 23 when eight are asked for at a
// time. So a loop that has several commands at hand asks for what they will touch before it decides the first: every command takes the
// steps, one after the other, with the other commands' steps in between. Nothing here changes anything, and guesses may be wrong.

extension Shard {
    /// How many steps there are.
    public static var prefetchSteps: Int { 3 }

    /// Step 0, 1 or 2 of asking for what a new order will touch.
    public func prefetch(_ order: borrowing NewOrder, step: Int) {
        guard let account = registry.account(order.account) else { return }
        let key = Shard.pairHash(account, order.instrument)
        if step == 0 {
            ids.prefetch(Shard.idHash(account, order.clientID))
            return positionKeys.prefetch(key)
        }
        guard let position = positionKeys.guess(key) else { return }
        if step == 1 { return positions.prefetch(position) }
        balances.prefetch(order.side == .buy ? positions[position].quote : positions[position].base)
        // The new order comes behind it.
        if positions[position].openLast != none { orders.prefetch(positions[position].openLast) }
    }

    public func prefetch(_ replace: borrowing Replace, step: Int) {
        prefetch(replace.order, replace.account, closes: false, step: step)
    }

    public func prefetch(_ cancel: borrowing Cancel, step: Int) {
        prefetch(cancel.order, cancel.account, closes: true, step: step)
    }

    public func prefetch(_ fill: borrowing Fill, step: Int) {
        prefetch(fill.order, fill.account, closes: false, step: step)
    }

    private func prefetch(_ reference: OrderReference, _ number: AccountNumber, closes: Bool, step: Int) {
        let slot: Int32?
        switch reference {
        case .client(let id):
            guard let account = registry.account(number) else { return }
            let hash = Shard.idHash(account, id)
            if step == 0 { return ids.prefetch(hash) }
            slot = ids.guess(hash)
        case .order(let id):
            let counter = id & SlotIndex.counterMax
            if step == 0 { return orderIDs.prefetch(counter) }
            slot = orderIDs[counter]
        }
        guard let slot, slot >= 0 else { return }
        if step == 1 {
            orders.prefetch(slot)
            orderRecords.prefetch(slot)
            return
        }
        positions.prefetch(orders[slot].position)
        if orders[slot].funds != none { balances.prefetch(orders[slot].funds) }
        guard closes else { return }
        if orders[slot].previous != none { orders.prefetch(orders[slot].previous) }
        if orders[slot].next != none { orders.prefetch(orders[slot].next) }
    }
}
