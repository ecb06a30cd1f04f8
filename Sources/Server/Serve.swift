import Core
import Dispatch
import Glibc
import Logging
import NIOCore
import Synchronization
import WAL

/// What runs beside the service in its process: history, the REST edge. It sees the service, the service does not know it.
package protocol Companion: Sendable {
    /// Before the service drains; the last one started is the first to be stopped.
    func stop() async
}

/// Runs the service until SIGTERM or SIGINT. Messages go to the standard error.
/// - Parameter beside: starts what runs beside it, when clients may connect; what it throws stops the start.
/// - Returns: the process's exit code: 0 after a clean stop, otherwise one of ``StartFailure``'s or `LogError`'s.
package func serve(
    _ options: ServeOptions, beside: (Service, Logger) async throws -> [any Companion] = { _, _ in [] }
) async throws -> Int32 {
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
        let companions: [any Companion]
        do {
            companions = try await beside(service, logger)
        } catch {
            await service.stop()
            throw error
        }
        logger.info(
            "ready on \(config.host):\(service.port): data \(config.data), epoch \(service.log.epoch), LSN \(service.log.durableLSN), loops \(service.loops.count), auth \(config.auth.rawValue)"
        )
        logger.info("try it: nc \(config.isLoopback ? "127.0.0.1" : config.host) \(service.port), then type: 1 HELP")
        let name = await stop.wait()
        logger.info("\(name): draining")
        for companion in companions.reversed() { await companion.stop() }
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

/// Where the signal handler writes. A constant at first, so that reading it in the handler initializes nothing.
private nonisolated(unsafe) var signalPipeEnd: Int32 = -1

/// The first SIGTERM or SIGINT; a second SIGINT ends the process at once, as the impatient expect.
private final class StopSignal: @unchecked Sendable {
    private struct State {
        var name: String?
        var waiter: CheckedContinuation<String, Never>?
    }
    private let state = Mutex(State())
    /// Kept alive; set by the initializer alone.
    private var source: (any DispatchSourceRead)?

    /// From here on no signal is lost: a handler notes it in a pipe, whenever somebody gets to read that. (A signal that is ignored until a
    /// dispatch source is there for it would be lost in between: the source is made elsewhere and later.)
    init() {
        var ends: [Int32] = [-1, -1]
        invariant(pipe(&ends) == 0, "a pipe for signals")
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        signalPipeEnd = ends[1]
        let readEnd = ends[0]
        for number in [SIGTERM, SIGINT] {
            signal(number) { number in
                let error = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(signalPipeEnd, &byte, 1)
                errno = error
            }
        }
        let source = DispatchSource.makeReadSource(fileDescriptor: readEnd, queue: .global())
        source.setEventHandler { [unowned self] in
            var byte: UInt8 = 0
            while read(readEnd, &byte, 1) == 1 { take(Int32(byte)) }
        }
        source.resume()
        self.source = source
    }

    private func take(_ number: Int32) {
        let name = number == SIGINT ? "SIGINT" : "SIGTERM"
        let waiter: CheckedContinuation<String, Never>? = state.withLock { state in
            if state.name != nil, number == SIGINT { _exit(130) }
            state.name = state.name ?? name
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: name)
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
