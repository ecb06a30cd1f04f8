import Core
import Glibc

/// One JSON object on one line: of the service's logs and of the audit. Keys are the caller's own and need no escaping; values are cleaned of
/// tokens and secrets.
package struct JSONLine {
    package private(set) var text = "{"
    private let redactor: Redactor

    package init(_ redactor: Redactor) { self.redactor = redactor }

    /// The line, without its end.
    package var line: String { text + "}" }

    private mutating func begin(_ key: StaticString) {
        if text.utf8.count > 1 { text += "," }
        text += "\"\(key)\":"
    }

    package mutating func add(_ key: StaticString, _ value: String) {
        begin(key)
        append(quoted: redactor.clean(value))
    }

    /// Nothing for `nil`.
    package mutating func add(_ key: StaticString, optional value: String?) {
        if let value { add(key, value) }
    }

    package mutating func add(_ key: StaticString, _ value: some BinaryInteger) {
        begin(key)
        text += String(value)
    }

    /// With a key that is not known to need no escaping.
    package mutating func add(field key: String, _ value: String) {
        if text.utf8.count > 1 { text += "," }
        append(quoted: key)
        text += ":"
        append(quoted: redactor.clean(value))
    }

    /// Unix time in microseconds, as ISO 8601 UTC with milliseconds.
    package mutating func add(_ key: StaticString, time: Timestamp) {
        begin(key)
        text += "\"\(LogTime.text(time))\""
    }

    private mutating func append(quoted value: String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            // Also the controls of Latin-1 and the two line ends of Unicode, at which some readers split.
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

/// Times of log lines.
package enum LogTime {
    /// The wall clock: a log tells when by the clock on the wall, not by the service's time.
    package static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(time.tv_sec) * 1_000_000 + Timestamp(time.tv_nsec) / 1_000
    }

    /// `2026-11-27T09:30:00.123Z`.
    /// - Parameter microseconds: Unix time.
    package static func text(_ microseconds: Timestamp) -> String { UTCText.text(microseconds, fraction: 3) }
}
