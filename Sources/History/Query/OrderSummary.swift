import Core
import GRDB

/// Counts and sums of closed orders.
package struct OrderSummary: Sendable {
    package struct Filled: Sendable {
        package var symbol: String
        package var quote: String
        package var orders: Int
        /// Sum of what was filled, in base and in quote.
        package var volume: String
        package var value: String
    }
    package var orders = 0
    package var byStatus: [OrderStatus: Int] = [:]
    /// Per instrument, by symbol: different assets are never added up.
    package var filled: [Filled] = []
    /// Mean microseconds from entry to the last fill, of orders filled whole; `nil` when there is none.
    package var averageMicrosecondsToFill: Int64?

    init(_ db: Database, _ conditions: Conditions, _ names: Names) throws {
        if conditions.isEmpty { return }
        let (condition, arguments) = conditions.whole()
        var sums: [InstrumentID: (orders: Int, volume: Int128, value: Int128)] = [:]
        var (fills, micros) = (0, Int128(0))
        let rows = try Row.fetchCursor(
            db, sql: "SELECT status, instrument, cumulative, value, took FROM orders\(condition)", arguments: arguments)
        while let row = try rows.next() {
            let status: OrderStatus = try row.value("status")
            orders += 1
            byStatus[status, default: 0] += 1
            if status == .filled {
                fills += 1
                micros += Int128(row["took"] as Int64)
            }
            guard let value: String = row["value"] else { continue }
            var sum = sums[row["instrument"]] ?? (0, 0, 0)
            sum.orders += 1
            try sum.volume.add(Int128(row["cumulative"] as Int64))
            try sum.value.add(Names.amount(value))
            sums[row["instrument"]] = sum
        }
        filled = try sums.map { instrument, sum in
            let info = try names.instrument(instrument)
            return Filled(
                symbol: info.symbol, quote: info.quote.name, orders: sum.orders, volume: names.quantity(sum.volume, info),
                value: names.amount(sum.value, info.quote))
        }.sorted { $0.symbol < $1.symbol }
        if fills > 0 { averageMicrosecondsToFill = Int64(micros / Int128(fills)) }
    }
}
