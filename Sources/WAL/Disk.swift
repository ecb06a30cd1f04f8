import Glibc

/// How ``Disk/open(_:_:)`` opens a file.
public enum DiskAccess: Sendable {
    case read
    case write
    /// For reading and writing, created if it is not there.
    case create
    /// For writing past the page cache: a write is on the disk when it returns, as if synced. Its place, its size and its memory
    /// are multiples of ``directAlignment``. `-EINVAL` where the file system has no such thing.
    case direct
}

/// Bytes; what any disk of today takes as a block of a direct write.
let directAlignment = 4_096

/// Every call the log makes to the operating system. Tests and the simulator put a disk here that tears, loses and refuses;
/// as a generic parameter it costs production nothing.
///
/// Results are counts or handles, or the negative `errno`. Reads and writes may be short. What a real disk promises:
/// a sector holds old or new content whole; what was not synced may be kept, lost or zeroed per sector, in any order; after
/// a failed `sync` nothing is known. `rename`, `link`, `remove` and new names last only after `syncDirectory`.
public protocol Disk: Sendable {
    func makeDirectory(_ path: String) -> Int
    /// Names in the directory, in no order, or `nil`, when it cannot be read.
    func list(_ directory: String) -> [String]?
    func open(_ path: String, _ access: DiskAccess) -> Int
    func close(_ file: Int32)
    /// Takes the exclusive lock of an open file, without waiting.
    func lock(_ file: Int32) -> Int
    /// Gives the lock back, also where a child process that was just forked still has the handle.
    func unlock(_ file: Int32)
    func size(_ file: Int32) -> Int
    /// How many names the file has.
    func linkCount(_ file: Int32) -> Int
    func read(_ file: Int32, _ into: UnsafeMutableRawBufferPointer, at offset: UInt64) -> Int
    func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> Int
    /// fdatasync: content and size are on the disk when it returns 0.
    func sync(_ file: Int32) -> Int
    /// Reserves blocks up to `size`, so that a full disk is known before anything is written.
    func allocate(_ file: Int32, _ size: UInt64) -> Int
    func truncate(_ file: Int32, _ size: UInt64) -> Int
    func rename(_ from: String, _ to: String) -> Int
    func link(_ from: String, _ to: String) -> Int
    func remove(_ path: String) -> Int
    /// A handle for ``syncDirectory(_:)``.
    func openDirectory(_ path: String) -> Int
    func syncDirectory(_ directory: Int32) -> Int
}

/// The operating system's files.
public struct SystemDisk: Disk {
    /// O_DIRECT, which Glibc's module does not have because it differs by processor.
    #if arch(x86_64)
        private static var direct: Int32 { 0o40000 }
    #elseif arch(arm64)
        private static var direct: Int32 { 0o200000 }
    #endif

    public init() {}

    @inline(__always) private func result(_ value: Int) -> Int { value < 0 ? -Int(errno) : value }

    public func makeDirectory(_ path: String) -> Int {
        var built = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            built += (built.isEmpty || built.hasSuffix("/") ? "" : "/") + part
            if mkdir(built, 0o700) != 0, errno != EEXIST { return -Int(errno) }
        }
        return 0
    }

    public func list(_ directory: String) -> [String]? {
        guard let stream = opendir(directory) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    public func open(_ path: String, _ access: DiskAccess) -> Int {
        let flags =
            switch access {
            case .read: O_RDONLY
            case .write: O_RDWR
            case .create: O_RDWR | O_CREAT
            case .direct: O_WRONLY | SystemDisk.direct | O_DSYNC
            }
        return result(Int(Glibc.open(path, flags | O_CLOEXEC, 0o600)))
    }

    public func close(_ file: Int32) { _ = Glibc.close(file) }
    public func lock(_ file: Int32) -> Int { result(Int(flock(file, LOCK_EX | LOCK_NB))) }
    public func unlock(_ file: Int32) { _ = flock(file, LOCK_UN) }

    public func size(_ file: Int32) -> Int {
        var status = stat()
        return fstat(file, &status) == 0 ? Int(status.st_size) : -Int(errno)
    }

    public func linkCount(_ file: Int32) -> Int {
        var status = stat()
        return fstat(file, &status) == 0 ? Int(status.st_nlink) : -Int(errno)
    }

    public func read(_ file: Int32, _ into: UnsafeMutableRawBufferPointer, at offset: UInt64) -> Int {
        result(pread(file, into.baseAddress, into.count, off_t(offset)))
    }

    public func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> Int {
        result(pwrite(file, bytes.baseAddress, bytes.count, off_t(offset)))
    }

    public func sync(_ file: Int32) -> Int { result(Int(fdatasync(file))) }

    public func allocate(_ file: Int32, _ size: UInt64) -> Int {
        let code = posix_fallocate(file, 0, off_t(size))
        return code == 0 || code == EOPNOTSUPP || code == EINVAL ? 0 : -Int(code)
    }

    public func truncate(_ file: Int32, _ size: UInt64) -> Int { result(Int(ftruncate(file, off_t(size)))) }
    public func rename(_ from: String, _ to: String) -> Int { result(Int(Glibc.rename(from, to))) }
    public func link(_ from: String, _ to: String) -> Int { result(Int(Glibc.link(from, to))) }
    public func remove(_ path: String) -> Int { result(Int(unlink(path))) }

    public func openDirectory(_ path: String) -> Int {
        result(Int(Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)))
    }

    public func syncDirectory(_ directory: Int32) -> Int { result(Int(fsync(directory))) }
}

