import Foundation
import Load
import Report

/// Closed loop: a grid of connections and windows, the service beside its limits, in turn.
enum ClosedBench {
    static let lone = LoadPoint(connections: 1, window: 1)
    /// DESIGN's point for throughput.
    static let many = LoadPoint(connections: 8, window: 64)

    static func run(_ settings: Settings) throws -> [Section] {
        let echoes = try Target.echoes(settings)
        var repetitions: [LoadPoint: [[Measurement]]] = [:]
        for point in [lone] + grid(settings) {
            let server = try ServerProcess.funded(settings)
            defer { server.stop() }
            let targets = [Target(server)] + echoes
            // More pairs of the lone order: its percentiles are what a strategy feels.
            let pairs = point == lone && !settings.small ? max(5, settings.repetitions) : settings.repetitions
            var results = [[Measurement]](repeating: [], count: targets.count)
            for _ in 0..<pairs {
                for (index, target) in targets.enumerated() {
                    results[index].append(try target.closed(point, seconds: settings.small ? 0.1 : 1))
                }
            }
            repetitions[point] = results
        }
        let bytes = try logBytesPerOrder(settings)
        return [
            limitSection(grid: [lone] + grid(settings), echoes, repetitions), serviceSection([lone] + grid(settings), echoes, repetitions, bytes),
        ]
    }

    private static func grid(_ settings: Settings) -> [LoadPoint] {
        if settings.small { return [many] }
        return [1, 8, 32].flatMap { connections in
            [1, 16, 64, 512].map { LoadPoint(connections: connections, window: $0) }
        }.filter { $0 != lone }
    }

    /// The faster of the durable echoes at a point: that is the limit.
    private static func limit(at point: LoadPoint, _ echoes: [Target], _ repetitions: [LoadPoint: [[Measurement]]]) -> String {
        var best = ("", 0.0)
        for (index, echo) in echoes.enumerated() where echo.kind != .echo(.bare) {
            let rate = median(repetitions[point]![index + 1].map(\.load.perSecond))
            if rate > best.1 { best = ("\(echo.kind.id)/\(point.id)", rate) }
        }
        return best.0
    }

    private static func serviceSection(
        _ points: [LoadPoint], _ echoes: [Target], _ repetitions: [LoadPoint: [[Measurement]]], _ bytes: [Figure]
    ) -> Section {
        var figures: [Figure] = []
        for point in points {
            // Latency of one order is held against the plain echo: one write and one sync, as it would be done by hand.
            let limit = point == lone ? "limits/durable/\(point.id)" : limit(at: point, echoes, repetitions)
            let goals: [String: Figure.Goal] =
                point == lone ? ["p50": .ratio(1.25), "p99": .ratio(1.5)] : point == many ? ["rate": .ratio(0.5)] : [:]
            figures += Rows.figures(id: "closed/\(point.id)", name: point.name, repetitions[point]![0], limit: limit, goals: goals)
        }
        figures += bytes
        let byConnections = Dictionary(grouping: points, by: \.connections).sorted { $0.key < $1.key }
        let throughput = byConnections.map { connections, points in
            Plot.Line(
                name: "\(connections) connections",
                points: points.sorted { $0.window < $1.window }.map { [Double($0.window), median(repetitions[$0]![0].map(\.load.perSecond))] })
        }
        func percentiles(_ point: LoadPoint) -> [Plot.Line] {
            [Rows.percentileLine("CashUp", repetitions[point]![0].map(\.load))]
                + echoes.enumerated().map { index, echo in
                    Rows.percentileLine("echo, \(name(of: echo))", repetitions[point]![index + 1].map(\.load))
                }
        }
        return Section(
            id: "closed", title: "Service, closed loop: durable orders over TCP",
            notes: [
                Population.description + ". A service of its own for each point; its book grows from empty to a few million open orders.",
                "Each connection has `window` orders in flight and sends the next when an answer comes. Service and limits take turns, repetition by repetition, 1 s each after 0.2 s of warm-up; one client thread. Ratios are to the faster durable echo of the same point, for one lone order to the plain durable echo.",
                "`processor`: time of the service's process per order, user and system. Excluded: start, definitions, deposits.",
            ],
            figures: figures,
            plots: [
                Rows.percentilePlot(id: "closed-lone", title: "One durable order at a time: latency by percentile", percentiles(lone)),
                Rows.percentilePlot(id: "closed-many", title: "\(many.name): latency by percentile", percentiles(many)),
                Plot(
                    id: "closed-throughput", title: "Durable orders a second by window", x: .init(title: "window", unit: "", scale: .logarithmic),
                    y: .init(title: "orders", unit: "1/s", scale: .linear), lines: throughput),
                Plot(
                    id: "closed-time", title: "\(many.name): throughput over time", x: .init(title: "time", unit: "s", scale: .linear),
                    y: .init(title: "orders", unit: "1/s", scale: .linear),
                    lines: repetitions[many]![0].enumerated().map { Rows.rateLine("run \($0 + 1)", $1.load, interval: 0.1) }),
            ])
    }

    private static func limitSection(grid points: [LoadPoint], _ echoes: [Target], _ repetitions: [LoadPoint: [[Measurement]]]) -> Section {
        var section = Section(
            id: "limits", title: "The limits: the same lines moved and synced, no work done",
            notes: [
                "In C, one thread and epoll: each line is answered with \(EchoProcess.answerBytes) bytes. `bare`: no disk. `durable`: what came in one turn, \(EchoProcess.logBytes) B a line, is one write and one fdatasync into a zero-filled file, then answered. `in flight`: up to \(EchoProcess.depth) O_DSYNC writes by io_uring, padded to 4 KiB, answered as the durable prefix grows.",
                "Measured by the client that measures the service, in turn with it. The durable echo counts as a limit of throughput only if the better one reaches about 1 M/s at \(many.name).",
            ])
        for (index, echo) in echoes.enumerated() {
            for point in points {
                section.figures += Rows.figures(
                    id: "\(echo.kind.id)/\(point.id)", name: "\(name(of: echo)), \(point.name)", unit: "lines/s", repetitions[point]![index + 1])
            }
        }
        return section
    }

    private static func name(of echo: Target) -> String {
        guard case .echo(let kind) = echo.kind else { return "service" }
        return kind == .inFlight ? "in flight" : kind.rawValue
    }

    /// Bytes in the log per new order at 8 x 64, by the kind of id; each on a service of its own.
    private static func logBytesPerOrder(_ settings: Settings) throws -> [Figure] {
        try [(Population.Identifiers.counters, "strategy-counter ids", "counted"), (.random, "random UUIDs", "uuid")].map { ids, name, id in
            let server = try ServerProcess.funded(settings)
            defer { server.stop() }
            var population = Population()
            population.identifiers = ids
            let before = try server.logBytes()
            let result = try ClosedLoop(connections: many.connections, window: many.window, warmupSeconds: 0, seconds: settings.small ? 0.1 : 1)
                .run(port: server.port, workload: &population).checked("log bytes")
            let bytes = try Double(server.logBytes() - before) / Double(result.answeredInAll)
            return Figure(
                id: "closed/log-bytes/\(id)", name: "log bytes per new order, \(many.name), \(name)", unit: "B", better: .lower, samples: [bytes],
                goal: ids == .counters ? .value(20) : nil)
        }
    }
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
}
