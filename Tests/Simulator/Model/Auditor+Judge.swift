import Core

// Answers, each against the model at the points of the log at which its command can have been decided.

extension Auditor {
    func judge(_ sent: Sent, _ rows: [String], _ item: Item) {
        let line = item.line
        var rest = Decimals.normal(String(line.dropFirst(2 + (sent.words.tag ?? "?").utf8.count)))
        var accounted: Set<UInt64> = []
        defer {
            sent.isAnswered = true
            settle(sent, accounted, line)
        }
        if line.first == "-" { return judgeRefusal(sent, rest, item) }

        let isRepeat = rest.hasSuffix(" dup=1")
        if isRepeat { rest.removeLast(6) }
        let lsn = number("lsn", in: line)
        // It stands last.
        if let lsn, rest.hasSuffix(" lsn=\(lsn)") { rest.removeLast(" lsn=\(lsn)".utf8.count) }
        let all = readings(sent, names(at: item.durable))
        guard let ask = all.lazy.compactMap(\.ask).first else {
            return fail("done, though it is wrong (\(all.last?.faults.sorted() ?? [])): `\(sent.line.prefix(300))` -> \(line)")
        }
        switch ask {
        case .query(let query):
            return judgeRows(sent, query, rows, rest, item)
        case .session(let verb):
            return judgeSession(sent, verb, rows, rest, item)
        default:
            if !rows.isEmpty { return fail("rows of a command: `\(sent.line)` -> \(rows[0])") }
        }
        if isRepeat { return judgeRepeat(sent, all, rest, item) }
        switch ask {
        case .shard(_, let command): accounted = judgeDone(sent, command, rest, lsn, item)
        case .cancelAll(let wallet, let all): accounted = judgeCancelAll(sent, wallet, all, rest, lsn, item)
        case .define, .change: accounted = judgeDefined(sent, rest, lsn, item)
        case .house(let status): accounted = judgeHouse(sent, status, rest, lsn, item)
        case .deadMan: accounted = judgeTimer(sent, rest, lsn, item)
        case .query, .session: break
        }
    }

    /// Entries of the registry at that point.
    func names(at lsn: UInt64) -> Int64 { model.wallets[0].registryNumber.at(lsn) }

    /// The line as it may have been read: before or after entries that came while it was under way.
    func readings(_ sent: Sent, _ high: Int64) -> [Reading] {
        let low = min(sent.lowNumber, high)
        return (max(low, high - 200)...high).reversed().map { sent.reading(model.names, at: $0) }
    }

    /// What the answer does not account for of what the command may have caused was caused by another one.
    private func settle(_ sent: Sent, _ accounted: Set<UInt64>, _ line: String) {
        for lsn in sent.explains.sorted() {
            if accounted.contains(lsn) {
                open[lsn] = nil
                continue
            }
            guard var record = open[lsn] else { continue }
            record.candidates.removeAll { $0 === sent }
            if record.candidates.isEmpty {
                fail("LSN \(lsn) has no cause any more: `\(sent.line)` was answered \(line)\n  \(record.effect.mutation)")
            }
            open[lsn] = record
        }
        sent.explains = []
    }

    func mismatch(_ sent: Sent, _ line: String, _ expected: String) {
        fail("`\(sent.line)` was answered\n  \(line)\n  and it should be\n  \(expected)")
    }

    // MARK: Done

