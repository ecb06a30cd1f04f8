import Core
import SimulatorModel
import Testing

/// Of limits, latches and timers: one thing is changed on its way to the auditor, and it must see that.
@Suite struct AuditorRiskTests {
    @Test func `a latch that was not recorded`() {
        #expect(AuditorTests.isSeen { if case .lossLatched(_, _, true) = $0 { .some(nil) } else { nil } })
    }

    @Test func `a reset that was not recorded`() {
        #expect(AuditorTests.isSeen { if case .lossLatched(_, _, false) = $0 { .some(nil) } else { nil } })
    }

    @Test func `a timer that stays on when it has run out`() {
        #expect(AuditorTests.isSeen { if case .deadManSet(_, 0) = $0 { .some(nil) } else { nil } })
    }

    @Test func `a timer a second longer`() {
        #expect(
            AuditorTests.isSeen {
                guard case .deadManSet(let account, let deadline) = $0, deadline != 0 else { return nil }
                return .deadManSet(account: account, deadline: deadline + 1_000_000)
            })
    }

    @Test func `an order that a timer leaves open`() {
        #expect(
            AuditorTests.isSeen {
                guard case .orderCanceled(let canceled) = $0, canceled.reason == .deadMan else { return nil }
                return .some(nil)
            })
    }

    @Test func `limits of all that were not recorded`() {
        #expect(AuditorTests.isSeen { if case .limitsSet(0, _, _) = $0 { .some(nil) } else { nil } })
    }

    @Test func `a rate of one more`() {
        #expect(
            AuditorTests.isSeen {
                guard case .limitsSet(let account, let instrument, var limits) = $0, limits.maxOrderRate < 100 else { return nil }
                limits.maxOrderRate += 1
                return .limitsSet(account: account, instrument: instrument, limits)
            })
    }

    @Test func `a wait longer than the bucket needs`() {
        #expect(
            AuditorTests.isSeen(replacing: " retry=", with: " retry=9") { line in
                line.first == "-" && line.contains(" LIMIT_ORDER_RATE ")
            })
    }

    @Test func `a loss larger than it is`() {
        #expect(
            AuditorTests.isSeen(replacing: " value=", with: " value=9") { line in
                line.first == "-" && line.contains(" LIMIT_DAILY_LOSS ") && !line.contains(" limit=- ")
            })
    }
}
