import Foundation
import Load

/// A Redis of its own, with its log in a directory of its own.
final class RedisProcess: Peer {
    static let id = "redis"
    static let name = "Redis"
    static let startSecondsMax = 10.0

    let version: String
    private let settings: [PeerSetting]
    private let directory: URL
    private let process: ChildProcess
    private let port: Int
    private var script = ""

    init(_ settings: Settings, overriding: [PeerSetting]) throws {
        let program = try Self.program()
        // Redis server v=7.0.15 sha=...
        let words = try PeerTool.run([program, "--version"]).split(separator: " ")
        version = words.first { $0.hasPrefix("v=") }.map { String($0.dropFirst(2)) } ?? "?"
        self.settings = RedisConfiguration.settings.overridden(by: overriding)
        directory = try Scratch.make(in: settings.directory, "redis")
        port = try freePort()
        let file = directory.appendingPathComponent("redis.conf")
        let ofThisRun = [
            PeerSetting("port", "\(port)"), PeerSetting("dir", "\"\(directory.path)\""), PeerSetting("requirepass", PeerTool.password),
        ]
        let configuration = self.settings + ofThisRun
        try PeerTool.write(configuration.map { "\($0.name) \($0.value)\n" }.joined(), to: file)
        process = try ChildProcess(program, [file.path], output: directory.appendingPathComponent("redis.log"))
        do {
            try waitUntilReady()
            try setUp()
        } catch {
            let printed = process.printed
            stop()
            throw BenchFailure("Redis: \(error)\n\(printed)")
        }
    }

    private static func program() throws -> String {
        guard let program = PeerTool.find("redis-server") else {
            throw BenchFailure("Redis' server is not installed: apt-get install redis-server (or: make peer-deps)")
        }
        return program
    }

    static func checkInstalled(_ settings: Settings) throws { _ = try program() }

    private func waitUntilReady() throws {
        let deadline = ContinuousClock.now + .seconds(Self.startSecondsMax)
        while true {
            if var session = try? RedisSession.open(port: port), (try? session.command(["PING"])) == ["PONG"] { return }
            guard process.isRunning, ContinuousClock.now < deadline else { throw BenchFailure("it did not start") }
            usleep(20_000)
        }
    }

    private func setUp() throws {
        var session = try RedisSession.open(port: port)
        script = try session.command(["SCRIPT", "LOAD", RedisScript.placeOrder])[0]
        try session.command(["EVAL", RedisScript.fund, "0", "\(PeerOrders.accounts)", "\(PeerOrders.funding)"])
        try checkRefusals(&session)
    }

    /// A refused order and a repeated one are answered as such, and change nothing; then what was tried is undone.
    private func checkRefusals(_ session: inout RedisSession) throws {
        func place(_ session: inout RedisSession, _ asset: String) -> String {
            do {
                return try session.command(
                    ["EVALSHA", script, "2", "o:try", "b:try", "try", asset, "\(PeerOrders.lowestPrice)", "10", "BTC-USD"]).joined()
            } catch { return "\(error)" }
        }
        try session.command(["HSET", "b:try", "USD", "999999", "BTC", "19", "BTC:reserved", "0"])
        let answers = [place(&session, "USD"), place(&session, "BTC"), place(&session, "BTC")]
        let balances = try session.command(["HMGET", "b:try", "USD", "BTC", "BTC:reserved"])
        guard answers[0].contains("FUNDS"), answers[1] == "1", answers[2].contains("DUPLICATE"), balances == ["999999", "9", "10"] else {
            throw BenchFailure("the script answered \(answers) and left \(balances)")
        }
        try session.command(["DEL", "o:try", "b:try"])
    }

    var notes: [String] {
        [
            "Redis \(version), redis.conf: " + settings.map { "\($0.name) \($0.value)" }.joined(separator: ", "),
            "Redis' script, called by EVALSHA:\n\(RedisScript.placeOrder)",
        ]
    }

    func checkDurability() throws {
        var session = try RedisSession.open(port: port)
        for (name, expected) in [("appendonly", "yes"), ("appendfsync", "always")] {
            let value = try session.command(["CONFIG", "GET", name])
            guard value == [name, expected] else { throw BenchFailure("Redis runs with \(value)") }
        }
        let state = try session.command(["INFO", "persistence"]).joined()
        guard state.contains("aof_enabled:1"), state.contains("aof_last_write_status:ok") else { throw BenchFailure("Redis does not log:\n\(state)") }
    }

    func load(_ loop: ClosedLoop) throws -> LoadResult {
        var orders = RedisOrders(script: script)
        return try loop.run(RedisWire.self, port: port, workload: &orders)
    }

    func check(acknowledged: Int) throws {
        var session = try RedisSession.open(port: port)
        let rows = try session.command(["EVAL", RedisScript.sums, "0"])
        guard rows.first == "\(acknowledged)" else { throw BenchFailure("Redis has \(rows.first ?? "no") orders, acknowledged were \(acknowledged)") }
        var sums: [String: Int] = [:]
        for row in rows.dropFirst() {
            let words = row.split(separator: " ")
            sums["\(words[0]) \(words[1])"] = Int(words[2])
        }
        for account in 1...PeerOrders.accounts {
            for asset in ["USD", "BTC"] {
                let found = try session.command(["HMGET", RedisScript.balance(account), asset, "\(asset):reserved"]).map(Int.init)
                let reserved = sums["\(account) \(asset)"] ?? 0
                guard found == [PeerOrders.funding - reserved, reserved] else {
                    throw BenchFailure("Redis has \(found) as \(asset) of account \(account), whose orders reserve \(reserved)")
                }
            }
        }
    }

    /// It does not count them.
    func syncs() throws -> Int? { nil }

    func processorTime() -> ProcessorTime { process.processorTime() }

    func stop() {
        process.stop()
        Scratch.remove(directory)
    }

    deinit { stop() }
}
