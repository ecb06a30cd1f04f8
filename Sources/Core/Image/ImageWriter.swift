/// Writes a shard's image: numbers and texts, in blocks of whole items. What is in it, and in which order, is at the top of Shard+Image.swift.
///
/// Numbers are LEB128; signed ones as zigzag (0, -1, 1, -2 ... become 0, 1, 2, 3 ...), so that what is small in magnitude is short. A text is its length
/// and its bytes. One thread at a time.
package struct ImageWriter: ~Copyable {
    /// A block is given away with the first item that ends past this.
    package static let blockBytes = 256 << 10

    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private var count = 0
    private let give: (UnsafeRawBufferPointer) throws -> Void

    /// - Parameter give: takes each block; its bytes are valid during the call.
    package init(_ give: @escaping (UnsafeRawBufferPointer) throws -> Void) {
        capacity = ImageWriter.blockBytes + (64 << 10)
        base = .allocate(byteCount: capacity, alignment: 16)
        self.give = give
    }

    deinit { base.deallocate() }

    /// Ends an item: a reader may need a new block before the next.
    @inline(__always)
    mutating func endItem() throws {
        if count >= ImageWriter.blockBytes { try flush() }
        if capacity - count < ImageWriter.itemBytesMax { grow() }
    }
    /// No item is longer: an order with everything it can have takes some 350 bytes.
    private static let itemBytesMax = 1_024

    /// Gives away what is not given away yet; after the last item.
    package mutating func flush() throws {
        if count == 0 { return }
        try give(UnsafeRawBufferPointer(start: base, count: count))
        count = 0
    }

    private mutating func grow() {
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity * 2, alignment: 16)
        larger.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = larger
        capacity *= 2
    }

    @inline(__always)
    mutating func put(byte: UInt8) {
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    /// Eight bytes, little-endian: for what has no small values.
    @inline(__always)
    mutating func put(word: UInt64) {
        base.storeBytes(of: word.littleEndian, toByteOffset: count, as: UInt64.self)
        count &+= 8
    }

    @inline(__always)
    mutating func put(unsigned value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            put(byte: UInt8(truncatingIfNeeded: rest) | 0x80)
            rest &>>= 7
        }
        put(byte: UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    mutating func put(_ value: Int64) { put(unsigned: UInt64(bitPattern: value << 1 ^ value >> 63)) }

    @inline(__always)
    mutating func put(_ value: Int32) { put(Int64(value)) }

    mutating func put(_ value: Int128) {
        var rest = UInt128(truncatingIfNeeded: value << 1 ^ value >> 127)
        while rest >= 0x80 {
            put(byte: UInt8(truncatingIfNeeded: rest) | 0x80)
            rest &>>= 7
        }
        put(byte: UInt8(truncatingIfNeeded: rest))
    }

    mutating func put(_ text: Text) {
        put(byte: UInt8(truncatingIfNeeded: text.count))
        let (base, count) = (base, count)
        self.count += text.withBytes {
            if let source = $0.baseAddress { (base + count).copyMemory(from: source, byteCount: $0.count) }
            return $0.count
        }
    }
}
