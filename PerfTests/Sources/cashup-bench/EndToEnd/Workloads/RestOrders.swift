import Load

/// The orders of ``Population`` as `POST /api/v1/orders`, one request the same for the service and its peer.
struct RestOrders: Workload {
    enum Access {
        /// Without authentication: the account is a header.
        case open
        /// One token for all accounts; the account is in the body.
        case token(String)
    }
    static let path = "/api/v1/orders"
    static let description =
        "POST \(path), JSON, keep-alive, one order in flight a connection: limit gtc on BTC-USD; buys and sells in turn; 1,000 accounts, prices 1000.00 to "
        + "1000.49, quantities 1 to 10^6 lots of 1e-8, all uniform; ids strategy-counter, a strategy a connection. Every order rests"

    private let head: [UInt8]
    private let isOpen: Bool
    private var random: SplitMix
    private var counters = [UInt64](repeating: 0, count: 1_024)

    init(port: Int, access: Access, seed: UInt64 = 1) {
        var head = "POST \(Self.path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
        switch access {
        case .open: isOpen = true
        case .token(let token):
            isOpen = false
            head += "Authorization: Bearer \(token)\r\n"
        }
        self.head = Array(head.utf8)
        random = SplitMix(seed: seed)
    }

    @inline(__always)
    mutating func next(connection: Int, into buffer: inout RequestBuffer) -> Bool {
        let counter = counters[connection]
        counters[connection] = counter &+ 1
        let draw = random.next()
        let account = 1 + draw >> 40 % PeerOrders.accounts
        head.withUnsafeBytes { buffer.put($0) }
        if isOpen {
            buffer.put("X-Account: ")
            buffer.put(decimal: account)
            buffer.put("\r\n")
        }
        buffer.put("Content-Length: ")
        let length = buffer.skip(3)
        buffer.put("\r\n\r\n")
        let body = buffer.end
        if isOpen {
            buffer.put("{")
        } else {
            buffer.put("{\"account_id\":")
            buffer.put(decimal: account)
            buffer.put(",")
        }
        buffer.put("\"symbol\":\"BTC-USD\",\"order_type\":\"limit\",\"side\":")
        if counter & 1 == 0 { buffer.put("\"buy\"") } else { buffer.put("\"sell\"") }
        buffer.put(",\"quantity\":\"0.")
        buffer.put(decimal: 1 + random.next(below: 1_000_000), digits: 8)
        buffer.put("\",\"price\":\"1000.")
        buffer.put(decimal: draw & 0xFFFF % 50, digits: 2)
        buffer.put("\",\"time_in_force\":\"gtc\",\"client_order_id\":\"s")
        buffer.put(decimal: UInt64(connection))
        buffer.put("-")
        buffer.put(decimal: counter)
        buffer.put("\"}")
        // Between 100 and 999 bytes, whatever the numbers are.
        var rest = buffer.end - body
        for place in (0..<3).reversed() {
            buffer.bytes(at: length + place).storeBytes(of: UInt8(48 + rest % 10), as: UInt8.self)
            rest /= 10
        }
        return true
    }
}
