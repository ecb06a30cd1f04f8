import ArgumentParser
import Gateway
import History
import Server

struct ServeCommand: AsyncParsableCommand {
    enum Auth: String, ExpressibleByArgument, CaseIterable { case jwt, off }

    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the service until SIGTERM or SIGINT.",
        discussion: """
            A flag goes before its environment variable (CASHUP_DATA,
            CASHUP_LISTEN, ...), that before the configuration file, that before the
            built-in default. config/cashup.yaml explains every setting.

            Example: cashup serve --data ./data --listen 127.0.0.1:7070 --auth off
            """)

    @Option(help: ArgumentHelp("Directory of the log; made if it is not there.", valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("Address to listen on.", valueName: "host:port"))
    var listen: String?

    @Option(help: ArgumentHelp("Address of the REST API, or off.", valueName: "host:port"))
    var http: String?

    @Option(help: ArgumentHelp("Keep closed orders, trades and the ledger in a database beside the log.", valueName: "on|off"))
    var history: String?

    @Option(help: ArgumentHelp("Configuration file.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Event loops that host the wallets and read the connections.", valueName: "count"))
    var loops: Int?

    @Option(help: "jwt: clients need a token; off: anyone may do everything, loopback only.")
    var auth: Auth?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning or error.", valueName: "level"))
    var logLevel: String?

    @Flag(help: "Start although the clock is behind the log; goes on at the log's time.")
    var acceptClock = false

    func validate() throws {
        if let loops, loops < 1 { throw ValidationError("--loops is at least 1") }
    }

    func run() async throws {
        var options = ServeOptions()
        options.config = config
        options.data = data
        options.listen = listen
        options.http = http
        options.history = history
        options.loops = loops
        options.auth = auth?.rawValue
        options.logLevel = logLevel
        options.acceptClock = acceptClock
        let code = try await serve(options) { service, logger in
            var companions: [any Companion] = []
            var history: History?
            if service.config.history {
                let opened = History.open(directory: service.log.directory, log: service.log, bell: service.bell, logger: logger)
                opened.start()
                history = opened
                companions.append(opened)
            }
            do {
                if service.config.http != nil {
                    companions.append(try await Gateway.start(service, history: history, logger: logger))
                }
            } catch {
                await history?.stop()
                throw error
            }
            return companions
        }
        if code != 0 { throw ExitCode(code) }
    }
}
