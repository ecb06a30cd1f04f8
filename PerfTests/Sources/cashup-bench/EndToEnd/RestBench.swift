import Foundation
import Load
import Report

/// Durable orders over REST, closed loop, one order in flight a connection: the service, a desk's own stack doing the same job for the same requests,
/// the durable echo as the limit, and the line protocol, in turns.
enum RestBench {
    /// DESIGN's point.
    private static let connections = 8

    private struct Point {
        var connections: Int
        var repetitions: [String: [Measurement]] = [:]

        var name: String { "\(connections) connection\(connections == 1 ? "" : "s")" }
    }

    static func run(_ settings: Settings) throws -> [Section] {
        let hasPeer = peerIsThere(settings)
        let access = try RestAccess(settings)
        var peerNotes = ["\(FastAPIProcess.stack) is left out: its packages are not installed (make peer-deps)."]
        var points = (settings.small ? [connections] : [1, connections, 32]).map { Point(connections: $0) }
        for index in points.indices {
            // All of them wait for input, and take no time, while another one is under load.
            let rest = try ServerProcess.funded(settings, .init(http: true, access: access))
            let line = try ServerProcess.funded(settings)
            let echo = try EchoProcess(.durable, settings)
            let peer = hasPeer ? try FastAPIProcess(settings, overriding: []) : nil
            defer { [rest.stop, line.stop, echo.stop, { peer?.stop() }].forEach { $0() } }
            if let peer { peerNotes = peer.notes }
            var orders = RestOrders(port: rest.httpPort, access: .token(access.token))
            let targets = [Target(line), Target(echo)]
            let loop = ClosedLoop(
                connections: points[index].connections, window: 1, warmupSeconds: settings.small ? 0.1 : 0.5, seconds: settings.small ? 0.3 : 2)
            for _ in 0..<settings.repetitions {
                points[index].repetitions["cashup", default: []].append(
                    try Measurement("REST at \(points[index].name)", of: rest.processorTime) {
                        try loop.run(HTTPWire.self, port: rest.httpPort, workload: &orders)
                    })
                if let peer {
                    points[index].repetitions["fastapi", default: []].append(
                        try Measurement(FastAPIProcess.id, of: peer.processorTime) { try peer.measure(loop) })
                }
                for (id, target) in zip(["line", "echo"], targets) {
                    points[index].repetitions[id, default: []].append(try target.closed(loop))
                }
            }
        }
        return [section(points, loopNote: settings.small ? "0.3 s after 0.1 s" : "2 s after 0.5 s", peerNotes)]
    }

    private static func peerIsThere(_ settings: Settings) -> Bool {
        do {
            try FastAPIProcess.checkInstalled(settings)
            return true
        } catch {
            FileHandle.standardError.write(Data("rest: left out: \(error)\n".utf8))
            return false
        }
    }

    private static let names = [
        (id: "cashup", name: "CashUp, REST"), ("fastapi", FastAPIProcess.name), ("line", "CashUp, line protocol"), ("echo", "durable echo"),
    ]

    private static func section(_ points: [Point], loopNote: String, _ peerNotes: [String]) -> Section {
        var section = Section(
            id: "rest", title: "REST: durable orders over HTTP",
            notes: [
                RestOrders.description + ". The service and \(FastAPIProcess.stack) get the same requests with the same token (HS256), verify it, check and "
                    + "reserve the balance, and answer 201 with the order after the fsync; any other answer ends the run. Afterwards the peer's own data must "
                    + "hold exactly the acknowledged orders, and balances that reserve exactly what these take. It does less than the service: no positions, "
                    + "limits or instruments' states.",
                "Service and limits take turns, repetition by repetition, \(loopNote) of warm-up; a process and a directory of its own for each and for each "
                    + "number of connections. One client thread on the same two cores, the same client for all. Ratios are medians of pairs; the limit is the "
                    + "durable echo of \(EchoProcess.answerBytes)-byte lines at the same connections, one line in flight each. Excluded: start, deposits, "
                    + "connecting, TLS.",
                "`processor`: time per order of all processes of what is measured, PostgreSQL's included.",
            ] + peerNotes)
        for (id, name) in names {
            for point in points {
                guard let repetitions = point.repetitions[id] else { continue }
                section.figures += Rows.figures(
                    id: "rest/\(id)/\(point.connections)", name: "\(name), \(point.name)", unit: id == "echo" ? "lines/s" : "orders/s", repetitions,
                    limit: id == "cashup" ? "rest/echo/\(point.connections)" : nil,
                    goals: id == "cashup" && point.connections == connections ? ["rate": .ratio(0.5)] : [:])
            }
        }
        for point in points {
            guard let ours = point.repetitions["cashup"], let theirs = point.repetitions["fastapi"] else { continue }
            section.figures += Rows.ratios(
                id: "rest/cashup-fastapi/\(point.connections)", name: "CashUp, REST / \(FastAPIProcess.name), \(point.name)", ours, theirs,
                goals: point.connections == connections ? ["rate": .value(20)] : [:])
        }
        if let point = points.first(where: { $0.connections == connections }) {
            section.plots = [
                Rows.percentilePlot(
                    id: "rest-percentiles", title: "\(point.name): latency by percentile",
                    names.compactMap { id, name in point.repetitions[id].map { Rows.percentileLine(name, $0.map(\.load)) } })
            ]
        }
        return section
    }
}
