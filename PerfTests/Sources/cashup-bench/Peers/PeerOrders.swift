import Load

/// The orders that the peers are given: drawn as ``Population`` draws the service's, and written by each peer's workload in its own protocol.
struct PeerOrders {
    static let accounts: UInt64 = 1_000
    /// A price of 1 is 0.01 USD, a quantity of 1 is 1e-8 BTC, so an amount of 1 is 1e-10 USD or 1e-8 BTC: all are exact in 64 bits.
    static let lowestPrice: UInt64 = 100_000
    /// 10^8 USD or 10^10 BTC an account and asset. The service is given 10^9 USD; both are never used up.
    static let funding = 1_000_000_000_000_000_000

    struct Order {
        var account: UInt64
        var isBuy: Bool
        var price: UInt64
        var quantity: UInt64
        /// The client id is `s<strategy>-<counter>`.
        var strategy: UInt64
        var counter: UInt64
    }

    private var random: SplitMix
    private var counters = [UInt64](repeating: 0, count: 1_024)

    init(seed: UInt64 = 1) { random = SplitMix(seed: seed) }

    @inline(__always)
    mutating func next(connection: Int) -> Order {
        let counter = counters[connection]
        counters[connection] = counter &+ 1
        let draw = random.next()
        return Order(
            account: 1 + (draw >> 40) % Self.accounts, isBuy: counter & 1 == 0, price: Self.lowestPrice + (draw & 0xFFFF) % 50,
            quantity: 1 + random.next(below: 1_000_000), strategy: UInt64(connection), counter: counter)
    }
}

extension RequestBuffer {
    @inline(__always)
    mutating func put(clientIDOf order: PeerOrders.Order) {
        put(UInt8(ascii: "s"))
        put(decimal: order.strategy)
        put(UInt8(ascii: "-"))
        put(decimal: order.counter)
    }

    /// Big-endian, as PostgreSQL sends numbers.
    @inline(__always)
    mutating func put(network value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { put($0) }
    }
}

/// So many decimal digits as `value` takes.
@inline(__always)
func decimalDigits(_ value: UInt64) -> UInt64 {
    var digits: UInt64 = 1
    var rest = value
    while rest > 9 {
        rest /= 10
        digits += 1
    }
    return digits
}
