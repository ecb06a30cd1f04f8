// Losses by the day: what an account's positions with one quote asset have won since the day began, realized and at the reference price. A position that
// lost more than `max_daily_loss` together with the others leaves the account with nothing but reductions in that asset, until LIM reset=loss.
//
// Days begin at the setting day_start_minutes, by the record's time, and nothing happens when one does. What a position was worth then is written
// down (``DayBase``) just before its first change of the day; while that is missing it is as it was, and its worth at the day's begin follows
// from the reference price of then, which is written down just before its first change, too. Both only where losses are limited.

extension Shard {
    /// Before any.
    static var noDay: Int32 { .min }

    /// The day that a time is in. A begin after 10:00 UTC, midnight in a zone east of Greenwich, counts from the day before: so no zone's days get other
    /// numbers when its clocks are put forward or back, not even London's.
    func day(of time: Timestamp) -> Int32 {
        let (minute, day): (Int64, Int64) = (60_000_000, 86_400_000_000)
        let start = registry.setting(.dayStartMinutes)
        let since = time &- (start > 600 ? start - 1_440 : start) &* minute
        return Int32(clamping: since / day - (since % day < 0 ? 1 : 0))
    }

    /// What the position has won, realized and at `price`; without a price (0) it is worth what it cost.
    func profit(of position: Int32, at price: Price) -> Amount {
        let it = positions[position]
        if it.quantity == 0 || price == 0 { return it.realized }
        let worth = amount(it.instrument, price, Quantity(clamping: it.quantity.magnitude)) ?? Balance.limit
        return it.realized &+ (it.quantity > 0 ? worth &- it.cost : it.cost &- worth)
    }

    /// The same when `day` began, or the account's day was begun anew.
    private func profitAtBegin(of position: Int32, _ day: Int32) -> Amount {
        let base = positions[position].dayBase
        if base != none, dayBases[base].day >= day { return dayBases[base].profit }
        let instrument = positions[position].instrument
        let reference = markets[instrument].day >= day ? markets[instrument].dayReference : referencePrice(instrument)
        return profit(of: position, at: reference)
    }

    /// What the account has lost today of an asset; negative: won.
    func lossToday(_ account: Int32, _ asset: AssetID, _ now: Timestamp) -> Amount {
        let day = day(of: now)
        var loss: Amount = 0
        var position = accounts[account].positions
        while position != none {
            let instrument = positions[position].instrument
            if positions[position].traded, markets[instrument].quote == asset {
                loss &+= profitAtBegin(of: position, day) &- profit(of: position, at: referencePrice(instrument))
            }
            position = positions[position].next
        }
        return loss
    }

    private func maxDailyLoss(_ account: Int32) -> Amount {
        let slot = accountLimits(account)
        return slot == none ? Limits.none : limits[slot].maxDailyLoss
    }

    func isLatched(_ account: Int32, _ asset: AssetID) -> Bool {
        var latch = accounts[account].risk == none ? none : risks[accounts[account].risk].latches
        while latch != none {
            if latches[latch].asset == asset { return true }
            latch = latches[latch].next
        }
        return false
    }

    /// Is there anything that LIM reset=loss could end?
    func losesByDay(_ account: Int32) -> Bool {
        maxDailyLoss(account) != Limits.none || accounts[account].risk != none && risks[accounts[account].risk].latches != none
    }

    /// The refusal of an order that does not only take risk off, when the account has lost too much of its quote asset.
    func lossRefusal(_ number: AccountNumber, _ account: Int32, _ instrument: InstrumentID, _ now: Timestamp) -> Rejection? {
        let asset = markets[instrument].quote
        guard isLatched(account, asset) else { return nil }
        let most = maxDailyLoss(account)
        return .limitDailyLoss(scope(number, -1), asset, limit: most, value: lossToday(account, asset, now))
    }

    /// Notes that the account has lost too much, if it has: after a fill, and whenever an order is judged.
    @inline(__always)
    mutating func latchLoss(_ account: Int32, _ instrument: InstrumentID, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) {
        if keepsDays { latchLimitedLoss(account, instrument, now, emit) }
    }

    /// After a match.
    @inline(__always)
    mutating func latchLosses(
        _ maker: Int32, _ taker: Int32, _ instrument: InstrumentID, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void
    ) {
        if !keepsDays { return }
        latchLimitedLoss(positions[orders[maker].position].account, instrument, now, emit)
        latchLimitedLoss(positions[orders[taker].position].account, instrument, now, emit)
    }

    @inline(never)
    private mutating func latchLimitedLoss(
        _ account: Int32, _ instrument: InstrumentID, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void
    ) {
        let most = maxDailyLoss(account)
        let asset = markets[instrument].quote
        if most == Limits.none || isLatched(account, asset) || lossToday(account, asset, now) <= most { return }
        apply(.lossLatched(account: registry.accounts[Int(account)].number, asset: asset, on: true), now, emit)
    }

    // MARK: Evolve

    /// Before the position changes.
    @inline(__always)
    mutating func keepDayBase(_ position: Int32, _ time: Timestamp) {
        if keepsDays { keepLimitedDayBase(position, time) }
    }

    @inline(never)
    private mutating func keepLimitedDayBase(_ position: Int32, _ time: Timestamp) {
        if maxDailyLoss(positions[position].account) == Limits.none { return }
        let day = day(of: time)
        let base = positions[position].dayBase
        if base != none, dayBases[base].day >= day { return }
        setDayBase(position, DayBase(profit: profitAtBegin(of: position, day), day: day))
    }

    /// Before the instrument's reference price changes.
    @inline(__always)
    mutating func keepDayReference(_ instrument: InstrumentID, _ time: Timestamp) {
        if !keepsDays { return }
        let day = day(of: time)
        if markets[instrument].day >= day { return }
        markets[instrument].dayReference = referencePrice(instrument)
        markets[instrument].day = day
    }

    /// The account's day begins now.
    mutating func beginDay(_ account: Int32, _ time: Timestamp) {
        let day = day(of: time)
        var position = accounts[account].positions
        while position != none {
            if positions[position].traded {
                setDayBase(position, DayBase(profit: profit(of: position, at: referencePrice(positions[position].instrument)), day: day))
            }
            position = positions[position].next
        }
    }

    mutating func setDayBase(_ position: Int32, _ base: DayBase) {
        let slot = positions[position].dayBase
        if slot == none { positions[position].dayBase = dayBases.insert(base) } else { dayBases[slot] = base }
    }

    mutating func evolveLatch(_ number: AccountNumber, _ asset: AssetID, _ on: Bool, _ time: Timestamp) {
        guard let account = registry.account(number) else { invariantFailure("losses of an unknown account") }
        if on { return latch(account, asset) }
        if accounts[account].risk != none {
            var latch = risks[accounts[account].risk].latches
            while latch != none {
                let next = latches[latch].next
                latches.remove(latch)
                latch = next
            }
            risks[accounts[account].risk].latches = none
        }
        beginDay(account, time)
    }

    mutating func latch(_ account: Int32, _ asset: AssetID) {
        let risk = makeRisk(account)
        var before = none
        var after = risks[risk].latches
        while after != none, latches[after].asset < asset {
            before = after
            after = latches[after].next
        }
        if after != none, latches[after].asset == asset { return }
        let slot = latches.insert(LossLatch(asset: asset, next: after))
        if before == none { risks[risk].latches = slot } else { latches[before].next = slot }
    }
}
