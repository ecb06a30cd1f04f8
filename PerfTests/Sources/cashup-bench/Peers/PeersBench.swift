import Foundation
import Load
import Report

/// What a desk would use instead, doing one job as the service does it, at the same points and in the same run.
enum PeersBench {
    struct Point {
        var connections: Int
        var window: Int
        var postgres = false
        var redis = false

        var id: String { "\(connections)x\(window)" }
        var name: String {
            "\(connections) connection\(connections == 1 ? "" : "s")" + (window == 1 ? "" : " x \(window)")
        }
    }

    static let points = [
        Point(connections: 1, window: 1, postgres: true, redis: true),
        Point(connections: 8, window: 1, postgres: true, redis: true),
        Point(connections: 32, window: 1, postgres: true),
        Point(connections: 64, window: 1, postgres: true),
        Point(connections: 8, window: 16, postgres: true, redis: true),
        Point(connections: 8, window: 64, redis: true),
        Point(connections: 50, window: 64, redis: true),
    ]

    static func loop(_ point: Point, _ settings: Settings) -> ClosedLoop {
        ClosedLoop(
            connections: point.connections, window: point.window, warmupSeconds: settings.small ? 0.1 : 0.5, seconds: settings.small ? 0.3 : 3)
    }

    static func run(_ settings: Settings) throws -> [Section] {
        var notes = [
            "The job: place an order durably, that is: check and reserve a balance, insert the order with its client id unique, acknowledge after "
                + "the fsync. Closed loop over TCP loopback, one client thread, the same for all; a connection has one order in flight, or as many as "
                + "follow the x.",
            "The service's orders: \(Population.description). The peers' are drawn the same way: accounts, prices, quantities, sides and ids.",
            "Every run has a process and an empty directory of its own on the measured disk; service and peers take turns. After each the peer's own "
                + "data must hold exactly the acknowledged orders, and balances that reserve exactly what these take. The peers do less than the "
                + "service: they look up no instrument's terms, number no orders and match nothing.",
            "Excluded: start, definitions, deposits, the first \(loop(points[0], settings).warmupSeconds) s of each run, log rewriting, checkpoints, "
                + "vacuum, replication.",
        ]
        // Before minutes have gone by.
        try PostgresProcess.checkInstalled(settings)
        try RedisProcess.checkInstalled(settings)
        guard FileManager.default.isExecutableFile(atPath: settings.server) else { throw BenchFailure("\(settings.server) is not there: make build") }
        var samples = PeerSamples()
        for point in points {
            for _ in 0..<settings.repetitions {
                if point.postgres { try pair(PostgresProcess.self, at: point, settings, &samples, &notes) }
                if point.redis { try pair(RedisProcess.self, at: point, settings, &samples, &notes) }
            }
        }
        return [
            Section(id: "peers", title: "What a desk would use instead: one order, durable", notes: notes, figures: samples.figures)
        ]
    }

    /// The service, then the peer.
    private static func pair<P: Peer>(
        _: P.Type, at point: Point, _ settings: Settings, _ samples: inout PeerSamples, _ notes: inout [String]
    ) throws {
        let service = try measureService(point, settings)
        let peer = try P(settings, overriding: [])
        defer { peer.stop() }
        if !notes.contains(peer.notes[0]) { notes += peer.notes }
        samples.add(
            service: service, peer: try peer.measure(loop(point, settings)), of: P.id, named: P.name, at: point)
    }

    private static func measureService(_ point: Point, _ settings: Settings) throws -> LoadResult {
        let server = try ServerProcess.funded(settings)
        defer { server.stop() }
        var population = Population()
        return try loop(point, settings).run(port: server.port, workload: &population).checked("the service")
    }
}
