import Client
import Core
import Foundation
import History
import Logging
import Server
import Testing

/// A service in this process with its history, on a directory of its own.
/// One task changes it (start, stop, kill); others may ask its parts meanwhile.
final class HistoryWorld: @unchecked Sendable {
    let directory: String
    private(set) var service: Service
    private(set) var history: History
    private(set) var connection: LineConnection

    static let seed = [
        "AST USD decimals=2", "AST EUR decimals=2", "AST BTC decimals=8", "AST EX decimals=0", "WLT spot", "WLT futures",
        "VEN lab kind=manual",
        "INS BTC-USD venue=lab wallet=spot base=BTC quote=USD tick=0.01 lot=0.00000001",
        "INS BTC-EUR venue=lab wallet=spot base=BTC quote=EUR tick=0.5 lot=0.001",
        "INS EX-USD venue=lab wallet=spot base=EX quote=USD tick=0.01 lot=1",
        "INS PERP venue=lab wallet=futures base=BTC quote=USD tick=0.1 lot=0.001 funds=none",
    ]

    private init(_ directory: String, _ service: Service, _ history: History, _ connection: LineConnection) {
        self.directory = directory
        self.service = service
        self.history = history
        self.connection = connection
    }

    static func start(loops: Int = 1, options: HistoryOptions = HistoryOptions()) async throws -> HistoryWorld {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("cashup-history-\(UUID().uuidString)").path
        var config = Configuration()
        config.data = directory
        config.port = 0
        config.http = nil
        config.loops = loops
        config.auth = .off
        config.seed = seed
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let service = try await Service.start(config, logger: logger)
        let history = History.open(directory: directory, log: service.log, bell: service.bell, logger: logger, options: options)
        history.start()
        let connection = try await LineConnection.connect(to: Client.Endpoint(host: "127.0.0.1", port: service.port))
        return HistoryWorld(directory, service, history, connection)
    }

    func stop() async {
        await connection.close()
        await history.stop()
        await service.stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Each must be done; gives the last answer.
    @discardableResult
    func tell(_ commands: String...) async throws -> Answer { try await tell(commands) }

    @discardableResult
    func tell(_ commands: [String]) async throws -> Answer {
        var last: Answer?
        // Few ones one after the other, so that each has a time of its own; what is sent in one turn has the turn's.
        let together = commands.count > 100
        let answers = together ? commands.map { connection.submit($0) } : []
        for (index, command) in commands.enumerated() {
            let answer = try await (together ? answers[index] : connection.submit(command)).get()
            try #require(answer.isDone, "\(command): \(answer.line)")
            last = answer
        }
        return try #require(last)
    }

    /// Everything told is in history when this returns.
    func settle() async throws {
        let lsn = try #require(UInt64(try await tell("SYNC")["lsn"] ?? ""))
        try #require(await history.wait(for: lsn, timeout: .seconds(20)), "history: \(history.state)")
    }
}

/// A world that ends with the test.
func withHistory(loops: Int = 1, options: HistoryOptions = HistoryOptions(), _ body: (HistoryWorld) async throws -> Void) async throws {
    let world = try await HistoryWorld.start(loops: loops, options: options)
    do { try await body(world) } catch {
        await world.stop()
        throw error
    }
    await world.stop()
}
