import Dispatch
import Foundation
import GRDB
import GRDBSQLite

extension History {
    /// Most rows of one answer.
    package static let rowsMax = 1_000

    /// Runs a query on a connection of its own, on one state of the database.
    /// - Throws: ``HistoryError``: `busy` when it takes longer than it may, `unavailable` when the database is not open; `DatabaseError`.
    func query<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        let (pool, state) = shared.withLock { ($0.pool, $0.state) }
        guard let pool else { throw HistoryError.unavailable("history: \(state)") }
        let nanoseconds = UInt64(options.querySecondsMax * 1e9)
        do {
            return try await pool.read { db in
                try QueryDeadline(DispatchTime.now().uptimeNanoseconds + nanoseconds).watch(db) { try body(db) }
            }
        } catch let error as DatabaseError where error.resultCode.primaryResultCode == .SQLITE_INTERRUPT {
            throw HistoryError.busy
        } catch let error as DatabaseError where error.resultCode.primaryResultCode == .SQLITE_MISUSE {
            // Closed in between: it is being made again, or history stops.
            throw HistoryError.unavailable("history: \(self.state)")
        }
    }
}

/// Ends a query that runs past its time.
private final class QueryDeadline {
    private let nanoseconds: UInt64
    /// Steps of SQLite's machine between two looks at the clock, some tenths of a millisecond.
    private static let steps: Int32 = 20_000

    init(_ nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    func watch<T>(_ db: Database, _ body: () throws -> T) rethrows -> T {
        sqlite3_progress_handler(
            db.sqliteConnection, QueryDeadline.steps,
            { context in
                let deadline = Unmanaged<QueryDeadline>.fromOpaque(context!).takeUnretainedValue()
                return DispatchTime.now().uptimeNanoseconds > deadline.nanoseconds ? 1 : 0
            }, Unmanaged.passUnretained(self).toOpaque())
        defer { sqlite3_progress_handler(db.sqliteConnection, 0, nil, nil) }
        return try withExtendedLifetime(self, body)
    }
}
