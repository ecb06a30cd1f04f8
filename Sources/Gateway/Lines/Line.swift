/// A command of the line protocol, without its tag.
struct Line: Sendable {
    private(set) var text: String

    init(_ verb: String, _ arguments: String...) {
        text = ""
        text.reserveCapacity(160)
        text += verb
        for argument in arguments { add(argument) }
    }

    mutating func add(_ argument: String) {
        text += " "
        text += Line.escaped(argument)
    }

    /// Nothing, where there is no value.
    mutating func option(_ key: String, _ value: String?) {
        guard let value else { return }
        text += " "
        text += key
        text += "="
        text += Line.escaped(value)
    }

    consuming func with(_ key: String, _ value: String?) -> Line {
        option(key, value)
        return self
    }

    consuming func adding(_ argument: String) -> Line {
        add(argument)
        return self
    }

    /// An order by what a client calls it: a number is an OrderID, anything else a ClOrdID.
    consuming func adding(order: OrderName) -> Line {
        switch order {
        case .number(let number): add(String(number))
        case .clientID(let id): option("id", id)
        }
        return self
    }

    /// docs/PROTOCOL.md, section 2: any byte but printable ASCII, and `%`, as %XX.
    static func escaped(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "%") }) { return text }
        var bytes: [UInt8] = []
        let hex = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "%") {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Bytes that are not UTF-8 are shown as the replacement character.
    static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var bytes: [UInt8] = []
        var rest = Substring(text).utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), rest.count >= 2 {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

enum OrderName: Sendable, Equatable {
    case number(Int64)
    case clientID(String)

    init(_ text: String) {
        if let number = Int64(text), number > 0, text.utf8.first != UInt8(ascii: "+") { self = .number(number) } else { self = .clientID(text) }
    }
}
