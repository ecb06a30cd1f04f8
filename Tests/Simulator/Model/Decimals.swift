// Numbers as docs/PROTOCOL.md section 2 says, slowly and anew: nothing here is shared with the parser or the writer of the service.

enum NumberFault: String, Error {
    case badNumber = "BAD_NUMBER"
    case tooManyDecimals = "TOO_MANY_DECIMALS"
    case tooLarge = "NUMBER_TOO_LARGE"
}

func powerOfTen(_ exponent: Int) -> Int128 {
    var result: Int128 = 1
    for _ in 0..<exponent { result *= 10 }
    return result
}

enum Decimals {
    /// `0`, or digits without a leading zero; then perhaps `.` and digits. The value at `scale`.
    static func parse(_ text: String, scale: Int, signed: Bool = false) -> Result<Int128, NumberFault> {
        var digits = Array(text.utf8)
        var isNegative = false
        if signed, digits.first == UInt8(ascii: "-") {
            isNegative = true
            digits.removeFirst()
        }
        let parts = digits.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count) else { return .failure(.badNumber) }
        for part in parts where part.isEmpty || part.contains(where: { $0 < 48 || $0 > 57 }) { return .failure(.badNumber) }
        if parts[0].count > 1, parts[0].first == 48 { return .failure(.badNumber) }
        let decimals = parts.count == 2 ? parts[1].count : 0
        if decimals > scale { return .failure(.tooManyDecimals) }
        var value: Int128 = 0
        for digit in parts.joined() + Array(repeating: 48, count: scale - decimals) {
            let (product, tooMuch) = value.multipliedReportingOverflow(by: 10)
            let (sum, muchTooMuch) = product.addingReportingOverflow(Int128(digit) - 48)
            if tooMuch || muchTooMuch { return .failure(.tooLarge) }
            value = sum
        }
        return .success(isNegative ? -value : value)
    }

    /// The value with as few decimals as show it all.
    static func print(_ value: Int128, scale: Int) -> String {
        let unit = powerOfTen(scale)
        let magnitude = value < 0 ? -value : value
        var text = (value < 0 ? "-" : "") + String(magnitude / unit)
        var rest = magnitude % unit
        guard rest != 0 else { return text }
        var digits = String(rest)
        digits = String(repeating: "0", count: scale - digits.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        rest = 0
        text += "." + digits
        return text
    }

    /// The line with every number cut to the decimals that say something: how many zeros follow is a matter of the terms of the moment.
    static func normal(_ line: String) -> String {
        var out: [UInt8] = []
        var run: [UInt8] = []
        func flush() {
            let point = UInt8(ascii: ".")
            if run.count(where: { $0 == point }) == 1, run.first != point, run.last != point {
                while run.last == UInt8(ascii: "0") { run.removeLast() }
                if run.last == UInt8(ascii: ".") { run.removeLast() }
            }
            out += run
            run = []
        }
        for byte in line.utf8 {
            if byte >= 48 && byte <= 57 || byte == UInt8(ascii: ".") {
                run.append(byte)
            } else {
                flush()
                out.append(byte)
            }
        }
        flush()
        return String(decoding: out, as: UTF8.self)
    }

    // MARK: Arithmetic that needs more than 128 bits in between

    /// amount x part / whole, toward zero; 0 <= part <= whole, all not negative.
    static func share(_ amount: Int128, _ part: Int128, of whole: Int128) -> Int128 {
        // amount = a x whole + b: then a x part is exact, and b x part fits, both being below 2^63.
        let (a, b) = amount.quotientAndRemainder(dividingBy: whole)
        return a * part + b * part / whole
    }

    /// fee x price / 10^scale of a fee in base asset, rounded against the payer; `nil` where it would not fit.
    static func worth(ofBaseFee fee: Int128, price: Int64, priceScale: Int) -> Int128? {
        let unit = powerOfTen(priceScale)
        let magnitude = fee < 0 ? -fee : fee
        let (a, b) = magnitude.quotientAndRemainder(dividingBy: unit)
        let (whole, overflow) = a.multipliedReportingOverflow(by: Int128(price))
        if overflow { return nil }
        let (fraction, rest) = (b * Int128(price)).quotientAndRemainder(dividingBy: unit)
        let (sum, tooMuch) = whole.addingReportingOverflow(fraction)
        // A payment is rounded up, a rebate down.
        if tooMuch || sum >= amountLimit - 1 { return nil }
        return fee < 0 ? -sum : sum + (rest == 0 ? 0 : 1)
    }

    /// Half to even.
    static func rounded(_ value: Int128, by divisor: Int128) -> Int128 {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
        let other = divisor - rest
        if rest > other { return quotient + 1 }
        if rest == other { return quotient + (quotient & 1) }
        return quotient
    }
}

/// 2^110 units of 10^-18: what an amount stays below.
let amountLimit: Int128 = 1 << 110

func isInRange(_ amount: Int128) -> Bool { amount < amountLimit && amount > -amountLimit }
