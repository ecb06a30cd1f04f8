import Core
import Server
import Testing

private func parse64(_ text: String, _ scale: Int, signed: Bool = false) -> Result<Int64, DecimalText.Fault> {
    var copy = text
    return copy.withUTF8 { bytes in
        do throws(DecimalText.Fault) { return .success(try DecimalText.int64(UnsafeRawBufferPointer(bytes), scale: scale, signed: signed)) } catch { return .failure(error) }
    }
}

private func parse128(_ text: String, _ scale: Int, signed: Bool = false) -> Result<Int128, DecimalText.Fault> {
    var copy = text
    return copy.withUTF8 { bytes in
        do throws(DecimalText.Fault) { return .success(try DecimalText.int128(UnsafeRawBufferPointer(bytes), scale: scale, signed: signed)) } catch { return .failure(error) }
    }
}

private func text(_ body: (inout OutputBuffer) -> Void) -> String {
    var out = OutputBuffer(capacity: 1)
    body(&out)
    return out.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
}

/// Slow and obvious: the grammar by characters, the value by string arithmetic (digits shifted as text, compared as text).
private func reference(_ text: String, scale: Int, signed: Bool, maxDigits: String) -> Result<String, DecimalText.Fault> {
    var rest = Substring(text)
    var negative = false
    if signed, rest.hasPrefix("-") {
        negative = true
        rest = rest.dropFirst()
    }
    let parts = rest.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    func digits(_ s: Substring) -> Bool { !s.isEmpty && s.utf8.allSatisfy { $0 >= 48 && $0 <= 57 } }
    guard let whole = parts.first, digits(whole), whole == "0" || !whole.hasPrefix("0") else { return .failure(.badNumber) }
    if parts.count == 2, !digits(parts[1]) { return .failure(.badNumber) }
    let fraction = parts.count == 2 ? String(parts[1]) : ""
    if fraction.count > scale { return .failure(.tooManyDecimals) }
    var all = String(whole) + fraction + String(repeating: "0", count: scale - fraction.count)
    while all.count > 1, all.hasPrefix("0") { all.removeFirst() }
    if all.count > maxDigits.count || (all.count == maxDigits.count && all > maxDigits) { return .failure(.tooLarge) }
    return .success(negative && all != "0" ? "-" + all : all)
}

private func same<T: CustomStringConvertible>(_ a: Result<T, DecimalText.Fault>, _ b: Result<String, DecimalText.Fault>) -> Bool {
    switch (a, b) {
    case (.success(let x), .success(let y)): x.description == y
    case (.failure(let x), .failure(let y)): x == y
    default: false
    }
}

private let max64 = Int64.max.description
private let max128 = Int128.max.description

@Suite struct ProtocolDecimalTests {
    @Test(arguments: [
        ("0", 0, "0"), ("1", 2, "100"), ("0.01", 2, "1"), ("64000.00", 4, "640000000"), ("0.50000000", 8, "50000000"),
        ("9223372036854775807", 0, max64), ("92233720368.54775807", 8, max64), ("9.223372036854775807", 18, max64),
        ("0.000000000000000001", 18, "1"),
    ]) func accepted(_ text: String, _ scale: Int, _ value: String) throws {
        #expect(try parse64(text, scale).get().description == value)
        #expect(try parse128(text, scale).get().description == value)
    }

    @Test(arguments: [
        "", "-", "-1", "+1", ".5", "5.", "1.2.3", "00", "01", "00.1", "1e5", "NaN", "inf", " 1", "1 ", "1,000", "0x1", "--1", "1-", ".",
        "٣",
    ]) func badNumber(_ text: String) {
        #expect(parse64(text, 8) == .failure(.badNumber))
        #expect(parse128(text, 8) == .failure(.badNumber))
    }

    @Test func faultsHaveAnOrder() {
        #expect(parse64("0.123", 2) == .failure(.tooManyDecimals))
        #expect(parse64("1.00", 1) == .failure(.tooManyDecimals))
        #expect(parse64("9223372036854775808", 0) == .failure(.tooLarge))
        #expect(parse64("92233720368.54775808", 8) == .failure(.tooLarge))
        #expect(parse64("99999999999999999999999999999999999999999999999999.123", 2) == .failure(.tooManyDecimals))
        #expect(parse64("99999999999999999999999999999999999999999999999999x", 2) == .failure(.badNumber))
        #expect(parse128("170141183460469231731687303715884105728", 0) == .failure(.tooLarge))
        #expect(parse128("340282366920938463463374607431768211456", 0) == .failure(.tooLarge))
        #expect(parse64("-0.5", 2, signed: true) == .success(-50))
        #expect(parse64("-0", 2, signed: true) == .success(0))
    }

