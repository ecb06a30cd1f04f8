/// The words and `key=value` pairs of one line, in the order they came. Text values are still in their `%XX` form.
public struct Fields: Sendable, Equatable {
    public struct Pair: Sendable, Equatable {
        public let key: String
        public let value: String
    }
    /// Byte offsets in ``text``.
    private struct Place: Sendable, Equatable {
        var start: Int32
        /// Of the `=`; -1: a word.
        var equals: Int32
        var end: Int32
    }
    /// What was split.
    public let text: String
    private var places: [Place] = []

    /// Splits `text` at blanks; the first `=` of a field separates key and value.
    public init(_ text: some StringProtocol) {
        self.text = String(text)
        places = self.text.withBytes { Fields.split($0) }
    }

    private static func split(_ bytes: UnsafeBufferPointer<UInt8>) -> [Place] {
        var places: [Place] = []
        places.reserveCapacity(24)
        var place = Place(start: 0, equals: -1, end: 0)
        for index in 0...bytes.count {
            let byte = index < bytes.count ? bytes[index] : UInt8(ascii: " ")
            if byte == UInt8(ascii: " ") {
                place.end = Int32(truncatingIfNeeded: index)
                if place.end > place.start { places.append(place) }
                place = Place(start: place.end + 1, equals: -1, end: 0)
            } else if byte == UInt8(ascii: "="), place.equals < 0, index > place.start {
                place.equals = Int32(truncatingIfNeeded: index)
            }
        }
        return places
    }

    /// Positional words: everything without `=`.
    public var words: [String] { text.withBytes { bytes in places.filter { $0.equals < 0 }.map { Fields.string(bytes, $0.start, $0.end) } } }
    /// The first of ``words``.
    public var firstWord: String? {
        guard let place = places.first(where: { $0.equals < 0 }) else { return nil }
        return text.withBytes { Fields.string($0, place.start, place.end) }
    }
    /// Options, in the order they came. Keys a client does not know are to be ignored (that is how the protocol grows).
    public var pairs: [Pair] {
        text.withBytes { bytes in
            places.filter { $0.equals >= 0 }.map {
                Pair(key: Fields.string(bytes, $0.start, $0.equals), value: Fields.string(bytes, $0.equals + 1, $0.end))
            }
        }
    }

    public subscript(_ key: String) -> String? {
        text.withBytes { bytes in
            key.withBytes { key in
                for place in places where place.equals >= 0 && Int(place.equals - place.start) == key.count {
                    if key.elementsEqual(bytes[Int(place.start)..<Int(place.equals)]) { return Fields.string(bytes, place.equals + 1, place.end) }
                }
                return nil
            }
        }
    }

    private static func string(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int32, _ end: Int32) -> String {
        String(decoding: bytes[Int(start)..<Int(end)], as: UTF8.self)
    }
}

extension String {
    /// Its UTF-8. (`withUTF8` is mutating; native strings, which all here are, have it contiguous.)
    fileprivate func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        if let result = utf8.withContiguousStorageIfAvailable(body) { return result }
        var copy = self
        return copy.withUTF8(body)
    }
}

/// What the server said to one command: rows, if it has any, and the line that ends it.
public struct Answer: Sendable, Equatable {
    public enum Outcome: Sendable, Equatable {
        /// `+`: done and durable.
        case done
        /// `-`: refused, nothing has changed; the code is one of section 10 of the protocol.
        case refused(code: String)
    }
    public let outcome: Outcome
    /// The ending line after its tag; of a refusal without the code.
    public let fields: Fields
    public let rows: [Fields]
    /// The ending line as received, with tag, without line end.
    public let line: String

    /// - Parameter line: an ending line, `+TAG ...` or `-TAG CODE ...`.
    public init(line: String, rows: [Fields] = []) {
        self.line = line
        self.rows = rows
        let utf8 = line.utf8
        let tagEnd = utf8.firstIndex(of: UInt8(ascii: " "))
        let afterTag = tagEnd.map { line[utf8.index(after: $0)...] } ?? ""
        if utf8.first == UInt8(ascii: "-") {
            let end = afterTag.utf8.firstIndex(of: UInt8(ascii: " ")) ?? afterTag.endIndex
            outcome = .refused(code: String(afterTag[..<end]))
            fields = Fields(Substring(afterTag[end...].utf8.drop { $0 == UInt8(ascii: " ") }))
        } else {
            outcome = .done
            fields = Fields(afterTag)
        }
    }

    public var isDone: Bool { outcome == .done }
    /// The refusal's code, nil if the command was done.
    public var code: String? {
        if case .refused(let code) = outcome { code } else { nil }
    }
    public subscript(_ key: String) -> String? { fields[key] }
}

/// A line that answers no command: an event (`!`) or information (`*`).
public struct Notice: Sendable, Equatable {
    public enum Kind: Sendable, Equatable { case event, information }
    public let kind: Kind
    /// For events: position, kind and options (`81275.1 TRADE account=7 ...`); for information: kind and options.
    public let fields: Fields
    /// As received, without line end.
    public let line: String

    public init(line: String) {
        self.line = line
        kind = line.hasPrefix("!") ? .event : .information
        fields = Fields(line.dropFirst())
    }
}

/// The first line of every connection.
public struct Greeting: Sendable, Equatable {
    public let version: Int
    /// Last durable log sequence number when the connection was accepted.
    public let lsn: UInt64
    /// Whether `AUTH` with a token must come first.
    public let authRequired: Bool
    /// Longest command line in bytes, without its end.
    public let lineBytesMax: Int
    public let state: String
    public let line: String

    /// nil if `line` is not a greeting of the CashUp line protocol.
    public init?(line: String) {
        let fields = Fields(line)
        guard fields.words.count >= 3, fields.words[0] == "*", fields.words[1] == "CASHUP",
            let version = Int(fields.words[2])
        else { return nil }
        self.version = version
        lsn = fields["lsn"].flatMap { UInt64($0) } ?? 0
        authRequired = fields["auth"] != "off"
        lineBytesMax = fields["maxline"].flatMap { Int($0) } ?? 1024
        state = fields["state"] ?? ""
        self.line = line
    }
}
