import NIOCore

/// Bytes being written, in one piece of memory that grows. A `ByteBuffer` checks who else holds it at each call: ten times as much for
/// pieces of a few bytes, of which a JSON text is made.
struct ByteWriter: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = capacity
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    private mutating func makeRoom(_ more: Int) {
        if capacity - count >= more { return }
        let larger = max(capacity * 2, count + more)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: base, count: count)
        base.deallocate()
        base = moved
        capacity = larger
    }

    mutating func write(_ byte: UInt8) {
        makeRoom(1)
        base[count] = byte
        count += 1
    }

    mutating func write(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        makeRoom(length)
        (base + count).update(from: text.utf8Start, count: length)
        count += length
    }

    mutating func write(_ text: String) {
        let length = text.utf8.count
        makeRoom(length)
        let target = base + count
        let isDone: Void? = text.utf8.withContiguousStorageIfAvailable { bytes in
            if let start = bytes.baseAddress { target.update(from: start, count: length) }
        }
        if isDone == nil {
            var at = 0
            for byte in text.utf8 {
                target[at] = byte
                at += 1
            }
        }
        count += length
    }

    /// Decimal digits, with zeros before them up to `digits`.
    mutating func write(_ value: UInt64, digits: Int = 1) {
        var length = 1
        var power: UInt64 = 10
        while length < digits || length < 20 && value >= power {
            length += 1
            power = length < 20 ? power * 10 : power
        }
        makeRoom(length)
        var rest = value
        for place in (count..<count + length).reversed() {
            base[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += length
    }

    mutating func write(_ buffer: ByteBuffer) {
        buffer.withUnsafeReadableBytes { bytes in
            makeRoom(bytes.count)
            UnsafeMutableRawPointer(base + count).copyMemory(from: bytes.baseAddress ?? UnsafeRawPointer(base), byteCount: bytes.count)
        }
        count += buffer.readableBytes
    }

    /// Where the bytes from `start` on need no escape in JSON; escapes are longer than what they stand for, so this is for the common case.
    func isPlain(from start: Int) -> Bool {
        for index in start..<count where base[index] < 0x20 || base[index] == UInt8(ascii: "\"") || base[index] == UInt8(ascii: "\\") { return false }
        return true
    }

    mutating func cut(to length: Int) { count = length }
}
