import Core

/// A run of bytes of the line: from `start` up to, not including, `end`.
struct Field: BitwiseCopyable {
    var start: UInt16 = 0
    var end: UInt16 = 0
    /// Where its first `=` is; 0: it has none (the line begins with the tag, which may not contain one).
    var equals: UInt16 = 0
}

/// The fields of a line, found in one pass that also refuses bytes that may not be there.
struct Fields {
    /// More than any verb can have of positional arguments and options, tag and verb included; what is beyond cannot be right.
    static let countMax = 32

    private(set) var count = 0
    private var fields = InlineArray<32, Field>(repeating: Field())
    /// The field after the last one kept, where there were too many.
    private(set) var beyond: Field?
    /// Whether a `%` is anywhere in the line.
    private(set) var hasEscapes = false

    subscript(index: Int) -> Field { fields[index] }

    /// Splits at single blanks. The caller has checked that the line has at most ``LineParser/authLineMax`` bytes.
    @inline(__always)
    init(_ line: UnsafeRawBufferPointer) throws(Refusal) {
        let end = line.count
        var field = Field()
        var wrong: UInt64 = 0
        var escapes: UInt64 = 0
        var index = 0
        while index < end {
            let word = line.word(at: index, padding: UInt8(ascii: "x"))
            wrong |= unprintable(word)
            escapes |= matches(word, UInt8(ascii: "%"))
            let equals = matches(word, UInt8(ascii: "="))
            var marks = matches(word, UInt8(ascii: " ")) | equals
            while marks != 0 {
                let at = index &+ marks.trailingZeroBitCount >> 3
                if equals & marks & (0 &- marks) != 0 {
                    if field.equals == 0 { field.equals = UInt16(truncatingIfNeeded: at) }
                } else {
                    // A blank first, last, or after a blank.
                    if at == Int(field.start) || at == end &- 1 { throw Fields.firstFault(line) }
                    field.end = UInt16(truncatingIfNeeded: at)
                    add(field)
                    field = Field(start: UInt16(truncatingIfNeeded: at &+ 1))
                }
                marks &= marks &- 1
            }
            index &+= 8
        }
        if wrong != 0 { throw Fields.firstFault(line) }
        if end > Int(field.start) {
            field.end = UInt16(truncatingIfNeeded: end)
            add(field)
        }
        hasEscapes = escapes != 0
    }

    /// The first byte that may not stand where it does, in a line that has one.
    @inline(never)
    private static func firstFault(_ line: UnsafeRawBufferPointer) -> Refusal {
        var start = 0
        for index in line.indices {
            let byte = line[index]
            if byte < 0x20 || byte > 0x7E { return .badCharacter(at: index + 1) }
            if byte == 0x20 {
                if index == start || index == line.count - 1 { return .badCharacter(at: index + 1) }
                start = index + 1
            }
        }
        invariantFailure("a line without fault was refused")
    }

    @inline(__always)
    private mutating func add(_ field: Field) {
        if count < Fields.countMax {
            fields[count] = field
            count += 1
        } else if beyond == nil {
            beyond = field
        }
    }
}

/// A verb's positional arguments and options, told apart and checked against what the verb takes.
package struct Arguments {
    let line: UnsafeRawBufferPointer
    let verb: Verb
    private(set) var count = 0
    private(set) var present = KeySet()
    /// Whether any value may be written with `%XX`.
    let hasEscapes: Bool
    private var positional = InlineArray<8, Field>(repeating: Field())
    private var options = InlineArray<64, Field>(repeating: Field())

    @inline(__always)
    init(_ line: UnsafeRawBufferPointer, _ fields: borrowing Fields, verb: Verb) throws(Refusal) {
        self.line = line
        self.verb = verb
        hasEscapes = fields.hasEscapes
        let shape = verb.shape
        var index = 2
        while index < fields.count {
            let field = fields[index]
            // `id=` where an order stands is that argument, not an option.
            let separator = count == shape.orderIndex && present.isEmpty && startsWithID(field) ? 0 : Int(field.equals)
            // No positional argument contains an `=`, apart from `id=`.
            if separator == 0 {
                if count == shape.argumentsMax || !present.isEmpty { throw .extraArgument(Text(cut: self[field])) }
                positional[count] = field
                count += 1
            } else {
                let name = UnsafeRawBufferPointer(rebasing: line[Int(field.start)..<separator])
                guard let key = OptionKey(name), shape.keys.contains(key) else { throw .unknownKey(Text(cut: name)) }
                if present.contains(key) { throw .repeatedKey(Text(cut: name)) }
                present.insert(key)
                options[Int(key.rawValue)] = Field(start: UInt16(separator + 1), end: field.end)
            }
            index += 1
        }
        if let beyond = fields.beyond { throw .extraArgument(Text(cut: self[beyond])) }
        if count < shape.argumentsMin { throw .missingArgument(verb, index: count) }
        if let key = shape.required.subtracting(present).first { throw .missingKey(key.name) }
    }

    @inline(__always)
    private func startsWithID(_ field: Field) -> Bool {
        let start = Int(field.start)
        return Int(field.equals) == start + 2 && line[start] == UInt8(ascii: "i") && line[start + 1] == UInt8(ascii: "d")
    }

    @inline(__always)
    subscript(field: Field) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: line[Int(field.start)..<Int(field.end)])
    }

    @inline(__always)
    func has(_ key: OptionKey) -> Bool { present.contains(key) }

    /// The positional argument; the caller knows that there are so many.
    @inline(__always)
    subscript(index: Int) -> UnsafeRawBufferPointer { self[positional[index]] }

    /// The option's value; the caller knows that it is there.
    @inline(__always)
    func bytes(_ key: OptionKey) -> UnsafeRawBufferPointer { self[options[Int(key.rawValue)]] }

    func field(_ index: Int) -> Field { positional[index] }
}

extension Text {
    /// The bytes, or the first 36 of them; for the facts of refusals.
    init(cut bytes: UnsafeRawBufferPointer) {
        self = Text(bytes: UnsafeRawBufferPointer(rebasing: bytes.prefix(Text.bytesMax))) ?? Text()
    }
}
