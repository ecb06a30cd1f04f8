import Core

/// Records decoded ahead of being applied, so that what they touch is asked for before the first of them needs it: a start spends most of its
/// time on memory. One thread at a time.
///
///     while try window.read(from: &reader) { window.evolve { number, body in body(&shards[number]) } }
public struct ReplayWindow: ~Copyable {
    /// Enough to overlap the misses of many records, few enough to stay in the nearest cache.
    private static var capacity: Int { 32 }

    private let records = UnsafeMutablePointer<RecordReader.Record>.allocate(capacity: capacity)
    private let ahead = UnsafeMutablePointer<Shard.Ahead>.allocate(capacity: capacity)
    /// Records in the window.
    public private(set) var count = 0

    public init() {
        records.initialize(repeating: RecordReader.Record(), count: ReplayWindow.capacity)
        ahead.initialize(repeating: Shard.Ahead(), count: ReplayWindow.capacity)
    }

    deinit {
        records.deallocate()
        ahead.deallocate()
    }

    /// Time of the last record.
    public var lastTime: Timestamp { count == 0 ? 0 : records[count - 1].time }

    /// Fills the window with the next records of a batch; `false` when there is none.
    public mutating func read(from reader: inout RecordReader) throws(RecordError) -> Bool {
        count = 0
        while count < ReplayWindow.capacity, try reader.next(into: &records[count]) { count += 1 }
        return count > 0
    }

    /// Applies the window's records in order. `withShard` hands over the shard of that number, made if it is not there.
    public func evolve(_ withShard: (WalletID, (inout Shard) -> Void) -> Void) {
        var begin = 0
        while begin < count {
            let number = records[begin].shard
            var end = begin + 1
            while end < count, records[end].shard == number { end += 1 }
            withShard(number) { evolve(begin..<end, &$0) }
            begin = end
        }
    }

    private func evolve(_ run: Range<Int>, _ shard: inout Shard) {
        for index in run { ahead[index] = ReplayWindow.ahead(of: &records[index], shard) }
        for _ in 0..<2 {
            for index in run { shard.prefetch(&ahead[index]) }
        }
        for index in run { ReplayWindow.evolve(&records[index], &shard) }
    }

    // `inout` so that the record is passed where it lies.

    @inline(__always)
    private static func ahead(of record: inout RecordReader.Record, _ shard: borrowing Shard) -> Shard.Ahead {
        switch record.kind {
        case .accepted: shard.ahead(of: record.accepted)
        case .canceled: shard.ahead(ofOrder: record.canceled.order, closes: true)
        case .replaced: shard.ahead(ofOrder: record.replaced.order, closes: false)
        case .filled: shard.ahead(of: record.filled)
        case .matched: shard.ahead(ofOrder: record.matched.maker, closes: false)
        case .other: Shard.Ahead()
        }
    }

    @inline(__always)
    private static func evolve(_ record: inout RecordReader.Record, _ shard: inout Shard) {
        switch record.kind {
        case .accepted: shard.evolve(record.accepted, at: record.time)
        case .canceled: shard.evolve(record.canceled, at: record.time)
        case .replaced: shard.evolve(record.replaced, at: record.time)
        case .filled: shard.evolve(record.filled, at: record.time)
        case .matched: shard.evolve(record.matched, at: record.time)
        case .other: shard.evolve(record.other, at: record.time)
        }
    }
}
