/// What a repair did, or would do.
public struct RepairReport: Sendable, CustomStringConvertible {
    /// The damage; `nil`: there is none, nothing is to be done.
    public var damage: LogError?
    /// LSN of the last record kept.
    public var lastLSN: UInt64 = 0
    /// Files put aside, as they were.
    public var putAside: [String] = []
    public var isDone = false

    public var description: String {
        guard let damage else { return "the log is sound up to LSN \(lastLSN); nothing to repair" }
        if !isDone {
            return "\(damage)\nA repair would keep everything up to LSN \(lastLSN), and LOSE everything after it, acknowledged or not."
        }
        return "kept everything up to LSN \(lastLSN); everything after it is LOST to the service. The damaged files are kept as\n"
            + putAside.map { "  " + $0 }.joined(separator: "\n")
    }
}

/// Cuts a corrupt log at the damage, so that it can be opened again, and keeps what is cut in files aside.
/// - Parameter cut: only if `true` is anything changed.
/// - Throws: `LogError.locked` when the log is in use; `refused` when nothing readable would remain.
public func repair(directory: String, cut: Bool) throws -> RepairReport {
    try repair(directory: directory, cut: cut, disk: SystemDisk())
}

package func repair<D: Disk>(directory: String, cut: Bool, disk: D) throws -> RepairReport {
    let locked = try DataDirectory(locking: directory, disk)
    defer { locked.unlock() }
    // As a start does: what is before the newest whole snapshot is not needed.
    var warnings: [String] = []
    let origin = try Replica.newest(disk, directory, &warnings).origin
    let (scan, error) = LogScan.examine(disk, directory: directory, after: origin)
    var report = RepairReport(damage: error, lastLSN: scan.end.nextLSN - 1)
    guard let error else { return report }
    guard case .corrupt = error else { throw error }
    guard scan.used > 0 else {
        throw LogError.refused("\(error)\nThe log's begin itself is unreadable: a repair would keep nothing. Restore from a backup.")
    }
    // Snapshots of what is lost go with it; what is kept must begin with a snapshot, or with the log.
    let snapshots = try snapshotNames(disk, directory)
    let lost = snapshots.filter { $0.lsn > report.lastLSN }
    guard scan.segments[0].name.number == 1 || lost.count < snapshots.count else {
        throw LogError.refused("\(error)\nNo snapshot is left that the log before the damage goes on from: a repair would keep nothing. Restore from a backup.")
    }
    if !cut { return report }
    for name in lost {
        let aside = unusedPath(disk, directory, name.file, "cut")
        try disk.check(disk.rename(directory + "/" + name.file, aside), "rename", name.file)
        report.putAside.append(aside)
    }

    // The damaged file's valid part takes its name in one step. A crash anywhere leaves damage that repair finds again.
    let last = scan.segments[scan.used - 1]
    let path = last.place.path
    for segment in scan.segments.dropFirst(scan.used).reversed() {
        let aside = unusedPath(disk, directory, segment.name.file, "cut")
        try disk.check(disk.rename(directory + "/" + segment.name.file, aside), "rename", segment.name.file)
        report.putAside.append(aside)
    }
    let copy = directory + "/repair.tmp"
    let from = try disk.openFile(path, .read)
    defer { disk.close(from) }
    let to = try disk.openFile(copy, .create)
    defer { disk.close(to) }
    try disk.check(disk.truncate(to, 0), "ftruncate", copy)
    _ = try disk.copy(from, path, to: to, copy, upTo: last.validBytes)
    try disk.check(disk.sync(to), "fdatasync", copy)
    let aside = unusedPath(disk, directory, last.name.file, "cut")
    try disk.check(disk.link(path, aside), "link", path)
    try disk.check(disk.rename(copy, path), "rename", copy)
    try locked.sync()
    report.putAside.append(aside)
    report.isDone = true
    return report
}
