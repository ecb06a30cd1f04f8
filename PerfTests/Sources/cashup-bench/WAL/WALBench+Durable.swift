import Core
import Foundation
import Report
import WAL

extension WALBench {
    /// Core and log in one process: decide, evolve, record, seal, write, fdatasync.
    static func durable(_ settings: Settings) throws -> Section {
        var section = Section(
            id: "wal-durable", title: "Core and log in one process: durable commands",
            notes: [
                "One shard, one thread, no network. New orders only, the same as above, 1,000 funded accounts; each batch is one commit: one durable write on the measured disk.",
                "Excluded: start, definitions, deposits, making the orders. They are taken in groups of \(WALDesk.group), whose memory is asked for ahead.",
            ])
        for size in [512, 4096] {
            let count = settings.small ? size * 4 : size * 400
            var rates: [Double] = []
            for _ in 0..<settings.repetitions {
                let directory = try Scratch.make(in: settings.directory, "log")
                defer { Scratch.remove(directory) }
                let log = try Log.open(directory: directory.path) { _ in }
                defer { log.close() }
                var desk = WALDesk(log: log)
                desk.open()
                var stream = OrderStream(ids: .counted)
                var took = 0.0
                for _ in stride(from: 0, to: count, by: size) {
                    let orders = (0..<size).map { stream.next(session: $0 * OrderStream.sessions / size) }
                    took += seconds {
                        desk.execute(orders)
                        desk.commit()
                    }
                }
                guard desk.refused == 0 else { throw BenchFailure("\(desk.refused) orders were refused") }
                rates.append(Double(count) / took)
            }
            section.figures.append(
                Figure(
                    id: "wal-durable/new/\(size)", name: "new orders, batches of \(size.grouped)", unit: "orders/s", better: .higher, samples: rates,
                    goal: size == 4096 ? .value(2_200_000) : nil))
        }
        return section
    }
}

/// One shard and the log under it, as a loop has them.
struct WALDesk: ~Copyable {
    private let log: Log
    private let pool = BatchPool()
    private var batch = Batch()
    private let writer = Writer()
    private var shard = Shard(number: 0)
    private var now: Timestamp = 1_763_798_400_000_000
    private(set) var refused = 0
    private(set) var records = 0

    /// A place that a closure reaches without a copy.
    private final class Writer {
        @exclusivity(unchecked) var records = RecordWriter()
    }

    init(log: Log) { self.log = log }

    /// Defines the market and funds the accounts, durably.
    mutating func open() {
        for definition in WALDesk.definitions { execute(.define(definition)) }
        for account in 1...Int64(OrderStream.accounts) {
            for asset: AssetID in [0, 1] {
                execute(
                    .money(
                        Money(
                            .deposit, account: account, asset: asset, amount: 1_000_000_000_000 * 1_000_000_000_000_000_000,
                            reference: Text("fund-\(asset)"))))
            }
        }
        commit()
    }

    private static var definitions: [Definition] {
        let terms = InstrumentTerms(tick: 100, lot: 1, minQuantity: 1, maxQuantity: 1 << 60, minNotional: 0)
        let market = InstrumentInfo(
            symbol: Text("BTC-USD"), venue: 0, wallet: 0, base: 1, quote: 0, priceScale: 4, quantityScale: 8, terms: terms)
        return [
            .asset(AssetInfo(name: Text("USD"), decimals: 2)), .asset(AssetInfo(name: Text("BTC"), decimals: 8)),
            .venue(VenueInfo(name: Text("manual"), kind: .manual)), .wallet(WalletInfo(name: Text("spot"))), .instrument(market),
        ] + (1...Int64(OrderStream.accounts)).map { .account($0, .open) }
    }

    /// Rare commands: those that a market begins with.
    mutating func execute(_ command: Command) {
        let (now, batch, writer) = (now, batch, writer)
        note(shard.execute(command, now: now) { writer.records.append($0, shard: 0, time: now, session: 0, to: batch) })
    }

    /// Orders whose memory is asked for before the first of them is decided.
    static let group = 16

    /// A batch of orders, in runs of an eighth per session.
    mutating func execute(_ orders: [NewOrder]) {
        var ahead = InlineArray<16, Shard.Ahead>(repeating: Shard.Ahead())
        for begin in stride(from: 0, to: orders.count, by: WALDesk.group) {
            let count = min(WALDesk.group, orders.count - begin)
            for place in 0..<count { ahead[place] = shard.ahead(of: orders[begin + place]) }
            for _ in 0..<2 {
                for place in 0..<count { shard.prefetch(&ahead[place]) }
            }
            for place in begin..<begin + count { execute(orders[place], session: place * OrderStream.sessions / orders.count) }
        }
    }

    @inline(__always)
    mutating func execute(_ order: borrowing NewOrder, session: Int) {
        let (now, batch, writer, number) = (now, batch, writer, number(of: session))
        note(
            shard.execute(
                order, now: now, emit: { writer.records.append($0, shard: 0, time: now, session: number, to: batch) }, then: { _ in }))
    }

    @inline(__always)
    mutating func execute(_ cancel: borrowing Cancel, session: Int) {
        let (now, batch, writer, number) = (now, batch, writer, number(of: session))
        note(shard.execute(cancel, now: now) { writer.records.append($0, shard: 0, time: now, session: number, to: batch) })
    }

    private func number(of session: Int) -> UInt64 { UInt64(log.epoch) << 32 | UInt64(session + 1) }

    private mutating func note(_ outcome: Outcome) {
        if case .rejected = outcome { refused += 1 }
    }

    /// One frame; returns when it is durable. The next batch's time is a little later.
    mutating func commit() {
        if batch.recordCount == 0 { return }
        records += batch.recordCount
        let last = log.seal(batch)
        pool.put(batch)
        while log.durableLSN < last { log.commit() }
        batch = pool.take(durableLSN: log.durableLSN)
        now += 200
    }

    borrowing func stateHash() -> UInt64 { shard.stateHash() }
}
