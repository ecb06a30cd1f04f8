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
        if !service.requiresTokens, !endpoint.isLoopback {
            throw StartFailure(
                StartFailure.usage,
                "auth off lets anyone do everything and is taken only on a loopback address, not on \(endpoint.host); set http to 127.0.0.1 or use auth jwt")
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let sessions = LineSessions(service: service, group: group)
        let desk = Desk(
            service: service, sessions: sessions, authenticator: Authenticator(service: service, sessions: sessions),
            history: history, logger: logger)
        let settings = EdgeSettings(allowedHosts: nil, bodyBytesMax: 1 << 20)
        let executor = LoopExecutor(group.next())
        let edge = Edge(
            table: RouteTable(Routes.all), dispatch: Dispatch(desk: desk, settings: settings), settings: settings, logger: logger,
            executor: executor)
        let bound = AsyncStream.makeStream(of: Int.self)
        var quiet = logger
        quiet.logLevel = .error
        let server = EdgeChannel(edge: edge).server(host: endpoint.host, port: endpoint.port, group: group, logger: quiet) { port in
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
        logger.info("REST on http://\(endpoint.host):\(port), its description on /docs")
        return Gateway(port: port, group: group, sessions: sessions, lifecycle: lifecycle, running: running)
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
