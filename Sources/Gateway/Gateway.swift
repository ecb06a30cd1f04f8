import History
import Logging
import NIOCore
import NIOPosix
import Server
import ServiceLifecycle

/// The REST edge: HTTP in front of the line protocol, in the service's process, on a thread of its own.
package final class Gateway: Companion {
    /// Bound to.
    package let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let sessions: LineSessions
    private let lifecycle: ServiceGroup
    private let running: Task<Void, Never>

    /// Listens on `service.config.http`.
    /// - Throws: ``StartFailure``.
    package static func start(_ service: Server.Service, history: History?, logger: Logger) async throws -> Gateway {
        guard let endpoint = service.config.http else { preconditionFailure("the REST edge is off") }
        let config = service.config
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let system = SystemRoutes.all(Assets.load())
        let sessions = LineSessions(
            service: service, group: group,
            rate: .init(rate: config.httpRateLimit, burst: config.httpRateBurst > 0 ? config.httpRateBurst : config.httpRateLimit))
        let desk = Desk(
            service: service, sessions: sessions, authenticator: Authenticator(service: service, sessions: sessions),
            history: history,
            description: OpenAPI.document(Routes.all, system, version: SystemRoutes.version, requiresTokens: service.requiresTokens))
        let settings = EdgeSettings(
            allowedHosts: config.debug ? nil : config.allowedHosts?.map { $0.lowercased() }, corsOrigins: config.corsOrigins, bodyBytesMax: config.httpBodyBytes)
        let executor = LoopExecutor(group.next())
        let edge = Edge(
            table: RouteTable(Routes.all), system: Dictionary(uniqueKeysWithValues: system.map { ($0.path, $0) }), dispatch: Dispatch(desk: desk, settings: settings),
            settings: settings, logger: logger, access: service.logs?.access, executor: executor)
        if let history { registerHistory(history, service) }
        let bound = AsyncStream.makeStream(of: Int.self)
        var quiet = logger
        quiet.logLevel = .error
        let server = EdgeChannel(edge: edge, tls: service.tls).server(host: endpoint.host, port: endpoint.port, group: group, logger: quiet) { port in
            bound.continuation.yield(port)
            bound.continuation.finish()
        }
        let lifecycle = ServiceGroup(configuration: .init(services: [server], logger: quiet))
        let running = Task {
            await withTaskExecutorPreference(executor) {
                do {
                    try await lifecycle.run()
                } catch {
                    logger.error("the REST edge ended: \(error)")
                }
                bound.continuation.finish()
            }
        }
        var port: Int?
        for await number in bound.stream { port = number }
        guard let port else {
            try? await group.shutdownGracefully()
            throw StartFailure(
                StartFailure.unavailable,
                "cannot listen on \(endpoint.host):\(endpoint.port) for REST: the message before says why; choose another with --http, or --http off")
        }
        logger.info("REST on \(service.tls == nil ? "http" : "https")://\(endpoint.host):\(port), its description on /docs")
        return Gateway(port: port, group: group, sessions: sessions, lifecycle: lifecycle, running: running)
    }

    /// What history says of itself to who watches the service.
    private static func registerHistory(_ history: History, _ service: Server.Service) {
        let config = service.config
        let lag = HistoryLag(history, service)
        service.registerCheck("history") {
            if case .failed(let why) = history.state { return "history stands still: \(why)" }
            let (records, seconds) = lag.now()
            if records > UInt64(config.historyLagRecords) { return "history is \(records) records behind the log" }
            if seconds > Int64(config.historyLagSeconds) { return "history has been behind the log for \(seconds) s" }
            return nil
        }
        service.registerMetrics { text in
            text.gauge("cashup_history_applied_lsn", "Everything up to this LSN is in the history database.", history.appliedLSN)
            text.gauge("cashup_history_lag_records", "Durable records that are not in the history database yet.", history.lagRecords)
            text.gauge("cashup_history_lag_seconds", "How long the history database has been behind the log.", lag.now().seconds)
        }
    }

    private init(port: Int, group: MultiThreadedEventLoopGroup, sessions: LineSessions, lifecycle: ServiceGroup, running: Task<Void, Never>) {
        self.port = port
        self.group = group
        self.sessions = sessions
        self.lifecycle = lifecycle
        self.running = running
    }

    /// Takes no new connections, answers what is under way, and stops.
    package func stop() async {
        await lifecycle.triggerGracefulShutdown()
        await running.value
        await sessions.endAll()
        try? await group.shutdownGracefully()
    }
}
