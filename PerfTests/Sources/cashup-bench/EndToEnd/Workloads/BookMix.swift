import Core
import Load

/// ``MatchWorld``'s commands as lines: exchange-core's mix on internal instruments, a book of its own for each connection, so that what a command names is open
/// when it arrives, whatever other connections do. Made before the clock runs, on books of the client's own that come to the same.
final class BookMix: Workload {
    static let resting = 1_000

    /// What a line needs of a command.
    fileprivate struct Line {
        enum Kind { case new, immediate, replace, cancel }
        var kind: Kind
        var isBuy = false
        var account: UInt64
        /// In lots, and in hundredths of the quote asset.
        var quantity: UInt64 = 0
        var price: UInt64 = 0
        /// Of the order's id.
        var counter: UInt64
    }

    private struct Stream: ~Copyable {
        var world = MatchWorld(resting: BookMix.resting)
        var lines: [Line] = []
        var sent = 0

        /// So many to send, at least.
        mutating func supply(_ count: Int) {
            lines.removeFirst(sent)
            sent = 0
            while lines.count < count { lines.append(Line(world.next())) }
        }
    }

    private let streams: UnsafeMutableBufferPointer<Stream>
    private var tag: UInt64 = 0

    init(connections: Int) {
        streams = .allocate(capacity: connections)
        for connection in 0..<connections { (streams.baseAddress! + connection).initialize(to: Stream()) }
    }

    deinit {
        for connection in 0..<streams.count { (streams.baseAddress! + connection).deinitialize(count: 1) }
        streams.deallocate()
    }

    /// What the service needs to know first. The first instrument is the default configuration's.
    var setUp: [String] {
        let instruments = (0..<streams.count).dropFirst().map {
            "INS BOOK\($0)-USDT venue=internal wallet=spot base=BTC quote=USDT tick=0.01 lot=0.00001 maker_bps=1 taker_bps=2"
        }
        let money = (1...MatchWorld.accounts).flatMap { account in
            ["USDT", "BTC"].map { "DEP \(account) \($0) 1000000000 ref=book-\($0) wallet=spot" }
        }
        return instruments + money
    }

    /// So many for each connection; none is lost that an earlier run did not come to send.
    func supply(_ count: Int) {
        for connection in 0..<streams.count { streams[connection].supply(count) }
    }

    func next(connection: Int, into buffer: inout RequestBuffer) -> Bool {
        guard streams[connection].sent < streams[connection].lines.count else { return false }
        let line = streams[connection].lines[streams[connection].sent]
        streams[connection].sent += 1
        tag += 1
        buffer.put(decimal: tag % 1_000)
        buffer.put(line.kind == .replace ? " RPL " : line.kind == .cancel ? " CXL " : " NEW ")
        buffer.put(decimal: line.account)
        if connection == 0 {
            buffer.put(" BTC-USDT ")
        } else {
            buffer.put(" BOOK")
            buffer.put(decimal: UInt64(connection))
            buffer.put("-USDT ")
        }
        switch line.kind {
        case .new, .immediate:
            buffer.put(line.isBuy ? "B LMT " : "S LMT ")
            putTerms(line, &buffer)
            buffer.put(line.kind == .immediate ? " IOC " : " GTC ")
            putID(line, connection, &buffer)
        case .replace:
            putID(line, connection, &buffer)
            buffer.put(" ")
            putTerms(line, &buffer)
        case .cancel: putID(line, connection, &buffer)
        }
        buffer.put("\n")
        return true
    }

    private func putID(_ line: Line, _ connection: Int, _ buffer: inout RequestBuffer) {
        buffer.put("id=k")
        buffer.put(decimal: UInt64(connection))
        buffer.put("-")
        buffer.put(decimal: line.counter)
    }

    private func putTerms(_ line: Line, _ buffer: inout RequestBuffer) {
        buffer.put(decimal: line.quantity / 100_000)
        buffer.put(".")
        buffer.put(decimal: line.quantity % 100_000, digits: 5)
        buffer.put(" ")
        buffer.put(decimal: line.price / 100)
        buffer.put(".")
        buffer.put(decimal: line.price % 100, digits: 2)
    }
}

extension BookMix.Line {
    fileprivate init(_ command: Command) {
        switch command {
        case .newOrder(let it):
            self.init(
                kind: it.timeInForce == .ioc ? .immediate : .new, isBuy: it.side == .buy, account: UInt64(it.account), quantity: UInt64(it.quantity),
                price: UInt64(it.price / MatchWorld.tick), counter: BookMix.Line.counter(it.clientID))
        case .replace(let it):
            self.init(
                kind: .replace, account: UInt64(it.account), quantity: UInt64(it.quantity), price: UInt64(it.price / MatchWorld.tick),
                counter: BookMix.Line.counter(it.order))
        case .cancel(let it): self.init(kind: .cancel, account: UInt64(it.account), counter: BookMix.Line.counter(it.order))
        default: fatalError("no line for such a command")
        }
    }

    private static func counter(_ order: OrderReference) -> UInt64 {
        guard case .client(let id) = order else { fatalError("an order without its ClOrdID") }
        return counter(id)
    }

    /// `x-17`: 17.
    private static func counter(_ id: Text) -> UInt64 { UInt64(id.string.dropFirst(2))! }
}
