import Core
import NIOCore
import Server

/// Both clocks of the machine. Only the world moves them.
final class SimulatedClock: @unchecked Sendable {
    private let trace: Trace
    /// Microseconds since the machine was started.
    private(set) var monotonic: Timestamp = 1_000_000
    /// Unix time, microseconds; may jump.
    private(set) var wall: Timestamp = 1_763_800_000_000_000
    /// The wall clock stands still.
    var isStopped = false

    init(trace: Trace) { self.trace = trace }

    func pass(micros: Int) {
        monotonic += Timestamp(micros)
        if !isStopped { wall += Timestamp(micros) }
        trace.time = monotonic
    }

    /// Somebody sets the wall clock.
    func jump(micros: Int) { wall += Timestamp(micros) }

    func set(wall time: Timestamp) { wall = time }

    var deadline: NIODeadline { .uptimeNanoseconds(UInt64(monotonic) * 1_000) }

    var source: ServiceClock.Source { ServiceClock.Source(wall: { self.wall }, monotonic: { self.monotonic }) }
}
