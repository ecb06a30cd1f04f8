// Most of what an order costs in a large shard is waiting for memory: 160 to 250 ns for a line that is in no cache, 23 when eight are asked for at a
// time. So a loop that has several commands at hand, or records to replay, asks for what they will touch before it takes the first:
//
//     ahead[i] = shard.ahead(of: command)    for each of them: asks for the entries of the indexes
//     shard.prefetch(&ahead[i])              for each of them: asks for the order, or for the position of a new one
//     shard.prefetch(&ahead[i])              for each of them: asks for position, balance, neighbours in the lists and in the book
//
// The steps of one command lie apart, with the other commands' in between. Nothing here changes anything, and guesses may be wrong. A cancel, replace or
// fill that is given its `ahead` looks there for its order first.

extension Shard {
    /// What is known of a command, or of a record, before its turn.
    public struct Ahead: BitwiseCopyable, Sendable {
        fileprivate enum Step: UInt8, BitwiseCopyable { case done, position, foundPosition, id, counter, foundOrder }
        fileprivate var step = Step.done
        fileprivate var side = Side.buy
        /// Does it take the order out of its list?
        fileprivate var closes = false
        /// Position or order.
        fileprivate var slot = none
        fileprivate var isOrder = false
        /// Hash that leads to the position or the order, or the order's counter.
        fileprivate var key: UInt64 = 0
        /// Of a fill: its exec's hash; 0 of everything else.
        fileprivate var execHash: UInt64 = 0
        /// Where it will rest: a ladder of a book, and the key there; `none`: nowhere.
        fileprivate var ladder = none
        fileprivate var ladderKey: Int64 = 0

        /// Of nothing.
        public init() {}

        /// Where the order of the command may be; `none`: not known.
        @inline(__always)
        var order: Int32 { step == .done && isOrder ? slot : none }
    }

    public func ahead(of order: borrowing NewOrder) -> Ahead {
        guard let account = registry.account(order.account) else { return Ahead() }
        var ahead = ahead(account, order.instrument, order.side, Shard.idHash(account, order.clientID))
        if Shard.mayRest(order.type, order.timeInForce) { askLadder(order.instrument, order.side, order.price, &ahead) }
        return ahead
    }

    public func ahead(of accepted: borrowing OrderAccepted) -> Ahead {
        guard let account = registry.account(accepted.account) else { return Ahead() }
        return ahead(account, accepted.instrument, accepted.side, Shard.idHash(account, accepted.clientID))
    }

    public func ahead(of cancel: borrowing Cancel) -> Ahead { ahead(cancel.order, cancel.account, closes: true) }
    public func ahead(of replace: borrowing Replace) -> Ahead { ahead(replace.order, replace.account, closes: false) }

    public func ahead(of fill: borrowing Fill) -> Ahead {
        var ahead = ahead(fill.order, fill.account, closes: false)
        ahead.execHash = fill.exec.hash
        return ahead
    }

    public func ahead(of filled: borrowing Filled) -> Ahead {
        var ahead = ahead(ofOrder: filled.order, closes: false)
        ahead.execHash = filled.exec.hash
        return ahead
    }

    /// Of a record about an order.
    public func ahead(ofOrder id: OrderID, closes: Bool) -> Ahead {
        var ahead = Ahead()
        ahead.closes = closes
        ahead.step = .counter
        ahead.key = UInt64(bitPattern: id & SlotIndex.counterMax)
        orderIDs.prefetch(id & SlotIndex.counterMax)
        return ahead
    }

    @inline(__always)
    private func ahead(_ account: Int32, _ instrument: InstrumentID, _ side: Side, _ idHash: UInt64) -> Ahead {
        var ahead = Ahead()
        ahead.step = .position
        ahead.side = side
        accounts.prefetch(account)
        ahead.key = Shard.pairHash(account, instrument)
        ids.prefetch(idHash)
        positionKeys.prefetch(ahead.key)
        return ahead
    }

    @inline(__always)
    private func ahead(_ reference: OrderReference, _ number: AccountNumber, closes: Bool) -> Ahead {
        guard case .client(let id) = reference else {
            guard case .order(let id) = reference else { return Ahead() }
            return ahead(ofOrder: id, closes: closes)
        }
        var ahead = Ahead()
        guard let account = registry.account(number) else { return ahead }
        ahead.closes = closes
        ahead.step = .id
        ahead.key = Shard.idHash(account, id)
        ids.prefetch(ahead.key)
        accounts.prefetch(account)
        return ahead
    }

    /// A book's place for a price, and in the next step its level.
    @inline(__always)
    private func askLadder(_ instrument: InstrumentID, _ side: Side, _ price: Price, _ ahead: inout Ahead) {
        guard isHere(instrument), markets[instrument].book != none else { return }
        let kind: LadderKind = side == .buy ? .bids : .asks
        ahead.ladder = Books.ladder(markets[instrument].book, kind)
        ahead.ladderKey = kind.key(price)
        books.prefetchPlace(ahead.ladder, ahead.ladderKey)
    }

    /// The next step.
    public func prefetch(_ ahead: inout Ahead) {
        switch ahead.step {
        case .done: break
        case .position:
            guard let position = positionKeys.guess(ahead.key) else { return ahead.step = .done }
            positions.prefetch(position)
            ahead.slot = position
            ahead.step = .foundPosition
        case .foundPosition:
            if ahead.ladder != none { books.prefetchLevel(ahead.ladder, ahead.ladderKey) }
            balances.prefetch(ahead.side == .buy ? positions[ahead.slot].quote : positions[ahead.slot].base)
            // The new order comes behind it.
            if positions[ahead.slot].openLast != none { orders.prefetch(positions[ahead.slot].openLast) }
            ahead.step = .done
        case .id: found(ids.guess(ahead.key), &ahead)
        case .counter: found(orderIDs[Int64(bitPattern: ahead.key)], &ahead)
        case .foundOrder:
            positions.prefetch(orders[ahead.slot].position)
            if orders[ahead.slot].funds != none { balances.prefetch(orders[ahead.slot].funds) }
            if ahead.execHash != 0 { execs.prefetch(Shard.execHash(orders[ahead.slot].id, ahead.execHash)) }
            if ahead.closes {
                if orders[ahead.slot].previous != none { orders.prefetch(orders[ahead.slot].previous) }
                if orders[ahead.slot].next != none { orders.prefetch(orders[ahead.slot].next) }
            }
            prefetchLevel(ahead.slot)
            ahead.step = .done
        }
    }

    /// Of an order in a book: its level and its neighbours there, which a cancel or a move changes.
    @inline(__always)
    private func prefetchLevel(_ slot: Int32) {
        let (level, previous, next) = (orders[slot].level, orders[slot].bookPrevious, orders[slot].bookNext)
        if level == none { return }
        books.levels.prefetch(level)
        if previous != none { orders.prefetch(previous) }
        if next != none { orders.prefetch(next) }
    }

    @inline(__always)
    private func found(_ slot: Int32?, _ ahead: inout Ahead) {
        guard let slot, slot >= 0 else { return ahead.step = .done }
        orders.prefetch(slot)
        orderRecords.prefetch(slot)
        ahead.slot = slot
        ahead.isOrder = true
        ahead.step = .foundOrder
    }
}
