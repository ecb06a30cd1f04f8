import NIOCore

/// The service's end of a connection: what NIO's socket channel is, with the system's buffers in the world's hands.
final class SimulatedChannel: Channel, ChannelCore, @unchecked Sendable {
    let number: Int
    let loop: SimulatedLoop
    /// Bytes that have come and the service has not read.
    private var inbox: [UInt8] = []
    /// The client has closed its side behind ``inbox``.
    private var inputEnds = false
    private var inputHasEnded = false
    private var wantsRead = false
    /// Written, not flushed or not taken by the system.
    private var pending = CircularBuffer<(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)>()
    private var flushed = 0
    private var pendingBytes = 0
    private(set) var isWritable = true
    /// Bytes the system takes before somebody reads them.
    var sendRoom: Int
    private let highMark: Int
    private let lowMark: Int
    private var isOpen = true
    private(set) var isActive = false
    private(set) var outputIsClosed = false
    /// What leaves: bytes are on their way to the client from here on.
    private let leave: (ByteBuffer) -> Void
    private let closePromise: EventLoopPromise<Void>
    private var ownPipeline: ChannelPipeline!

    init(number: Int, loop: SimulatedLoop, sendRoom: Int, highMark: Int, leave: @escaping (ByteBuffer) -> Void) {
        self.number = number
        self.loop = loop
        self.sendRoom = sendRoom
        self.highMark = highMark
        lowMark = max(1, highMark / 4)
        self.leave = leave
        closePromise = loop.makePromise()
        ownPipeline = ChannelPipeline(channel: self)
    }

    // MARK: The world's side

    var hasClosed: Bool { !isOpen }
    /// Whether something would be read now.
    var isReadable: Bool { isActive && wantsRead && (!inbox.isEmpty || (inputEnds && !inputHasEnded)) }
    var unreadBytes: Int { inbox.count }

    /// Bytes from the client have come as far as the system.
    func arrive(_ bytes: ArraySlice<UInt8>) { inbox.append(contentsOf: bytes) }
    func endInput() { inputEnds = true }

    /// After the service has taken it on. On the loop.
    func activate() {
        isActive = true
        pipeline.syncOperations.fireChannelRegistered()
        pipeline.syncOperations.fireChannelActive()
        if isActive { pipeline.syncOperations.read() }
        flushToSystem()
    }

    /// A read that the loop's `select` has found possible. On the loop.
    func deliver(bytesMax: Int) {
        guard isReadable else { return }
        wantsRead = false
        if !inbox.isEmpty {
            let count = min(inbox.count, bytesMax)
            var buffer = allocator.buffer(capacity: count)
            buffer.writeBytes(inbox[..<count])
            inbox.removeFirst(count)
            pipeline.syncOperations.fireChannelRead(NIOAny(buffer))
            if isActive { pipeline.syncOperations.fireChannelReadComplete() }
        } else {
            inputHasEnded = true
            pipeline.syncOperations.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            if isActive { pipeline.syncOperations.fireChannelReadComplete() }
        }
        if isActive { pipeline.syncOperations.read() }
    }

    /// The other side has broken the connection. On the loop.
    func reset() {
        guard isOpen else { return }
        inbox.removeAll()
        pipeline.syncOperations.fireErrorCaught(IOError(errnoCode: 104, reason: "read"))
        close0(error: ChannelError.eof, mode: .all, promise: nil)
    }

    /// The system has room again. On the loop.
    func makeRoom(_ bytes: Int) {
        sendRoom += bytes
        flushToSystem()
    }

    // MARK: ChannelCore

    func register0(promise: EventLoopPromise<Void>?) { promise?.succeed(()) }
    func registerAlreadyConfigured0(promise: EventLoopPromise<Void>?) { promise?.succeed(()) }
    func bind0(to: SocketAddress, promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.operationUnsupported) }
    func connect0(to: SocketAddress, promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.operationUnsupported) }
    func localAddress0() throws -> SocketAddress { throw ChannelError.operationUnsupported }
    func remoteAddress0() throws -> SocketAddress { throw ChannelError.operationUnsupported }
    func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.operationUnsupported) }
    func channelRead0(_ data: NIOAny) {}
    func errorCaught0(error: any Error) {}

    func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isOpen, !outputIsClosed else {
            promise?.fail(isOpen ? ChannelError.outputClosed : ChannelError.ioOnClosedChannel)
            return
        }
        let bytes = unwrapData(data, as: ByteBuffer.self)
        pendingBytes += bytes.readableBytes
        pending.append((bytes, promise))
        if pendingBytes > highMark, isWritable {
            isWritable = false
            pipeline.syncOperations.fireChannelWritabilityChanged()
        }
    }

    func flush0() {
        flushed = pending.count
        flushToSystem()
    }

    private func flushToSystem() {
        guard isOpen, isActive else { return }
        while flushed > 0 {
            let room = min(sendRoom, pending.first!.bytes.readableBytes)
            if room == 0, pending.first!.bytes.readableBytes > 0 { break }
            if room > 0 {
                let part = pending[pending.startIndex].bytes.readSlice(length: room)!
                sendRoom -= room
                pendingBytes -= room
                leave(part)
            }
            guard pending.first!.bytes.readableBytes == 0 else { break }
            let (_, promise) = pending.removeFirst()
            flushed -= 1
            promise?.succeed(())
            if !isOpen { return }
        }
        if !isWritable, pendingBytes < lowMark {
            isWritable = true
            pipeline.syncOperations.fireChannelWritabilityChanged()
        }
    }

    func read0() { wantsRead = true }

    func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard isOpen else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        if mode == .output {
            outputIsClosed = true
            promise?.succeed(())
            return
        }
        isOpen = false
        let wasActive = isActive
        isActive = false
        flushed = 0
        while let (_, promise) = pending.popFirst() { promise?.fail(error) }
        pendingBytes = 0
        promise?.succeed(())
        if wasActive { pipeline.syncOperations.fireChannelInactive() }
        pipeline.syncOperations.fireChannelUnregistered()
        eventLoop.execute { [self] in
            removeHandlers(pipeline: pipeline)
            closePromise.succeed(())
        }
    }

    // MARK: Channel

    var allocator: ByteBufferAllocator { ByteBufferAllocator() }
    var closeFuture: EventLoopFuture<Void> { closePromise.futureResult }
    var pipeline: ChannelPipeline { ownPipeline }
    var localAddress: SocketAddress? { nil }
    var remoteAddress: SocketAddress? { nil }
    var parent: (any Channel)? { nil }
    var eventLoop: any EventLoop { loop }
    var _channelCore: any ChannelCore { self }

    func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> { loop.makeSucceededVoidFuture() }
    func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        loop.makeCompletedFuture { try syncOptions!.getOption(option) }
    }
    var syncOptions: (any NIOSynchronousChannelOptions)? { Options(channel: self) }

    private struct Options: NIOSynchronousChannelOptions {
        let channel: SimulatedChannel
        func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {}
        func getOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            switch option {
            case is ChannelOptions.Types.BufferedWritableBytesOption: return channel.pendingBytes as! Option.Value
            case is ChannelOptions.Types.AutoReadOption: return true as! Option.Value
            default: throw ChannelError.operationUnsupported
            }
        }
    }

    /// The process is gone: what holds the channel lets go of it.
    func discard() {
        isOpen = false
        isActive = false
        pending.removeAll()
        loop.perform {
            removeHandlers(pipeline: pipeline)
            closePromise.succeed(())
        }
    }
}