    @Test func allShortTextsAgreeWithTheReference() {
        let alphabet = Array("019.-x")
        var compared = 0
        for length in 0...6 {
            var indices = [Int](repeating: 0, count: length)
            outer: while true {
                let text = String(indices.map { alphabet[$0] })
                for scale in [0, 1, 3] {
                    for signed in [false, true] {
                        let expected = reference(text, scale: scale, signed: signed, maxDigits: max64)
                        if !same(parse64(text, scale, signed: signed), expected) || !same(parse128(text, scale, signed: signed), expected) {
                            Issue.record("\(text) scale \(scale) signed \(signed)")
                        }
                        compared += 1
                    }
                }
                var position = 0
                while position < length {
                    indices[position] += 1
                    if indices[position] < alphabet.count { continue outer }
                    indices[position] = 0
                    position += 1
                }
                break
            }
        }
        #expect(compared == 6 * (1 + 6 + 36 + 216 + 1_296 + 7_776 + 46_656))
    }

    @Test func randomTextsAgreeWithTheReference() {
        var random = SeededGenerator(seed: fuzzSeed("random decimal texts"))
        for _ in 0..<200_000 {
            let scale = Int.random(in: 0...18, using: &random)
            var text = Bool.random(using: &random) ? "-" : ""
            let whole = Int.random(in: 1...24, using: &random)
            for _ in 0..<whole { text += String(Int.random(in: 0...9, using: &random)) }
            let decimals = Int.random(in: -3...20, using: &random)
            if decimals >= 0 { text += "." }
            for _ in 0..<max(0, decimals) { text += String(Int.random(in: 0...9, using: &random)) }
            let wide = text + (whole > 20 ? "0000000000000000"[...].prefix(decimals < 0 ? Int.random(in: 0...16, using: &random) : 0) : "")
            if !same(parse64(wide, scale, signed: true), reference(wide, scale: scale, signed: true, maxDigits: max64)) {
                Issue.record("Int64 \(wide) scale \(scale)")
            }
            if !same(parse128(wide, scale, signed: true), reference(wide, scale: scale, signed: true, maxDigits: max128)) {
                Issue.record("Int128 \(wide) scale \(scale)")
            }
        }
    }

    /// By string arithmetic: pad, cut, strip.
    private func printed(_ value: String, scale: Int, least: Int) -> String {
        let negative = value.hasPrefix("-")
        var digits = negative ? String(value.dropFirst()) : value
        while digits.count <= scale { digits = "0" + digits }
        var decimals = String(digits.suffix(scale))
        while decimals.count > least, decimals.hasSuffix("0") { decimals.removeLast() }
        while decimals.count < least { decimals += "0" }
        return (negative ? "-" : "") + digits.dropLast(scale) + (decimals.isEmpty ? "" : "." + decimals)
    }

    @Test func printingAgreesWithTheReferenceAndParsesBack() throws {
        var random = SeededGenerator(seed: fuzzSeed("printing decimals"))
        var values: [Int128] = [0, 1, -1, 9, 10, 99, 100, 101, Int128(Int64.max), Int128(Int64.min), Int128.max, Int128.min, 1 << 110, -(1 << 110)]
        var power: Int128 = 1
        for _ in 0..<38 {
            values += [power, power - 1, power + 1, -power]
            power *= 10
        }
        for _ in 0..<100_000 {
            let bits = Int128.random(in: Int128.min...Int128.max, using: &random)
            values.append(bits >> Int128.random(in: 0...127, using: &random))
        }
        for value in values {
            let scale = Int.random(in: 0...18, using: &random)
            let least = Int.random(in: 0...scale, using: &random)
            let expected = printed(value.description, scale: scale, least: least)
            let got = text { $0.append(value, scale: scale, least: least) }
            #expect(got == expected)
            if value != Int128.min { #expect(parse128(got, scale, signed: true) == .success(value)) }
            if let small = Int64(exactly: value) {
                #expect(text { $0.append(small, scale: scale, least: least) } == expected)
                if small != Int64.min { #expect(parse64(got, scale, signed: true) == .success(small)) }
                #expect(text { $0.append(small) } == small.description)
            }
        }
        #expect(text { $0.append(Int64(5), scale: 0, least: 2) } == "5.00")
        #expect(text { $0.append(Int64(-5), scale: 2, least: 4) } == "-0.0500")
    }

    @Test func decimalsOfATick() {
        #expect(DecimalText.decimals(of: 100, scale: 4) == 2)
        #expect(DecimalText.decimals(of: 1, scale: 8) == 8)
        #expect(DecimalText.decimals(of: 10_000, scale: 4) == 0)
        #expect(DecimalText.decimals(of: 0, scale: 3) == 0)
    }

    @Test func textIsEscapedAndNothingElse() {
        #expect(text { $0.append(Text("a b%c=d\u{e9}\n~")) } == "a%20b%25c=d%C3%A9%0A~")
    }

    @Test func bufferGrowsAndForgets() {
        var out = OutputBuffer(capacity: 1)
        for _ in 0..<1_000 { out.append("0123456789") }
        let length = out.count
        #expect(length == 10_000)
        out.truncate(to: 9_999)
        out.removeFirst(9_989)
        #expect(out.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } == "9012345678")
        out.removeAll()
        let empty = out.isEmpty
        #expect(empty)
    }
}
