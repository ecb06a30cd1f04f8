import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One connection to a CashUp server. Safe to use from any task or thread; the work is done on one event loop.
///
/// ```swift
/// let connection = try await LineConnection.connect(to: .default)
/// let answer = try await connection.send("BAL 7")
/// for row in answer.rows { print(row.words, row["available"] ?? "") }
/// ```
/// Commands are given without tag. A command that got no answer throws ``ClientError``; whether it was done is then unknown, and repeating it
/// with the same id is safe.
public final class LineConnection: Sendable {
    /// Unread notices at which the connection is closed rather than one dropped.
    public static let noticesMax = 65_536
    /// Commands in flight that the protocol allows on one connection.
    public static let windowMax = 4_096

    public let greeting: Greeting
    /// Events (`!`) and information (`*`), the greeting excepted, in the order they came. To be read by one consumer; ends with the connection.
    public let notices: AsyncStream<Notice>

    private let channel: any Channel
    private let handler: NIOLoopBound<LineHandler>

    private init(channel: any Channel, handler: NIOLoopBound<LineHandler>, greeting: Greeting, notices: AsyncStream<Notice>) {
        self.channel = channel
        self.handler = handler
        self.greeting = greeting
        self.notices = notices
    }

    /// Connects and reads the greeting.
    /// - Parameters:
    ///   - window: commands in flight at most; further ones wait in the client.
    ///   - tls: `nil`: plain text.
    ///   - onNotice: called on the event loop for each notice, instead of ``notices``, which is then empty. Must not block.
    /// - Throws: ``ClientError``.
    public static func connect(
        to endpoint: Endpoint, group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, window: Int = 512,
        timeoutSeconds: Int64 = 10, tls: ClientTLS? = nil, onNotice: (@Sendable (Notice) -> Void)? = nil
    ) async throws -> LineConnection {
        do {
            return try await open(
                group.next(), window: window, timeoutSeconds: timeoutSeconds, security: tls.map { ($0, endpoint.host) }, onNotice: onNotice
            ) { bootstrap in
                do {
                    return try await bootstrap.channelOption(.socketOption(.tcp_nodelay), value: 1)
                        .connect(host: endpoint.host, port: endpoint.port).get()
                } catch {
                    throw ClientError.unreachable(endpoint: "\(endpoint)", reason: Self.reason(of: error))
                }
            }
        } catch ClientError.disconnected(bye: "tls_required", _) {
            throw ClientError.unreachable(endpoint: "\(endpoint)", reason: "it takes TLS connections only (--tls)")
        } catch ClientError.insecure(let reason) {
            throw ClientError.unreachable(endpoint: "\(endpoint)", reason: reason)
        }
    }

    /// Takes over a connected stream socket, and reads the greeting.
    /// - Throws: ``ClientError``; the socket is closed then.
    public static func adopt(
        socket: CInt, group: any EventLoopGroup, window: Int = 512, timeoutSeconds: Int64 = 10,
        onNotice: (@Sendable (Notice) -> Void)? = nil
    ) async throws -> LineConnection {
        try await open(group.next(), window: window, timeoutSeconds: timeoutSeconds, onNotice: onNotice) { bootstrap in
            try await bootstrap.withConnectedSocket(socket).get()
        }
    }

