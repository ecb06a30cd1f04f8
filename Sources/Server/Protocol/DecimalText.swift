import Core

/// Decimal text to integers at a scale and back. The grammar is `0` or digits without a leading zero, optionally `.` and digits: no
/// exponent, separator or blank, and a sign only where the caller allows one. Nothing is ever rounded.
public enum DecimalText {
    public enum Fault: Error, BitwiseCopyable {
        /// Not of the grammar.
        case badNumber
        /// More digits after the point than the scale has; trailing zeros count.
        case tooManyDecimals
        /// Does not fit the integer at this scale.
        case tooLarge
    }

    /// The number of digits that always fit an Int64.
    private static let safeDigits = 18

    /// What the grammar says of a text: where the digits are, not yet what they are worth.
    private struct Shape {
        var negative: Bool
        var start: Int
        var wholeDigits: Int
        var decimals: Int
        /// All digits as one number; right only for up to 18 of them.
        var digits: UInt64
    }

    @inline(__always)
    private static func shape(_ bytes: UnsafeRawBufferPointer, signed: Bool) throws(Fault) -> Shape {
        var index = 0
        let end = bytes.count
        var negative = false
        if signed, end > 0, bytes[0] == UInt8(ascii: "-") {
            negative = true
            index = 1
        }
        let start = index
        var digits: UInt64 = 0
        while index < end {
            let digit = bytes[index] &- UInt8(ascii: "0")
            if digit > 9 { break }
            digits = digits &* 10 &+ UInt64(digit)
            index += 1
        }
        let whole = index - start
        if whole == 0 || (whole > 1 && bytes[start] == UInt8(ascii: "0")) { throw .badNumber }
        if index == end { return Shape(negative: negative, start: start, wholeDigits: whole, decimals: 0, digits: digits) }
        if bytes[index] != UInt8(ascii: ".") { throw .badNumber }
        index += 1
        let point = index
        while index < end {
            let digit = bytes[index] &- UInt8(ascii: "0")
            if digit > 9 { throw .badNumber }
            digits = digits &* 10 &+ UInt64(digit)
            index += 1
        }
        if index == point { throw .badNumber }
        return Shape(negative: negative, start: start, wholeDigits: whole, decimals: index - point, digits: digits)
    }

    /// The number at `scale` (0...18) decimals.
    public static func int64(_ bytes: UnsafeRawBufferPointer, scale: Int, signed: Bool = false) throws(Fault) -> Int64 {
        let shape = try shape(bytes, signed: signed)
        if shape.decimals > scale { throw .tooManyDecimals }
        if shape.wholeDigits + scale <= safeDigits {
            let value = Int64(shape.digits &* powerOfTen(scale - shape.decimals))
            return shape.negative ? -value : value
        }
        guard let value = Int64(exactly: try wide(bytes, shape, scale: scale)) else { throw .tooLarge }
        return value
    }

    /// The number at `scale` (0...18) decimals.
    public static func int128(_ bytes: UnsafeRawBufferPointer, scale: Int, signed: Bool = false) throws(Fault) -> Int128 {
        let shape = try shape(bytes, signed: signed)
        if shape.decimals > scale { throw .tooManyDecimals }
        if shape.wholeDigits + shape.decimals <= safeDigits {
            let value = Int128(shape.digits) * Int128(powerOfTen(scale - shape.decimals))
            return shape.negative ? -value : value
        }
        return try wide(bytes, shape, scale: scale)
    }

    @inline(never)
    private static func wide(_ bytes: UnsafeRawBufferPointer, _ shape: Shape, scale: Int) throws(Fault) -> Int128 {
        var magnitude: UInt128 = 0
        for index in shape.start..<bytes.count where bytes[index] != UInt8(ascii: ".") {
            magnitude = try timesTen(magnitude, plus: UInt128(bytes[index] &- UInt8(ascii: "0")))
        }
        for _ in 0..<(scale - shape.decimals) { magnitude = try timesTen(magnitude, plus: 0) }
        guard let value = Int128(exactly: magnitude) else { throw .tooLarge }
        return shape.negative ? -value : value
    }

    @inline(__always)
    private static func timesTen(_ value: UInt128, plus digit: UInt128) throws(Fault) -> UInt128 {
        let product = value.multipliedReportingOverflow(by: 10)
        let sum = product.partialValue.addingReportingOverflow(digit)
        if product.overflow || sum.overflow { throw .tooLarge }
        return sum.partialValue
    }

    /// How many decimals a value at `scale` needs to show every non-zero digit: 100 at scale 4 needs 2.
    public static func decimals(of value: Int64, scale: Int) -> Int {
        var rest = value
        var decimals = scale
        while decimals > 0, rest % 10 == 0 {
            rest /= 10
            decimals -= 1
        }
        return decimals
    }

    /// 10^exponent for 0...19. A switch, because that becomes a table in the code, without a lazily made global.
    @inline(__always)
    static func powerOfTen(_ exponent: Int) -> UInt64 {
        switch exponent {
        case 0: 1
        case 1: 10
        case 2: 100
        case 3: 1_000
        case 4: 10_000
        case 5: 100_000
        case 6: 1_000_000
        case 7: 10_000_000
        case 8: 100_000_000
        case 9: 1_000_000_000
        case 10: 10_000_000_000
        case 11: 100_000_000_000
        case 12: 1_000_000_000_000
        case 13: 10_000_000_000_000
        case 14: 100_000_000_000_000
        case 15: 1_000_000_000_000_000
        case 16: 10_000_000_000_000_000
        case 17: 100_000_000_000_000_000
        case 18: 1_000_000_000_000_000_000
        case 19: 10_000_000_000_000_000_000
        default: invariantFailure("power of ten out of range")
        }
    }
}
