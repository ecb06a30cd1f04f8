import Core
import Logging
import WAL

/// A start, on one thread, before any loop runs: the log is replayed into the shards, what a crash left half-way between shards is brought to
/// its end, an empty log gets its seed. After that every shard is as if nothing had happened, and the service may say ready.
struct Startup {
    private(set) var shards: [ShardBox] = [ShardBox(number: 0)]
    let log: Log
    let clock: ServiceClock
    private let logger: Logger
    private var batch = Batch()
    private var writer = RecordWriter()
    private var now: Timestamp

    /// How far a log's last time may be ahead of the wall clock.
    static let clockBehindMicrosMax: Timestamp = 60_000_000

    /// Opens the log and replays it.
    /// - Throws: `LogError`, `RecordError`, ``StartFailure``.
    init(
        directory: String, disk: AnyDisk, options: LogOptions, acceptClock: Bool, clock source: ServiceClock.Source, logger: Logger
    ) throws {
        self.logger = logger
        var replica = Replica()
        let began = source.monotonic()
        // To the last record, without what opening the new epoch takes.
        var ended = began
        log = try Log.open(directory: directory, options: options, disk: disk, into: &replica) { ended = source.monotonic() }
        let seconds = Double(max(1, ended - began)) / 1_000_000
        shards = replica.shards
        let report = log.recovery
        for warning in report.warnings { logger.warning("\(warning)") }
        if replica.lsn > 0 {
            let origin = report.snapshotLSN > 0 ? "the snapshot of LSN \(report.snapshotLSN) and " : ""
            logger.info(
                "recovered \(origin)\(replica.records) records of \(report.segments) segments in \(Startup.text(seconds)) s (\(Int(Double(replica.records) / seconds)) records/s), up to LSN \(report.lastLSN); the last stop was \(report.endedClean ? "clean" : "not clean")"
            )
        }
        let wall = source.wall()
        if wall < replica.lastTime - Startup.clockBehindMicrosMax {
            let message =
                "the clock says \(wall / 1_000) (Unix ms) but the log's last record is of \(replica.lastTime / 1_000), \((replica.lastTime - wall) / 1_000_000) s later"
            guard acceptClock else {
                log.close()
                throw StartFailure(
                    StartFailure.usage, message + ". Set the clock, or go on at the log's time with --accept-clock")
            }
            logger.warning("\(message); going on at the log's time")
        }
        clock = ServiceClock(source: source, floor: replica.lastTime)
        now = clock.now()
    }

    private static func text(_ seconds: Double) -> String { "\((seconds * 1_000).rounded() / 1_000)" }

    // MARK: Obligations

    /// Brings to its end what a crash (or a stop) has left between shards.
    mutating func finishObligations() throws {
        copyDefinitions()
        let redelivered = redeliver()
        try commit()
        // Only now that the credits are durable may the sources forget them.
        for source in shards {
            for target in shards where target.number != source.number && Int(source.number) < target.shard.registry.wallets.count {
                let received = target.shard.highestReceived(from: source.number)
                source.shard.settle(target: target.number, upTo: received, now: now) { record($0, source.number) }
            }
        }
        var canceled: Int64 = 0
        for box in shards {
            canceled += box.shard.cancelDisconnected(before: log.epoch, now: now) { record($0, box.number) }
        }
        try commit()
        if redelivered > 0 { logger.info("delivered \(redelivered) transfers between wallets again") }
        if canceled > 0 { logger.info("cancelled \(canceled) orders of sessions with cancel-on-disconnect") }
    }

    /// Every shard gets the registry's entries it lacks, and every wallet its shard.
    private mutating func copyDefinitions() {
        let first = shards[0]
        while shards.count < first.shard.registry.wallets.count { shards.append(ShardBox(number: WalletID(shards.count))) }
        for box in shards where box.number != 0 {
            while box.shard.registry.number < first.shard.registry.number {
                let number = box.shard.registry.number + 1
                let definition = first.shard.definition(number: number)
                _ = box.shard.copyDefinition(number: number, definition, now: now) { record($0, box.number) }
            }
        }
    }

    private mutating func redeliver() -> Int {
        var under: [(TransferReceived, WalletID)] = []
        for source in shards { source.shard.forEachUnsettled(target: nil) { under.append(($0, $1)) } }
        for (transfer, target) in under {
            let box = shards[Int(target)]
            _ = box.shard.receive(transfer, now: now) { record($0, box.number) }
        }
        return under.count
    }

    private mutating func record(_ mutation: borrowing Mutation, _ shard: WalletID) {
        writer.append(mutation, shard: shard, time: now, session: 0, to: batch)
    }

    /// One frame; returns when it is durable.
    private mutating func commit() throws {
        guard batch.recordCount > 0 else { return }
        let last = log.seal(batch)
        while log.durableLSN < last {
            log.commit()
            // Only where ``LogOptions/onFatal`` returns.
            if log.hasFailed { throw LogError.refused("the log cannot be written") }
        }
        batch = Batch()
    }

    // MARK: Seed

