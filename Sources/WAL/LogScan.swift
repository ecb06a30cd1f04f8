/// What is in a data directory: the run of frames that is the log, and what follows it. The rule is at the top of Format.swift.
struct LogScan: Sendable {
    struct Segment: Sendable {
        var place: SegmentPlace
        var name: SegmentName { place.name }
        /// Up to the end of the last frame that is part of the log.
        var validBytes: UInt64 = 0
        var fileBytes: UInt64 = 0
        var frames = 0
        var records: UInt64 = 0
        var epochs: ClosedRange<UInt32>?
        /// Whether there are zeros and nothing else after the valid bytes.
        var hasZeroTail = false
    }

    /// All segments, in log order.
    var segments: [Segment] = []
    /// Where the log ends.
    var end = RunEnd()
    /// Number of segments that hold frames of the log, or are passed over: all, or all but the last.
    var used = 0
    /// LSN of the first record there is; 1 in an empty directory.
    var oldestLSN: UInt64 = 1
    /// Bytes that are not zero after the end of the log, in its last segment: a torn tail.
    var tornBytes: UInt64 = 0
    var endedClean = false
    var warnings: [String] = []
    var sessions = 0

    /// Reads the log and hands over what it holds after a snapshot; without one, all of it.
    /// - Parameter origin: the snapshot. Segments that end before it are not read.
    /// - Throws: `LogError.corrupt` when something is damaged or missing that was durable, `badSnapshot` when the snapshot is not of this log; what
    ///   `deliver` throws.
    init<D: Disk>(_ disk: D, directory: String, after origin: SnapshotHead? = nil, deliver: (RecoveredItem) throws -> Void) throws {
        self.init()
        try read(disk, directory, after: origin, deliver)
    }

    private init() {}

    /// The same for tools: what was found up to the error, and the error.
    static func examine<D: Disk>(
        _ disk: D, directory: String, after origin: SnapshotHead? = nil, deliver: (RecoveredItem) throws -> Void = { _ in }
    ) -> (scan: LogScan, error: LogError?) {
        var scan = LogScan()
        do {
            try scan.read(disk, directory, after: origin, deliver)
            return (scan, nil)
        } catch {
            return (scan, error as? LogError ?? .refused("\(error)"))
        }
    }

    private mutating func read<D: Disk>(
        _ disk: D, _ directory: String, after origin: SnapshotHead?, _ deliver: (RecoveredItem) throws -> Void
    ) throws {
        segments = try segmentPlaces(disk, directory).map { Segment(place: $0) }
        let requiredFrom = (origin?.lsn ?? 0) + 1
        guard let first = segments.first else {
            if requiredFrom > 1 {
                throw LogError.corrupt(file: directory, offset: 0, lsn: requiredFrom, reason: "there is no log here, but a snapshot that needs it")
            }
            return
        }
        if first.name.firstLSN > requiredFrom || (requiredFrom == 1 && first.name.number != 1) {
            throw LogError.corrupt(
                file: first.place.path, offset: 0, lsn: requiredFrom,
                reason: "the log begins only here, with segment \(first.name.number); the segments before it are missing")
        }
        oldestLSN = first.name.firstLSN
        try readRun(disk, directory, after: origin, deliver)
        try judgeRest(disk)
        // Only what snapshots hold is put away, and they hold less than the log.
        if used > 0, case let last = segments[used - 1], last.place.directory != directory {
            throw LogError.corrupt(
                file: last.place.path, offset: last.validBytes, lsn: end.nextLSN,
                reason: "the log ends with a segment that was put away: what was in use after it is missing")
        }
        if end.nextLSN < requiredFrom {
            throw LogError.corrupt(
                file: segments[max(used - 1, 0)].place.path, offset: segments[max(used - 1, 0)].validBytes, lsn: end.nextLSN,
                reason: "the log ends here, but there is a snapshot of LSN \(requiredFrom - 1), and those are made only of what is durable")
        }
    }

    private mutating func readRun<D: Disk>(
        _ disk: D, _ directory: String, after origin: SnapshotHead?, _ deliver: (RecoveredItem) throws -> Void
    ) throws {
        let decoder = FrameDecoder()
        let requiredFrom = (origin?.lsn ?? 0) + 1
        let begin = try firstSegment(disk, holding: origin?.lsn ?? 1)
        var place = origin.map { SnapshotPlace($0) }
        used = begin
        for index in segments.indices[begin...] {
            let file = segments[index].place
            if index > begin, file.name.number != segments[index - 1].name.number + 1 {
                let missing = SegmentName(firstLSN: end.nextLSN, number: segments[index - 1].name.number + 1)
                throw LogError.corrupt(
                    file: directory + "/" + missing.file, offset: 0, lsn: end.nextLSN,
                    reason: "segment \(missing.number) is missing; the next one there is \(file.name.file)")
            }
            let reader = try SegmentReader(disk, file)
            segments[index].fileBytes = try reader.size()
            if index == begin, file.name.number != 1, let header = try reader.header(at: 0) { end = RunEnd(before: header) }
            var offset: UInt64 = 0
            while let header = try reader.header(at: offset), end.continues(with: header), let stored = try reader.stored(header) {
                // Before anything of it is applied to a state that may be another log's.
                try place?.pass(header)
                if header.nextLSN > requiredFrom || header.sessionCount > 0 {
                    try decoder.decode(header, stored: stored, from: requiredFrom, file: reader.path) { item in
                        if case .session = item { sessions += 1 }
                        try deliver(item)
                    }
                }
                end = RunEnd(after: header)
                offset = header.end
                endedClean = header.flags & FrameHeader.cleanStop != 0
                segments[index].frames += 1
                segments[index].records += UInt64(header.recordCount)
                segments[index].epochs = (segments[index].epochs?.lowerBound ?? header.epoch)...header.epoch
            }
            segments[index].validBytes = offset
            if offset == 0 { return }
            used = index + 1
        }
    }

