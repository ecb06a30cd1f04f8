import Foundation
import Load

/// A PostgreSQL cluster of its own, in a directory of its own. Never one that is there already.
final class PostgresProcess: Peer {
    static let id = "postgresql"
    static let name = "PostgreSQL"
    static let startSecondsMax = 30.0
    /// Segments of 16 MiB written before the run and then used again, as in a server that has run for a while; more than a run fills.
    static let spareSegments = 8

    let version: String
    private let settings: [PeerSetting]
    private let directory: URL
    private let process: ChildProcess
    private let port: Int

    init(_ settings: Settings, overriding: [PeerSetting]) throws {
        let programs = try PostgresPrograms()
        version = programs.version
        self.settings = PostgresConfiguration.settings.overridden(by: overriding)
        directory = try Scratch.make(in: settings.directory, "postgresql")
        port = try freePort()
        let data = directory.appendingPathComponent("data").path
        try programs.makeCluster(data, in: directory, settings: self.settings)
        process = try ChildProcess(
            "/usr/bin/env", Array(programs.command("postgres", ["-D", data, "-p", "\(port)"], in: directory).dropFirst()),
            output: directory.appendingPathComponent("postgresql.log"))
        do {
            try waitUntilReady()
            try setUp()
        } catch {
            let printed = process.printed
            stop()
            throw BenchFailure("PostgreSQL: \(error)\n\(printed)")
        }
    }

    static func checkInstalled() throws { _ = try PostgresPrograms() }

    private func waitUntilReady() throws {
        let deadline = ContinuousClock.now + .seconds(Self.startSecondsMax)
        while (try? query("SELECT 1")) == nil {
            guard process.isRunning, ContinuousClock.now < deadline else { throw BenchFailure("it did not start") }
            usleep(20_000)
        }
    }

    private func setUp() throws {
        for sql in [PostgresSchema.tables, PostgresSchema.function, PostgresSchema.funding] { try query(sql) }
        for refusal in PostgresSchema.refusals {
            do {
                try query(refusal.sql)
                throw BenchFailure("not refused with \(refusal.code): \(refusal.sql)")
            } catch let fault as PostgresSession.Fault where fault.code == refusal.code {}
        }
        try query("VACUUM (FREEZE, ANALYZE) balance")
        // Without something written between them, a second switch does nothing.
        for _ in 0..<Self.spareSegments { try query("SELECT pg_logical_emit_message(false, 'bench', ''); SELECT pg_switch_wal()") }
        try query("CHECKPOINT")
    }

    @discardableResult
    private func query(_ sql: String) throws -> [[String]] {
        let socket = try Socket(port: port)
        let session = PostgresSession()
        try session.start(socket)
        return try session.query(socket, sql)
    }

    var notes: [String] {
        [
            "PostgreSQL \(version), postgresql.conf beside what initdb chose: " + settings.map { "\($0.name) = \($0.value)" }.joined(separator: ", "),
            "PostgreSQL's tables:\n\(PostgresSchema.tables)",
            "PostgreSQL's function, called as prepared statement `\(PostgresSchema.call)`, binary:\n\(PostgresSchema.function)",
        ]
    }

    func checkDurability() throws {
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value = try query("SHOW \(name)").first?.first
            guard value == "on" else { throw BenchFailure("PostgreSQL runs with \(name) = \(value ?? "?")") }
        }
        let tables = try query(
            "SELECT count(*) FROM pg_class WHERE relname IN ('orders', 'balance', 'orders_pkey', 'balance_pkey') AND relpersistence = 'p'")
        guard tables == [["4"]] else { throw BenchFailure("PostgreSQL's tables are not all logged") }
    }

    func load(_ loop: ClosedLoop) throws -> LoadResult {
        var orders = PostgresOrders()
        return try loop.run(PostgresWire.self, port: port, workload: &orders)
    }

    func check(acknowledged: Int) throws {
        let found = try query(PostgresSchema.check)
        let expected = [["\(acknowledged)", "\(2 * PeerOrders.accounts)", "0"]]
        guard found == expected else {
            throw BenchFailure("PostgreSQL has orders, balances and balances in disagreement \(found), not \(expected)")
        }
    }

    func syncs() throws -> Int? { try query("SELECT wal_sync FROM pg_stat_wal").first?.first.flatMap(Int.init) }

    /// SIGINT is its fast shutdown: it ends sessions and then its own children.
    func stop() {
        process.stop(signal: SIGINT)
        Scratch.remove(directory)
    }

    deinit { stop() }
}
