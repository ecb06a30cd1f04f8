import Load
import Limits

/// What is put under load: the service, or one of the echoes that are its limits. Each is a process of its own; those that are not under load
/// wait for input and take no time.
final class Target {
    enum Kind: Equatable {
        case service
        case echo(EchoProcess.Kind)

        /// In figures' ids.
        var id: String {
            switch self {
            case .service: "closed"
            case .echo(let kind): "limits/\(kind.rawValue)"
            }
        }
    }
    let kind: Kind
    let port: Int
    let processorTime: () -> ProcessorTime
    /// Each target has its own: ids are used once in a service.
    var population = Population()

    init(_ server: ServerProcess) {
        kind = .service
        port = server.port
        processorTime = server.processorTime
    }

    init(_ echo: EchoProcess) {
        kind = .echo(echo.kind)
        port = echo.port
        processorTime = echo.processorTime
    }

    /// The echoes that can run here: without io_uring there is none with several writes in flight.
    static func echoes(_ settings: Settings) throws -> [Target] {
        let kinds = EchoProcess.Kind.allCases.filter { $0 != .inFlight || limits_uring_available() == 0 }
        return try kinds.map { Target(try EchoProcess($0, settings)) }
    }

    func closed(_ point: LoadPoint, seconds: Double) throws -> Measurement {
        try closed(ClosedLoop(connections: point.connections, window: point.window, seconds: seconds))
    }

    func closed(_ loop: ClosedLoop) throws -> Measurement {
        try Measurement("\(kind.id) at \(loop.connections)x\(loop.window)", of: processorTime) { try loop.run(port: port, workload: &population) }
    }

    /// Poisson arrivals.
    func open(_ loop: OpenLoop, perSecond: Double, seconds: Double, seed: UInt64) throws -> Measurement {
        try Measurement("open loop, \(kind.id)", of: processorTime) {
            try loop.run(
                port: port, workload: &population, schedule: PoissonSchedule(perSecond: perSecond, seconds: seconds, seed: seed))
        }
    }
}

struct LoadPoint: Hashable {
    var connections: Int
    var window: Int

    var id: String { "\(connections)x\(window)" }
    var name: String { "\(connections) connection\(connections == 1 ? "" : "s") x window \(window)" }
}

/// One repetition.
struct Measurement {
    let load: LoadResult
    /// Of the process under load, over the whole run.
    let processor: ProcessorTime

    /// Runs a load that must be answered whole and without a refusal.
    init(_ what: String, of processorTime: () -> ProcessorTime, _ run: () throws -> LoadResult) throws {
        let before = processorTime()
        load = try run().checked(what)
        processor = processorTime() - before
    }

    var processorMicrosPerAnswer: Double { processor.sum * 1e6 / Double(max(1, load.answeredInAll)) }
}

extension LoadResult {
    /// Itself, if everything sent was answered and nothing refused.
    func checked(_ what: String) throws -> LoadResult {
        if let fault { throw BenchFailure("\(what): \(fault)") }
        return self
    }
}
