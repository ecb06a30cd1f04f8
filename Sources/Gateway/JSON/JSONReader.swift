/// Reads one JSON text (RFC 8259), strictly: one value, no member twice in an object (4 leaves that open; here the two would be two
/// intents), valid UTF-8, no lone surrogates, nesting bounded. Foundation's readers make numbers binary floating point or forget how they were written.
struct JSONReader {
    struct Fault: Error, Equatable {
        /// Byte offset, from 0.
        var at: Int
        var problem: String
    }

    /// Deeper nesting than any request has.
    static let depthMax = 16
    /// More members than any object of a request has; comparing their names is quadratic.
    static let membersMax = 256

    private let bytes: UnsafeRawBufferPointer
    private var at = 0

    /// - Throws: ``Fault``.
    static func read(_ bytes: UnsafeRawBufferPointer) throws(Fault) -> JSON {
        var reader = JSONReader(bytes: bytes)
        reader.skipBlanks()
        let value = try reader.value(depth: 0)
        reader.skipBlanks()
        if reader.at < bytes.count { throw reader.fault("something behind the value") }
        return value
    }

    private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private func fault(_ problem: String) -> Fault { Fault(at: at, problem: problem) }
    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipBlanks() {
        while at < bytes.count, case let byte = bytes[at], byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        at += 1
        return true
    }

    private mutating func value(depth: Int) throws(Fault) -> JSON {
        guard let byte = next else { throw fault("the value is missing") }
        if depth >= JSONReader.depthMax { throw fault("nested too deeply") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(Fault) -> JSON {
        let length = word.utf8CodeUnitCount
        guard bytes.count - at >= length else { throw fault("not a value") }
        for offset in 0..<length where bytes[at + offset] != word.utf8Start[offset] { throw fault("not a value") }
        at += length
        return value
    }

    private mutating func number() throws(Fault) -> JSON {
        let start = at
        _ = take(UInt8(ascii: "-"))
        if take(UInt8(ascii: "0")) {
            if let byte = next, isDigit(byte) { throw fault("a leading zero") }
        } else {
            try digits()
        }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        return .number(String(decoding: bytes[start..<at], as: UTF8.self))
    }

    private mutating func digits() throws(Fault) {
        guard let byte = next, isDigit(byte) else { throw fault("not a value") }
        while let byte = next, isDigit(byte) { at += 1 }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private mutating func string() throws(Fault) -> String {
        at += 1
        let start = at
        // Most strings have no escapes: one look, one copy.
        var all: UInt8 = 0
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
            all |= byte
            at += 1
        }
        if next == UInt8(ascii: "\"") {
            let found = UnsafeRawBufferPointer(rebasing: bytes[start..<at])
            // ASCII is UTF-8; asking in general costs twenty times as much.
            let text = all < 0x80 ? String(decoding: found, as: UTF8.self) : try utf8(bytes[start..<at])
            at += 1
            return text
        }
        var unescaped = Array(bytes[start..<at])
        while true {
            guard let byte = next else { throw fault("the string has no end") }
            at += 1
            switch byte {
            case UInt8(ascii: "\""): 
                guard let text = String(validating: unescaped, as: UTF8.self) else { throw fault("not UTF-8") }
                return text
            case UInt8(ascii: "\\"): try escape(into: &unescaped)
            case 0..<0x20:
                at -= 1
                throw fault("a control character in a string")
            default: unescaped.append(byte)
            }
        }
    }

    private func utf8(_ bytes: Slice<UnsafeRawBufferPointer>) throws(Fault) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw fault("not UTF-8") }
        return text
    }

    private mutating func escape(into out: inout [UInt8]) throws(Fault) {
        guard let byte = next else { throw fault("the string has no end") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0C)
        case UInt8(ascii: "n"): out.append(0x0A)
        case UInt8(ascii: "r"): out.append(0x0D)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "u"):
            var code = try unit()
            if (0xD800..<0xDC00).contains(code) {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw fault("half of a surrogate pair") }
                let low = try unit()
                guard (0xDC00..<0xE000).contains(low) else { throw fault("half of a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw fault("half of a surrogate pair") }
            out.append(contentsOf: Array(String(Character(scalar)).utf8))
        default:
            at -= 1
            throw fault("an unknown escape")
        }
    }

    private mutating func unit() throws(Fault) -> UInt32 {
        guard bytes.count - at >= 4 else { throw fault("the string has no end") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[at])).hexDigitValue else { throw fault("not four hex digits") }
            value = value << 4 | UInt32(digit)
            at += 1
        }
        return value
    }

    private mutating func array(depth: Int) throws(Fault) -> JSON {
        at += 1
        var elements: [JSON] = []
        skipBlanks()
        if take(UInt8(ascii: "]")) { return .array(elements) }
        while true {
            skipBlanks()
            elements.append(try value(depth: depth + 1))
            skipBlanks()
            if take(UInt8(ascii: "]")) { return .array(elements) }
            if !take(UInt8(ascii: ",")) { throw fault("neither , nor ] behind an element") }
        }
    }

    private mutating func object(depth: Int) throws(Fault) -> JSON {
        at += 1
        var members: [JSON.Member] = []
        skipBlanks()
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipBlanks()
            guard next == UInt8(ascii: "\"") else { throw fault("a member's name is missing") }
            let name = try string()
            if members.contains(where: { $0.name == name }) { throw fault("member \(name.debugDescription) twice") }
            if members.count >= JSONReader.membersMax { throw fault("more than \(JSONReader.membersMax) members") }
            skipBlanks()
            if !take(UInt8(ascii: ":")) { throw fault("no : behind a member's name") }
            skipBlanks()
            members.append(JSON.Member(name: name, value: try value(depth: depth + 1)))
            skipBlanks()
            if take(UInt8(ascii: "}")) { return .object(members) }
            if !take(UInt8(ascii: ",")) { throw fault("neither , nor } behind a member") }
        }
    }
}
