import Core
import Foundation
import GRDB
import Logging
import WAL

/// The database cannot be gone on with: it is put aside and made again from the log.
struct MustRebuild: Error { var reason: String }

/// The thread's work: log to rows to transactions, until history stops.
///
/// Exactly once: a transaction holds the rows of whole records and the LSN of the last of them. After a kill at any moment the database has
/// a prefix of the log's rows and its LSN; the replay makes rows only of what comes after. Only durable records are read, so the
/// database is never ahead of what a crash leaves of the log. What fails is tried again with the same rows.
///
/// The same log: `progress` keeps the salt of the log's first epoch and the chain value of a frame; a replay must pass by that value at that LSN.
/// So a database of another log, or of this one before records were cut off it, is found out and made again.
final class Ingest {
    private let history: History
    private let path: String
    private var logger: Logger { history.logger }
    private var options: HistoryOptions { history.options }
    private let written = WrittenPages()
    private var rebuilds = 0
    private static let rebuildsMax = 3

    private struct Stopped: Error {}

    init(_ history: History) {
        self.history = history
        path = HistoryFile.path(in: history.directory)
    }

    private var isStopped: Bool { history.isStopped.load(ordering: .sequentiallyConsistent) }

    func run() {
        while !isStopped {
            do {
                try follow()
            } catch is Stopped {
                return
            } catch let error as MustRebuild {
                rebuild(error.reason)
            } catch let error as DatabaseError where Ingest.isDamage(error) {
                rebuild("its file is damaged (\(error.message ?? "\(error.resultCode)"))")
            } catch let error as HistoryError {
                // Needs a person: the newer program, or another place for a file that is not ours.
                fail("\(path): \(error)")
                return
            } catch {
                fail("\(error)")
                closePool()
                pause()
            }
        }
    }

    private static func isDamage(_ error: DatabaseError) -> Bool {
        [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode.primaryResultCode)
    }

    private func fail(_ reason: String) {
        // Said once per reason, not once per attempt.
        if history.state != .failed(reason) { logger.error("history stands still, the service goes on: \(reason)") }
        history.setState(.failed(reason))
    }

    private func pause() {
        let end = DispatchTime.now() + .milliseconds(options.retryMilliseconds)
        while !isStopped, DispatchTime.now() < end { history.bell.pause(milliseconds: 200) }
    }

    private func closePool() {
        let pool = history.shared.withLock { shared in
            defer { shared.pool = nil }
            return shared.pool
        }
        try? pool?.close()
    }

    private func rebuild(_ reason: String) {
        rebuilds += 1
        closePool()
        if rebuilds > Ingest.rebuildsMax {
            fail("\(reason), and it was made again \(Ingest.rebuildsMax) times since the start; look at the disk")
            pause()
        }
        logger.warning("history is made again from the log, and the old one kept as history.sqlite.old: \(reason)")
        history.setState(.catchingUp)
        history.setApplied(0)
        do { try HistoryFile.putAside(path) } catch {
            fail("cannot put \(path) aside: \(error)")
            pause()
        }
    }

    // MARK: Open

    private func follow() throws {
        try checkRoom()
        let pool = try HistoryFile.openPool(path, options: options, written: written)
        let (store, progress, strategies) = try Store.open(pool, directory: history.directory, written: written) { [logger] in
            logger.info("history: schema version \($0), \($1)")
        }
        if progress.lsn > history.log.durableLSN {
            throw MustRebuild(reason: "it has records up to LSN \(progress.lsn), the log ends at LSN \(history.log.durableLSN)")
        }
        history.shared.withLock { $0.pool = pool }
        let feed = LogFeed(
            reader: try LogReader(directory: history.directory, from: 1),
            collector: Collector(writtenLSN: progress.lsn, strategies: strategies))
        try replay(progress, feed)
        history.setApplied(progress.lsn)
        try go(on: feed, store)
    }

    /// Brings the shards up to the frame whose chain value is known, which must be the log's.
    private func replay(_ progress: Progress, _ feed: LogFeed) throws {
        let began = DispatchTime.now()
        while feed.reader.place.lsn < progress.checkedLSN {
            if isStopped { throw Stopped() }
            try feed.read(upTo: min(progress.checkedLSN, feed.reader.place.lsn + Ingest.replayStep))
        }
        // Sessions of frames that are written; those of the next one come again.
        feed.collector.batch.removeAll()
        if progress.checkedLSN > 0, feed.reader.place != (progress.checkedLSN, progress.chain) {
            throw MustRebuild(reason: "at LSN \(progress.checkedLSN) the log is another than it was: it was cut, or restored from a backup")
        }
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - began.uptimeNanoseconds) / 1e9
        if progress.lsn > 0 { logger.info("history: at LSN \(progress.lsn), replayed in \((seconds * 1_000).rounded() / 1_000) s") }
    }
    private static let replayStep: UInt64 = 100_000

    // MARK: Follow

    private func go(on feed: LogFeed, _ store: Store) throws {
        let (reader, collector) = (feed.reader, feed.collector)
        while true {
            if isStopped { throw Stopped() }
            let durable = history.log.durableLSN
            if reader.place.lsn >= durable {
                if history.state != .ready {
                    history.setState(.ready)
                    logger.info("history: ready at LSN \(history.appliedLSN)")
                }
                history.bell.sleep { [self] in history.log.durableLSN > reader.place.lsn || isStopped }
                continue
            }
            try feed.read(upTo: min(durable, reader.place.lsn + Ingest.stepRecords)) {
                // A frame may hold hundreds of thousands of records.
                if collector.batch.rows >= options.rowsPerTransactionMax { try write(feed, store) }
            }
            try write(feed, store)
            if history.waiterCount.load(ordering: .sequentiallyConsistent) == 0, history.log.durableLSN - reader.place.lsn < Ingest.stepRecords {
                history.bell.pause(milliseconds: options.pauseMilliseconds)
            }
        }
    }
    private static let stepRecords: UInt64 = 20_000

    /// Writes the batch, again and again while the disk or SQLite refuses.
    private func write(_ feed: LogFeed, _ store: Store) throws {
        let collector = feed.collector
        if collector.batch.lsn <= collector.writtenLSN { return }
        // The last frame read to its end, also in the middle of the next.
        collector.batch.place = feed.reader.place
        while true {
            do {
                try checkRoom()
                try store.write(collector.batch)
                break
            } catch let error as DatabaseError where !Ingest.isDamage(error) {
                fail("its database cannot be written: \(error.message ?? "\(error.resultCode)")")
            } catch let error as NoRoom {
                fail(error.description)
            }
            pause()
            if isStopped { throw Stopped() }
        }
        if case .failed = history.state {
            logger.notice("history goes on")
            history.setState(.catchingUp)
        }
        history.setApplied(collector.batch.lsn)
        collector.batch.removeAll()
        try store.checkpointIfDue(options)
    }

    private struct NoRoom: Error, CustomStringConvertible { var description: String }

    /// The log goes first: history leaves it the last of the disk.
    private func checkRoom() throws {
        var info = statvfs()
        guard statvfs(history.directory, &info) == 0 else { return }
        let free = UInt64(info.f_bavail) * UInt64(info.f_frsize)
        if free < options.freeBytesMin {
            throw NoRoom(description: "less than \(options.freeBytesMin >> 20) MiB are free on its disk, and the log needs them more")
        }
    }
}
