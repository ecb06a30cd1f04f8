import Core
import Synchronization
import WAL

/// Where a verb's outcomes are counted.
package enum CommandRows {
    /// Of lines whose verb is not known.
    package static let unknown = Verb.allCases.count

    /// The tag of an enumeration without payloads is its place among the cases (a test compares).
    @inline(__always)
    package static func row(_ verb: Verb?) -> Int {
        guard let verb else { return unknown }
        return Int(unsafeBitCast(verb, to: UInt8.self))
    }
}

/// What a loop counts of its own work. Its thread writes, any thread may look; per command that is one addition, clocks are read per turn and per
/// group of lines.
struct LoopMetrics: @unchecked Sendable {
    /// A verb's outcomes: done first, then a column per ``Code``.
    static let columns = Code.allCases.count + 1
    static let unknownVerb = CommandRows.unknown

    private let outcomes: UnsafeMutablePointer<Atomic<UInt64>>

    /// Nanoseconds a command, measured over groups of lines: from bytes to commands; and from there until its answer is written, which is to
    /// decide, to apply and to record.
    let parse = Histogram()
    let decide = Histogram()
    /// From the begin of the turn that took a command until its answer is handed to the socket.
    let reply = Histogram()
    let turns = Counter()
    let batches = Counter()
    let records = Counter()

    init() {
        let count = (Verb.allCases.count + 1) * LoopMetrics.columns
        outcomes = .allocate(capacity: count)
        for index in 0..<count { (outcomes + index).initialize(to: Atomic(0)) }
    }

    @inline(__always)
    static func row(_ verb: Verb?) -> Int { CommandRows.row(verb) }

    @inline(__always)
    func done(_ row: Int) { add(row, 0) }

    func refused(_ row: Int, _ code: Code) { add(row, Int(code.rawValue) + 1) }

    @inline(__always)
    func count(_ row: Int, _ outcome: Outcome) {
        if case .rejected(let rejection) = outcome { refused(row, rejection.code) } else { done(row) }
    }

    @inline(__always)
    private func add(_ row: Int, _ column: Int) {
        let cell = outcomes + (row &* LoopMetrics.columns &+ column)
        cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    /// By row and column.
    var outcomeCounts: [UInt64] {
        (0..<(Verb.allCases.count + 1) * LoopMetrics.columns).map { outcomes[$0].load(ordering: .relaxed) }
    }
}

extension LoopMetrics {
    /// Of a command that came from another loop, or of several lines' making.
    static func row(_ command: borrowing Command) -> Int {
        switch copy command {
        case .newOrder: row(.new)
        case .replace: row(.replace)
        case .cancel: row(.cancel)
        case .cancelAll: row(.cancelAll)
        case .fill: row(.fill)
        case .closePosition: row(.close)
        case .money(let money):
            switch money.kind {
            case .deposit: row(.deposit)
            case .withdraw: row(.withdraw)
            case .adjust: row(.adjust)
            case .hold: row(.hold)
            case .release: row(.release)
            }
        case .takeOver: row(.takeOver)
        case .transfer: row(.transfer)
        case .setLimits: row(.limits)
        case .setMark: row(.mark)
        case .deadMan: row(.deadMan)
        case .define(let definition): row(definition)
        }
    }

    static func row(_ definition: Definition) -> Int {
        switch definition {
        case .asset: row(.assets)
        case .wallet: row(.wallets)
        case .venue: row(.venues)
        case .instrument, .changeInstrument: row(.instruments)
        case .account: row(.accounts)
        case .setting: row(.settings)
        }
    }
}

/// A loop's state at one moment, taken by its own thread.
struct LoopGauges: Sendable {
    var connections = 0
    /// Commands taken whose answers have not left.
    var commandsInFlight = 0
    /// Of answers, not yet handed to the sockets.
    var unsentBytes = 0
    /// From other loops, not yet opened.
    var parcels = 0
    var accounts = 0
    var instruments = 0
    /// By wallet.
    var wallets: [(name: String, counts: ShardCounts)] = []
}

extension Loop {
    func gauges() -> LoopGauges {
        var gauges = LoopGauges()
        for connection in connections {
            guard let connection else { continue }
            gauges.connections += 1
            gauges.commandsInFlight += connection.output.commandsInFlight
            gauges.unsentBytes += connection.output.bytes
        }
        gauges.parcels = mailbox.count + deferred.count
        gauges.accounts = registry.accounts.count
        gauges.instruments = registry.instruments.count
        for box in shards where Int(box.number) < registry.wallets.count {
            gauges.wallets.append((registry.wallets[Int(box.number)].name.string, box.shard.counts))
        }
        return gauges
    }
}
