import ArgumentParser
import Client
import Foundation
import Synchronization

struct ReplayOrdersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay-orders",
        abstract: "Send a venue's recorded order flow through the line protocol, as a desk would.",
        discussion: """
            FILE is .csv or .csv.xz with the columns id, price, volume, action and
            direction: volume is what is left of the order, in 1e-8 BTC; action is
            created, changed or deleted; direction is bid or ask. Orders go to
            BTC-USD, account 1 + (id mod 50); each account is funded first with
            1,000,000 USD and 10,000 BTC.

            It may be killed, and so may the server: start it again with the same
            file and it goes on where the service is. That must be within the window
            in which the service remembers closed orders (24 hours unless SET).

            Exit code: 0 finished, 1 something was refused or does not fit the file,
            2 no connection.

            Example: cashup replay-orders orders.csv.xz --connect 127.0.0.1:7070
            """)

    @Argument(help: "The recorded orders, .csv or .csv.xz.")
    var file: String

    @OptionGroup var connection: ConnectOptions

    @Option(help: "Commands in flight at most, 1 to 4096.")
    var window = 512

    @Option(help: ArgumentHelp("Give up after so long without progress.", valueName: "seconds"))
    var patience = 60.0

    @Flag(name: .customLong("print"), help: "Send nothing; print each command behind the Unix milliseconds of its event (0: the file has no timestamp).")
    var printsOnly = false

    func validate() throws {
        guard (1...LineConnection.windowMax).contains(window) else { throw ValidationError("--window is 1 to 4096") }
        guard patience >= 0, patience < 1e6 else { throw ValidationError("--patience is 0 to 999999 seconds") }
    }

    func run() async throws {
        let plan: ReplayPlan
        do {
            plan = ReplayPlan(events: try OrderFile.read(path: file))
        } catch {
            printError("\(error)")
            throw ExitCode.refused
        }
        if printsOnly { return printCommands(plan) }
        let isTerminal = isatty(STDERR_FILENO) == 1
        var options = Replay.Options()
        options.endpoint = connection.connect
        options.tls = try connection.clientTLS()
        options.token = connection.tokenOrEnvironment
        options.window = window
        options.patienceSeconds = patience
        options.say = { message in
            if isTerminal { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
            printError(message)
        }
        let replay = Replay(plan: plan, options: options)
        let printing = isTerminal ? Task { await showProgress(replay) } : nil
        defer { printing?.cancel() }
        let result: Replay.Result
        do {
            result = try await replay.run()
        } catch {
            printError("\(error)")
            throw error is ClientError ? ExitCode.disconnected : ExitCode.refused
        }
        printing?.cancel()
        await printing?.value
        print(ReplayReport(file: file, plan: plan, result: result, window: window).text)
        if result.figures.refusalCount > 0 {
            printError("\(result.figures.refusalCount) commands were refused; nothing was sent after the first refusal was read. The first:")
            for refusal in result.figures.refusals { FileHandle.standardError.write(Data("  \(refusal)\n".utf8)) }
            throw ExitCode.refused
        }
        guard result.openOrdersAgree else {
            printError("the open orders of the service are not those of the file: \(result.stillOpen) instead of \(plan.openOrders.count)")
            throw ExitCode.refused
        }
    }

    private func printCommands(_ plan: ReplayPlan) {
        var bytes: [UInt8] = []
        for index in plan.commands.indices {
            bytes += "\(plan.commands[index].time) ".utf8
            bytes += plan.text(of: index)
            bytes.append(UInt8(ascii: "\n"))
        }
        FileHandle.standardOutput.write(Data(bytes))
    }

    private func showProgress(_ replay: Replay) async {
        let total = max(1, replay.plan.commands.count)
        while !Task.isCancelled {
            let answered = replay.progress.answered.load(ordering: .relaxed)
            FileHandle.standardError.write(Data("\r\u{1B}[K\(answered) of \(total) commands, \(answered * 100 / total) %".utf8))
            try? await Task.sleep(for: .milliseconds(200))
        }
        FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    }
}
