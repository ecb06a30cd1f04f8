import Foundation
import Load

/// A desk's own service: FastAPI, SQLAlchemy, asyncpg, PostgreSQL (`PerfTests/Peers/fastapi`), with a cluster of its own.
final class FastAPIProcess: Peer {
    static let id = "fastapi"
    static let name = "FastAPI"
    static let startSecondsMax = 30.0
    /// What a row of figures is about.
    static let stack = "FastAPI + SQLAlchemy + asyncpg + PostgreSQL"

    /// As measured on two cores at 1, 8 and 32 connections: see docs/PERFORMANCE.md.
    static let settings = [PeerSetting("workers", "2"), PeerSetting("pool_size", "8")]

    let version: String
    private let own: [PeerSetting]
    private let access: RestAccess
    private let cluster: PostgresCluster
    private let directory: URL
    private let process: ChildProcess
    private let port: Int
    private var orders: RestOrders
    /// In all runs so far.
    private var acknowledged = 0

    init(_ settings: Settings, overriding: [PeerSetting]) throws {
        try Self.checkInstalled(settings)
        let names = Set(Self.settings.map(\.name))
        own = Self.settings.overridden(by: overriding.filter { names.contains($0.name) })
        version = try PeerTool.run([settings.peerPython, "-c", Self.printVersions])
        access = try RestAccess(settings)
        cluster = try PostgresCluster(settings, overriding: overriding.filter { !names.contains($0.name) })
        directory = try Scratch.make(in: settings.directory, "fastapi")
        port = try freePort()
        orders = RestOrders(port: port, access: .token(access.token))
        let folder = URL(fileURLWithPath: settings.peerSources).appendingPathComponent("fastapi").path
        let python = URL(fileURLWithPath: settings.peerPython).path
        var environment = access.environment
        environment["DATABASE_URL"] = "postgresql+asyncpg://\(PostgresSession.user):\(PeerTool.password)@127.0.0.1:\(cluster.port)/postgres"
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        for setting in own { environment[setting.name.uppercased()] = setting.value }
        try PeerTool.run([python, "\(folder)/tables.py", "\(PeerOrders.accounts)", "\(Self.funding)"], environment: environment)
        try cluster.settle(balance: "balances")
        process = try ChildProcess(
            python, ["\(folder)/serve.py", "\(port)"], environment: environment, output: directory.appendingPathComponent("fastapi.log"))
        do {
            try waitUntilReady()
            try checkAnswers()
        } catch {
            throw BenchFailure("FastAPI: \(error)\n\(process.printed)")
        }
    }

    /// As much as the service's accounts have.
    private static let funding = 1_000_000_000

    static func checkInstalled(_ settings: Settings) throws {
        _ = try PostgresPrograms()
        guard (try? PeerTool.run([settings.peerPython, "-c", printVersions])) != nil else {
            throw BenchFailure("\(stack): the Python packages are not installed: make peer-deps")
        }
    }

    private static let printVersions = """
        import importlib.metadata as m, platform
        names = ['fastapi', 'uvicorn', 'uvloop', 'httptools', 'sqlalchemy', 'asyncpg', 'pydantic', 'pyjwt']
        print('Python ' + platform.python_version() + ', ' + ', '.join(n + ' ' + m.version(n) for n in names))
        """

    private func waitUntilReady() throws {
        let deadline = ContinuousClock.now + .seconds(Self.startSecondsMax)
        while true {
            if let socket = try? Socket(port: port), (try? HTTPExchange.send("GET /openapi.json HTTP/1.1\r\nHost: bench\r\n\r\n", socket))?.status == 200 {
                return
            }
            guard process.isRunning, ContinuousClock.now < deadline else { throw BenchFailure("it did not start") }
            usleep(50_000)
        }
    }

    /// A repeated order is answered with the same one, other content and too much of it are refused, and so is a bad token; then it is undone.
    private func checkAnswers() throws {
        let socket = try Socket(port: port)
        func place(_ id: String, quantity: String, token: String? = nil) throws -> HTTPExchange {
            let body = """
                {"account_id":1,"symbol":"BTC-USD","order_type":"limit","side":"sell","quantity":"\(quantity)","price":"1000.00","client_order_id":"\(id)"}
                """
            return try HTTPExchange.send(
                "POST \(RestOrders.path) HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
                    + "Authorization: Bearer \(token ?? access.token)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)", socket)
        }
        let first = try place("try", quantity: "1")
        let answers = try [
            first, place("try", quantity: "1"), place("try", quantity: "2"), place("try-much", quantity: "\(Self.funding)"),
            place("try-token", quantity: "1", token: access.token + "x"),
        ]
        guard answers.map(\.status) == [201, 201, 409, 422, 401], answers[1].body == first.body else {
            throw BenchFailure("it answered \(answers)")
        }
        let left = try cluster.query("SELECT available, reserved FROM balances WHERE account_id = 1 AND asset = 'BTC'")
        guard left == [["\(Self.funding - 1).0000000000", "1.0000000000"]] else { throw BenchFailure("what was tried left \(left)") }
        try cluster.query(
            "DELETE FROM orders; UPDATE balances SET available = available + reserved, reserved = 0 WHERE reserved > 0")
    }

    var notes: [String] {
        [
            "\(Self.stack): \(version); uvicorn with uvloop and httptools, no access log, "
                + own.map { "\($0.name) \($0.value)" }.joined(separator: ", ") + ". The application is PerfTests/Peers/fastapi: an insertion and an update in one "
                + "transaction, statements made once, no ORM unit of work.",
            cluster.configurationNote,
        ]
    }

    func checkDurability() throws {
        try cluster.checkDurability(relations: ["orders", "balances", "orders_pkey", "orders_client_order_id_key", "balances_pkey"])
    }

    func load(_ loop: ClosedLoop) throws -> LoadResult { try loop.run(HTTPWire.self, port: port, workload: &orders) }

    /// - Parameter acknowledged: in the run that has just ended.
    func check(acknowledged: Int) throws {
        self.acknowledged += acknowledged
        let found = try cluster.query(Self.check)
        let expected = [["\(self.acknowledged)", "\(2 * PeerOrders.accounts)", "0"]]
        guard found == expected else {
            throw BenchFailure("\(Self.name)'s PostgreSQL has orders, balances and balances in disagreement \(found), not \(expected)")
        }
    }

    /// (orders, balances, balances that do not agree with the orders)
    private static let check = """
        SELECT (SELECT count(*) FROM orders), count(*),
            count(*) FILTER (WHERE b.reserved <> coalesce(o.amount, 0) OR b.available + b.reserved <> \(funding))
        FROM balances b LEFT JOIN (
            SELECT account_id, CASE WHEN side = 'buy' THEN 'USD' ELSE 'BTC' END AS asset,
                sum(CASE WHEN side = 'buy' THEN price * quantity ELSE quantity END) AS amount
            FROM orders GROUP BY 1, 2
        ) o ON o.account_id = b.account_id AND o.asset = b.asset
        """

    func syncs() throws -> Int? { try cluster.syncs() }

    /// Of the application's processes and PostgreSQL's.
    func processorTime() -> ProcessorTime { process.processorTimeOfTree() + cluster.processorTime() }

    func stop() {
        process.stop()
        Scratch.remove(directory)
        cluster.stop()
    }

    deinit { stop() }
}
