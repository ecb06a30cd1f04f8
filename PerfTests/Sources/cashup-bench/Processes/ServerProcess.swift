import Foundation
import Load

/// `cashup serve` on a data directory of its own.
final class ServerProcess {
    static let startSecondsMax = 30.0

    /// What it is started with beside its address and its data.
    struct Options {
        /// Serve REST, too.
        var http = false
        /// Keep history.
        var history = false
        /// Check tokens; without it everyone may do everything.
        var access: RestAccess?
        /// Further arguments of `cashup serve`.
        var arguments: [String] = []
    }

    let port: Int
    /// Of REST; 0 without it.
    let httpPort: Int
    private let access: RestAccess?
    private let process: ChildProcess
    private let directory: URL
    private var data: URL { directory.appendingPathComponent("data") }

    /// Returns when it answers and has made its spare segments: their zeros go to the disk in the first seconds, which are nobody's steady state.
    init(_ settings: Settings, _ options: Options = Options()) throws {
        directory = try Scratch.make(in: settings.directory, "server")
        port = try freePort()
        httpPort = options.http ? try freePort() : 0
        access = options.access
        process = try ChildProcess(
            URL(fileURLWithPath: settings.server).path,
            [
                "serve", "--data", directory.appendingPathComponent("data").path, "--listen", "127.0.0.1:\(port)",
                "--auth", access == nil ? "off" : "jwt", "--http", httpPort == 0 ? "off" : "127.0.0.1:\(httpPort)",
                "--history", options.history ? "on" : "off",
            ] + options.arguments, environment: access?.environment ?? [:], output: directory.appendingPathComponent("server.log"))
        do {
            try waitUntilReady()
        } catch {
            stop()
            throw error
        }
    }

    private func waitUntilReady() throws {
        let deadline = ContinuousClock.now + .seconds(Self.startSecondsMax)
        while true {
            if let probe = try? Socket(port: port), (try? probe.receive()) != nil, httpPort == 0 || (try? Socket(port: httpPort)) != nil { break }
            guard process.isRunning, ContinuousClock.now < deadline else {
                throw BenchFailure("\(process.isRunning ? "the server does not answer" : "the server did not start"):\n\(process.printed)")
            }
            usleep(20_000)
        }
        var before = -1
        while ContinuousClock.now < deadline {
            let now = spareBytes()
            if now > 0, now == before { return }
            before = now
            usleep(300_000)
        }
        throw BenchFailure("the server makes spare segments for more than \(Int(Self.startSecondsMax)) s")
    }

    private func spareBytes() -> Int {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: data.path)) ?? []
        return files.filter { $0.hasSuffix(".tmp") }.reduce(0) { sum, name in
            let attributes = try? FileManager.default.attributesOfItem(atPath: data.appendingPathComponent(name).path)
            return sum + (attributes?[.size] as? Int ?? 0)
        }
    }

    /// Where the log ends, in bytes from its begin, whatever its format: up to the last byte of each segment that is not zero.
    func logBytes() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: data.path).filter { $0.hasSuffix(".wal") }.reduce(0) { sum, name in
            let file = try Data(contentsOf: data.appendingPathComponent(name), options: .mappedIfSafe)
            return sum + file.withUnsafeBytes { bytes in (bytes.lastIndex { $0 != 0 } ?? -1) + 1 }
        }
    }

    var identifier: Int32 { process.identifier }
    func processorTime() -> ProcessorTime { process.processorTime() }
    func residentBytes() -> Int { process.residentBytes() }

    /// Sends `commands`, without tags; each must be done, or have been.
    func configure(_ commands: [String]) throws {
        var script = Script((access.map { ["AUTH \($0.token)"] } ?? []) + commands)
        _ = try ClosedLoop(connections: 1, window: 512, warmupSeconds: 0, seconds: 600).run(port: port, workload: &script).checked("setting up")
    }

    /// One with the accounts that ``Population`` trades for.
    static func funded(_ settings: Settings, _ options: Options = Options()) throws -> ServerProcess {
        let server = try ServerProcess(settings, options)
        try server.configure(Population.funding())
        return server
    }

    /// Stops it and removes its directory.
    func stop() {
        process.stop()
        Scratch.remove(directory)
    }

    deinit { stop() }
}

/// Lines, once, over one connection.
struct Script: Workload {
    private let lines: [String]
    private var sent = 0

    init(_ lines: [String]) { self.lines = lines }

    mutating func next(connection: Int, into buffer: inout RequestBuffer) -> Bool {
        guard sent < lines.count else { return false }
        var line = "\(sent % 1_000) \(lines[sent])\n"
        line.withUTF8 { buffer.put(UnsafeRawBufferPointer($0)) }
        sent += 1
        return true
    }
}
