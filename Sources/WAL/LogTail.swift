import Core
import Synchronization

/// The end of the log: the segment being written and the batches waiting for it. Everything here belongs to the holder of
/// the log's token, except what says otherwise.
final class LogTail<D: Disk> {
    private let disk: D
    private let directory: DataDirectory<D>
    private let keeper: SpareKeeper<D>
    private let sessions: SessionTable
    private let encoder: FrameEncoder
    private let frameBytesMax: Int
    let epoch: UInt32
    private let salt: UInt64

    private let writer: SegmentWriter<D>
    private var segmentBytes: UInt64 = 0
    private(set) var end: RunEnd
    private var arrived: [Batch] = []
    private var pending: [Batch] = []  // sorted by firstLSN, may have gaps

    /// Room left in the segment. Read by anyone.
    let bytesLeft = Atomic<UInt64>(0)
    let times = LogTimes()
    /// Since the start. Read by anyone.
    let framesWritten = Atomic<UInt64>(0)
    let bytesWritten = Atomic<UInt64>(0)

    init(
        disk: D, directory: DataDirectory<D>, options: LogOptions, keeper: SpareKeeper<D>, sessions: SessionTable, after end: RunEnd
    ) {
        self.disk = disk
        self.directory = directory
        self.keeper = keeper
        self.sessions = sessions
        self.end = end
        encoder = FrameEncoder(level: options.compressionLevel, rawBytesMax: options.rawBytesMax)
        frameBytesMax = options.frameBytesMax
        writer = SegmentWriter(disk)
        epoch = end.epoch + 1
        salt = options.randomSalt()
    }

    /// Opens the epoch: a new segment and in it a frame that makes the epoch durable.
    func openEpoch() throws {
        try beginSegment(bytes: UInt64(FrameHeader.size))
        try write([], flags: FrameHeader.opensEpoch)
    }

    enum Written: Equatable {
        case nothing
        case frame(moreComplete: Bool)
    }

    /// Writes the longest gapless run of batches that continues the log, as one frame, and syncs it.
    func writeRun(from queue: borrowing BatchQueue) throws -> Written {
        queue.takeAll(into: &arrived)
        for batch in arrived {
            var i = pending.count
            while i > 0, pending[i - 1].firstLSN > batch.firstLSN { i -= 1 }
            pending.insert(batch, at: i)
        }
        arrived.removeAll(keepingCapacity: true)
        var count = 0
        var bytes = 0
        let firstLSN = end.nextLSN
        var next = firstLSN
        while count < pending.count, pending[count].firstLSN == next, count == 0 || bytes + pending[count].bytes.count <= frameBytesMax {
            bytes += pending[count].bytes.count
            next += UInt64(pending[count].recordCount)
            count += 1
        }
        if count == 0 { return .nothing }
        invariant(bytes < 1 << 31 && next - end.nextLSN < 1 << 31, "a frame's sizes fit their fields")
        try write(pending[..<count], flags: 0)
        let durable = monotonicNanoseconds()
        for batch in pending[..<count] { times.sync.observe(durable &- batch.sealedAt, weight: UInt64(batch.recordCount)) }
        times.frameRecords.observe(next - firstLSN)
        pending.removeFirst(count)
        return .frame(moreComplete: pending.first.map { $0.firstLSN == next } ?? false)
    }

    var isDrained: Bool { pending.isEmpty }

    /// Ends the log for a clean stop: a closing frame that claims all records, and the segment cut to its last frame.
    func closeClean() throws {
        try write([], flags: FrameHeader.cleanStop)
        try writer.truncate(end.offset)
    }

    func closeFile() { writer.close() }

    /// Writes and syncs. When either fails nobody knows what is on the disk: the caller must stop for good.
    private func write(_ batches: ArraySlice<Batch>, flags: UInt16) throws {
        var header = FrameHeader()
        header.flags = flags
        header.epoch = epoch
        header.salt = salt
        header.segment = end.segment
        header.offset = end.offset
        header.frame = end.frame + 1
        header.firstLSN = end.nextLSN
        header.durableLSN = end.nextLSN - 1
        header.durableFrame = end.frame
        header.chain = end.chain
        encoder.encode(&header, batches: batches, sessions: sessions)
        if end.offset + UInt64(encoder.bytes.count) > segmentBytes {
            // For the next segment, which has no session definitions yet, so the frame may grow.
            header.segment += 1
            header.offset = 0
            encoder.encode(&header, batches: batches, sessions: sessions)
            try beginSegment(bytes: UInt64(encoder.bytes.count))
        }
        let begun = monotonicNanoseconds()
        try writer.append(encoder.bytes, at: header.offset)
        times.write.observe(monotonicNanoseconds() &- begun)
        end = RunEnd(after: header)
        bytesLeft.store(segmentBytes - end.offset, ordering: .relaxed)
        framesWritten.add(1, ordering: .relaxed)
        bytesWritten.add(UInt64(encoder.bytes.count), ordering: .relaxed)
    }

    /// Begins the next segment. Must be done only when all before it is durable: its name claims that, and a start takes
    /// a log that ends before the name's LSN for corrupt. And name and directory must be synced before the first frame is
    /// written, else after a crash a frame that was acknowledged may stand in a file nobody finds.
    private func beginSegment(bytes: UInt64) throws {
        let spare = try keeper.take(bytes: bytes)
        let name = SegmentName(firstLSN: end.nextLSN, number: end.segment + 1)
        var segment = spare
        segment.path = directory.path + "/" + name.file
        try disk.check(disk.rename(spare.path, segment.path), "rename", spare.path)
        try directory.sync()
        if let full = writer.begin(segment) { keeper.seal(full, validBytes: end.offset) }
        segmentBytes = segment.bytes
        end.segment = name.number
        end.offset = 0
    }
}
