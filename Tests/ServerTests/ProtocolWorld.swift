import Core
import Server

/// Shards, a log and the protocol's text on both sides, in one thread: lines in, answers and events out. What a session does, without one.
final class ProtocolWorld {
    private final class Home {
        var shard: Shard
        /// Replays the log, as a subscriber's or `wal dump`'s shard does.
        var follower: Shard
        init(_ number: WalletID) {
            shard = Shard(number: number)
            follower = Shard(number: number)
        }
    }

    private var homes = [Home(0)]
    private var log: [(shard: Int, mutation: Mutation, time: Timestamp)] = []
    private var replayed = 0
    private var writer = EventWriter()
    var now: Timestamp = 1_763_798_400_123_000
    var grant = Grant.everything
    private var out = OutputBuffer(capacity: 64)

    /// - Parameter seeded: spot and futures wallets, USD BTC BNB, BTC-USD as in docs/PROTOCOL.md, account 7.
    /// - Parameter hasInternalVenue: after that BTC-USDT, which is matched here, and account 8.
    init(seeded: Bool = true, hasInternalVenue: Bool = false) {
        guard seeded else { return }
        defer { if hasInternalVenue { addInternalVenue() } }
        for line in [
            "s AST USD decimals=2", "s AST BTC decimals=8", "s AST BNB decimals=1", "s WLT spot", "s WLT futures",
            "s VEN manual kind=manual",
            "s INS BTC-USD venue=manual wallet=spot base=BTC quote=USD tick=0.01 lot=0.00000001 max_qty=90000",
            "s ACC 7 open",
        ] {
            let answer = send(line)
            precondition(answer.hasPrefix("+s OK lsn=") || answer.hasPrefix("+s OK status=open lsn="), answer)
        }
    }

    private func addInternalVenue() {
        for line in [
            "s AST USDT decimals=2", "s VEN inside kind=internal",
            "s INS BTC-USDT venue=inside wallet=spot base=BTC quote=USDT tick=0.01 lot=0.00001 maker_bps=1 taker_bps=2", "s ACC 8 open",
        ] {
            let answer = send(line)
            precondition(answer.hasPrefix("+s OK"), answer)
        }
    }

    func withRegistry<R>(_ body: (borrowing Registry) -> R) -> R { body(homes[0].shard.registry) }

    var lsn: Int64 { Int64(log.count) }

    func parse(_ line: String) -> Parsed { parse(Array(line.utf8)) }

    func parse(_ line: [UInt8]) -> Parsed {
        let parsed = Parsed()
        line.withUnsafeBytes { LineParser.parse($0, registry: homes[0].shard.registry, into: &parsed.line) }
        return parsed
    }

