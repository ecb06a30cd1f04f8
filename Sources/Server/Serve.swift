import Dispatch
import Glibc
import Logging
import NIOCore
import Synchronization
import WAL

/// Runs the service until SIGTERM or SIGINT. Messages go to the standard error.
/// - Returns: the process's exit code: 0 after a clean stop, otherwise one of ``StartFailure``'s or `LogError`'s.
public func serve(_ options: ServeOptions) async throws -> Int32 {
    var environment: [String: String] = [:]
    var variable = environ
    while let entry = variable.pointee {
        let text = String(cString: entry)
        if let equals = text.firstIndex(of: "=") { environment[String(text[..<equals])] = String(text[text.index(after: equals)...]) }
        variable += 1
    }
    do {
        var config = try Configuration.resolve(options, environment: environment)
        var logger = Logger(label: "cashup", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = config.logLevel
        // A client that hangs up must not end the process.
        signal(SIGPIPE, SIG_IGN)
        let files = FileLimit.raise()
        let room = config.connectionRoom(files: files, cores: System.coreCount)
        if room < config.maxConnections {
            logger.warning(
                "at most \(room) connections instead of max_connections \(config.maxConnections): this process may open only \(files) files; raise the limit (ulimit -Hn, LimitNOFILE=)"
            )
            config.maxConnections = room
        }
        let stop = StopSignal()
        let service = try await Service.start(
            config, acceptClock: options.acceptClock, secret: environment[TokenKey.environmentVariable], logger: logger)
        logger.info(
            "ready on \(config.host):\(service.port): data \(config.data), epoch \(service.log.epoch), LSN \(service.log.durableLSN), loops \(service.loops.count), auth \(config.auth.rawValue)"
        )
        logger.info("try it: nc \(config.isLoopback ? "127.0.0.1" : config.host) \(service.port), then type: 1 HELP")
        let name = await stop.wait()
        logger.info("\(name): draining")
        await service.stop()
        logger.info("stopped cleanly at LSN \(service.log.durableLSN)")
        return 0
    } catch let failure as StartFailure {
        complain(failure.description)
        return failure.exitCode
    } catch let error as LogError {
        complain(error.description)
        return error.exitCode
    } catch let error as RecordError {
        complain("log is corrupt: \(error)")
        return StartFailure.dataError
    }
}

private func complain(_ message: String) {
    "cashup: \(message)\n".withCString { _ = write(2, $0, strlen($0)) }
}

/// The first SIGTERM or SIGINT; a second SIGINT ends the process at once, as the impatient expect.
private final class StopSignal: @unchecked Sendable {
    private struct State {
        var name: String?
        var waiter: CheckedContinuation<String, Never>?
    }
    private let state = Mutex(State())
    /// Kept alive; set by the initializer alone.
    private var sources: [any DispatchSourceSignal] = []

    init() {
        for (number, name) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [unowned self] in
                let waiter: CheckedContinuation<String, Never>? = state.withLock { state in
                    if state.name != nil, number == SIGINT { _exit(130) }
                    state.name = name
                    defer { state.waiter = nil }
                    return state.waiter
                }
                waiter?.resume(returning: name)
            }
            source.resume()
            sources.append(source)
        }
    }

    func wait() async -> String {
        await withCheckedContinuation { continuation in
            let name: String? = state.withLock { state in
                if state.name == nil { state.waiter = continuation }
                return state.name
            }
            if let name { continuation.resume(returning: name) }
        }
    }
}
