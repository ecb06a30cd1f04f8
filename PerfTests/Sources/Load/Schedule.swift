import Glibc

/// When arrivals are due, whatever the answers do. Nanoseconds from the start of the run, ascending.
public protocol Schedule {
    /// The next arrival; nil when there is none any more.
    mutating func next() -> Int64?
}

/// Independent arrivals at a mean rate: exponential gaps (a Poisson process), as many unrelated strategies make. The rate may change in steps.
public struct PoissonSchedule: Schedule {
    public struct Step: Sendable {
        public var seconds: Double
        public var perSecond: Double
        public init(seconds: Double, perSecond: Double) {
            self.seconds = seconds
            self.perSecond = perSecond
        }
    }
    private let steps: [Step]
    private var step = 0
    private var stepEnd: Double
    private var gap: Double
    private var time = 0.0
    private var random: SplitMix

    public init(_ steps: [Step], seed: UInt64) {
        self.steps = steps
        stepEnd = steps[0].seconds * 1e9
        gap = 1e9 / steps[0].perSecond
        random = SplitMix(seed: seed)
    }

    public init(perSecond: Double, seconds: Double, seed: UInt64) {
        self.init([Step(seconds: seconds, perSecond: perSecond)], seed: seed)
    }

    @inline(__always)
    public mutating func next() -> Int64? {
        let uniform = (Double(random.next() >> 11) + 1) * 0x1p-53
        time -= log(uniform) * gap
        while time >= stepEnd {
            guard step + 1 < steps.count else { return nil }
            // A Poisson process has no memory: what is left of the gap goes on at the new rate.
            step += 1
            let rest = (time - stepEnd) / gap
            gap = 1e9 / steps[step].perSecond
            time = stepEnd + rest * gap
            stepEnd += steps[step].seconds * 1e9
        }
        return Int64(time)
    }
}

/// One arrival every 1 / rate seconds.
public struct ConstantSchedule: Schedule {
    private let gap: Double
    private let count: Int
    private var number = 0

    public init(perSecond: Double, seconds: Double) {
        gap = 1e9 / perSecond
        count = Int(perSecond * seconds)
    }

    @inline(__always)
    public mutating func next() -> Int64? {
        guard number < count else { return nil }
        number += 1
        return Int64(Double(number) * gap)
    }
}

/// Times that were recorded.
public struct RecordedSchedule: Schedule {
    private let times: [Int64]
    private var number = 0

    public init(nanoseconds: [Int64]) { times = nanoseconds }

    @inline(__always)
    public mutating func next() -> Int64? {
        guard number < times.count else { return nil }
        number += 1
        return times[number - 1]
    }
}
