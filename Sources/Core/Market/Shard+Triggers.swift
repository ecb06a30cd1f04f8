// Armed orders: stops and take-profits wait in ladders of their own and come into the book when the market gets to their price.

extension Shard {
    /// Triggers what is due, the nearest price first, each traded before the next is looked at, until none is. `range`: the prices that the command's trades
    /// went through. Ends: no order triggers twice and none is armed meanwhile.
    mutating func runTriggers(_ instrument: InstrumentID, _ traded: TradedRange, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) {
        let book = markets[instrument].book
        if book == none || markets[instrument].terms.state != .trading { return }
        var range = traded
        while books.books[book].armed > 0, let slot = nextDue(book, range, markets[instrument].mark) {
            if partner(slot) != none { cancel(partner(slot), .oco, now, emit) }
            apply(.orderTriggered(order: orders[slot].id), now, emit)
            match(slot, instrument, &range, now, emit)
        }
    }

    /// The armed order that comes next, if one is due.
    private func nextDue(_ book: Int32, _ range: TradedRange, _ mark: Price) -> Int32? {
        func first(_ kind: LadderKind, _ isDue: (Price) -> Bool) -> Int32? {
            let level = books.best(book, kind)
            return level != none && isDue(books.levels[level].price) ? books.levels[level].first : nil
        }
        return first(.risingLast) { $0 <= range.high } ?? first(.fallingLast) { $0 >= range.low }
            ?? (mark == 0 ? nil : first(.risingMark) { $0 <= mark } ?? first(.fallingMark) { $0 >= mark })
    }

    /// Why an order is not armed, or not with this stop: its condition holds already. Where the price it waits for has not been seen, the other one says
    /// where the market is: else an order far from it would be judged by its stop, and trigger at once.
    func triggerRefusal(_ instrument: InstrumentID, _ side: Side, _ options: Instructions) -> Rejection? {
        let last = books.books[markets[instrument].book].last
        let price = options.triggerPrice == .last && last != 0 ? last : referencePrice(instrument)
        if price == 0 { return nil }
        let rises = LadderKind(options.trigger, options.triggerPrice, side).rises
        return (rises ? price >= options.stop : price <= options.stop) ? .wouldTrigger(instrument, stop: options.stop, price: price) : nil
    }
}

extension LadderKind {
    /// Of an armed ladder: due when the price is at or above an order's stop.
    var rises: Bool { self == .risingLast || self == .risingMark }
}
