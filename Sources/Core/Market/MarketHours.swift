/// What was traded in each of the last 24 hours of the clock, the present one included.
struct MarketHours: BitwiseCopyable {
    struct Hour: BitwiseCopyable {
        /// Hours since 1970.
        var number: Int64 = 0
        /// Base quantity at the quantity scale; quote at price scale + quantity scale.
        var volume: Int128 = 0
        var turnover: Int128 = 0
        var high: Price = 0
        var low: Price = 0
        var trades: Int64 = 0
    }
    static var count: Int { 24 }
    var hours = InlineArray<24, Hour>(repeating: Hour())

    static func number(_ time: Timestamp) -> Int64 { time / 3_600_000_000 }

    @inline(__always)
    mutating func add(_ price: Price, _ quantity: Quantity, _ time: Timestamp) {
        let number = MarketHours.number(time)
        let index = Int(number % Int64(MarketHours.count))
        if hours[index].number != number { hours[index] = Hour(number: number, high: price, low: price) }
        hours[index].volume &+= Int128(quantity)
        hours[index].turnover &+= Int128(price) * Int128(quantity)
        hours[index].high = Swift.max(hours[index].high, price)
        hours[index].low = Swift.min(hours[index].low, price)
        hours[index].trades += 1
    }

    /// All of the 24 hours that end with the one of `now`.
    func total(now: Timestamp) -> Hour {
        var sum = Hour(number: MarketHours.number(now))
        for index in hours.indices where hours[index].trades > 0 && hours[index].number > sum.number - Int64(MarketHours.count) {
            let it = hours[index]
            sum.low = sum.trades == 0 ? it.low : Swift.min(sum.low, it.low)
            sum.high = Swift.max(sum.high, it.high)
            sum.volume &+= it.volume
            sum.turnover &+= it.turnover
            sum.trades += it.trades
        }
        return sum
    }
}
