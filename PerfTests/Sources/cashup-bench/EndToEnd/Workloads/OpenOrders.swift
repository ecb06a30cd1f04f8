import Load

/// What a strategy knows of the orders it has open: one strategy a connection, whose commands are taken in the order sent, so it may replace and
/// cancel what it has just entered.
struct OpenOrders {
    struct Order {
        var counter: UInt64
        var account: UInt64
        var isBuy: Bool
        /// In lots of 1e-8.
        var quantity: UInt64
        /// In ticks above 1000.00.
        var ticks: UInt64
        var fills: UInt64 = 0
    }
    private(set) var orders: [Order] = []
    private var counter: UInt64 = 0

    var isEmpty: Bool { orders.isEmpty }

    mutating func enter(account: UInt64, isBuy: Bool, quantity: UInt64, ticks: UInt64) -> Order {
        counter += 1
        let order = Order(counter: counter, account: account, isBuy: isBuy, quantity: quantity, ticks: ticks)
        orders.append(order)
        return order
    }

    subscript(index: Int) -> Order {
        get { orders[index] }
        set { orders[index] = newValue }
    }

    /// Takes one out; the last takes its place.
    mutating func remove(_ index: Int) -> Order {
        let order = orders[index]
        orders[index] = orders[orders.count - 1]
        orders.removeLast()
        return order
    }

    mutating func any(_ random: inout SplitMix) -> Int { Int(random.next(below: UInt64(orders.count))) }
}

extension RequestBuffer {
    /// `7 NEW 7 BTC-USD B LMT 0.00000100 1000.17 GTC id=m3-12`
    mutating func putNew(_ order: OpenOrders.Order, tag: UInt64, strategy: UInt64, prefix: StaticString, immediate: Bool = false) {
        put(decimal: tag)
        put(" NEW ")
        put(decimal: order.account)
        put(order.isBuy ? " BTC-USD B LMT " : " BTC-USD S LMT ")
        putTerms(order)
        put(immediate ? " IOC " : " GTC ")
        putID(order, strategy, prefix)
        put("\n")
    }

    mutating func putReplace(_ order: OpenOrders.Order, tag: UInt64, strategy: UInt64, prefix: StaticString) {
        put(decimal: tag)
        put(" RPL ")
        put(decimal: order.account)
        put(" BTC-USD ")
        putID(order, strategy, prefix)
        put(" ")
        putTerms(order)
        put("\n")
    }

    mutating func putCancel(_ order: OpenOrders.Order, tag: UInt64, strategy: UInt64, prefix: StaticString) {
        put(decimal: tag)
        put(" CXL ")
        put(decimal: order.account)
        put(" BTC-USD ")
        putID(order, strategy, prefix)
        put("\n")
    }

    mutating func putTerms(_ order: OpenOrders.Order) {
        put("0.")
        put(decimal: order.quantity, digits: 8)
        put(" 1000.")
        put(decimal: order.ticks, digits: 2)
    }

    mutating func putID(_ order: OpenOrders.Order, _ strategy: UInt64, _ prefix: StaticString) {
        put("id=")
        put(prefix)
        put(decimal: strategy)
        put("-")
        put(decimal: order.counter)
    }
}
