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

        var title: String { self == .newCancel ? "new + cancel" : rawValue }
    }

    static func run(_ settings: Settings) throws -> [Section] {
        let middle = CoreWorld.Shape(openOrders: settings.small ? 1_000 : 100_000, accounts: settings.small ? 100 : 1_000, instruments: 10)
        let operations = settings.small ? 2_000 : 200_000
        var figures: [Figure] = []
        var lines: [Plot.Line] = []

        func add(_ mix: Mix, _ shape: CoreWorld.Shape, _ id: String, goal: Figure.Goal? = nil) -> Result? {
            guard settings.wants(id) else { return nil }
            let result = measure(mix, shape, operations, settings.repetitions)
            var figure = result.figure(id, "\(mix.title), \(describe(shape))")
            figure.goal = goal
            figures.append(figure)
            return result
        }
        /// One line of the plot.
        func sweep(_ name: String, _ values: [Int], _ body: (Int) -> Result?) {
            let points = values.compactMap { value in body(value).map { [Double(value), median($0.nanoseconds)] } }
            lines.append(Plot.Line(name: name, points: points))
        }

        for mix in Mix.allCases { _ = add(mix, middle, "core/\(mix.rawValue)/middle") }
        sweep("open orders", settings.small ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000, 10_000_000]) { openOrders in
            var shape = middle
            shape.openOrders = openOrders
            let goal: Figure.Goal? = openOrders == 100_000 ? .value(200) : openOrders == 10_000_000 ? .value(400) : nil
            guard let result = add(.newCancel, shape, "core/new-cancel/orders-\(openOrders)", goal: goal) else { return nil }
            if openOrders >= 1_000_000 {
                figures.append(
                    Figure(
                        id: "core/memory/orders-\(openOrders)", name: "memory per open order, \(describe(shape))", unit: "B", better: .lower,
                        samples: [result.bytesPerOrder], goal: .value(200)))
            }
            return result
        }
        sweep("accounts", settings.small ? [10, 1_000] : [10, 1_000, 100_000, 1_000_000]) { accounts in
            var shape = middle
            shape.accounts = accounts
            return add(.newCancel, shape, "core/new-cancel/accounts-\(accounts)")
        }
        sweep("instruments", settings.small ? [1, 100] : [1, 10, 100, 1_000, 10_000]) { instruments in
            var shape = middle
            shape.instruments = instruments
            // Every position is there before the clock runs: an account's first order in an instrument makes one, once.
            shape.accounts = max(10, min(shape.accounts, 100_000 / instruments))
            return add(.newCancel, shape, "core/new-cancel/instruments-\(instruments)")
        }

        return [
            Section(
                id: "core", title: "Core: the state machine alone, one thread",
                notes: [
                    "One operation is one command: decided, applied, its mutation handed to a closure that counts it. Processor time of the thread. Commands are made 512 at a time while the clock stands, and taken in groups of \(Turn.group), whose memory is asked for ahead as the server does with the lines of one read.",
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

    static func describe(_ shape: CoreWorld.Shape) -> String {
        "\(shape.openOrders.grouped) open orders, \(shape.accounts.grouped) accounts, \(shape.instruments.grouped) instruments"
    }

    struct Result {
        var nanoseconds: [Double]
        /// Growth of the process's heap while the open orders were made, divided by their number.
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