func errorText(_ number: Int32) -> String { String(cString: strerror(number)) }

/// A full disk, a used-up quota, or a file larger than the process may have.
func isOutOfSpace(_ result: Int) -> Bool { result == -Int(ENOSPC) || result == -Int(EDQUOT) || result == -Int(EFBIG) }

/// The calls with errors thrown and short reads and writes continued; for everything that is not the hot path.
extension Disk {
    @discardableResult
    func check(_ result: Int, _ call: String, _ path: String) throws -> Int {
        if result >= 0 { return result }
        if isOutOfSpace(result) { throw LogError.noSpace(path: path, neededBytes: 0) }
        throw LogError.io(call: call, path: path, errno: Int32(-result))
    }

    func openFile(_ path: String, _ access: DiskAccess) throws -> Int32 { Int32(try check(open(path, access), "open", path)) }

    /// All bytes written, or the negative errno. A write of 0 bytes counts as a full disk, so that nothing waits forever.
    func writeAll(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> Int {
        var done = 0
        while done < bytes.count {
            let n = write(file, UnsafeRawBufferPointer(rebasing: bytes[done...]), at: offset + UInt64(done))
            if n == -Int(EINTR) { continue }
            if n <= 0 { return n == 0 ? -Int(ENOSPC) : n }
            done += n
        }
        return done
    }

    /// Bytes read: all that were asked for, or fewer at the end of the file, or the negative errno.
    func readAll(_ file: Int32, _ into: UnsafeMutableRawBufferPointer, at offset: UInt64) -> Int {
        var done = 0
        while done < into.count {
            let n = read(file, UnsafeMutableRawBufferPointer(rebasing: into[done...]), at: offset + UInt64(done))
            if n == -Int(EINTR) { continue }
            if n < 0 { return n }
            if n == 0 { break }
            done += n
        }
        return done
    }

    func readBytes(_ file: Int32, count: Int, at offset: UInt64, path: String) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let n = try check(bytes.withUnsafeMutableBytes { readAll(file, $0, at: offset) }, "read", path)
        bytes.removeLast(count - n)
        return bytes
    }

    /// Copies the begin of a file, up to `count` bytes, in pieces. Returns how many: fewer where the file ends before.
    /// - Parameter syncsPieces: so that a commit on the same disk never waits behind more than one of them.
    func copy(_ from: Int32, _ source: String, to: Int32, _ target: String, upTo count: UInt64, syncsPieces: Bool = false) throws -> UInt64 {
        var offset: UInt64 = 0
        while offset < count {
            let piece = try readBytes(from, count: Int(min(1 << 20, count - offset)), at: offset, path: source)
            if piece.isEmpty { break }
            try check(piece.withUnsafeBytes { writeAll(to, $0, at: offset) }, "write", target)
            if syncsPieces { try check(sync(to), "fdatasync", target) }
            offset += UInt64(piece.count)
        }
        return offset
    }

    /// What was renamed, linked and removed in a directory lasts when this returns.
    func syncNames(in path: String) throws {
        let handle = Int32(try check(openDirectory(path), "open", path))
        defer { close(handle) }
        try check(syncDirectory(handle), "fsync", path)
    }

    /// Writes zeros over `[0, size)` in place and syncs. In pieces, each synced, so that a commit on the same disk never
    /// waits behind more than one of them.
    func fillWithZeros(_ file: Int32, _ size: UInt64) -> Int {
        let piece = 1 << 20
        let zeros = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 4096)
        defer { zeros.deallocate() }
        zeros.initializeMemory(as: UInt8.self, repeating: 0)
        var offset: UInt64 = 0
        while offset < size {
            let n = Int(min(UInt64(piece), size - offset))
            let written = writeAll(file, UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(zeros)[0..<n]), at: offset)
            if written < 0 { return written }
            let synced = sync(file)
            if synced < 0 { return synced }
            offset += UInt64(n)
        }
        return 0
    }
}
