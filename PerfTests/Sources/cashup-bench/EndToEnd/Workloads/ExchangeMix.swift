import Load

/// The message mix that exchange-core publishes its figures with: 9 % GTC, 3 % IOC, 6 % cancel, 82 % move. On a manual venue an IOC order rests until it
/// is reported on, so it is open like the others here, and the population grows by 6 % of the messages.
struct ExchangeMix: Workload {
    static let name = "exchange-core's mix: 9 % GTC, 3 % IOC, 6 % cancel, 82 % move"
    private static let prefix: StaticString = "x"
    /// Made before anything is moved.
    private static let restingMin = 128

    private var strategies: [OpenOrders]
    private var random = SplitMix(seed: 11)
    private var sent: UInt64 = 0

    init(connections: Int) { strategies = Array(repeating: OpenOrders(), count: connections) }

    mutating func next(connection: Int, into buffer: inout RequestBuffer) -> Bool {
        sent &+= 1
        let tag = sent % 1_000
        let strategy = UInt64(connection)
        let draw = strategies[connection].orders.count < Self.restingMin ? 0 : random.next(below: 100)
        switch draw {
        case 0..<12:
            let order = strategies[connection].enter(
                account: 1 + random.next(below: 1_000), isBuy: random.next() & 1 == 0, quantity: 1 + random.next(below: 1_000_000),
                ticks: random.next(below: 50))
            buffer.putNew(order, tag: tag, strategy: strategy, prefix: Self.prefix, immediate: draw >= 9)
        case 12..<18:
            let order = strategies[connection].remove(strategies[connection].any(&random))
            buffer.putCancel(order, tag: tag, strategy: strategy, prefix: Self.prefix)
        default:
            let index = strategies[connection].any(&random)
            // Never to where it is: that would be a repeat.
            strategies[connection][index].ticks = (strategies[connection][index].ticks + 1 + random.next(below: 49)) % 50
            buffer.putReplace(strategies[connection][index], tag: tag, strategy: strategy, prefix: Self.prefix)
        }
        return true
    }
}
