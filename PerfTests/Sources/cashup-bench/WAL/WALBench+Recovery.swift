import Core
import Report
import WAL

extension WALBench {
    /// A log is written, closed, and started from as the service does, but to three depths.
    static func recovery(_ settings: Settings) throws -> Section {
        var section = Section(
            id: "wal-recovery", title: "Log: recovery",
            notes: [
                "A log of new orders and, once so many are open, of pairs of one cancel (the oldest order, by OrderID) and one new order. Batches of 512.",
                "Each start reads the segments (from the page cache), checks and unpacks frames, decodes records, replays them into a shard; timed to the last record, one thread. The state's hash is compared with the one that was live.",
                "`frames` stops before decoding records, `decoded` before replaying them; `evolve alone` counts the replaying only, 32 records at a time.",
            ])
        for open in settings.small ? [1_000] : [100_000, 10_000_000] {
            let directory = try Scratch.make(in: settings.directory, "log")
            defer { Scratch.remove(directory) }
            let live = try write(directory.path, open: open, pairs: settings.small ? 1_000 : 1_000_000)
            var rates: [Depth: [Double]] = [:]
            for _ in 0..<settings.repetitions {
                for depth in Depth.allCases {
                    let seconds = try start(directory.path, depth, live)
                    rates[depth, default: []].append(Double(live.records) / seconds)
                }
            }
            for depth in Depth.allCases {
                section.figures.append(
                    Figure(
                        id: "wal-recovery/\(depth.rawValue)/\(open)", name: "\(depth.title), \(open.grouped) open orders", unit: "records/s",
                        better: .higher, samples: rates[depth]!,
                        goal: depth == .replayed ? .value(open > 1_000_000 ? 2_000_000 : 5_000_000) : nil))
            }
        }
        return section
    }

    enum Depth: String, CaseIterable {
        case frames, decoded, evolve, replayed

        var title: String {
            switch self {
            case .frames: "frames"
            case .decoded: "decoded"
            case .evolve: "evolve alone"
            case .replayed: "recovered"
            }
        }
    }

    private struct Live {
        var records: Int
        var hash: UInt64
    }

    private static func write(_ directory: String, open: Int, pairs: Int) throws -> Live {
        let log = try Log.open(directory: directory) { _ in }
        defer { log.close() }
        var desk = WALDesk(log: log)
        desk.open()
        var orders = OrderStream(ids: .counted)
        var accounts: [AccountNumber] = []
        var placed = 0
        var canceled = 0
        func session(_ place: Int) -> Int { place * OrderStream.sessions / 512 % OrderStream.sessions }
        while canceled < pairs {
            for place in 0..<512 {
                if placed - canceled < open {
                    let order = orders.next(session: session(place))
                    accounts.append(order.account)
                    desk.execute(order, session: session(place))
                    placed += 1
                } else {
                    desk.execute(
                        Cancel(account: accounts[canceled], instrument: 0, order: .order(Int64(canceled) + 1)), session: session(place))
                    canceled += 1
                }
            }
            desk.commit()
        }
        guard desk.refused == 0 else { throw BenchFailure("\(desk.refused) commands were refused") }
        return Live(records: desk.records, hash: desk.stateHash())
    }

    private struct Replay: ~Copyable {
        var shard = Shard(number: 0)
        var window = ReplayWindow()
        var records = 0
        var ended: ContinuousClock.Instant
        var evolving = Duration.zero
        let clock = ContinuousClock()

        init() { ended = clock.now }

        mutating func take(_ item: RecoveredItem, _ depth: Depth) throws {
            guard case .batch(_, let count, let bytes) = item else { return }
            var reader = RecordReader(bytes: bytes, count: count)
            switch depth {
            case .frames: break
            case .decoded: while try window.read(from: &reader) {}
            case .evolve:
                while try window.read(from: &reader) {
                    let began = clock.now
                    window.evolve { $1(&shard) }
                    evolving += clock.now - began
                }
            case .replayed: while try window.read(from: &reader) { window.evolve { $1(&shard) } }
            }
            records += count
            ended = clock.now
        }
    }

    private static func start(_ directory: String, _ depth: Depth, _ live: Live) throws -> Double {
        var replay = Replay()
        let began = replay.ended
        let log = try Log.open(directory: directory) { try replay.take($0, depth) }
        log.close()
        guard replay.records == live.records else { throw BenchFailure("recovered \(replay.records) of \(live.records) records") }
        if depth == .replayed || depth == .evolve {
            guard replay.shard.stateHash() == live.hash else { throw BenchFailure("the recovered state differs from the live one") }
        }
        let took = depth == .evolve ? replay.evolving : replay.ended - began
        return Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
    }
}
