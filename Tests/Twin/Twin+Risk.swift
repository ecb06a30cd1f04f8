import Core

/// A bucket that drains with time: one accepted command puts 1/rate of a second into it, rounded up to a nanosecond.
package struct TwinMeter: Equatable, Sendable {
    private var level: Int64 = 0
    private var at: Timestamp = 0
    package init() {}

    private static func step(_ rate: Int32) -> Int64 { (1_000_000_000 + Int64(rate) - 1) / Int64(rate) }
    private func level(_ now: Timestamp) -> Int64 { max(0, level - (now - at) * 1_000) }

    /// Microseconds until one more would be taken; `nil`: it is now.
    package func wait(_ rate: Int32, _ now: Timestamp) -> Int64? {
        if rate == Limits.unlimited { return nil }
        let above = level(now) - TwinMeter.step(rate) * Int64(rate - 1)
        return above <= 0 ? nil : (above + 999) / 1_000
    }

    package mutating func take(_ rate: Int32, _ now: Timestamp) {
        if rate != Limits.unlimited { (level, at) = (level(now) + TwinMeter.step(rate), now) }
    }
}

package struct TwinMeters: Equatable, Sendable {
    package var orders = TwinMeter()
    package var cancels = TwinMeter()
    package init() {}
}

/// What risk control is asked.
package struct TwinAsk {
    var account: TwinAccount
    var market: TwinMarket
    var side: Side
    var quantity: Quantity
    /// On top of what is open.
    var added: Quantity
    /// 0: it has none, or the one it had.
    var price: Price
    var stop: Price
    var notional: Amount
    var opens: Bool
    /// It asks for more than there is.
    var isDearer: Bool
    /// For the order rate.
    var counts: Bool
    var isReduceOnly: Bool
    /// The first leg of the pair that it completes.
    var leg: TwinOrder?
}

// Limits: docs/PROTOCOL.md, section 8.
extension Twin {
    /// What holds for the account in this wallet.
    package func limits(of account: TwinAccount) -> Limits? { account.limits ?? defaultLimits }

    package func riskRefusal(_ ask: TwinAsk) -> Rejection? {
        let (account, market) = (ask.account, ask.market)
        let here = account.open.filter { $0.market === market }
        let listed = here.filter { $0.side == ask.side }.reduce(Int128(0)) { $0 + Int128($1.leaves) } + Int128(ask.added)
        if listed > Int128(Quantity.max) { return .overflow(.position) }
        // Of a pair one leg trades, and reduce-only orders no more than the position.
        func addsNothing(_ isReduceOnly: Bool, _ first: TwinOrder?) -> Bool { first.map { isReduceOnly || !$0.new.instructions.reduceOnly } ?? false }
        let asks = here.filter { $0.side == ask.side }.map { ($0.leaves, $0.new.instructions.reduceOnly, $0.isSecond ? $0.leg : nil) }
            + [(ask.added, ask.isReduceOnly, ask.leg)]
        let counted = asks.filter { !addsNothing($0.1, $0.2) }
        func sum(_ isReduceOnly: Bool) -> Int128 { counted.filter { $0.1 == isReduceOnly }.reduce(Int128(0)) { $0 + Int128($1.0) } }
        let held = Int128(account.positions[market.id]?.quantity ?? 0)
        let open = sum(false) + min(sum(true), max(0, ask.side == .sell ? held : -held))
        let addsNothing = addsNothing(ask.isReduceOnly, ask.leg)
        let quote = market.info.quote
        let (whole, own) = (limits(of: account), account.positions[market.id]?.limits)
        let most = whole?.maxDailyLoss ?? Limits.none
        // Whether it is refused or not.
        if !account.latched.contains(quote), let lost = account.losses[quote], lost > most {
            record(.lossLatched(account: account.number, asset: quote, on: true))
            account.latched.insert(quote)
        }
        func scope(_ instrument: InstrumentID) -> LimitScope { LimitScope(account: account.number, instrument: instrument, wallet: wallet) }
        if let whole, let refused = refusal(ask, whole, scope(-1), addsNothing ? nil : open, account.open.count) { return refused }
        if ask.isDearer, whole?.listedOnly ?? false, own == nil { return .limitNotListed(scope(-1), market.id) }
        if let own, let refused = refusal(ask, own, scope(market.id), addsNothing ? nil : open, here.count) { return refused }
        if ask.isDearer, account.latched.contains(quote), !takesRiskOff(ask, open) {
            return .limitDailyLoss(scope(-1), quote, limit: most, value: account.losses[quote] ?? 0)
        }
        if ask.counts, let full = fullMeter(\.orders, account, market) {
            return .limitOrderRate(full.scope, limit: full.limit, retry: full.retry)
        }
        return nil
    }

