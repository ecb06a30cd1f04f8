import Foundation
import Load

/// A PostgreSQL cluster of this run, in a directory of its own. Never one that is there already.
final class PostgresCluster {
    static let startSecondsMax = 30.0
    /// Segments of 16 MiB written before the run and then used again, as in a server that has run for a while; more than a run fills.
    static let spareSegments = 8

    let version: String
    let settings: [PeerSetting]
    let port: Int
    private let directory: URL
    private let process: ChildProcess

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
        let deadline = ContinuousClock.now + .seconds(Self.startSecondsMax)
        while (try? query("SELECT 1")) == nil {
            guard process.isRunning, ContinuousClock.now < deadline else {
                let printed = process.printed
                stop()
                throw BenchFailure("PostgreSQL did not start:\n\(printed)")
            }
            usleep(20_000)
        }
    }

    var printed: String { process.printed }

    /// A simple query on a connection of its own; the rows, as text.
    @discardableResult
    func query(_ sql: String) throws -> [[String]] {
        let socket = try Socket(port: port)
        let session = PostgresSession()
        try session.start(socket)
        return try session.query(socket, sql)
    }

    /// What a server that has run for a while has behind it. Call it when the tables are filled.
    /// - Parameter balance: the table of balances.
    func settle(balance: String) throws {
        try query("VACUUM (FREEZE, ANALYZE) \(balance)")
        // Without something written between them, a second switch does nothing.
        for _ in 0..<Self.spareSegments { try query("SELECT pg_logical_emit_message(false, 'bench', ''); SELECT pg_switch_wal()") }
        try query("CHECKPOINT")
    }

    /// Fails unless what is acknowledged is on the disk: by the running server's settings, and the tables and their indexes are logged.
    func checkDurability(relations: [String]) throws {
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value = try query("SHOW \(name)").first?.first
            guard value == "on" else { throw BenchFailure("PostgreSQL runs with \(name) = \(value ?? "?")") }
        }
        let names = relations.map { "'\($0)'" }.joined(separator: ", ")
        let logged = try query("SELECT count(*) FROM pg_class WHERE relname IN (\(names)) AND relpersistence = 'p'")
        guard logged == [["\(relations.count)"]] else { throw BenchFailure("PostgreSQL's tables are not all logged") }
    }

    func syncs() throws -> Int? { try query("SELECT wal_sync FROM pg_stat_wal").first?.first.flatMap(Int.init) }

    /// Of all its processes.
    func processorTime() -> ProcessorTime { process.processorTimeOfTree() }

    /// Beside what initdb chose.
    var configurationNote: String {
        "PostgreSQL \(version), postgresql.conf beside what initdb chose: " + settings.map { "\($0.name) = \($0.value)" }.joined(separator: ", ")
    }

    /// SIGINT is its fast shutdown: it ends sessions and then its own children.
    func stop() {
        process.stop(signal: SIGINT)
        Scratch.remove(directory)
    }

    deinit { stop() }
}
