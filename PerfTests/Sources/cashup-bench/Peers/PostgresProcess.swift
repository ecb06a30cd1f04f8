import Load

/// PostgreSQL alone, the job as a function in it.
final class PostgresProcess: Peer {
    static let id = "postgresql"
    static let name = "PostgreSQL"

    private let cluster: PostgresCluster

    init(_ settings: Settings, overriding: [PeerSetting]) throws {
        cluster = try PostgresCluster(settings, overriding: overriding)
        do {
            try setUp()
        } catch {
            throw BenchFailure("PostgreSQL: \(error)\n\(cluster.printed)")
        }
    }

    static func checkInstalled(_ settings: Settings) throws { _ = try PostgresPrograms() }

    private func setUp() throws {
        for sql in [PostgresSchema.tables, PostgresSchema.function, PostgresSchema.funding] { try cluster.query(sql) }
        for refusal in PostgresSchema.refusals {
            do {
                try cluster.query(refusal.sql)
                throw BenchFailure("not refused with \(refusal.code): \(refusal.sql)")
            } catch let fault as PostgresSession.Fault where fault.code == refusal.code {}
        }
        try cluster.settle(balance: "balance")
    }

    var version: String { cluster.version }

    var notes: [String] {
        [
            cluster.configurationNote,
            "PostgreSQL's tables:\n\(PostgresSchema.tables)",
            "PostgreSQL's function, called as prepared statement `\(PostgresSchema.call)`, binary:\n\(PostgresSchema.function)",
        ]
    }

    func checkDurability() throws { try cluster.checkDurability(relations: ["orders", "balance", "orders_pkey", "balance_pkey"]) }

    func load(_ loop: ClosedLoop) throws -> LoadResult {
        var orders = PostgresOrders()
        return try loop.run(PostgresWire.self, port: cluster.port, workload: &orders)
    }

    func check(acknowledged: Int) throws {
        let found = try cluster.query(PostgresSchema.check)
        let expected = [["\(acknowledged)", "\(2 * PeerOrders.accounts)", "0"]]
        guard found == expected else {
            throw BenchFailure("PostgreSQL has orders, balances and balances in disagreement \(found), not \(expected)")
        }
    }

    func syncs() throws -> Int? { try cluster.syncs() }

    func processorTime() -> ProcessorTime { cluster.processorTime() }

    func stop() { cluster.stop() }
}
