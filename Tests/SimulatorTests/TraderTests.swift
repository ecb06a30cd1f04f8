import Core
import SimulatorModel
import Testing

/// Traders of every kind against the shards themselves: whatever they send, the model agrees with Core.
@Suite struct TraderTests {
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `traders against the shards: the auditor agrees`(seed: UInt64) {
        let world = DirectWorld(seed: seed, wallets: Int(1 + seed % 4), traders: [.valid, .valid, .valid, .careless, .hostile])
        for _ in 0..<6 {
            world.run(steps: 8_000)
            world.check()
            if world.auditor.failure == nil { world.crash() }
        }
        world.check()
        let failure = world.auditor.failure
        #expect(failure == nil, "seed \(seed): \(failure ?? "")")
        #expect(world.auditor.counts.unjudged == 0)
        if seed == 1 { print(world.auditor.counts) }
    }
}
