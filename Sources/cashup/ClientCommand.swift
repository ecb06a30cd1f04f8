import ArgumentParser
import Client
import Foundation
import NIOCore
import Synchronization

struct ClientCommand: AsyncParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable { case table, lines }

    static let configuration = CommandConfiguration(
        commandName: "client",
        abstract: "Talk to a server: interactively, one command, or commands from standard input.",
        discussion: """
            Commands are those of docs/PROTOCOL.md without the tag; HELP lists
            them. On a terminal rows are shown as tables, otherwise lines are
            printed as the server sent them. After an accepted SUB it goes on
            printing events until it is interrupted.
            Exit code: 0 all done, 1 something was refused, 2 no connection.

            Examples:
              cashup client
              cashup client --connect 127.0.0.1:7070 -- BAL 7
              printf 'BAL 7\\nPOS 7\\n' | cashup client
            """)

    @OptionGroup var connection: ConnectOptions

    @Option(help: "How answers are printed: table or lines; default: table on a terminal.")
    var format: Format?

    @Argument(help: "One command; `--` before it if it has a field that begins with a dash.")
    var command: [String] = []

    func run() async throws {
        let printer = Printer(format: format, isTerminal: isatty(STDOUT_FILENO) == 1)
        do {
            let isInteractive = command.isEmpty && isatty(STDIN_FILENO) == 1
            let editor = isInteractive ? LineEditor() : nil
            let server = try await LineConnection.connect(
                to: connection.connect, tls: try connection.clientTLS(), onNotice: { printer.show($0, editor: editor) })
            if isInteractive { emit(printer.style.dim(server.greeting.line)) }
            try await authenticate(server)
            let allDone: Bool
            if let editor {
                allDone = try await interact(server, editor, printer)
            } else if command.isEmpty {
                allDone = try await pipe(server, printer)
            } else {
                let line = Self.normalized(command.joined(separator: " "))
                allDone = try await show(server.submit(line), to: line, printer)
            }
            if !isInteractive { await follow(server, printer) }
            await server.close()
            if !allDone { throw ExitCode.refused }
        } catch let error as ClientError {
            printError("\(error)")
            throw ExitCode.disconnected
        }
    }

    private func authenticate(_ server: LineConnection) async throws {
        guard let token = connection.tokenOrEnvironment else {
            if server.greeting.authRequired { printError("the server wants a token: --token or CASHUP_TOKEN") }
            return
        }
        let answer = try await server.send("AUTH \(token)")
        guard answer.isDone else {
            printError(answer.line)
            throw ExitCode.refused
        }
    }

    // MARK: The three ways

    /// Returns true: what was refused in a dialogue the person has seen.
    private func interact(_ server: LineConnection, _ editor: LineEditor, _ printer: Printer) async throws -> Bool {
        while let line = await editor.line(prompt: "cashup> ") {
            let command = Self.normalized(line)
            if command.isEmpty { continue }
            // A token does not belong into a file of old commands.
            if !command.hasPrefix("AUTH ") { editor.remember(line) }
            if command == "EXIT" { return true }
            do {
                printer.show(try await server.send(command), to: command)
            } catch ClientError.unsendable(let why) {
                printError(why)
            }
            if command == "QUIT" { return true }
        }
        emit("")
        return true
    }

    /// Reads, sends and prints at once, so that a program at the other end of the pipe gets each answer as it comes.
    private func pipe(_ server: LineConnection, _ printer: Printer) async throws -> Bool {
        let room = DispatchSemaphore(value: LineConnection.windowMax)
        let sent = AsyncStream<(String, EventLoopFuture<Answer>)> { continuation in
            Thread.detachNewThread {
                while let line = readLine() {
                    let command = Self.normalized(line)
                    if command.isEmpty || command.hasPrefix("#") { continue }
                    room.wait()
                    continuation.yield((command, server.submit(command)))
                }
                continuation.finish()
            }
        }
        var allDone = true
        for await (command, answer) in sent {
            allDone = try await show(answer, to: command, printer) && allDone
            room.signal()
        }
        return allDone
    }

    private func show(_ future: EventLoopFuture<Answer>, to command: String, _ printer: Printer) async throws -> Bool {
        do {
            let answer = try await future.get()
            printer.show(answer, to: command)
            return answer.isDone
        } catch ClientError.unsendable(let why) {
            printError("\(why): \(command.prefix(60))")
            return false
        } catch let error as ClientError {
            printError("no answer to: \(command)")
            throw error
        }
    }

    /// While subscribed: until the connection ends.
    private func follow(_ server: LineConnection, _ printer: Printer) async {
        guard printer.isSubscribed else { return }
        for await _ in server.notices {}
    }

    /// Blanks trimmed and the verb in upper case, so that `bal 7` works.
    static func normalized(_ line: String) -> String {
        let trimmed = line.trimmingCharacters(in: .whitespacesAndNewlines)
        let end = trimmed.firstIndex(of: " ") ?? trimmed.endIndex
        return trimmed[..<end].uppercased() + trimmed[end...]
    }
}

/// Prints answers and notices.
final class Printer: Sendable {
    let style: Style
    private let isTable: Bool
    private let subscribed = Atomic(false)

    init(format: ClientCommand.Format?, isTerminal: Bool) {
        style = Style(isColoured: isTerminal && ProcessInfo.processInfo.environment["NO_COLOR"] == nil)
        isTable = format.map { $0 == .table } ?? isTerminal
    }

    /// Whether the last SUB that was accepted has not been ended by UNS.
    var isSubscribed: Bool { subscribed.load(ordering: .relaxed) }

    func show(_ answer: Answer, to command: String) {
        let verb = String(command.prefix { $0 != " " })
        if answer.isDone, verb == "SUB" || verb == "UNS" { subscribed.store(verb == "SUB", ordering: .relaxed) }
        let tag = answer.line.dropFirst().prefix { $0 != " " }
        guard isTable else {
            for row in answer.rows { emit("=\(tag) \(row.text)") }
            return emit(answer.line)
        }
        if let table = Table(verb: verb, rows: answer.rows) {
            for line in table.lines(columnsMax: Self.terminalColumns, style: style) { emit(line) }
        } else {
            for row in answer.rows { emit(row.text) }
        }
        if let code = answer.code {
            emit(style.red(([code] + [answer.fields.text].filter { !$0.isEmpty }).joined(separator: " ")))
        } else if answer.rows.isEmpty {
            emit(answer.fields.words == ["0"] ? "no rows" : answer.fields.text)
        } else {
            emit(style.dim("\(answer.rows.count) \(answer.rows.count == 1 ? "row" : "rows")"))
        }
    }

    /// Called on the connection's event loop.
    func show(_ notice: Notice, editor: LineEditor?) {
        if isTable, notice.fields.words.first == "HB" { return }
        let line = style.cyan(notice.line)
        if let editor { editor.printAbove(line) } else { emit(line) }
    }

    private static var terminalColumns: Int {
        var size = winsize()
        return ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 120
    }
}
