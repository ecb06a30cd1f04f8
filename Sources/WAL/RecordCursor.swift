import Core

/// Reads the fields of records; never past the end: what is not there throws.
struct RecordCursor {
    private let base: UnsafeRawPointer
    let count: Int
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        // An empty buffer may have no address; none of its bytes is read.
        base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
        count = bytes.count
    }

    @inline(never)
    func fault(_ reason: StaticString) -> RecordError { RecordError(offset: offset, reason: "\(reason)") }

    @inline(__always)
    mutating func byte() throws(RecordError) -> UInt8 {
        guard offset < count else { throw fault("ends in the middle of a record") }
        defer { offset &+= 1 }
        return base.load(fromByteOffset: offset, as: UInt8.self)
    }

    @inline(__always)
    mutating func word() throws(RecordError) -> UInt64 {
        guard count &- offset >= 8 else { throw fault("ends in the middle of a record") }
        defer { offset &+= 8 }
        return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// `n` bytes, read where they stand.
    @inline(__always)
    mutating func take(_ n: Int) throws(RecordError) -> UnsafeRawPointer {
        guard n <= count &- offset else { throw fault("ends in the middle of a text") }
        defer { offset &+= n }
        return base + offset
    }

    /// LEB128. Up to eight bytes are gathered from one word by shifts, without a branch for each.
    @inline(__always)
    mutating func varint() throws(RecordError) -> UInt64 {
        guard count &- offset >= 8 else { return try slowVarint() }
        let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        if word & 0x80 == 0 {
            offset &+= 1
            return word & 0x7F
        }
        let ends = ~word & 0x8080_8080_8080_8080
        guard ends != 0 else { return try slowVarint() }
        var x = word & (ends ^ (ends &- 1)) & 0x7F7F_7F7F_7F7F_7F7F
        x = (x & 0x7F_007F_007F_007F) | (x & 0x7F00_7F00_7F00_7F00) &>> 1
        x = (x & 0x3FFF_0000_3FFF) | (x & 0x3FFF_0000_3FFF_0000) &>> 2
        x = (x & 0xFFF_FFFF) | (x & 0xFFF_FFFF_0000_0000) &>> 4
        offset &+= (ends.trailingZeroBitCount &>> 3) &+ 1
        return x
    }

    @inline(never)
    private mutating func slowVarint() throws(RecordError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            if shift == 63, next > 1 { throw fault("number out of range") }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
            if shift > 63 { throw fault("number out of range") }
        }
    }

    @inline(__always)
    mutating func zigzag() throws(RecordError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value &>> 1) ^ -Int64(bitPattern: value & 1)
    }

    @inline(__always)
    mutating func int64() throws(RecordError) -> Int64 {
        let value = try varint()
        guard value <= UInt64(Int64.max) else { throw fault("number out of range") }
        return Int64(bitPattern: value)
    }

    @inline(__always)
    mutating func int32() throws(RecordError) -> Int32 {
        let value = try varint()
        guard value <= UInt64(Int32.max) else { throw fault("number out of range") }
        return Int32(truncatingIfNeeded: value)
    }

    mutating func amount() throws(RecordError) -> Amount {
        let head = try byte()
        if head == 0 { return 0 }
        let exponent = Int(head & 0x3F) - 1
        guard (0...31).contains(exponent), head < 0x80 else { throw fault("amount out of range") }
        var value: UInt128 = 0
        var shift: UInt128 = 0
        while true {
            let next = try byte()
            if shift == 126, next > 3 { throw fault("amount out of range") }
            value |= UInt128(next & 0x7F) << shift
            if next < 0x80 { break }
            shift += 7
            if shift > 126 { throw fault("amount out of range") }
        }
        for _ in 0..<exponent {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { throw fault("amount out of range") }
            value = product
        }
        guard let magnitude = Int128(exactly: value) else { throw fault("amount out of range") }
        return head & 0x40 != 0 ? -magnitude : magnitude
    }

    mutating func text() throws(RecordError) -> Text {
        let length = Int(try byte())
        guard length <= Text.bytesMax else { throw fault("text too long") }
        return Text(bytes: UnsafeRawBufferPointer(start: try take(length), count: length))!
    }
}
