import Core
import Glibc
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import WAL

/// The running service: the log, the loops with their shards, the listening socket, the follower of subscriptions.
package final class Service: @unchecked Sendable {
    package let config: Configuration
    let auth: Configuration.Auth
    /// Read per line.
    let maxUnsentBytes: Int
    let eventBufferBytes: Int
    package let clock: ServiceClock
    /// Of the configured time zone; `nil`: none.
    let dayStart: DayStart?
    let startedMonotonic: Timestamp
    package let log: Log
    let logger: Logger
    /// The process's log files and its level; `nil` where somebody else has the log (tests).
    package let logs: ServiceLog?
    /// `nil` with auth=off.
    let verifier: TokenVerifier?
    /// `nil` without TLS.
    package let tls: TLSFiles?
    let names = SessionNames()
    let follower: Follower
    package let snapshots: SnapshotKeeper
    /// Rung when the log has become durable further: for one that follows it beside the service.
    package let bell = Bell()
    /// Of refused commands; `nil` when it is switched off.
    package let audit: AuditTrail?
    /// Written once, before the first connection.
    private(set) var loops: [Loop] = []
    /// Test seam: called before each commit, on the committing thread.
    let beforeCommit: (@Sendable () -> Void)?

    let group: any EventLoopGroup
    private(set) var listener: (any Channel)?
    private let connections = Atomic<Int>(0)
    private let sessions = Atomic<Int>(0)
    private let lastSession = Atomic<UInt64>(0)
    private let saidAlarm = Atomic<Bool>(false)
    let drains = Atomic<Bool>(false)
    /// What others want asked, for /metrics and readiness.
    let registered = Mutex(Registered())

    /// Bound to, after ``start(_:acceptClock:secret:clock:logOptions:beforeCommit:logger:)``.
    package private(set) var port = 0

    private init(
        _ config: Configuration, startup: Startup, verifier: TokenVerifier?, tls: TLSFiles?, group: any EventLoopGroup, monotonic: Timestamp,
        background: LogOptions.Background, beforeCommit: (@Sendable () -> Void)?, logger: Logger, logs: ServiceLog?
    ) {
        self.config = config
        self.logger = logger
        self.logs = logs
        self.verifier = verifier
        self.tls = tls
        self.group = group
        self.beforeCommit = beforeCommit
        auth = config.auth
        maxUnsentBytes = config.maxUnsentBytes
        eventBufferBytes = config.eventBufferBytes
        dayStart = config.timeZone.flatMap { DayStart(zone: $0) }
        clock = startup.clock
        log = startup.log
        startedMonotonic = monotonic
        snapshots = SnapshotKeeper(
            log: startup.log, clock: startup.clock, schedule: config.snapshots, keepsSegments: config.keepsSegments, logger: logger)
        follower = Follower(log: startup.log, background: background, logger: logger)
        audit = Service.openAudit(config, log: startup.log, clock: startup.clock, logger: logger)
    }

    /// Recovers and listens; returns when clients may connect.
    /// - Throws: ``StartFailure``, `LogError`, `RecordError`.
    package static func start(
        _ config: Configuration, acceptClock: Bool = false, secret: String? = nil, clock: ServiceClock.Source = .system,
        logOptions: LogOptions? = nil, beforeCommit: (@Sendable () -> Void)? = nil, logger: Logger, logs: ServiceLog? = nil
    ) async throws -> Service {
        let verifier = try await verifier(config, secret: secret, logger: logger)
        let tls = try TLSFiles.open(config)
        if config.auth == .jwt, tls == nil, !config.isLoopbackOnly {
            logger.warning("tokens cross the network in plain text: give tls_certificate and tls_key, or leave TLS to a proxy on this machine and listen on 127.0.0.1")
        }
        let service = try assemble(
            config, acceptClock: acceptClock, verifier: verifier, tls: tls, clock: clock, disk: .system, logOptions: logOptions ?? config.logOptions,
            group: { MultiThreadedEventLoopGroup(numberOfThreads: $0) }, beforeCommit: beforeCommit, logger: logger, logs: logs)
        do {
            try await service.listen()
        } catch {
            try? await service.group.shutdownGracefully()
            service.audit?.close()
            service.snapshots.stop()
            service.log.close()
            throw error
        }
        return service
    }

    /// Recovers; everything but the listening socket. What a simulation starts, on a disk, a clock and event loops of its own, to which it
    /// gives connections by ``adopt(_:)``.
    /// - Throws: ``StartFailure``, `LogError`, `RecordError`.
    package static func assemble(
        _ config: Configuration, acceptClock: Bool, verifier: TokenVerifier? = nil, tls: TLSFiles? = nil, clock: ServiceClock.Source, disk: AnyDisk,
        logOptions: LogOptions, group: (Int) -> any EventLoopGroup, beforeCommit: (@Sendable () -> Void)? = nil, logger: Logger,
        logs: ServiceLog? = nil
    ) throws -> Service {
        var startup = try Startup(
            directory: config.data, disk: disk, options: logOptions, acceptClock: acceptClock, clock: clock, logger: logger)
        do {
            try startup.finishObligations()
            try startup.seed(config.seed, source: config.seedSource, limits: config.defaultLimits)
            if let start = config.timeZone.flatMap({ DayStart(zone: $0) }) { try startup.setDayStart(start) }
        } catch {
            startup.log.close()
            throw error
        }
        let count = config.loopCount(cores: System.coreCount)
        let service = Service(
            config, startup: startup, verifier: verifier, tls: tls, group: group(count), monotonic: startup.clock.monotonic(),
            background: logOptions.background, beforeCommit: beforeCommit, logger: logger, logs: logs)
        service.makeLoops(startup.shards, count: count)
        if logOptions.background == .threads { service.snapshots.start() }
        return service
    }

    private func makeLoops(_ shards: [ShardBox], count: Int) {
        var iterator = group.makeIterator()
        for index in 0..<count {
            guard let eventLoop = iterator.next() else { invariantFailure("fewer event loops than asked for") }
            let loop = Loop(index: index, count: count, eventLoop: eventLoop, service: self, log: log)
            for box in shards where Int(box.number) % count == index { loop.add(box) }
            let first = shards[0]
            var number: Int64 = 1
            while number <= first.shard.registry.number {
                loop.registry.evolve(number: number, first.shard.definition(number: number))
                number += 1
            }
            loops.append(loop)
        }
        let loops = loops
        let (follower, bell) = (follower, bell)
        log.onDurable = { _ in
            for loop in loops { loop.wakeFromLog() }
            follower.ring()
            bell.ring()
        }
        log.startLogThread()
        for loop in loops { loop.eventLoop.execute { loop.startTimers() } }
    }

    // MARK: Listening

    private func listen() async throws {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            // A peer that is gone without a word is noticed in half a minute: its orders may have to be cancelled.
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 15)
            .childChannelOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 5)
            .childChannelOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: 3)
            // Counts a window that stays shut, too: not before the client is closed for that.
            .childChannelOption(
                .tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: max(Service.deadPeerSeconds, config.slowSeconds) * 1_000)
            // One read per connection and turn: that bounds what one client can put before the others.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Service.readBytesMax))
            .childChannelOption(.writeBufferWaterMark, value: Service.waterMark)
            // `printf ... | nc` closes its side and still wants its answers.
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { [unowned self] channel in channel.eventLoop.makeCompletedFuture { try self.adopt(channel) } }
        do {
            let channel = try await bootstrap.bind(host: config.host, port: config.port).get()
            listener = channel
            port = channel.localAddress?.port ?? config.port
        } catch let error as IOError {
            let place = "\(config.host):\(config.port)"
            if error.errnoCode == EADDRINUSE {
                throw StartFailure(
                    StartFailure.unavailable, "\(place) is taken by another process; stop it, or choose another with --listen")
            }
            throw StartFailure(StartFailure.unavailable, "cannot listen on \(place): \(error)")
        } catch {
            throw StartFailure(StartFailure.unavailable, "cannot listen on \(config.host):\(config.port): \(error)")
        }
    }
    static let readBytesMax = 64 << 10
    static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 64 << 10, high: 512 << 10)
    private static let deadPeerSeconds = 30

    /// Takes a new connection on. On its event loop.
    package func adopt(_ channel: any Channel) throws {
        guard let loop = loops.first(where: { $0.eventLoop === channel.eventLoop }) else { invariantFailure("a connection on no loop") }
        let count = noteConnected(channel)
        if count > config.maxConnections || loop.isDraining {
            let reason = loop.isDraining ? "shutdown" : "connections"
            // In plain text also with TLS: a client that does not understand it is turned away all the same.
            channel.writeAndFlush(ByteBuffer(string: "* BYE reason=\(reason)\n")).whenComplete { _ in
                channel.close(promise: nil)
            }
            return
        }
        let peer = channel.remoteAddress.map { "\($0.ipAddress ?? "?"):\($0.port ?? 0)" } ?? "?"
        let connection = Connection(loop: loop, session: .unknown(peer: peer), allocator: channel.allocator)
        if verifier == nil {
            connection.session = .open(number: nextSession(), peer: peer)
            connection.register()
        }
        if let tls {
            try channel.pipeline.syncOperations.addHandlers([TLSGate(), NIOSSLServerHandler(context: tls.context)])
        }
        try channel.pipeline.syncOperations.addHandler(connection)
    }

    /// Returns how many connections there are with this one.
    @discardableResult
    func noteConnected(_ channel: any Channel) -> Int {
        channel.closeFuture.whenComplete { [self] _ in _ = connections.subtract(1, ordering: .relaxed) }
        return connections.add(1, ordering: .relaxed).newValue
    }

    // MARK: Shared by the loops

    func nextSession() -> UInt64 {
        sessions.add(1, ordering: .relaxed)
        return UInt64(log.epoch) << 32 | lastSession.add(1, ordering: .relaxed).newValue
    }
    func sessionEnded() { sessions.subtract(1, ordering: .relaxed) }
    var connectionCount: Int { connections.load(ordering: .relaxed) }
    var isDraining: Bool { drains.load(ordering: .relaxed) }
    var sessionCount: Int { sessions.load(ordering: .relaxed) }

    /// Loop 0, four times a second: what concerns the whole process.
    func watch() {
        // Its files taken away, the log would go on in a segment without a name, and what it acknowledges would be lost at the next start.
        let lock = log.disk.open(log.directory + "/LOCK", .read)
        if lock == -Int(ENOENT) {
            logger.critical("the data directory \(log.directory) is gone: nothing more is acknowledged")
            return log.stopForGood(.io(call: "open", path: log.directory + "/LOCK", errno: ENOENT))
        }
        if lock >= 0 { log.disk.close(Int32(lock)) }
        log.reserveBytes(openOrders: loops.reduce(0) { $0 + $1.openOrders.load(ordering: .relaxed) })
        if let difference = clock.alarm {
            if !saidAlarm.exchange(true, ordering: .relaxed) {
                logger.warning("the wall clock differs from the service's time by \(difference / 1_000) ms; the service's time follows by 0.1 % at most")
            }
        } else {
            saidAlarm.store(false, ordering: .relaxed)
        }
    }
}
