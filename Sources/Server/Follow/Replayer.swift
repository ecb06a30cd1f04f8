import Core
import WAL

/// Shards of its own, brought forward by the durable log. Owner: one thread at a time.
final class Replayer {
    private let reader: LogReader
    private var shards: [ShardBox] = []
    private var writer = EventWriter()
    /// Everything up to this LSN is applied.
    private(set) var position: UInt64 = 0

    private let noteSession: (SessionInfo) -> Void

    /// Begins with the newest snapshot that is not past `lsn`, or with the log.
    /// - Parameter noteSession: hears of each session before its first record; again in each segment.
    /// - Throws: `LogError` when the log cannot be read from there.
    init(directory: String, upTo lsn: UInt64, disk: AnyDisk = .system, noteSession: @escaping (SessionInfo) -> Void = { _ in }) throws {
        // Damaged ones are the start's and the maker's to tell of.
        var warnings: [String] = []
        let replica = try Replica.newest(disk, directory, upTo: lsn, &warnings)
        reader = try LogReader(directory: directory, after: replica.origin, disk: disk)
        shards = replica.shards
        position = replica.lsn
        self.noteSession = noteSession
    }

    /// A wallet's shard, where the log has come to one.
    func box(_ wallet: WalletID) -> ShardBox? { Int(wallet) < shards.count ? shards[Int(wallet)] : nil }

    /// Whether the shards note which levels of books change.
    var notesLevels = false {
        didSet { for box in shards { box.shard.notesLevels = notesLevels } }
    }

    /// The books of which levels have changed since the last call.
    func takeTouchedBooks() -> [InstrumentID: TouchedBook] {
        var touched: [InstrumentID: TouchedBook] = [:]
        for box in shards {
            box.shard.takeTouchedLevels { instrument, side, price in touched[instrument, default: TouchedBook()].note(side, price) }
        }
        return touched
    }

    /// Applies what is durable, up to `limit`; after each record `visit` may write its events.
    /// - Throws: `LogError`, `RecordError`: the log is damaged.
    func advance(
        to limit: UInt64, _ visit: (RecordReader.Record, borrowing Shard, UInt64, inout EventWriter) -> Void
    ) throws {
        guard limit > position else { return }
        _ = try reader.read(upTo: limit) { item in
            guard case .batch(let first, let count, let bytes) = item else {
                if case .session(let session) = item { noteSession(session) }
                return
            }
            var records = RecordReader(bytes: bytes, count: count)
            var lsn = first
            while let record = try records.next() {
                if lsn > position {
                    while shards.count <= Int(record.shard) { shards.append(ShardBox(number: WalletID(shards.count))) }
                    if notesLevels, !shards[Int(record.shard)].shard.notesLevels { shards[Int(record.shard)].shard.notesLevels = true }
                    let box = shards[Int(record.shard)]
                    writer.prepare(record.mutation, shard: box.shard)
                    box.shard.evolve(record.mutation, at: record.time)
                    visit(record, box.shard, lsn, &writer)
                    position = lsn
                }
                lsn += 1
            }
        }
    }
}
