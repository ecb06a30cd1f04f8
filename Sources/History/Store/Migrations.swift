import GRDB

/// Takes a database from one version of the schema to another, a transaction per version. `PRAGMA user_version` is the version it has.
enum Migrations {
    /// - Throws: ``HistoryError/newerSchema(found:known:)``, `notHistory` for a file of something else; `DatabaseError`.
    static func version(_ db: Database) throws -> Int {
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        let application = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        if application != Schema.applicationID {
            let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            guard tables == 0, version == 0, application == 0 else { throw HistoryError.notHistory }
        }
        if version > Schema.latest { throw HistoryError.newerSchema(found: version, known: Schema.latest) }
        return version
    }

    /// - Parameter report: called before each step: the version it comes to, whether up, and what that version is.
    static func migrate(
        _ db: Database, to target: Int, report: (_ number: Int, _ isUp: Bool, _ summary: String) -> Void = { _, _, _ in }
    ) throws {
        var version = try version(db)
        while version != target {
            let isUp = version < target
            let step = Schema.versions[isUp ? version : version - 1]
            let next = isUp ? version + 1 : version - 1
            report(step.number, isUp, step.summary)
            try db.inTransaction(.immediate) {
                for sql in isUp ? step.up : step.down { try db.execute(sql: sql) }
                try db.execute(sql: "PRAGMA user_version = \(next)")
                try db.execute(sql: "PRAGMA application_id = \(next == 0 ? 0 : Schema.applicationID)")
                return .commit
            }
            version = next
        }
    }
}
