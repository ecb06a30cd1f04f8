import Core
import Synchronization

/// The write-ahead log as the service has it, on whichever disk.
public typealias Log = DiskLog<AnyDisk>

/// The write-ahead log of a data directory: seals batches of records, writes them as frames, says when they are durable.
///
/// ``seal(_:)`` and ``commit()`` are for any number of threads at once. The end of the log belongs to whoever holds the
/// token, an atomic flag: that thread writes the longest gapless run of batches as one frame, syncs it, publishes the
/// durable LSN and gives the token back. With one thread `commit` returns when its batch is durable.
public final class DiskLog<D: Disk>: @unchecked Sendable {
    /// One more with each start. The numbers of this run's sessions are `epoch << 32 | n`.
    public let epoch: UInt32
    /// LSN of the first record there was at the start, archived ones included.
    public let oldestLSN: UInt64
    /// Of the data directory: ``DataFormat``.
    public let format: Int
    public var directory: String { locked.path }
    public let recovery: RecoveryReport

    /// Called with the durable LSN after it advanced, by the thread that wrote the frame, without the token; by several
    /// threads at once when several commit. Set once, before the first ``seal(_:)``.
    public var onDurable: (@Sendable (UInt64) -> Void)?

    /// Test seam: called between the two steps of sealing, where other threads see a gap. Set once, before the first ``seal(_:)``.
    package var whileSealing: (@Sendable () -> Void)?

    package let disk: D
    private let locked: DataDirectory<D>
    private let keeper: SpareKeeper<D>
    private let sessions: SessionTable
    private let options: LogOptions
    private let onFatal: @Sendable (LogError) -> Void

    private let sealed: Atomic<UInt64>
    private let durable: Atomic<UInt64>
    private let queue = BatchQueue()
    private let tokenTaken = Atomic<Bool>(false)
    private let tail: LogTail<D>  // the token's
    private let failed = Atomic<Bool>(false)

    private let logThread = LogThread()

    init(
        disk: D, directory: DataDirectory<D>, format: Int, options: LogOptions, keeper: SpareKeeper<D>, sessions: SessionTable,
        tail: LogTail<D>, oldestLSN: UInt64, recovery: RecoveryReport
    ) {
        self.disk = disk
        self.options = options
        locked = directory
        self.keeper = keeper
        self.sessions = sessions
        self.tail = tail
        self.oldestLSN = oldestLSN
        self.format = format
        self.recovery = recovery
        epoch = tail.epoch
        onFatal = options.onFatal
        sealed = Atomic(recovery.lastLSN)
        durable = Atomic(recovery.lastLSN)
    }

    // MARK: Sessions

    /// Makes a session known, before the first batch with its number is sealed.
    public func register(_ session: SessionInfo) { sessions.register(session) }

    /// Says that no batch sealed from now on has this session's number.
    public func forget(session: UInt64) { sessions.forget(session, sealedLSN: sealedLSN) }

    // MARK: Group commit

    /// LSN of the last record of any batch sealed: what an answer must wait for, if it rests on what is in memory now.
    public var sealedLSN: UInt64 { sealed.load(ordering: .acquiring) }

    /// Everything up to this LSN is on the disk.
    public var durableLSN: UInt64 { durable.load(ordering: .acquiring) }

    /// Gives the batch its LSNs, by one atomic addition, and queues it. An empty batch stays with the caller.
    /// - Returns: the LSN of its last record; of an empty one, ``sealedLSN``.
    @discardableResult
    public func seal(_ batch: Batch) -> UInt64 {
        if batch.recordCount == 0 { return sealedLSN }
        assignLSNs(batch)
        whileSealing?()
        enqueue(batch)
        return batch.lastLSN
    }

    // The two steps of sealing, apart for the tests: between them another thread sees a gap.
    package func assignLSNs(_ batch: Batch) {
        let count = UInt64(batch.recordCount)
        batch.sealedAt = monotonicNanoseconds()
        batch.firstLSN = sealed.add(count, ordering: .sequentiallyConsistent).oldValue + 1
    }

    package func enqueue(_ batch: Batch) { queue.push(batch) }

    /// Writes what is complete, unless another thread is at it, who then does. A gap waits for the thread that will queue
    /// the missing batch and then commits itself.
    public func commit() {
        while let more = commitOnce() {
            // Look once more, after giving the token back: a batch pushed while the token was held found it taken.
            // Push then try the token here, give the token back then look there; both sequentially consistent, so at
            // least one of the two threads sees the other.
            if !more, queue.isEmpty { return }
            if logThread.wake() { return }
        }
    }

    /// The same on the log thread, so that the caller goes on while the disk works. Without a log thread it is ``commit()``.
    public func commitSoon() {
        if !logThread.wake() { commit() }
    }

