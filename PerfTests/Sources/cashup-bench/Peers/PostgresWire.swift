import Load

/// PostgreSQL's frontend/backend protocol 3, the extended one as a driver with prepared statements speaks it: Parse once a connection, then Bind,
/// Execute and Sync an order, parameters and results binary. Each Sync ends a transaction, so several orders in flight are as many transactions, as
/// in libpq's pipeline mode. A message is a byte of type and a big-endian length, which counts itself and what follows.
struct PostgresWire: Wire {
    private var isFailed = false

    init() {}

    mutating func open(_ socket: borrowing Socket) throws {
        let session = PostgresSession()
        try session.start(socket)
        try session.prepare(socket, "p", PostgresSchema.call)
    }

    /// An answer: BindComplete, DataRow, CommandComplete or ErrorResponse, then ReadyForQuery, which comes after the commit.
    @inline(__always)
    mutating func next(_ input: UnsafeRawBufferPointer) -> WireStep {
        guard input.count >= 5 else { return WireStep(.incomplete, length: 0) }
        let length = 1 + Int(UInt32(bigEndian: input.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
        guard input.count >= length else { return WireStep(.incomplete, length: 0) }
        switch input[0] {
        case UInt8(ascii: "Z"):
            defer { isFailed = false }
            return WireStep(isFailed ? .part : .done, length: length)
        case UInt8(ascii: "E"):
            isFailed = true
            return WireStep(.refused, length: length)
        default: return WireStep(.part, length: length)
        }
    }

    func reason(_ message: UnsafeRawBufferPointer) -> String { PostgresSession.Fault(Array(message.dropFirst(5))).description }
}

struct PostgresOrders: Workload {
    private var orders = PeerOrders()

    @inline(__always)
    mutating func next(connection: Int, into buffer: inout RequestBuffer) -> Bool {
        let order = orders.next(connection: connection)
        buffer.put(UInt8(ascii: "B"))
        let place = buffer.skip(4)
        // The unnamed portal, statement `p`; one format for all six parameters: binary.
        buffer.put("\0p\0\0\u{1}\0\u{1}\0\u{6}")
        let idLength = 2 + decimalDigits(order.strategy) + decimalDigits(order.counter)
        buffer.put(network: UInt32(idLength))
        buffer.put(clientIDOf: order)
        buffer.put(network: UInt32(8))
        buffer.put(network: order.account)
        buffer.put(network: UInt32(2))
        buffer.put(network: UInt16(1))
        buffer.put(network: UInt32(1))
        buffer.put(UInt8(order.isBuy ? 1 : 0))
        buffer.put(network: UInt32(8))
        buffer.put(network: order.price)
        buffer.put(network: UInt32(8))
        buffer.put(network: order.quantity)
        // One format for all results: binary.
        buffer.put("\0\u{1}\0\u{1}")
        buffer.bytes(at: place).storeBytes(of: UInt32(buffer.end - place).bigEndian, as: UInt32.self)
        // Execute the unnamed portal, all rows; Sync.
        buffer.put("E\0\0\0\u{9}\0\0\0\0\0S\0\0\0\u{4}")
        return true
    }
}
