import Load
import Report

// Repetitions of an end-to-end measurement to a row of figures, and to lines of plots.

enum Rows {
    static let percentiles: [(column: String, percentile: Double)] = [
        ("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9), ("p99.99", 99.99),
    ]

    /// Rate, latencies and processor time of one point.
    /// - Parameters:
    ///   - limit: id of the row this one is held against, column by column.
    ///   - goals: by column.
    static func figures(
        id: String, name: String, unit: String = "orders/s", _ repetitions: [Measurement], limit: String? = nil, limited: [String] = ["rate", "p50", "p99"],
        goals: [String: Figure.Goal] = [:]
    ) -> [Figure] {
        func figure(_ column: String, _ title: String, _ unit: String, _ better: Figure.Better, _ value: (Measurement) -> Double) -> Figure {
            Figure(
                id: "\(id)/\(column)", name: name, column: title, unit: unit, better: better, samples: repetitions.map(value),
                limit: limit.flatMap { limited.contains(column) ? Figure.Limit(figure: "\($0)/\(column)", ratio: 0) : nil }, goal: goals[column])
        }
        var figures = [figure("rate", unit, unit, .higher) { $0.load.perSecond }]
        for (column, percentile) in percentiles {
            figures.append(figure(column, column, "us", .lower) { $0.load.latencies.microseconds(percentile: percentile) })
        }
        figures.append(figure("max", "max", "us", .lower) { $0.load.latencies.maxMicroseconds })
        figures.append(figure("cpu", "processor", "us", .lower) { $0.processorMicrosPerAnswer })
        return figures
    }

    /// Of two that were measured in pairs: the first as a multiple of the second, pair by pair.
    /// - Parameter goals: by column.
    static func ratios(id: String, name: String, _ these: [Measurement], _ those: [Measurement], goals: [String: Figure.Goal] = [:]) -> [Figure] {
        func figure(_ column: String, _ title: String, _ better: Figure.Better, _ value: (Measurement) -> Double) -> Figure {
            Figure(
                id: "\(id)/\(column)", name: name, column: title, unit: "x", better: better,
                samples: zip(these, those).map { value($0) / value($1) }, goal: goals[column])
        }
        return [
            figure("rate", "orders/s", .higher) { $0.load.perSecond },
            figure("p50", "p50", .lower) { $0.load.latencies.microseconds(percentile: 50) },
            figure("p99", "p99", .lower) { $0.load.latencies.microseconds(percentile: 99) },
            figure("cpu", "processor", .lower) { $0.processorMicrosPerAnswer },
        ]
    }

    /// All repetitions together.
    static func percentileLine(_ name: String, _ repetitions: [LoadResult]) -> Plot.Line {
        var all = Latencies()
        for result in repetitions { all.add(result.latencies) }
        return Plot.Line(name: name, points: all.curve().map { [$0.percentile, $0.microseconds] })
    }

    static func percentilePlot(id: String, title: String, _ lines: [Plot.Line]) -> Plot {
        Plot(
            id: id, title: title, x: .init(title: "percentile", unit: "%", scale: .percentile), y: .init(title: "latency", unit: "us", scale: .logarithmic),
            lines: lines)
    }

    /// Answers a second over time.
    static func rateLine(_ name: String, _ result: LoadResult, interval: Double) -> Plot.Line {
        Plot.Line(name: name, points: result.series.map { [$0.seconds, Double($0.answered) / interval] })
    }
}
