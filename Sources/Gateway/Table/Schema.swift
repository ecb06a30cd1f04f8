/// What a value of a request or an answer looks like. One description for both uses: ``Schema/check(_:at:_:)`` refuses a request that is not
/// like it, and the OpenAPI document shows it; so the two cannot drift.
indirect enum Schema: Sendable {
    case string(maxBytes: Int?)
    /// Decimal text, exact: a string, and in requests also a number as long as it is plain digits.
    case decimal(Sign)
    case integer(ClosedRange<Int64>)
    case boolean
    /// Of an answer: a number for machines, not money.
    case number
    /// ISO 8601, UTC.
    case time
    case enumeration([String])
    case array(Schema, most: Int?)
    case object(Shape)
    /// Members by name, all of one kind.
    case map(Schema)
    case nullable(Schema)
    /// An identifier that is a whole number here and was text in other versions of this interface: both are taken.
    case identifier
    /// Anything: facts that depend on a code.
    case any

    enum Sign: Sendable { case positive, notNegative, any }

    static let text = Schema.string(maxBytes: nil)
    /// What the service keeps of a text of a client (docs/PROTOCOL.md, section 2).
    static let shortText = Schema.string(maxBytes: 36)
    static let name = Schema.string(maxBytes: 24)
    static let decimal = Schema.decimal(.any)
    static let positive = Schema.decimal(.positive)
    static let account = Schema.integer(1...9_007_199_254_740_991)
    static func list(_ element: Schema) -> Schema { .array(element, most: nil) }
    /// What an optional field of a request takes: null says the same as leaving it out.
    var orNull: Schema {
        switch self {
        case .nullable, .any: self
        default: .nullable(self)
        }
    }
}

/// A named object: one component of the OpenAPI document.
final class Shape: Sendable {
    struct Field: Sendable {
        var name: String
        var schema: Schema
        var isRequired: Bool
        var note: String
        /// Taken in place of the name, for clients of other versions; not in the document.
        var alias: String?
    }
    let name: String
    let note: String
    let fields: [Field]
    let example: JSON?
    /// What clients send: unknown members are refused.
    let isRequest: Bool
    let hasAliases: Bool

    init(_ name: String, note: String = "", isRequest: Bool = false, example: JSON? = nil, _ fields: [Field]) {
        self.isRequest = isRequest
        self.name = name
        self.note = note
        self.fields = fields
        hasAliases = fields.contains { $0.alias != nil }
        self.example = example
    }
}

extension Shape.Field {
    static func required(_ name: String, _ schema: Schema, _ note: String = "") -> Shape.Field {
        Shape.Field(name: name, schema: schema, isRequired: true, note: note)
    }
    static func optional(_ name: String, _ schema: Schema, _ note: String = "", alias: String? = nil) -> Shape.Field {
        Shape.Field(name: name, schema: schema, isRequired: false, note: note, alias: alias)
    }
    /// Of an answer: always there, perhaps null.
    static func nullable(_ name: String, _ schema: Schema, _ note: String = "") -> Shape.Field {
        Shape.Field(name: name, schema: .nullable(schema), isRequired: true, note: note)
    }
}

// MARK: Checking requests

