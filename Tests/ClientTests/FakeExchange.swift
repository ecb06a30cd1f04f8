import Client
import NIOCore
import NIOPosix
import Synchronization

/// A slow, obvious stand-in for the service: the replay's verbs over dictionaries, one connection at a time in effect, and it may die on
/// purpose. What it has applied outlives its connections, as if it were durable.
final class FakeExchange: Sendable {
    struct Order: Equatable {
        var quantity: String
        var price: String
        var filled: Int64 = 0
        var status = "NEW"
    }
    struct State: Equatable {
        var deposits: [String: String] = [:]
        var orders: [String: Order] = [:]
        /// Executions by order and exec: quantity and price.
        var fills: [String: String] = [:]
        /// How often a command that was applied already came again.
        var repeats = 0
    }

    let state = Mutex(State())
    /// Commands to apply until the next death; nil: it lives.
    let lives: Mutex<[Int]>
    /// Answers to commands that begin so, whatever they are.
    let refusing = Mutex<String?>(nil)
    private let channel = Mutex<(any Channel)?>(nil)

    init(lives: [Int] = []) { self.lives = Mutex(lives) }

    func start() async throws -> Endpoint {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FakeSession(exchange: self))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        channel.withLock { $0 = server }
        return Endpoint(host: "127.0.0.1", port: server.localAddress!.port!)
    }

    func stop() async { try? await channel.withLock { $0 }?.close().get() }

    /// Whether the server dies before this command.
    func isDying() -> Bool {
        lives.withLock { lives in
            guard !lives.isEmpty else { return false }
            if lives[0] == 0 {
                lives.removeFirst()
                return true
            }
            lives[0] -= 1
            return false
        }
    }

    /// The answer's lines after their first byte and tag: rows begin with `=`.
    func apply(_ command: String) -> [String] {
        if let prefix = refusing.withLock({ $0 }), command.hasPrefix(prefix) { return ["-LIMIT_QTY limit=1"] }
        let fields = Fields(command)
        let words = fields.words
        return state.withLock { state in
            switch words[0] {
            case "AUTH": return ["+OK"]
            case "PING": return ["+OK"]
            case "ROWS": return (0..<Int(words[1])!).map { "=row n=\($0)" } + ["+\(words[1])"]
            case "DEP":
                let key = "\(words[1]) \(fields["ref"]!)"
                let isRepeat = state.deposits.updateValue("\(words[2]) \(words[3])", forKey: key) != nil
                if isRepeat { state.repeats += 1 }
                return ["+OK available=\(words[3])\(isRepeat ? " dup=1" : "")"]
            case "NEW":
                let key = "\(words[1]) \(fields["id"]!)"
                if state.orders[key] != nil {
                    state.repeats += 1
                    return ["+1 NEW dup=1"]
                }
                state.orders[key] = Order(quantity: words[5], price: words[6])
                return ["+1 NEW leaves=\(words[5]) cum=0.00000000 lsn=1"]
            case "ORD" where fields["id"] == nil:
                let account = words[1]
                let open = state.orders.filter {
                    $0.key.hasPrefix("\(account) ") && ($0.value.status == "NEW" || $0.value.status == "PARTIALLY_FILLED")
                }
                return open.map { "=1 id=\($0.key.split(separator: " ")[1]) status=\($0.value.status)" } + ["+\(open.count)"]
            case "ORD", "RPL", "FIL", "CXL":
                let key = "\(words[1]) \(fields["id"]!)"
                guard state.deposits.keys.contains(where: { $0.hasPrefix("\(words[1]) ") }) else { return ["-UNKNOWN_ACCOUNT account=\(words[1])"] }
                guard var order = state.orders[key] else { return ["-UNKNOWN_ORDER order=\(key)"] }
                defer { state.orders[key] = order }
                return Self.apply(words, fields, key, &order, &state)
            default: return ["-UNKNOWN_VERB verb=\(words[0])"]
            }
        }
    }

    private static func apply(_ words: [String], _ fields: Fields, _ key: String, _ order: inout Order, _ state: inout State)
        -> [String]
    {
        let quantity = units(order.quantity)
        let isOpen = order.status == "NEW" || order.status == "PARTIALLY_FILLED"
        switch words[0] {
        case "ORD":
            return ["=1 id=\(fields["id"]!) qty=\(order.quantity) price=\(order.price) status=\(order.status) cum=\(text(order.filled))", "+1"]
        case "RPL":
            guard isOpen else { return ["-ORDER_CLOSED status=\(order.status)"] }
            guard units(words[3]) >= order.filled else { return ["-BELOW_CUM cum=\(text(order.filled))"] }
            order.quantity = words[3]
            order.price = words[4]
            return ["+1 NEW lsn=1"]
        case "FIL":
            let exec = "\(key) \(fields["exec"]!)"
            if state.fills[exec] != nil {
                state.repeats += 1
                return ["+1 FILLED dup=1"]
            }
            guard order.filled + units(words[3]) <= quantity else { return ["-OVERFILL max=\(order.quantity)"] }
            order.filled += units(words[3])
            order.status = order.filled == quantity ? "FILLED" : "PARTIALLY_FILLED"
            state.fills[exec] = "\(words[3]) \(words[4])"
            return ["+1 \(order.status) lsn=1"]
        default:
            guard isOpen else { return ["-ORDER_CLOSED status=\(order.status)"] }
            order.status = "CANCELED"
            return ["+1 CANCELED lsn=1"]
        }
    }

    /// Units of 1e-8 from a text with eight decimals.
    private static func units(_ text: String) -> Int64 { Int64(text.filter { $0 != "." })! }
    private static func text(_ units: Int64) -> String {
        let rest = String(units % 100_000_000)
        return "\(units / 100_000_000)." + String(repeating: "0", count: 8 - rest.count) + rest
    }
}

private final class FakeSession: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let exchange: FakeExchange
    private var input = ""
    private var isDead = false

    init(exchange: FakeExchange) { self.exchange = exchange }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "* CASHUP 1 lsn=38 auth=off maxline=1024 state=ready\r\n")), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        input += String(buffer: unwrapInboundIn(data))
        var output = ""
        var lines = input.split(separator: "\n", omittingEmptySubsequences: false)
        input = String(lines.removeLast())
        for line in lines where !isDead {
            let blank = line.firstIndex(of: " ")!
            let tag = line[..<blank]
            let command = String(line[line.index(after: blank)...])
            switch command {
            case "DIE": isDead = true
            case "EVENT": output += "! 5.1 TRADE account=7\n* HB lsn=5\n+\(tag) OK\n"
            case "GARBAGE": output += "what?\n"
            case "WRONGTAG": output += "+999 OK\n"
            case "SILENCE": continue
            case "BYE":
                output += "* BYE reason=replaced\n"
                isDead = true
            default:
                // Queries do not shorten a life, or a run that is killed often would never get past finding out where it is.
                isDead = !command.hasPrefix("ORD") && exchange.isDying()
                if isDead { break }
                for answer in exchange.apply(command) { output += "\(answer.first!)\(tag) \(answer.dropFirst())\n" }
            }
        }
        // A death loses what had not been sent, though it was applied: exactly what a client must be able to live with.
        if isDead, !output.contains("BYE") { return context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: output)), promise: nil)
        if isDead { context.close(promise: nil) }
    }
}
