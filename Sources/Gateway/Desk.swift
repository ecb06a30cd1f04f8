import Client
import Core
import History
import Server
import Synchronization

/// What all routes share. Any task.
final class Desk: Sendable {
    let service: Service
    let sessions: LineSessions
    let authenticator: Authenticator
    /// `nil`: kept off.
    let history: History?
    /// The OpenAPI document.
    let description: JSON
    private let instruments = Mutex<[String: Instrument]>([:])

    init(service: Service, sessions: LineSessions, authenticator: Authenticator, history: History?, description: JSON) {
        self.service = service
        self.sessions = sessions
        self.authenticator = authenticator
        self.history = history
        self.description = description
    }

    /// The edge's own session, for reading what its callers' commands have made.
    func reader() async throws -> LineSession {
        var identity = Identity.local
        identity.subject = "rest"
        return try await sessions.caller("reader", identity).session
    }

    /// What an instrument is, as far as it never changes (FIXED in docs/PROTOCOL.md).
    struct Instrument: Sendable {
        var symbol: String
        var wallet: String
        var base: String
        var quote: String
    }

    /// - Throws: ``Problem`` when there is none of that name.
    func instrument(_ symbol: String, _ session: LineSession) async throws -> Instrument {
        if let known = instruments.withLock({ $0[symbol] }) { return known }
        let answer = try await session.send(Line("INS", symbol))
        guard let row = answer.rows.first, let instrument = Instrument(row) else {
            throw Problem.notFound("no such instrument", code: "UNKNOWN_INSTRUMENT", ["symbol": .string(symbol)])
        }
        instruments.withLock { $0[symbol] = instrument }
        return instrument
    }

    /// All of them, so that a list of many symbols asks once.
    func allInstruments(_ session: LineSession) async throws -> [String: Instrument] {
        let rows = try await session.send(Line("INS")).rows
        let all = Dictionary(rows.compactMap { Instrument($0) }.map { ($0.symbol, $0) }) { first, _ in first }
        instruments.withLock { $0 = all }
        return all
    }
}

extension Desk.Instrument {
    init?(_ row: Fields) {
        guard let symbol = row.firstWord, let wallet = row["wallet"], let base = row["base"], let quote = row["quote"] else { return nil }
        self.init(symbol: symbol, wallet: wallet, base: base, quote: quote)
    }
}
