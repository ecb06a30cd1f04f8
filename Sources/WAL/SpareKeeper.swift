import Core
import Glibc
import Synchronization

/// Keeps spares ready, and cuts segments that are full to their last frame, on a thread of its own, so that a commit never
/// waits for either. A file filled with zeros is worth 1.4 to 7 times a growing one per sync.
final class SpareKeeper<D: Disk>: @unchecked Sendable {
    private let disk: D
    private let directory: String
    private let segmentBytes: UInt64
    private let monitor = Monitor()
    private var thread: Thread?

    // Under the monitor.
    private var spares: [SegmentFile] = []
    private var unzeroed: [String]
    private var full: [(segment: SegmentFile, validBytes: UInt64)] = []
    private var wanted: Int
    private var nextNumber: UInt64
    private var stopping = false

    /// Spares ready. Read by anyone.
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
        self.unzeroed = unzeroed
        self.nextNumber = nextNumber
    }

    func start() { thread = Thread { [self] in run() } }

    /// Ends the thread after what it has in hand, and closes all files.
    func stop() {
        monitor.withLock {
            stopping = true
            monitor.signal()
        }
        thread?.join()
        thread = nil
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
            count.store(spares.count, ordering: .relaxed)
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

    private func make(bytes: UInt64) throws -> SegmentFile {
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
            if isOutOfSpace(result) { throw LogError.noSpace(path: directory, neededBytes: bytes) }
            throw LogError.io(call: "zero-fill", path: path, errno: Int32(-result))
        }
        return disk.segmentFile(file, path, bytes: bytes)
    }

    private func run() {
        while true {
            let work: KeeperWork = monitor.withLock {
                while true {
                    if let (segment, validBytes) = full.popLast() { return .seal(segment, validBytes: validBytes) }
                    if stopping { return .stop }
                    if spares.count < wanted {
                        if !isFailing.load(ordering: .relaxed) { return .spare }
                        monitor.wait(milliseconds: 1000)
                        if full.isEmpty, !stopping { return .spare }
                    } else {
                        isFailing.store(false, ordering: .relaxed)
                        outOfSpace.store(false, ordering: .relaxed)
                        monitor.wait()
                    }
                }
            }
            switch work {
            case .stop:
                return
            case .seal(let segment, let validBytes):
                // If either fails the zeros stay; the next start cuts them.
                if disk.truncate(segment.file, validBytes) == 0 { _ = disk.sync(segment.file) }
                disk.close(segment)
            case .spare:
                let made = Result { try make(bytes: segmentBytes) }
                monitor.withLock {
                    var isFull = false
                    switch made {
                    case .success(let spare): spares.append(spare)
                    // Out of handles, say: that may pass, and while there is room nothing need be refused.
                    case .failure(let error): if case LogError.noSpace = error { isFull = true }
                    }
                    count.store(spares.count, ordering: .relaxed)
                    outOfSpace.store(isFull, ordering: .relaxed)
                    isFailing.store((try? made.get()) == nil, ordering: .relaxed)
                }
            }
        }
    }
}

private enum KeeperWork {
    case stop
    case seal(SegmentFile, validBytes: UInt64)
    case spare
}
