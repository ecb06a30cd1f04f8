import Core
import Server
import SimulatorModel

/// A service without threads, sockets and disk, for the auditor's own tests: parser, shards and writers as they are, one command at a time, every record durable at
/// once. What is between sending, deciding and reading is chance.
final class DirectWorld {
    final class Box {
        let number: WalletID
        var shard: Shard
        init(_ number: WalletID) {
            self.number = number
            shard = Shard(number: number)
        }
    }

    final class Link {
        let trader: Trader
        var connection = 0
        var isUp = false
        var requests: [String] = []
        var answers: [String] = []
        var session: UInt64 = 0
        var cancelsOnDisconnect = false
        var filter: EventFilter?
        init(_ trader: Trader) { self.trader = trader }
    }

    let auditor: Auditor
    var random: Randomness
    var boxes = [Box(0)]
    var links: [Link] = []
    var lsn: UInt64 = 0
    var now: Timestamp = 1_700_000_000_000_000
    private var epoch: UInt64 = 1
    private var sessions: UInt64 = 0
    private var connections = 0
    /// Changes an answer on its way; for tests that want to see red.
    var spoil: (String) -> String? = { $0 }
    /// Changes what the auditor is told of the log.
    var record: ((Mutation) -> Mutation?)?

    init(seed: UInt64, wallets: Int, traders: [Trader.Kind]) {
        random = Randomness(seed: seed)
        let universe = Universe(random: &random, wallets: wallets)
        auditor = Auditor(universe: universe)
        for (index, kind) in traders.enumerated() {
            links.append(Link(Trader(id: index, kind: kind, universe: universe, random: random.split())))
        }
        for line in universe.seedLines { perform("seed " + line, nil) }
    }

    // MARK: Running

    func run(steps: Int) {
        for _ in 0..<steps where auditor.failure == nil { step() }
    }

    /// Nothing is under way.
    func settle() {
        for link in links where link.isUp {
            while !link.requests.isEmpty { serve(link) }
            while !link.answers.isEmpty { deliver(link) }
        }
        for box in boxes { settleTransfers(box) }
        expire()
    }

    func check() {
        settle()
        for box in boxes where auditor.failure == nil { auditor.check(box.shard, at: lsn) }
    }

    private func step() {
        now += Int64(random.next(below: 20_000))
        if random.chance(0.0005) { now += Int64(random.next(in: 1...7_200)) * 1_000_000 }
        let link = links[random.next(below: links.count)]
        if !link.isUp { return connect(link) }
        switch random.next(below: 1_000) {
        case 0: hangUp(link)
        case 1..<300: if let line = link.trader.nextLine(now: now) { send(line, link) }
        case 300..<640: serve(link)
        case 640..<980: for _ in 0..<3 { deliver(link) }
        case 980..<990: expire()
        default: settleTransfers(boxes[random.next(below: boxes.count)])
        }
    }

    private func connect(_ link: Link) {
        connections += 1
        sessions += 1
        link.connection = connections
        link.session = epoch << 32 | sessions
        link.isUp = true
        link.cancelsOnDisconnect = false
        link.filter = nil
        link.trader.connected()
    }

    func send(_ line: String, _ link: Link) {
        auditor.sent(line, client: link.trader.id, connection: link.connection)
        link.requests.append(line)
    }

    private func hangUp(_ link: Link) {
        // Of what is on its way some still arrives.
        while !link.requests.isEmpty, random.chance(0.5) { serve(link) }
        drop(link)
        guard link.cancelsOnDisconnect else { return }
        for box in boxes {
            _ = box.shard.execute(.cancelAll(CancelAll(account: 0, reason: .disconnect, session: link.session)), now: now) {
                append($0, box, link.session)
            }
        }
    }

    private func drop(_ link: Link) {
        link.isUp = false
        link.requests = []
        link.answers = []
        auditor.disconnected(client: link.trader.id, connection: link.connection)
        link.trader.disconnected()
    }

    func crash() {
        auditor.recovered(lastLSN: lsn)
        for link in links where link.isUp { drop(link) }
        epoch += 1
        for box in boxes { settleTransfers(box) }
        for box in boxes { _ = box.shard.cancelDisconnected(before: UInt32(epoch), now: now) { append($0, box, 0) } }
    }

    private func deliver(_ link: Link) {
        guard !link.answers.isEmpty else { return }
        guard let line = spoil(link.answers.removeFirst()) else { return }
        auditor.received(line, client: link.trader.id, connection: link.connection, durable: lsn)
        link.trader.received(line)
    }

    // MARK: Serving

    private func serve(_ link: Link) {
        guard !link.requests.isEmpty else { return }
        let line = link.requests.removeFirst()
        if line.isEmpty || line == "\r" { return }
        perform(line.hasSuffix("\r") ? String(line.dropLast()) : line, link)
    }

    private func append(_ mutation: borrowing Mutation, _ box: Box, _ session: UInt64) {
        var mutation = copy mutation
        if let record {
            guard let other = record(mutation) else { return }
            mutation = other
        }
        lsn += 1
        auditor.record(mutation, shard: box.number, time: now, session: session, lsn: lsn)
    }

