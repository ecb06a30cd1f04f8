import Core

/// A command that was handed to the network: perhaps it arrives, perhaps it is answered.
final class Sent {
    /// Over all clients, in order.
    let index: Int
    let client: Int
    let connection: ConnectionKey
    let line: String
    let words: Words
    /// What was known to be durable when it was sent: it is decided on this or a later state.
    let low: UInt64
    /// The same of the registry: entries that somebody has been told of.
    let lowNumber: Int64
    /// The connection lives and owes an answer.
    var isAwaited = true
    /// It was answered: what it came to is known.
    var isAnswered = false
    /// After a crash: it explains nothing after this LSN.
    var deadAfter: UInt64?
    /// Records that it may be the cause of.
    var explains: Set<UInt64> = []
    private var reading: Reading?

    init(index: Int, client: Int, connection: ConnectionKey, line: String, low: UInt64, lowNumber: Int64) {
        self.index = index
        self.client = client
        self.connection = connection
        self.line = line
        self.low = low
        self.lowNumber = lowNumber
        words = Words(line)
    }

    /// Can it still be the cause of a record?
    func mayCause(_ lsn: UInt64) -> Bool { !isAnswered && lsn > low && (deadAfter.map { lsn <= $0 } ?? true) }

    func reading(_ names: Names, at number: Int64) -> Reading {
        if let reading, reading.number == number { return reading }
        let made = Reading(words, names, at: number)
        reading = made
        return made
    }

    /// Under which names its records look for their cause.
    var causeKeys: [String] {
        let a = words.arguments
        guard words.faults.isEmpty, let first = a.first else { return [] }
        func id(_ key: String) -> String { words[key].flatMap(decodedText)?.plain ?? "" }
        switch words.verb {
        case "NEW", "CLS": return ["O/\(first)/\(id("id"))", "J/\(first)"]
        case "DEP": return ["R/\(first)/\(id("ref"))", "D/ACC/\(first)"]
        case "WDR", "ADJ", "HLD", "RLS", "XFR", "PTO": return ["R/\(first)/\(id("ref"))"]
        case "FIL": return ["F/\(first)/\(id("exec"))"]
        case "RPL": return ["P/\(first)", "J/\(first)"]
        case "DMS": return ["T/\(first)"]
        case "CXL": return ["C/\(first)"]
        case "CXA": return ["A/\(first)"]
        case "LIM": return ["L/\(first)"]
        case "MRK": return ["M/\(first)"]
        case "AST", "WLT", "VEN", "INS", "ACC", "SET": return ["D/\(words.verb)/\(first)"]
        default: return []
        }
    }
}

struct ConnectionKey: Hashable {
    var client: Int
    var number: Int
}

/// What the auditor knows of one connection.
struct ConnectionState {
    /// Sent and not answered, in order.
    var queue: [Sent] = []
    var head = 0
    var rows: [String] = []
    var isOpen = true
    var subscription: Subscription?
    var books: [InstrumentID: BookKnown] = [:]
    /// LSN of the newest trade told or, at the begin, from which on.
    var trades: [InstrumentID: TradesKnown] = [:]
    var hasMarkets: Bool { !books.isEmpty || !trades.isEmpty }
    var cancelsOnDisconnect = false
    var lastTime: Int64 = 0
    /// Of done answers, by wallet: they ascend.
    var lastLSN: [WalletID: UInt64] = [:]
    var acknowledged: UInt64 = 0
    /// Its orders were cancelled as those of a session that has ended, by this record.
    var endedBy: UInt64?

    var awaited: Sent? { head < queue.count ? queue[head] : nil }
    mutating func take() -> Sent? {
        guard head < queue.count else { return nil }
        head += 1
        defer {
            if head > 256, head * 2 > queue.count {
                queue.removeFirst(head)
                head = 0
            }
        }
        return queue[head - 1]
    }

    /// A book as this client has it from what it was told.
    struct BookKnown {
        var depth: Int
        var sequence: UInt64 = 0
        /// -1: no snapshot came yet. Levels of one that are still to come.
        var toCome = -1
        var bids: [Price: LevelState] = [:]
        var asks: [Price: LevelState] = [:]
        var lsn: UInt64 = 0
        /// Durable when it was asked for.
        var low: UInt64
    }

    struct TradesKnown {
        var sequence: UInt64 = 0
        /// Of the last one told; 0: none yet.
        var trade: TradeID = 0
        /// It was subscribed somewhere in between.
        var low: UInt64
        var high: UInt64
    }

    struct Subscription {
        var request: SessionAsk.Subscription
        /// Everything up to this event was told.
        var lsn: UInt64
        var event: Int

        func passes(_ event: Event) -> Bool {
            request.kinds.contains(event.kind) && (request.account == 0 || request.account == event.account)
                && (request.instrument < 0 || request.instrument == event.instrument)
        }
    }
}
