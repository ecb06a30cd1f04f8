import Load
import Report

/// Open loop: orders arrive on a schedule whatever the answers do, at a ladder of rates up to and past what the service can do.
enum OpenBench {
    /// Parts of the saturation rate, which a closed loop finds first in the same run.
    private static let ladder = [0.05, 0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95]
    private static let connections = 8
    private static let window = 4_096

    /// From 100,000 orders a second on what is due within 50 us is sent together.
    static func loop(_ rate: Double, connections: Int = connections, window: Int = window, waitingMax: Int = 1 << 22) -> OpenLoop {
        var loop = OpenLoop(connections: connections, window: window, waitingMax: waitingMax)
        loop.sendIntervalNanoseconds = rate < 100_000 ? 0 : 50_000
        return loop
    }

    static func run(_ settings: Settings) throws -> [Section] {
        let server = try ServerProcess.funded(settings)
        defer { server.stop() }
        let service = Target(server)
        let echo = Target(try EchoProcess(.durable, settings))
        let saturation = median(
            try (0..<settings.repetitions).map { _ in
                try service.closed(ClosedBench.many, seconds: settings.small ? 0.1 : 1).load.perSecond
            })
        return [try rates(settings, echo, saturation), try overload(settings, service, saturation)]
    }

    // MARK: The ladder

    private static func rates(_ settings: Settings, _ echo: Target, _ saturation: Double) throws -> Section {
        var section = Section(
            id: "open", title: "Service, open loop: latency against load",
            notes: [
                Population.description + ". A service of its own for each rate.",
                "Poisson arrivals over \(connections) connections, at parts of what the closed loop at \(ClosedBench.many.name) reached just before. Latency counts from the moment an order was due, not from its send (no coordinated omission); what finds \(window) orders of its connection in flight waits in the client and its latency goes on. From 100,000 orders a second on what is due within 50 us is sent together, so that the client leaves the service its core. HdrHistogram, three digits.",
                "`sent late`: from due to send, p99: how far the client itself was behind. The durable echo takes the same arrivals in turn with the service; ratios are to it.",
            ])
        var curves: [Plot.Line] = []
        var byLoad: [String: [[Double]]] = [:]
        for part in settings.small ? [0.25] : ladder {
            let rate = saturation * part
            let seconds = settings.small ? 0.4 : 1.7
            let server = try ServerProcess.funded(settings)
            defer { server.stop() }
            let service = Target(server)
            var ours: [Measurement] = []
            var limits: [Measurement] = []
            for repetition in 0..<settings.repetitions {
                ours.append(try service.open(loop(rate), perSecond: rate, seconds: seconds, seed: UInt64(repetition)))
                limits.append(try echo.open(loop(rate), perSecond: rate, seconds: seconds, seed: UInt64(repetition)))
            }
            let percent = "\(Int((part * 100).rounded())) %"
            let name = "\(percent) of saturation: \(Int(rate / 1_000))k/s"
            let id = "\(Int((part * 100).rounded()))"
            section.figures += Rows.figures(id: "open/echo/\(id)", name: "durable echo, \(name)", unit: "lines/s", limits)
            section.figures += Rows.figures(
                id: "open/\(id)", name: "CashUp, \(name)", ours, limit: "open/echo/\(id)", limited: ["p50", "p99", "p99.9"])
            section.figures.append(
                Figure(
                    id: "open/\(id)/late", name: "CashUp, \(name)", column: "sent late", unit: "us", better: .lower,
                    samples: ours.map { $0.load.sendDelay.microseconds(percentile: 99) }))
            curves.append(Rows.percentileLine(percent, ours.map(\.load)))
            for (column, percentile) in Rows.percentiles {
                byLoad["CashUp \(column)", default: []].append([rate, median(ours.map { $0.load.latencies.microseconds(percentile: percentile) })])
            }
            byLoad["durable echo p50", default: []].append([rate, median(limits.map { $0.load.latencies.microseconds(percentile: 50) })])
            byLoad["durable echo p99", default: []].append([rate, median(limits.map { $0.load.latencies.microseconds(percentile: 99) })])
        }
        section.plots = [
            Plot(
                id: "open-load", title: "Latency against load", x: .init(title: "orders offered", unit: "1/s", scale: .linear),
                y: .init(title: "latency from the moment due", unit: "us", scale: .logarithmic),
                lines: byLoad.sorted { $0.key < $1.key }.map { Plot.Line(name: $0.key, points: $0.value) }),
            Rows.percentilePlot(id: "open-percentiles", title: "Latency by percentile, by part of saturation", curves),
        ]
        return section
    }

