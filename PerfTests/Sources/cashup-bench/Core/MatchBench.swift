import Core
import Report

/// An internal venue's book in process: one thread, no log, no network.
enum MatchBench {
    static func run(_ settings: Settings) throws -> [Section] {
        try [throughput(settings), operations(settings), sizes(settings)].filter { !$0.figures.isEmpty }
    }

    /// exchange-core's published population.
    static let resting = 1_000

    // MARK: Throughput and latency

    private static func throughput(_ settings: Settings) throws -> Section {
        var section = Section(
            id: "match", title: "Matching: exchange-core's mix in process, one thread",
            notes: [
                "9 % new GTC, 3 % IOC, 6 % cancel, 82 % move (one in fifty of them into the other side); \(resting.grouped) resting orders in three quarters as many levels, \(MatchWorld.accounts.grouped) accounts, maker and taker fees, every order's funds held and every trade settled. Each command names its order by ClOrdID. Processor time of the thread, in turns of \(Turn.capacity) commands, in groups of \(Turn.group) whose memory is asked for ahead, as the server does with the lines of one read.",
                "The commands are made on a second book, which the measured one must equal level by level at the end; a refused one ends the run.",
                "Latency: each command by itself, nothing asked for ahead, real time on the clock's own \(String(clockNanoseconds())) ns.",
            ])
        if settings.wants("match/exchange") {
            var run = MatchRun(resting: resting)
            let operations = settings.small ? 2_000 : 400_000
            let nanoseconds = try measure(.exchange, &run, operations, settings)
            section.figures.append(
                Figure(
                    id: "match/exchange/rate", name: "exchange-core's mix", column: "commands/s", unit: "commands/s", better: .higher,
                    samples: nanoseconds.map { 1e9 / $0 }, goal: .value(5_000_000)))
            section.figures += try latencies(&run, operations, settings)
            section.notes.append("At the end of the run \(run.levelCount.grouped) levels.")
        }
        section.figures += try twin(settings)
        return section
    }

    private static func latencies(_ run: inout MatchRun, _ operations: Int, _ settings: Settings) throws -> [Figure] {
        var samples: [[Double]] = []
        for _ in 0..<settings.repetitions {
            let all = run.latencies(operations).sorted()
            samples.append(Rows.percentiles.map { Double(all[min(all.count - 1, Int(Double(all.count) * $0.percentile / 100))]) } + [Double(all[all.count - 1])])
        }
        try check(run)
        let columns: [String] = Rows.percentiles.map(\.column) + ["max"]
        return columns.enumerated().map { index, column in
            Figure(
                id: "match/exchange/\(column)", name: "exchange-core's mix", column: column, unit: "ns", better: .lower,
                samples: samples.map { $0[index] })
        }
    }

    private static func clockNanoseconds() -> Int64 {
        var least = Int64.max
        for _ in 0..<1_000 {
            let start = realNanoseconds()
            least = min(least, realNanoseconds() - start)
        }
        return least
    }

    // MARK: Operations

    private static func operations(_ settings: Settings) throws -> Section {
        var section = Section(
            id: "match-operations", title: "Matching: cost by operation",
            notes: [
                "\(resting.grouped) resting orders, the same accounts. A move takes an order to a level up to eight ticks away, where it is the last; a match is an IOC order that takes all of the best level, entered, traded, closed and (1,000 closed orders are remembered) as many orders forgotten.",
            ])
        for operation in MatchRun.Operation.allCases where operation != .exchange && operation != .addCancel {
            let id = "match/\(operation.rawValue)"
            guard settings.wants(id) else { continue }
            var run = MatchRun(resting: resting, lots: 1_000_000)
            let operations = settings.small ? 1_000 : operation == .matchTen ? 20_000 : 200_000
            section.figures.append(
                Figure(
                    id: id, name: operation.title, unit: "ns", better: .lower, samples: try measure(operation, &run, operations, settings)))
        }
        return section
    }

    // MARK: Size of the book

    private static func sizes(_ settings: Settings) throws -> Section {
        var section = Section(
            id: "match-sizes", title: "Matching: adding, cancelling and reducing by the size of the book",
            notes: [
                "Any resting order is cancelled or reduced, in a book of three quarters as many levels as orders. What the largest adds are waits for memory: 100,000 orders do not fit the processor's caches.",
            ])
        var lines: [Plot.Line] = []
        for operation in [MatchRun.Operation.addCancel, .reduce] {
            var points: [[Double]] = []
            for orders in settings.small ? [10, 1_000] : [10, 1_000, 100_000] {
                let id = "match/\(operation.rawValue)/orders-\(orders)"
                guard settings.wants(id) else { continue }
                var run = MatchRun(resting: orders, lots: 1_000_000)
                let nanoseconds = try measure(operation, &run, settings.small ? 1_000 : 200_000, settings)
                section.figures.append(
                    Figure(
                        id: id, name: "\(operation.title), \(orders.grouped) resting orders", unit: "ns", better: .lower, samples: nanoseconds))
                points.append([Double(orders), median(nanoseconds)])
            }
            if !points.isEmpty { lines.append(Plot.Line(name: operation.title, points: points)) }
        }
        section.plots = [
            Plot(
                id: "match-sizes", title: "Cost per command against resting orders", x: .init(title: "resting orders", unit: "", scale: .logarithmic),
                y: .init(title: "cost per command", unit: "ns", scale: .linear), lines: lines)
        ]
        return section
    }

    // MARK: Runs

    private static func measure(
        _ operation: MatchRun.Operation, _ run: inout MatchRun, _ operations: Int, _ settings: Settings
    ) throws -> [Double] {
        // The first run warms tables, branches and the queue of what is to be forgotten.
        _ = run.measure(operation, operations: operations)
        let nanoseconds = (0..<settings.repetitions).map { _ in run.measure(operation, operations: operations) }
        try check(run)
        return nanoseconds
    }

    private static func check(_ run: borrowing MatchRun) throws {
        guard run.isInStep else { throw BenchFailure("the measured book is not the one that the commands were made on") }
    }
}
