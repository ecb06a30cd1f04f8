import Core
import History
import Server
import Synchronization

/// How far history is behind the log, and for how long it has been: since it last had everything that was durable when it was looked at. Any thread.
final class HistoryLag: Sendable {
    private let history: History
    private let service: Service
    private struct Mark {
        /// History has to reach this to have caught up with what was there at `since`.
        var lsn: UInt64
        var since: Timestamp
    }
    private let mark: Mutex<Mark?> = Mutex(nil)

    init(_ history: History, _ service: Service) {
        self.history = history
        self.service = service
    }

    func now() -> (records: UInt64, seconds: Int64) {
        let now = service.clock.now()
        let durable = service.log.durableLSN
        let applied = history.appliedLSN
        return mark.withLock { mark in
            if let old = mark, applied >= old.lsn { mark = nil }
            if mark == nil, applied < durable { mark = Mark(lsn: durable, since: now) }
            return (durable > applied ? durable - applied : 0, mark.map { (now - $0.since) / 1_000_000 } ?? 0)
        }
    }
}
