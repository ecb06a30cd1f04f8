/// What is in a data directory: the run of frames that is the log, and what follows it. The rule is at the top of Format.swift.
struct LogScan: Sendable {
    struct Segment: Sendable {
        var name: SegmentName
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
    /// Number of segments that hold frames of the log: all, or all but the last.
    var used = 0
    /// LSN of the first record the directory has; 1 in an empty one.
    var oldestLSN: UInt64 = 1
    /// Bytes that are not zero after the end of the log, in its last segment: a torn tail.
    var tornBytes: UInt64 = 0
    var endedClean = false
    var warnings: [String] = []
    var sessions = 0

    /// Reads the whole log and hands over what it holds from `requiredFrom` on.
    /// - Parameter requiredFrom: LSN from which on nothing may be missing. Snapshots will let it be other than 1.
    /// - Throws: `LogError.corrupt` when something is damaged or missing that was durable; what `deliver` throws.
    init<D: Disk>(_ disk: D, directory: String, requiredFrom: UInt64, deliver: (RecoveredItem) throws -> Void) throws {
        self.init()
        try read(disk, directory, from: requiredFrom, deliver)
    }

    private init() {}

    /// The same for tools: what was found up to the error, and the error.
    static func examine<D: Disk>(_ disk: D, directory: String, requiredFrom: UInt64) -> (scan: LogScan, error: LogError?) {
        var scan = LogScan()
        do {
            try scan.read(disk, directory, from: requiredFrom) { _ in }
            return (scan, nil)
        } catch {
            return (scan, error as? LogError ?? .refused("\(error)"))
        }
    }

    private mutating func read<D: Disk>(
        _ disk: D, _ directory: String, from requiredFrom: UInt64, _ deliver: (RecoveredItem) throws -> Void
    ) throws {
        segments = try segmentNames(disk, directory).map { Segment(name: $0) }
        guard let first = segments.first?.name else {
            if requiredFrom > 1 {
                throw LogError.corrupt(file: directory, offset: 0, lsn: requiredFrom, reason: "there is no log here, but a snapshot that needs it")
            }
            return
        }
        if first.firstLSN > requiredFrom || (requiredFrom == 1 && first.number != 1) {
            throw LogError.corrupt(
                file: directory + "/" + first.file, offset: 0, lsn: requiredFrom,
                reason: "the log begins only here, with segment \(first.number); the segments before it are missing")
        }
        oldestLSN = first.firstLSN
        try readRun(disk, directory, from: requiredFrom, deliver)
        try judgeRest(disk, directory)
    }

    private mutating func readRun<D: Disk>(
        _ disk: D, _ directory: String, from requiredFrom: UInt64, _ deliver: (RecoveredItem) throws -> Void
    ) throws {
        let decoder = FrameDecoder()
        for index in segments.indices {
            let name = segments[index].name
            if index > 0, name.number != segments[index - 1].name.number + 1 {
                let missing = SegmentName(firstLSN: end.nextLSN, number: segments[index - 1].name.number + 1)
                throw LogError.corrupt(
                    file: directory + "/" + missing.file, offset: 0, lsn: end.nextLSN,
                    reason: "segment \(missing.number) is missing; the next one there is \(name.file)")
            }
            let reader = try SegmentReader(disk, directory: directory, name: name)
            segments[index].fileBytes = try reader.size()
            if index == 0, name.number != 1, let header = try reader.header(at: 0) { end = RunEnd(before: header) }
            var offset: UInt64 = 0
            while let header = try reader.header(at: offset), end.continues(with: header), let stored = try reader.stored(header) {
                try decoder.decode(header, stored: stored, from: requiredFrom, file: reader.path) { item in
                    if case .session = item { sessions += 1 }
                    try deliver(item)
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

    /// Decides whether what stands after the run is the tear of a write nobody was told of, or loss.
    private mutating func judgeRest<D: Disk>(_ disk: D, _ directory: String) throws {
        func corrupt(_ segment: Segment, _ reason: String) -> LogError {
            .corrupt(file: directory + "/" + segment.name.file, offset: segment.validBytes, lsn: end.nextLSN, reason: reason)
        }
        func rest(_ segment: Segment) throws -> ArraySlice<UInt8> {
            if segment.fileBytes <= segment.validBytes { return [] }
            let bytes = try SegmentReader(disk, directory: directory, name: segment.name).rest(from: segment.validBytes)
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
            if let header = try claim(in: tail, of: last, directory, salt: end.salt) {
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
            if let header = try claim(in: tail, of: next, directory, salt: nil) {
                throw corrupt(next, "no valid frame here, but the frame at offset \(header.offset) says that LSN \(header.durableLSN) and frame \(header.durableFrame) were durable")
            }
            tornBytes = UInt64(tail.count)
        }
    }

    /// The first valid header among bytes after the run that proves that something past the run was durable.
    /// - Parameter salt: of the epoch; `nil` when it is not known, as the segment's first frame is unreadable.
    /// - Throws: `LogError.otherFormat`, when one of another format version stands there.
    private func claim(
        in bytes: ArraySlice<UInt8>, of segment: Segment, _ directory: String, salt: UInt64?
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
                    throw LogError.otherFormat(file: directory + "/" + segment.name.file, offset: offset, version: version)
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

/// Names of the segments in a directory, in log order.
func segmentNames<D: Disk>(_ disk: D, _ directory: String) throws -> [SegmentName] {
    guard let files = disk.list(directory) else { throw LogError.io(call: "list", path: directory, errno: 2) }
    return files.compactMap(SegmentName.init).sorted { $0.number < $1.number }
}
