import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The client end of one connection: splits what arrives into lines, matches answers with commands and keeps at most a window of commands in
/// flight. Owner thread: the channel's event loop.
///
/// Answers leave the server in the order of the commands, so a queue is all the matching there is; the tag (a running number) is checked.
final class LineHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct InFlight {
        let tag: UInt64
        let sentAt: NIODeadline
        /// nil: the command belongs to the driver.
        let promise: EventLoopPromise<Answer>?
    }
    private struct Queued {
        let line: String
        let promise: EventLoopPromise<Answer>
    }

    /// No line of the server is longer; more without a line end is not this protocol.
    private static let lineBytesMax = 1 << 20

    private let greeting: EventLoopPromise<Greeting>
    private let notices: @Sendable (Notice) -> Bool
    private var greeted = false
    private var context: ChannelHandlerContext?
    /// The start of a line whose end has not arrived yet.
    private var partial: ByteBuffer?
    private var bye: String?
    private var failure: ClientError?

    private var nextTag: UInt64 = 1
    private var inFlight = CircularBuffer<InFlight>()
    private var queue = CircularBuffer<Queued>()
    private var pumpIsDue = false
    private var rows: [Fields] = []
    private var window: Int

    private var driver: (any ActiveDriver)?
    private var driverWindow = 0

    init(greeting: EventLoopPromise<Greeting>, window: Int, notices: @escaping @Sendable (Notice) -> Bool) {
        self.greeting = greeting
        self.window = window
        self.notices = notices
    }

    // MARK: Commands

    func submit(_ line: String, _ promise: EventLoopPromise<Answer>) {
        guard let context else { return promise.fail(endError) }
        queue.append(Queued(line: line, promise: promise))
        // At the end of the loop's turn, so that all that is submitted in it is one write.
        if pumpIsDue { return }
        pumpIsDue = true
        context.eventLoop.assumeIsolated().execute { [self] in
            pumpIsDue = false
            pump()
        }
    }

    func run(_ driver: any ActiveDriver, window: Int) {
        guard context != nil else { return driver.end(endError) }
        guard self.driver == nil else { return driver.end(.unsendable("another pipeline runs on this connection")) }
        self.driver = driver
        driverWindow = window
        pump()
    }

    /// Sends what the window allows: one write and one flush, however many commands.
    private func pump() {
        guard let context, greeted else { return }
        var buffer: ByteBuffer?
        let now = NIODeadline.now()
        while inFlight.count < window, let next = queue.popFirst() {
            write(to: &buffer, context) { $0.writeString(next.line) }
            inFlight.append(InFlight(tag: nextTag, sentAt: now, promise: next.promise))
            nextTag += 1
        }
        if let driver {
            var step = PipelineStep.command
            while inFlight.count < driverWindow {
                write(to: &buffer, context) { step = driver.next(into: &$0) }
                guard step == .command else { break }
                inFlight.append(InFlight(tag: nextTag, sentAt: now, promise: nil))
                nextTag += 1
            }
            if step == .done, driver.isAnswered {
                self.driver = nil
                driver.end(nil)
            }
        }
        if let buffer, buffer.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(buffer), promise: nil) }
    }

    /// Appends "TAG command\n"; nothing, if `command` writes nothing.
    private func write(
        to buffer: inout ByteBuffer?, _ context: ChannelHandlerContext, command: (inout ByteBuffer) -> Void
    ) {
        var bytes = buffer.take() ?? context.channel.allocator.buffer(capacity: 4096)
        let start = bytes.writerIndex
        bytes.writeDecimal(nextTag)
        bytes.writeInteger(UInt8(ascii: " "))
        let afterTag = bytes.writerIndex
        command(&bytes)
        if bytes.writerIndex == afterTag {
            bytes.moveWriterIndex(to: start)
        } else {
            bytes.writeInteger(UInt8(ascii: "\n"))
        }
        buffer = bytes
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if var whole = partial.take() {
            whole.writeBuffer(&bytes)
            bytes = whole
        }
        let now = NIODeadline.now()
        let used = bytes.withUnsafeReadableBytes { all -> Int in
            var start = 0
            while failure == nil, start < all.count,
                let end = memchr(all.baseAddress! + start, Int32(UInt8(ascii: "\n")), all.count - start)
            {
                let stop = all.baseAddress!.distance(to: UnsafeRawPointer(end))
                let hasReturn = stop > start && all[stop - 1] == UInt8(ascii: "\r")
                received(UnsafeRawBufferPointer(rebasing: all[start..<(hasReturn ? stop - 1 : stop)]).bytes, at: now)
                start = stop + 1
            }
            return start
        }
        if let failure { return close(context, failure) }
        bytes.moveReaderIndex(forwardBy: used)
        if bytes.readableBytes > Self.lineBytesMax {
            return close(context, .protocolViolation("a line of more than \(Self.lineBytesMax) bytes"))
        }
        if bytes.readableBytes > 0 { partial = bytes }
    }

    func channelReadComplete(context: ChannelHandlerContext) { pump() }

    func channelInactive(context: ChannelHandlerContext) { ended(.disconnected(bye: bye, reason: "connection closed")) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let reason = ClientTLS.reason(of: error), !greeted {
            close(context, .insecure(reason))
        } else {
            close(context, .disconnected(bye: bye, reason: String(describing: error)))
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { ended(.disconnected(bye: bye, reason: "connection closed")) }

    // MARK: Lines

    private func received(_ line: RawSpan, at now: NIODeadline) {
        guard greeted else { return receivedGreeting(line.text) }
        switch line.firstByte {
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            guard let oldest = inFlight.first, matches(line, oldest.tag) else {
                failure = .protocolViolation("an answer to no command in flight: \(line.text.prefix(120))")
                return
            }
            inFlight.removeFirst()
            if let promise = oldest.promise {
                promise.succeed(Answer(line: line.text, rows: rows))
                if !rows.isEmpty { rows = [] }
            } else {
                driver?.answer(line, nanoseconds: UInt64((now - oldest.sentAt).nanoseconds))
            }
        case UInt8(ascii: "="):
            guard let oldest = inFlight.first, matches(line, oldest.tag) else {
                failure = .protocolViolation("a row of no command in flight: \(line.text.prefix(120))")
                return
            }
            if oldest.promise == nil {
                driver?.row(line)
            } else {
                let text = line.text
                rows.append(Fields(text.utf8.firstIndex(of: UInt8(ascii: " ")).map { text[text.utf8.index(after: $0)...] } ?? ""))
            }
        case UInt8(ascii: "!"), UInt8(ascii: "*"):
            let notice = Notice(line: line.text)
            if notice.kind == .information, notice.fields.words.first == "BYE" { bye = notice.fields["reason"] ?? "no reason" }
            if !notices(notice) { failure = .noticesUnread }
        default:
            failure = .protocolViolation("a line of no known kind: \(line.text.prefix(120))")
        }
    }

    private func receivedGreeting(_ line: String) {
        let fields = Fields(line)
        if fields.words.starts(with: ["*", "BYE"]) {
            bye = fields["reason"] ?? "no reason"
            failure = .disconnected(bye: bye, reason: "refused")
        } else if let parsed = Greeting(line: line), parsed.version == 1 {
            greeted = true
            greeting.succeed(parsed)
        } else {
            failure = .notCashUp(received: line)
        }
    }

    /// Whether the tag at byte 1 is `tag`, or `?`: the server could not read it.
    private func matches(_ line: RawSpan, _ tag: UInt64) -> Bool {
        line.withUnsafeBytes { bytes in
            var value: UInt64 = 0
            var at = 1
            if bytes.count > 1, bytes[1] == UInt8(ascii: "?") { return true }
            while at < bytes.count, case let digit = bytes[at] &- UInt8(ascii: "0"), digit < 10 {
                value = value &* 10 &+ UInt64(digit)
                at += 1
            }
            return at > 1 && value == tag && (at == bytes.count || bytes[at] == UInt8(ascii: " "))
        }
    }

    // MARK: End

    private var endError: ClientError { failure ?? .disconnected(bye: bye, reason: "connection closed") }

    private func close(_ context: ChannelHandlerContext, _ error: ClientError) {
        if failure == nil { failure = error }
        context.close(promise: nil)
    }

    /// Everything without an answer is told so, in the order it was sent.
    private func ended(_ error: ClientError) {
        guard context != nil else { return }
        context = nil
        let error = failure ?? error
        failure = error
        greeting.fail(error)
        while let command = inFlight.popFirst() { command.promise?.fail(error) }
        while let command = queue.popFirst() { command.promise.fail(error) }
        if let driver = driver.take() { driver.end(error) }
    }
}

/// A driver and the promise of its end, without the driver's type.
protocol ActiveDriver: AnyObject {
    var isAnswered: Bool { get }
    func next(into buffer: inout ByteBuffer) -> PipelineStep
    func row(_ line: RawSpan)
    func answer(_ line: RawSpan, nanoseconds: UInt64)
    func end(_ error: ClientError?)
}

/// Owner thread: the event loop that ``LineHandler`` runs on.
final class DriverRun<Driver: PipelineDriver>: ActiveDriver {
    private var state: PipelineEnd<Driver>
    private let promise: EventLoopPromise<PipelineEnd<Driver>>

    init(_ driver: Driver, promise: EventLoopPromise<PipelineEnd<Driver>>) {
        state = PipelineEnd(driver: driver, sent: 0, answered: 0, error: nil)
        self.promise = promise
    }

    var isAnswered: Bool { state.answered == state.sent }
    func next(into buffer: inout ByteBuffer) -> PipelineStep {
        let step = state.driver.next(into: &buffer)
        if step == .command { state.sent += 1 }
        return step
    }
    func row(_ line: RawSpan) { state.driver.row(line) }
    func answer(_ line: RawSpan, nanoseconds: UInt64) {
        state.driver.answer(line, index: state.answered, nanoseconds: nanoseconds)
        state.answered += 1
    }
    func end(_ error: ClientError?) {
        state.error = error
        promise.succeed(state)
    }
}

extension ByteBuffer {
    /// Appends the decimal digits of `value`, without building a string.
    public mutating func writeDecimal(_ value: UInt64) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = value
            var start = digits.count
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(digits)[start...]))
        }
    }
}