    private func judgeDone(_ sent: Sent, _ command: Command, _ rest: String, _ lsn: UInt64?, _ item: Item) -> Set<UInt64> {
        guard let lsn else {
            mismatch(sent, item.line, "something with lsn=: it changed something")
            return []
        }
        let origin = debitOf[lsn] ?? firstOf[lsn] ?? lsn
        guard let record = open[origin], record.candidates.contains(where: { $0 === sent }) else {
            fail("LSN \(lsn) is no change that `\(sent.line)` has made and nobody was told of\n  \(item.line)")
            return []
        }
        // A transfer is answered when it is credited, with the LSN of the credit.
        if case .transferSent = record.effect.mutation, origin == lsn {
            fail("`\(sent.line)` was answered with the LSN of the debit: \(item.line)")
        }
        if debitOf[lsn] == nil, record.last != lsn { fail("LSN \(record.last) is the last change that came of it: \(item.line)") }
        let expected = debitOf[lsn] == nil ? record.effect.answer ?? "?" : creditAnswers[lsn] ?? "?"
        if Decimals.normal(expected) != rest { mismatch(sent, item.line, "\(expected) lsn=\(lsn)") }
        var state = connections[item.key] ?? ConnectionState()
        if let last = state.lastLSN[record.effect.shard], last >= origin {
            fail("LSN \(origin) of `\(sent.line)` is before LSN \(last) of a command sent before it on the same connection")
        }
        state.lastLSN[record.effect.shard] = origin
        if let end = state.endedBy, sent.low >= end {
            fail("the orders of a session were cancelled at LSN \(end) as if it had ended, and it was heard later: `\(sent.line)`")
        }
        if case .orderAccepted(let accepted) = record.effect.mutation, (accepted.cancelOnDisconnect != 0) != state.cancelsOnDisconnect {
            fail("`\(sent.line)`: the order is \(accepted.cancelOnDisconnect == 0 ? "not " : "")to be cancelled with the session")
        }
        connections[item.key] = state
        own(record.effect.session, sent)
        var accounted: Set<UInt64> = [origin]
        // A deposit may have opened its account.
        if case .money(let money) = command, money.kind == .deposit {
            for other in sent.explains { if case .defined? = open[other]?.effect.mutation { accounted.insert(other) } }
        }
        return accounted
    }

    func own(_ session: UInt64, _ sent: Sent) {
        if session == 0 { return fail("a record of `\(sent.line)` says no session") }
        if let owner = sessionOwner[session], owner != sent.connection {
            return fail("session \(session) is of \(owner) and of \(sent.connection)")
        }
        sessionOwner[session] = sent.connection
    }

    private func judgeCancelAll(
        _ sent: Sent, _ wallet: WalletID, _ all: CancelAll, _ rest: String, _ lsn: UInt64?, _ item: Item
    ) -> Set<UInt64> {
        guard rest.hasPrefix("OK canceled="), let count = number("canceled", in: item.line) else {
            mismatch(sent, item.line, "OK canceled=...")
            return []
        }
        if (count == 0) != (lsn == nil) { mismatch(sent, item.line, "lsn= where something was changed, and only there") }
        // It runs once in each wallet: at most one of the runs there that it may have been is its own.
        let may = sent.explains.filter { open[$0] != nil }
        let must = may.filter { open[$0]!.candidates.count == 1 }
        var runs: [WalletID: [UInt64: Set<UInt64>]] = [:]
        for lsn in may { runs[open[lsn]!.effect.shard, default: [:]][runOf[lsn] ?? lsn, default: []].insert(lsn) }
        var choices: [Set<UInt64>] = [[]]
        for wallet in runs.keys.sorted() {
            let some = runs[wallet]!.values.sorted { $0.min()! < $1.min()! }
            choices += choices.flatMap { choice in some.map { choice.union($0) } }.filter { $0.count <= count }
        }
        // With several loops the LSN may be that of a later record.
        let possible = choices.filter { $0.count == count && must.isSubset(of: $0) && $0.max() ?? 0 <= lsn ?? 0 }
        guard let first = possible.first else {
            mismatch(sent, item.line, "OK canceled= of runs of cancels that it may have made: \(runs.mapValues { $0.mapValues(\.count) })")
            return may
        }
        let certain = possible.reduce(first) { $0.intersection($1) }
        // Which of the others are its own stays open.
        sent.explains.subtract(possible.reduce(first) { $0.union($1) }.subtracting(certain))
        return certain
    }

