import WAL

/// Reads the log into a collector. One thread at a time.
struct LogFeed {
    let reader: LogReader
    let collector: Collector

    /// - Parameter afterBatch: called between two batches of the log; they may be many in one frame.
    func read(upTo limit: UInt64, afterBatch: () throws -> Void = {}) throws {
        var record = RecordReader.Record()
        _ = try reader.read(upTo: limit) { item in
            switch item {
            case .session(let session): collector.take(session)
            case .batch(let first, let count, let bytes):
                var records = RecordReader(bytes: bytes, count: count)
                var lsn = first
                while try records.next(into: &record) {
                    collector.take(record, lsn: lsn)
                    lsn += 1
                }
                try afterBatch()
            }
        }
    }
}
