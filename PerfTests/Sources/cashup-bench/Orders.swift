import Client
import NIOCore

/// The population: limit orders on BTC-USD that rest, `accounts` accounts, prices within 50 ticks, quantities uniform in 1...10^6 lots, ids
/// `strategy-counter`.
struct Population: Sendable {
    var accounts: UInt64 = 1_000
    static let ticks: UInt64 = 50

    static let description =
        "NEW limit GTC on BTC-USD (manual venue, funds reserved), buys and sells alternating; prices 1000.00 to 1000.49, quantities 1 to 10^6 lots of 1e-8; ids strategy-counter"

    /// Enough for every order of a run: 10^9 USD and BTC an account.
    func fund(_ connection: LineConnection) async throws {
        let deposits = (1...accounts).flatMap { account in
            ["USD", "BTC"].map { connection.submit("DEP \(account) \($0) 1000000000 ref=fund-\($0)") }
        }
        for deposit in deposits {
            let answer = try await deposit.get()
            guard answer.isDone else { throw BenchFailure("DEP: \(answer.line)") }
        }
    }
}

/// Sends `count` orders; keeps the latency of each from `warmup` on. One strategy a connection.
struct OrderDriver: PipelineDriver {
    let strategy: UInt64
    let count: Int
    let warmup: Int
    let accounts: UInt64
    var latencies: Latencies
    var refused = 0
    var firstRefusal: String?
    private var sent = 0
    private var random: UInt64

    init(strategy: UInt64, count: Int, warmup: Int, accounts: UInt64) {
        self.strategy = strategy
        self.count = count
        self.warmup = warmup
        self.accounts = accounts
        latencies = Latencies(reserving: count)
        random = strategy &* 0x9E37_79B9_7F4A_7C15
    }

    mutating func next(into buffer: inout ByteBuffer) -> PipelineStep {
        guard sent < count else { return .done }
        let account = 1 + next() % accounts
        let quantity = 1 + next() % 1_000_000
        let tick = next() % Population.ticks
        buffer.writeStaticString("NEW ")
        buffer.writeDecimal(account)
        buffer.writeStaticString(sent % 2 == 0 ? " BTC-USD B LMT 0." : " BTC-USD S LMT 0.")
        Self.write(quantity, digits: 8, to: &buffer)
        buffer.writeStaticString(" 1000.")
        Self.write(tick, digits: 2, to: &buffer)
        buffer.writeStaticString(" GTC id=s")
        buffer.writeDecimal(strategy)
        buffer.writeStaticString("-")
        buffer.writeDecimal(UInt64(sent))
        sent += 1
        return .command
    }

    mutating func answer(_ line: RawSpan, index: Int, nanoseconds: UInt64) {
        if line.firstByte != UInt8(ascii: "+") {
            refused += 1
            if firstRefusal == nil { firstRefusal = line.text }
        }
        if index >= warmup { latencies.record(nanoseconds: nanoseconds) }
    }

    /// SplitMix64.
    private mutating func next() -> UInt64 {
        random &+= 0x9E37_79B9_7F4A_7C15
        var z = random
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private static func write(_ value: UInt64, digits: Int, to buffer: inout ByteBuffer) {
        var divisor: UInt64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            buffer.writeInteger(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}
