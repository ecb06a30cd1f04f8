import Core

/// Where a record is written: memory reserved for more than the longest one, so that eight bytes may be stored at any place.
struct RecordBytes {
    /// More than the longest record and the eight bytes stored at its end.
    static let capacity = 704

    private let base: UnsafeMutableRawPointer
    private(set) var count = 0

    init(_ base: UnsafeMutableRawPointer) { self.base = base }

    @inline(__always)
    mutating func byte(_ value: UInt8) {
        base.storeBytes(of: value, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    /// Sets bits of the first byte.
    @inline(__always)
    func patch(_ bits: UInt8) { base.storeBytes(of: base.load(as: UInt8.self) | bits, as: UInt8.self) }

    @inline(__always)
    mutating func word(_ value: UInt64) {
        base.storeBytes(of: value.littleEndian, toByteOffset: count, as: UInt64.self)
        count &+= 8
    }

    /// LEB128. Most are one byte; the others' groups of seven bits are spread by shifts, without a branch for each.
    @inline(__always)
    mutating func varint(_ value: UInt64) {
        if value < 0x80 { return byte(UInt8(truncatingIfNeeded: value)) }
        if value >> 56 != 0 { return longVarint(value) }
        var x = (value & 0xFFF_FFFF) | (value & 0xFF_FFFF_F000_0000) &<< 4
        x = (x & 0x3FFF_0000_3FFF) | (x & 0xFFFC_000_0FFF_C000) &<< 2
        x = (x & 0x7F_007F_007F_007F) | (x & 0x3F80_3F80_3F80_3F80) &<< 1
        // Of n groups all but the last have the top bit set; 37/256 is near enough to 1/7.
        let more = ((63 &- value.leadingZeroBitCount) &* 37) &>> 8
        x |= 0x8080_8080_8080_8080 & ((1 &<< UInt64(truncatingIfNeeded: more &* 8)) &- 1)
        base.storeBytes(of: x.littleEndian, toByteOffset: count, as: UInt64.self)
        count &+= more &+ 1
    }

    @inline(never)
    private mutating func longVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            byte(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest &>>= 7
        }
        byte(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    mutating func zigzag(_ value: Int64) { varint(UInt64(bitPattern: (value &<< 1) ^ (value &>> 63))) }

    mutating func amount(_ value: Amount) {
        if value == 0 { return byte(0) }
        var rest = value.magnitude
        var exponent: UInt8 = 0
        // Decimal text has few digits: take the zeros of 10^-18 away, most at once.
        func strip(_ step: UInt8, _ power: UInt128) {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: power)
            if remainder == 0 {
                rest = quotient
                exponent += step
            }
        }
        strip(16, 10_000_000_000_000_000)
        strip(8, 100_000_000)
        strip(4, 10_000)
        strip(2, 100)
        strip(1, 10)
        byte((value < 0 ? 0x40 : 0) + 1 + exponent)
        while rest >= 0x80 {
            byte(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        byte(UInt8(truncatingIfNeeded: rest))
    }

    mutating func bytes(_ bytes: UnsafeRawBufferPointer) {
        (base + count).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        count &+= bytes.count
    }

    mutating func text(_ text: Text) {
        byte(UInt8(text.count))
        withUnsafeBytes(of: text) { bytes(UnsafeRawBufferPointer(rebasing: $0[..<text.count])) }
    }
}
