import Client
import Core
import NIOCore
import Server
import Synchronization

/// The connection through which one bearer's requests reach the service: a session like any other, whose commands are lines. Any task.
struct LineSession: Sendable {
    let connection: LineConnection

    func send(_ line: Line) async throws -> Answer {
        do {
            return try Refusals.accepted(try await connection.submit(line.text).get())
        } catch let error as ClientError {
            throw LineSession.problem(error)
        }
    }

    func send(all lines: [Line]) async throws -> [Result<Answer, Problem>] {
        let futures = connection.submit(all: lines.map(\.text))
        var results: [Result<Answer, Problem>] = []
        results.reserveCapacity(futures.count)
        for future in futures {
            do {
                let answer = try await future.get()
                results.append(Result { () throws(Problem) in try Refusals.accepted(answer) })
            } catch let error as ClientError {
                throw LineSession.problem(error)
            }
        }
        return results
    }

    /// An order that the service has in memory: open, or closed within the window. Its instrument need not be known.
    func order(_ name: OrderName, _ account: AccountNumber) async throws -> OrderFacts? {
        do {
            let rows = try await send(Line("ORD", String(account), "-").adding(order: name)).rows
            return rows.first.flatMap { OrderFacts($0, account: account) }
        } catch let problem as Problem where problem.code == "UNKNOWN_ORDER" {
            return nil
        }
    }

    /// The service went away before it answered: whether it was done shows a repeat with the same key.
    private static func problem(_ error: ClientError) -> Problem {
        if case .unsendable(let why) = error { return Problem.invalid("body", why) }
        return .unavailable("NO_ANSWER", "the service ended the session before it answered; repeat the request with the same Idempotency-Key or client_order_id")
    }
}

/// The sessions of all bearers, one each. Made at a bearer's first request; ended when its token does, or when it has been idle.
final class LineSessions: Sendable {
    private struct Entry {
        var opening: Task<Caller, any Error>
        var identity: Identity
        /// Once it is open.
        var caller: Caller?
        var lastUsed: Timestamp
    }
    /// Beyond so many the longest idle one ends.
    static let sessionsMax = 1_024

    private let service: Service
    private let group: any EventLoopGroup
    private let rate: RateLimit.Setting
    private let entries = Mutex<[String: Entry]>([:])

    init(service: Service, group: any EventLoopGroup, rate: RateLimit.Setting) {
        self.service = service
        self.rate = rate
        self.group = group
    }

    /// Who has sent requests with this token before, if its session lives and the token has not ended.
    func known(_ key: String) -> Caller? {
        let now = service.clock.now()
        let caller = entries.withLock { entries -> Caller? in
            guard let index = entries.index(forKey: key), let caller = entries.values[index].caller else { return nil }
            entries.values[index].lastUsed = now
            return caller
        }
        guard let caller, !caller.session.connection.isClosed, caller.identity.expires == 0 || caller.identity.expires > now else { return nil }
        return caller
    }

    /// - Parameter key: the token; a session is never shared between two.
    func caller(_ key: String, _ identity: Identity) async throws -> Caller {
        let now = service.clock.now()
        // Twice: the connection found may have ended.
        for _ in 0..<2 {
            let (opening, ended) = entries.withLock { entries -> (Task<Caller, any Error>, [Entry]) in
                if entries[key] != nil {
                    entries[key]?.lastUsed = now
                    return (entries[key]!.opening, [])
                }
                var ended: [Entry] = []
                if entries.count >= LineSessions.sessionsMax { ended = LineSessions.makeRoom(&entries, now) }
                let opening = open(identity)
                entries[key] = Entry(opening: opening, identity: identity, lastUsed: now)
                return (opening, ended)
            }
            for entry in ended { LineSessions.end(entry) }
            do {
                let caller = try await opening.value
                if !caller.session.connection.isClosed {
                    entries.withLock { if $0[key]?.opening == opening { $0[key]?.caller = caller } }
                    return caller
                }
            } catch {
                forget(key, opening)
                throw Problem.unavailable("BUSY", "no session can be opened: \(error)")
            }
            forget(key, opening)
        }
        throw Problem.unavailable("DRAINING", "the service is shutting down")
    }

    private func open(_ identity: Identity) -> Task<Caller, any Error> {
        let service = service
        let group = group
        let rateLimit = RateLimit(rate, now: service.clock.now())
        return Task {
            let socket = try await service.connectLocally(identity, peer: "rest")
            let connection = try await LineConnection.adopt(
                socket: socket, group: group, window: LineConnection.windowMax, onNotice: { _ in })
            return Caller(identity: identity, session: LineSession(connection: connection), rateLimit: rateLimit)
        }
    }

    private func forget(_ key: String, _ opening: Task<Caller, any Error>) {
        entries.withLock { if $0[key]?.opening == opening { $0[key] = nil } }
    }

    private static func makeRoom(_ entries: inout [String: Entry], _ now: Timestamp) -> [Entry] {
        var ended: [Entry] = []
        for (key, entry) in entries where entry.identity.expires != 0 && entry.identity.expires <= now {
            ended.append(entry)
            entries[key] = nil
        }
        if entries.count >= sessionsMax, let oldest = entries.min(by: { $0.value.lastUsed < $1.value.lastUsed }) {
            ended.append(oldest.value)
            entries[oldest.key] = nil
        }
        return ended
    }

    /// In good order: what is under way is answered first.
    private static func end(_ entry: Entry) {
        Task { _ = try? await entry.opening.value.session.connection.submit("QUIT").get() }
    }

    func endAll() async {
        let all = entries.withLock { entries in
            defer { entries.removeAll() }
            return Array(entries.values)
        }
        for entry in all { _ = try? await entry.opening.value.session.connection.submit("QUIT").get() }
    }
}
