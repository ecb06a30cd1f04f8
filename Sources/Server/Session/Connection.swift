import Core
import NIOCore
import WAL

/// Stage 1 and 2 of a request's path: the bytes of one connection, cut into lines. One handler, the whole pipeline: it reads from NIO's
/// buffer in place, hands each line on (Connection+Lines.swift) and keeps what is left of a half line.
///
/// It reads no further while it has too much to answer (``OutputQueue``), while a command that has to be alone is
/// under way (AUTH, SYNC, definitions), and when the turn is full.
///
/// Owner: the loop's thread.
final class Connection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    static let commandsInFlightMax = 4_096
    /// Text of answers after which a turn takes no further line of the connection.
    static let turnBytesMax = 256 << 10

    /// Why nothing is taken from the input for now.
    enum Pause {
        /// An answer that must be there first: the connection goes on when its hole is filled.
        case answer(ticket: UInt64)
        /// Everything before must have left first; then SYNC is answered.
        case sync(tag: Text)
        /// It is over; what comes is ignored.
        case ended
    }

    /// Keeps the loop, which keeps the connection until ``Loop/remove(_:)``.
    let loop: Loop
    /// Given by the loop when the connection is active.
    @exclusivity(unchecked) private(set) var id = ConnectionID(slot: .max, generation: 0)
    @exclusivity(unchecked) private(set) var context: ChannelHandlerContext?
    @exclusivity(unchecked) var output: OutputQueue
    /// Input not used yet: half a line, or lines that must wait.
    @exclusivity(unchecked) private var carry = ByteBuffer()
    @exclusivity(unchecked) private var isSkippingLine = false
    @exclusivity(unchecked) private var isReadPending = false
    @exclusivity(unchecked) private var isInputClosed = false
    /// A query or an order has cost so much that other connections come first; until the loop takes this one up again.
    @exclusivity(unchecked) var hasHadItsTurn = false

    @exclusivity(unchecked) var session: Session {
        didSet { isUnrestricted = session.grant.isUnrestricted }
    }
    /// Of the session: looked at per command, where the grant's lists need not be touched.
    @exclusivity(unchecked) private(set) var isUnrestricted: Bool
    @exclusivity(unchecked) var pause: Pause?
    @exclusivity(unchecked) var subscription: Subscriber?
    @exclusivity(unchecked) var market: MarketSubscriber?
    /// Everything up to this LSN that passes the subscription's filter is in the output.
    @exclusivity(unchecked) var position: UInt64 = 0
    @exclusivity(unchecked) var deposit: DepositUnderWay?
    @exclusivity(unchecked) var heldLines = HeldLines()
    /// The AUTH that is not answered yet.
    @exclusivity(unchecked) var authentication: ReplyAddress?

    // Membership of the loop's lists.
    @exclusivity(unchecked) var isTouched = false
    @exclusivity(unchecked) var isWaiting = false
    @exclusivity(unchecked) var isRunnable = false

    /// Service time of the connection's begin.
    @exclusivity(unchecked) private(set) var openedAt: Timestamp = 0
    /// When the client last sent something, and last took something; service time.
    @exclusivity(unchecked) var lastHeard: Timestamp = 0
    @exclusivity(unchecked) var lastTaken: Timestamp = 0
    @exclusivity(unchecked) var lastHeartbeat: Timestamp = 0

    // The end.
    /// Close when everything has been sent.
    @exclusivity(unchecked) private(set) var isClosing = false
    /// Service time of that; a client that takes nothing from then on is cut off.
    @exclusivity(unchecked) private(set) var closingSince: Timestamp = 0
    /// Everything is sent; waits for the client to close.
    @exclusivity(unchecked) private(set) var isLingering = false
    /// The channel closes when it has sent what was handed to it.
    @exclusivity(unchecked) private var closeIsUnderWay = false
    @exclusivity(unchecked) private var isInactive = false
    /// Whom to tell, when a session of the same name has replaced this one and all it had sent is decided.
    @exclusivity(unchecked) var replacedBy: [ReplyAddress] = []
    /// Loops that have not yet cancelled this session's orders.
    @exclusivity(unchecked) var cancelsUnderWay = 0
    /// The session is over.
    @exclusivity(unchecked) private(set) var hasLeft = false

    init(loop: Loop, session: Session, allocator: ByteBufferAllocator) {
        self.loop = loop
        self.session = session
        isUnrestricted = session.grant.isUnrestricted
        output = OutputQueue(allocator: allocator)
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        loop.enter()
        id = loop.add(self)
        openedAt = loop.now
        lastHeard = loop.now
        lastTaken = loop.now
        lastHeartbeat = loop.now
        greet()
    }

    func channelInactive(context: ChannelHandlerContext) {
        loop.enter()
        isInactive = true
        pause = .ended
        carry.clear()
        leave()
    }

    /// The client has closed its side: it still gets its answers, then the connection is closed.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent else { return }
        loop.enter()
        isInputClosed = true
        if isLingering { return context.close(promise: nil) }
        loop.touch(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// NIO asks for the next read after each one; not passed on while nothing more is wanted.
    func read(context: ChannelHandlerContext) {
        if wantsInput { context.read() } else { isReadPending = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        loop.enter()
        lastTaken = loop.now
        if !output.isEmpty { loop.touch(self) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        loop.enterForInput()
        lastHeard = loop.now
        if case .ended? = pause { return }
        if carry.readableBytes > 0 || !mayParse {
            carry.writeBuffer(&input)
            processCarry()
            return
        }
        let used = input.withUnsafeReadableBytes { consume($0) }
        input.moveReaderIndex(forwardBy: used)
        if input.readableBytes > 0 {
            carry.clear()
            carry.writeBuffer(&input)
            if hasWork { noteLeftover() }
        }
    }

    /// Whether the carry holds a whole line, or the begin of one that is too long whatever comes.
    private var hasWork: Bool {
        carry.readableBytes > LineParser.authLineMax + 1 || carry.readableBytesView.contains(UInt8(ascii: "\n"))
    }

    private func noteLeftover() {
        if pause == nil, output.isWithin(loop.unsentBytesMax) { loop.continueLater(self) }
    }

    /// Goes on with input that had to wait.
    func processCarry() {
        guard carry.readableBytes > 0 else { return }
        // The turn is full: in the next one.
        guard mayParse else { return noteLeftover() }
        // Taken out, so that nothing the lines do meets a buffer in use.
        var input = ByteBuffer()
        swap(&input, &carry)
        let used = input.withUnsafeReadableBytes { consume($0) }
        input.moveReaderIndex(forwardBy: used)
        if case .ended? = pause { return }
        input.discardReadBytes()
        swap(&input, &carry)
        if carry.readableBytes > 0, hasWork {
            noteLeftover()
        } else if isInputClosed {
            // The last lines may have had no answer: the end of the turn closes.
            loop.touch(self)
        }
        readIfWanted()
    }

    private var mayParse: Bool {
        pause == nil && !hasHadItsTurn && loop.scratch.count < Connection.turnBytesMax && output.isWithin(loop.unsentBytesMax)
            && loop.batch.recordCount < Loop.batchRecordsMax
    }

    /// The longest line, its CR and its LF fit in the carry.
    private var wantsInput: Bool {
        if isLingering { return true }
        return pause == nil && carry.readableBytes <= LineParser.authLineMax + 2 && output.isWithin(loop.unsentBytesMax)
    }

    private func readIfWanted() {
        if isReadPending, wantsInput, let context {
            isReadPending = false
            context.read()
        }
    }

    /// Ends a pause; what was read meanwhile is taken up in a turn to come.
    func resume() {
        pause = nil
        loop.continueSoon(self)
        readIfWanted()
    }

    // MARK: Lines

    /// Takes lines from the front of the bytes; returns how many bytes it has taken.
    private func consume(_ bytes: UnsafeRawBufferPointer) -> Int {
        var start = 0
        output.turnBegan = loop.turnBegan
        var time = monotonicNanoseconds()
        while start < bytes.count {
            if !isSkippingLine, mayParse {
                let before = start
                start = takeGroup(of: bytes, from: start, &time)
                if start > before { continue }
            }
            guard takeSingly(bytes, &start) else { break }
        }
        flushScratch()
        return start
    }

    /// Parses commands for shards as they follow each other, asks for the memory they will touch, and then takes them in order. Stops at a line that
    /// may not be taken now. Returns where.
    /// - Parameter time: that the last group was done at; gets the time that this one is.
    private func takeGroup(of bytes: UnsafeRawBufferPointer, from start: Int, _ time: inout UInt64) -> Int {
        let count = loop.lines.parse(bytes, from: start, for: loop)
        if count == 0 { return start }
        let parsed = monotonicNanoseconds()
        loop.metrics.parse.observe((parsed &- time) / UInt64(count), weight: UInt64(count))
        defer {
            time = monotonicNanoseconds()
            loop.metrics.decide.observe((time &- parsed) / UInt64(count), weight: UInt64(count))
        }
        for index in 0..<count {
            guard index == 0 || mayParse else { return loop.lines.start(index) }
            take(parsed: index, UnsafeRawBufferPointer(rebasing: bytes[loop.lines.start(index)..<loop.lines.end(index)]))
            if case .ended? = pause { return bytes.count }
        }
        return loop.lines.next
    }

    /// Takes one line of whatever kind, also one that is too long or has no end yet. Returns whether to go on.
    private func takeSingly(_ bytes: UnsafeRawBufferPointer, _ start: inout Int) -> Bool {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        guard let newline = rest.firstNewline else {
            if isSkippingLine { start = bytes.count } else { start += skipOverlong(rest) }
            return false
        }
        if isSkippingLine {
            isSkippingLine = false
            start += newline + 1
            return true
        }
        if !mayParse { return false }
        var length = newline
        if length > 0, rest[length - 1] == UInt8(ascii: "\r") { length -= 1 }
        if length > 0 { takeBounded(line: UnsafeRawBufferPointer(rebasing: rest[0..<length])) }
        start += newline + 1
        if case .ended? = pause { start = bytes.count }
        return true
    }

    @inline(__always)
    private func takeBounded(line: UnsafeRawBufferPointer) {
        if line.count > LineParser.lineMax, case let most = LineParser.maxLength(line), line.count > most {
            refuseOverlong(line, max: most)
        } else {
            take(line: line)
        }
    }

    /// A line without an end so far that is too long already: refused now, the rest skipped.
    private func skipOverlong(_ line: UnsafeRawBufferPointer) -> Int {
        let most = LineParser.maxLength(line)
        guard line.count > most + 1, mayParse else { return 0 }
        isSkippingLine = true
        refuseOverlong(line, max: most)
        return line.count
    }

    // MARK: Output

    /// Moves what was written for this connection to its output.
    func flushScratch() {
        guard !loop.scratch.isEmpty else { return }
        loop.scratch.withUnsafeBytes { bytes in
            output.append(dependsOnState: scratchDependsOnState) { $0.writeBytes(bytes) }
        }
        if loop.scratch.count > Loop.scratchBytesKept {
            loop.scratch = OutputBuffer(capacity: Loop.scratchBytes)
        } else {
            loop.scratch.removeAll()
        }
        scratchDependsOnState = false
        loop.touch(self)
    }
    @exclusivity(unchecked) var scratchDependsOnState = false

    func seal(lsn: UInt64, shift: Int64) { output.seal(lsn: Int64(lsn), shift: shift) }

    /// Sends what may leave. Returns the LSN the next text waits for, if it waits for one.
    func flush(durable: UInt64, at time: UInt64) -> UInt64? {
        guard let context, !isInactive else { return nil }
        var ready: ByteBuffer?
        while context.channel.isWritable, let text = output.next(durable: Int64(durable), at: time, loop.metrics.reply) {
            if text.readableBytes == 0 { continue }
            if ready == nil {
                ready = text
            } else {
                ready!.writeImmutableBuffer(text)
            }
            if ready!.readableBytes >= Connection.writeBytesMax {
                write(ready!, context)
                ready = nil
            }
        }
        if let ready { write(ready, context) }
        if output.isEmpty {
            if case .sync(let tag)? = pause { answerSync(tag, durable: durable) }
            // The answer to SYNC may be in the output by now.
            if output.isEmpty, isClosing || (isInputClosed && pause == nil && !hasWork) { closeWhenSent(context) }
        }
        if !output.isEmpty || carry.readableBytes > 0 || isReadPending {
            if pause == nil, output.isWithin(loop.unsentBytesMax) {
                if carry.readableBytes > 0, hasWork { loop.continueLater(self) }
                readIfWanted()
            }
        }
        if isSubscribed, output.isEmpty { feedSoon() }
        return context.channel.isWritable ? output.waitingFor.map { UInt64($0) } : nil
    }

    /// There is room for more events; they are taken over in a turn of their own.
    private func feedSoon() {
        if feedIsScheduled { return }
        feedIsScheduled = true
        let id = id
        loop.eventLoop.execute { [loop] in
            guard let connection = loop.connection(id) else { return }
            connection.feedIsScheduled = false
            guard connection.hasNews else { return }
            loop.enter()
            connection.feed()
        }
    }
    @exclusivity(unchecked) private var feedIsScheduled = false
    private static let writeBytesMax = 256 << 10

    private func write(_ text: ByteBuffer, _ context: ChannelHandlerContext) {
        lastTaken = loop.now
        context.writeAndFlush(wrapOutboundOut(text), promise: nil)
        output.recycle(text)
    }

    /// Closes behind everything written before: an empty write is done when they are. Closing at once would throw them away. So would closing
    /// with input unread: the kernel then resets the connection and forgets what the client has not taken yet. So only the own side is
    /// closed, and what comes is read and dropped until the client closes its side, or for ``Loop/lingerMicrosMax``.
    private func closeWhenSent(_ context: ChannelHandlerContext) {
        if closeIsUnderWay { return }
        closeIsUnderWay = true
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { [loop, id] _ in
            guard let connection = loop.connection(id), !connection.isInputClosed else { return channel.close(promise: nil) }
            connection.linger()
        }
    }

    private func linger() {
        isLingering = true
        closingSince = loop.now
        context?.close(mode: .output, promise: nil)
        if isReadPending {
            isReadPending = false
            context?.read()
        }
    }

    /// Whether the channel has sent all that was handed to it.
    var isSent: Bool { unsentBytes ?? 0 == 0 }

    /// Bytes that the channel was handed and the system has not taken.
    var unsentBytes: Int? {
        guard let context, !isInactive else { return nil }
        return try? context.channel.syncOptions?.getOption(ChannelOptions.bufferedWritableBytes)
    }

    // MARK: The end

    /// Says goodbye; the connection is closed when everything before has been sent. What was not read in is dropped.
    func end(reason: StaticString) {
        guard !isClosing, !isInactive else { return }
        beginClosing()
        append(information: "BYE", [("reason", reason.description)])
        leave()
    }

    /// After QUIT.
    func endSilently() {
        beginClosing()
        loop.touch(self)
        leave()
    }

    private func beginClosing() {
        isClosing = true
        closingSince = loop.now
        pause = .ended
        carry.clear()
    }

    /// The session is over: its name is free, its orders are cancelled if it asked for that.
    private func leave() {
        if !hasLeft {
            hasLeft = true
            subscription?.end()
            subscription = nil
            endMarket()
            loop.sessionEnds(self)
        }
        finishLeaving()
    }

    /// When nothing is owed any more, by and to this connection, its slot is free and a successor hears of it.
    func finishLeaving() {
        guard hasLeft, output.holes == 0, cancelsUnderWay == 0 else { return }
        for address in replacedBy { loop.send(.replaced(address), to: address.loop) }
        replacedBy.removeAll()
        if isInactive, !isGone {
            isGone = true
            if session.number != 0 {
                loop.endedSessions.append(session.number)
                loop.service.sessionEnded()
            }
            loop.remove(id)
        }
    }
    @exclusivity(unchecked) private var isGone = false

    /// A connection that is stuck is cut off, whatever it still had to get.
    func cut() { context?.close(promise: nil) }
}

extension OutputQueue {
    /// Whether the connection may take more commands.
    @inline(__always)
    func isWithin(_ bytesMax: Int) -> Bool { bytes < bytesMax && commandsInFlight < Connection.commandsInFlightMax }
}