    // MARK: Definitions

    /// How many orders a suspension has cancelled, in all wallets; and the LSN of its last record.
    private func extent(of number: Int64, _ definition: Definition) -> (canceled: Int, last: UInt64) {
        (definitionCancels[number] ?? 0, definitionLast[number] ?? 0)
    }

    private func judgeDefined(_ sent: Sent, _ rest: String, _ lsn: UInt64?, _ item: Item) -> Set<UInt64> {
        guard let lsn, let first = sent.explains.filter({ open[$0] != nil && $0 <= lsn }).sorted().last,
            case .defined(let number, let definition)? = open[first]?.effect.mutation
        else {
            fail("`\(sent.line)` was answered, but it has defined nothing: \(item.line)")
            return []
        }
        let (canceled, last) = extent(of: number, definition)
        var expected = "OK"
        if case .account(_, let status) = definition {
            expected += " status=\(status.word)"
            if status == .suspended { expected += " canceled=\(canceled)" }
        }
        if expected != rest { mismatch(sent, item.line, expected) }
        if lsn < last { mismatch(sent, item.line, "lsn= at least \(last): the last wallet's record of it") }
        for wallet in model.wallets where wallet.registryNumber.last < number && Int(wallet.number) < model.names.wallets.count {
            // One that was defined later gets the entries before it when it begins.
            if model.names.since(wallet: wallet.number) > number { continue }
            fail("`\(sent.line)` was answered before wallet \(wallet.number) had it durably: \(item.line)")
        }
        toldNumber = max(toldNumber, number)
        own(open[first]!.effect.session, sent)
        return [first]
    }

    private func judgeHouse(_ sent: Sent, _ status: AccountStatus, _ rest: String, _ lsn: UInt64?, _ item: Item) -> Set<UInt64> {
        let may = sent.explains.filter { open[$0] != nil }.sorted()
        guard let count = number(status == .suspended ? "suspended" : "resumed", in: item.line), lsn != nil, count > 0, count <= may.count else {
            mismatch(sent, item.line, "OK \(status == .suspended ? "suspended" : "resumed")=..., at most \(may.count), lsn=...")
            return []
        }
        var canceled = 0
        for lsn in may {
            if case .defined(let number, _)? = open[lsn]?.effect.mutation {
                canceled += definitionCancels[number] ?? 0
                toldNumber = max(toldNumber, number)
            }
        }
        if status == .suspended, count == may.count, number("canceled", in: item.line) != UInt64(canceled) {
            mismatch(sent, item.line, "canceled=\(canceled)")
        }
        return Set(may)
    }

    // MARK: Repeats

    private func judgeRepeat(_ sent: Sent, _ all: [Reading], _ rest: String, _ item: Item) {
        var seen: Set<String> = []
        for reading in all {
            guard let ask = reading.ask else { continue }
            switch ask {
            case .shard(let number, let command):
                let wallet = model.wallet(number)
                for point in points(command, wallet, sent.low, item.durable) {
                    let judge = Judge(model: model, wallet: wallet, at: point, now: wallet.time.at(point))
                    guard case .repeated(let text) = judge.decide(command) else { continue }
                    if Decimals.normal(text) == rest {
                        if case .transfer(let transfer) = command { checkCredited(sent, transfer, wallet, item) }
                        return
                    }
                    seen.insert(text)
                }
            case .define, .change:
                let judge = Judge(model: model, wallet: model.wallets[0], now: model.wallets[0].time.at(item.durable))
                if case .repeated(let text) = judge.decide(definition(ask, reading.number)!, before: 0, at: reading.number) {
                    if text == rest { return }
                    seen.insert(text)
                }
                // It was read before entries after which it is so.
                for later in reading.number...names(at: item.durable) {
                    if case .repeated(let text) = judge.decide(definition(ask, later)!, before: 0, at: later), text == rest { return }
                }
            case .house(let status):
                let expected = status == .suspended ? "OK suspended=0 canceled=0" : "OK resumed=0"
                let names = model.names
                if rest == expected, names.accounts(at: reading.number).allSatisfy({ names.status($0, at: reading.number) == status }) { return }
                seen.insert(expected)
            case .deadMan(let account, _):
                if areTimers(of: account, sent, as: rest, item) { return }
                seen.insert("OK deadline=... as in all wallets")
            case .cancelAll, .query, .session: break
            }
        }
        mismatch(sent, item.line, seen.isEmpty ? "no repeat: it was not done before" : seen.sorted().joined(separator: "\n  or "))
    }

