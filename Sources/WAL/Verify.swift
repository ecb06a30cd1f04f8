/// What `cashup wal verify` found in a data directory.
public struct VerifyReport: Sendable, CustomStringConvertible {
    public struct Segment: Sendable {
        public var file: String
        public var firstLSN: UInt64
        public var bytes: UInt64
        public var validBytes: UInt64
        public var frames: Int
        public var records: UInt64
        /// Epochs of its frames; an empty segment has none.
        public var epochs: ClosedRange<UInt32>?
    }

    public var directory: String
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
    /// What makes a start refuse.
    public var error: LogError?

    public var isSound: Bool { error == nil }

    public var description: String {
        var lines: [String] = []
        for segment in segments {
            let epochs = segment.epochs.map { $0.count == 1 ? "epoch \($0.lowerBound)" : "epochs \($0.lowerBound) to \($0.upperBound)" } ?? "no frames"
            lines.append(
                "\(segment.file): \(epochs), \(segment.frames) frames, \(segment.records) records, \(segment.validBytes) of \(segment.bytes) bytes")
        }
        let range = lsns.map { "LSN \($0.lowerBound) to \($0.upperBound)" } ?? "no records"
        lines.append("\(directory): \(segments.count) segments, \(frames) frames, \(records) records, \(sessions) session definitions, \(range)")
        lines.append(contentsOf: warnings.map { "warning: \($0)" })
        if let error {
            lines.append("NOT SOUND: \(error)")
        } else {
            if tornBytes > 0 {
                lines.append("torn tail: \(tornBytes) bytes of a write that was never acknowledged; the next start cuts them and keeps the file as *.torn")
            }
            lines.append(endedClean ? "sound; it was closed" : "sound; it was not closed: left by a crash, or in use")
        }
        return lines.joined(separator: "\n")
    }
}

/// Checks every frame of a data directory, without changing it. A log in use is checked as far as it was when its files
/// were read.
public func verify(directory: String, requiredFrom: UInt64 = 1) -> VerifyReport {
    verify(directory: directory, requiredFrom: requiredFrom, disk: SystemDisk())
}

package func verify<D: Disk>(directory: String, requiredFrom: UInt64, disk: D) -> VerifyReport {
    var report = VerifyReport(directory: directory)
    let scan = LogScan.examine(disk, directory: directory, requiredFrom: requiredFrom)
    report.error = scan.error
    report.segments = scan.scan.segments.map {
        VerifyReport.Segment(
            file: $0.name.file, firstLSN: $0.name.firstLSN, bytes: $0.fileBytes, validBytes: $0.validBytes, frames: $0.frames,
            records: $0.records, epochs: $0.epochs)
    }
    report.frames = report.segments.reduce(0) { $0 + $1.frames }
    report.records = report.segments.reduce(0) { $0 + $1.records }
    report.sessions = scan.scan.sessions
    if report.records > 0 { report.lsns = scan.scan.oldestLSN...(scan.scan.end.nextLSN - 1) }
    report.endedClean = scan.scan.endedClean
    report.tornBytes = scan.scan.tornBytes
    report.warnings = scan.scan.warnings
    return report
}
