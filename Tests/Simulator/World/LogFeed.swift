import Core
import Server
import SimulatorModel
import WAL

/// Follows what the simulated disk really holds of the log, with the real reader: tells the auditor of each record, and keeps shards of its own, which
/// are what a replay of the durable log comes to.
final class LogFeed {
    private let view: AnyDisk
    private let disk: SimulatedDisk
    private let directory: String
    private var reader: LogReader?
    private var seenVersion = -1
    private(set) var shards: [ShardBox] = []
    /// Everything up to here was once found on the disk, so no power cut may take it.
    private(set) var lsn: UInt64 = 0
    private(set) var records = 0

    init(_ disk: SimulatedDisk, directory: String) {
        self.disk = disk
        self.directory = directory
        view = AnyDisk(DurableView(disk))
    }

    /// A start has written files anew.
    func beginAnew() {
        reader = nil
        seenVersion = -1
    }

    func follow(_ tell: (borrowing Mutation, WalletID, Timestamp, UInt64, UInt64) -> Void) throws {
        guard disk.version != seenVersion else { return }
        seenVersion = disk.version
        if reader == nil { reader = try LogReader(directory: directory, from: lsn + 1, disk: view) }
        _ = try reader!.read(upTo: .max) { item in
            guard case .batch(let first, let count, let bytes) = item else { return }
            var records = RecordReader(bytes: bytes, count: count)
            var number = first
            while let record = try records.next() {
                if number > lsn {
                    while shards.count <= Int(record.shard) { shards.append(ShardBox(number: WalletID(shards.count))) }
                    let mutation = record.mutation
                    shards[Int(record.shard)].address.pointee.evolve(mutation, at: record.time)
                    tell(mutation, record.shard, record.time, record.session, number)
                    lsn = number
                    self.records += 1
                }
                number += 1
            }
        }
    }
}
