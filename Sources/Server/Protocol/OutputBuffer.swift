import Core

/// Bytes on their way to a client. Grows by doubling and never shrinks, so that once warm an append allocates nothing.
/// Owner: one thread at a time.
public struct OutputBuffer: ~Copyable, @unchecked Sendable {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    /// Bytes appended and not removed.
    public private(set) var count = 0

    /// - Parameter capacity: bytes that fit before the first growth.
    public init(capacity: Int = 4_096) {
        self.capacity = max(capacity, 64)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    public var isEmpty: Bool { count == 0 }

    /// The bytes, valid during the call.
    @inline(__always)
    public borrowing func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Forgets all bytes and keeps the memory.
    public mutating func removeAll() { count = 0 }

    /// Takes back what was appended after `length` was ``count``.
    public mutating func truncate(to length: Int) {
        invariant(length >= 0 && length <= count, "truncation beyond the buffer's end")
        count = length
    }

    /// Forgets the first `length` bytes; the rest moves to the front.
    public mutating func removeFirst(_ length: Int) {
        invariant(length >= 0 && length <= count, "removal beyond the buffer's end")
        base.copyMemory(from: base + length, byteCount: count - length)
        count -= length
    }

    /// Makes room for `extra` more bytes.
    @inline(__always)
    public mutating func reserve(_ extra: Int) {
        if count &+ extra > capacity { grow(extra) }
    }

    @inline(never)
    private mutating func grow(_ extra: Int) {
        capacity = max(capacity * 2, count + extra)
        let bigger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        bigger.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = bigger
    }

    // MARK: Bytes and text

    @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    @inline(__always)
    public mutating func append(_ text: StaticString) {
        append(bytes: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    public mutating func append(bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        (base + count).copyMemory(from: source, byteCount: bytes.count)
        count &+= bytes.count
    }

    /// For the edge (greetings, errors), not for the hot path. The bytes as they are, without escaping.
    public mutating func append(string: String) {
        var copy = string
        copy.withUTF8 { append(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// A text value: printable ASCII except blank and `%` as it is, any other byte as `%XX`.
    public mutating func append(_ text: Text) {
        text.withBytes { append(escaping: $0) }
    }

    public mutating func append(escaping bytes: UnsafeRawBufferPointer) {
        reserve(bytes.count * 3)
        for byte in bytes {
            if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "%") {
                append(byte)
            } else {
                append(UInt8(ascii: "%"))
                append(OutputBuffer.hexDigit(byte >> 4))
                append(OutputBuffer.hexDigit(byte & 15))
            }
        }
    }

    @inline(__always)
    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    // MARK: Numbers

    public mutating func append(_ value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        append(digits: value.magnitude)
    }

    @inline(__always)
    public mutating func append(_ value: Int32) { append(Int64(value)) }

    @inline(__always)
    public mutating func append(_ value: Int) { append(Int64(value)) }

    private mutating func append(digits value: UInt64) {
        var width = 1
        while width < 20, value >= DecimalText.powerOfTen(width) { width += 1 }
        append(digits: value, width: width)
    }

    /// Exactly `width` digits, with leading zeros.
    private mutating func append(digits value: UInt64, width: Int) {
        reserve(width)
        var rest = value
        var position = count &+ width
        while position > count {
            position &-= 1
            let next = rest / 10
            base.storeBytes(of: UInt8(truncatingIfNeeded: rest &- next &* 10) &+ UInt8(ascii: "0"), toByteOffset: position, as: UInt8.self)
            rest = next
        }
        count &+= width
    }

    /// `value` at `scale` (0...18) decimals: every non-zero digit and at least `least` decimals (`least` <= `scale`, or zeros are added).
    public mutating func append(_ value: Int64, scale: Int, least: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        let (whole, rest) = value.magnitude.quotientAndRemainder(dividingBy: DecimalText.powerOfTen(scale))
        append(digits: whole)
        append(decimals: rest, scale: scale, least: least)
    }

    /// The same for amounts and costs.
    public mutating func append(_ value: Int128, scale: Int = 18, least: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        let (whole, rest) = value.magnitude.quotientAndRemainder(dividingBy: UInt128(DecimalText.powerOfTen(scale)))
        if whole <= UInt128(UInt64.max) {
            append(digits: UInt64(whole))
        } else {
            append(wide: whole)
        }
        append(decimals: UInt64(rest), scale: scale, least: least)
    }

    @inline(never)
    private mutating func append(wide value: UInt128) {
        let unit = UInt128(DecimalText.powerOfTen(19))
        let (high, low) = value.quotientAndRemainder(dividingBy: unit)
        if high <= UInt128(UInt64.max) {
            append(digits: UInt64(high))
        } else {
            append(wide: high)
        }
        append(digits: UInt64(low), width: 19)
    }

    private mutating func append(decimals value: UInt64, scale: Int, least: Int) {
        var rest = value
        var width = scale
        while width > least, rest % 10 == 0 {
            rest /= 10
            width -= 1
        }
        if max(width, least) == 0 { return }
        append(UInt8(ascii: "."))
        append(digits: rest, width: width)
        for _ in width..<max(width, least) { append(UInt8(ascii: "0")) }
    }
}
