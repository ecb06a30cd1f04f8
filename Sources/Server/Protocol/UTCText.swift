import Core

/// Times as text: ISO 8601 in UTC, by the Gregorian calendar.
package enum UTCText {
    /// Bytes of the longest one.
    static let bytesMax = 48

    /// `2026-11-27T09:30:00.123456Z`.
    /// - Parameters:
    ///   - microseconds: Unix time.
    ///   - fraction: digits of the second's fraction, 0 (and no point), 3 or 6; what is finer is cut off.
    package static func text(_ microseconds: Timestamp, fraction: Int) -> String {
        String(unsafeUninitializedCapacity: bytesMax) { write(microseconds, fraction: fraction, to: $0) }
    }

    static func append(_ microseconds: Timestamp, fraction: Int, to out: inout OutputBuffer) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bytesMax) { bytes in
            let count = write(microseconds, fraction: fraction, to: bytes)
            out.append(bytes: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<count]))
        }
    }

    /// Returns how many bytes it has written.
    private static func write(_ microseconds: Timestamp, fraction: Int, to bytes: UnsafeMutableBufferPointer<UInt8>) -> Int {
        var days = microseconds / 86_400_000_000
        var rest = microseconds % 86_400_000_000
        if rest < 0 {
            days -= 1
            rest += 86_400_000_000
        }
        // Years that begin in March have the leap day at their end; 400 of them are an era.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let seconds = rest / 1_000_000
        var count = 0
        func put(_ value: Int64, digits: Int, then end: UInt8) {
            var value = value
            for place in (count..<count + digits).reversed() {
                bytes[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10)
                value /= 10
            }
            bytes[count + digits] = end
            count += digits + 1
        }
        put(year, digits: year < 10_000 ? 4 : 6, then: UInt8(ascii: "-"))
        put(month, digits: 2, then: UInt8(ascii: "-"))
        put(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, digits: 2, then: UInt8(ascii: "T"))
        put(seconds / 3_600, digits: 2, then: UInt8(ascii: ":"))
        put(seconds / 60 % 60, digits: 2, then: UInt8(ascii: ":"))
        put(seconds % 60, digits: 2, then: fraction == 0 ? UInt8(ascii: "Z") : UInt8(ascii: "."))
        if fraction != 0 { put(fraction == 3 ? rest % 1_000_000 / 1_000 : rest % 1_000_000, digits: fraction, then: UInt8(ascii: "Z")) }
        return count
    }
}
