import Glibc
import Synchronization

/// Monotonic time in nanoseconds, for durations. Some 25 ns a call: read per frame, turn or group of lines, never per record.
package func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}

/// A number that one thread at a time writes and any thread may read: a relaxed load and store, as cheap as a plain one, and never torn.
package struct Counter: @unchecked Sendable {
    private let value: UnsafeMutablePointer<Atomic<UInt64>>

    /// Lives as long as the process: there are a few of them per loop and log.
    package init() {
        value = .allocate(capacity: 1)
        value.initialize(to: Atomic(0))
    }

    @inline(__always)
    package func add(_ count: UInt64) { value.pointee.store(value.pointee.load(ordering: .relaxed) &+ count, ordering: .relaxed) }
    package var now: UInt64 { value.pointee.load(ordering: .relaxed) }
}

/// How often values of which size came: two buckets to each power of two. One thread at a time observes, any thread may look.
package struct Histogram: @unchecked Sendable {
    /// Up to 2^36: of nanoseconds over a minute, of records more than a frame holds. What is larger counts in the last.
    package static let bucketCount = 74

    private let counts: UnsafeMutablePointer<Atomic<UInt64>>
    private var sum: UnsafeMutablePointer<Atomic<UInt64>> { counts + Histogram.bucketCount }

    /// Lives as long as the process.
    package init() {
        counts = .allocate(capacity: Histogram.bucketCount + 1)
        for index in 0...Histogram.bucketCount { (counts + index).initialize(to: Atomic(0)) }
    }

    /// - Parameter weight: how many had this value.
    package func observe(_ value: UInt64, weight: UInt64 = 1) {
        let count = counts + Histogram.bucket(of: value)
        count.pointee.store(count.pointee.load(ordering: .relaxed) &+ weight, ordering: .relaxed)
        sum.pointee.store(sum.pointee.load(ordering: .relaxed) &+ value &* weight, ordering: .relaxed)
    }

    @inline(__always)
    package static func bucket(of value: UInt64) -> Int {
        if value < 2 { return Int(value) }
        let below = value &- 1
        let power = 63 &- below.leadingZeroBitCount
        if power == 0 { return 2 }
        return min(2 &+ 2 &* power &- 1 &+ Int(below >> UInt64(power &- 1) & 1), bucketCount &- 1)
    }

    /// The largest value that counts in a bucket; the last one's has none.
    package static func bound(of bucket: Int) -> UInt64 {
        if bucket < 3 { return UInt64(bucket) }
        let power = UInt64(bucket - 1) / 2
        return bucket % 2 == 1 ? 3 << (power - 1) : 2 << power
    }

    package var snapshot: HistogramCounts {
        HistogramCounts(
            counts: (0..<Histogram.bucketCount).map { counts[$0].load(ordering: .relaxed) }, sum: sum.pointee.load(ordering: .relaxed))
    }
}

/// What a ``Histogram`` had counted at some moment.
package struct HistogramCounts: Sendable {
    package var counts = [UInt64](repeating: 0, count: Histogram.bucketCount)
    package var sum: UInt64 = 0

    package init() {}
    init(counts: [UInt64], sum: UInt64) {
        self.counts = counts
        self.sum = sum
    }

    package mutating func merge(_ other: HistogramCounts) {
        for index in counts.indices { counts[index] += other.counts[index] }
        sum += other.sum
    }
}

/// What the log knows of its own work. Written by the holder of the log's token.
package struct LogTimes: Sendable {
    /// Of one frame: handed to the disk until it is on it. Nanoseconds.
    package let write = Histogram()
    /// Of a batch: sealed until durable; weighted by its records. Nanoseconds.
    package let sync = Histogram()
    /// Records of a frame.
    package let frameRecords = Histogram()
}
