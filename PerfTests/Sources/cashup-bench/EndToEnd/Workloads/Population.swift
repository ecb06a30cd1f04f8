import Load

/// New limit orders that rest: the population of most figures. One strategy a connection; its counters go on from run to run, so no id is used twice.
struct Population: Workload {
    enum Identifiers {
        /// `s3-1234`: strategy and counter.
        case counters
        /// Random UUIDs, the worst a log can be given.
        case random
    }
    static let description =
        "NEW limit GTC on BTC-USD (manual venue, funds reserved); buys and sells in turn; 1,000 accounts, prices 1000.00 to 1000.49, quantities 1 to 10^6 "
        + "lots of 1e-8, all uniform; ids strategy-counter, a strategy a connection. Every order rests"

    var accounts: UInt64 = 1_000
    var identifiers = Identifiers.counters
    /// Instruments named I0-USD, I1-USD ...; 0: ``symbol`` alone.
    var instruments: UInt64 = 0
    var symbol = "BTC-USD"
    /// Before the number of the connection in ids.
    var strategyPrefix = "s"
    private var random: SplitMix
    private var counters = [UInt64](repeating: 0, count: 1_024)

    init(seed: UInt64 = 1) { random = SplitMix(seed: seed) }

    mutating func next(connection: Int, into buffer: inout RequestBuffer) -> Bool {
        let counter = counters[connection]
        counters[connection] = counter &+ 1
        let draw = random.next()
        buffer.put(decimal: counter % 100)
        buffer.put(" NEW ")
        buffer.put(decimal: 1 + draw >> 40 % accounts)
        if instruments == 0 {
            buffer.put(" ")
            buffer.put(text: &symbol)
            buffer.put(" ")
        } else {
            buffer.put(" I")
            buffer.put(decimal: random.next(below: instruments))
            buffer.put("-USD ")
        }
        if counter & 1 == 0 { buffer.put("B LMT 0.") } else { buffer.put("S LMT 0.") }
        buffer.put(decimal: 1 + random.next(below: 1_000_000), digits: 8)
        buffer.put(" 1000.")
        buffer.put(decimal: draw & 0xFFFF % 50, digits: 2)
        buffer.put(" GTC id=")
        switch identifiers {
        case .counters:
            buffer.put(text: &strategyPrefix)
            buffer.put(decimal: UInt64(connection))
            buffer.put("-")
            buffer.put(decimal: counter)
        case .random: buffer.put(uuid: (random.next(), random.next()))
        }
        buffer.put("\n")
        return true
    }

    /// Enough for every order of a run: 10^9 of both assets an account.
    static func funding(accounts: UInt64 = 1_000, wallet: String = "spot") -> [String] {
        (1...accounts).flatMap { account in
            ["USD", "BTC"].map { "DEP \(account) \($0) 1000000000 ref=fund-\($0) wallet=\(wallet)" }
        }
    }
}

extension RequestBuffer {
    @inline(__always)
    mutating func put(text: inout String) { text.withUTF8 { put(UnsafeRawBufferPointer($0)) } }

    /// Version 4, in the usual form of 36 characters.
    mutating func put(uuid: (UInt64, UInt64)) {
        let bits = (uuid.0 & ~0xF000 | 0x4000, uuid.1 & ~(0xC << 60) | 0x8 << 60)
        for nibble in 0..<32 {
            let half = nibble < 16 ? bits.0 : bits.1
            let value = UInt8(truncatingIfNeeded: half >> UInt64((15 - nibble & 15) * 4)) & 15
            if nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 { put(UInt8(ascii: "-")) }
            put(value < 10 ? 48 + value : 87 + value)
        }
    }
}