    /// Answers of one line. (Events are written by the subscribers' own replay in the service; here only answers are told.)
    private func perform(_ line: String, _ link: Link?) {
        var out = OutputBuffer()
        var parsed = ParsedLine()
        var copy = line
        let lineMax = copy.withUTF8 { LineParser.maxLength(UnsafeRawBufferPointer($0)) }
        if line.utf8.count > lineMax {
            let tag = copy.withUTF8 { LineParser.tag(of: UnsafeRawBufferPointer($0)) } ?? Text()
            AnswerWriter.write(.lineTooLong(max: lineMax), tag: tag, into: &out)
        } else {
            copy.withUTF8 { LineParser.parse(UnsafeRawBufferPointer($0), registry: boxes[0].shard.registry, into: &parsed) }
            answer(&parsed, link, &out)
        }
        guard let link else { return }
        let text = out.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        link.answers += text.split(separator: "\n").map(String.init)
    }

    private func answer(_ parsed: inout ParsedLine, _ link: Link?, _ out: inout OutputBuffer) {
        let session = link?.session ?? 0
        let tag = parsed.tag
        if let (wallet, command) = parsed.command {
            if parsed.opensAccount, parsed.before == 0 || now <= parsed.before, case .money(let money) = command {
                _ = define(.account(money.account, .open), session)
            }
            return execute(command, wallet, tag, link, session, &out)
        }
        switch parsed.request {
        case .refused(let refusal): AnswerWriter.write(refusal, tag: tag, into: &out)
        case .define(let definition):
            if parsed.before != 0, now > parsed.before, case .new = boxes[0].shard.registry.check(definition) {
                return refuse(.tooLate(before: parsed.before, now: now), tag, &out)
            }
            let before = lsn
            let outcome = define(definition, session)
            AnswerWriter.write(
                outcome, tag: tag, lsn: lsn > before ? Int64(lsn) : 0, about: AnswerWriter.About(.define(definition)),
                registry: boxes[0].shard.registry, into: &out)
        case .house(let status):
            if parsed.before != 0, now > parsed.before { return refuse(.tooLate(before: parsed.before, now: now), tag, &out) }
            var (accounts, canceled): (Int64, Int64) = (0, 0)
            for index in boxes[0].shard.registry.accounts.indices where boxes[0].shard.registry.accounts[index].status != status {
                if case .defined(_, let some, _) = define(.account(boxes[0].shard.registry.accounts[index].number, status), session) {
                    accounts += 1
                    canceled += some
                }
            }
            AnswerWriter.house(status, accounts: accounts, canceled: canceled, tag: tag, lsn: Int64(lsn), into: &out)
        case .cancelAll(let wallet, let all): cancelAll(wallet, all, tag, session, &out)
        case .query(let query):
            if parsed.before != 0, now > parsed.before { return refuse(.tooLate(before: parsed.before, now: now), tag, &out) }
            self.query(query, tag, &out)
        case .session(let verb):
            if parsed.before != 0, now > parsed.before { return refuse(.tooLate(before: parsed.before, now: now), tag, &out) }
            self.session(verb, tag, link, &out)
        case .deadMan(let account, let seconds): setDeadMan(account, seconds, parsed.before, tag, session, &out)
        case .shard, .order: break
        }
    }

    private func refuse(_ rejection: Rejection, _ tag: Text, _ out: inout OutputBuffer) {
        AnswerWriter.write(rejection, tag: tag, registry: boxes[0].shard.registry, into: &out)
    }

    private func execute(_ command: Command, _ wallet: WalletID, _ tag: Text, _ link: Link?, _ session: UInt64, _ out: inout OutputBuffer) {
        var command = command
        if link?.cancelsOnDisconnect ?? false {
            if case .newOrder(var order) = command { order.cancelOnDisconnect = session; command = .newOrder(order) }
            if case .closePosition(var close) = command { close.cancelOnDisconnect = session; command = .closePosition(close) }
        }
        let box = boxes[Int(wallet)]
        let before = lsn
        var outcome = box.shard.execute(command, now: now) { append($0, box, session) }
        if case .transferring(let target, _, let asset, let available, let duplicate) = outcome {
            deliverTransfers(box, target, session)
            outcome = .balance(available: available, asset: asset, duplicate: duplicate)
        }
        AnswerWriter.write(
            outcome, tag: tag, lsn: lsn > before ? Int64(lsn) : 0, about: AnswerWriter.About(command), registry: boxes[0].shard.registry, into: &out)
    }

    private func deliverTransfers(_ source: Box, _ target: WalletID, _ session: UInt64) {
        var under: [TransferReceived] = []
        source.shard.forEachUnsettled(target: target) { transfer, _ in under.append(transfer) }
        let box = boxes[Int(target)]
        for transfer in under { _ = box.shard.receive(transfer, now: now) { append($0, box, session) } }
    }

