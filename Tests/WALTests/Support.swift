import Foundation
import Synchronization
import Testing
import WAL

/// A directory of its own, in memory where the system has that, removed at the end.
final class Scratch {
    let path: String

    /// - Parameter onDisk: in the build folder, so on a real file system.
    init(onDisk: Bool = false) {
        let memory = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        let root = onDisk ? Bundle.main.bundleURL.deletingLastPathComponent().path : memory
        path = root + "/cashup-wal-\(UUID().uuidString)"
        try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func files(_ suffix: String) -> [String] {
        try! FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(suffix) }.sorted()
    }
    func read(_ file: String) -> [UInt8] { [UInt8](FileManager.default.contents(atPath: path + "/" + file)!) }
    func write(_ file: String, _ bytes: some Sequence<UInt8>) { try! Data(bytes).write(to: URL(fileURLWithPath: path + "/" + file)) }
    func remove(_ file: String) { try! FileManager.default.removeItem(atPath: path + "/" + file) }
}

/// A batch as recovery hands it over.
struct Recovered: Equatable {
    var firstLSN: UInt64
    var count: Int
    var bytes: [UInt8]
}

struct Contents: Equatable {
    var batches: [Recovered] = []
    var sessions: [SessionInfo] = []

    mutating func take(_ item: RecoveredItem) {
        switch item {
        case .session(let session): sessions.append(session)
        case .batch(let firstLSN, let count, let bytes): batches.append(Recovered(firstLSN: firstLSN, count: count, bytes: Array(bytes)))
        }
    }
}

/// Segments of less than a block, or of no whole blocks, are written through the page cache.
func smallOptions(segmentBytes: UInt64 = 8192, spares: Int = 0) -> LogOptions {
    var options = LogOptions()
    options.segmentBytes = segmentBytes
    options.spares = spares
    options.onFatal = { _ in }
    return options
}

/// Opens the log, with what it holds.
func open(_ scratch: Scratch, _ options: LogOptions = smallOptions()) throws -> (log: Log, contents: Contents) {
    var contents = Contents()
    let log = try Log.open(directory: scratch.path, options: options) { contents.take($0) }
    return (log, contents)
}

/// Seals a batch of `count` records with these bytes, as it will be recovered.
@discardableResult
func append<D: Disk>(_ log: DiskLog<D>, _ bytes: [UInt8], count: Int = 1, session: UInt64 = 0, commit: Bool = true) -> Recovered {
    let batch = Batch()
    bytes.withUnsafeBytes { batch.bytes.append($0) }
    batch.recordCount = count
    batch.note(session: session)
    log.seal(batch)
    let recovered = Recovered(firstLSN: batch.firstLSN, count: count, bytes: bytes)
    if commit { log.commit() }
    return recovered
}

/// The frames of a segment file, by their headers.
func frames(of bytes: [UInt8], segment: UInt64) -> [FrameHeader] {
    var headers: [FrameHeader] = []
    var offset: UInt64 = 0
    while Int(offset) + FrameHeader.size <= bytes.count,
        let header = bytes.withUnsafeBytes({ FrameHeader(at: $0.baseAddress! + Int(offset), segment: segment, offset: offset) })
    {
        headers.append(header)
        offset = header.end
    }
    return headers
}

/// The system's disk with faults on demand.
final class FaultyDisk: Disk {
    let system = SystemDisk()
    let syncFails = Atomic<Bool>(false)
    let writeFails = Atomic<Bool>(false)
    /// No file may grow.
    let isFull = Atomic<Bool>(false)
    /// Longest write taken at once; 0: no limit.
    let writeBytesMax = Atomic<Int>(0)
    /// Calls until the process dies: from then on none does anything. What the operating system does for the dead, closing
    /// and unlocking, it still does.
    let callsToDeath = Atomic<Int>(.max)
    /// Direct writes are to be had; without them the log goes through the page cache.
    let isDirect = Atomic<Bool>(false)
    /// No new handle is given out.
    let isOutOfHandles = Atomic<Bool>(false)
    /// A file that cannot be opened for want of handles.
    let noHandlesFor = Mutex<String?>(nil)
    let syncs = Atomic<Int>(0)
    let writes = Atomic<Int>(0)
    /// Paths by handle, and those synced, in order.
    let directories = Mutex((paths: [Int32: String](), synced: [String]()))