    /// Where to begin: the last segment that begins at or before an LSN and has a first frame. One that has none is judged as what follows a log.
    private func firstSegment<D: Disk>(_ disk: D, holding lsn: UInt64) throws -> Int {
        var begin = segments.lastIndex { $0.name.firstLSN <= lsn } ?? 0
        // From the log's begin on all is read.
        if lsn == 1 { begin = 0 }
        while begin > 0 {
            let reader = try SegmentReader(disk, segments[begin].place)
            if let header = try reader.header(at: 0), try reader.stored(header) != nil { break }
            begin -= 1
        }
        return begin
    }

    /// Decides whether what stands after the run is the tear of a write nobody was told of, or loss.
    private mutating func judgeRest<D: Disk>(_ disk: D) throws {
        func corrupt(_ segment: Segment, _ reason: String) -> LogError {
            .corrupt(file: segment.place.path, offset: segment.validBytes, lsn: end.nextLSN, reason: reason)
        }
        func rest(_ segment: Segment) throws -> ArraySlice<UInt8> {
            if segment.fileBytes <= segment.validBytes { return [] }
            let bytes = try SegmentReader(disk, segment.place).rest(from: segment.validBytes)
            return bytes[..<((bytes.lastIndex { $0 != 0 } ?? -1) + 1)]
        }
        // Segments before the last used one: the next one's first frame chains on, so nothing of the log is lost.
        for index in segments.indices.prefix(max(used - 1, 0)) where segments[index].fileBytes > segments[index].validBytes {
            segments[index].hasZeroTail = try rest(segments[index]).isEmpty
            if !segments[index].hasZeroTail {
                warnings.append(
                    "\(segments[index].name.file): bytes after its last frame at \(segments[index].validBytes) are not zero; the log is whole without them")
            }
        }
        let last = segments[max(used - 1, 0)]
        let unused = segments.count - used
        if unused > 1 || (used == 0 && segments[0].name.number != 1) {
            throw corrupt(last, "no valid frame here, but later segments exist")
        }
        if used > 0 {
            let tail = try rest(last)
            if let header = try claim(in: tail, of: last, salt: end.salt) {
                throw corrupt(last, "no valid frame here, but the frame at offset \(header.offset) says that LSN \(header.durableLSN) and frame \(header.durableFrame) were durable")
            }
            if unused == 0 { tornBytes = UInt64(tail.count) } else if !tail.isEmpty {
                throw corrupt(last, "no valid frame here, but a later segment was begun, and that is done only when all before it is durable")
            }
        }
        if unused == 1 {
            let next = segments[used]
            if next.name.firstLSN != end.nextLSN {
                throw corrupt(last, "the log ends here, but the next segment begins with LSN \(next.name.firstLSN)")
            }
            let tail = try rest(next)
            if let header = try claim(in: tail, of: next, salt: nil) {
                throw corrupt(next, "no valid frame here, but the frame at offset \(header.offset) says that LSN \(header.durableLSN) and frame \(header.durableFrame) were durable")
            }
            tornBytes = UInt64(tail.count)
        }
    }

    /// The first valid header among bytes after the run that proves that something past the run was durable.
    /// - Parameter salt: of the epoch; `nil` when it is not known, as the segment's first frame is unreadable.
    /// - Throws: `LogError.otherFormat`, when one of another format version stands there.
    private func claim(
        in bytes: ArraySlice<UInt8>, of segment: Segment, salt: UInt64?
    ) throws -> FrameHeader? {
        try bytes.withUnsafeBytes { raw in
            var i = 0
            while i + FrameHeader.size <= raw.count {
                defer { i += 1 }
                guard raw[i] == 0x5C, raw[i + 1] == 0x2A else { continue }
                let (place, offset) = (raw.baseAddress! + i, segment.validBytes + UInt64(i))
                if let header = FrameHeader(at: place, segment: segment.name.number, offset: offset) {
                    guard salt == nil || header.salt == salt else { continue }
                    if header.durableFrame > end.frame || header.durableLSN >= end.nextLSN { return header }
                    if i == 0, !end.continues(with: header) { return header }
                } else if let version = FrameHeader.otherVersion(
                    at: place, segment: segment.name.number, offset: offset, salt: salt)
                {
                    throw LogError.otherFormat(file: segment.place.path, offset: offset, version: version)
                }
            }
            return nil
        }
    }
}

extension RunEnd {
    /// The end of a log whose next frame is this one: for a directory whose older segments have been removed.
    init(before header: FrameHeader) {
        self.init()
        frame = header.frame - 1
        nextLSN = header.firstLSN
        chain = header.chain
        epoch = header.flags & FrameHeader.opensEpoch != 0 ? header.epoch - 1 : header.epoch
        salt = header.salt
    }
}

/// Where in a log a snapshot was made. A reader goes past it frame by frame, from one before it on.
struct SnapshotPlace: Sendable {
    private let head: SnapshotHead
    private var isPassed = false

    init(_ head: SnapshotHead) { self.head = head }

    /// - Throws: `LogError.badSnapshot`, when the frame that holds the snapshot's last record is not the one it was made at.
    mutating func pass(_ header: FrameHeader) throws {
        if isPassed || header.recordCount == 0 || header.nextLSN <= head.lsn { return }
        guard header.frame == head.frame, header.checksum == head.chain, header.nextLSN == head.lsn + 1 else {
            throw LogError.badSnapshot(
                file: SnapshotName(lsn: head.lsn).file,
                reason: "it is of another log: frame \(header.frame) with LSN \(head.lsn) is not the one it was made at. Put it away")
        }
        isPassed = true
    }
}
