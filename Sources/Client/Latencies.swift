/// Measured durations, kept whole, so that percentiles are exact. 8 bytes each.
public struct Latencies: Sendable {
    private var nanoseconds: [UInt64] = []
    private var isSorted = true

    public init(reserving count: Int = 0) { nanoseconds.reserveCapacity(count) }

    public var count: Int { nanoseconds.count }

    public mutating func record(nanoseconds value: UInt64) {
        nanoseconds.append(value)
        isSorted = false
    }

    public mutating func merge(_ other: Latencies) {
        nanoseconds.append(contentsOf: other.nanoseconds)
        isSorted = false
    }

    /// The smallest value that at least `percent` % of all are not above (nearest rank), in nanoseconds; nil of none.
    public mutating func percentile(_ percent: Double) -> UInt64? {
        guard !nanoseconds.isEmpty else { return nil }
        if !isSorted {
            nanoseconds.sort()
            isSorted = true
        }
        // In whole thousandths of a percent, because 99.9 / 100 x 1000 is a little more than 999.
        let rank = (Int((percent * 1000).rounded()) * nanoseconds.count + 99_999) / 100_000
        return nanoseconds[min(max(rank, 1), nanoseconds.count) - 1]
    }
}
