import Glibc

/// What many runs came to.
struct Summary {
    private var runs = 0
    private var steps = 0
    private var calls = 0
    private var records = 0
    private var simulatedMicros: Int64 = 0
    private var counts: [String: Int] = [:]

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
        for (name, count) in world.trace.counts { counts[name, default: 0] += count }
    }

    func print(seconds: Double) {
        let text = String(Int(seconds * 10)).isEmpty ? "" : "\(Double(Int(seconds * 10)) / 10)"
        Swift.print(
            "\(runs) runs in \(text) s: \(steps) steps, \(calls) disk calls, \(records) records, \(simulatedMicros / 1_000_000) simulated seconds")
        Swift.print(counts.keys.sorted().map { "\($0): \(counts[$0]!)" }.joined(separator: ", "))
    }
}
