import Core
import NIOCore
import WAL

// Stage 2 and 3 of a request's path: a line is parsed, checked against what the session may do, and handed to the shard it concerns: at once
// when that is on this loop, as a message when it is not.

/// A deposit whose account is being opened.
struct DepositUnderWay {
    var address: ReplyAddress
    var wallet: WalletID
    var command: Command
}

extension Connection {
    /// One line, without its end, not empty.
    func take(line: UnsafeRawBufferPointer) {
        loop.lines.parse(single: line, registry: loop.registry)
        take(parsed: 0, line)
    }

    /// A line that the loop has parsed. Taking it never parses another one.
    @inline(__always)
    func take(parsed index: Int, _ line: UnsafeRawBufferPointer) {
        output.noteCommand()
        loop.line = line
        loop.row = LoopMetrics.row(loop.lines[index].verb)
        act(on: &loop.lines[index], line)
        loop.line = nil
    }

    private func act(on parsed: inout ParsedLine, _ line: UnsafeRawBufferPointer) {
        if let refusal = refusal(of: parsed) { return answer(refusal: refusal, tag: parsed.tag) }
        // What is checked per line for everybody else costs an administrator nothing.
        let verdict = isUnrestricted ? .allowed : Permissions.check(parsed.requires, session.grant, loop.registry)
        if case .refused(let refusal) = verdict { return answer(refusal: refusal, tag: parsed.tag) }
        if parsed.orderCommand != .none { return act(onOrder: &parsed, verdict) }
        if let refusal = loop.formatRefusal(parsed.request) { return answer(refusal: refusal, tag: parsed.tag) }

        switch parsed.request {
        case .order: invariantFailure("an order's command that is none")
        case .shard(let wallet, let command):
            if !hasRoom(for: command, wallet: wallet) { return answer(refusal: .storageFull, tag: parsed.tag) }
            if parsed.opensAccount {
                if loop.storage != .ok { return answer(refusal: .storageFull, tag: parsed.tag) }
                if !isLate(parsed) { return openAccount(parsed.tag, wallet, command) }
            }
            if session.cancelOnDisconnect, case .closePosition(var close) = command {
                close.cancelOnDisconnect = session.number
                run(.closePosition(close), wallet: wallet, tag: parsed.tag)
            } else {
                run(command, wallet: wallet, tag: parsed.tag)
            }
        case .cancelAll(let wallet, let cancelAll):
            if loop.storage == .full { return answer(refusal: .storageFull, tag: parsed.tag) }
            if wallet >= 0 {
                run(.cancelAll(cancelAll), wallet: wallet, tag: parsed.tag)
            } else {
                cancelEverywhere(cancelAll, tag: parsed.tag)
            }
        case .deadMan(let account, let seconds):
            setDeadMan(account, seconds, parsed)
        case .define(let definition):
            define(definition, parsed)
        case .house(let status):
            defineHouse(status, parsed)
        case .query(let query):
            if isLate(parsed) { return answerLate(parsed) }
            self.query(query, tag: parsed.tag)
        case .session(let verb):
            if isLate(parsed) { return answerLate(parsed) }
            take(verb, tag: parsed.tag, line: line)
        case .refused(let refusal):
            if parsed.verb == nil, HTTPText.isRequest(line) { return end(reason: "http") }
            if HTTPText.isTLS(line) { return end(reason: "no_tls") }
            answer(refusal: refusal, tag: parsed.tag)
        }
    }

    /// NEW, RPL, CXL, FIL, where they lie.
    @inline(__always)
    private func act(onOrder parsed: inout ParsedLine, _ verdict: Permissions.Verdict) {
        if case .allowedWithinLimit = verdict { parsed.fill.withinLimit = true }
        if session.cancelOnDisconnect { parsed.order.cancelOnDisconnect = session.number }
        let wallet = parsed.wallet
        guard loop.storage == .ok, loop.hosts(wallet) else { return runElsewhere(parsed) }
        let recorded = loop.batch.recordCount
        let outcome: Outcome
        var about = AnswerWriter.About.nothing
        switch parsed.orderCommand {
        case .new:
            outcome = loop.execute(parsed.order, wallet: wallet, session: session.number)
            // These may look at all of a book and leave nothing in the batch, which ends a turn otherwise.
            if parsed.order.timeInForce == .fok || parsed.order.type == .market { noteLongTurn() }
        case .replace:
            outcome = loop.execute(parsed.replace, ahead: parsed.ahead, wallet: wallet, session: session.number)
            about = .order(parsed.replace.order)
        case .cancel:
            outcome = loop.execute(parsed.cancel, ahead: parsed.ahead, wallet: wallet, session: session.number)
            about = .order(parsed.cancel.order)
        case .fill:
            outcome = loop.execute(parsed.fill, ahead: parsed.ahead, wallet: wallet, session: session.number)
            about = .order(parsed.fill.order)
        case .none: invariantFailure("an order's command that is none")
        }
        answer(outcome, about: about, tag: parsed.tag, lsn: loop.batch.recordCount > recorded ? loop.lastLSN : 0)
    }

