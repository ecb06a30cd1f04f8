import ArgumentParser
import CLoad
import Foundation

/// Becomes another program that dies with the bench.
struct ChildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "child", shouldDisplay: false)

    @Argument var parent: Int32
    @Argument(parsing: .captureForPassthrough) var command: [String]

    func run() throws {
        guard cload_die_with_parent(parent) == 0 else { throw ExitCode(1) }
        // Signals that the bench ignores to handle them itself would stay ignored.
        for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_DFL) }
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        arguments.append(nil)
        execv(command[0], arguments)
        throw BenchFailure("\(command[0]): \(String(cString: strerror(errno)))")
    }
}

struct EchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "echo", abstract: "Serve as one of the limits until killed: bare, durable or in-flight.")

    @Argument var kind: EchoProcess.Kind
    @Argument var port: Int
    @Argument(help: "The log it writes.") var file: String

    func run() throws { throw BenchFailure("the echo failed: \(EchoProcess.serve(kind, port: port, file: file))") }
}

extension EchoProcess.Kind: ExpressibleByArgument {}
