import Core
import GRDB
import WAL

/// How far a database is.
struct Progress {
    /// Rows of all records up to here are there.
    var lsn: UInt64
    /// Of the last frame applied whole, and the log's chain value after it.
    var checkedLSN: UInt64
    var chain: UInt64
}

/// The writing side of the database. Owner: one thread, that which follows the log.
final class Store {
    private let pool: DatabasePool
    private var writer: RowWriter?
    private let written: WrittenPages

    private init(_ pool: DatabasePool, _ writer: RowWriter, _ written: WrittenPages) {
        self.pool = pool
        self.writer = writer
        self.written = written
    }

    /// Brings the schema up and looks where the database is and whose.
    /// - Throws: ``MustRebuild`` when it is another log's; ``HistoryError``, `LogError`, `DatabaseError`.
    static func open(
        _ pool: DatabasePool, directory: String, written: WrittenPages, migrated: (Int, String) -> Void
    ) throws -> (Store, Progress, strategies: [(name: Text, number: Int64)]) {
        try pool.writeWithoutTransaction { db in
            try Migrations.migrate(db, to: Schema.latest) { number, _, summary in migrated(number, summary) }
            let progress = try progress(db, directory)
            let strategies = try Row.fetchAll(db, sql: "SELECT id, name FROM strategies").map {
                (name: Text(escaped: $0["name"]), number: $0["id"] as Int64)
            }
            return (Store(pool, try RowWriter(db), written), progress, strategies)
        }
    }

    private static func progress(_ db: Database, _ directory: String) throws -> Progress {
        guard let identity = try LogReader.identity(ofLogIn: directory) else {
            throw LogError.refused("the log's begin is not there, and history is made from there")
        }
        if let row = try Row.fetchOne(db, sql: "SELECT log, lsn, checked_lsn, chain FROM progress") {
            if row.bits("log") != identity { throw MustRebuild(reason: "it belongs to another log") }
            return Progress(lsn: row.bits("lsn"), checkedLSN: row.bits("checked_lsn"), chain: row.bits("chain"))
        }
        try db.execute(sql: "INSERT INTO progress VALUES (1, ?, 0, 0, 0)", arguments: [Int64(bitPattern: identity)])
        return Progress(lsn: 0, checkedLSN: 0, chain: 0)
    }

    /// One transaction.
    func write(_ batch: borrowing RowBatch) throws {
        let batch = copy batch
        try pool.writeWithoutTransaction { db in
            try db.inTransaction(.immediate) {
                try writer?.write(batch, db)
                return .commit
            }
        }
    }

    /// Gives the connections back; the last call.
    func close() throws {
        writer = nil
        try pool.close()
    }

    /// Moves what SQLite's write-ahead log holds into the database. What a reader still needs stays for the next time.
    func checkpointIfDue(_ options: HistoryOptions) throws {
        guard written.count >= options.checkpointPages else { return }
        _ = try pool.writeWithoutTransaction { try $0.checkpoint(.passive) }
    }
}
