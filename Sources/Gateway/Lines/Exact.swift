/// A decimal number, exact: `mantissa` x 10^-`scale`. For sums and products of what the service prints. No mantissa is `Int128.min`, so that each
/// number has its negative.
struct Exact: Sendable, Equatable {
    private(set) var mantissa: Int128
    private(set) var scale: Int

    static let zero = Exact(mantissa: 0, scale: 0)

    init(mantissa: Int128, scale: Int) {
        self.mantissa = mantissa
        self.scale = scale
    }

    /// Of plain decimal text; `nil`: not one, or more digits than fit.
    init?(_ text: String) {
        var mantissa: Int128 = 0
        var scale = 0
        var isFraction = false
        var digits = 0
        var utf8 = text.utf8[...]
        let isNegative = utf8.first == UInt8(ascii: "-")
        if isNegative { utf8.removeFirst() }
        for byte in utf8 {
            if byte == UInt8(ascii: "."), !isFraction {
                isFraction = true
                continue
            }
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            let (tens, overflow) = mantissa.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int128(byte - UInt8(ascii: "0")))
            if overflow || carry { return nil }
            mantissa = sum
            digits += 1
            if isFraction { scale += 1 }
        }
        guard digits > 0 else { return nil }
        self.init(mantissa: isNegative ? -mantissa : mantissa, scale: scale)
    }

    var isNegative: Bool { mantissa < 0 }
    var isZero: Bool { mantissa == 0 }
    var magnitude: Exact { Exact(mantissa: abs(mantissa), scale: scale) }

    /// At a finer scale; `nil`: does not fit.
    private func at(scale finer: Int) -> Int128? {
        var value = mantissa
        for _ in scale..<max(scale, finer) {
            let (next, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            value = next
        }
        return value
    }

    /// `nil` where the result does not fit.
    func adding(_ other: Exact) -> Exact? {
        let scale = max(scale, other.scale)
        guard let left = at(scale: scale), let right = other.at(scale: scale) else { return nil }
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow || sum == .min ? nil : Exact(mantissa: sum, scale: scale)
    }

    func subtracting(_ other: Exact) -> Exact? { adding(Exact(mantissa: -other.mantissa, scale: other.scale)) }

    func multiplied(by other: Exact) -> Exact? {
        let (product, overflow) = mantissa.multipliedReportingOverflow(by: other.mantissa)
        return overflow || product == .min ? nil : Exact(mantissa: product, scale: scale + other.scale)
    }

    /// The quotient rounded half to even to `scale` digits; `nil`: by zero, or does not fit.
    func divided(by other: Exact, scale wanted: Int) -> Exact? {
        guard other.mantissa != 0 else { return nil }
        let shift = wanted + other.scale - scale
        var dividend = mantissa
        var divisor = other.mantissa
        for _ in 0..<max(0, shift) {
            let (next, overflow) = dividend.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            dividend = next
        }
        for _ in 0..<max(0, -shift) {
            let (next, overflow) = divisor.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            divisor = next
        }
        var (quotient, rest) = dividend.quotientAndRemainder(dividingBy: divisor)
        rest = abs(rest)
        let other = abs(divisor) - rest
        if rest > other || rest == other && quotient % 2 != 0 { quotient += (dividend < 0) == (divisor < 0) ? 1 : -1 }
        return Exact(mantissa: quotient, scale: wanted)
    }

    static func < (left: Exact, right: Exact) -> Bool {
        let scale = max(left.scale, right.scale)
        // What does not fit at the other's scale is beyond the other. One of them has that scale.
        guard let leftMantissa = left.at(scale: scale) else { return left.isNegative }
        guard let rightMantissa = right.at(scale: scale) else { return !right.isNegative }
        return leftMantissa < rightMantissa
    }

    /// With `scale` decimals, or without the zeros beyond `least` of them.
    func text(least: Int? = nil) -> String {
        var digits = String(mantissa.magnitude)
        if digits.count <= scale { digits = String(repeating: "0", count: scale + 1 - digits.count) + digits }
        var text = mantissa < 0 ? "-" : ""
        text += digits.dropLast(scale)
        var fraction = digits.suffix(scale)
        if let least {
            while fraction.count > least, fraction.last == "0" { fraction.removeLast() }
        }
        if !fraction.isEmpty { text += "." + fraction }
        return text
    }
}

extension Exact {
    /// `nil` where the sum, or one of its numbers, does not fit: what is worth something at a mark is not bounded as balances are (`Balance.limit`).
    static func sum(_ numbers: some Sequence<Exact?>) -> Exact? {
        var sum = Exact.zero
        for number in numbers {
            guard let number, let next = sum.adding(number) else { return nil }
            sum = next
        }
        return sum
    }
}
