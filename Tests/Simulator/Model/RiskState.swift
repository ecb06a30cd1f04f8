import Core
import Twin

/// What a wallet knows of rates, losses by the day and dead-man timers, and what it was.
struct RiskState {
    /// Buckets; -1: the account's.
    var meters: [Pair: Versioned<TwinMeters>] = [:]
    /// Assets of which an account has lost too much.
    var latches: [AccountNumber: Versioned<Set<AssetID>>] = [:]
    /// 0: off.
    var deadlines: [AccountNumber: Versioned<Timestamp>] = [:]
    /// What all positions had won when the day of the last record began.
    var day = Versioned(DayState(day: .min))
    /// The same of one account, whose day was begun anew.
    var begun: [AccountNumber: Versioned<DayState>] = [:]

    struct DayState {
        var day: Int64
        var profits: [Pair: Amount] = [:]
    }

    func latched(_ account: AccountNumber, _ at: UInt64) -> Set<AssetID> { latches[account]?.at(at) ?? [] }
    func deadline(_ account: AccountNumber, _ at: UInt64) -> Timestamp { deadlines[account]?.at(at) ?? 0 }

    /// What the position had won when that day began, or the account's day, if that was later.
    func base(_ account: AccountNumber, _ instrument: InstrumentID, day: Int64, _ at: UInt64) -> Amount? {
        let key = Pair(account: account, other: instrument)
        if let own = begun[account]?.at(at), own.day >= day { return own.profits[key] ?? 0 }
        let all = self.day.at(at)
        return all.day >= day ? all.profits[key] ?? 0 : nil
    }

    mutating func shift(_ account: AccountNumber, _ instrument: InstrumentID, by amount: Amount, _ lsn: UInt64) {
        let key = Pair(account: account, other: instrument)
        var all = day.last
        all.profits[key, default: 0] += amount
        day.set(all, lsn)
        guard var own = begun[account]?.last else { return }
        own.profits[key, default: 0] += amount
        begun[account]!.set(own, lsn)
    }

    mutating func forget(before point: UInt64) {
        for key in meters.keys { meters[key]!.forget(before: point) }
        for key in latches.keys { latches[key]!.forget(before: point) }
        for key in deadlines.keys { deadlines[key]!.forget(before: point) }
        for key in begun.keys { begun[key]!.forget(before: point) }
        day.forget(before: point)
    }
}
