// Lines as clients send them: to the parser, to the state machine, to answers, rows and events; then what was recorded is replayed.
//
// Input: lines. All of them go to one shard, the wallet `spot`, whose clock goes on by a second with each.
@testable import Core
@testable import Server
@testable import WAL

private let setUp = """
    AST USD decimals=2
    AST BTC decimals=8
    AST EUR decimals=2
    WLT spot
    WLT futures
    VEN manual kind=manual
    INS BTC-USD venue=manual wallet=spot base=BTC quote=USD tick=0.01 lot=0.00000001
    INS P-USD venue=manual wallet=spot base=BTC quote=USD tick=0.1 lot=0.001 funds=none
    VEN inside kind=internal
    INS BTC-EUR venue=inside wallet=spot base=BTC quote=EUR tick=0.01 lot=0.00001 maker_bps=1 taker_bps=2
    ACC 7 open
    ACC 8 open
    DEP 7 USD 1000000.00 ref=usd
    DEP 7 BTC 10 ref=btc
    DEP 8 BTC 10 ref=btc
    DEP 7 EUR 1000000.00 ref=eur
    """

private struct World: ~Copyable {
    var shard = Shard(number: 0)
    let batch = Batch()
    private var writer = RecordWriter()
    private var events = EventWriter()
    private var parsed = ParsedLine()
    private var now: Timestamp = 1_700_000_000_000_000
    private var lsn: Int64 = 0
    private var lastHash: UInt64

    init() { lastHash = shard.stateHash() }

    mutating func take(_ line: UnsafeRawBufferPointer) {
        now += 1_000_000
        let longest = LineParser.maxLength(line)
        if line.isEmpty || line.count > longest { return }
        LineParser.parse(line, registry: shard.registry, into: &parsed)
        var out = OutputBuffer()
        var command: Command?
        switch parsed.request {
        case .define(let definition): command = .define(definition)
        case .cancelAll(_, let cancelAll): command = .cancelAll(cancelAll)
        case .deadMan(let account, let seconds): command = .deadMan(DeadMan(account: account, deadline: seconds == 0 ? 0 : now + seconds * 1_000_000))
        case .order, .shard:
            if let (wallet, of) = parsed.command, wallet == 0 { command = of }
        case .query(let query):
            var rows = 0
            if let rejection = QueryWriter.write(query, shard: shard, now: now, tag: parsed.tag, rows: &rows, into: &out) {
                AnswerWriter.write(rejection, tag: parsed.tag, registry: shard.registry, into: &out)
            }
        case .refused(let refusal): AnswerWriter.write(refusal, tag: parsed.tag, into: &out)
        case .house, .session: break
        }
        if let command { execute(command, &out) }
        check(out)
    }

    private mutating func execute(_ command: Command, _ out: inout OutputBuffer) {
        var emitted: [Mutation] = []
        let outcome = shard.execute(command, now: now) { emitted.append(copy $0) }
        let hash = shard.stateHash()
        if case .rejected = outcome {
            // But that the account has lost too much may be noted with one.
            let latches = emitted.count { if case .lossLatched = $0 { true } else { false } }
            invariant(emitted.count == latches && (latches > 0 || hash == lastHash), "a refusal changes nothing")
        }
        lastHash = hash
        for mutation in emitted {
            lsn += 1
            writer.append(mutation, shard: 0, time: now, session: 0, to: batch)
            events.prepare(mutation, shard: shard)
            events.write(mutation, shard: shard, lsn: lsn, time: now, filter: EventFilter(), into: &out)
        }
        AnswerWriter.write(outcome, tag: parsed.tag, lsn: lsn, about: .init(command), registry: shard.registry, into: &out)
    }

    /// What leaves is lines of printable ASCII.
    private func check(_ out: borrowing OutputBuffer) {
        out.withUnsafeBytes { bytes in
            invariant(bytes.isEmpty || bytes.last == 0x0A, "an answer ends with its line")
            for byte in bytes { invariant(byte == 0x0A || (0x20...0x7E).contains(byte), "an answer is printable") }
        }
    }

    /// Replay comes to the same state.
    func checkReplay() {
        var again = Shard(number: 0)
        var reader = RecordReader(bytes: batch.bytes.bytes, count: batch.recordCount)
        do {
            while let record = try reader.next() { again.evolve(record.mutation, at: record.time) }
        } catch { invariantFailure("records of our own are of the format") }
        invariant(again.stateHash() == shard.stateHash(), "replay comes to the live state")
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    var world = World()
    for line in setUp.split(separator: "\n") {
        var text = "s " + line
        text.withUTF8 { world.take(UnsafeRawBufferPointer($0)) }
    }
    let input = UnsafeRawBufferPointer(start: data, count: size)
    var start = 0
    for end in 0...size where end == size || input[end] == 0x0A {
        // Where a line ends its memory ends, for the address sanitizer.
        let line = [UInt8](input[start..<end])
        line.withUnsafeBytes { world.take($0) }
        start = end + 1
    }
    world.checkReplay()
    return 0
}
