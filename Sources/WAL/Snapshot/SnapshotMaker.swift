import Core

/// What making a snapshot came to.
public struct SnapshotReport: Sendable {
    public var lsn: UInt64
    public var file: String
    public var bytes: UInt64
    /// Open ones, and closed ones that are remembered.
    public var orders: Int
    public var microseconds: Int64
    /// Segments put away, or removed, that no snapshot needs any more.
    public var segmentsRetired = 0
    /// For the operator; each a sentence.
    public var warnings: [String] = []
}

/// Makes snapshots of a log that goes on being written. It replays the durable log on top of the snapshot before, in memory of its own, so no loop waits for it,
/// nothing is copied before it changes, and nothing in a snapshot can be ahead of the log; and each snapshot proves that the log can be replayed. The price is the memory of a
/// second state while one is made, and the processor for a replay: a second for some five million records.
///
/// One thread at a time, in the process that holds the directory's lock.
package final class SnapshotMaker<D: Disk> {
    private let disk: D
    private let directory: String
    /// Whether segments that no snapshot needs go to the archive, or for good.
    private let keepsSegments: Bool
    private let clock: () -> Int64

    /// - Parameter clock: microseconds, for the report.
    package init(disk: D, directory: String, keepsSegments: Bool, clock: @escaping () -> Int64 = { Int64(monotonicNanoseconds() / 1_000) }) {
        self.disk = disk
        self.directory = directory
        self.keepsSegments = keepsSegments
        self.clock = clock
    }

    /// Makes one of all that is durable.
    /// - Parameters:
    ///   - durable: the log's durable LSN.
    ///   - goOn: called now and then; what it throws ends the attempt.
    /// - Returns: `nil` when the newest snapshot holds that already.
    /// - Throws: `LogError`, `RecordError`: there is no new snapshot then, and what was there is as it was.
    package func make(upTo durable: UInt64, goOn: () throws -> Void = {}) throws -> SnapshotReport? {
        let began = clock()
        var warnings: [String] = []
        var replica = try Replica.newest(disk, directory, upTo: durable, &warnings)
        let base = replica.lsn
        if base >= durable { return nil }
        let reader = try DiskLogReader(directory: directory, after: replica.origin, disk: disk)
        _ = try reader.read(upTo: durable) {
            try goOn()
            try replica.take($0)
        }

        var head = SnapshotHead()
        head.lsn = replica.lsn
        head.frame = reader.frame.number
        head.epoch = reader.frame.epoch
        head.chain = reader.place.chain
        guard let identity = try logIdentity(disk, directory) else { throw LogError.refused("the log's begin is not there, and no snapshot") }
        head.identity = identity
        head.time = replica.lastTime
        head.registryNumbers = replica.shards.map { $0.shard.registry.number }
        invariant(head.lsn == reader.place.lsn && head.lsn >= durable, "a snapshot ends with a frame")

        let temporary = directory + "/" + SnapshotName.temporary
        var report = SnapshotReport(
            lsn: head.lsn, file: directory + "/" + SnapshotName(lsn: head.lsn).file, bytes: 0,
            orders: replica.shards.reduce(0) { $0 + $1.shard.orderCount }, microseconds: 0)
        let hashes = replica.stateHashes
        do {
            report.bytes = try SnapshotWriter(disk, path: temporary).write(head, replica, hashes: hashes, goOn)
            // Only one of the two is needed at a time.
            replica = Replica()
            // What nobody could load gets no name.
            _ = try Replica(snapshot: temporary, disk: disk, comparesHashes: true)
            try disk.check(disk.rename(temporary, report.file), "rename", temporary)
        } catch {
            // Gives its room back.
            _ = disk.remove(temporary)
            throw error
        }
        try disk.syncNames(in: directory)
        // What is in the way of no promise is tidied up last: the snapshot is there whatever becomes of this.
        try removeSnapshots(before: base)
        if base > 0 { report.segmentsRetired = try retireSegments(disk, directory, upTo: base, keep: keepsSegments) }
        report.warnings = warnings
        report.microseconds = clock() - began
        return report
    }

    /// The two newest that are known to be good are kept.
    private func removeSnapshots(before lsn: UInt64) throws {
        for name in try snapshotNames(disk, directory) where name.lsn < lsn {
            try disk.check(disk.remove(directory + "/" + name.file), "unlink", name.file)
        }
    }
}

/// A snapshot of the log of a directory that nobody uses.
/// - Returns: `nil` when the newest snapshot holds everything already.
/// - Throws: `LogError.locked`, `refused` when the directory's format has no snapshots, and as ``SnapshotMaker/make(upTo:goOn:)``.
public func makeSnapshot(directory: String, keepsSegments: Bool) throws -> SnapshotReport? {
    let disk = SystemDisk()
    guard try !segmentPlaces(disk, directory).isEmpty else { throw LogError.refused("there is no log in \(directory)") }
    return try withLockedDirectory(directory) {
        guard try DataFormat.read(disk, directory) != nil else {
            throw LogError.refused("\(directory) has data format \(DataFormat.logAlone), which has no snapshots: see `cashup upgrade`")
        }
        var warnings: [String] = []
        let newest = try Replica.newest(disk, directory, &warnings)
        let scan = try LogScan(disk, directory: directory, after: newest.origin) { _ in }
        // What a crash has left at the log's end may be in the page cache alone, and a snapshot must not be ahead of the disk. A start sees to that.
        guard scan.endedClean else { throw LogError.refused("the log of \(directory) was not closed: start the service once, and stop it") }
        return try SnapshotMaker(disk: disk, directory: directory, keepsSegments: keepsSegments).make(upTo: scan.end.nextLSN - 1)
    }
}

extension Replica {
    /// The newest snapshot of a directory that is whole, or the state before the first record.
    /// - Parameters:
    ///   - lsn: none after it will do.
    ///   - warnings: gets a sentence for each that is damaged.
    /// - Throws: `io`.
    package static func newest<D: Disk>(
        _ disk: D, _ directory: String, upTo lsn: UInt64 = .max, _ warnings: inout [String]
    ) throws -> Replica {
        for name in try snapshotNames(disk, directory) where name.lsn <= lsn {
            do {
                let replica = try Replica(snapshot: directory + "/" + name.file, disk: disk, comparesHashes: false)
                guard replica.lsn == name.lsn else { throw LogError.badSnapshot(file: directory + "/" + name.file, reason: "it holds LSN \(replica.lsn)") }
                return replica
            } catch let error as LogError {
                guard case .badSnapshot = error else { throw error }
                warnings.append("\(error); the one before it is used, or the log from its begin")
            }
        }
        return Replica()
    }
}

/// What no other log has: the salt of its first epoch, from its first frame or from a snapshot that has outlived it. `nil` when there is neither.
func logIdentity<D: Disk>(_ disk: D, _ directory: String) throws -> UInt64? {
    if let place = try segmentPlaces(disk, directory).first, place.name.number == 1 {
        return try SegmentReader(disk, place).header(at: 0)?.salt
    }
    for name in try snapshotNames(disk, directory) {
        if let head = try? SnapshotReader(disk, path: directory + "/" + name.file).head() { return head.identity }
    }
    return nil
}
