import Core

// Latches, rates and dead-man timers: their causes, and the answers that depend on the time at which a command was decided.

extension Auditor {
    // MARK: Causes

    /// A latch that no trade has brought about: somebody's order was judged, be it refused.
    func checkLatch(_ account: AccountNumber, _ asset: AssetID, _ wallet: WalletState, _ lsn: UInt64) {
        for sent in causes["J/\(account)"] ?? [] where sent.mayCause(lsn) {
            guard case .shard(wallet.number, let command)? = sent.reading(model.names, at: wallet.registryNumber.last).ask else { continue }
            switch command {
            case .newOrder(let it): if model.names.instruments[Int(it.instrument)].quote == asset { return }
            case .replace(let it): if model.names.instruments[Int(it.instrument)].quote == asset { return }
            case .closePosition(let it): if model.names.instruments[Int(it.instrument)].quote == asset { return }
            default: break
            }
        }
        fail("LSN \(lsn): account \(account) is latched, and no order of it can have been judged")
    }

    /// The deadline is counted from when the line was read by its loop: of several loops that may be a while before the record, or a little after it.
    func timerCauses(_ account: AccountNumber, _ deadline: Timestamp, _ wallet: WalletState, _ time: Timestamp, _ lsn: UInt64) -> [Sent] {
        var found: [Sent] = []
        if wallet.risks.deadline(account, .max) != deadline {
            for sent in causes["T/\(account)"] ?? [] where sent.mayCause(lsn) {
                guard case .deadMan(account, let seconds)? = sent.reading(model.names, at: wallet.registryNumber.last).ask else { continue }
                let read = deadline - seconds * 1_000_000
                let isMeant = seconds == 0 ? deadline == 0 : read > time - 60_000_000 && read < time + 1_000_000
                let isLate = seconds != 0 && before(sent) != 0 && read > before(sent)
                if isMeant, !isLate { found.append(sent) }
            }
        }
        if found.isEmpty { fail("LSN \(lsn) has no cause: nobody asked for a timer of account \(account) up to \(deadline) at \(time)") }
        return found
    }

    // MARK: DMS

    /// Done in every wallet, with the same deadline.
    func judgeTimer(_ sent: Sent, _ rest: String, _ lsn: UInt64?, _ item: Item) -> Set<UInt64> {
        guard let lsn, case .deadMan(let account, _)? = sent.reading(model.names, at: names(at: item.durable)).ask else {
            mismatch(sent, item.line, "OK deadline=... lsn=...")
            return []
        }
        if !areTimers(of: account, sent, as: rest, item) { mismatch(sent, item.line, "the deadline that was set in every wallet") }
        // Of all that it may have set what its answer says.
        var mine: [Timestamp: Set<UInt64>] = [:]
        for other in sent.explains {
            guard case .deadManSet(_, let deadline)? = open[other]?.effect.mutation, rest == Auditor.text(deadline), other <= lsn else { continue }
            mine[deadline, default: []].insert(other)
        }
        guard let one = mine.first else {
            mismatch(sent, item.line, "no lsn=: it has set nothing")
            return []
        }
        // Which of several, all within a millisecond or all off, were its own stays open.
        let wallets = Set(one.value.map { open[$0]!.effect.shard })
        if mine.count == 1, wallets.count == one.value.count, one.value.allSatisfy({ open[$0]!.candidates.count == 1 }) {
            for lsn in one.value { own(open[lsn]!.effect.session, sent) }
            return one.value
        }
        for set in mine.values { sent.explains.subtract(set) }
        return []
    }

    private static func text(_ deadline: Timestamp) -> String { "OK deadline=" + (deadline == 0 ? "-" : "\(deadline / 1_000)") }

    /// Was it so in each wallet, at some time while the command was under way?
    func areTimers(of account: AccountNumber, _ sent: Sent, as rest: String, _ item: Item) -> Bool {
        let last = max(0, model.names.walletCount(at: sent.lowNumber) - 1)
        return (0...last).allSatisfy { number in
            let deadlines = model.wallet(WalletID(number)).risks.deadlines[account]?.values(sent.low, item.durable) ?? [0]
            return deadlines.contains { Auditor.text($0) == rest }
        }
    }

    // MARK: Refusals

    /// When a command can have been decided that was refused between a point of the log and the next one, which was at `until`, as far as it matters: at
    /// once, later with emptier buckets, or on the next day.
    func moments(_ command: Command, _ wallet: WalletState, _ at: UInt64, until: Timestamp) -> [Judge.Moment] {
        let account = account(of: command)
        let whole = wallet.limit(account, -1, at) ?? Limits()
        let isLatched = !wallet.risks.latched(account, at).isEmpty
        let hasRates = whole.hasRates || wallet.limits.contains { key, limits in
            key.account == account && key.other >= 0 && limits.at(at)?.hasRates ?? false
        }
        var all: [Judge.Moment] = [.exact]
        if hasRates { all.append(.later) }
        guard isLatched || whole.maxDailyLoss != Limits.none else { return all }
        if until == .max || model.day(of: until, wallet, at) > model.day(of: wallet.time.at(at), wallet, at) { all.append(.nextDay) }
        return all
    }

    /// A refusal for a rate as it must read when it was decided so late that `retry` ms were left; as it is where that cannot be.
    func asked(after retry: Int64, _ text: String, from time: Timestamp, until: Timestamp) -> String {
        guard text.hasPrefix("LIMIT_"), let most = number("retry", in: text).map({ Int64($0) }), retry > 0, retry <= most else { return text }
        let passed = max(0, most - 1 - retry) * 1_000
        return time + passed > until ? text : text.replacing(" retry=\(most) ", with: " retry=\(retry) ")
    }

    func anyValue(_ rest: String) -> String {
        rest.split(separator: " ").map { $0.hasPrefix("value=") ? "value=any" : String($0) }.joined(separator: " ")
    }

    // MARK: At a quiet moment

    func checkRisks(_ shard: borrowing Shard, _ account: AccountNumber, _ wallet: WalletState) {
        func differ(_ what: String, _ there: String, _ expected: String) {
            if there != expected { fail("wallet \(wallet.number): \(what) of \(account) is \(there), should be \(expected)") }
        }
        let limits = wallet.limit(account, -1, .max)
        differ("limits", "\(shard.limits(account: account, instrument: -1))", "\(limits ?? Limits())")
        differ("limits of its own", "\(shard.hasLimits(account: account, instrument: -1))", "\(wallet.ownLimit(account, -1, .max) != nil)")
        differ("timer", "\(shard.deadline(account: account))", "\(wallet.risks.deadline(account, .max))")
        var latched: [AssetID] = []
        shard.forEachLatch(account: account) { latched.append($0) }
        differ("latched assets", "\(latched)", "\(wallet.risks.latched(account, .max).sorted())")
        guard let limits, limits.maxDailyLoss != Limits.none else { return }
        let now = wallet.time.last
        for asset in model.names.assets.indices.map({ AssetID($0) }) {
            differ("loss of asset \(asset)", "\(shard.lossToday(account: account, asset: asset, now: now))", "\(model.loss(account, asset, wallet, .max, now))")
        }
    }
}

extension Limits {
    fileprivate var hasRates: Bool { maxOrderRate != Limits.unlimited || maxCancelRate != Limits.unlimited }
}
