import Glibc
import NIOCore
import NIOHTTP1

/// One client's connection: collects requests, has them answered one after the other, and writes each response in one piece.
/// Owner thread: the channel's event loop.
///
/// - Requests may be pipelined. While one is answered those behind it wait, and while any waits nothing more is read: a client that sends
///   faster than it is answered, or does not read its answers, is held by TCP.
/// - A body beyond the limit is answered at once, and the connection ends with that answer; so it does with bytes that are not HTTP.
/// - A connection ends by closing its output; what the client still sends is dropped for a while, because closing with unread input would
///   reset the connection and lose the answer on its way.
/// - A client without a request under way is let go after ``idleLimit``, one that does not get its request finished, or does not read, after
///   ``slowLimit``.
final class HTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let idleLimit = TimeAmount.seconds(75)
    private static let slowLimit = TimeAmount.seconds(30)
    private static let lingerLimit = TimeAmount.seconds(5)

    private enum State {
        case open
        /// What has been received is answered, nothing more is taken.
        case last
        /// Output is closed.
        case lingering
    }

    private let edge: Edge
    private let peer: String
    private let executor: LoopExecutor
    private var context: ChannelHandlerContext?
    private var state = State.open
    /// The request whose body is arriving.
    private var incoming: EdgeRequest?
    private var body = ByteBuffer()
    /// Its client waits for `100 Continue`.
    private var awaitsContinue = false
    private var waiting = CircularBuffer<EdgeRequest>()
    private var isAnswering = false
    private var isAdvancing = false
    private var holdsRead = false
    private var hasWritten = false
    /// When the last request began or the last response was written.
    private var lastActive = NIODeadline.now()
    private var timer: Scheduled<Void>?
    private var date = HTTPDate()

    init(_ edge: Edge, peer: String) {
        self.edge = edge
        self.peer = peer
        executor = edge.executor
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        schedule(Self.slowLimit)
    }

    func handlerRemoved(context: ChannelHandlerContext) { ended() }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state == .open else { return }
        switch unwrapInboundIn(data) {
        case .head(let head): begin(EdgeRequest(head, peer: peer))
        case .body(var bytes):
            guard incoming != nil else { return }
            if body.readableBytes + bytes.readableBytes > edge.settings.bodyBytesMax { return refuseBody() }
            if body.readableBytes == 0 { body = bytes } else { body.writeBuffer(&bytes) }
        case .end:
            guard var request = incoming else { return }
            incoming = nil
            request.body = .bytes(body)
            body = ByteBuffer()
            take(request)
        }
    }

    func read(context: ChannelHandlerContext) {
        if waiting.isEmpty { context.read() } else { holdsRead = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        lastActive = .now()
        advance()
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError else { return context.close(promise: nil) }
        guard state == .open else { return }
        incoming = nil
        take(EdgeRequest(fault: "the request is not HTTP/1.1, or its headers are too long", peer: peer))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            if state == .lingering { return context.close(promise: nil) }
            finish()
        // The service shuts down.
        case is ChannelShouldQuiesceEvent:
            if incoming == nil { finish() }
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func ended() {
        context = nil
        timer?.cancel()
        timer = nil
        waiting.removeAll()
        incoming = nil
    }

    // MARK: Requests

    private func begin(_ request: EdgeRequest) {
        lastActive = .now()
        incoming = request
        body = ByteBuffer()
        if let length = request.headers.first(name: "content-length").flatMap({ Int($0) }), length > edge.settings.bodyBytesMax {
            return refuseBody()
        }
        if let expectation = request.headers.first(name: "expect"), expectation.lowercased() == "100-continue", !request.isHTTP10 {
            awaitsContinue = true
            advance()
        }
    }

    private func refuseBody() {
        guard var request = incoming else { return }
        incoming = nil
        body = ByteBuffer()
        request.body = .tooLarge
        request.isKeptAlive = false
        take(request)
    }

    private func take(_ request: EdgeRequest) {
        awaitsContinue = false
        if !request.isKeptAlive { state = .last }
        waiting.append(request)
        advance()
    }

    /// No further requests; those received are answered.
    private func finish() {
        incoming = nil
        if state == .open { state = .last }
        advance()
    }

    /// Has the next request answered, and what hangs on there being none. Not recursive: answers that need no waiting come back here.
    private func advance() {
        guard let context, !isAdvancing else { return }
        isAdvancing = true
        while !isAnswering, context.channel.isWritable, let request = waiting.popFirst() {
            isAnswering = true
            answer(request, context)
        }
        if !isAnswering, waiting.isEmpty, awaitsContinue {
            awaitsContinue = false
            context.write(wrapOutboundOut(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
            hasWritten = true
        }
        if hasWritten {
            hasWritten = false
            context.flush()
        }
        isAdvancing = false
        guard self.context != nil else { return }
        if state == .last, !isAnswering, waiting.isEmpty { linger(context) }
        if holdsRead, waiting.isEmpty {
            holdsRead = false
            context.read()
        }
    }

    /// On this thread as far as it goes without waiting; behind that in turns of this loop.
    private func answer(_ request: EdgeRequest, _ context: ChannelHandlerContext) {
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        let edge = edge
        Task.immediate(executorPreference: executor) {
            let response = await edge.answer(request)
            connection.value.answered(request, response)
        }
    }

    private func answered(_ request: EdgeRequest, _ response: EdgeResponse) {
        isAnswering = false
        guard let context else { return }
        lastActive = .now()
        let isLast = !request.isKeptAlive || state == .last && waiting.isEmpty
        let out = response.bytes(
            date: date.text(), connection: isLast ? "close" : request.isHTTP10 ? "keep-alive" : nil, isHead: request.method == .head)
        context.write(wrapOutboundOut(out), promise: nil)
        hasWritten = true
        advance()
    }

    // MARK: Time

    private func linger(_ context: ChannelHandlerContext) {
        state = .lingering
        context.close(mode: .output, promise: nil)
        timer?.cancel()
        schedule(Self.lingerLimit)
    }

    private func schedule(_ delay: TimeAmount) {
        guard let loop = context?.eventLoop else { return }
        timer = loop.assumeIsolated().scheduleTask(in: delay) { [unowned self] in timeIsUp() }
    }

    private func timeIsUp() {
        guard let context else { return }
        if state == .lingering { return context.close(promise: nil) }
        let isStuck = incoming != nil || !context.channel.isWritable
        let quiet = NIODeadline.now() - lastActive
        if isStuck && quiet >= Self.slowLimit || !isStuck && !isAnswering && quiet >= Self.idleLimit { return context.close(promise: nil) }
        schedule(isStuck ? Self.slowLimit - quiet : Self.slowLimit)
    }
}

/// The value of a `Date` header, written anew once a second.
struct HTTPDate {
    private var second = time_t(0)
    private var written = ""

    mutating func text() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &now)
        if now.tv_sec != second {
            second = now.tv_sec
            written = Self.text(second)
        }
        return written
    }

    /// RFC 9110, section 5.6.7: `Fri, 27 Nov 2026 09:30:00 GMT`.
    static func text(_ second: time_t) -> String {
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        var second = second
        var parts = tm()
        gmtime_r(&second, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return
            "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1_900) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}
