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
    @Option(parsing: .remaining, help: "Further arguments of `cashup serve`.") var serve: [String] = []

    func run() throws {
        let settings = Settings(directory: directory, server: server)
        let service = try ServerProcess.funded(settings, arguments: serve)
        defer { service.stop() }
        FileHandle.standardOutput.write(Data("service \(service.identifier)\n".utf8))
        let target = Target(service)
        let measured = rate > 0
            ? try target.open(OpenBench.loop(rate, connections: connections), perSecond: rate, seconds: seconds, seed: 1)
            : try target.closed(LoadPoint(connections: connections, window: window), seconds: seconds)
        let latency = measured.load.latencies
        print("""
            \(Int(measured.load.perSecond)) orders/s, p50 \(latency.microseconds(percentile: 50)) us, p99 \(latency.microseconds(percentile: 99)) us, \
            p99.9 \(latency.microseconds(percentile: 99.9)) us, max \(latency.maxMicroseconds) us, \
            service \(measured.processorMicrosPerAnswer) us/order (user \(measured.processor.user) s, system \(measured.processor.system) s), \
            client \(measured.load.clientNanosecondsPerAnswer) ns/order
            """)
    }
}
