import Core
import Foundation
import Testing
import Twin

/// Core's venue against its naive twin. `FUZZ_SEED` gives other streams, `FUZZ_STREAMS` more of them.
@Suite struct TwinTests {
    @Test func `random streams: Core and the twin decide, record and hold the same`() async {
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["FUZZ_SEED"].flatMap { UInt64($0) } ?? 20_261_127
        let streams = environment["FUZZ_STREAMS"].flatMap { Int($0) } ?? 400
        let only = environment["FUZZ_STREAM"].flatMap { Int($0) }
        let all = only.map { $0..<$0 + 1 } ?? 0..<streams
        var whole = Coverage()
        var faults: [String] = []
        await withTaskGroup(of: (Coverage, [String]).self) { group in
            for part in 0..<2 {
                group.addTask {
                    var coverage = Coverage()
                    var faults: [String] = []
                    for number in all where number % 2 == part {
                        let stream = TwinStream(seed: seed, number: number)
                        stream.isCareful = only != nil
                        // The long ones forget what is beyond their window.
                        stream.run(number % 16 == 2 ? 10_000 : 2_500)
                        coverage.add(stream.coverage)
                        if let fault = stream.fault { faults.append("FUZZ_SEED=\(seed) FUZZ_STREAM=\(number), command \(stream.coverage.commands): \(fault)") }
                        if faults.count == 5 { break }
                    }
                    return (coverage, faults)
                }
            }
            for await (coverage, some) in group {
                whole.add(coverage)
                faults += some
            }
        }
        print("twin: FUZZ_SEED=\(seed), \(all.count) streams: \(whole.text)")
        for fault in faults { Issue.record("\(fault)") }
        // The test means something only if everything was seen.
        if only == nil, faults.isEmpty { #expect(whole.gaps == []) }
    }
}
