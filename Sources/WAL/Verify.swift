/// What `cashup wal verify` found in a data directory.
public struct VerifyReport: Sendable, CustomStringConvertible {
    public struct Segment: Sendable {
        public var file: String
        public var isArchived: Bool
        public var firstLSN: UInt64
        public var bytes: UInt64
        public var validBytes: UInt64
        public var frames: Int
        public var records: UInt64
        /// Epochs of its frames; an empty segment has none.
        public var epochs: ClosedRange<UInt32>?
    }

    public struct Snapshot: Sendable {
        public var file: String
        public var lsn: UInt64
        /// What is wrong with it.
        public var error: LogError?
        /// Whether a replay of the log came to the same state there; `nil`: the log before it is not there.
        public var isAsReplayed: Bool?
    }

    public var directory: String
    /// ``DataFormat``.
    public var format = DataFormat.logAlone
    /// Newest first.
    public var snapshots: [Snapshot] = []
    public var segments: [Segment] = []
    public var frames = 0
    public var records: UInt64 = 0
    /// Session definitions; a session has one in each segment it writes to.
    public var sessions = 0
    /// LSNs of the first and last record; `nil` when there are none.
    public var lsns: ClosedRange<UInt64>?
    public var endedClean = false
    /// Bytes of a torn last write; the next start cuts them.
    public var tornBytes: UInt64 = 0
    public var warnings: [String] = []
    /// What is damaged or missing in the log.
    public var error: LogError?
    /// LSN of the snapshot from which a start would work all the same.
    public var startsFrom: UInt64?

    public var isSound: Bool { error == nil && snapshots.allSatisfy { $0.error == nil && $0.isAsReplayed != false } }

    public var description: String {
        var lines: [String] = []
        for segment in segments {
            let epochs = segment.epochs.map { $0.count == 1 ? "epoch \($0.lowerBound)" : "epochs \($0.lowerBound) to \($0.upperBound)" } ?? "no frames"
            lines.append(
                "\(segment.isArchived ? "\(archiveFolder)/" : "")\(segment.file): \(epochs), \(segment.frames) frames, \(segment.records) records, \(segment.validBytes) of \(segment.bytes) bytes")
        }
        for snapshot in snapshots {
            let replayed = snapshot.isAsReplayed.map { $0 ? ", the same as a replay" : ", NOT the same as a replay of the log" } ?? ""
            lines.append("\(snapshot.file): LSN \(snapshot.lsn), " + (snapshot.error.map { "DAMAGED: \($0)" } ?? "whole\(replayed)"))
        }
        let range = lsns.map { "LSN \($0.lowerBound) to \($0.upperBound)" } ?? "no records"
        lines.append(
            "\(directory): format \(format), \(snapshots.count) snapshots, \(segments.count) segments, \(frames) frames, \(records) records, \(sessions) session definitions, \(range)")
        lines.append(contentsOf: warnings.map { "warning: \($0)" })
        if let error { lines.append("NOT SOUND: \(error)") }
        if let startsFrom, !isSound { lines.append("a start would work all the same, from the snapshot of LSN \(startsFrom) and the log after it") }
        if error == nil {
            if tornBytes > 0 {
                lines.append("torn tail: \(tornBytes) bytes of a write that was never acknowledged; the next start cuts them and keeps the file as *.torn")
            }
            let end = endedClean ? "it was closed" : "it was not closed: left by a crash, or in use"
            lines.append(isSound ? "sound; \(end)" : "NOT SOUND: a snapshot is damaged; the log is whole; \(end)")
        }
        return lines.joined(separator: "\n")
    }
}

/// Checks every frame and every snapshot of a data directory, without changing it, and replays the log to compare the state with each snapshot's. A log
/// in use is checked as far as it was when its files were read.
public func verify(directory: String) -> VerifyReport { verify(directory: directory, disk: SystemDisk()) }

package func verify<D: Disk>(directory: String, disk: D) -> VerifyReport {
    var report = VerifyReport(directory: directory)
    do {
        report.format = try DataFormat.read(disk, directory) ?? DataFormat.logAlone
        return try verify(disk, report)
    } catch {
        report.error = error as? LogError ?? .refused("\(error)")
        return report
    }
}

private func verify<D: Disk>(_ disk: D, _ beginning: VerifyReport) throws -> VerifyReport {
    var report = beginning
    let directory = report.directory
    /// Of whole snapshots: state and place.
    var known: [UInt64: (hashes: [UInt64], head: SnapshotHead)] = [:]
    for name in try snapshotNames(disk, directory) {
        var snapshot = VerifyReport.Snapshot(file: name.file, lsn: name.lsn)
        do {
            let replica = try Replica(snapshot: directory + "/" + name.file, disk: disk, comparesHashes: true)
            guard replica.lsn == name.lsn, let head = replica.origin else { throw LogError.badSnapshot(file: name.file, reason: "it holds LSN \(replica.lsn)") }
            known[name.lsn] = (replica.originHashes, head)
        } catch let error as LogError {
            snapshot.error = error
        }
        report.snapshots.append(snapshot)
    }
    // From the log's begin if it is there, else from the oldest snapshot.
    let hasBegin = try segmentPlaces(disk, directory).first.map { $0.name.number == 1 } ?? true
    let oldest = hasBegin ? nil : known.keys.min().flatMap { known[$0]?.head }
    var replica = try oldest.map { try Replica(snapshot: directory + "/" + SnapshotName(lsn: $0.lsn).file, disk: disk, comparesHashes: false) } ?? Replica()
    let examined = LogScan.examine(disk, directory: directory, after: oldest) { item in
        if known.isEmpty { return }
        try replica.take(item)
        guard case .batch = item, let there = known[replica.lsn], let index = report.snapshots.firstIndex(where: { $0.lsn == replica.lsn }) else { return }
        if let head = oldest, head.lsn == replica.lsn { return }
        report.snapshots[index].isAsReplayed = there.hashes == replica.stateHashes
    }
    report.error = examined.error
    if examined.error == nil, oldest == nil || !known.isEmpty {
        // It was passed without being met.
        for index in report.snapshots.indices where report.snapshots[index].isAsReplayed == nil && report.snapshots[index].error == nil {
            let lsn = report.snapshots[index].lsn
            if lsn < examined.scan.end.nextLSN, lsn != oldest?.lsn {
                report.snapshots[index].error = .badSnapshot(file: report.snapshots[index].file, reason: "no frame of this log ends with LSN \(lsn): it is of another log")
            }
        }
    }
    // As a start sees it: from the newest that is whole.
    if let newest = known.keys.max() {
        let start = LogScan.examine(disk, directory: directory, after: known[newest]?.head).error
        report.startsFrom = start == nil ? newest : nil
        report.error = report.error ?? start
    }
    let scan = examined.scan
    report.segments = scan.segments.map {
        VerifyReport.Segment(
            file: $0.name.file, isArchived: $0.place.directory != directory, firstLSN: $0.name.firstLSN, bytes: $0.fileBytes,
            validBytes: $0.validBytes, frames: $0.frames, records: $0.records, epochs: $0.epochs)
    }
    report.frames = report.segments.reduce(0) { $0 + $1.frames }
    report.records = report.segments.reduce(0) { $0 + $1.records }
    report.sessions = scan.sessions
    if report.records > 0 { report.lsns = scan.oldestLSN...(scan.end.nextLSN - 1) }
    report.endedClean = scan.endedClean
    report.tornBytes = scan.tornBytes
    report.warnings = scan.warnings
    return report
}