    /// - Returns: whether more is complete; `nil` when another thread holds the token.
    private func commitOnce() -> Bool? {
        guard !tokenTaken.exchange(true, ordering: .sequentiallyConsistent) else { return nil }
        let written: LogTail<D>.Written
        do {
            written = try tail.writeRun(from: queue)
        } catch {
            fail(error)
            return nil
        }
        // The batches written are their owners' again from here on: the tail has let go of them.
        let lsn = tail.end.nextLSN - 1
        if written != .nothing { durable.store(lsn, ordering: .releasing) }
        tokenTaken.store(false, ordering: .sequentiallyConsistent)
        if written != .nothing { onDurable?(lsn) }
        return written == .frame(moreComplete: true)
    }

    /// The token is not given back: after a failed write or sync the page cache may hold what the disk does not, so a
    /// later sync that succeeds proves nothing, and nothing more may be acknowledged (PostgreSQL's "fsyncgate", 2018).
    private func fail(_ error: any Error) {
        failed.store(true, ordering: .sequentiallyConsistent)
        onFatal(error as? LogError ?? .refused("\(error)"))
    }

    /// Whether a write or a sync has failed, so that nothing will ever be durable again.
    package var hasFailed: Bool { failed.load(ordering: .sequentiallyConsistent) }

    /// Gives up for good, for a reason that the log itself cannot see.
    package func stopForGood(_ error: LogError) { fail(error) }

    /// With ``LogOptions/Background/stepped``: does one piece of the work of the log's own threads.
    /// - Returns: whether there was something to do.
    package func runCommitStep() -> Bool { logThread.step() }
    package func runKeeperStep() -> Bool { keeper.step() }

    /// Starts a thread that writes what loops leave complete, so that no loop writes for the others without end.
    /// For more than one loop; with one it would cost a wake-up of another core per commit.
    public func startLogThread() {
        logThread.start(options.background) { [self] in
            while let more = commitOnce(), more || !queue.isEmpty {}
        }
    }

    // MARK: Space

    /// Whether there is room. Callers ask before they decide a command; ``commit()`` writes what was sealed all the same.
    public var storage: StorageState {
        if !keeper.isFailing.load(ordering: .relaxed) { return .ok }
        let free = Int(tail.bytesLeft.load(ordering: .relaxed)) + (sparesReady - sparesOfStart) * Int(options.segmentBytes)
        return free < Int(min(1 << 20, options.segmentBytes / 8)) ? .full : keeper.outOfSpace.load(ordering: .relaxed) ? .reserved : .ok
    }

    /// Spares that have their blocks on the disk; the next few of them also have their zeros.
    public var sparesReady: Int { keeper.count.load(ordering: .relaxed) }

    /// Says how many orders are open: for each, room for a cancel and a fill is kept.
    public func reserveBytes(openOrders: Int) {
        let bytes = openOrders * 64
        keeper.want(options.spares + (bytes + Int(options.segmentBytes) - 1) / Int(options.segmentBytes))
    }

    /// Frames and their bytes written since the start, the epoch's first included: commits, and what they cost on the disk.
    public var written: (frames: UInt64, bytes: UInt64) {
        (tail.framesWritten.load(ordering: .relaxed), tail.bytesWritten.load(ordering: .relaxed))
    }

    /// What a commit takes. Any thread may look.
    package var times: LogTimes { tail.times }

    // MARK: Snapshots

    /// LSN of the newest snapshot that is not past `lsn`, by its name; 0: there is none.
    package func snapshotLSN(upTo lsn: UInt64) -> UInt64 {
        ((try? snapshotNames(disk, directory)) ?? []).first { $0.lsn <= lsn }?.lsn ?? 0
    }

    /// LSN of the first change that can be followed: of the log's first record if that is there, else of the one after the oldest snapshot.
    package var oldestFollowed: UInt64 {
        if let first = try? segmentPlaces(disk, directory).first, first.name.number == 1 { return 1 }
        return ((try? snapshotNames(disk, directory)) ?? []).last.map { $0.lsn + 1 } ?? oldestLSN
    }

    // MARK: End

    /// Clean stop: writes everything queued, a closing frame, and cuts the segment to its last frame. All loops must have
    /// sealed and committed for the last time.
    public func close() {
        logThread.stop()
        while tokenTaken.exchange(true, ordering: .sequentiallyConsistent) {
            if failed.load(ordering: .sequentiallyConsistent) { return abandon() }
            yieldThread()
        }
        do {
            while try tail.writeRun(from: queue) != .nothing {}
            invariant(tail.isDrained, "at a clean stop no batch is between its LSN and the queue")
            try tail.closeClean()
            durable.store(tail.end.nextLSN - 1, ordering: .releasing)
        } catch {
            fail(error)
        }
        release()
    }

    /// Lets go of everything and writes nothing: what a crash leaves behind. For tests, and after a failure.
    package func abandon() {
        logThread.stop()
        _ = tokenTaken.exchange(true, ordering: .sequentiallyConsistent)
        release()
    }

    private func release() {
        keeper.stop()
        tail.closeFile()
        locked.unlock()
    }
}

/// Spares that the next start may need: one for the copy of the last segment, one for its own.
let sparesOfStart = 2