    // MARK: Past saturation

    /// Half the load, then half as much again as can be served, then half the load.
    private static func overload(_ settings: Settings, _ service: Target, _ saturation: Double) throws -> Section {
        let interval = settings.small ? 0.05 : 0.1
        let (calm, storm, after) = settings.small ? (0.3, 0.3, 0.3) : (1.5, 2.0, 2.0)
        let admitted = 256
        let steps = [
            PoissonSchedule.Step(seconds: calm, perSecond: saturation * 0.5), .init(seconds: storm, perSecond: saturation * 1.5),
            .init(seconds: after, perSecond: saturation * 0.5),
        ]
        var loop = loop(saturation, window: admitted, waitingMax: 0)
        loop.warmupSeconds = 0
        loop.seriesInterval = interval
        let result = try loop.run(
            port: service.port, workload: &service.population, schedule: PoissonSchedule(steps, seed: 99)
        ).checked("past saturation")

        func phase(_ from: Double, _ to: Double) -> [Series.Interval] {
            result.series.filter { $0.seconds > from + interval * 1.5 && $0.seconds <= to + interval / 2 }
        }
        let (before, during, later) = (phase(0, calm), phase(calm, calm + storm), phase(calm + storm, calm + storm + after))
        let usual = median(before.map(\.p99Microseconds))
        // The first interval that lies after the drop and is as before, within a factor of two; a hiccup of the disk later on is none of the overload's.
        let calmAgain = result.series.first { $0.seconds > calm + storm + interval / 2 && $0.p99Microseconds <= 2 * usual }
        let recovery = calmAgain.map { $0.seconds - calm - storm } ?? after
        func figure(_ id: String, _ name: String, _ unit: String, _ better: Figure.Better, _ value: Double) -> Figure {
            Figure(id: "overload/\(id)", name: name, unit: unit, better: better, samples: [value])
        }
        let offered = saturation * 1.5
        let served = during.isEmpty ? 0 : Double(during.reduce(0) { $0 + $1.answered }) / (Double(during.count) * interval)
        return Section(
            id: "overload", title: "Service, past saturation",
            notes: [
                "Poisson arrivals at 50 %, then 150 %, then again 50 % of saturation. A connection has at most \(admitted) orders in flight; what is due beyond that is turned away by the client at once, as a gateway with a bounded queue does. The service itself refuses nothing and drops nothing: it stops reading, TCP holds the sender back, and what it has taken is answered.",
                "Recovery: until p99 over \(Int(interval * 1_000)) ms is within twice that of before the overload; \(Int(interval * 1_000)) ms is the least that can be told, \(after) s means never.",
            ],
            figures: [
                figure("offered", "offered in the overload", "orders/s", .higher, offered),
                figure("served", "served in the overload", "orders/s", .higher, served),
                figure("turned-away", "turned away by the client's bound, of all arrivals", "%", .lower, 100 * Double(result.turnedAway) / Double(result.turnedAway + result.sentInAll)),
                figure("p99-before", "p99 before", "us", .lower, usual),
                figure("p99-during", "p99 of what was admitted in the overload (median of intervals)", "us", .lower, median(during.map(\.p99Microseconds))),
                figure("max-during", "max of what was admitted in the overload", "us", .lower, during.map(\.maxMicroseconds).max() ?? 0),
                figure("p99-after", "p99 after", "us", .lower, median(later.map(\.p99Microseconds))),
                figure("recovery", "recovery after the drop", "s", .lower, recovery),
            ],
            plots: [
                Plot(
                    id: "overload-rate", title: "Past saturation: orders served over time", x: .init(title: "time", unit: "s", scale: .linear),
                    y: .init(title: "orders", unit: "1/s", scale: .linear), lines: [Rows.rateLine("served", result, interval: interval)]),
                Plot(
                    id: "overload-latency", title: "Past saturation: latency of what was admitted, over time", x: .init(title: "time", unit: "s", scale: .linear),
                    y: .init(title: "latency", unit: "us", scale: .logarithmic),
                    lines: [
                        Plot.Line(name: "p50", points: result.series.map { [$0.seconds, $0.p50Microseconds] }),
                        Plot.Line(name: "p99", points: result.series.map { [$0.seconds, $0.p99Microseconds] }),
                        Plot.Line(name: "max", points: result.series.map { [$0.seconds, $0.maxMicroseconds] }),
                    ]),
            ])
    }
}
