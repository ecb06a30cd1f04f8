import Core
import Synchronization

/// One turn's records of one event loop: open for appending, then sealed by the log, then, once durable, used again.
///
/// Owned by one thread at a time: the loop that fills it; from ``DiskLog/seal(_:)`` on the log, until the log is durable to
/// ``lastLSN``; then the loop again. ``BatchPool`` keeps that rule.
public final class Batch: @unchecked Sendable {
    /// The records, encoded. The codec's context restarts with each batch.
    @exclusivity(unchecked) public var bytes = GrowableBytes(capacity: 16 << 10)
    /// Records in ``bytes``. Computed: another module checks each access of a stored property for exclusivity, which costs more than a call.
    public var recordCount: Int {
        get { records }
        set { records = newValue }
    }
    @exclusivity(unchecked) private var records = 0
    /// Numbers of the sessions that caused records of this batch; 0, the service itself, is not listed.
    @exclusivity(unchecked) public private(set) var sessions: [UInt64] = []
    /// LSN of the first record; 0 until the batch is sealed.
    @exclusivity(unchecked) public internal(set) var firstLSN: UInt64 = 0
    /// LSN of the last record of a sealed batch.
    public var lastLSN: UInt64 { firstLSN + UInt64(recordCount) - 1 }

    /// When it was sealed, ``monotonicNanoseconds()``.
    @exclusivity(unchecked) var sealedAt: UInt64 = 0
    /// The batch below this one in the log's stack of batches queued.
    @exclusivity(unchecked) var below: UnsafeMutableRawPointer?
    @exclusivity(unchecked) private var lastNoted: UInt64 = 0

    public init() {}

    /// Says that a record of this batch was caused by this session.
    @inline(__always)
    public func note(session: UInt64) {
        if session != lastNoted { noteAnother(session) }
    }

    @inline(never)
    private func noteAnother(_ session: UInt64) {
        lastNoted = session
        if session != 0, !sessions.contains(session) { sessions.append(session) }
    }

    /// Empties the batch for the next turn. Only its owner may.
    public func reset() {
        bytes.removeAll()
        recordCount = 0
        sessions.removeAll(keepingCapacity: true)
        firstLSN = 0
        lastNoted = 0
    }
}

/// The batches of one event loop: hands out an empty one, takes back the sealed one. Owned by the loop's thread.
public final class BatchPool {
    private var sealed: [Batch] = []
    private var free: [Batch] = []

    public init() {}

    /// An empty batch: one whose records are durable, or a new one while all others are on their way to the disk.
    public func take(durableLSN: UInt64) -> Batch {
        var written = 0
        while written < sealed.count, sealed[written].lastLSN <= durableLSN { written += 1 }
        if written > 0 {
            free.append(contentsOf: sealed[0..<written])
            sealed.removeFirst(written)
        }
        guard let batch = free.popLast() else { return Batch() }
        batch.reset()
        return batch
    }

    /// Gives a sealed batch back. In the order sealed.
    public func put(_ batch: Batch) {
        invariant(batch.firstLSN != 0, "a batch given back to its pool is sealed")
        sealed.append(batch)
    }
}

/// Batches sealed and not yet taken by the holder of the log's token: a stack without locks (R. K. Treiber, 1986).
/// Any thread pushes; only whole contents are taken, so the ABA problem of popping does not arise.
struct BatchQueue: ~Copyable {
    private let top = Atomic<UnsafeMutableRawPointer?>(nil)

    borrowing func push(_ batch: Batch) {
        let node = Unmanaged.passRetained(batch).toOpaque()
        var seen = top.load(ordering: .relaxed)
        while true {
            batch.below = seen
            let (exchanged, original) = top.compareExchange(expected: seen, desired: node, ordering: .sequentiallyConsistent)
            if exchanged { return }
            seen = original
        }
    }

    var isEmpty: Bool { top.load(ordering: .sequentiallyConsistent) == nil }

    /// Moves everything queued to the end of `batches`, oldest push first.
    borrowing func takeAll(into batches: inout [Batch]) {
        var node = top.exchange(nil, ordering: .sequentiallyConsistent)
        let start = batches.count
        while let raw = node {
            let batch = Unmanaged<Batch>.fromOpaque(raw).takeRetainedValue()
            node = batch.below
            batch.below = nil
            batches.append(batch)
        }
        batches[start...].reverse()
    }
}
