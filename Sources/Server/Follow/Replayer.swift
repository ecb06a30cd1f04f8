import Core
import WAL

/// Shards of its own, brought forward by the durable log. Owner: one thread at a time.
final class Replayer {
    private let reader: LogReader
    private var shards: [ShardBox] = []
    private var writer = EventWriter()
    /// Everything up to this LSN is applied.
    private(set) var position: UInt64 = 0

    /// - Throws: `LogError` when the log cannot be read from its begin.
    init(directory: String) throws {
        reader = try LogReader(directory: directory, from: 1)
    }

    /// Applies what is durable, up to `limit`; for each mutation `visit` may write its events.
    /// - Throws: `LogError`, `RecordError`: the log is damaged.
    func advance(
        to limit: UInt64, _ visit: (Mutation, borrowing Shard, UInt64, Timestamp, inout EventWriter) -> Void
    ) throws {
        guard limit > position else { return }
        _ = try reader.read(upTo: limit) { item in
            guard case .batch(let first, let count, let bytes) = item else { return }
            var records = RecordReader(bytes: bytes, count: count)
            var lsn = first
            while let record = try records.next() {
                if lsn > position {
                    while shards.count <= Int(record.shard) { shards.append(ShardBox(number: WalletID(shards.count))) }
                    let box = shards[Int(record.shard)]
                    writer.prepare(record.mutation, shard: box.shard)
                    box.shard.evolve(record.mutation, at: record.time)
                    visit(record.mutation, box.shard, lsn, record.time, &writer)
                    position = lsn
                }
                lsn += 1
            }
        }
    }
}
