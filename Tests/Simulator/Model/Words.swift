import Core

/// A line of a client as fields, and what is wrong with its form. A line may be wrong in several ways; the service names one of them.
struct Words {
    /// `nil`: cannot be read, the answer says `?`.
    var tag: String?
    var verb = ""
    var arguments: [String] = []
    var options: [String: String] = [:]
    /// Codes of all that is wrong with the form.
    var faults: Set<String> = []

    subscript(key: String) -> String? { options[key] }

    init(_ line: String) {
        var bytes = Array(line.utf8)
        if bytes.last == 13 { bytes.removeLast() }
        let first = bytes.prefix { $0 != 32 }
        if (1...20).contains(first.count), first.allSatisfy(Words.isOfTag) { tag = String(decoding: first, as: UTF8.self) }
        let rest = bytes.dropFirst(first.count)
        let isAuth = tag != nil && rest.starts(with: Array(" AUTH ".utf8))
        if bytes.count > (isAuth ? 8_192 : 1_024) {
            faults = ["LINE_TOO_LONG"]
            return
        }
        if tag == nil {
            faults = ["BAD_TAG"]
            return
        }
        let fields = bytes.split(separator: 32, omittingEmptySubsequences: false)
        if bytes.contains(where: { $0 < 32 || $0 > 126 }) || fields.contains(where: \.isEmpty) {
            faults = ["BAD_CHARACTER"]
            return
        }
        guard fields.count > 1 else {
            faults = ["MISSING_ARGUMENT"]
            return
        }
        verb = String(decoding: fields[1], as: UTF8.self)
        guard let form = Form.all[verb] else {
            faults = [Form.reserved.contains(verb) ? "NOT_SUPPORTED" : "UNKNOWN_VERB"]
            return
        }
        sort(fields.dropFirst(2).map { String(decoding: $0, as: UTF8.self) }, form)
        if fields.count > 32 { faults.insert("EXTRA_ARGUMENT") }
    }

    private mutating func sort(_ fields: [String], _ form: Form) {
        for field in fields {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if parts.count == 1 || arguments.count == form.order && options.isEmpty && parts[0] == "id" {
                if arguments.count == form.arguments.upperBound || !options.isEmpty { faults.insert("EXTRA_ARGUMENT") }
                arguments.append(field)
            } else if !form.keys.contains(parts[0]) {
                faults.insert("UNKNOWN_KEY")
            } else if options[parts[0]] != nil {
                faults.insert("REPEATED_KEY")
            } else {
                options[parts[0]] = parts[1]
            }
        }
        if arguments.count < form.arguments.lowerBound { faults.insert("MISSING_ARGUMENT") }
        for key in form.required where options[key] == nil { faults.insert("MISSING_KEY") }
    }

    static func isOfTag(_ byte: UInt8) -> Bool {
        byte >= 65 && byte <= 90 || byte >= 97 && byte <= 122 || byte >= 48 && byte <= 57 || byte == 95 || byte == 45
    }
}

/// What a verb takes: docs/PROTOCOL.md sections 3 and 5 to 9.
struct Form {
    var arguments: ClosedRange<Int>
    /// Which argument may be an `id=`; -1: none.
    var order = -1
    var keys: Set<String>
    var required: Set<String> = []

    init(_ arguments: ClosedRange<Int>, order: Int = -1, _ keys: String = "", required: String = "") {
        self.arguments = arguments
        self.order = order
        self.required = Set(required.split(separator: " ").map(String.init))
        self.keys = Set(keys.split(separator: " ").map(String.init)).union(self.required).union(["before"])
    }

    static let reserved: Set = ["ACK", "REJ", "CAN", "RPD", "CRJ"]
    static let all: [String: Form] = [
        "AUTH": Form(1...1, "session hb cod"),
        "PING": Form(0...0), "TIME": Form(0...0), "SYNC": Form(0...0), "QUIT": Form(0...0), "UNS": Form(0...0, "book trades"), "SES": Form(0...0),
        "HELP": Form(0...1), "STAT": Form(0...0, "hash"),
        "SUB": Form(0...0, "from account symbol kind book trades depth"),
        "BOOK": Form(1...1, "depth"), "MKT": Form(0...1, "limit"),
        "NEW": Form(7...7, "expire max strategy note stop take trigger display post reduce oco stp", required: "id"),
        "RPL": Form(5...5, order: 2, "max stop"),
        "CXL": Form(3...3, order: 2, "reason"),
        "CXA": Form(1...2, "wallet"),
        "FIL": Form(5...5, order: 2, "fee feeasset liq time", required: "exec"),
        "CLS": Form(2...4, "max strategy note", required: "id"),
        "DEP": Form(3...3, "wallet note", required: "ref"),
        "WDR": Form(3...3, "wallet note", required: "ref"),
        "ADJ": Form(3...3, "wallet", required: "ref reason"),
        "HLD": Form(3...3, "wallet reason", required: "ref"),
        "RLS": Form(3...3, "wallet reason", required: "ref"),
        "XFR": Form(4...4, "from to note", required: "ref"),
        "PTO": Form(4...4, "note", required: "ref"),
        "BAL": Form(1...2, "wallet limit"), "POS": Form(1...2, "limit"),
        "ORD": Form(1...3, order: 2, "status limit after"), "TRD": Form(1...3, order: 2, "limit"),
        "AST": Form(0...1, "decimals limit"), "WLT": Form(0...1, "limit"), "VEN": Form(0...1, "kind limit"),
        "INS": Form(
            0...1, "venue wallet base quote price_scale qty_scale funds tick lot min_qty max_qty min_notional state maker_bps taker_bps limit"),
        "ACC": Form(0...2, "limit after"),
        "LIM": Form(1...2, "wallet max_qty max_notional max_position max_open enabled price_band_bps max_order_rate max_cancel_rate max_daily_loss short listed maker_bps taker_bps stp reset limit"),
        "DMS": Form(0...2, "limit"),
        "MRK": Form(2...2), "SET": Form(0...2, "limit"),
    ]
}

// MARK: Texts

/// A text value of a line, decoded; `nil`: not of its form.
func decodedText(_ value: String) -> Text? {
    var out: [UInt8] = []
    let bytes = Array(value.utf8)
    var index = 0
    while index < bytes.count {
        if bytes[index] == UInt8(ascii: "%") {
            guard index + 2 < bytes.count, let high = hexDigit(bytes[index + 1]), let low = hexDigit(bytes[index + 2]) else { return nil }
            out.append(high << 4 | low)
            index += 3
        } else {
            out.append(bytes[index])
            index += 1
        }
    }
    guard (1...36).contains(out.count) else { return nil }
    return out.withUnsafeBytes { Text(bytes: $0) }
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    if byte >= 48, byte <= 57 { return byte - 48 }
    return byte >= 65 && byte <= 70 ? byte - 55 : nil
}

extension Text {
    /// The one form in which the service prints it.
    var plain: String {
        var out = ""
        let digits = Array("0123456789ABCDEF")
        withBytes { bytes in
            for byte in bytes {
                if byte > 32, byte < 127, byte != UInt8(ascii: "%") {
                    out.unicodeScalars.append(Unicode.Scalar(byte))
                } else {
                    out.append("%")
                    out.append(digits[Int(byte >> 4)])
                    out.append(digits[Int(byte & 15)])
                }
            }
        }
        return out
    }
}
