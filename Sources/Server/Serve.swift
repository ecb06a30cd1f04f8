import Glibc
import Logging
import NIOCore
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
        let secret = environment[TokenKey.environmentVariable]
        let logs = try ServiceLog(config, secrets: secret.map { [$0] } ?? [])
        defer { logs.close() }
        let logger = logs.logger("cashup")
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
        let signals = Signals()
        if config.history, !config.keepsSegments {
            throw StartFailure(
                StartFailure.usage, "archive: remove deletes parts of the log that history is made of. Set history: off with it, or archive: keep")
        }
        let service = try await Service.start(config, acceptClock: options.acceptClock, secret: secret, logger: logger, logs: logs)
        signals.started()
        signals.onReload = { service.reload() }
        signals.onLevel = { talkative in logger.notice("log level is now \(logs.change(talkative: talkative).rawValue)") }
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
        let name = await signals.stop()
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