extension Schema {
    /// Notes what is wrong with `value` in `problems`, which names the field.
    func check(_ value: JSON, at field: String, _ problems: inout [(field: String, problem: String)]) {
        func wrong(_ expected: String) { problems.append((field, expected)) }
        switch self {
        case .string(let maxBytes):
            guard case .string(let text) = value else { return wrong("a string is expected") }
            if text.isEmpty { return wrong("must not be empty") }
            if let maxBytes, text.utf8.count > maxBytes { wrong("at most \(maxBytes) bytes, not \(text.utf8.count)") }
        case .decimal(let sign):
            guard let text = Schema.decimalText(value) else {
                return wrong("a decimal number is expected: digits, perhaps a point and digits; no exponent")
            }
            let isNegative = text.utf8.first == UInt8(ascii: "-")
            let isZero = !text.utf8.contains { $0 >= UInt8(ascii: "1") && $0 <= UInt8(ascii: "9") }
            if sign == .positive, isNegative || isZero { wrong("must be greater than 0") }
            if sign == .notNegative, isNegative { wrong("must not be negative") }
        case .integer(let range):
            guard case .number(let text) = value, let number = Int64(text) else { return wrong("a whole number is expected") }
            if !range.contains(number) { wrong("must be \(range.lowerBound) to \(range.upperBound)") }
        case .identifier:
            switch value {
            case .number(let text) where Int64(text).map { $0 > 0 } ?? false: return
            case .string(let text) where !text.isEmpty && text.utf8.count <= 36: return
            default: wrong("an order_id is expected: a whole number, or a client_order_id of at most 36 bytes")
            }
        case .boolean:
            guard case .bool = value else { return wrong("true or false is expected") }
        case .time:
            guard case .string(let text) = value, ISOTime.microseconds(text) != nil else {
                return wrong("an ISO 8601 time is expected, like 2026-11-27T09:30:00Z")
            }
        case .enumeration(let cases):
            guard case .string(let text) = value, cases.contains(text) else {
                return wrong("one of \(cases.joined(separator: ", ")) is expected")
            }
        case .array(let element, let most):
            guard case .array(let elements) = value else { return wrong("a list is expected") }
            if elements.isEmpty { return wrong("must not be empty") }
            if let most, elements.count > most { return wrong("at most \(most) elements, not \(elements.count)") }
            for (index, value) in elements.enumerated() { element.check(value, at: "\(field)[\(index)]", &problems) }
        case .object(let shape):
            shape.check(value, at: field, &problems)
        case .map(let schema):
            guard case .object(let members) = value else { return wrong("an object is expected") }
            if members.isEmpty { return wrong("must not be empty") }
            for member in members { schema.check(member.value, at: field.isEmpty ? member.name : "\(field).\(member.name)", &problems) }
        case .nullable(let schema):
            if value != .null { schema.check(value, at: field, &problems) }
        case .any, .number:
            return
        }
    }

    /// The plain decimal text of a string or a number; `nil` when it is not one.
    static func decimalText(_ value: JSON) -> String? {
        let text: String
        switch value {
        case .string(let string): text = string
        case .number(let number): text = number
        default: return nil
        }
        // -?(0|[1-9][0-9]*)(.[0-9]+)?
        var whole = 0
        var decimals = -1
        var startsWithZero = false
        for (index, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if decimals >= 0 {
                    decimals += 1
                } else {
                    if whole == 0 { startsWithZero = byte == UInt8(ascii: "0") }
                    whole += 1
                }
            case UInt8(ascii: "-") where index == 0: continue
            case UInt8(ascii: ".") where decimals < 0: decimals = 0
            default: return nil
            }
        }
        if whole == 0 || decimals == 0 || startsWithZero && whole > 1 { return nil }
        return text
    }
}

extension Shape {
    func check(_ value: JSON, at place: String, _ problems: inout [(field: String, problem: String)]) {
        guard case .object(let members) = value else {
            problems.append((place.isEmpty ? "body" : place, "an object is expected"))
            return
        }
        func at(_ name: String) -> String { place.isEmpty ? name : "\(place).\(name)" }
        for member in members {
            // By index: a copy of a field costs more than the look.
            guard let index = fields.indices.first(where: { fields[$0].name == member.name || hasAliases && fields[$0].alias == member.name }) else {
                problems.append((at(member.name), "unknown field"))
                continue
            }
            // null says the same as leaving it out.
            if member.value == .null, !fields[index].isRequired { continue }
            fields[index].schema.check(member.value, at: at(member.name), &problems)
        }
        for index in fields.indices where fields[index].isRequired {
            if !members.contains(where: { $0.name == fields[index].name || hasAliases && $0.name == fields[index].alias }) {
                problems.append((at(fields[index].name), "is required"))
            }
        }
    }
}
