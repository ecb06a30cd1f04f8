import Core

/// Knows every answer that is allowed. Fed with what clients send and receive and with the records of the durable log, it says when a promise of
/// docs/PROTOCOL.md is broken: what was acknowledged is durable and was done once; what was done was asked for, or owed; what is told is so.
///
/// Order of effects is the log's. An answer is judged when the model has all that was durable when it came: what it rests on must be among that.
///
/// Refusals are justified by the model at some point between sending and answer; STORAGE_FULL, DRAINING, BUSY, LOG_GONE and TABLE_FULL only in that nothing
/// was done. Rows of STAT, SES and HELP are counted, not read.
package final class Auditor {
    package struct Counts: Sendable, CustomStringConvertible {
        package var sent = 0
        package var answers = 0
        package var done = 0
        package var repeats = 0
        package var rows = 0
        package var events = 0
        /// Lines of books and trades.
        package var market = 0
        package var records = 0
        package var crashes = 0
        package var checks = 0
        /// Of internal venues: matches, triggers and cancels by rule.
        package var matches = 0
        package var triggers = 0
        /// Accounts that have lost too much, and timers that have run out.
        package var latches = 0
        package var timers = 0
        package var byRule: [String: Int] = [:]
        /// Lines whose answer never came.
        package var lost = 0
        /// Waiting for records.
        package var unjudged = 0
        package var verbs: [String: Int] = [:]
        package var refusals: [String: Int] = [:]

        package var description: String {
            let list = { (counts: [String: Int]) in counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ") }
            return "sent \(sent), answered \(answers) (done \(done), repeats \(repeats)), lost \(lost), rows \(rows), events \(events), market data \(market), records \(records), "
                + "crashes \(crashes), checks \(checks), unjudged \(unjudged)\n  matches \(matches), triggers \(triggers), latches \(latches), timers run out \(timers), cancelled by rule: \(list(byRule))\n  verbs: \(list(verbs))\n  refusals: \(list(refusals))"
        }
    }

    package private(set) var failure: String?
    package internal(set) var counts = Counts()

    let model = Model()
    var connections: [ConnectionKey: ConnectionState] = [:]
    var causes: [String: [Sent]] = [:]
    /// Records that wait for the answer which tells of them.
    var open: [UInt64: OpenRecord] = [:]
    /// LSN of a credit -> LSN of the debit.
    var debitOf: [UInt64: UInt64] = [:]
    /// The runs of cancels that a CXA makes, by wallet.
    var runs: [WalletID: [CancelRun]] = [:]
    var sessionOwner: [UInt64: ConnectionKey] = [:]
    private var waiting: [Item] = []
    private var waitingHead = 0
    private var sentCount = 0
    private var seeds: [Sent] = []
    /// The highest LSN that anybody was told of, and by which line.
    private var told: (lsn: UInt64, line: String) = (0, "")
    /// Registry entries that somebody was told of.
    var toldNumber: Int64 = 0
    /// Where the log ended when the service started last.
    private(set) var lifeStart: UInt64 = 0
    private var recent: [String] = []

    struct OpenRecord {
        var effect: Effect
        var candidates: [Sent]
        /// The last record that came of the same command: the one its answer tells.
        var last: UInt64
    }
    /// Of commands with several records: the last of them -> the first.
    var firstOf: [UInt64: UInt64] = [:]
    /// The first record of the command that is being recorded, by wallet.
    private var running: [WalletID: UInt64] = [:]
    /// Wallets that cancel what a suspension makes them cancel.
    private var suspending: Set<WalletID> = []

    /// Cancels of a CXA -> the first of them in the same wallet.
    var runOf: [UInt64: UInt64] = [:]

    struct CancelRun {
        var sent: Sent
        var first: UInt64
        var remaining: [OrderID]
    }

    enum What {
        case answer(Sent, rows: [String])
        case event
        case market
        case heartbeat
        case unsubscribed
    }

    struct Item {
        var what: What
        var line: String
        var key: ConnectionKey
        var durable: UInt64
    }

    package init(universe: Universe) {
        for line in universe.seedLines {
            let seed = Sent(
                index: -1, client: -1, connection: ConnectionKey(client: -1, number: 0), line: "seed " + line, low: 0, lowNumber: 0)
            seeds.append(seed)
            for key in seed.causeKeys { causes[key, default: []].append(seed) }
        }
    }

    /// The first thing that is wrong stays; everything after it may follow from it.
    func fail(_ text: String) {
        if failure != nil { return }
        failure = text + "\nlast records and lines:\n  " + recent.suffix(24).joined(separator: "\n  ")
    }

    func note(_ text: @autoclosure () -> String) {
        recent.append(text())
        if recent.count > 256 { recent.removeFirst(128) }
    }

    // MARK: What clients do

    package func sent(_ line: String, client: Int, connection: Int) {
        let key = ConnectionKey(client: client, number: connection)
        if line.isEmpty || line == "\r" { return }
        retireSeeds()
        sentCount += 1
        counts.sent += 1
        let sent = Sent(index: sentCount, client: client, connection: key, line: line, low: model.lsn, lowNumber: toldNumber)
        note("\(client).\(connection) > \(line.prefix(200))")
        connections[key, default: ConnectionState()].queue.append(sent)
        for cause in sent.causeKeys { causes[cause, default: []].append(sent) }
        if sentCount % 1_024 == 0 { forget() }
    }

    /// The seed is done, whole, before anybody is heard.
    private func retireSeeds() {
        if seeds.isEmpty || model.lsn == 0 { return }
        for seed in seeds { seed.deadAfter = model.lsn }
        seeds = []
        toldNumber = model.names.count
    }

    package func received(_ line: String, client: Int, connection: Int, durable: UInt64) {
        let key = ConnectionKey(client: client, number: connection)
        note("\(client).\(connection) < \(line.prefix(240))")
        switch line.first {
        case "*": information(line, key, durable)
        case "!":
            counts.events += 1
            let isMarket = line.hasPrefix("! BOOK ") || line.hasPrefix("! MTRADE ")
            if isMarket { promise(line, durable) }
            wait(Item(what: isMarket ? .market : .event, line: line, key: key, durable: durable))
        case "=": row(line, key)
        case "+", "-": answer(line, key, durable)
        default: fail("client \(client) got a line that is none of the protocol's: \(line)")
        }
    }

    package func disconnected(client: Int, connection: Int) {
        let key = ConnectionKey(client: client, number: connection)
        guard var state = connections[key] else { return }
        while let sent = state.take() {
            sent.isAwaited = false
            counts.lost += 1
        }
        state.isOpen = false
        state.rows = []
        connections[key] = state
    }

    private func row(_ line: String, _ key: ConnectionKey) {
        counts.rows += 1
        guard let awaited = connections[key]?.awaited else { return fail("a row that belongs to no command: \(line)") }
        let tag = line.dropFirst().prefix { $0 != " " }
        if String(tag) != awaited.words.tag { return fail("a row of `\(awaited.line)` is expected, there came: \(line)") }
        connections[key]!.rows.append(line)
    }

    private func answer(_ line: String, _ key: ConnectionKey, _ durable: UInt64) {
        counts.answers += 1
        guard let sent = connections[key]?.take() else { return fail("an answer to nothing: \(line)") }
        let rows = connections[key]!.rows
        connections[key]!.rows = []
        let tag = String(line.dropFirst().prefix { $0 != " " })
        if tag != sent.words.tag ?? "?" { return fail("the answer to `\(sent.line.prefix(300))` is expected, there came: \(line)") }
        if !rows.isEmpty, line.first == "-" { return fail("`\(sent.line)` got rows and then: \(line)") }
        sent.isAwaited = false
        if line.first == "+" {
            counts.done += 1
            counts.verbs[sent.words.verb, default: 0] += 1
            if line.hasSuffix(" dup=1") { counts.repeats += 1 }
        } else {
            counts.refusals[code(line), default: 0] += 1
        }
        promise(line, durable)
        wait(Item(what: .answer(sent, rows: rows), line: line, key: key, durable: durable))
    }

    func code(_ line: String) -> String { line.split(separator: " ").dropFirst().first.map(String.init) ?? "" }

    private func information(_ line: String, _ key: ConnectionKey, _ durable: UInt64) {
        promise(line, durable)
        if line.hasPrefix("* HB ") { wait(Item(what: .heartbeat, line: line, key: key, durable: durable)) }
        if line.hasPrefix("* UNSUBSCRIBED") { wait(Item(what: .unsubscribed, line: line, key: key, durable: durable)) }
        if connections[key] == nil { connections[key] = ConnectionState() }
    }

    /// Whatever names an LSN says that the log is durable to there.
    private func promise(_ line: String, _ durable: UInt64) {
        guard let lsn = number("lsn", in: line) else { return }
        if lsn > durable { return fail("told LSN \(lsn), but only \(durable) is durable: \(line)") }
        if lsn > told.lsn { told = (lsn, line) }
    }

    func number(_ key: String, in line: String) -> UInt64? {
        for word in line.split(separator: " ") where word.hasPrefix(key + "=") { return UInt64(word.dropFirst(key.utf8.count + 1)) }
        return nil
    }

    // MARK: What the log says

    package func record(_ mutation: borrowing Mutation, shard: WalletID, time: Timestamp, session: UInt64, lsn: UInt64) {
        counts.records += 1
        let mutation = copy mutation
        note("LSN \(lsn) wallet \(shard) time \(time) session \(session): \(mutation)")
        if lsn <= model.lsn { return fail("LSN \(lsn) is there again, after \(model.lsn)") }
        switch mutation {
        case .matched: counts.matches += 1
        case .orderTriggered: counts.triggers += 1
        case .lossLatched(_, _, true): counts.latches += 1
        case .deadManSet where session == 0: counts.timers += 1
        case .orderCanceled(let canceled) where canceled.reason.isRule: counts.byRule[canceled.reason.word, default: 0] += 1
        default: break
        }
        let wasOwed = !model.wallet(shard).due.isEmpty
        model.owing = []
        let candidates = causes(of: mutation, shard: shard, time: time, session: session, lsn: lsn)
        do throws(Fault) {
            let effect = try model.apply(mutation, shard: shard, time: time, session: session, lsn: lsn)
            if case .transferReceived(let received) = mutation,
                let sent = model.outgoing(received.source, shard, received.sequence)
            {
                debitOf[lsn] = sent.lsn
                creditAnswers[lsn] = effect.answer
            }
            noteDefinition(mutation, shard, lsn)
            defer { follow(effect, wasOwed: wasOwed) }
            if !candidates.isEmpty {
                for sent in candidates { sent.explains.insert(lsn) }
                open[lsn] = OpenRecord(effect: effect, candidates: candidates, last: lsn)
            }
        } catch {
            return fail("LSN \(lsn) cannot be: \(error.text)\n  \(mutation)")
        }
        drain()
    }
    /// What a command has brought about is complete when nothing of it is owed any more: only then its answer is what it says.
    private func follow(_ effect: Effect, wasOwed: Bool) {
        let wallet = model.wallet(effect.shard)
        if !wasOwed { running[effect.shard] = wallet.due.isEmpty ? nil : effect.lsn }
        guard wasOwed, wallet.due.isEmpty else { return }
        suspending.remove(effect.shard)
        guard let first = running.removeValue(forKey: effect.shard), var record = open[first] else { return }
        record.last = effect.lsn
        firstOf[effect.lsn] = first
        switch record.effect.mutation {
        case .orderAccepted(let accepted): record.effect.answer = Telling(model: model, wallet: wallet).progress(accepted.id)
        case .orderReplaced(let replaced): record.effect.answer = Telling(model: model, wallet: wallet).progress(replaced.order)
        default: break
        }
        open[first] = record
    }
    var creditAnswers: [UInt64: String] = [:]
    /// Of a definition: orders cancelled with it in all wallets, and its last record.
    var definitionCancels: [Int64: Int] = [:]
    var definitionLast: [Int64: UInt64] = [:]

    private func noteDefinition(_ mutation: Mutation, _ shard: WalletID, _ lsn: UInt64) {
        switch mutation {
        case .defined(let number, _):
            // A wallet that came later begins with copies of what was before it.
            if !model.wallet(shard).due.isEmpty { suspending.insert(shard) }
            if shard == 0 || number >= model.names.since(wallet: shard) { definitionLast[number] = max(lsn, definitionLast[number] ?? 0) }
        case .orderCanceled(let canceled) where canceled.reason == .suspended || suspending.contains(shard):
            let number = model.wallet(shard).registryNumber.last
            definitionCancels[number, default: 0] += 1
            definitionLast[number] = lsn
        default: break
        }
    }

    package func recovered(lastLSN: UInt64) {
        counts.crashes += 1
        note("recovered up to LSN \(lastLSN)")
        if told.lsn > lastLSN {
            return fail("LSN \(told.lsn) was acknowledged and is lost: the log ends at \(lastLSN) after the crash\n  \(told.line)")
        }
        if model.lsn > lastLSN { return fail("LSN \(model.lsn) was durable and is lost: the log ends at \(lastLSN) after the crash") }
        lifeStart = lastLSN
        for key in connections.keys.sorted(by: { ($0.client, $0.number) < ($1.client, $1.number) }) {
            disconnected(client: key.client, connection: key.number)
        }
        // What was under way is over: it explains what is in the log, nothing that comes.
        for key in causes.keys {
            causes[key]!.removeAll(where: \.isAnswered)
            for sent in causes[key]! where sent.deadAfter == nil && sent.index >= 0 { sent.deadAfter = lastLSN }
            for seed in causes[key]! where seed.index < 0 && lastLSN > 0 { seed.deadAfter = lastLSN }
        }
        for wallet in runs.keys { endRun(wallet) }
        connections = connections.filter { $0.value.isOpen }
        drain()
    }

    // MARK: Judging in order

    private func wait(_ item: Item) {
        waiting.append(item)
        drain()
    }

    private func drain() {
        while waitingHead < waiting.count, waiting[waitingHead].durable <= model.lsn, failure == nil {
            let item = waiting[waitingHead]
            waitingHead += 1
            judge(item)
        }
        if waitingHead > 1_024 {
            waiting.removeFirst(waitingHead)
            waitingHead = 0
        }
        counts.unjudged = waiting.count - waitingHead
    }

    private func judge(_ item: Item) {
        switch item.what {
        case .answer(let sent, let rows): judge(sent, rows, item)
        case .event: judgeEvent(item)
        case .market: judgeMarket(item)
        case .heartbeat: judgeHeartbeat(item)
        case .unsubscribed: connections[item.key]?.subscription = nil
        }
    }

    /// Gives up what nobody can ask for any more.
    private func forget() {
        var low = model.lsn
        for state in connections.values {
            if let awaited = state.awaited { low = min(low, awaited.low) }
            // What comes of a book is after what came.
            if state.isOpen { for book in state.books.values { low = min(low, max(book.lsn, book.low)) } }
        }
        for item in waiting[waitingHead...] { if case .answer(let sent, _) = item.what { low = min(low, sent.low) } }
        model.forget(before: low)
        for key in causes.keys {
            causes[key]!.removeAll { $0.isAnswered || ($0.deadAfter ?? .max) < model.lsn }
            if causes[key]!.isEmpty { causes[key] = nil }
        }
        open = open.filter { entry in
            // Nobody will be told of it.
            entry.key > low || entry.value.candidates.contains { $0.isAwaited || !$0.isAnswered && $0.deadAfter == nil }
        }
        runOf = runOf.filter { open[$0.key] != nil }
        firstOf = firstOf.filter { open[$0.value] != nil }
        debitOf = debitOf.filter { $0.key > low || open[$0.value] != nil }
        creditAnswers = creditAnswers.filter { debitOf[$0.key] != nil }
    }
}
