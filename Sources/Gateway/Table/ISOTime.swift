import Server

/// ISO 8601 in UTC, to the microsecond.
enum ISOTime {
    /// `2026-11-27T09:30:00.123456Z`; without fraction where it is zero.
    static func text(microseconds: Int64) -> String {
        UTCText.text(microseconds, fraction: microseconds % 1_000_000 == 0 ? 0 : 6)
    }

    /// From Unix milliseconds as the line protocol prints them.
    static func text(milliseconds: String?) -> String? {
        milliseconds.flatMap { Int64($0) }.map { text(microseconds: $0 * 1_000) }
    }

    /// `YYYY-MM-DD[THH:MM[:SS[.f]](Z|+HH:MM|-HH:MM)]`; a time without zone is UTC. `nil`: not one, or before 1970 or after 9999.
    static func microseconds(_ text: String) -> Int64? {
        var rest = Substring(text).utf8
        func number(_ digits: Int) -> Int? {
            guard rest.count >= digits else { return nil }
            var value = 0
            for byte in rest.prefix(digits) {
                guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
            }
            rest = rest.dropFirst(digits)
            return value
        }
        func take(_ character: Character) -> Bool {
            guard rest.first == character.asciiValue else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2), (1...12).contains(month),
            year >= 1970, day >= 1, day <= daysIn(month, year)
        else { return nil }
        var seconds = Int64(days(year, month, day)) * 86_400
        if rest.isEmpty { return seconds * 1_000_000 }
        guard take("T") || take("t") || take(" "), let hour = number(2), take(":"), let minute = number(2), hour < 24, minute < 60 else {
            return nil
        }
        seconds += Int64(hour * 3_600 + minute * 60)
        var fraction: Int64 = 0
        if take(":") {
            // A leap second is the next minute's first.
            guard let second = number(2), second <= 60 else { return nil }
            seconds += Int64(second)
            if take(".") || take(",") {
                var digits = 0
                while let byte = rest.first, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                    if digits < 6 { fraction = fraction * 10 + Int64(byte - UInt8(ascii: "0")) }
                    digits += 1
                    rest = rest.dropFirst()
                }
                if digits == 0 { return nil }
                while digits < 6 {
                    fraction *= 10
                    digits += 1
                }
            }
        }
        if !rest.isEmpty, !take("Z"), !take("z") {
            let isEast = take("+")
            guard isEast || take("-"), let hours = number(2), hours < 24 else { return nil }
            _ = take(":")
            guard let minutes = number(2), minutes < 60 else { return nil }
            seconds -= Int64(hours * 3_600 + minutes * 60) * (isEast ? 1 : -1)
        }
        guard rest.isEmpty, seconds >= 0 else { return nil }
        return seconds * 1_000_000 + fraction
    }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && year % 100 != 0 || year % 400 == 0 }
    private static func daysIn(_ month: Int, _ year: Int) -> Int {
        month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }
    /// Days since 1970-01-01.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        var days = (year - 1970) * 365 + (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400
        for earlier in 1..<12 where earlier < month { days += daysIn(earlier, year) }
        return days + day - 1
    }
}