    var isDead: Bool { callsToDeath.load(ordering: .relaxed) < 0 }

    private func alive(_ call: () -> Int) -> Int {
        let left = callsToDeath.subtract(1, ordering: .relaxed).newValue
        return left < 0 ? -Int(EIO) : call()
    }

    private func newHandle(_ call: () -> Int) -> Int {
        alive { isOutOfHandles.load(ordering: .relaxed) ? -Int(EMFILE) : call() }
    }

    func makeDirectory(_ path: String) -> Int { alive { system.makeDirectory(path) } }
    func list(_ directory: String) -> [String]? { alive { 0 } < 0 ? nil : system.list(directory) }
    func open(_ path: String, _ access: DiskAccess) -> Int {
        if access == .direct, !isDirect.load(ordering: .relaxed) { return -Int(EINVAL) }
        if let name = noHandlesFor.withLock({ $0 }), path.hasSuffix("/" + name) { return -Int(EMFILE) }
        return newHandle { system.open(path, access) }
    }
    func close(_ file: Int32) { system.close(file) }
    func lock(_ file: Int32) -> Int { alive { system.lock(file) } }
    func unlock(_ file: Int32) { system.unlock(file) }
    func size(_ file: Int32) -> Int { alive { system.size(file) } }
    func linkCount(_ file: Int32) -> Int { alive { system.linkCount(file) } }
    func read(_ file: Int32, _ into: UnsafeMutableRawBufferPointer, at offset: UInt64) -> Int {
        alive { system.read(file, into, at: offset) }
    }

    func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> Int {
        writes.add(1, ordering: .relaxed)
        if writeFails.load(ordering: .relaxed) { return -Int(EIO) }
        if isFull.load(ordering: .relaxed), Int(offset) + bytes.count > system.size(file) { return -Int(ENOSPC) }
        let limit = writeBytesMax.load(ordering: .relaxed)
        return alive { system.write(file, limit > 0 ? UnsafeRawBufferPointer(rebasing: bytes.prefix(limit)) : bytes, at: offset) }
    }

    func sync(_ file: Int32) -> Int {
        syncs.add(1, ordering: .relaxed)
        return syncFails.load(ordering: .relaxed) ? -Int(EIO) : alive { system.sync(file) }
    }

    func allocate(_ file: Int32, _ size: UInt64) -> Int {
        if isFull.load(ordering: .relaxed), Int(size) > system.size(file) { return -Int(ENOSPC) }
        return alive { system.allocate(file, size) }
    }

    func truncate(_ file: Int32, _ size: UInt64) -> Int { alive { system.truncate(file, size) } }
    func rename(_ from: String, _ to: String) -> Int { alive { system.rename(from, to) } }
    func link(_ from: String, _ to: String) -> Int { alive { system.link(from, to) } }
    func remove(_ path: String) -> Int { alive { system.remove(path) } }
    func openDirectory(_ path: String) -> Int {
        let handle = newHandle { system.openDirectory(path) }
        if handle >= 0 { directories.withLock { $0.paths[Int32(handle)] = path } }
        return handle
    }
    func syncDirectory(_ directory: Int32) -> Int {
        directories.withLock { $0.synced.append($0.paths[directory]!) }
        return alive { system.syncDirectory(directory) }
    }
}

/// Waits up to ten seconds for something that another thread does.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<2000 {
        if condition() { return true }
        usleep(5000)
    }
    return false
}
