import Core

// The audit's lines. One JSON object per line, keys in this order:
//
//   {"time":"2026-11-27T09:30:00.123Z","session":4294967297,"sub":"ops","roles":["viewer","trader"],"peer":"127.0.0.1:50412","name":"grid",
//    "command":"3 NEW 7 BTC-USD B LMT 9 64000.00 GTC id=grid-18","account":7,"code":"INSUFFICIENT_FUNDS","facts":{"asset":"USD", ...}}
//
//   session  0 and sub "" before AUTH
//   command  the line as sent, at most 1,024 bytes of it ("cut":true follows when there were more). Bytes that are not printable ASCII are \u00XX,
//            one each. Whatever may be a token is ***. null where the line was not kept (docs/PROTOCOL.md has the bounds).
//   account  the one that the command begins with, where it does
//   facts    as in the answer
//
//   {"time":"...","dropped":12}     so many refusals found no room before this line
//
// Valid if and only if each line is a JSON object of one of the two forms. A last line without its end was being written when the process died.

enum AuditText {
    // No allocation: a storm of refusals is written by the same processor that serves.

    static func append(_ entry: borrowing AuditQueue.Entry, to out: inout OutputBuffer) {
        out.append(#"{"time":""#)
        time(entry.head.time, &out)
        out.append(#"","session":"#)
        out.append(Int64(bitPattern: entry.head.session))
        out.append(#","sub":""#)
        text(entry.subject, &out)
        out.append(#"","roles":["#)
        var roles = Words(entry.roles, separator: UInt8(ascii: ","))
        var isFirst = true
        while let role = roles.next() {
            if role.isEmpty { continue }
            if !isFirst { out.append(UInt8(ascii: ",")) }
            isFirst = false
            out.append(UInt8(ascii: "\""))
            text(role, &out)
            out.append(UInt8(ascii: "\""))
        }
        out.append(#"],"peer":""#)
        text(entry.peer, &out)
        out.append(#"","name":""#)
        for byte in entry.name { escaped(byte, &out) }
        out.append(#"","command":"#)
        let line = Line(entry.command)
        if entry.head.hasCommand {
            command(line, &out)
            if entry.head.isCut { out.append(#","cut":true"#) }
        } else {
            out.append("null")
        }
        if let account = line.account {
            out.append(#","account":"#)
            out.append(account)
        }
        answer(entry.answer, isAuth: line.authField >= 0, &out)
        out.append("}\n")
    }

    static func append(dropped: Int, at now: Timestamp, to out: inout OutputBuffer) {
        out.append(#"{"time":""#)
        time(now, &out)
        out.append(#"","dropped":"#)
        out.append(Int64(dropped))
        out.append("}\n")
    }

    /// What stands between separators, one after the other; nothing between two of them is an empty word.
    private struct Words {
        private var rest: UnsafeRawBufferPointer?
        private let separator: UInt8

        init(_ bytes: UnsafeRawBufferPointer, separator: UInt8 = UInt8(ascii: " ")) {
            rest = bytes
            self.separator = separator
        }

        mutating func next() -> UnsafeRawBufferPointer? {
            guard let bytes = rest else { return nil }
            guard let end = bytes.firstIndex(of: separator) else {
                rest = nil
                return bytes
            }
            rest = UnsafeRawBufferPointer(rebasing: bytes[(end + 1)...])
            return UnsafeRawBufferPointer(rebasing: bytes[..<end])
        }
    }

    // MARK: Commands

    /// A line as the audit sees it, whether it can be parsed or not.
    private struct Line {
        let bytes: UnsafeRawBufferPointer
        let verb: Verb?
        /// Which word is AUTH, in whatever spelling: the verb, or the first, where somebody forgot the tag. -1: none.
        let authField: Int
        /// The one that the command begins with.
        let account: AccountNumber?

        init(_ bytes: UnsafeRawBufferPointer) {
            self.bytes = bytes
            var words = Words(bytes)
            let first = words.next()
            let second = words.next()
            let verb = second.flatMap { Verb($0) }
            self.verb = verb
            authField = Line.isAuth(second) ? 1 : verb == nil && Line.isAuth(first) ? 0 : -1
            account = verb.flatMap { Line.namesAccount($0) ? words.next() : nil }.flatMap { word in
                guard let number = try? DecimalText.int64(word, scale: 0), (1...Registry.accountNumberMax).contains(number) else { return nil }
                return number
            }
        }

        private static func isAuth(_ word: UnsafeRawBufferPointer?) -> Bool {
            guard let word, word.count == 4 else { return false }
            return word[0] | 0x20 == UInt8(ascii: "a") && word[1] | 0x20 == UInt8(ascii: "u") && word[2] | 0x20 == UInt8(ascii: "t")
                && word[3] | 0x20 == UInt8(ascii: "h")
        }

        private static func namesAccount(_ verb: Verb) -> Bool {
            switch verb {
            case .new, .replace, .cancel, .cancelAll, .fill, .close, .deposit, .withdraw, .adjust, .hold, .release, .transfer, .takeOver,
                .balances, .positions, .orders, .trades, .accounts, .limits:
                true
            default: false
            }
        }
    }

    private static func command(_ line: Line, _ out: inout OutputBuffer) {
        out.append(UInt8(ascii: "\""))
        var words = Words(line.bytes)
        var index = 0
        while let word = words.next() {
            if index > 0 { out.append(UInt8(ascii: " ")) }
            if line.authField >= 0, index > line.authField, !isAuthOption(word) { out.append("***") } else { withoutToken(word, &out) }
            index += 1
        }
        out.append(UInt8(ascii: "\""))
    }

    private static func isAuthOption(_ word: UnsafeRawBufferPointer) -> Bool {
        begins(word, "session=") || begins(word, "hb=") || begins(word, "cod=") || begins(word, "before=")
    }

    private static func begins(_ word: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard word.count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where word[index] != text.utf8Start[index] { return false }
        return true
    }

    /// Tokens begin with `{"` in base64url, wherever somebody put one by mistake.
    private static func withoutToken(_ word: UnsafeRawBufferPointer, _ out: inout OutputBuffer) {
        for index in word.indices {
            if index + 2 < word.count, word[index] == UInt8(ascii: "e"), word[index + 1] == UInt8(ascii: "y"), word[index + 2] == UInt8(ascii: "J") {
                return out.append("***")
            }
            escaped(word[index], &out)
        }
    }

    // MARK: Answers

    /// `-TAG CODE facts` to `,"code":"CODE","facts":{...}`. What a refused AUTH is told of its own words may be of the token.
    private static func answer(_ bytes: UnsafeRawBufferPointer, isAuth: Bool, _ out: inout OutputBuffer) {
        var words = Words(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.firstNewline ?? bytes.count)]))
        _ = words.next()
        out.append(#","code":""#)
        if let code = words.next() { for byte in code { escaped(byte, &out) } }
        out.append(#"","facts":{"#)
        var isFirst = true
        while let word = words.next() {
            guard let equals = word.firstIndex(of: UInt8(ascii: "=")) else { continue }
            if !isFirst { out.append(UInt8(ascii: ",")) }
            isFirst = false
            out.append(UInt8(ascii: "\""))
            for byte in word[..<equals] { escaped(byte, &out) }
            out.append(#"":""#)
            if isAuth, begins(word, "value=") || begins(word, "verb=") || begins(word, "key=") {
                out.append("***")
            } else {
                withoutToken(UnsafeRawBufferPointer(rebasing: word[(equals + 1)...]), &out)
            }
            out.append(UInt8(ascii: "\""))
        }
        out.append(UInt8(ascii: "}"))
    }

    // MARK: JSON

    /// A byte within a string; what is not printable ASCII as the character of its number.
    private static func escaped(_ byte: UInt8, _ out: inout OutputBuffer) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            out.append(UInt8(ascii: "\\"))
            out.append(byte)
        case 0x20...0x7E: out.append(byte)
        default:
            out.append("\\u00")
            out.append(hexDigit(byte >> 4))
            out.append(hexDigit(byte & 15))
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10 }

    /// UTF-8 as it is.
    private static func text(_ bytes: UnsafeRawBufferPointer, _ out: inout OutputBuffer) {
        for byte in bytes { if byte > 0x7F { out.append(byte) } else { escaped(byte, &out) } }
    }

    /// `2026-11-27T09:30:00.123Z`: as text in the order of time.
    static func time(_ micros: Timestamp, _ out: inout OutputBuffer) {
        // Five digits of a year would sort wrongly: from there on it is the last day of 9999.
        let day: Timestamp = 86_400_000_000
        UTCText.append(micros / day > lastDay ? lastDay * day + micros % day : micros, fraction: 3, to: &out)
    }
    /// 9999-12-31, in days since 1970.
    private static let lastDay: Timestamp = 2_932_896
}
