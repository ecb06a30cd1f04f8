// Queries: reads of the state, by account number. An unknown account has nothing.

public enum OrderFilter: UInt8, BitwiseCopyable, Sendable { case open, closed, all }

extension Shard {
    // MARK: Balances

    public func balance(account: AccountNumber, asset: AssetID) -> BalanceView? {
        guard let account = registry.account(account), let slot = balanceSlot(account, asset) else { return nil }
        return view(balances[slot])
    }

    /// By ascending asset; those whose amounts are all zero are left out.
    public func forEachBalance(account: AccountNumber, _ body: (BalanceView) -> Void) {
        guard let account = registry.account(account) else { return }
        var slot = accounts[account].balances
        while slot != none {
            let balance = balances[slot]
            if balance.available != 0 || balance.reserved != 0 || balance.held != 0 || balance.transit != 0 {
                body(view(balance))
            }
            slot = balance.next
        }
    }

    private func view(_ balance: Balance) -> BalanceView {
        BalanceView(
            asset: balance.asset, available: balance.available, reserved: balance.reserved, held: balance.held,
            transit: balance.transit)
    }

    // MARK: Positions

    public func position(account: AccountNumber, instrument: InstrumentID) -> PositionView? {
        guard let account = registry.account(account), let slot = positionSlot(account, instrument),
            positions[slot].traded
        else { return nil }
        return view(positions[slot])
    }

    /// By ascending instrument; every position that was ever traded.
    public func forEachPosition(account: AccountNumber, _ body: (PositionView) -> Void) {
        guard let account = registry.account(account) else { return }
        var slot = accounts[account].positions
        while slot != none {
            if positions[slot].traded { body(view(positions[slot])) }
            slot = positions[slot].next
        }
    }

    func view(_ position: Position) -> PositionView {
        PositionView(
            instrument: position.instrument, quantity: position.quantity, cost: position.cost, realized: position.realized,
            openBuy: position.openBuy, openSell: position.openSell)
    }

    /// Fees of the position in assets that are neither base nor quote, by ascending asset.
    public func forEachFee(account: AccountNumber, instrument: InstrumentID, _ body: (FeeTotal) -> Void) {
        guard let account = registry.account(account), let slot = positionSlot(account, instrument) else { return }
        var all: [FeeTotal] = []
        var record = positions[slot].fees
        while record != none {
            all.append(FeeTotal(asset: fees[record].asset, amount: fees[record].amount))
            record = fees[record].next
        }
        for fee in all.sorted(by: { $0.asset < $1.asset }) { body(fee) }
    }

    public func mark(_ instrument: InstrumentID) -> Price? {
        let mark = markets[instrument].mark
        return mark == 0 ? nil : mark
    }

    /// Worth at the mark less cost (for a short: cost less worth); `nil` without a mark, or where it does not fit.
    public func unrealized(_ position: PositionView) -> Amount? {
        guard let mark = mark(position.instrument),
            let worth = amount(position.instrument, mark, Quantity(clamping: position.quantity.magnitude))
        else { return nil }
        return position.quantity >= 0 ? worth - position.cost : position.cost - worth
    }

    // MARK: Orders

    public func order(
        account: AccountNumber, instrument: InstrumentID, _ reference: OrderReference
    ) -> OrderDetail? {
        guard let account = registry.account(account), let slot = orderSlot(reference, account, instrument) else {
            return nil
        }
        return detail(slot)
    }

    /// Whatever instrument it is of.
    public func order(account: AccountNumber, _ reference: OrderReference) -> OrderDetail? {
        guard let account = registry.account(account), let slot = orderSlot(reference, account) else { return nil }
        return detail(slot)
    }

    public func order(id: OrderID) -> OrderDetail? { orderSlot(id).map { detail($0) } }

    /// By ascending OrderID, those after `after`. `instrument` -1: all. Open orders cost what is listed; `.closed` and `.all` look at every closed
    /// order of the account that is remembered.
    public func forEachOrder(
        account: AccountNumber, instrument: InstrumentID, status: OrderFilter, after: OrderID, limit: Int,
        _ body: (OrderDetail) -> Void
    ) {
        guard let account = registry.account(account) else { return }
        var closed = status == .open ? [] : firstClosed(account, instrument, after: after, limit: limit)[...]
        var left = limit
        if status != .closed {
            // The lists of the account's instruments, each ascending, merged.
            merge(account, instrument, start: { position in
                if let slot = orderSlot(after), orders[slot].status.isOpen, orders[slot].position == position {
                    return orders[slot].next
                }
                var slot = positions[position].openFirst
                while slot != none, orders[slot].id <= after { slot = orders[slot].next }
                return slot
            }, next: { orders[$0].next }, before: { orders[$0].id < orders[$1].id }) { open in
                while let first = closed.first, left > 0, orders[first].id < orders[open].id {
                    body(detail(first))
                    closed.removeFirst()
                    left -= 1
                }
                if left > 0 { body(detail(open)) }
                left -= 1
                return left > 0
            }
        }
        for slot in closed.prefix(max(left, 0)) { body(detail(slot)) }
    }

