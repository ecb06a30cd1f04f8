import Load

/// What an order management system sees of a desk: orders come, are filled in parts, most of the rest is cancelled, and someone always looks.
struct DeskDay: Workload {
    static let name = "a desk's day: 34 % new, 30 % partial fills, 26 % cancels, 10 % queries"
    private static let prefix: StaticString = "d"
    private static let restingMin = 64
    private static let parts: UInt64 = 4

    private var strategies: [OpenOrders]
    private var random = SplitMix(seed: 12)
    private var sent: UInt64 = 0

    init(connections: Int) { strategies = Array(repeating: OpenOrders(), count: connections) }

    mutating func next(connection: Int, into buffer: inout RequestBuffer) -> Bool {
        sent &+= 1
        let tag = sent % 1_000
        let strategy = UInt64(connection)
        let draw = strategies[connection].orders.count < Self.restingMin ? 0 : random.next(below: 100)
        switch draw {
        case 0..<34:
            let order = strategies[connection].enter(
                account: 1 + random.next(below: 1_000), isBuy: random.next() & 1 == 0, quantity: Self.parts * (1 + random.next(below: 200_000)),
                ticks: random.next(below: 50))
            buffer.putNew(order, tag: tag, strategy: strategy, prefix: Self.prefix)
        case 34..<64:
            let index = strategies[connection].any(&random)
            strategies[connection][index].fills += 1
            let order = strategies[connection][index]
            putFill(order, tag, strategy, &buffer)
            if order.fills == Self.parts { _ = strategies[connection].remove(index) }
        case 64..<90:
            let order = strategies[connection].remove(strategies[connection].any(&random))
            buffer.putCancel(order, tag: tag, strategy: strategy, prefix: Self.prefix)
        default: putQuery(strategies[connection][strategies[connection].any(&random)], draw, tag, strategy, &buffer)
        }
        return true
    }

    /// A quarter, at its limit.
    private func putFill(_ order: OpenOrders.Order, _ tag: UInt64, _ strategy: UInt64, _ buffer: inout RequestBuffer) {
        buffer.put(decimal: tag)
        buffer.put(" FIL ")
        buffer.put(decimal: order.account)
        buffer.put(" BTC-USD ")
        buffer.putID(order, strategy, Self.prefix)
        var part = order
        part.quantity = order.quantity / Self.parts
        buffer.put(" ")
        buffer.putTerms(part)
        buffer.put(" fee=0.0000001 liq=M exec=f")
        buffer.put(decimal: order.fills)
        buffer.put("\n")
    }

    private func putQuery(_ order: OpenOrders.Order, _ draw: UInt64, _ tag: UInt64, _ strategy: UInt64, _ buffer: inout RequestBuffer) {
        buffer.put(decimal: tag)
        buffer.put(draw < 96 ? " ORD " : draw < 98 ? " BAL " : " POS ")
        buffer.put(decimal: order.account)
        if draw < 96 {
            buffer.put(" BTC-USD ")
            buffer.putID(order, strategy, Self.prefix)
        }
        buffer.put("\n")
    }
}
