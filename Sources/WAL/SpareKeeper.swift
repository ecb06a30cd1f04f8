import Core
import Glibc
import Synchronization

/// Keeps spares ready, and cuts segments that are full to their last frame, on a thread of its own, so that a commit never
/// waits for either. A file filled with zeros is worth 1.4 to 7 times a growing one per sync.
///
/// Only the next few spares are filled ahead. What is kept beyond them, room for a cancel and a fill of every open order, has its blocks and gets its
/// zeros when its turn comes: filling 64 bytes for each order that opens took a tenth of the processor at a million orders a second.
final class SpareKeeper<D: Disk>: @unchecked Sendable {
    private let disk: D
    private let directory: String
    private let segmentBytes: UInt64
    private let monitor = Monitor()
    private var thread: Thread?

    // Under the monitor.
    private var spares: [SegmentFile] = []
    /// Paths of files of a segment's size that have their blocks and not yet their zeros.
    private var allocated: [String] = []
    private var unzeroed: [String]
    private var full: [(segment: SegmentFile, validBytes: UInt64)] = []
    private var wanted: Int
    /// Spares that are zero-filled ahead, of those wanted.
    private let zeroedMax: Int
    private var nextNumber: UInt64
    private var zerosAreFailing = false
    private var stopping = false

    /// Spares that have their blocks, with zeros or without. Read by anyone.
    let count = Atomic<Int>(0)
    /// Whether the last try to make a spare failed, for any reason. Read by anyone.
    let isFailing = Atomic<Bool>(false)
    /// Whether it found the disk full. Read by anyone.
    let outOfSpace = Atomic<Bool>(false)

    /// - Parameter unzeroed: paths of spares found at start; their content counts as unknown.
    init(disk: D, directory: String, segmentBytes: UInt64, wanted: Int, unzeroed: [String], nextNumber: UInt64) {
        self.disk = disk
        self.directory = directory
        self.segmentBytes = segmentBytes
        self.wanted = wanted
        zeroedMax = wanted
        self.unzeroed = unzeroed
        self.nextNumber = nextNumber
    }

    func start(_ background: LogOptions.Background) {
        if background == .threads { thread = Thread { [self] in run() } }
    }

    /// Ends the thread after what it has in hand, and closes all files.
    func stop() {
        monitor.withLock {
            stopping = true
            monitor.signal()
        }
        thread?.join()
        thread = nil
        // Without a thread nobody has done it.
        while let work = monitor.withLock({ due().work }), case .seal = work { perform(work) }
        monitor.withLock {
            for spare in spares { disk.close(spare) }
            for (segment, _) in full { disk.close(segment) }
            spares = []
            full = []
        }
    }

    /// How many spares to keep ready from now on.
    func want(_ number: Int) {
        monitor.withLock {
            if number > wanted { monitor.signal() }
            wanted = number
        }
    }

    /// A spare of at least so many bytes: one kept ready, or one made now.
    func take(bytes: UInt64) throws -> SegmentFile {
        let ready: SegmentFile? = monitor.withLock {
            guard bytes <= segmentBytes, let spare = spares.popLast() else { return nil }
            noteCount()
            monitor.signal()
            return spare
        }
        return try ready ?? make(bytes: max(bytes, segmentBytes))
    }

    /// Takes over a segment after which another has been begun.
    func seal(_ segment: SegmentFile, validBytes: UInt64) {
        monitor.withLock {
            full.append((segment, validBytes))
            monitor.signal()
        }
    }

    /// A path for a new spare that nobody has.
    func newPath() -> String {
        monitor.withLock {
            defer { nextNumber += 1 }
            return "\(directory)/spare-\(nextNumber).tmp"
        }
    }

    /// An open file whose content nobody needs: a spare to be zeroed, or for a start to write its copy into. A file that
    /// has another name too is somebody's, a backup's of hard links say, and only loses this one.
    func takeUnzeroed() throws -> (file: Int32, path: String)? {
        while let path = monitor.withLock({ unzeroed.popLast() }) {
            let file: Int32
            do {
                file = try disk.openFile(path, .write)
            } catch LogError.io(_, _, let number) where number == ENOENT {
                continue
            } catch {
                recycle(path)
                throw error
            }
            if disk.linkCount(file) == 1 { return (file, path) }
            disk.close(file)
            try disk.check(disk.remove(path), "unlink", path)
        }
        return nil
    }

    /// A new, empty file for a spare.
    func createFile() throws -> (file: Int32, path: String) {
        let path = newPath()
        return (try disk.openFile(path, .create), path)
    }

    /// An old file, given up by a start, that will be zeroed again in place: it has its blocks, so this works on a full disk.
    func recycle(_ path: String) {
        monitor.withLock { unzeroed.append(path) }
    }

    /// Under the monitor.
    private func noteCount() { count.store(spares.count + allocated.count, ordering: .relaxed) }

