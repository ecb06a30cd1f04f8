import Load

/// RESP 2, as far as an order's answer needs it: one line, `:1` done, `-REASON` refused.
struct RedisWire: Wire {
    init() {}

    mutating func open(_ socket: borrowing Socket) throws {
        try socket.send("AUTH \(PeerTool.password)\r\n")
        guard try String(decoding: socket.receive(), as: UTF8.self).hasPrefix("+OK") else { throw LoadError("Redis refuses the password") }
    }

    @inline(__always)
    mutating func next(_ input: UnsafeRawBufferPointer) -> WireStep {
        guard let end = input.firstIndex(of: 0x0A) else { return WireStep(.incomplete, length: 0) }
        switch input[0] {
        case UInt8(ascii: ":"): return WireStep(.done, length: end + 1)
        case UInt8(ascii: "-"): return WireStep(.refused, length: end + 1)
        default: return WireStep(.part, length: end + 1)
        }
    }

    func reason(_ message: UnsafeRawBufferPointer) -> String {
        String(decoding: message.dropFirst(), as: UTF8.self).split(separator: "\r").first.map(String.init) ?? "?"
    }
}

/// EVALSHA, so that only the script's name travels.
struct RedisOrders: Workload {
    private var orders = PeerOrders()
    private let head: [UInt8]

    /// - Parameter script: the 40 hexadecimal digits that SCRIPT LOAD answered.
    init(script: String) { head = Array("*10\r\n$7\r\nEVALSHA\r\n$40\r\n\(script)\r\n$1\r\n2\r\n$".utf8) }

    @inline(__always)
    mutating func next(connection: Int, into buffer: inout RequestBuffer) -> Bool {
        let order = orders.next(connection: connection)
        head.withUnsafeBytes { buffer.put($0) }
        buffer.put(decimal: 4 + decimalDigits(order.strategy) + decimalDigits(order.counter))
        buffer.put("\r\no:")
        buffer.put(clientIDOf: order)
        let accountDigits = decimalDigits(order.account)
        buffer.put("\r\n$")
        buffer.put(decimal: 2 + accountDigits)
        buffer.put("\r\nb:")
        buffer.put(decimal: order.account)
        buffer.put("\r\n$")
        put(decimal: order.account, &buffer)
        if order.isBuy { buffer.put("\r\n$3\r\nUSD\r\n$") } else { buffer.put("\r\n$3\r\nBTC\r\n$") }
        put(decimal: order.price, &buffer)
        buffer.put("\r\n$")
        put(decimal: order.quantity, &buffer)
        buffer.put("\r\n$7\r\nBTC-USD\r\n")
        return true
    }

    /// Its length, a line end, and the number.
    @inline(__always)
    private func put(decimal value: UInt64, _ buffer: inout RequestBuffer) {
        buffer.put(decimal: decimalDigits(value))
        buffer.put("\r\n")
        buffer.put(decimal: value)
    }
}