    private func noteLongTurn() {
        if monotonicNanoseconds() &- loop.turnBegan > Connection.longTurnNanoseconds { hasHadItsTurn = true }
    }
    private static let longTurnNanoseconds: UInt64 = 5_000_000

    /// On another loop, or on a disk that is nearly full.
    @inline(never)
    private func runElsewhere(_ parsed: borrowing ParsedLine) {
        guard let (wallet, command) = parsed.command else { invariantFailure("an order's command that is none") }
        if !hasRoom(for: command, wallet: wallet) { return answer(refusal: .storageFull, tag: parsed.tag) }
        run(command, wallet: wallet, tag: parsed.tag)
    }

    /// A line that is too long, or its begin.
    func refuseOverlong(_ line: UnsafeRawBufferPointer, max: Int) {
        if HTTPText.isRequestBegin(line) { return end(reason: "http") }
        loop.line = line
        answer(refusal: .lineTooLong(max: max), tag: LineParser.tag(of: line) ?? Text())
        loop.line = nil
    }

    /// What stands before the line's own content: the drain, AUTH, the token's end.
    private func refusal(of parsed: borrowing ParsedLine) -> Refusal? {
        if loop.isDraining { return .draining }
        if session.isAuthenticated, session.expires == 0 { return nil }
        guard let verb = parsed.verb else { return nil }
        if !session.isAuthenticated { return Permissions.isTakenBeforeAuth(verb) ? nil : .authRequired }
        if loop.now >= session.expires, !Permissions.isTakenInGrace(parsed) { return .tokenExpired(at: session.expires) }
        return nil
    }

    func isLate(_ parsed: borrowing ParsedLine) -> Bool { parsed.before != 0 && loop.now > parsed.before }

    func answerLate(_ parsed: borrowing ParsedLine) {
        answer(rejection: .tooLate(before: parsed.before, now: loop.now), tag: parsed.tag)
    }

    /// Whether the log has room for a command of a shard of this loop; another loop looks for itself.
    private func hasRoom(for command: borrowing Command, wallet: WalletID) -> Bool {
        if loop.storage == .ok { return true }
        guard loop.hosts(wallet) else { return true }
        return loop.hasRoom(for: command, wallet: wallet)
    }

    // MARK: Commands of one shard

    @inline(__always)
    private func run(_ command: borrowing Command, wallet: WalletID, tag: Text) {
        guard loop.hosts(wallet) else {
            let address = makeHole(tag)
            loop.send(.command(address, wallet, copy command, session: session.number), to: Loop.index(of: wallet, count: loop.count))
            return
        }
        let recorded = loop.batch.recordCount
        let outcome = loop.execute(command, wallet: wallet, session: session.number)
        if case .transferring(let target, let sequence, let asset, let available, let duplicate) = outcome {
            return transferring(
                command, wallet, target, sequence, asset: asset, available: available, duplicate: duplicate, tag: tag)
        }
        answer(outcome, about: AnswerWriter.About(command), tag: tag, lsn: loop.batch.recordCount > recorded ? loop.lastLSN : 0)
    }

    /// A transfer to another wallet. If the credit is recorded by now, or another loop's business, says how the answer comes.
    private func transferring(
        _ command: borrowing Command, _ source: WalletID, _ target: WalletID, _ sequence: Int64, asset: AssetID, available: Amount,
        duplicate: Bool, tag: Text
    ) {
        let lsn = loop.deliver(
            command, from: source, to: target, sequence: sequence, duplicate: duplicate, session: session.number
        ) {
            TransferWaiter(address: makeHole(tag), asset: asset, available: available, duplicate: duplicate)
        }
        // With the credit in this turn's batch the answer needs no hole.
        guard let lsn else { return loop.metrics.done(loop.row) }
        answer(
            .balance(available: available, asset: asset, duplicate: duplicate), about: .nothing, tag: tag, lsn: duplicate ? 0 : lsn)
    }

