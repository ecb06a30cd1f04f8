import Core

/// What a log comes to: all shards after one LSN. A start makes one, snapshots are made from one. One thread at a time.
package struct Replica: ~Copyable {
    private var window = ReplayWindow()
    package internal(set) var shards: [ShardBox] = [ShardBox(number: 0)]
    /// Everything up to this LSN is applied.
    package internal(set) var lsn: UInt64 = 0
    /// Records applied, without those in the snapshot it began with.
    package private(set) var records: UInt64 = 0
    /// Of the last record.
    package internal(set) var lastTime: Timestamp = 0

    /// The snapshot it began with.
    package internal(set) var origin: SnapshotHead?
    /// The state hashes that the snapshot says, one per shard.
    package internal(set) var originHashes: [UInt64] = []

    package init() {}

    /// Applies what follows; batches that are in it already are passed over.
    /// - Throws: `RecordError`.
    package mutating func take(_ item: RecoveredItem) throws {
        guard case .batch(let first, let count, let bytes) = item, first + UInt64(count) > lsn + 1 else { return }
        invariant(first == lsn + 1, "a replica goes on where it has come to")
        var reader = RecordReader(bytes: bytes, count: count)
        while try window.read(from: &reader) {
            window.evolve { number, body in
                while shards.count <= Int(number) { shards.append(ShardBox(number: WalletID(shards.count))) }
                body(&shards[Int(number)].shard)
            }
            records += UInt64(window.count)
            lastTime = max(lastTime, window.lastTime)
        }
        lsn += UInt64(count)
    }

    /// One per shard; visits everything.
    package var stateHashes: [UInt64] { shards.map { $0.shard.stateHash() } }
}
