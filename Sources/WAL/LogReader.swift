import Core
import Glibc

/// A reader of the log on whichever disk.
public typealias LogReader = DiskLogReader<AnyDisk>

/// Reads the log from an LSN on, from its files, also while they are being written: for followers and tools. Any number of
/// readers, each with a place of its own, one thread at a time. It holds no lock and stops nobody.
public final class DiskLogReader<D: Disk> {
    private let disk: D
    private let directory: String
    private var from: UInt64
    private let decoder = FrameDecoder()
    private var reader: SegmentReader<D>
    private var end: RunEnd
    private var delivered: UInt64

    /// - Parameter origin: the snapshot after which it is read on; its place in the log is compared.
    /// - Throws: `LogError.refused` when the log begins only after `from`, or there is none.
    public init(directory: String, from lsn: UInt64, disk: D) throws {
        self.disk = disk
        self.directory = directory
        from = max(lsn, 1)
        let (place, reader) = try DiskLogReader.open(disk, directory, max(lsn, 1))
        self.reader = reader
        end = RunEnd()
        end.segment = place.name.number
        end.nextLSN = place.name.firstLSN
        delivered = from - 1
        isPlaced = false
    }

    /// The same after a snapshot; ``read(upTo:_:)`` throws `LogError.badSnapshot` where it turns out to be of another log.
    package convenience init(directory: String, after origin: SnapshotHead?, disk: D) throws {
        // From the snapshot's last record on, so that its frame is seen.
        try self.init(directory: directory, from: origin?.lsn ?? 1, disk: disk)
        guard let origin else { return }
        from = origin.lsn + 1
        delivered = origin.lsn
        snapshot = SnapshotPlace(origin)
    }

    private var snapshot: SnapshotPlace?

    private static func open(_ disk: D, _ directory: String, _ lsn: UInt64) throws -> (SegmentPlace, SegmentReader<D>) {
        for isLastTry in [false, true] {
            let places = try segmentPlaces(disk, directory)
            guard let place = places.last(where: { $0.name.firstLSN <= lsn }) else {
                throw LogError.refused(
                    places.first.map { "the log begins with LSN \($0.name.firstLSN), LSN \(lsn) is gone" } ?? "there is no log in \(directory)")
            }
            do {
                return (place, try SegmentReader(disk, place))
            } catch LogError.io(_, _, ENOENT) where !isLastTry {
                // Put away since it was listed.
            }
        }
        invariantFailure("a last try returns or throws")
    }

    /// Whether ``end`` is known from a frame, rather than only from the segment's name.
    private var isPlaced: Bool

    /// Hands over what follows: first the sessions of the place where it begins, then all batches that end after the LSN
    /// of the last call (the first may begin before the LSN asked for: its records are decoded from the batch's begin).
    /// - Parameter limit: LSN to read to, for a live log its durable one: what is not durable yet may never have been.
    ///   `UInt64.max` reads to the end of the frames that are there: for a log that nobody writes, or for a look at one.
    /// - Returns: LSN of the last record handed over so far; `from - 1` when there is none.
    /// - Throws: `LogError.corrupt` when there is no valid frame where `limit` says there must be; what `body` throws, and
    ///   then the frame comes again with the next call.
    public func read(upTo limit: UInt64, _ body: (RecoveredItem) throws -> Void) throws -> UInt64 {
        reader.forgetReadAhead()
        while end.nextLSN <= limit {
            if let header = try reader.header(at: end.offset), follows(header), let stored = try reader.stored(header) {
                try snapshot?.pass(header)
                if header.sessionCount > 0 || header.nextLSN > from {
                    try decoder.decode(header, stored: stored, from: from, file: reader.path, body)
                }
                end = RunEnd(after: header)
                isPlaced = true
                delivered = max(delivered, end.nextLSN - 1)
            } else if try !openNextSegment() {
                if limit == .max { break }
                throw LogError.corrupt(
                    file: reader.path, offset: end.offset, lsn: end.nextLSN,
                    reason: "no valid frame here, though LSN \(limit) is durable")
            }
        }
        return delivered
    }

    /// What has been read ends here: the LSN of its last record, and a value that follows from all frames up to there. Equal in two logs if
    /// and only if they are the same up to that LSN.
    package var place: (lsn: UInt64, chain: UInt64) { (end.nextLSN - 1, end.chain) }
    /// The frame that ends there.
    var frame: (number: UInt64, epoch: UInt32) { (end.frame, end.epoch) }

    private func follows(_ header: FrameHeader) -> Bool {
        isPlaced ? end.continues(with: header) : header.firstLSN == end.nextLSN
    }

    /// The next segment's name follows from where this one ends, so no directory is listed.
    private func openNextSegment() throws -> Bool {
        let name = SegmentName(firstLSN: end.nextLSN, number: end.segment + 1)
        // It may be put away between two looks, never back.
        for place in [directory, directory + "/" + archiveFolder].map({ SegmentPlace(name: name, directory: $0) }) {
            let file = disk.open(place.path, .read)
            guard file >= 0 else { continue }
            disk.close(Int32(file))
            return try open(place)
        }
        return false
    }

    private func open(_ place: SegmentPlace) throws -> Bool {
        let next = try SegmentReader(disk, place)
        guard let header = try next.header(at: 0), follows(header) else { return false }
        reader = next
        end.segment = place.name.number
        end.offset = 0
        return true
    }
}

extension DiskLogReader where D == AnyDisk {
    /// - Parameter lsn: of the first record wanted; 0 and 1 are the log's begin.
    public convenience init(directory: String, from lsn: UInt64) throws {
        try self.init(directory: directory, from: lsn, disk: .system)
    }

    /// What no other log has. `nil` when neither the log's begin nor a snapshot is there and readable.
    package static func identity(ofLogIn directory: String) throws -> UInt64? { try logIdentity(SystemDisk(), directory) }
}
