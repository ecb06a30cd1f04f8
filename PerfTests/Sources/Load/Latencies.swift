import Histogram

/// Latencies in nanoseconds, HdrHistogram with three significant digits from 0.1 us to 100 s; longer ones count as that.
public struct Latencies: Sendable {
    static let longest: UInt64 = 100_000_000_000
    public private(set) var histogram = Histogram<UInt64>(
        lowestDiscernibleValue: 64, highestTrackableValue: longest, numberOfSignificantValueDigits: .three)

    public init() {}

    @inline(__always)
    public mutating func record(_ nanoseconds: Int64, count: UInt64 = 1) {
        histogram.record(min(UInt64(max(nanoseconds, 0)), Self.longest), count: count)
    }

    public mutating func add(_ other: Latencies) { histogram.add(other.histogram) }

    public var count: Int { Int(histogram.totalCount) }

    /// Microseconds; 0 if nothing was recorded.
    public func microseconds(percentile: Double) -> Double {
        count == 0 ? 0 : Double(histogram.valueAtPercentile(percentile)) / 1_000
    }
    public var maxMicroseconds: Double { Double(histogram.maxRecorded) / 1_000 }

    /// (percentile, microseconds), denser towards 100, up to the last percentile that a recorded value stands behind: for plots.
    public func curve() -> [(percentile: Double, microseconds: Double)] {
        var points: [(percentile: Double, microseconds: Double)] = []
        var beyond = 100.0
        while count > 0 {
            for step in 0..<8 {
                let part = beyond * (1 - Double(step) * 0.9 / 8)
                if Double(count) * part < 100 { return points }
                points.append((100 - part, microseconds(percentile: 100 - part)))
            }
            beyond /= 10
        }
        return points
    }
}

/// Throughput and latency over time.
public struct Series: Sendable {
    public struct Interval: Sendable {
        public var seconds: Double
        public var answered = 0
        public var p50Microseconds = 0.0
        public var p99Microseconds = 0.0
        public var maxMicroseconds = 0.0
    }
    public private(set) var intervals: [Interval] = []
    let nanoseconds: Int64
    private let start: Int64
    private var end: Int64
    private var current = Histogram<UInt64>(
        lowestDiscernibleValue: 1_024, highestTrackableValue: Latencies.longest, numberOfSignificantValueDigits: .two)

    init(start: Int64, intervalNanoseconds: Int64, reserving intervals: Int) {
        nanoseconds = intervalNanoseconds
        self.start = start
        end = start + intervalNanoseconds
        self.intervals.reserveCapacity(intervals)
    }

    @inline(__always)
    mutating func record(_ latency: Int64, count: UInt64, at now: Int64) {
        if now >= end { roll(to: now) }
        current.record(min(UInt64(max(latency, 0)), Latencies.longest), count: count)
    }

    mutating func roll(to now: Int64) {
        while now >= end {
            var interval = Interval(seconds: Double(end - start) / 1e9, answered: Int(current.totalCount))
            if interval.answered > 0 {
                interval.p50Microseconds = Double(current.valueAtPercentile(50)) / 1_000
                interval.p99Microseconds = Double(current.valueAtPercentile(99)) / 1_000
                interval.maxMicroseconds = Double(current.maxRecorded) / 1_000
                current.reset()
            }
            intervals.append(interval)
            end += nanoseconds
        }
    }
}
