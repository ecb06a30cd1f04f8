import Glibc

/// A data directory locked by this process, with a handle of its own, so that a sync of its names needs no new one: a
/// process that has run out of handles must still be able to begin a segment.
struct DataDirectory<D: Disk> {
    let path: String
    private let disk: D
    private let handle: Int32
    private let lockFile: Int32

    /// Makes the directory if it is not there and locks it.
    /// - Throws: `LogError.locked` when another has it, `io`, `noSpace`.
    init(locking path: String, _ disk: D) throws {
        try disk.check(disk.makeDirectory(path), "mkdir", path)
        try DataDirectory.syncName(of: path, disk)
        let lockPath = path + "/LOCK"
        let file = try disk.openFile(lockPath, .create)
        let result = disk.lock(file)
        if result < 0 {
            let text = (try? disk.readBytes(file, count: 20, at: 0, path: lockPath)) ?? []
            disk.close(file)
            guard result == -Int(EWOULDBLOCK) else { throw LogError.io(call: "flock", path: lockPath, errno: Int32(-result)) }
            throw LogError.locked(directory: path, pid: Int32(String(decoding: text.prefix { $0 >= 48 && $0 <= 57 }, as: UTF8.self)))
        }
        // For the message of the one who finds it locked; on a full disk it may stay empty.
        _ = disk.truncate(file, 0)
        _ = "\(getpid())\n".utf8CString.withUnsafeBytes { disk.writeAll(file, UnsafeRawBufferPointer(rebasing: $0.dropLast()), at: 0) }
        let opened = disk.openDirectory(path)
        if opened < 0 {
            disk.unlock(file)
            disk.close(file)
        }
        handle = Int32(try disk.check(opened, "open", path))
        self.path = path
        self.disk = disk
        lockFile = file
    }

    /// A new directory lasts when the one it is in is synced, and so on up to the root: else a crash of the machine takes the directory with all that
    /// was acknowledged. At each start, as the one that made it may have died before this.
    private static func syncName(of path: String, _ disk: D) throws {
        var child = path[...]
        while true {
            while child.hasSuffix("/") { child.removeLast() }
            if child.isEmpty || child == "." { return }
            let slash = child.lastIndex(of: "/")
            let parent = slash.map { $0 == child.startIndex ? "/" : child[..<$0] } ?? "."
            let opened = disk.openDirectory(String(parent))
            // Of a directory that is not ours to read: whoever made it had to see to it.
            if opened != -Int(EACCES), opened != -Int(EPERM) {
                let handle = Int32(try disk.check(opened, "open", String(parent)))
                defer { disk.close(handle) }
                let result = disk.syncDirectory(handle)
                // A file system that has nothing to sync there.
                if result != -Int(EINVAL), result != -Int(EROFS) { try disk.check(result, "fsync", String(parent)) }
            }
            if parent == "/" { return }
            child = parent
        }
    }

    /// What was renamed, linked and removed in it lasts when this returns.
    func sync() throws { try disk.check(disk.syncDirectory(handle), "fsync", path) }

    /// Gives lock and handle back; the last call.
    func unlock() {
        disk.close(handle)
        disk.unlock(lockFile)
        disk.close(lockFile)
    }
}

/// Holds the lock of a data directory that is there while `body` runs: no service has it open meanwhile, and none can begin.
/// - Throws: `LogError.locked`, `io`; what `body` throws.
package func withLockedDirectory<R>(_ directory: String, _ body: () throws -> R) throws -> R {
    let locked = try DataDirectory(locking: directory, SystemDisk())
    defer { locked.unlock() }
    return try body()
}
