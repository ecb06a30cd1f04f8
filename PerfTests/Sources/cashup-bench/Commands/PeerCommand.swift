import ArgumentParser
import Load

/// One peer at one point with settings of one's own: how those in the report were chosen.
struct PeerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer", abstract: "Try a setting of a peer: run it alone, checked, and print the figures.")

    enum Kind: String, CaseIterable, ExpressibleByArgument { case postgresql, redis, fastapi }

    @Argument var kind: Kind
    @Option var connections = 8
    @Option(help: "Orders in flight on each connection.") var window = 1
    @Option var seconds = 3.0
    @Option(help: "Runs, each with a process of its own.") var repetitions = 3
    @Option(help: "Where its directory is made: the disk that is measured.") var directory = ".build/perf"
    @Option(name: .customLong("set"), help: "A line of its configuration: name=value.") var overrides: [String] = []

    func run() throws {
        let settings = Settings(directory: directory)
        let overriding = try overrides.map { text in
            guard let sign = text.firstIndex(of: "=") else { throw ValidationError("--set \(text): name=value is expected") }
            return PeerSetting(String(text[..<sign]), String(text[text.index(after: sign)...]))
        }
        for _ in 0..<repetitions {
            switch kind {
            case .postgresql: try measure(PostgresProcess(settings, overriding: overriding))
            case .redis: try measure(RedisProcess(settings, overriding: overriding))
            case .fastapi: try measure(FastAPIProcess(settings, overriding: overriding))
            }
        }
    }

    private func measure(_ peer: some Peer) throws {
        defer { peer.stop() }
        let before = try peer.syncs()
        let measured = try Measurement(type(of: peer).id, of: peer.processorTime) {
            try peer.measure(ClosedLoop(connections: connections, window: window, warmupSeconds: 0.5, seconds: seconds))
        }
        let result = measured.load
        let syncs = try peer.syncs().map { ", syncs/order \(Double($0 - (before ?? 0)) / Double(result.answeredInAll))" } ?? ""
        print(
            "\(peer.version) \(connections)x\(window) \(overrides.joined(separator: " ")): \(Int(result.perSecond)) orders/s, "
                + "p50 \(result.latencies.microseconds(percentile: 50)) us, p99 \(result.latencies.microseconds(percentile: 99)) us, "
                + "processor \(measured.processorMicrosPerAnswer) us/order\(syncs)")
    }
}