    /// An empty log gets the seed, in one frame. A log that is not empty is the truth: what the seed says otherwise is only told.
    /// - Throws: ``StartFailure`` for a seed that cannot be done; nothing of it is in the log then.
    /// - Parameter limits: of LIM, for every account in every wallet; `nil`: none.
    mutating func seed(_ lines: [String], source: String, limits: String? = nil) throws {
        if log.sealedLSN > 0 {
            compare(lines, source: source)
            if let limits { compare(limits: limits) }
            return
        }
        for (index, line) in lines.enumerated() {
            if let refusal = perform(line) {
                throw StartFailure(StartFailure.usage, "\(source): seed line \(index + 1), `\(line)`: \(refusal)")
            }
        }
        if let limits { try seed(limits: limits) }
        try commit()
        if !lines.isEmpty { logger.info("the log was empty: seeded with \(lines.count) commands of \(source)") }
    }

    private func lines(_ limits: String) -> [String] { shards[0].shard.registry.wallets.map { "LIM * wallet=\($0.name.string) \(limits)" } }

    private mutating func seed(limits: String) throws {
        for line in lines(limits) {
            if let refusal = perform(line) { throw StartFailure(StartFailure.usage, "limits of the configuration, `\(line)`: \(refusal)") }
        }
    }

    /// The day's begin of the configured time zone.
    mutating func setDayStart(_ start: DayStart) throws {
        let first = shards[0]
        let minutes = start.minutes(at: now)
        guard first.shard.registry.setting(.dayStartMinutes) != minutes else { return }
        if let refusal = perform("SET \(Setting.dayStartMinutes.name) \(minutes)") {
            return logger.warning("time_zone of the configuration is not in force: \(refusal)")
        }
        try commit()
    }

    /// Returns what was refused, as the line protocol says it.
    private mutating func perform(_ line: String) -> String? {
        let parsed = parse(line)
        if let refusal = Refusal(parsed.request, format: log.format) { return text { AnswerWriter.write(refusal, tag: Text(), into: &$0) } }
        let first = shards[0]
        var outcome: Outcome
        if parsed.opensAccount, case .money(let money)? = parsed.command?.command {
            outcome = first.shard.execute(.define(.account(money.account, .open)), now: now) { record($0, 0) }
            copyDefinitions()
        }
        switch parsed.request {
        case .define(let definition):
            outcome = first.shard.execute(.define(definition), now: now) { record($0, 0) }
            copyDefinitions()
        case .order, .shard:
            guard let (wallet, command) = parsed.command else { invariantFailure("a request for a shard without a command") }
            let box = shards[Int(wallet)]
            outcome = box.shard.execute(command, now: now) { record($0, wallet) }
            if case .transferring = outcome { return "a seed cannot transfer between wallets; deposit there" }
        case .refused(let refusal):
            return text { AnswerWriter.write(refusal, tag: Text(), into: &$0) }
        case .query, .session, .cancelAll, .house, .deadMan:
            return "not a command for a seed"
        }
        guard case .rejected(let rejection) = outcome else { return nil }
        return text { AnswerWriter.write(rejection, tag: Text(), registry: first.shard.registry, into: &$0) }
    }

    private func parse(_ line: String) -> ParsedLine {
        var bytes = "seed " + line
        var parsed = ParsedLine()
        bytes.withUTF8 { LineParser.parse(UnsafeRawBufferPointer($0), registry: shards[0].shard.registry, into: &parsed) }
        return parsed
    }

    private func text(_ write: (inout OutputBuffer) -> Void) -> String {
        var out = OutputBuffer()
        write(&out)
        // "-? CODE facts\n"
        return out.withUnsafeBytes { String(decoding: $0.dropFirst(3).dropLast(), as: UTF8.self) }
    }

    /// Whoever sets a limit in the configuration must hear that it is not in force.
    private func compare(limits: String) {
        var others: [String] = []
        for line in lines(limits) {
            guard case .shard(let wallet, .setLimits(let set)) = parse(line).request else { continue }
            let found = shards[Int(wallet)].shard.limits(account: 0, instrument: -1)
            if found.changed(by: set.change) != found { others.append(shards[0].shard.registry.wallets[Int(wallet)].name.string) }
        }
        if others.isEmpty { return }
        logger.warning(
            "limits of the configuration (\(limits)) are not in force in \(others.joined(separator: ", ")): the log is not empty, and is the truth; `LIM * wallet=` changes them")
    }

    private func compare(_ lines: [String], source: String) {
        for line in lines {
            let parsed = parse(line)
            switch parsed.request {
            case .define(let definition):
                switch shards[0].shard.registry.check(definition) {
                case .duplicate: continue
                case .new: logger.warning("\(source): `\(line)` is not so in the log, which is the truth; send it as a command to change that")
                case .rejected: logger.warning("\(source): `\(line)` differs from the log, which is the truth")
                }
            case .refused(let refusal):
                logger.warning("\(source): `\(line)` differs from the log, which is the truth: \(text { AnswerWriter.write(refusal, tag: Text(), into: &$0) })")
            default: continue
            }
        }
    }
}
