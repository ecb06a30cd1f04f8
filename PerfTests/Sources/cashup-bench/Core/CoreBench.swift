import Core
import Foundation
import Report

/// The state machine alone: one thread, no log, no network.
enum CoreBench {
    enum Mix: String, CaseIterable {
        case new, cancel, replace, fill
        /// A new order, then a cancel of any open one: the population stays.
        case newCancel = "new-cancel"
        /// 40 % new, 30 % cancel, 20 % replace, 10 % partial fill.
        case mixed
    }

    static func run(_ settings: Settings) throws -> [Section] {
        let middle = CoreWorld.Shape(openOrders: settings.small ? 1_000 : 100_000, accounts: settings.small ? 100 : 1_000, instruments: 10)
        let operations = settings.small ? 2_000 : 200_000
        var figures: [Figure] = []
        var lines: [Plot.Line] = []

        for mix in Mix.allCases {
            let result = measure(mix, middle, operations, settings.repetitions)
            figures.append(result.figure("core/\(mix.rawValue)/middle", "\(mix.rawValue), \(describe(middle))"))
        }
        var sweep: [[Double]] = []
        for openOrders in settings.small ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000, 10_000_000] {
            var shape = middle
            shape.openOrders = openOrders
            let result = measure(.newCancel, shape, operations, settings.repetitions)
            var figure = result.figure("core/new-cancel/orders-\(openOrders)", "new + cancel, \(describe(shape))")
            if openOrders == 100_000 { figure.goal = .value(200) }
            if openOrders == 10_000_000 { figure.goal = .value(400) }
            figures.append(figure)
            sweep.append([Double(openOrders), figure.median])
            if openOrders >= 100_000 {
                figures.append(
                    Figure(
                        id: "core/memory/orders-\(openOrders)", name: "memory per open order, \(describe(shape))", unit: "B", better: .lower,
                        samples: [result.bytesPerOrder], goal: .value(200)))
            }
        }
        lines.append(Plot.Line(name: "open orders", points: sweep))
        sweep = []
        for accounts in settings.small ? [10, 1_000] : [10, 1_000, 100_000, 1_000_000] {
            var shape = middle
            shape.accounts = accounts
            let result = measure(.newCancel, shape, operations, settings.repetitions)
            figures.append(result.figure("core/new-cancel/accounts-\(accounts)", "new + cancel, \(describe(shape))"))
            sweep.append([Double(accounts), result.nanoseconds.sorted()[result.nanoseconds.count / 2]])
        }
        lines.append(Plot.Line(name: "accounts", points: sweep))
        sweep = []
        for instruments in settings.small ? [1, 100] : [1, 10, 100, 1_000, 10_000] {
            var shape = middle
            shape.instruments = instruments
            // Each account holds each asset: fewer accounts keep the funding within minutes.
            if instruments > 100 { shape.accounts = 100 }
            let result = measure(.newCancel, shape, operations, settings.repetitions)
            figures.append(result.figure("core/new-cancel/instruments-\(instruments)", "new + cancel, \(describe(shape))"))
            sweep.append([Double(instruments), result.nanoseconds.sorted()[result.nanoseconds.count / 2]])
        }
        lines.append(Plot.Line(name: "instruments", points: sweep))

        return [
            Section(
                id: "core", title: "Core: the state machine alone, one thread",
                notes: [
                    "One operation is one command: decided, applied, its mutation handed to a closure that counts it. Commands are made before the clock runs and taken in groups of \(CoreRun.group), whose memory is asked for ahead as the server does with the lines of one read.",
                    "Accounts and instruments drawn uniformly, prices within 50 ticks, quantities 1 to 10^6 lots, ids s<1-64>-<counter>. Cancel, replace and fill name any open order by its ClOrdID, not the newest. 1,000 closed orders are remembered, so each close also forgets one.",
                    "Excluded: text, log, network, making the population.",
                ],
                figures: figures,
                plots: [
                    Plot(
                        id: "core-sweep", title: "new + cancel: cost per operation against the population",
                        x: .init(title: "open orders, accounts or instruments", unit: "", scale: .logarithmic),
                        y: .init(title: "cost per operation", unit: "ns", scale: .linear), lines: lines)
                ])
        ]
    }

    private static func describe(_ shape: CoreWorld.Shape) -> String {
        "\(shape.openOrders) open orders, \(shape.accounts) accounts, \(shape.instruments) instruments"
    }

    struct Result {
        var nanoseconds: [Double]
        /// Growth of the process's resident memory while the open orders were made, divided by their number.
        var bytesPerOrder: Double

        func figure(_ id: String, _ name: String) -> Figure {
            Figure(id: id, name: name, unit: "ns", better: .lower, samples: nanoseconds)
        }
    }

    private static func measure(_ mix: Mix, _ shape: CoreWorld.Shape, _ operations: Int, _ repetitions: Int) -> Result {
        var run = CoreRun(shape)
        var nanoseconds: [Double] = []
        // The first run warms tables, branches and the queue of what is to be forgotten.
        for repetition in 0...repetitions {
            // A half of the population at most: the other mixes keep it, these change it.
            let most = mix == .new || mix == .cancel ? max(1, shape.openOrders / 2) : operations
            let taken = run.measure(mix, operations: min(operations, most))
            if repetition > 0 { nanoseconds.append(taken) }
        }
        return Result(nanoseconds: nanoseconds, bytesPerOrder: run.bytesPerOrder)
    }
}
