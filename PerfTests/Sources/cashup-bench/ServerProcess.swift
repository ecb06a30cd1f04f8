import Client
import Foundation

/// A server process of this run's own, on a temporary data directory that is removed afterwards.
final class ServerProcess {
    static let startSecondsMax = 20.0

    let endpoint: Endpoint
    let directory: URL
    private let process = Process()

    /// - Parameters:
    ///   - parent: where the data directory is made; decides which disk is measured.
    init(executable: String, parent: String, arguments: [String] = []) async throws {
        directory = URL(fileURLWithPath: parent).appendingPathComponent("cashup-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        endpoint = Endpoint(host: "127.0.0.1", port: try Self.freePort())
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments =
            ["serve", "--data", directory.appendingPathComponent("data").path, "--listen", "\(endpoint)", "--auth", "off"] + arguments
        let log = directory.appendingPathComponent("server.log")
        try Data().write(to: log)
        let output = try FileHandle(forWritingTo: log)
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let deadline = ContinuousClock.now + .seconds(Self.startSecondsMax)
        while true {
            do {
                let probe = try await LineConnection.connect(to: endpoint)
                await probe.close()
                return
            } catch {
                guard process.isRunning, ContinuousClock.now < deadline else {
                    let said = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
                    stop()
                    throw BenchFailure("the server did not start: \(error)\n\(said)")
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    func stop() {
        if process.isRunning {
            process.terminate()
            process.waitUntilExit()
        }
        try? FileManager.default.removeItem(at: directory)
    }

    private static func freePort() throws -> Int {
        let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(probe) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(probe, address, length) == 0 ? getsockname(probe, address, &length) : -1
            }
        }
        guard result == 0 else { throw BenchFailure("no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

struct BenchFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
