// Orders and cancels per second: a token bucket each, of one second's worth, kept as the single time until which it is used up (the generic cell
// rate algorithm). A replace counts unless it only takes quantity away. With r per second each takes 1/r of a second, rounded up to a nanosecond; one more is taken while no more than r - 1 are
// pending. Decide looks, evolve takes, by the record's time.

extension Shard {
    private static var nanosecondsPerSecond: Int64 { 1_000_000_000 }

    /// Microseconds until one more would be taken, when it is not now.
    private static func wait(_ rate: Int32, until used: Int64, _ now: Timestamp) -> Int64? {
        if rate == Limits.unlimited { return nil }
        let step = (nanosecondsPerSecond &+ Int64(rate) &- 1) / Int64(rate)
        let ahead = used &- now &* 1_000 &- step &* Int64(rate &- 1)
        return ahead <= 0 ? nil : (ahead &+ 999) / 1_000
    }

    private static func take(_ rate: Int32, _ used: inout Int64, _ time: Timestamp) {
        if rate == Limits.unlimited { return }
        used = max(used, time &* 1_000) &+ (nanosecondsPerSecond &+ Int64(rate) &- 1) / Int64(rate)
    }

    func orderRateRefusal(_ number: AccountNumber, _ account: Int32, _ instrument: InstrumentID, _ position: Int32, _ now: Timestamp) -> Rejection? {
        let whole = accountLimits(account)
        if whole != none, accounts[account].risk != none,
            let retry = Shard.wait(limits[whole].maxOrderRate, until: risks[accounts[account].risk].arrivals.orders, now)
        {
            return .limitOrderRate(scope(number, -1), limit: Int64(limits[whole].maxOrderRate), retry: retry)
        }
        let own = position == none ? none : positions[position].limits
        if own != none, let retry = Shard.wait(limits[own].maxOrderRate, until: arrivals[own].orders, now) {
            return .limitOrderRate(scope(number, instrument), limit: Int64(limits[own].maxOrderRate), retry: retry)
        }
        return nil
    }

    @inline(__always)
    func cancelRateRefusal(_ number: AccountNumber, _ account: Int32, _ instrument: InstrumentID, _ position: Int32, _ now: Timestamp) -> Rejection? {
        if accounts[account].limits & positions[position].limits & defaultLimits == none { return nil }
        return limitedCancelRefusal(number, account, instrument, position, now)
    }

    @inline(never)
    private func limitedCancelRefusal(
        _ number: AccountNumber, _ account: Int32, _ instrument: InstrumentID, _ position: Int32, _ now: Timestamp
    ) -> Rejection? {
        let whole = accountLimits(account)
        if whole != none, accounts[account].risk != none,
            let retry = Shard.wait(limits[whole].maxCancelRate, until: risks[accounts[account].risk].arrivals.cancels, now)
        {
            return .limitCancelRate(scope(number, -1), limit: Int64(limits[whole].maxCancelRate), retry: retry)
        }
        let own = positions[position].limits
        if own != none, let retry = Shard.wait(limits[own].maxCancelRate, until: arrivals[own].cancels, now) {
            return .limitCancelRate(scope(number, instrument), limit: Int64(limits[own].maxCancelRate), retry: retry)
        }
        return nil
    }

    // MARK: Evolve

    /// Does a replace count? Less quantity and nothing else is no new order, be it asked for or what self-trade prevention takes away.
    @inline(__always)
    func counts(_ quantity: Quantity, _ price: Price, _ max: Amount, stop: Price, _ slot: Int32) -> Bool {
        let extra = orderRecords[slot].extra
        return quantity > orders[slot].quantity || price != orders[slot].price || stop != 0
            || max != (extra == none ? 0 : extras[extra].max)
    }

    /// NEW, CLS or RPL was accepted.
    @inline(__always)
    mutating func noteOrder(_ account: Int32, _ position: Int32, _ time: Timestamp) {
        if accounts[account].limits & positions[position].limits & defaultLimits != none { takeOrder(account, position, time) }
    }

    @inline(never)
    private mutating func takeOrder(_ account: Int32, _ position: Int32, _ time: Timestamp) {
        let whole = accountLimits(account)
        if whole != none, limits[whole].maxOrderRate != Limits.unlimited {
            let rate = limits[whole].maxOrderRate
            Shard.take(rate, &risks[makeRisk(account)].arrivals.orders, time)
        }
        let own = positions[position].limits
        if own != none { Shard.take(limits[own].maxOrderRate, &arrivals[own].orders, time) }
    }

    /// CXL was accepted.
    @inline(__always)
    mutating func noteCancel(_ position: Int32, _ time: Timestamp) {
        if limits.end == 0 { return }
        let account = positions[position].account
        if accounts[account].limits & positions[position].limits & defaultLimits != none { takeCancel(account, position, time) }
    }

    @inline(never)
    private mutating func takeCancel(_ account: Int32, _ position: Int32, _ time: Timestamp) {
        let whole = accountLimits(account)
        if whole != none, limits[whole].maxCancelRate != Limits.unlimited {
            let rate = limits[whole].maxCancelRate
            Shard.take(rate, &risks[makeRisk(account)].arrivals.cancels, time)
        }
        let own = positions[position].limits
        if own != none { Shard.take(limits[own].maxCancelRate, &arrivals[own].cancels, time) }
    }
}
