/// A growing buffer of raw bytes for one thread at a time: no allocation once it is as large as its largest use.
public struct GrowableBytes: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    /// Bytes in use.
    public private(set) var count: Int

    public init(capacity: Int = 4096) {
        base = .allocate(byteCount: capacity, alignment: 16)
        self.capacity = capacity
        count = 0
    }

    deinit { base.deallocate() }

    /// Room for `n` more bytes, at the end. Write there, then ``commit(_:)`` what was written.
    @inline(__always)
    public mutating func reserve(_ n: Int) -> UnsafeMutableRawPointer {
        if capacity &- count < n { grow(n) }
        return base + count
    }

    /// Takes `n` bytes, written at what ``reserve(_:)`` gave, into use.
    @inline(__always)
    public mutating func commit(_ n: Int) { count &+= n }

    @inline(never)
    private mutating func grow(_ n: Int) {
        let larger = max(capacity * 2, count + n)
        let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        fresh.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = fresh
        capacity = larger
    }

    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count).copyMemory(from: source, byteCount: bytes.count)
        count &+= bytes.count
    }

    public mutating func append(_ byte: UInt8) {
        reserve(1).storeBytes(of: byte, as: UInt8.self)
        count &+= 1
    }

    /// Eight bytes, little-endian.
    public mutating func append(_ word: UInt64) {
        reserve(8).storeBytes(of: word.littleEndian, as: UInt64.self)
        count &+= 8
    }

    /// LEB128: seven bits a byte, low ones first, the top bit set on all but the last.
    @inline(__always)
    public mutating func appendVarint(_ value: UInt64) {
        let p = reserve(10)
        var rest = value
        var n = 0
        while rest >= 0x80 {
            p.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: n, as: UInt8.self)
            rest &>>= 7
            n &+= 1
        }
        p.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: n, as: UInt8.self)
        count &+= n &+ 1
    }

    public mutating func removeAll() { count = 0 }

    /// The bytes in use. Valid until the next change.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
}

/// Reads what ``GrowableBytes`` wrote; never past the end: `nil` from any call means that the bytes are not of the format.
struct ByteCursor {
    private var rest: UnsafeRawBufferPointer.SubSequence

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }
    /// Bytes left.
    var count: Int { rest.count }

    mutating func word() -> UInt64? { take(8).map { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) } }

    mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = rest.popFirst(), shift < 64 {
            if shift == 63, byte > 1 { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }

    mutating func take(_ n: Int) -> UnsafeRawBufferPointer? {
        guard n >= 0, n <= rest.count else { return nil }
        let taken = UnsafeRawBufferPointer(rebasing: rest.prefix(n))
        rest = rest.dropFirst(n)
        return taken
    }
}
