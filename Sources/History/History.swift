import Core
import Foundation
import GRDB
import Logging
import Server
import Synchronization
import WAL

/// Closed orders, trades, the ledger and administrative actions in a SQLite database beside the log, for queries.
///
/// A thread of its own follows the durable log with shards of its own (``Ingest``) and stores rows together with the LSN they come from in
/// one transaction: each record's rows are there exactly once, however often the process is killed, and a lost database is made again.
/// The order path only rings a ``Bell``; history takes no lock of the loops or the log. Queries run on connections of their own.
///
/// Any thread may call everything here.
package final class History: Companion {
    package enum State: Sendable, Equatable, CustomStringConvertible {
        /// Reading the log up to where the database is, or behind the log since the start.
        case catchingUp
        /// Has been up to the log's durable end.
        case ready
        /// Stands still, and why. Tries again by itself unless the reason needs a person.
        case failed(String)

        package var description: String {
            switch self {
            case .catchingUp: "catching up"
            case .ready: "ready"
            case .failed(let reason): "failed: \(reason)"
            }
        }
    }

    struct Shared: ~Copyable {
        var state = State.catchingUp
        var pool: DatabasePool?
        var isStarted = false
        var waiters: [Int: (lsn: UInt64, continuation: CheckedContinuation<Bool, Never>)] = [:]
        var lastWaiter = 0
    }

    let directory: String
    let log: Log
    let bell: Bell
    let logger: Logger
    let options: HistoryOptions
    let shared = Mutex(Shared())
    let isStopped = Atomic<Bool>(false)
    let waiterCount = Atomic<Int>(0)
    private let applied = Atomic<UInt64>(0)
    private let thread = Mutex<WAL.Thread?>(nil)

    private init(directory: String, log: Log, bell: Bell, logger: Logger, options: HistoryOptions) {
        self.directory = directory
        self.log = log
        self.bell = bell
        self.logger = logger
        self.options = options
    }

    /// History of the log, in its directory. Reads and writes nothing before ``start()``.
    /// - Parameter bell: rung when the log's durable end moves.
    package static func open(
        directory: String, log: Log, bell: Bell, logger: Logger, options: HistoryOptions = HistoryOptions()
    ) -> History {
        History(directory: directory, log: log, bell: bell, logger: logger, options: options)
    }

    /// Starts the thread; returns at once. What goes wrong from here on is logged and in ``state``.
    package func start() {
        let isFirst = shared.withLock { shared in
            defer { shared.isStarted = true }
            return !shared.isStarted
        }
        if !isFirst { return }
        let thread = WAL.Thread { [self] in
            WAL.Thread.yieldsTo(others: options.niceness)
            Ingest(self).run()
        }
        self.thread.withLock { $0 = thread }
    }

    /// Ends the thread with its last transaction, then the connections. What is not written yet comes at the next start.
    package func stop() async {
        isStopped.store(true, ordering: .sequentiallyConsistent)
        bell.wake()
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        if let thread {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    thread.join()
                    continuation.resume()
                }
            }
        }
        let pool = shared.withLock { shared in
            defer { shared.pool = nil }
            return shared.pool
        }
        do { try pool?.close() } catch { logger.warning("history: closing its database: \(error)") }
        release(upTo: 0, all: true)
    }

    // MARK: Where it is

    /// Rows of all records up to this LSN can be read.
    package var appliedLSN: UInt64 { applied.load(ordering: .acquiring) }

    /// How many durable records are not applied yet.
    package var lagRecords: UInt64 {
        let (done, durable) = (appliedLSN, log.durableLSN)
        return durable > done ? durable - done : 0
    }

    package var state: State { shared.withLock { $0.state } }

    /// Waits until everything up to `lsn` can be read; false when that takes longer than `timeout`, or history stops.
    package func wait(for lsn: UInt64, timeout: Duration) async -> Bool {
        if appliedLSN >= lsn { return true }
        if isStopped.load(ordering: .sequentiallyConsistent) { return false }
        let number = shared.withLock { shared in
            shared.lastWaiter += 1
            return shared.lastWaiter
        }
        let timer = Task {
            try await Task.sleep(for: timeout)
            resume(number, false)
        }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                shared.withLock { $0.waiters[number] = (lsn, continuation) }
                waiterCount.add(1, ordering: .sequentiallyConsistent)
                bell.wake()
                // It may have come up to there, stopped or been cancelled in between.
                if appliedLSN >= lsn { resume(number, true) }
                if isStopped.load(ordering: .sequentiallyConsistent) || Task.isCancelled { resume(number, false) }
            }
        } onCancel: {
            resume(number, false)
        }
    }

    private func resume(_ number: Int, _ result: Bool) {
        guard let waiter = shared.withLock({ $0.waiters.removeValue(forKey: number) }) else { return }
        waiterCount.subtract(1, ordering: .sequentiallyConsistent)
        waiter.continuation.resume(returning: result)
    }

    // MARK: For Ingest

    func setState(_ state: State) { shared.withLock { $0.state = state } }

    func setApplied(_ lsn: UInt64) {
        applied.store(lsn, ordering: .sequentiallyConsistent)
        if waiterCount.load(ordering: .sequentiallyConsistent) > 0 { release(upTo: lsn, all: false) }
    }

    private func release(upTo lsn: UInt64, all: Bool) {
        let done = shared.withLock { shared in shared.waiters.filter { all || $0.value.lsn <= lsn }.map(\.key) }
        for number in done { resume(number, !all) }
    }
}
