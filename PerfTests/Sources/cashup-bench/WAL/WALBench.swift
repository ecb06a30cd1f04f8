import Core
import Report
import WAL

/// The log alone: encoding, commits, recovery; and core and log together in one process.
enum WALBench {
    static func run(_ settings: Settings) throws -> [Section] {
        try [("wal-records", records), ("wal", encoding), ("wal-durable", durable), ("wal-recovery", recovery)]
            .filter { settings.wants($0.0) }.map { try $0.1(settings) }
    }

    /// Seconds that `body` takes.
    static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let clock = ContinuousClock()
        let took = try clock.measure(body)
        return Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
    }

    /// zstd's levels that are compared; `nil`: stored uncompressed.
    private static let levels: [Int32?] = [nil, -5, -1, 1, 3]

    // MARK: Records

    /// The record codec alone, both ways, in batches of 512.
    private static func records(_ settings: Settings) throws -> Section {
        var section = Section(
            id: "wal-records", title: "Log: mutations to records and back",
            notes: ["New orders as below, in batches of 512, which are written over and over; no frames."])
        let orders = accepted(OrderStream(ids: .counted), 512)
        let rounds = settings.small ? 400 : 4_000
        let batch = Batch()
        var writer = RecordWriter()
        var writing: [Double] = []
        var reading: [Double] = []
        for _ in 0..<settings.repetitions {
            writing.append(
                seconds {
                    for _ in 0..<rounds { append(orders[...], 1_763_798_400_000_000, &writer, batch) }
                } * 1e9 / Double(rounds * 512))
            var sum: Int64 = 0
            var record = RecordReader.Record()
            reading.append(
                try seconds {
                    for _ in 0..<rounds {
                        var reader = RecordReader(bytes: batch.bytes.bytes, count: batch.recordCount)
                        while try reader.next(into: &record) { sum &+= record.time }
                    }
                } * 1e9 / Double(rounds * 512))
            guard sum == 1_763_798_400_000_000 &* Int64(rounds * 512), case .orderAccepted(let last) = record.mutation, last.id == orders.last!.id else { throw BenchFailure("records were read back wrong") }
        }
        section.figures = [
            Figure(id: "wal-records/write", name: "written", unit: "ns", better: .lower, samples: writing),
            Figure(id: "wal-records/read", name: "read", unit: "ns", better: .lower, samples: reading),
        ]
        return section
    }

    /// One batch of orders, in runs of an eighth per session.
    @inline(__always)
    private static func append(_ orders: ArraySlice<OrderAccepted>, _ time: Timestamp, _ writer: inout RecordWriter, _ batch: Batch) {
        batch.reset()
        for (place, order) in orders.enumerated() {
            writer.append(
                order, shard: 0, time: time,
                session: 1 << 32 | UInt64(place * OrderStream.sessions / orders.count + 1), to: batch)
        }
    }

    // MARK: Encoding

    /// Record writer, seal and frame encoder over a disk that costs nothing.
    private static func encoding(_ settings: Settings) throws -> Section {
        var section = Section(
            id: "wal", title: "Log: records to frames",
            notes: [
                "New orders of 8 sessions in runs of an eighth of the batch; 1,000 accounts, prices within 50 ticks, quantities uniform in 1..10^6 lots, ids `s1-100001`.",
                "One batch is one frame. Appending, sealing and framing are measured; the disk is one that keeps nothing. Bytes are all that would be written, headers included.",
            ])
        let records = settings.small ? 8_192 : 1 << 20
        let orders = accepted(OrderStream(ids: .counted), min(records, 1 << 16))
        for size in [1, 8, 64, 512, 4096] {
            for level in levels {
                let name = level.map { "zstd \($0)" } ?? "stored"
                let id = "\(size)/\(level.map { "\($0)" } ?? "stored")"
                // The fewer records in a frame, the fewer are enough to measure.
                let count = size < 64 ? records / 8 : records
                var rates: [Double] = []
                var bytes = 0.0
                for _ in 0..<settings.repetitions {
                    let result = try encode(orders, count, batch: size, level: level)
                    rates.append(Double(count) / result.seconds)
                    bytes = result.bytes / Double(count)
                }
                section.figures.append(
                    Figure(id: "wal/encode/\(id)", name: "batches of \(size.grouped), \(name)", column: "records/s", unit: "records/s", better: .higher, samples: rates))
                section.figures.append(
                    Figure(id: "wal/bytes/\(id)", name: "batches of \(size.grouped), \(name)", column: "bytes", unit: "B/record", better: .lower, samples: [bytes]))
            }
        }
        let options = LogOptions()
        for ids in [OrderStream.IDs.counted, .uuid] {
            let orders = accepted(OrderStream(ids: ids), min(records, 1 << 16))
            let result = try encode(orders, min(records, 1 << 16), batch: 512, level: options.compressionLevel)
            let name = ids == .counted ? "counted" : "uuid"
            section.figures.append(
                Figure(
                    id: "wal/order-bytes/\(name)", name: "a new order in batches of 512 as shipped, \(name) ids", unit: "B/record",
                    better: .lower, samples: [result.bytes / Double(min(records, 1 << 16))], goal: ids == .counted ? .value(20) : nil))
        }
        return section
    }

    private static func accepted(_ stream: OrderStream, _ count: Int) -> [OrderAccepted] {
        var stream = stream
        return (0..<count).map { index in
            let order = stream.next(session: index * OrderStream.sessions / 512 % OrderStream.sessions)
            var it = OrderAccepted(
                id: Int64(index) + 1, account: order.account, instrument: 0, side: order.side, type: .limit, timeInForce: .gtc,
                quantity: order.quantity, price: order.price, clientID: order.clientID)
            it.contentHash = it.contentHashOfNew
            return it
        }
    }

    private static func encode(
        _ orders: [OrderAccepted], _ count: Int, batch size: Int, level: Int32?
    ) throws -> (seconds: Double, bytes: Double) {
        var options = LogOptions()
        options.rawBytesMax = level == nil ? .max : 0
        options.compressionLevel = level ?? options.compressionLevel
        let log = try DiskLog.open(directory: "null", options: options, disk: NullDisk()) { _ in }
        defer { log.close() }
        let batch = Batch()
        var writer = RecordWriter()
        let before = log.written.bytes
        let took = seconds {
            for start in stride(from: 0, to: count, by: size) {
                let place = start % orders.count
                append(orders[place..<place + size], 1_763_798_400_000_000 + Int64(start), &writer, batch)
                log.seal(batch)
                log.commit()
            }
        }
        return (took, Double(log.written.bytes - before))
    }
}
