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
        guard let full = fullBucket(.orders, account, instrument, position, now) else { return nil }
        return .limitOrderRate(scope(number, full.scope), limit: Int64(full.rate), retry: full.retry)
    }

    @inline(__always)
    func cancelRateRefusal(_ number: AccountNumber, _ account: Int32, _ instrument: InstrumentID, _ position: Int32, _ now: Timestamp) -> Rejection? {
        if accounts[account].limits & positions[position].limits & defaultLimits == none { return nil }
        guard let full = fullBucket(.cancels, account, instrument, position, now) else { return nil }
        return .limitCancelRate(scope(number, full.scope), limit: Int64(full.rate), retry: full.retry)
    }

    /// The account's bucket, or the one of account and instrument, that takes no more now. `scope`: the instrument it is of, -1: the account.
    @inline(never)
    private func fullBucket(
        _ bucket: Bucket, _ account: Int32, _ instrument: InstrumentID, _ position: Int32, _ now: Timestamp
    ) -> (scope: InstrumentID, rate: Int32, retry: Int64)? {
        let whole = accountLimits(account)
        if whole != none, accounts[account].risk != none,
            let retry = Shard.wait(limits[whole].rate(bucket), until: risks[accounts[account].risk].arrivals[bucket], now)
        {
            return (-1, limits[whole].rate(bucket), retry)
        }
        let own = position == none ? none : positions[position].limits
        if own != none, let retry = Shard.wait(limits[own].rate(bucket), until: arrivals[own][bucket], now) {
            return (instrument, limits[own].rate(bucket), retry)
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
        if accounts[account].limits & positions[position].limits & defaultLimits != none { take(.orders, account, position, time) }
    }

    /// CXL was accepted.
    @inline(__always)
    mutating func noteCancel(_ position: Int32, _ time: Timestamp) {
        if limits.end == 0 { return }
        let account = positions[position].account
        if accounts[account].limits & positions[position].limits & defaultLimits != none { take(.cancels, account, position, time) }
    }

    @inline(never)
    private mutating func take(_ bucket: Bucket, _ account: Int32, _ position: Int32, _ time: Timestamp) {
        let whole = accountLimits(account)
        if whole != none, limits[whole].rate(bucket) != Limits.unlimited {
            let rate = limits[whole].rate(bucket)
            Shard.take(rate, &risks[makeRisk(account)].arrivals[bucket], time)
        }
        let own = positions[position].limits
        if own != none { Shard.take(limits[own].rate(bucket), &arrivals[own][bucket], time) }
    }
}

/// What is counted by the second.
enum Bucket { case orders, cancels }

extension Limits {
    @inline(__always)
    fileprivate func rate(_ bucket: Bucket) -> Int32 { bucket == .orders ? maxOrderRate : maxCancelRate }
}

extension Arrivals {
    fileprivate subscript(bucket: Bucket) -> Int64 {
        @inline(__always) get { bucket == .orders ? orders : cancels }
        @inline(__always) set { if bucket == .orders { orders = newValue } else { cancels = newValue } }
    }
}