    private static func open(
        _ loop: any EventLoop, window: Int, timeoutSeconds: Int64, security: (tls: ClientTLS, host: String)? = nil, onNotice: (@Sendable (Notice) -> Void)?,
        _ connect: (ClientBootstrap) async throws -> any Channel
    ) async throws -> LineConnection {
        let greeting = loop.makePromise(of: Greeting.self)
        let (stream, continuation) = AsyncStream.makeStream(of: Notice.self, bufferingPolicy: .bufferingOldest(noticesMax))
        let window = min(max(window, 1), windowMax)
        let deliver: @Sendable (Notice) -> Bool = { notice in
            if let onNotice {
                onNotice(notice)
                return true
            }
            if case .dropped = continuation.yield(notice) { return false }
            return true
        }
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.seconds(timeoutSeconds))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let security { try channel.pipeline.syncOperations.addHandler(try security.tls.handler(host: security.host)) }
                    let handler = LineHandler(greeting: greeting, window: window, notices: deliver)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        let channel: any Channel
        do {
            channel = try await connect(bootstrap)
        } catch {
            greeting.fail(error)
            throw error
        }
        channel.closeFuture.whenComplete { _ in continuation.finish() }
        let timeout = loop.scheduleTask(in: .seconds(timeoutSeconds)) { channel.close(promise: nil) }
        defer { timeout.cancel() }
        let handler: NIOLoopBound<LineHandler>
        do {
            handler = try await loop.submit {
                NIOLoopBound(try channel.pipeline.syncOperations.handler(type: LineHandler.self), eventLoop: loop)
            }.get()
        } catch is ChannelPipelineError {
            // It has ended already; the greeting's failure says why.
            _ = try await greeting.futureResult.get()
            throw ClientError.disconnected(bye: nil, reason: "connection closed")
        }
        return LineConnection(
            channel: channel, handler: handler, greeting: try await greeting.futureResult.get(), notices: stream)
    }

    /// Sends one command, without tag, and waits for its answer.
    /// - Throws: ``ClientError``; a refusal is an answer, not an error.
    public func send(_ command: String) async throws -> Answer { try await submit(command).get() }

    /// Queues one command, without tag. Commands submitted by one thread are sent in that order.
    public func submit(_ command: String) -> EventLoopFuture<Answer> { submit(all: [command])[0] }

    /// Queues commands, without tags, that are sent one behind the other and together: one write, if the window allows.
    /// - Returns: their answers, in the same order.
    public func submit(all commands: [String]) -> [EventLoopFuture<Answer>] {
        let loop = channel.eventLoop
        let promises = commands.map { _ in loop.makePromise(of: Answer.self) }
        let handler = handler
        let send: @Sendable () -> Void = {
            let handler = handler.value
            for (command, promise) in zip(commands, promises) {
                if let why = LineConnection.unsendable(command) {
                    promise.fail(ClientError.unsendable(why))
                } else {
                    handler.submit(command, promise)
                }
            }
        }
        if loop.inEventLoop { send() } else { loop.execute(send) }
        return promises.map(\.futureResult)
    }

    /// Gives the connection to `driver` until it is done and answered, or the connection ends; see ``PipelineDriver``.
    /// - Parameter window: commands in flight at most, 1 to ``windowMax``.
    public func pipeline<Driver: PipelineDriver>(_ driver: Driver, window: Int) async -> PipelineEnd<Driver> {
        let promise = channel.eventLoop.makePromise(of: PipelineEnd<Driver>.self)
        let handler = handler
        let window = min(max(window, 1), Self.windowMax)
        channel.eventLoop.execute { handler.value.run(DriverRun(driver, promise: promise), window: window) }
        do { return try await promise.futureResult.get() } catch { fatalError("a pipeline's promise never fails: \(error)") }
    }

    /// Whether it has ended; commands sent now throw.
    public var isClosed: Bool { !channel.isActive }

    /// Closes at once; commands without an answer throw. To end in good order send `QUIT`.
    public func close() async { try? await channel.close().get() }

    private static func unsendable(_ command: String) -> String? {
        if command.isEmpty { return "an empty line" }
        if !command.utf8.allSatisfy({ $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }) { return "a line end in the command" }
        // Longer ones the server would skip up to the line's end; so much never fits, whatever the verb. 8,192 is AUTH's limit.
        if command.utf8.count > 8_192 { return "more than 8192 bytes" }
        return nil
    }

    private static func reason(of error: any Error) -> String {
        if let error = error as? NIOConnectionError {
            if let first = error.connectionErrors.first { return reason(of: first.error) }
            if let dns = error.dnsAError ?? error.dnsAAAAError { return reason(of: dns) }
        }
        if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
        return String(describing: error)
    }
}
