import ArgumentParser
import Client
import Foundation
import WAL

/// Where to connect and as whom; shared by the subcommands that are clients.
struct ConnectOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Server to connect to.", valueName: "host:port"))
    var connect: Endpoint = .default

    @Option(help: "Token for AUTH, from `cashup token`; default: the environment variable CASHUP_TOKEN.")
    var token: String?

    @Flag(help: "Speak TLS.")
    var tls = false

    @Option(help: ArgumentHelp("Certificates to trust, with --tls; default: the system's.", valueName: "file"))
    var ca: String?

    func validate() throws {
        if ca != nil, !tls { throw ValidationError("--ca goes with --tls") }
    }

    /// `nil`: plain text.
    func clientTLS() throws -> ClientTLS? { tls ? try ClientTLS(authorities: ca) : nil }

    var tokenOrEnvironment: String? {
        token ?? ProcessInfo.processInfo.environment["CASHUP_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension Endpoint: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

/// Exit codes beside 0; wrong usage is 64 (EX_USAGE).
extension ExitCode {
    /// The server refused a command, or a check failed.
    static let refused = ExitCode(1)
    /// No connection, or it was lost.
    static let disconnected = ExitCode(2)
}

/// Runs `body`; what it throws is printed, and its kind is the exit code.
func reportingErrors(_ body: () throws -> Void) throws {
    do { try body() } catch let error as LogError {
        printError("\(error)")
        throw ExitCode(error.exitCode)
    } catch let error as ExitCode {
        throw error
    } catch {
        printError("\(error)")
        throw ExitCode.refused
    }
}

func printError(_ message: String) { FileHandle.standardError.write(Data("cashup: \(message)\n".utf8)) }