    /// The whole answer, lines joined by `\n`.
    func send(_ line: String) -> String {
        out.removeAll()
        answer(parse(line).line)
        let text = out.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    private func answer(_ line: borrowing ParsedLine) {
        let tag = line.tag
        var withinLimit = false
        switch Permissions.check(line.requires, grant, homes[0].shard.registry) {
        case .allowed: break
        case .allowedWithinLimit: withinLimit = true
        case .refused(let refusal): return AnswerWriter.write(refusal, tag: tag, into: &out)
        }
        switch line.request {
        case .refused(let refusal):
            AnswerWriter.write(refusal, tag: tag, into: &out)
        case .order, .shard:
            guard case (let wallet, var command)? = line.command else { return }
            if line.opensAccount, case .money(let money) = command { _ = define(.account(money.account, .open)) }
            if case .fill(var fill) = command {
                fill.withinLimit = withinLimit
                command = .fill(fill)
            }
            let before = lsn
            var outcome = execute(Int(wallet), command)
            if case .transferring(let target, let sequence, let asset, _, let duplicate) = outcome {
                deliver(from: Int(wallet), to: Int(target))
                _ = sequence
                if case .transfer(let transfer) = command,
                    let view = homes[Int(wallet)].shard.balance(account: transfer.account, asset: asset)
                {
                    outcome = .balance(available: view.available, asset: asset, duplicate: duplicate)
                }
            }
            AnswerWriter.write(
                outcome, tag: tag, lsn: lsn > before ? lsn : 0, about: .init(command), registry: homes[0].shard.registry, into: &out)
        case .cancelAll(let wallet, let cancel):
            var count: Int64 = 0
            for index in homes.indices where wallet < 0 || Int(wallet) == index {
                let outcome = execute(index, .cancelAll(cancel))
                if case .canceled(let canceled) = outcome { count += canceled } else {
                    return AnswerWriter.write(outcome, tag: tag, lsn: 0, registry: homes[0].shard.registry, into: &out)
                }
            }
            AnswerWriter.canceled(count, tag: tag, lsn: lsn, into: &out)
        case .deadMan(let account, let seconds):
            let before = lsn
            let deadline = seconds == 0 ? 0 : now + seconds * 1_000_000
            for index in homes.indices {
                if case .rejected(let rejection) = execute(index, .deadMan(DeadMan(account: account, deadline: deadline))) {
                    return AnswerWriter.write(rejection, tag: tag, registry: homes[0].shard.registry, into: &out)
                }
            }
            AnswerWriter.deadMan(deadline, tag: tag, lsn: lsn > before ? lsn : 0, into: &out)
        case .define(let definition):
            let outcome = define(definition)
            AnswerWriter.write(
                outcome, tag: tag, lsn: lsn, about: .init(.define(definition)), registry: homes[0].shard.registry, into: &out)
        case .house(let status):
            var (accounts, canceled): (Int64, Int64) = (0, 0)
            for index in 0..<homes[0].shard.registry.accounts.count where homes[0].shard.registry.accounts[index].status != status {
                let number = homes[0].shard.registry.accounts[index].number
                if case .defined(_, let some, _) = define(.account(number, status)) { canceled += some }
                accounts += 1
            }
            AnswerWriter.house(status, accounts: accounts, canceled: canceled, tag: tag, lsn: lsn, into: &out)
        case .query(let query):
            var rows = 0
            for index in homes.indices {
                if case .shard(let wallet) = query.scope, Int(wallet) != index { continue }
                if query.scope == .registry, index != 0 { continue }
                if let rejection = QueryWriter.write(
                    query, shard: homes[index].shard, now: now, tag: tag, visible: grant.visible, rows: &rows, into: &out) {
                    return AnswerWriter.write(
                        rejection, tag: tag, about: .init(query), registry: homes[0].shard.registry,
                        into: &out)
                }
            }
            AnswerWriter.end(rows: rows, tag: tag, into: &out)
        case .session(.help(let verb)):
            Help.write(verb, tag: tag, into: &out)
        case .session:
            AnswerWriter.ok(tag: tag, into: &out)
        }
    }

    private func execute(_ index: Int, _ command: Command) -> Outcome {
        homes[index].shard.execute(command, now: now) { log.append((index, copy $0, now)) }
    }

    private func define(_ definition: Definition) -> Outcome {
        var outcome = execute(0, .define(definition))
        guard case .defined(let number, var canceled, let duplicate) = outcome, number > 0 else { return outcome }
        if case .wallet = definition, homes[0].shard.registry.wallets.count > 1 {
            let home = Home(WalletID(homes.count))
            homes.append(home)
        }
        for index in homes.indices.dropFirst() {
            for entry in homes[index].shard.registry.number..<number {
                canceled += homes[index].shard.copyDefinition(
                    number: entry + 1, homes[0].shard.definition(number: entry + 1), now: now
                ) { log.append((index, copy $0, now)) }
            }
        }
        outcome = .defined(number: number, canceled: canceled, duplicate: duplicate)
        return outcome
    }

    private func deliver(from source: Int, to target: Int) {
        var unsettled: [TransferReceived] = []
        homes[source].shard.forEachUnsettled(target: WalletID(target)) { transfer, _ in unsettled.append(transfer) }
        for transfer in unsettled {
            _ = homes[target].shard.receive(transfer, now: now) { log.append((target, copy $0, now)) }
        }
        if let last = unsettled.last {
            homes[source].shard.settle(target: WalletID(target), upTo: last.sequence, now: now) { log.append((source, copy $0, now)) }
        }
    }

    /// The events of everything logged since the last call, each a line.
    func events(_ filter: EventFilter = EventFilter(), after: Int = 0) -> [String] {
        out.removeAll()
        while replayed < log.count {
            let (index, mutation, time) = log[replayed]
            replayed += 1
            writer.prepare(mutation, shard: homes[index].follower)
            homes[index].follower.evolve(mutation, at: time)
            writer.write(
                mutation, shard: homes[index].follower, lsn: Int64(replayed), time: time, after: after, filter: filter, into: &out)
        }
        return out.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }.split(separator: "\n").map(String.init)
    }
}

/// A parsed line, which is never copied, where checking macros can hold it.
final class Parsed {
    var line = ParsedLine()
    var tag: Text { line.tag }
    var request: Request { line.request }
    var command: (wallet: WalletID, command: Command)? { line.command }
    var requires: Requires { line.requires }
    var before: Timestamp { line.before }
    var opensAccount: Bool { line.opensAccount }
    var isTakenInGrace: Bool { Permissions.isTakenInGrace(line) }
}