    private func definition(_ ask: Ask, _ number: Int64) -> Definition? {
        switch ask {
        case .define(let definition): definition
        case .change(let id, let change): .changeInstrument(id, change.applied(to: model.names.terms(id, at: number)))
        default: nil
        }
    }

    /// A repeat of a transfer waits until it is credited.
    private func checkCredited(_ sent: Sent, _ transfer: Transfer, _ wallet: WalletState, _ item: Item) {
        guard case .reference(_, _, let target, let sequence)? = wallet.holder(transfer.account, transfer.reference, item.durable), sequence > 0 else {
            return
        }
        if (model.wallet(target).received[wallet.number] ?? 0) < sequence {
            fail("`\(sent.line)` was answered before it was credited: \(item.line)")
        }
    }

    /// Where a command can have been decided. On an internal venue everybody's orders bear on it.
    private func points(_ command: Command, _ wallet: WalletState, _ low: UInt64, _ high: UInt64) -> [UInt64] {
        var instrument: InstrumentID = -1
        switch command {
        case .newOrder(let it): instrument = it.instrument
        case .replace(let it): instrument = it.instrument
        case .cancel(let it): instrument = it.instrument
        case .closePosition(let it): instrument = it.instrument
        default: break
        }
        if instrument >= 0, model.names.isInternal(instrument) { return wallet.restPoints(low, high) }
        return wallet.points(account(of: command), low, high)
    }

    /// Whose state a command depends on.
    func account(of command: Command) -> AccountNumber {
        switch command {
        case .newOrder(let it): it.account
        case .replace(let it): it.account
        case .cancel(let it): it.account
        case .cancelAll(let it): it.account
        case .fill(let it): it.account
        case .closePosition(let it): it.account
        case .money(let it): it.account
        case .takeOver(let it): it.account
        case .transfer(let it): it.account
        case .setLimits(let it): it.account
        case .deadMan(let it): it.account
        case .setMark, .define: 0
        }
    }

    // MARK: Refusals

    static let unexplained: Set = ["STORAGE_FULL", "DRAINING", "BUSY", "LOG_GONE", "TABLE_FULL"]

    private func judgeRefusal(_ sent: Sent, _ rest: String, _ item: Item) {
        let code = String(rest.prefix { $0 != " " })
        if Auditor.unexplained.contains(code) { return }
        // The time it was decided at, as far as it is told.
        let told = number("now", in: item.line).map { Int64($0) * 1_000 + 999 }
        var reasons: Set<String> = []
        for reading in readings(sent, names(at: item.durable)) {
            if reading.faults.contains(code) { return }
            reasons.formUnion(reading.faults)
            guard let ask = reading.ask else { continue }
            for (text, wallet) in refusals(sent, ask, reading.number, told, item) {
                if Decimals.normal(text) == (text.contains(" value=any ") ? anyValue(rest) : rest) {
                    if let told, told / 1_000 < wallet.time.at(sent.low) / 1_000 { fail("the time goes back: \(item.line)") }
                    return
                }
                reasons.insert(text)
            }
        }
        let expected = reasons.isEmpty ? "done: nothing speaks against it" : reasons.sorted().joined(separator: "\n  or ")
        mismatch(sent, item.line, expected)
    }

