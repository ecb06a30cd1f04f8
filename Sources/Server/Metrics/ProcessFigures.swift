import Glibc
import WAL

/// What the operating system knows of this process and of the log's file system.
struct ProcessFigures {
    var residentBytes = 0
    var virtualBytes = 0
    var openFiles = 0
    var filesMax = 0
    /// User and system.
    var cpuSeconds = 0.0

    init() {
        if let statm = ProcessFigures.read("/proc/self/statm") {
            let pages = statm.split(separator: " ").compactMap { Int($0) }
            if pages.count > 1 {
                virtualBytes = pages[0] * Int(sysconf(Int32(_SC_PAGESIZE)))
                residentBytes = pages[1] * Int(sysconf(Int32(_SC_PAGESIZE)))
            }
        }
        // One of them is the list itself.
        openFiles = max(0, (SystemDisk().list("/proc/self/fd")?.count ?? 0) - 1)
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 { filesMax = Int(clamping: limit.rlim_cur) }
        var time = timespec()
        if clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 { cpuSeconds = Double(time.tv_sec) + Double(time.tv_nsec) / 1e9 }
    }

    private static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = Glibc.read(file, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}

/// The data directory's files.
struct DirectoryUsage {
    var segments = 0
    var segmentBytes = 0
    /// Of the file system, to whoever runs the service.
    var freeBytes = 0
    var totalBytes = 0

    init(_ directory: String) {
        for name in SystemDisk().list(directory) ?? [] where name.hasSuffix(".wal") {
            var status = stat()
            guard stat("\(directory)/\(name)", &status) == 0 else { continue }
            segments += 1
            segmentBytes += Int(status.st_size)
        }
        var system = statvfs()
        if statvfs(directory, &system) == 0 {
            freeBytes = Int(system.f_bavail) * Int(system.f_frsize)
            totalBytes = Int(system.f_blocks) * Int(system.f_frsize)
        }
    }
}
