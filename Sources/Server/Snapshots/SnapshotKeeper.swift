import Core
import Glibc
import Logging
import Synchronization
import WAL

/// When a snapshot is made without being asked for: when any of these has come together since the last one. 0: not by that.
package struct SnapshotSchedule: Sendable {
    package var records: UInt64
    package var bytes: UInt64
    package var seconds: Int64
}

/// Makes snapshots of the service's log: when the schedule says so, and when it is asked to. On a thread of its own that leaves the processor to all
/// others; how is in ``SnapshotMaker``. Any thread may call what is not private.
package final class SnapshotKeeper: @unchecked Sendable {
    /// What a request comes to: the newest snapshot's LSN and, when it was made for the request, the report.
    package enum Answer: Sendable {
        case made(SnapshotReport)
        /// There was one of all that is durable.
        case present(lsn: UInt64)
        case failed(Refusal)
    }
    private struct State {
        var requests: [@Sendable (Answer) -> Void] = []
        /// No further ones, and what is being made is given up.
        var isStopping = false
        var figures = Figures()
    }
    package struct Figures: Sendable {
        package var lsn: UInt64 = 0
        package var bytes: UInt64 = 0
        package var microseconds: Int64 = 0
        package var made: UInt64 = 0
        package var failed: UInt64 = 0
        /// Monotonic microseconds of the service's clock.
        package var madeAt: Timestamp = 0
    }
    private struct GivenUp: Error {}

    private let log: Log
    private let clock: ServiceClock
    private let schedule: SnapshotSchedule
    private let logger: Logger
    private let maker: SnapshotMaker<AnyDisk>
    private let state: Mutex<State>
    private let monitor = Monitor()
    private var thread: WAL.Thread?
    // The keeper's thread:
    private var bytesBefore: UInt64 = 0
    private var lastAttempt: Timestamp
    private var hasFailed = false

    private static let tickMilliseconds = 500
    /// glibc's `malloc_trim`, which its module leaves out; other libraries have none.
    private static let trim = dlsym(nil, "malloc_trim").map { unsafeBitCast($0, to: (@convention(c) (Int) -> Int32).self) }
    private static let retryMicros: Timestamp = 60_000_000
    private static let niceness: Int32 = 19

    init(log: Log, clock: ServiceClock, schedule: SnapshotSchedule, keepsSegments: Bool, logger: Logger) {
        self.log = log
        self.clock = clock
        self.schedule = schedule
        self.logger = logger
        lastAttempt = clock.monotonic()
        maker = SnapshotMaker(disk: log.disk, directory: log.directory, keepsSegments: keepsSegments, clock: { clock.monotonic() })
        var begin = State()
        begin.figures.lsn = log.recovery.snapshotLSN
        begin.figures.madeAt = lastAttempt
        state = Mutex(begin)
    }

    /// Whether the data directory's format has snapshots.
    var isSupported: Bool { log.format > DataFormat.logAlone }

    package var figures: Figures { state.withLock { $0.figures } }

    // MARK: Asking

    /// Asks for a snapshot of all that is durable now. `answer` is called once, on any thread.
    func request(_ answer: @escaping @Sendable (Answer) -> Void) {
        guard isSupported else { return answer(.failed(.snapshotFailed("data_format_2_see_cashup_upgrade"))) }
        let isTaken = state.withLock { state in
            if !state.isStopping { state.requests.append(answer) }
            return !state.isStopping
        }
        if !isTaken { return answer(.failed(.draining)) }
        monitor.withLock { monitor.signal() }
    }

    // MARK: Running

    func start() {
        guard isSupported else { return }
        thread = WAL.Thread { [self] in
            WAL.Thread.yieldsTo(others: SnapshotKeeper.niceness)
            while !state.withLock({ $0.isStopping }) {
                if !step() { monitor.withLock { monitor.wait(milliseconds: SnapshotKeeper.tickMilliseconds) } }
            }
        }
    }

    /// Gives up what is being made; who waits for it is told.
    func beginStop() {
        let waiting = state.withLock { state in
            state.isStopping = true
            defer { state.requests = [] }
            return state.requests
        }
        for answer in waiting { answer(.failed(.draining)) }
        monitor.withLock { monitor.signal() }
    }

    func stop() {
        beginStop()
        thread?.join()
        thread = nil
    }

    /// Makes a snapshot if one is asked for or due. Returns whether it did, or tried.
    func step() -> Bool {
        let requests = state.withLock { state in
            defer { state.requests = [] }
            return state.requests
        }
        if requests.isEmpty, !isDue { return false }
        let answer = make()
        // The second state's memory goes back to the system, not to a heap that nobody else needs so large.
        if case .made = answer { _ = SnapshotKeeper.trim?(0) }
        for request in requests { request(answer) }
        return true
    }

    private var isDue: Bool {
        let now = clock.monotonic()
        let newest = figures
        let records = log.durableLSN - min(log.durableLSN, newest.lsn)
        if records == 0 || log.storage != .ok { return false }
        if hasFailed { return now - lastAttempt > SnapshotKeeper.retryMicros }
        if schedule.records > 0, records >= schedule.records { return true }
        if schedule.bytes > 0, log.written.bytes - bytesBefore >= schedule.bytes { return true }
        return schedule.seconds > 0 && now - newest.madeAt >= schedule.seconds * 1_000_000
    }

    private func make() -> Answer {
        lastAttempt = clock.monotonic()
        let bytes = log.written.bytes
        let durable = log.durableLSN
        do {
            let report = try maker.make(upTo: durable) { [self] in
                if state.withLock({ $0.isStopping }) { throw GivenUp() }
            }
            hasFailed = false
            bytesBefore = bytes
            guard let report else {
                // It may be of an attempt that failed after it had its name: not known here, it would be asked for for ever.
                state.withLock { state in
                    state.figures.lsn = durable
                    state.figures.madeAt = lastAttempt
                }
                return .present(lsn: durable)
            }
            for warning in report.warnings { logger.warning("\(warning)") }
            logger.info(
                "snapshot of LSN \(report.lsn): \(report.orders) orders, \(report.bytes) bytes, \(Double(report.microseconds) / 1_000_000) s\(report.segmentsRetired > 0 ? "; \(report.segmentsRetired) segments put away" : "")"
            )
            state.withLock { state in
                state.figures.lsn = report.lsn
                state.figures.bytes = report.bytes
                state.figures.microseconds = report.microseconds
                state.figures.made += 1
                state.figures.madeAt = lastAttempt
            }
            return .made(report)
        } catch is GivenUp {
            return .failed(.draining)
        } catch {
            hasFailed = true
            state.withLock { $0.figures.failed += 1 }
            logger.error("no snapshot was made: \(error). What was there is as it was; the next attempt is in a minute, or when it is asked for")
            if case LogError.noSpace = error { return .failed(.snapshotFailed("no_space")) }
            return .failed(.snapshotFailed("see_the_service's_log"))
        }
    }
}