    /// All that speaks against it, at any point at which it can have been decided.
    private func refusals(_ sent: Sent, _ ask: Ask, _ number: Int64, _ told: Timestamp?, _ item: Item) -> [(String, WalletState)] {
        let first = model.wallets[0]
        let late = before(sent)
        func tooLate() -> [(String, WalletState)] {
            late != 0 && (told ?? 0) > late ? [("TOO_LATE before=\(late / 1_000) now=\(told! / 1_000)", first)] : []
        }
        func unknown(_ account: AccountNumber) -> [(String, WalletState)] {
            account != 0 && model.names.status(account, at: number) == nil ? [("UNKNOWN_ACCOUNT account=\(account)", first)] : []
        }
        switch ask {
        case .shard(let number, let command):
            let wallet = model.wallet(number)
            var all: [(String, WalletState)] = []
            let retry = self.number("retry", in: item.line).map { Int64($0) }
            var until = Timestamp.max
            for point in points(command, wallet, sent.low, item.durable) {
                defer { until = wallet.time.at(point) }
                for moment in moments(command, wallet, point, until: until) {
                    let judge = Judge(model: model, wallet: wallet, at: point, now: told ?? wallet.time.at(point), moment: moment)
                    guard case .refuse(let texts) = judge.decide(command) else { continue }
                    all += texts.map { (retry == nil ? $0 : asked(after: retry!, $0, from: wallet.time.at(point), until: until), wallet) }
                }
            }
            return all
        case .cancelAll(_, let all): return tooLate() + unknown(all.account)
        case .house: return tooLate()
        case .deadMan(let account, _): return tooLate() + unknown(account)
        case .define, .change:
            let judge = Judge(model: model, wallet: first, now: told ?? first.time.at(item.durable))
            let verdict = judge.decide(definition(ask, number)!, before: told == nil ? 0 : late, at: number)
            if case .refuse(let texts) = verdict { return texts.map { ($0, first) } }
            return []
        case .query(let query):
            return tooLate() + unknown(query.account) + unknown(query.kind == .accounts ? query.after : 0) + unknownOrder(sent, query, item)
        case .session(let verb):
            var all = tooLate()
            switch verb {
            case .subscribeMarket(let request):
                let state = connections[item.key]
                if state?.books[request.book] != nil || state?.trades[request.trades] != nil { all.append(("ALREADY_SUBSCRIBED", first)) }
            case .unsubscribeMarket(let request):
                let state = connections[item.key]
                if request.book >= 0 && state?.books[request.book] == nil || request.trades >= 0 && state?.trades[request.trades] == nil {
                    all.append(("NOT_SUBSCRIBED", first))
                }
            case .subscribe(let request):
                if connections[item.key]?.subscription != nil { all.append(("ALREADY_SUBSCRIBED", first)) }
                if let from = request.from, from > sent.low {
                    all.append(("BAD_VALUE argument=from value=\(from) expected=a_durable_LSN", first))
                }
            case .unsubscribe:
                if connections[item.key]?.subscription == nil, connections[item.key]?.hasMarkets != true { all.append(("NOT_SUBSCRIBED", first)) }
            case .authenticate:
                all.append(("BAD_TOKEN reason=session_ended", first))
            default: break
            }
            return all
        }
    }

    private func unknownOrder(_ sent: Sent, _ query: Query, _ item: Item) -> [(String, WalletState)] {
        guard let reference = query.order, query.wallet >= 0 else { return [] }
        let wallet = model.wallet(query.wallet)
        let isUnknown = wallet.points(query.account, sent.low, item.durable).contains {
            wallet.order(reference, query.account, query.instrument, $0) == nil
        }
        guard isUnknown else { return [] }
        return switch reference {
        case .order(let id): [("UNKNOWN_ORDER order=\(id)", wallet)]
        case .client(let id): [("UNKNOWN_ORDER id=\(id.plain)", wallet)]
        }
    }
}
