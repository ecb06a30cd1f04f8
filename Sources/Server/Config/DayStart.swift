import Core
import Foundation

/// When the day begins that losses are counted in, in a time zone: what `SET day_start_minutes` has to be.
package struct DayStart: Sendable {
    private let zone: TimeZone

    /// - Parameter name: IANA name; `nil` when there is no such zone.
    package init?(zone name: String) {
        guard let zone = TimeZone(identifier: name) else { return nil }
        self.zone = zone
    }

    /// Minutes from midnight UTC to midnight there, by the offset that holds at `time` (microseconds). So a day on which clocks are changed begins at
    /// midnight, and the next one, 23 or 25 hours later, too.
    package func minutes(at time: Timestamp) -> Int64 {
        let offset = Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time / 1_000_000)))) / 60
        return ((-offset) % 1_440 + 1_440) % 1_440
    }
}
