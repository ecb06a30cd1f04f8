import Glibc

extension DiskLog where D == AnyDisk {
    /// Opens the log of a directory: locks it, hands over all it holds, and opens a new epoch in a new segment.
    /// - Parameter replay: called in LSN order, on the calling thread.
    /// - Throws: `LogError`; what `replay` throws. Nothing in the directory has been changed then, except by `noSpace` and `io`.
    public static func open(directory: String, options: LogOptions = LogOptions(), replay: (RecoveredItem) throws -> Void) throws -> Log {
        try open(directory: directory, options: options, disk: .system, replay: replay)
    }
}

extension DiskLog {
    /// The same on any disk. What snapshots hold is handed over as well: from its first record on.
    public static func open(
        directory: String, options: LogOptions = LogOptions(), disk: D, replay: (RecoveredItem) throws -> Void
    ) throws -> DiskLog<D> {
        try open(directory, options, disk) { _, _ in
            try LogScan(disk, directory: directory, deliver: replay)
        }
    }

    /// Opens the log and recovers the state: the newest snapshot that is whole, and the log after it.
    /// - Parameters:
    ///   - replica: becomes the state.
    ///   - progress: called after each piece of the log.
    package static func open(
        directory: String, options: LogOptions = LogOptions(), disk: D, into replica: inout Replica, progress: () -> Void = {}
    ) throws -> DiskLog<D> {
        try open(directory, options, disk) { format, report in
            if format > DataFormat.logAlone { replica = try Replica.newest(disk, directory, &report.warnings) }
            report.snapshotLSN = replica.lsn
            return try LogScan(disk, directory: directory, after: replica.origin) {
                try replica.take($0)
                progress()
            }
        }
    }

    private static func open(
        _ directory: String, _ options: LogOptions, _ disk: D, scan read: (_ format: Int, inout RecoveryReport) throws -> LogScan
    ) throws -> DiskLog<D> {
        let locked = try DataDirectory(locking: directory, disk)
        do {
            let format = try DataFormat.open(disk, locked, neededBytes: options.segmentBytes)
            var report = RecoveryReport()
            let scan = try read(format, &report)
            let start = try LogStart(disk, locked, options, scan, report)
            let sessions = SessionTable()
            let tail = LogTail(
                disk: disk, directory: locked, options: options, keeper: start.keeper, sessions: sessions, after: scan.end)
            try tail.openEpoch()
            start.keeper.start(options.background)
            return DiskLog(
                disk: disk, directory: locked, format: format, options: options, keeper: start.keeper, sessions: sessions,
                tail: tail, oldestLSN: scan.oldestLSN, recovery: start.report)
        } catch {
            locked.unlock()
            throw error
        }
    }
}

/// Makes a scanned directory ready to be written again. A start never appends to an old segment and never trusts the page
/// cache: after a failed sync it may show frames that are not on the disk. So the valid part of the last segment is
/// written anew and synced, and only then takes the old one's name.
///
/// It may die at any call. So at each moment a file with all valid frames of a segment bears the segment's name, and no
/// file that does so has a spare's name too: a later start zeroes spares.
struct LogStart<D: Disk> {
    let keeper: SpareKeeper<D>
    private(set) var report: RecoveryReport
    private let disk: D
    private let locked: DataDirectory<D>
    private let directory: String

