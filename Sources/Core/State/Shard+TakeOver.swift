// Positions that were built elsewhere. Only a flat one can be taken over, so that no average of two histories is made and no PnL realized by it.
// Balances and totals stay as they are: what the position cost was paid elsewhere.

extension Shard {
    mutating func decide(_ takeOver: TakeOver, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) -> Outcome {
        guard let account = registry.account(takeOver.account) else { return .rejected(.unknownAccount(takeOver.account)) }
        guard isHere(takeOver.instrument) else { return .rejected(.unknownInstrument(takeOver.instrument)) }
        let slot = positionSlot(account, takeOver.instrument)
        if let known = remembered(account, takeOver.reference) {
            guard known < 0, references[~known].contentHash == takeOver.contentHash, let slot else {
                return .rejected(.idReused(takeOver.reference))
            }
            return .position(view(positions[slot]), duplicate: true)
        }
        if let late = tooLate(takeOver.before, now) { return .rejected(late) }
        if takeOver.quantity == 0 || takeOver.quantity == .min { return .rejected(.badValue(.quantity)) }
        if takeOver.price <= 0 { return .rejected(.badValue(.price)) }
        let held = slot.map { positions[$0].quantity } ?? 0
        if held != 0 { return .rejected(.positionExists(takeOver.instrument, quantity: held)) }
        guard cost(of: takeOver) != nil else { return .rejected(.overflow(.cost)) }
        apply(.positionTakenOver(takeOver), now, emit)
        guard let slot = positionSlot(account, takeOver.instrument) else { invariantFailure("a position taken over is not there") }
        return .position(view(positions[slot]), duplicate: false)
    }

    mutating func evolve(_ takeOver: TakeOver, _ time: Timestamp) {
        guard let account = registry.account(takeOver.account), let cost = cost(of: takeOver) else {
            invariantFailure("a recorded take-over does not fit the state")
        }
        let slot = makePosition(account, takeOver.instrument)
        invariant(positions[slot].quantity == 0 && positions[slot].cost == 0, "a position taken over was not flat")
        keepDayBase(slot, time)
        let profit = profit(of: slot, at: referencePrice(takeOver.instrument))
        positions[slot].traded = true
        positions[slot].quantity = takeOver.quantity
        positions[slot].cost = cost
        // What it has won or lost was won or lost elsewhere.
        if positions[slot].dayBase != none {
            dayBases[positions[slot].dayBase].profit &+= self.profit(of: slot, at: referencePrice(takeOver.instrument)) &- profit
        }
        rememberReference(
            Reference(
                text: takeOver.reference, contentHash: takeOver.contentHash, account: account,
                asset: markets[takeOver.instrument].quote), time)
    }

    /// `nil` where it reaches the bound of an amount.
    private func cost(of takeOver: TakeOver) -> Amount? {
        amount(takeOver.instrument, takeOver.price, Quantity(clamping: takeOver.quantity.magnitude))
    }
}
