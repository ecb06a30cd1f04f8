import NIOCore

/// A JSON value. Numbers keep their text, so that a price is never a floating-point number on its way; objects keep the order of their members.
enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    /// As written: `-?digits[.digits][exponent]`.
    case number(String)
    case string(String)
    case array([JSON])
    case object([Member])

    struct Member: Sendable, Equatable {
        var name: String
        var value: JSON
    }

    subscript(_ name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    static func int(_ value: some BinaryInteger) -> JSON { .number(String(value)) }
    /// A string, or null.
    static func text(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .number(String(value)) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(nilLiteral: ()) { self = .null }
    init(arrayLiteral elements: JSON...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSON)...) { self = .object(elements.map { Member(name: $0.0, value: $0.1) }) }
}

extension JSON {
    /// Appends the compact text.
    func write(to out: inout ByteWriter) {
        switch self {
        case .null: out.write("null")
        case .bool(let value): out.write(value ? "true" as StaticString : "false" as StaticString)
        case .number(let text): out.write(text)
        case .string(let text): JSON.write(text, to: &out)
        case .array(let elements):
            out.write(UInt8(ascii: "["))
            for index in elements.indices {
                if index > 0 { out.write(UInt8(ascii: ",")) }
                elements[index].write(to: &out)
            }
            out.write(UInt8(ascii: "]"))
        case .object(let members):
            out.write(UInt8(ascii: "{"))
            for index in members.indices {
                if index > 0 { out.write(UInt8(ascii: ",")) }
                JSON.write(members[index].name, to: &out)
                out.write(UInt8(ascii: ":"))
                members[index].value.write(to: &out)
            }
            out.write(UInt8(ascii: "}"))
        }
    }

    private static func write(_ text: String, to out: inout ByteWriter) {
        out.write(UInt8(ascii: "\""))
        // Most texts have nothing to escape: one copy, one look.
        let start = out.count
        out.write(text)
        if !out.isPlain(from: start) {
            out.cut(to: start)
            escape(text, to: &out)
        }
        out.write(UInt8(ascii: "\""))
    }

    /// The characters of RFC 8259, section 7, are escaped; the rest stays UTF-8.
    private static func escape(_ text: String, to out: inout ByteWriter) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                out.write(UInt8(ascii: "\\"))
                out.write(byte)
            case 0x0A: out.write("\\n")
            case 0x0D: out.write("\\r")
            case 0x09: out.write("\\t")
            case 0..<0x20:
                let hex = String(byte, radix: 16)
                out.write("\\u00\(hex.utf8.count == 1 ? "0" : "")\(hex)" as String)
            default: out.write(byte)
            }
        }
    }

    /// Its compact text.
    var bytes: ByteBuffer {
        var out = ByteWriter(capacity: 1_024)
        write(to: &out)
        return ByteBuffer(bytes: out.bytes)
    }
}
