import Core
import Glibc
import Synchronization

/// The service's time: the wall clock at start plus monotonic time, slewed towards the wall clock by at most 0.1 %. It never goes
/// back and never jumps: a wall clock that is a day ahead for a second must not expire orders or evict ids. A difference larger
/// than slewing mends in a reasonable time is an alarm for a person (``alarm``), not a correction.
///
/// Any thread may read it; a loop does so once per turn and hands the value down.
package final class ServiceClock: Sendable {
    /// Where the two times come from; in microseconds. The seam of tests and simulation.
    package struct Source: Sendable {
        /// Unix time.
        package var wall: @Sendable () -> Timestamp
        package var monotonic: @Sendable () -> Timestamp
        package init(wall: @escaping @Sendable () -> Timestamp, monotonic: @escaping @Sendable () -> Timestamp) {
            self.wall = wall
            self.monotonic = monotonic
        }
        package static let system = Source(
            wall: { read(CLOCK_REALTIME) }, monotonic: { read(CLOCK_MONOTONIC) })

        private static func read(_ id: clockid_t) -> Timestamp {
            var time = timespec()
            clock_gettime(id, &time)
            return Timestamp(time.tv_sec) * 1_000_000 + Timestamp(time.tv_nsec) / 1_000
        }
    }

    /// How often the wall clock is looked at.
    static let checkIntervalMicros: Int64 = 1_000_000
    /// A difference beyond this is reported: slewing would take over half an hour.
    static let alarmDifferenceMicros: Int64 = 2_000_000

    private struct State {
        /// The service's time was `time` when monotonic time was `monotonic`.
        var monotonic: Timestamp
        var time: Timestamp
        /// Parts per million added to the monotonic clock's rate, -1000...1000.
        var slewPPM: Int64 = 0
        var last: Timestamp
        var difference: Int64 = 0
    }

    private let source: Source
    private let state: Mutex<State>

    /// - Parameter floor: the last time in the log; the service's time starts there if the wall clock is behind it.
    package init(source: Source = .system, floor: Timestamp = 0) {
        self.source = source
        let start = max(source.wall(), floor)
        state = Mutex(State(monotonic: source.monotonic(), time: start, last: start))
    }

    /// Microseconds; never less than any value returned before, on any thread.
    package func now() -> Timestamp {
        let monotonic = source.monotonic()
        return state.withLock { state in
            let elapsed = max(0, monotonic - state.monotonic)
            var time = state.time + elapsed + elapsed * state.slewPPM / 1_000_000
            time = max(time, state.last)
            state.last = time
            if elapsed >= ServiceClock.checkIntervalMicros {
                state.monotonic = monotonic
                state.time = time
                state.difference = source.wall() - time
                // The whole difference within the next interval, at most 0.1 %.
                state.slewPPM = max(-1_000, min(1_000, state.difference))
            }
            return time
        }
    }

    /// Wall clock minus service time in microseconds, when it is too large to be slewed away; `nil` otherwise.
    package var alarm: Int64? {
        let difference = state.withLock { $0.difference }
        return abs(difference) > ServiceClock.alarmDifferenceMicros ? difference : nil
    }

    /// Monotonic microseconds, for durations.
    package func monotonic() -> Timestamp { source.monotonic() }
}