    /// A file that has its blocks. When its turn comes it is a spare without zeros like those that a start finds.
    private func allocate() throws {
        // What a start found, first: else each start would leave more behind.
        while let (file, path) = try takeUnzeroed() {
            let isWhole = disk.size(file) >= Int(segmentBytes) || disk.allocate(file, segmentBytes) == 0
            disk.close(file)
            if isWhole { return monitor.withLock { allocated.append(path) } }
            _ = disk.remove(path)
        }
        let (file, path) = try createFile()
        let result = disk.allocate(file, segmentBytes)
        disk.close(file)
        if result < 0 {
            _ = disk.remove(path)
            throw failure(result, "allocate", path, bytes: segmentBytes)
        }
        monitor.withLock { allocated.append(path) }
    }

    private func failure(_ result: Int, _ call: String, _ path: String, bytes: UInt64) -> LogError {
        isOutOfSpace(result) ? .noSpace(path: directory, neededBytes: bytes) : .io(call: call, path: path, errno: Int32(-result))
    }

    private func make(bytes: UInt64) throws -> SegmentFile {
        monitor.withLock {
            if let path = allocated.popLast() { unzeroed.append(path) }
        }
        while let (file, path) = try takeUnzeroed() {
            let size = UInt64(max(disk.size(file), 0))
            if size >= bytes || disk.allocate(file, bytes) == 0, disk.fillWithZeros(file, max(size, bytes)) == 0 {
                return disk.segmentFile(file, path, bytes: max(size, bytes))
            }
            disk.close(file)
            _ = disk.remove(path)
        }
        let (file, path) = try createFile()
        var result = disk.allocate(file, bytes)
        if result == 0 { result = disk.fillWithZeros(file, bytes) }
        if result < 0 {
            disk.close(file)
            _ = disk.remove(path)
            throw failure(result, "zero-fill", path, bytes: bytes)
        }
        return disk.segmentFile(file, path, bytes: bytes)
    }

    private func run() {
        while let work = monitor.withLock({ waitForWork() }) { perform(work) }
    }

    /// Under the monitor. `nil`: stop.
    private func waitForWork() -> KeeperWork? {
        while true {
            let (work, hasFailed) = due()
            if let work {
                if !hasFailed { return work }
                monitor.wait(milliseconds: 1000)
                if full.isEmpty, !stopping { return work }
            } else if stopping {
                return nil
            } else {
                monitor.wait()
            }
        }
    }

    /// Instead of the thread: does one piece of work, also what has failed before. Returns whether to call again at once.
    func step() -> Bool {
        let (work, hasFailed) = monitor.withLock { due() }
        guard let work else { return false }
        perform(work)
        return !hasFailed
    }

    /// Under the monitor: what is to be done next, and whether the last try of it has failed.
    private func due() -> (work: KeeperWork?, hasFailed: Bool) {
        if let (segment, validBytes) = full.popLast() { return (.seal(segment, validBytes: validBytes), false) }
        if stopping { return (nil, false) }
        let lacksZeros = spares.count < min(wanted, zeroedMax)
        // It has its blocks, so this goes on when the disk is full, and says nothing of whether it is.
        if lacksZeros, !allocated.isEmpty { return (.zeros, zerosAreFailing) }
        if spares.count + allocated.count < wanted { return (lacksZeros ? .spare : .room, isFailing.load(ordering: .relaxed)) }
        isFailing.store(false, ordering: .relaxed)
        outOfSpace.store(false, ordering: .relaxed)
        return (nil, false)
    }

    private func perform(_ work: KeeperWork) {
        switch work {
        case .seal(let segment, let validBytes):
            // If either fails the zeros stay; the next start cuts them.
            if disk.truncate(segment.file, validBytes) == 0 { _ = disk.sync(segment.file) }
            disk.close(segment)
        case .zeros:
            // If it fails the next try is a second later, or room for another file is looked for.
            let made = try? make(bytes: segmentBytes)
            monitor.withLock {
                if let made { spares.append(made) }
                zerosAreFailing = made == nil
                noteCount()
            }
        case .spare:
            note(Result { () throws(any Error) in
                let spare = try make(bytes: segmentBytes)
                monitor.withLock { spares.append(spare) }
            })
        case .room:
            note(Result { () throws(any Error) in try allocate() })
        }
    }

    private func note(_ made: Result<Void, any Error>) {
        monitor.withLock {
            var isFull = false
            var hasFailed = false
            // Out of handles, say: that may pass, and while there is room nothing need be refused.
            if case .failure(let error) = made {
                hasFailed = true
                if case LogError.noSpace = error { isFull = true }
            }
            noteCount()
            outOfSpace.store(isFull, ordering: .relaxed)
            isFailing.store(hasFailed, ordering: .relaxed)
        }
    }
}

private enum KeeperWork {
    case seal(SegmentFile, validBytes: UInt64)
    /// A spare, with zeros, in a new file.
    case spare
    /// Zeros for a file that has its blocks.
    case zeros
    /// A file with blocks.
    case room
}