    private func settleTransfers(_ source: Box) {
        for target in boxes where target.number != source.number && Int(source.number) < target.shard.registry.wallets.count {
            let upTo = target.shard.highestReceived(from: source.number)
            source.shard.settle(target: target.number, upTo: upTo, now: now) { append($0, source, 0) }
        }
    }

    private func expire() {
        for box in boxes { _ = box.shard.expire(now: now, max: 1_000) { append($0, box, 0) } }
    }

    private func cancelAll(_ wallet: WalletID, _ all: CancelAll, _ tag: Text, _ session: UInt64, _ out: inout OutputBuffer) {
        let before = lsn
        var count: Int64 = 0
        for box in boxes where wallet < 0 || box.number == wallet {
            switch box.shard.execute(.cancelAll(all), now: now, emit: { append($0, box, session) }) {
            case .canceled(let some): count += some
            case .rejected(let rejection) where count == 0: return refuse(rejection, tag, &out)
            default: break
            }
        }
        AnswerWriter.canceled(count, tag: tag, lsn: lsn > before ? Int64(lsn) : 0, into: &out)
    }

    private func setDeadMan(
        _ account: AccountNumber, _ seconds: Int64, _ late: Timestamp, _ tag: Text, _ session: UInt64, _ out: inout OutputBuffer
    ) {
        let before = lsn
        let set = DeadMan(account: account, deadline: seconds == 0 ? 0 : now + seconds * 1_000_000, before: late)
        for box in boxes {
            if case .rejected(let rejection) = box.shard.execute(.deadMan(set), now: now, emit: { append($0, box, session) }) {
                return refuse(rejection, tag, &out)
            }
        }
        AnswerWriter.deadMan(set.deadline, tag: tag, lsn: lsn > before ? Int64(lsn) : 0, into: &out)
    }

    private func define(_ definition: Definition, _ session: UInt64) -> Outcome {
        let first = boxes[0]
        var outcome = first.shard.execute(.define(definition), now: now) { append($0, first, session) }
        guard case .defined(let number, var canceled, false) = outcome, number > 0 else { return outcome }
        while boxes.count < first.shard.registry.wallets.count { boxes.append(Box(WalletID(boxes.count))) }
        for box in boxes.dropFirst() {
            while box.shard.registry.number < number {
                let entry = box.shard.registry.number + 1
                canceled += box.shard.copyDefinition(number: entry, first.shard.definition(number: entry), now: now) { append($0, box, 0) }
            }
        }
        outcome = .defined(number: number, canceled: canceled, duplicate: false)
        return outcome
    }

    private func query(_ query: Server.Query, _ tag: Text, _ out: inout OutputBuffer) {
        var rows = 0
        var rejection: Rejection?
        switch query.scope {
        case .shard(let wallet): rejection = QueryWriter.write(query, shard: boxes[Int(wallet)].shard, now: now, tag: tag, rows: &rows, into: &out)
        case .registry: rejection = QueryWriter.write(query, shard: boxes[0].shard, now: now, tag: tag, rows: &rows, into: &out)
        case .allShards:
            for box in boxes where rejection == nil && Int(box.number) < boxes[0].shard.registry.wallets.count {
                rejection = QueryWriter.write(query, shard: box.shard, now: now, tag: tag, rows: &rows, into: &out)
            }
        }
        if let rejection {
            out.removeAll()
            AnswerWriter.write(rejection, tag: tag, about: .init(query), registry: boxes[0].shard.registry, into: &out)
        } else {
            AnswerWriter.end(rows: rows, tag: tag, lsn: query.kind == .book ? Int64(lsn) : 0, into: &out)
        }
    }

    private func session(_ verb: SessionVerb, _ tag: Text, _ link: Link?, _ out: inout OutputBuffer) {
        func say(_ text: String) { out.append(string: text + "\n") }
        let tag = tag.string
        switch verb {
        case .ping, .quit: say("+\(tag) OK")
        case .time: say("+\(tag) OK time=\(now / 1_000)")
        case .sync: say("+\(tag) OK lsn=\(lsn)")
        case .help, .status, .sessions: say("=\(tag) something\n+\(tag) 1")
        case .authenticate(let it):
            if it.cancelOnDisconnect { link?.cancelsOnDisconnect = true }
            say("+\(tag) OK roles=viewer,trader,connector,admin accounts=*" + (it.session.isEmpty ? "" : " session=\(it.session.string)"))
        case .subscribe(let request):
            if link?.filter != nil { return say("-\(tag) ALREADY_SUBSCRIBED") }
            if let from = request.from, UInt64(from.lsn) > lsn {
                return say("-\(tag) BAD_VALUE argument=from value=\(from.lsn) expected=a_durable_LSN")
            }
            say("-\(tag) BUSY what=subscribers")
        case .subscribeMarket: say("-\(tag) BUSY what=subscribers")
        case .unsubscribe, .unsubscribeMarket: say("-\(tag) NOT_SUBSCRIBED")
        case .snapshot: say("-\(tag) SNAPSHOT_FAILED reason=no_space")
        }
    }
}