    /// The closed orders with the lowest OrderIDs after `after`, ascending.
    private func firstClosed(_ account: Int32, _ instrument: InstrumentID, after: OrderID, limit: Int) -> [Int32] {
        // A heap of the lowest so far, the highest of them first, as (id, slot).
        var heap: [(id: OrderID, slot: Int32)] = []
        func sink(_ start: Int) {
            var index = start
            while true {
                var largest = index
                if 2 * index + 1 < heap.count, heap[2 * index + 1].id > heap[largest].id { largest = 2 * index + 1 }
                if 2 * index + 2 < heap.count, heap[2 * index + 2].id > heap[largest].id { largest = 2 * index + 2 }
                if largest == index { return }
                heap.swapAt(index, largest)
                index = largest
            }
        }
        var position = limit > 0 ? accounts[account].positions : none
        while position != none {
            if instrument < 0 || positions[position].instrument == instrument {
                var slot = positions[position].closedFirst
                while slot != none {
                    let id = orders[slot].id
                    if id > after {
                        if heap.count < limit {
                            heap.append((id, slot))
                            if heap.count == limit { for index in (0..<limit / 2).reversed() { sink(index) } }
                        } else if id < heap[0].id {
                            heap[0] = (id, slot)
                            sink(0)
                        }
                    }
                    slot = orders[slot].next
                }
            }
            position = positions[position].next
        }
        return heap.sorted { $0.id < $1.id }.map(\.slot)
    }

    /// Merges one list per instrument of the account, while `body` wants more.
    private func merge(
        _ account: Int32, _ instrument: InstrumentID, start: (Int32) -> Int32, next: (Int32) -> Int32,
        before: (Int32, Int32) -> Bool, _ body: (Int32) -> Bool
    ) {
        var heads: [Int32] = []
        var position = accounts[account].positions
        while position != none {
            if instrument < 0 || positions[position].instrument == instrument {
                let head = start(position)
                if head != none { heads.append(head) }
            }
            position = positions[position].next
        }
        while !heads.isEmpty {
            var least = 0
            for index in heads.indices where before(heads[index], heads[least]) { least = index }
            if !body(heads[least]) { return }
            let following = next(heads[least])
            if following == none { heads.swapAt(least, heads.count - 1); heads.removeLast() } else { heads[least] = following }
        }
    }

    private func detail(_ slot: Int32) -> OrderDetail {
        let order = orders[slot]
        let record = orderRecords[slot]
        let extra = record.extra == none ? OrderExtra() : extras[record.extra]
        return OrderDetail(
            view: view(slot), account: registry.accounts[Int(positions[order.position].account)].number,
            clientID: record.clientID, side: order.side, type: order.type, timeInForce: order.timeInForce,
            quantity: order.quantity, price: order.price, expire: extra.expire, max: extra.max,
            strategy: strategies[Int(record.strategy)], note: extra.note, reserved: reserved(slot),
            created: record.created, updated: record.updated, reason: record.reason, reasonText: extra.reason,
            cancelOnDisconnect: extra.cancelOnDisconnect, instructions: extra.instructions,
            isArmed: order.status.isOpen && extra.instructions.trigger != .none && !extra.isTriggered,
            oco: extra.partner == none ? 0 : orders[extra.partner].id)
    }

    // MARK: Trades

    /// Newest first; of one instrument, or -1: of all; of one order, or `nil`.
    public func forEachTrade(
        account: AccountNumber, instrument: InstrumentID, order: OrderID?, limit: Int, _ body: (TradeView) -> Void
    ) {
        guard let account = registry.account(account) else { return }
        var left = limit
        if let order {
            guard let slot = orderSlot(order), positions[orders[slot].position].account == account else { return }
            var trade = orderRecords[slot].trades
            while trade != none, left > 0 {
                body(view(trades[trade]))
                left -= 1
                trade = trades[trade].olderOfOrder
            }
            return
        }
        if limit == 0 { return }
        merge(account, instrument, start: { positions[$0].tradesNewest }, next: { trades[$0].older },
            before: { trades[$0].id > trades[$1].id }) { trade in
            body(view(trades[trade]))
            left -= 1
            return left > 0
        }
    }

    private func view(_ trade: Trade) -> TradeView {
        let order = orders[trade.order]
        return TradeView(
            id: trade.id, order: order.id, instrument: positions[order.position].instrument,
            clientID: orderRecords[trade.order].clientID, side: order.side, quantity: trade.quantity, price: trade.price,
            fee: trade.fee, feeAsset: trade.feeAsset, liquidity: trade.liquidity, exec: trade.exec, time: trade.time,
            venueTime: trade.venueTime)
    }

    // MARK: Counts

    public var counts: ShardCounts {
        ShardCounts(
            openOrders: openOrders, remembered: memory.count, trades: trades.count, balances: balances.count,
            positions: positions.count)
    }
}
