import Glibc
import SimulatorModel

/// What many runs came to.
struct Summary {
    private var runs = 0
    private var steps = 0
    private var calls = 0
    private var records = 0
    private var simulatedMicros: Int64 = 0
    private var counts: [String: Int] = [:]
    private var audited: Auditor.Counts?
    private var seeds: ClosedRange<UInt64>?

    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    mutating func add(_ world: World) {
        runs += 1
        steps += world.steps
        calls += world.disk.calls
        records += world.feed.records
        simulatedMicros += world.clock.monotonic
        seeds = min(seeds?.lowerBound ?? world.seed, world.seed)...max(seeds?.upperBound ?? 0, world.seed)
        if audited == nil { audited = world.auditor.counts } else { audited!.add(world.auditor.counts) }
        for (name, count) in world.trace.counts { counts[name, default: 0] += count }
    }

    func print(seconds: Double) {
        let text = "\(Double(Int(seconds * 10)) / 10)"
        let range = seeds.map { $0.count == 1 ? "seed \($0.lowerBound)" : "seeds \($0.lowerBound) to \($0.upperBound)" } ?? "no seed"
        Swift.print(
            "\(runs) runs in \(text) s, \(range): \(steps) steps, \(calls) disk calls, \(records) records, \(simulatedMicros / 1_000_000) simulated seconds")
        Swift.print(counts.keys.sorted().map { "\($0): \(counts[$0]!)" }.joined(separator: ", "))
        if let audited { Swift.print("audited: \(audited)") }
    }
}

extension Auditor.Counts {
    fileprivate mutating func add(_ other: Auditor.Counts) {
        sent += other.sent
        answers += other.answers
        done += other.done
        repeats += other.repeats
        rows += other.rows
        events += other.events
        records += other.records
        crashes += other.crashes
        checks += other.checks
        market += other.market
        matches += other.matches
        triggers += other.triggers
        latches += other.latches
        timers += other.timers
        byRule.merge(other.byRule, uniquingKeysWith: +)
        lost += other.lost
        unjudged += other.unjudged
        verbs.merge(other.verbs, uniquingKeysWith: +)
        refusals.merge(other.refusals, uniquingKeysWith: +)
    }
}
