import Core
import SimulatorModel
import Testing

/// An auditor that never fails proves nothing: one thing is changed on its way to it, and it must see that.
@Suite struct AuditorTests {
    final class Flag { var isSet = false }

    /// Runs worlds until the change came about in one of them; there the auditor must have failed.
    static func isSeen(_ change: (DirectWorld, Flag) -> Void) -> Bool {
        var changed = 0
        for seed in 1...30 as ClosedRange<UInt64> where changed < 1 {
            let world = DirectWorld(seed: seed, wallets: 1, traders: [.valid, .valid, .valid])
            let flag = Flag()
            change(world, flag)
            world.run(steps: 3_000)
            world.check()
            guard flag.isSet else { continue }
            changed += 1
            if world.auditor.failure == nil { return false }
        }
        return changed > 0
    }

    static func isSeen(record change: @escaping (Mutation) -> Mutation??) -> Bool {
        isSeen { world, flag in
            world.record = { mutation in
                guard !flag.isSet, let other = change(mutation) else { return mutation }
                flag.isSet = true
                return other
            }
        }
    }

    /// Of the first line that is meant.
    static func isSeen(replacing part: String, with other: String, where isMeant: @escaping (String) -> Bool) -> Bool {
        isSeen { world, flag in
            world.spoil = { line in
                guard !flag.isSet, isMeant(line) else { return line }
                flag.isSet = true
                return line.replacing(part, with: other)
            }
        }
    }

    @Test func `a match that was not recorded`() {
        #expect(AuditorTests.isSeen { if case .matched = $0 { .some(nil) } else { nil } })
    }

    @Test func `a match for less`() {
        #expect(
            AuditorTests.isSeen {
                guard case .matched(var matched) = $0, matched.quantity > 1 else { return nil }
                matched.quantity -= 1
                return .matched(matched)
            })
    }

    @Test func `a fee of one unit less`() {
        #expect(
            AuditorTests.isSeen {
                guard case .matched(var matched) = $0, matched.takerFee > 0 else { return nil }
                matched.takerFee -= 1
                return .matched(matched)
            })
    }

    @Test func `an order that does not trigger`() {
        #expect(AuditorTests.isSeen { if case .orderTriggered = $0 { .some(nil) } else { nil } })
    }

    @Test func `an answer that says less than was traded`() {
        #expect(
            AuditorTests.isSeen(replacing: " cum=", with: " cum=9") { line in
                line.first == "+" && line.contains(" PARTIALLY_FILLED ") && line.contains(" cum=")
            })
    }

    @Test func `a book with a level too few`() {
        #expect(
            AuditorTests.isSeen(replacing: " orders=", with: " orders=1") { line in
                line.first == "=" && line.contains(" bid px=") && !line.contains("state=")
            })
    }
}