    init(_ disk: D, _ locked: DataDirectory<D>, _ options: LogOptions, _ scan: LogScan, _ begun: RecoveryReport) throws {
        report = begun
        self.disk = disk
        self.locked = locked
        let directory = locked.path
        self.directory = directory
        // The names may be those of a start that died before it synced them: a spare seen here may still be a segment on
        // the disk.
        try locked.sync()
        let files = disk.list(directory) ?? []
        let spares = files.filter { spareNumber($0) != nil }
        keeper = SpareKeeper(
            disk: disk, directory: directory, segmentBytes: options.segmentBytes, wanted: options.spares,
            unzeroed: spares.map { directory + "/" + $0 }, nextNumber: (spares.compactMap(spareNumber).max() ?? 0) + 1)

        // Files that a start was giving up when it died, of which one may still be the log's own, under a second name; and half a snapshot.
        for file in files where file.hasSuffix(".wal.old") || file == SnapshotName.temporary {
            try disk.check(disk.remove(directory + "/" + file), "unlink", directory + "/" + file)
        }

        report.lastLSN = scan.end.nextLSN - 1
        report.lastEpoch = scan.end.epoch
        report.segments = scan.used
        report.endedClean = scan.endedClean
        report.tornBytes = scan.tornBytes
        report.warnings += scan.warnings

        // Segments that were full when a crash came before they were cut.
        for segment in scan.segments.prefix(max(scan.used - 1, 0)) where segment.hasZeroTail {
            let path = segment.place.path
            let file = try disk.openFile(path, .write)
            defer { disk.close(file) }
            try disk.check(disk.truncate(file, segment.validBytes), "ftruncate", path)
            try disk.check(disk.sync(file), "fdatasync", path)
        }
        let unused = scan.segments.count > scan.used ? scan.segments.last : nil
        if let unused { try retire(unused, isTorn: scan.tornBytes > 0, replacedBy: nil) }
        if scan.used > 0 {
            let last = scan.segments[scan.used - 1]
            try retire(last, isTorn: unused == nil && scan.tornBytes > 0, replacedBy: try copyValidPart(of: last))
        }
        if let torn = report.tornFile {
            report.warnings.append(
                "the last write before the crash was torn: \(scan.tornBytes) bytes after LSN \(report.lastLSN) were cut, none of them acknowledged; the file as it was is kept as \(torn)")
        }
    }

    /// The valid part in a file of its own, synced. In a spare, if there is one: then a full disk can start.
    private func copyValidPart(of segment: LogScan.Segment) throws -> String {
        let source = segment.place.path
        let from = try disk.openFile(source, .read)
        defer { disk.close(from) }
        let (to, path) = try keeper.takeUnzeroed() ?? keeper.createFile()
        defer { disk.close(to) }
        do {
            let copied = try disk.copy(from, source, to: to, path, upTo: segment.validBytes)
            if copied < segment.validBytes { throw LogError.io(call: "read", path: source, errno: EIO) }
        } catch LogError.noSpace {
            throw LogError.noSpace(path: directory, neededBytes: segment.validBytes)
        }
        try disk.check(disk.truncate(to, segment.validBytes), "ftruncate", path)
        try disk.check(disk.sync(to), "fdatasync", path)
        return path
    }

    /// Takes the old file's name away, for the copy or for good. A torn one is kept; another becomes a spare, to be zeroed
    /// again in place, so that starts on a full disk do not eat up the spares. While it may still be the log's it has no
    /// spare's name, only one that a start removes.
    private mutating func retire(_ segment: LogScan.Segment, isTorn: Bool, replacedBy copy: String?) throws {
        let path = segment.place.path
        let aside = isTorn ? unusedPath(disk, directory, segment.name.file, "torn") : path + ".old"
        if let copy {
            try disk.check(disk.link(path, aside), "link", path)
            try disk.check(disk.rename(copy, path), "rename", copy)
        } else {
            // It holds no frame of the log.
            try disk.check(disk.rename(path, aside), "rename", path)
        }
        try locked.sync()
        guard isTorn else {
            let spare = keeper.newPath()
            try disk.check(disk.rename(aside, spare), "rename", aside)
            try locked.sync()
            return keeper.recycle(spare)
        }
        report.tornFile = aside
        let file = try disk.openFile(aside, .write)
        defer { disk.close(file) }
        // Without its trailing zeros it says as much and holds no room.
        let end = segment.validBytes + report.tornBytes
        if end < segment.fileBytes { try disk.check(disk.truncate(file, end), "ftruncate", aside) }
    }
}

/// `file.suffix`, or `file.2.suffix` and so on if there is one already.
func unusedPath<D: Disk>(_ disk: D, _ directory: String, _ file: String, _ suffix: String) -> String {
    let files = Set(disk.list(directory) ?? [])
    var name = "\(file).\(suffix)"
    var number = 2
    while files.contains(name) {
        name = "\(file).\(number).\(suffix)"
        number += 1
    }
    return directory + "/" + name
}
