// LIM: limits of an account in this wallet, of an account on an instrument, and of every account that has none of its own.

extension Shard {
    mutating func decide(_ set: SetLimits, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) -> Outcome {
        var account = none
        if set.account != 0 {
            guard let index = registry.account(set.account) else { return .rejected(.unknownAccount(set.account)) }
            account = index
        }
        if set.instrument >= 0 {
            guard account != none, isHere(set.instrument) else {
                return .rejected(.unknownInstrument(set.instrument))
            }
        }
        let change = set.change
        if !Shard.isAllowed(change, ofInstrument: set.instrument >= 0) { return .rejected(.badValue(.value)) }
        if change.resetsLoss, set.instrument >= 0 || account == none { return .rejected(.badValue(.value)) }
        let old = limitsInForce(account, set.instrument)
        let new = old.changed(by: change)
        let isNew = new != old
        let resets = change.resetsLoss && losesByDay(account)
        if !isNew, !resets { return .done(duplicate: true) }
        if let late = tooLate(set.before, now) { return .rejected(late) }
        if isNew { apply(.limitsSet(account: set.account, instrument: set.instrument, new), now, emit) }
        if resets { apply(.lossLatched(account: set.account, asset: -1, on: false), now, emit) }
        return .done(duplicate: false)
    }

    private static func isAllowed(_ change: LimitsChange, ofInstrument: Bool) -> Bool {
        for value in [change.maxQuantity, change.maxNotional, change.maxPosition, change.maxDailyLoss] {
            if let value, value < 0 { return false }
        }
        if let value = change.maxOpenOrders, value < 0 { return false }
        for value in [change.makerFee, change.takerFee] {
            if let value, value != Limits.noRate, !FeeRates.allowed.contains(value) { return false }
        }
        if let value = change.priceBand, value != Limits.unlimited, !Limits.priceBandsAllowed.contains(value) { return false }
        for value in [change.maxOrderRate, change.maxCancelRate] {
            if let value, value != Limits.unlimited, !Limits.ratesAllowed.contains(value) { return false }
        }
        return !ofInstrument || change.maxDailyLoss == nil && change.listedOnly == nil
    }

    mutating func evolveLimits(_ number: AccountNumber, _ instrument: InstrumentID, _ new: Limits, _ time: Timestamp) {
        if number == 0 {
            let old = defaultLimits == none ? Limits.none : limits[defaultLimits].maxDailyLoss
            if defaultLimits == none { defaultLimits = insertLimits(new) } else { limits[defaultLimits] = new }
            guard old == Limits.none, new.maxDailyLoss != Limits.none else { return }
            for account in 0..<accounts.end where accounts[account].limits == none { beginDay(account, time) }
            return keepsDays = true
        }
        guard let account = registry.account(number) else { invariantFailure("limits of an unknown account") }
        if instrument < 0 {
            let old = accountLimits(account)
            let was = old == none ? Limits.none : limits[old].maxDailyLoss
            let slot = accounts[account].limits
            if slot == none { accounts[account].limits = insertLimits(new) } else { limits[slot] = new }
            if was == Limits.none, new.maxDailyLoss != Limits.none {
                beginDay(account, time)
                keepsDays = true
            }
        } else {
            let position = makePosition(account, instrument)
            let slot = positions[position].limits
            if slot == none {
                positions[position].limits = insertLimits(new)
            } else {
                limits[slot] = new
                // A bucket that is taken away is not kept.
                if new.maxOrderRate == Limits.unlimited { arrivals[slot].orders = 0 }
                if new.maxCancelRate == Limits.unlimited { arrivals[slot].cancels = 0 }
            }
        }
    }

    mutating func insertLimits(_ new: Limits, _ arrived: Arrivals = Arrivals()) -> Int32 {
        let slot = limits.insert(new)
        let beside = arrivals.insert(arrived)
        invariant(slot == beside, "limits and their arrivals out of step")
        return slot
    }

    /// Slot of what holds for the account in this wallet: its own limits, or those of all that have none; `none`: no limits.
    @inline(__always)
    func accountLimits(_ account: Int32) -> Int32 {
        accounts[account].limits != none ? accounts[account].limits : defaultLimits
    }

    /// Account `none`: what holds for accounts without limits of their own.
    func limitsInForce(_ account: Int32, _ instrument: InstrumentID) -> Limits {
        let slot: Int32
        if account == none {
            slot = defaultLimits
        } else if instrument < 0 {
            slot = accountLimits(account)
        } else {
            slot = positionSlot(account, instrument).map { positions[$0].limits } ?? none
        }
        return slot == none ? Limits() : limits[slot]
    }

    /// The account's record of risks, made when missing. Part of evolve.
    mutating func makeRisk(_ account: Int32) -> Int32 {
        if accounts[account].risk == none { accounts[account].risk = risks.insert(AccountRisk(account: account)) }
        return accounts[account].risk
    }
}

// Queries.

extension Shard {
    /// -1: of the account in this wallet. Account 0: what holds for accounts without limits of their own.
    public func limits(account number: AccountNumber, instrument: InstrumentID) -> Limits {
        if number == 0 { return limitsInForce(none, -1) }
        return registry.account(number).map { limitsInForce($0, instrument) } ?? Limits()
    }

    /// Are there limits of the account in this wallet (-1) or on the instrument, of its own? Account 0: for accounts that have none.
    public func hasLimits(account number: AccountNumber, instrument: InstrumentID) -> Bool {
        if number == 0 { return defaultLimits != none }
        guard let account = registry.account(number) else { return false }
        if instrument < 0 { return accounts[account].limits != none }
        return positionSlot(account, instrument).map { positions[$0].limits != none } ?? false
    }

    /// The limits that hold for the account in this wallet (-1), where there are any, then those of its instruments.
    public func forEachLimit(account number: AccountNumber, _ body: (InstrumentID, Limits) -> Void) {
        if number == 0, defaultLimits != none { body(-1, limits[defaultLimits]) }
        guard let account = registry.account(number) else { return }
        let whole = accountLimits(account)
        if whole != none { body(-1, limits[whole]) }
        var position = accounts[account].positions
        while position != none {
            if positions[position].limits != none {
                body(positions[position].instrument, limits[positions[position].limits])
            }
            position = positions[position].next
        }
    }

    /// What the account has lost today, as `max_daily_loss` counts it; negative: won.
    public func lossToday(account number: AccountNumber, asset: AssetID, now: Timestamp) -> Amount {
        registry.account(number).map { lossToday($0, asset, now) } ?? 0
    }

    /// Assets of which the account has lost so much that it may only take risk off, ascending.
    public func forEachLatch(account number: AccountNumber, _ body: (AssetID) -> Void) {
        guard let account = registry.account(number), accounts[account].risk != none else { return }
        var latch = risks[accounts[account].risk].latches
        while latch != none {
            body(latches[latch].asset)
            latch = latches[latch].next
        }
    }
}