    // MARK: Several shards

    private func cancelEverywhere(_ cancelAll: CancelAll, tag: Text) {
        guard loop.count == 1 else {
            // What comes after it on this connection must not be cancelled by it: each loop, this one too, does its part in a later turn.
            let address = makeHole(tag)
            pause = .answer(ticket: address.ticket)
            return loop.startGathering(
                .cancelAll(cancelAll), address, wallets: 0...max(0, loop.walletCount - 1), session: session.number)
        }
        let recorded = loop.batch.recordCount
        var count: Int64 = 0
        for wallet in 0..<max(1, loop.walletCount) {
            switch loop.execute(.cancelAll(cancelAll), wallet: WalletID(wallet), session: session.number) {
            case .canceled(let some): count += some
            case .rejected(let rejection) where count == 0: return answer(rejection: rejection, tag: tag)
            default: break
            }
        }
        loop.metrics.done(loop.row)
        AnswerWriter.canceled(
            count, tag: tag, lsn: loop.batch.recordCount > recorded ? Int64(loop.lastLSN) : 0, into: &loop.scratch)
        scratchDependsOnState = true
    }

    private func query(_ query: Query, tag: Text) {
        let start = loop.scratch.count
        var rows = 0
        var rejection: Rejection?
        switch query.scope {
        case .registry:
            rejection = QueryWriter.check(query, registry: loop.registry)
            if rejection == nil {
                RegistryText.rows(query, loop.registry, session.grant.visible, tag, &rows, &loop.scratch)
            }
        case .shard(let wallet):
            if let refusal = QueryWriter.check(query, registry: loop.registry) { return answer(rejection: refusal, tag: tag) }
            guard loop.hosts(wallet) else {
                return gather(.query(query), tag: tag, wallets: Int(wallet)...Int(wallet))
            }
            rejection = QueryWriter.write(query, shard: loop.box(wallet).shard, now: loop.now, tag: tag, rows: &rows, into: &loop.scratch)
        case .allShards:
            if let refusal = QueryWriter.check(query, registry: loop.registry) { return answer(rejection: refusal, tag: tag) }
            guard loop.count == 1 || loop.walletCount == 0 else {
                return gather(.query(query), tag: tag, wallets: 0...(loop.walletCount - 1))
            }
            for wallet in 0..<loop.walletCount where rejection == nil {
                rejection = QueryWriter.write(query, shard: loop.box(WalletID(wallet)).shard, now: loop.now, tag: tag, rows: &rows, into: &loop.scratch)
            }
        }
        scratchDependsOnState = true
        if let rejection {
            loop.scratch.truncate(to: start)
            answer(rejection: rejection, about: AnswerWriter.About(query), tag: tag)
        } else {
            loop.metrics.done(loop.row)
            // All that the shard has recorded is in the rows; the newest of it may be in the batch that is open.
            let lsn = query.kind != .book ? 0 : loop.batch.recordCount > 0 ? loop.lastLSN : loop.log.sealedLSN
            AnswerWriter.end(rows: rows, tag: tag, lsn: Int64(lsn), into: &loop.scratch)
            if lsn != 0, loop.count > 1 {
                flushScratch()
                output.notePrediction(lsn: Int64(lsn))
            }
        }
        // It may have looked at every closed order, however few rows came of it.
        if query.kind == .orders, query.status != .open { hasHadItsTurn = true }
    }

    /// A query that other loops answer. One at a time: in the holes of thousands their rows would pile up.
    func gather(_ work: PartRequest.Work, tag: Text, wallets: ClosedRange<Int>, head: ByteBuffer = ByteBuffer()) {
        let address = makeHole(tag)
        pause = .answer(ticket: address.ticket)
        loop.startGathering(work, address, wallets: wallets, session: session.number, head: head)
    }

    // MARK: Definitions

    private func define(_ definition: Definition, _ parsed: borrowing ParsedLine) {
        // A repeat is answered as a repeat, even when it is late.
        if isLate(parsed), case .new = loop.registry.check(definition) { return answerLate(parsed) }
        let storage = loop.storage
        if storage != .ok {
            guard storage == .reserved, case .account = definition else { return answer(refusal: .storageFull, tag: parsed.tag) }
        }
        let address = makeHole(parsed.tag)
        pause = .answer(ticket: address.ticket)
        loop.send(
            .define(
                DefinitionRequest(
                    address: address, definition: definition, session: session.number, opensAccount: false, resumes: parsed.resumes,
                    named: parsed.named.bits)),
            to: 0)
    }