    /// `open`: what may trade on that side; `nil`: as before.
    private func refusal(_ ask: TwinAsk, _ limits: Limits, _ scope: LimitScope, _ open: Int128?, _ count: Int) -> Rejection? {
        let market = ask.market
        if ask.price != 0, limits.priceBand != Limits.unlimited {
            guard let seen = market.mark ?? market.last else { return .noMark(market.id) }
            let reference = ask.stop != 0 ? ask.stop : seen
            let parts = Int128(abs(ask.price - reference)) * 10_000
            let value = (parts + Int128(reference) - 1) / Int128(reference)
            if value > Int128(limits.priceBand) {
                return .limitPriceBand(scope, market.id, limit: Int64(limits.priceBand), value: Int64(clamping: value), reference: reference)
            }
        }
        if !ask.isDearer { return nil }
        if !limits.enabled { return .limitDisabled(scope) }
        let size = Int128(ask.quantity) * market.quantityUnit
        if size > limits.maxQuantity { return .limitQuantity(scope, limit: limits.maxQuantity, value: size) }
        if limits.maxNotional != Limits.none {
            if ask.notional == 0 { return .noMark(market.id) }
            if ask.notional > limits.maxNotional {
                return .limitNotional(scope, quote: market.info.quote, limit: limits.maxNotional, value: ask.notional)
            }
        }
        if ask.opens, Int64(count) + 1 > limits.maxOpenOrders {
            return .limitOpenOrders(scope, limit: limits.maxOpenOrders, value: Int64(count) + 1)
        }
        guard ask.added > 0, let open else { return nil }
        let held = Int128(ask.account.positions[market.id]?.quantity ?? 0)
        let worst = (ask.side == .buy ? open + held : open - held) * market.quantityUnit
        if limits.maxPosition != Limits.none, worst > limits.maxPosition {
            return .limitPosition(scope, limit: limits.maxPosition, value: worst)
        }
        return !limits.mayShort && ask.side == .sell && worst > 0 ? .limitShort(scope, market.id, value: -worst) : nil
    }

    /// Against the position, and no more than it with all that is open on that side.
    private func takesRiskOff(_ ask: TwinAsk, _ open: Int128) -> Bool {
        let held = ask.account.positions[ask.market.id]?.quantity ?? 0
        if held == 0 || (held > 0) != (ask.side == .sell) { return false }
        return open <= Int128(abs(held))
    }

    // MARK: Rates

    /// The account's bucket, or its bucket on the instrument, that takes no more now.
    func fullMeter(
        _ which: KeyPath<TwinMeters, TwinMeter>, _ account: TwinAccount, _ market: TwinMarket
    ) -> (scope: LimitScope, limit: Int64, retry: Int64)? {
        for (limits, meters, instrument) in [
            (limits(of: account), account.meters, -1), (account.positions[market.id]?.limits, account.positions[market.id]?.meters ?? TwinMeters(), market.id),
        ] {
            guard let rate = limits?.rate(which), let wait = meters[keyPath: which].wait(rate, now) else { continue }
            return (LimitScope(account: account.number, instrument: instrument, wallet: wallet), Int64(rate), wait)
        }
        return nil
    }

    /// It was accepted.
    func count(_ which: WritableKeyPath<TwinMeters, TwinMeter>, _ account: TwinAccount, _ market: TwinMarket) {
        if let rate = limits(of: account)?.rate(which) { account.meters[keyPath: which].take(rate, now) }
        if let rate = account.positions[market.id]?.limits?.rate(which) {
            account.positions[market.id]!.meters[keyPath: which].take(rate, now)
        }
    }

    // MARK: LIM

    package func decide(_ set: SetLimits) -> Answer {
        let account = account(set.account)
        if account == nil, set.account != 0 { return .rejected(.unknownAccount(set.account)) }
        if set.instrument >= 0, market(set.instrument) == nil { return .rejected(.unknownInstrument(set.instrument)) }
        let change = set.change
        if change.maxQuantity ?? 0 < 0 || change.maxNotional ?? 0 < 0 || change.maxPosition ?? 0 < 0 || change.maxOpenOrders ?? 0 < 0 {
            return .rejected(.badValue(.value))
        }
        for rate in [change.makerFee, change.takerFee] {
            if let rate, rate != Limits.noRate, !FeeRates.allowed.contains(rate) { return .rejected(.badValue(.value)) }
        }
        let old = (set.instrument >= 0 ? account?.positions[set.instrument]?.limits : account.map { limits(of: $0) } ?? defaultLimits) ?? Limits()
        let new = old.changed(by: change)
        if new == old { return .done(duplicate: true) }
        if let late = tooLate(set.before) { return .rejected(late) }
        record(.limitsSet(account: set.account, instrument: set.instrument, new))
        if let account, set.instrument >= 0 {
            account.positions[set.instrument, default: TwinPosition()].limits = new
        } else if let account {
            account.limits = new
        } else {
            defaultLimits = new
        }
        return .done(duplicate: false)
    }
}

extension Limits {
    package func rate(_ which: KeyPath<TwinMeters, TwinMeter>) -> Int32 { which == \TwinMeters.orders ? maxOrderRate : maxCancelRate }
}
