/// What may be tuned of history; the values are those measured in docs/HISTORY.md.
package struct HistoryOptions: Sendable {
    /// Rows after which a transaction ends.
    package var rowsPerTransactionMax = 20_000
    /// Between two transactions while nobody waits: few large ones cost less than many small ones.
    package var pauseMilliseconds = 20
    /// Pages (4 KiB) in SQLite's write-ahead log after which they are moved into the database.
    package var checkpointPages = 4_096
    /// Of the thread, 0 to 19: how readily it leaves the processor to others.
    package var niceness: Int32 = 10
    /// Free space of the file system below which nothing is written: the log must never lack the room.
    package var freeBytesMin: UInt64 = 512 << 20
    /// What the writing connection keeps in memory, KiB.
    package var writerCacheKiB = 64 << 10
    /// What each reading connection keeps in memory, KiB.
    package var readerCacheKiB = 16 << 10
    package var readersMax = 3
    /// A query that takes longer ends with ``HistoryError/busy``.
    package var querySecondsMax = 10.0
    /// How long a connection waits for a lock of another program's.
    package var busySeconds = 5.0
    /// After a failure, before the next attempt.
    package var retryMilliseconds = 5_000

    package init() {}
}
