import ArgumentParser
import Foundation
import Load

/// One load for as long as a profiler needs it.
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Put one load on a service of its own, for a profiler; prints the service's process id first.")

    @Option(help: "The cashup executable.") var server = ".build/release/cashup"
    @Option(help: "Where the data directory is made.") var directory = ".build/perf"
    @Option var connections = 8
    @Option var window = 64
    @Option var seconds = 5.0
    @Option(help: "Open loop: orders a second, whatever the answers do; 0: closed loop.") var rate = 0.0
    @Flag(help: "Over REST, each connection with one order in flight.") var rest = false
    @Option(name: .customLong("rest-port"), help: "Over REST, to a service that runs already and checks no tokens: its port.") var restPort: Int?
    @Flag(help: "REST: check tokens.") var tokens = false
    @Flag(help: "Keep history.") var history = false
    @Option(parsing: .remaining, help: "Further arguments of `cashup serve`.") var serve: [String] = []

    func run() throws {
        if let restPort { return print(try Self.rest(port: restPort, .open, connections, seconds) { ProcessorTime() }) }
        let settings = Settings(directory: directory, server: server)
        let access = rest && tokens ? try RestAccess(settings) : nil
        let service = try ServerProcess.funded(settings, .init(http: rest, history: history, access: access, arguments: serve))
        defer { service.stop() }
        FileHandle.standardOutput.write(Data("service \(service.identifier)\n".utf8))
        if rest {
            return print(
                try Self.rest(
                    port: service.httpPort, access.map { .token($0.token) } ?? .open, connections, seconds, of: service.processorTime))
        }
        let target = Target(service)
        print(
            rate > 0
                ? try target.open(OpenBench.loop(rate, connections: connections), perSecond: rate, seconds: seconds, seed: 1)
                : try target.closed(LoadPoint(connections: connections, window: window), seconds: seconds))
    }

    private static func rest(
        port: Int, _ access: RestOrders.Access, _ connections: Int, _ seconds: Double, of processorTime: () -> ProcessorTime
    ) throws -> Measurement {
        var orders = RestOrders(port: port, access: access)
        return try Measurement("REST", of: processorTime) {
            try ClosedLoop(connections: connections, window: 1, seconds: seconds).run(HTTPWire.self, port: port, workload: &orders)
        }
    }

    private func print(_ measured: Measurement) {
        let latency = measured.load.latencies
        Swift.print("""
            \(Int(measured.load.perSecond)) orders/s, p50 \(latency.microseconds(percentile: 50)) us, p99 \(latency.microseconds(percentile: 99)) us, \
            p99.9 \(latency.microseconds(percentile: 99.9)) us, max \(latency.maxMicroseconds) us, \
            service \(measured.processorMicrosPerAnswer) us/order (user \(measured.processor.user) s, system \(measured.processor.system) s), \
            client \(measured.load.clientNanosecondsPerAnswer) ns/order, \(measured.load.answeredInAll) in all
            """)
    }
}