    /// `ACC * suspend`, `ACC * resume`.
    private func defineHouse(_ status: AccountStatus, _ parsed: borrowing ParsedLine) {
        if isLate(parsed), loop.registry.accounts.contains(where: { $0.status != status }) { return answerLate(parsed) }
        if loop.storage == .full { return answer(refusal: .storageFull, tag: parsed.tag) }
        let address = makeHole(parsed.tag)
        pause = .answer(ticket: address.ticket)
        loop.send(.defineHouse(address, status, session: session.number), to: 0)
    }

    /// DEP names an account that is not there: it is opened first.
    private func openAccount(_ tag: Text, _ wallet: WalletID, _ command: Command) {
        guard case .money(let money) = command else { invariantFailure("only a deposit opens an account") }
        let address = makeHole(tag)
        pause = .answer(ticket: address.ticket)
        deposit = DepositUnderWay(address: address, wallet: wallet, command: command)
        loop.send(
            .define(
                DefinitionRequest(
                    address: address, definition: .account(money.account, .open), session: session.number, opensAccount: true,
                    resumes: false, named: 0)),
            to: 0)
    }

    /// The account is there in all shards (or was refused): now the deposit.
    func accountOpened(ticket: UInt64, _ rejection: Rejection?) {
        guard let deposit, deposit.address.ticket == ticket else { invariantFailure("an account opened for no deposit") }
        self.deposit = nil
        if let rejection {
            loop.metrics.refused(LoopMetrics.row(.deposit), rejection.code)
            loop.answerLater(deposit.address, .rejected(rejection), lsn: 0)
        } else if loop.hosts(deposit.wallet) {
            // Refused for want of room now, it would have opened an account all the same.
            loop.executeRemote(deposit.address, deposit.wallet, deposit.command, session: session.number, isAdmitted: true)
        } else {
            loop.send(
                .admitted(deposit.address, deposit.wallet, deposit.command, session: session.number),
                to: Loop.index(of: deposit.wallet, count: loop.count))
        }
    }

    // MARK: Answers

    /// Leaves the place of an answer that comes later.
    func makeHole(_ tag: Text) -> ReplyAddress {
        flushScratch()
        let ticket = output.makeHole()
        if loop.audit != nil, let line = loop.line { heldLines.hold(line, ticket: ticket) }
        loop.touch(self)
        return ReplyAddress(loop: loop.index, connection: id, ticket: ticket, tag: tag)
    }

    /// An answer to a command that left a hole.
    func fill(_ ticket: UInt64, text: ByteBuffer, wait: Int64) {
        releaseLine(ticket, answer: text)
        output.fill(ticket, text: text, wait: wait)
        loop.touch(self)
        if case .answer(let expected)? = pause, expected == ticket { resume() }
        if output.holes == 0 { finishLeaving() }
    }

    @inline(__always)
    func answer(_ outcome: borrowing Outcome, about: AnswerWriter.About, tag: Text, lsn: UInt64) {
        let start = loop.scratch.count
        loop.metrics.count(loop.row, outcome)
        AnswerWriter.write(outcome, tag: tag, lsn: Int64(lsn), about: about, registry: loop.registry, into: &loop.scratch)
        scratchDependsOnState = true
        if case .rejected = copy outcome { noteRefusal(from: start) }
        // With other loops the LSN is a guess until the batch is sealed.
        if lsn != 0, loop.count > 1 {
            flushScratch()
            output.notePrediction(lsn: Int64(lsn))
        }
    }

    func answer(rejection: Rejection, about: AnswerWriter.About = .nothing, tag: Text) {
        let start = loop.scratch.count
        loop.metrics.refused(loop.row, rejection.code)
        AnswerWriter.write(rejection, tag: tag, about: about, registry: loop.registry, into: &loop.scratch)
        scratchDependsOnState = true
        noteRefusal(from: start)
    }

    /// A refusal of the edge rests on nothing a crash could undo.
    func answer(refusal: Refusal, tag: Text) {
        let start = loop.scratch.count
        loop.metrics.refused(loop.row, refusal.code)
        AnswerWriter.write(refusal, tag: tag, into: &loop.scratch)
        noteRefusal(from: start)
    }
}
