/// The words and `key=value` pairs of one line, in the order they came. Text values are still in their `%XX` form.
public struct Fields: Sendable, Equatable {
    public struct Pair: Sendable, Equatable {
        public let key: String
        public let value: String
    }
    /// Positional words: everything without `=`.
    public private(set) var words: [String] = []
    /// Options, in the order they came. Keys a client does not know are to be ignored (that is how the protocol grows).
    public private(set) var pairs: [Pair] = []
    /// What was split.
    public let text: String

    /// Splits `text` at blanks; the first `=` of a field separates key and value.
    public init(_ text: some StringProtocol) {
        self.text = String(text)
        for field in text.split(separator: " ") {
            if let equals = field.firstIndex(of: "="), equals != field.startIndex {
                pairs.append(Pair(key: String(field[..<equals]), value: String(field[field.index(after: equals)...])))
            } else {
                words.append(String(field))
            }
        }
    }

    public subscript(_ key: String) -> String? { pairs.first { $0.key == key }?.value }
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
        let afterTag = line.firstIndex(of: " ").map { line[line.index(after: $0)...] } ?? ""
        if line.hasPrefix("-") {
            let end = afterTag.firstIndex(of: " ") ?? afterTag.endIndex
            outcome = .refused(code: String(afterTag[..<end]))
            fields = Fields(afterTag[end...].drop { $0 == " " })
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
