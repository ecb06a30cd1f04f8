import Foundation

/// Programs that a peer comes with.
enum PeerTool {
    /// Of this run's peers. They listen on loopback, where other users of the machine could otherwise give them orders of their own.
    static let password = (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()

    /// A file that only its owner reads.
    static func write(_ text: String, to file: URL) throws {
        guard FileManager.default.createFile(atPath: file.path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]) else {
            throw BenchFailure("\(file.path) could not be written")
        }
    }

    /// Runs a short program to its end, with `environment` added to the bench's own,
    /// and returns what it printed; fails with that when it fails.
    @discardableResult
    static func run(_ command: [String], environment: [String: String] = [:]) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let printed = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw BenchFailure("\(command.joined(separator: " ")) failed:\n\(printed)") }
        return printed.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The executable of that name in the search path.
    static func find(_ name: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return (path.split(separator: ":") + ["/usr/bin", "/usr/local/bin"]).map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}
