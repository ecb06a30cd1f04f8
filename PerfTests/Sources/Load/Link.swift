import CLoad
import Glibc

/// One connection: its socket, what waits to be sent and what waits for an answer. All memory is made at the start.
struct Link<W: Wire>: ~Copyable {
    static var inputBytes: Int { 1 << 18 }
    static var outputBytes: Int { 1 << 19 }

    let socket: Socket
    var wire: W
    var output = RequestBuffer(capacity: Link.outputBytes)
    var sent: SentQueue
    /// Whether epoll was asked to tell when there is room to write.
    var awaitsRoom = false
    /// The workload has nothing more for it.
    var isExhausted = false
    private let input: UnsafeMutableRawPointer = .allocate(byteCount: Link.inputBytes, alignment: 64)
    private var inputStart = 0
    private var inputEnd = 0

    /// - Parameter wire: opened on the socket.
    init(socket: consuming Socket, wire: W, window: Int) {
        self.socket = socket
        self.wire = wire
        sent = SentQueue(capacity: window)
    }
    deinit { input.deallocate() }

    /// Hands to the kernel what it takes. Returns whether all of it.
    @inline(__always)
    mutating func flush() throws -> Bool {
        while !output.isEmpty {
            let count = cload_send(socket.descriptor, output.base + output.start, Int64(output.end - output.start), 0)
            if count < 0 {
                guard count == -Int64(EAGAIN) else { throw LoadError.system("send", count) }
                return false
            }
            output.sent(Int(count))
        }
        return true
    }

    /// Reads once. Returns the bytes read, 0 if there was nothing.
    @inline(__always)
    mutating func receive(wait: Bool) throws -> Int {
        if inputEnd == Link.inputBytes {
            guard inputStart > 0 else { throw LoadError("an answer of more than \(Link.inputBytes) bytes") }
            input.copyMemory(from: input + inputStart, byteCount: inputEnd - inputStart)
            inputEnd -= inputStart
            inputStart = 0
        }
        let count = cload_receive(socket.descriptor, input + inputEnd, Int64(Link.inputBytes - inputEnd), wait ? 1 : 0)
        if count <= 0 {
            if count == 0 { throw LoadError("the peer closed the connection, \(sent.inFlight) requests unanswered") }
            if count == -Int64(EAGAIN), !wait { return 0 }
            throw wait && count == -Int64(EAGAIN)
                ? LoadError("no answer for \(Socket.silenceSecondsMax) s, \(sent.inFlight) requests unanswered") : LoadError.system("receive", count)
        }
        inputEnd += Int(count)
        return Int(count)
    }

    /// Takes all whole messages that have arrived. Returns how many of them end an answer.
    @inline(__always)
    mutating func answers(refused: (String) -> Void) -> Int {
        var count = 0
        while inputStart < inputEnd {
            let rest = UnsafeRawBufferPointer(start: input + inputStart, count: inputEnd - inputStart)
            let step = wire.next(rest)
            if step.kind == .incomplete { break }
            inputStart += step.length
            if step.kind == .done {
                count += 1
            } else if step.kind == .refused {
                count += 1
                refused(wire.reason(UnsafeRawBufferPointer(rebasing: rest[0..<step.length])))
            }
        }
        if inputStart == inputEnd {
            inputStart = 0
            inputEnd = 0
        }
        return count
    }
}

/// Requests without an answer, oldest first. Requests that were due and sent at the same time are one entry.
struct SentQueue: ~Copyable {
    struct Entry {
        var due: Int64
        var sent: Int64
        var count: Int
    }
    private let entries: UnsafeMutablePointer<Entry>
    private let mask: Int
    private var head = 0
    private var tail = 0
    private(set) var inFlight = 0

    init(capacity: Int) {
        var size = 1
        while size < capacity + 1 { size *= 2 }
        mask = size - 1
        entries = .allocate(capacity: size)
    }
    deinit { entries.deallocate() }

    @inline(__always)
    mutating func push(due: Int64, sent: Int64, count: Int) {
        entries[tail & mask] = Entry(due: due, sent: sent, count: count)
        tail &+= 1
        inFlight &+= count
    }

    /// Takes up to `limit` requests of the oldest entry.
    @inline(__always)
    mutating func pop(limit: Int) throws -> Entry {
        guard head != tail else { throw LoadError("an answer without a request") }
        var entry = entries[head & mask]
        if entry.count <= limit {
            head &+= 1
        } else {
            entries[head & mask].count = entry.count - limit
            entry.count = limit
        }
        inFlight &-= entry.count
        return entry
    }
}
