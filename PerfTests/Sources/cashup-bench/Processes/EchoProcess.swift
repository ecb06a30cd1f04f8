import Foundation
import Limits
import Load

/// One of the limits, as a process of its own like the service.
final class EchoProcess {
    enum Kind: String, CaseIterable {
        case bare, durable
        case inFlight = "in-flight"
    }
    /// DESIGN's echo: lines of about 61 B answered as 40 B; what the log of an order takes is written for each.
    static let answerBytes = 40
    static let logBytes = 20
    static let fileBytes = 64 << 20
    static let depth = 4

    let kind: Kind
    let port: Int
    private let process: ChildProcess
    private let directory: URL

    init(_ kind: Kind, _ settings: Settings) throws {
        self.kind = kind
        directory = try Scratch.make(in: settings.directory, "echo")
        port = try freePort()
        process = try ChildProcess(
            ChildProcess.ownPath, ["echo", kind.rawValue, "\(port)", directory.appendingPathComponent("echo.log").path],
            output: directory.appendingPathComponent("echo.out"))
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            // The echo greets nobody: a line and its answer show that its file is made.
            if let probe = try? Socket(port: port), (try? probe.send("probe\n")) != nil, let answer = try? probe.receive() {
                guard answer.count == Self.answerBytes else { throw BenchFailure("the echo answered \(answer.count) bytes") }
                return
            }
            guard process.isRunning, ContinuousClock.now < deadline else {
                let said = process.printed
                stop()
                throw BenchFailure("the \(kind.rawValue) echo did not start: \(said)")
            }
            usleep(10_000)
        }
    }

    func processorTime() -> ProcessorTime { process.processorTime() }

    func stop() {
        process.stop()
        Scratch.remove(directory)
    }

    deinit { stop() }

    /// What the child runs; returns only when it fails.
    static func serve(_ kind: Kind, port: Int, file: String) -> String {
        let code = file.withCString { path in
            var options = limits_echo_options(
                port: Int32(port), kind: LIMITS_BARE, file: path, file_bytes: Int64(fileBytes), answer_bytes: Int32(answerBytes),
                log_bytes: Int32(logBytes), depth: Int32(depth))
            options.kind =
                switch kind {
                case .bare: LIMITS_BARE
                case .durable: LIMITS_DURABLE
                case .inFlight: LIMITS_IN_FLIGHT
                }
            return limits_echo(&options)
        }
        return String(cString: strerror(-code))
    }
}
