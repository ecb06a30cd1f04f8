import Core
import SimulatorModel
import Testing

@Suite struct AuditorTests {
    @Test func `nothing`() {}
}
