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
    func write(to out: inout ByteBuffer) {
        switch self {
        case .null: out.writeStaticString("null")
        case .bool(let value): out.writeStaticString(value ? "true" : "false")
        case .number(let text): out.writeString(text)
        case .string(let text): JSON.write(text, to: &out)
        case .array(let elements):
            out.writeStaticString("[")
            for index in elements.indices {
                if index > 0 { out.writeStaticString(",") }
                elements[index].write(to: &out)
            }
            out.writeStaticString("]")
        case .object(let members):
            out.writeStaticString("{")
            for index in members.indices {
                if index > 0 { out.writeStaticString(",") }
                JSON.write(members[index].name, to: &out)
                out.writeStaticString(":")
                members[index].value.write(to: &out)
            }
            out.writeStaticString("}")
        }
    }

    /// The characters of RFC 8259, section 7, are escaped; the rest stays UTF-8.
    private static func write(_ text: String, to out: inout ByteBuffer) {
        out.writeStaticString("\"")
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            out.writeString(text)
        } else {
            escape(text, to: &out)
        }
        out.writeStaticString("\"")
    }

    private static func escape(_ text: String, to out: inout ByteBuffer) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out.writeBytes([UInt8(ascii: "\\"), byte])
            case 0x0A: out.writeStaticString("\\n")
            case 0x0D: out.writeStaticString("\\r")
            case 0x09: out.writeStaticString("\\t")
            case 0..<0x20:
                let hex = String(byte, radix: 16)
                out.writeString("\\u00\(hex.utf8.count == 1 ? "0" : "")\(hex)")
            default: out.writeInteger(byte)
            }
        }
    }

    var bytes: ByteBuffer {
        var out = ByteBuffer()
        write(to: &out)
        return out
    }
}
