import Load
import Report

/// What keeping history takes from the path of orders: the same load on a service that keeps it and on one that does not, in turns.
enum HistoryBench {
    private static let desk = (id: "desk-day", name: "a desk's day")
    private static let resting = (id: "new", name: "new orders")

    static func run(_ settings: Settings) throws -> [Section] {
        var section = Section(
            id: "history", title: "What history costs the path of orders",
            notes: [
                "Two services, one with `--history on`, in turns, 2 s each after 0.2 s; a pair of services of their own for each row. Ratios are with history to without, "
                    + "medians of pairs. The follower that writes history shares the two cores with the service and the client.",
                "New orders: \(Population.description), so history has nothing to write and reads only. \(DeskDay.name): orders close, and history writes them, "
                    + "their trades and the ledger.",
            ])
        for point in settings.small ? [ClosedBench.many] : [ClosedBench.lone, ClosedBench.many] {
            section.figures += try figures(resting, point, settings) { Population() }
            section.figures += try figures(desk, point, settings) { DeskDay(connections: point.connections) }
        }
        return [section]
    }

    private static func figures<K: Workload>(
        _ load: (id: String, name: String), _ point: LoadPoint, _ settings: Settings, _ workload: () -> K
    ) throws -> [Figure] {
        let services = try [false, true].map { try ServerProcess.funded(settings, .init(history: $0)) }
        defer { for service in services { service.stop() } }
        var workloads = [workload(), workload()]
        var repetitions: [[Measurement]] = [[], []]
        let loop = ClosedLoop(connections: point.connections, window: point.window, seconds: settings.small ? 0.1 : 2)
        // More pairs than elsewhere: what is looked for is small.
        for repetition in 0..<(settings.small ? 1 : max(5, settings.repetitions)) {
            // In turns also within pairs: what the first leaves to the disk is not always the same one's.
            for index in repetition % 2 == 0 ? [0, 1] : [1, 0] {
                repetitions[index].append(
                    try Measurement("history \(index == 0 ? "off" : "on")", of: services[index].processorTime) {
                        try loop.run(port: services[index].port, workload: &workloads[index])
                    })
            }
        }
        return ["off", "on"].enumerated().flatMap { index, state in
            Rows.figures(
                id: "history/\(state)/\(load.id)/\(point.id)", name: "\(load.name), \(point.name), history \(state)", unit: "commands/s",
                repetitions[index], limit: state == "on" ? "history/off/\(load.id)/\(point.id)" : nil,
                limited: ["rate", "p50", "p90", "p99", "p99.9", "cpu"])
        }
    }
}
