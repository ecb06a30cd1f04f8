import Foundation
import GRDB
import WAL

/// What the commands do with a database that no service has open.
package enum HistoryTool {
    package struct Status: Sendable {
        package var path: String
        package var schema: Int
        package var knownSchema: Int
        /// 0 without a schema.
        package var lsn: UInt64
        package var rows: [(table: String, count: Int)]
        package var bytes: UInt64
    }

    /// Also while a service runs. `nil` when there is no database.
    /// - Throws: ``HistoryError``, `DatabaseError`.
    package static func status(directory: String) throws -> Status? {
        let path = HistoryFile.path(in: directory)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return try HistoryFile.openQueue(path, readonly: true).read { db in
            let version = try Migrations.version(db)
            let lsn = version == 0 ? nil : try Int64.fetchOne(db, sql: "SELECT lsn FROM progress")
            let tables = version == 0 ? [] : ["orders", "trades", "ledger", "actions", "sessions"]
            return Status(
                path: path, schema: version, knownSchema: Schema.latest, lsn: UInt64(bitPattern: lsn ?? 0),
                rows: try tables.map { ($0, try Int.fetchOne(db, sql: "SELECT count(*) FROM \($0)") ?? 0) },
                bytes: HistoryFile.files(path).reduce(0) { $0 + size(of: $1) })
        }
    }

    private static func size(of file: String) -> UInt64 {
        ((try? FileManager.default.attributesOfItem(atPath: file))?[.size] as? UInt64) ?? 0
    }

    package static var latestSchema: Int { Schema.latest }

    /// Takes the schema up or down.
    /// - Throws: `LogError.locked` while a service runs; ``HistoryError``, `DatabaseError`.
    package static func migrate(directory: String, to target: Int, report: (String) -> Void) throws {
        let path = HistoryFile.path(in: directory)
        try withLockedDirectory(directory) {
            guard FileManager.default.fileExists(atPath: path) else {
                throw HistoryError.unavailable("there is no \(path); `cashup serve` or `cashup history rebuild` makes it")
            }
            try HistoryFile.openQueue(path, readonly: false).writeWithoutTransaction { db in
                try Migrations.migrate(db, to: target) { number, isUp, summary in
                    report(isUp ? "up to version \(number): \(summary)" : "down from version \(number): without \(summary)")
                }
            }
        }
    }

    package struct Rebuilt: Sendable {
        package var lsn: UInt64
        package var rows: Int
        package var seconds: Double
    }

    /// Makes the database from the log; the old one is replaced when the new one is whole.
    /// - Throws: `LogError.locked` while a service runs, `LogError` and `RecordError` for a log that cannot be read; `DatabaseError`.
    package static func rebuild(directory: String, progress: (_ lsn: UInt64) -> Void = { _ in }) throws -> Rebuilt {
        try withLockedDirectory(directory) {
            let path = HistoryFile.path(in: directory)
            let began = DispatchTime.now()
            let new = path + ".new"
            try HistoryFile.remove(new)
            var options = HistoryOptions()
            options.checkpointPages = 64 << 10
            let written = WrittenPages()
            let pool = try HistoryFile.openPool(new, options: options, written: written)
            let (store, _, _) = try Store.open(pool, directory: directory, written: written) { _, _ in }
            let feed = LogFeed(
                reader: try LogReader(directory: directory, from: 1), collector: Collector(writtenLSN: 0, strategies: []))
            var rows = 0
            func write() throws {
                if feed.collector.batch.lsn == 0 { return }
                feed.collector.batch.place = feed.reader.place
                try store.write(feed.collector.batch)
                rows += feed.collector.batch.rows
                feed.collector.batch.removeAll()
                try store.checkpointIfDue(options)
                progress(feed.collector.batch.lsn)
            }
            try feed.read(upTo: .max) {
                if feed.collector.batch.rows >= options.rowsPerTransactionMax { try write() }
            }
            try write()
            try store.close()
            try HistoryFile.remove(path)
            try FileManager.default.moveItem(atPath: new, toPath: path)
            let seconds = Double(DispatchTime.now().uptimeNanoseconds - began.uptimeNanoseconds) / 1e9
            return Rebuilt(lsn: feed.collector.batch.lsn, rows: rows, seconds: seconds)
        }
    }
}
