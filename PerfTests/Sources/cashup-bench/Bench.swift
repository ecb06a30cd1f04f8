import ArgumentParser
import Client
import Foundation
import NIOPosix

@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cashup-bench",
        abstract: "Latency of one durable order beside the bare disk, and pipelined durable orders per second.",
        discussion: """
            Every measurement starts a server process of its own on an empty temporary data directory; client and server share the machine.

            Example: cashup-bench --server .build/release/cashup
            """)

    @Option(help: "The cashup executable to measure.")
    var server = ".build/release/cashup"

    @Option(help: "Where data directories are made: the disk that is measured. /tmp may be memory.")
    var directory = "."

    @Option(help: "Event loops of the server.")
    var loops: Int?

    @Option(help: "Pairs of (bare disk, durable order), interleaved.")
    var pairs = 5

    @Option(help: "Orders a pair, one at a time.")
    var orders = 2_000

    @Option(help: "Connections of the pipelined run.")
    var connections = 8

    @Option(help: "Orders in flight on each.")
    var window = 64

    @Option(help: "Orders of the pipelined run, all connections together.")
    var pipelined = 400_000

    @Option(help: "Pipelined runs.")
    var runs = 3

    /// Bytes of one small frame in the log; the bare disk writes as many. A commit costs the same from 64 bytes to 64 KiB.
    static let frameBytes = 128
    static let warmup = 200

    func run() async throws {
        print("population: \(Population.description)")
        print("machine: \(ProcessInfo.processInfo.activeProcessorCount) cores shared by client and server; server loops: \(loops.map(String.init) ?? "default")")
        do {
            try await latency()
            try await throughput()
        } catch {
            FileHandle.standardError.write(Data("cashup-bench: \(error)\n".utf8))
            throw ExitCode.failure
        }
    }

    private var serverArguments: [String] { loops.map { ["--loops", "\($0)"] } ?? [] }

    private func latency() async throws {
        print("\none durable order, 1 connection, window 1: \(pairs) pairs of \(orders) each, in turn with write+fdatasync of \(Self.frameBytes) bytes on a zero-filled file")
        print("excluded: start, funding, the first \(Self.warmup) of each")
        var bareMedians: [UInt64] = [], bareP99s: [UInt64] = [], medians: [UInt64] = [], p99s: [UInt64] = []
        for pair in 1...max(1, pairs) {
            var bare = try BareDisk.measure(directory: directory, bytes: Self.frameBytes, count: orders, warmup: Self.warmup)
            let process = try await ServerProcess(executable: server, parent: directory, arguments: serverArguments)
            defer { process.stop() }
            let connection = try await LineConnection.connect(to: process.endpoint)
            let population = Population()
            try await population.fund(connection)
            let end = await connection.pipeline(
                OrderDriver(strategy: 1, count: orders + Self.warmup, warmup: Self.warmup, accounts: population.accounts), window: 1)
            var durable = try Self.checked(end).latencies
            await connection.close()
            bareMedians.append(bare.percentile(50)!)
            bareP99s.append(bare.percentile(99)!)
            medians.append(durable.percentile(50)!)
            p99s.append(durable.percentile(99)!)
            print(
                "  pair \(pair): bare p50 \(Self.us(bareMedians.last!)) p99 \(Self.us(bareP99s.last!)); order p50 \(Self.us(medians.last!)) p99 \(Self.us(p99s.last!))")
        }
        let (bare50, bare99) = (Self.median(bareMedians), Self.median(bareP99s))
        let (p50, p99) = (Self.median(medians), Self.median(p99s))
        print(
            "  medians: bare p50 \(Self.us(bare50)) p99 \(Self.us(bare99)); order p50 \(Self.us(p50)) p99 \(Self.us(p99)); ratio p50 "
                + String(format: "%.2f, p99 %.2f", Double(p50) / Double(bare50), Double(p99) / Double(bare99)))
    }

    private func throughput() async throws {
        print("\npipelined durable orders: \(connections) connections x window \(window), \(pipelined) orders, \(runs) runs; 1,000 accounts")
        print("excluded: start, connecting, funding. Latency is from sending a batch to reading the answer, under this load")
        var rates: [UInt64] = []
        for run in 1...max(1, runs) {
            let process = try await ServerProcess(executable: server, parent: directory, arguments: serverArguments)
            defer { process.stop() }
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            var clients: [LineConnection] = []
            for _ in 0..<connections { clients.append(try await LineConnection.connect(to: process.endpoint, group: loop)) }
            let population = Population()
            try await population.fund(clients[0])
            let each = pipelined / connections
            let start = ContinuousClock.now
            let window = window
            let ends = await withTaskGroup(of: PipelineEnd<OrderDriver>.self) { group in
                for (index, client) in clients.enumerated() {
                    group.addTask {
                        await client.pipeline(
                            OrderDriver(strategy: UInt64(index + 1), count: each, warmup: 0, accounts: population.accounts), window: window)
                    }
                }
                var ends: [PipelineEnd<OrderDriver>] = []
                for await end in group { ends.append(end) }
                return ends
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            var latencies = Latencies(reserving: pipelined)
            for end in ends { latencies.merge(try Self.checked(end).latencies) }
            for client in clients { await client.close() }
            let rate = Double(latencies.count) / seconds
            rates.append(UInt64(rate))
            print(
                "  run \(run): \(latencies.count) orders in \(String(format: "%.3f", seconds)) s, \(UInt64(rate)) orders/s; p50 \(Self.us(latencies.percentile(50)!)) p99 \(Self.us(latencies.percentile(99)!)) p99.9 \(Self.us(latencies.percentile(99.9)!))")
        }
        print("  median: \(Self.median(rates)) orders/s")
    }

    /// A run with a lost connection or a refused order is no measurement.
    private static func checked(_ end: PipelineEnd<OrderDriver>) throws -> OrderDriver {
        if let error = end.error { throw error }
        guard end.driver.refused == 0 else {
            throw BenchFailure("\(end.driver.refused) orders were refused, the first: \(end.driver.firstRefusal ?? "")")
        }
        return end.driver
    }

    private static func median(_ values: [UInt64]) -> UInt64 { values.sorted()[values.count / 2] }
    private static func us(_ nanoseconds: UInt64) -> String { String(format: "%.0f us", Double(nanoseconds) / 1000) }
}
