import Load
import Report

/// What the runs of service and peers gave, as figures: a row a point of each, and one of what the service is to the peer.
struct PeerSamples {
    private struct Row {
        var id: String
        var name: String
        var orders: [Double] = []
        var p50: [Double] = []
        var p99: [Double] = []

        init(id: String, name: String) {
            self.id = id
            self.name = name
        }

        mutating func add(_ result: LoadResult) {
            orders.append(result.perSecond)
            p50.append(result.latencies.microseconds(percentile: 50))
            p99.append(result.latencies.microseconds(percentile: 99))
        }
    }
    private var rows: [Row] = []
    private var ratios: [Row] = []

    /// A pair, measured one after the other; the ratio is that of the pair, so the machine's moods cancel out.
    mutating func add(service: LoadResult, peer: LoadResult, of id: String, named name: String, at point: PeersBench.Point) {
        let peerPoint = id == PostgresProcess.id && point.window == 1 ? "\(point.connections)" : point.id
        add(service, id: "peers/cashup/\(point.id)", name: "CashUp, \(point.name)")
        add(peer, id: "peers/\(id)/\(peerPoint)", name: "\(name), \(point.name)")
        let ratio = place(of: "peers/\(id)/\(peerPoint)/cashup", name: "CashUp / \(name), \(point.name)", in: &ratios)
        ratios[ratio].orders.append(service.perSecond / peer.perSecond)
        for (percentile, column) in [(50.0, \Row.p50), (99.0, \Row.p99)] {
            ratios[ratio][keyPath: column].append(
                service.latencies.microseconds(percentile: percentile) / peer.latencies.microseconds(percentile: percentile))
        }
    }

    private mutating func add(_ result: LoadResult, id: String, name: String) {
        let place = place(of: id, name: name, in: &rows)
        rows[place].add(result)
    }

    private func place(of id: String, name: String, in rows: inout [Row]) -> Int {
        if let place = rows.firstIndex(where: { $0.id == id }) { return place }
        rows.append(Row(id: id, name: name))
        return rows.count - 1
    }

    var figures: [Figure] {
        rows.sorted { owner($0) < owner($1) }.flatMap { figures($0, "orders/s", "us") }
            + ratios.sorted { owner($0) < owner($1) }.flatMap { figures($0, "x", "x") }
    }

    private func owner(_ row: Row) -> Substring { row.id.split(separator: "/")[1] }

    private func figures(_ row: Row, _ rateUnit: String, _ timeUnit: String) -> [Figure] {
        [
            Figure(id: "\(row.id)/orders", name: row.name, column: "orders/s", unit: rateUnit, better: .higher, samples: row.orders),
            Figure(id: "\(row.id)/p50", name: row.name, column: "p50", unit: timeUnit, better: .lower, samples: row.p50),
            Figure(id: "\(row.id)/p99", name: row.name, column: "p99", unit: timeUnit, better: .lower, samples: row.p99),
        ]
    }
}
