/// Bytes that are not a shard's image.
package struct ImageError: Error, Equatable, CustomStringConvertible {
    package let reason: String
    package init(_ reason: String) { self.reason = reason }
    package var description: String { reason }
}

/// Reads what ``ImageWriter`` wrote. Nothing it is given makes it read elsewhere, allocate without bound or stop the process: what is not of the format
/// gives zeros, and the item's end throws.
package struct ImageReader: ~Copyable {
    private var cursor: UnsafeRawPointer
    private var end: UnsafeRawPointer
    private var reason: String?
    private let next: () throws -> UnsafeRawBufferPointer?

    /// - Parameter next: the next block, valid until it is called again; `nil`: there is none.
    package init(_ next: @escaping () throws -> UnsafeRawBufferPointer?) {
        self.next = next
        cursor = UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped
        end = cursor
    }

    /// Begins an item, in the next block where this one is used up.
    @inline(__always)
    mutating func beginItem() throws {
        if cursor == end { try nextBlock() }
    }

    @inline(never)
    private mutating func nextBlock() throws {
        guard let block = try next(), let base = block.baseAddress, block.count > 0 else { throw ImageError("it ends before its end") }
        cursor = base
        end = base + block.count
    }

    /// Ends an item.
    /// - Throws: ``ImageError`` when something in it was not right.
    @inline(__always)
    func endItem() throws {
        if let reason { throw ImageError(reason) }
    }

    /// Is there another item?
    mutating func hasMore() throws -> Bool {
        if cursor != end { return true }
        guard let block = try next(), let base = block.baseAddress, block.count > 0 else { return false }
        cursor = base
        end = base + block.count
        return true
    }

    /// After the last item.
    package mutating func finish() throws {
        try endItem()
        if cursor != end { throw ImageError("there is more than it should hold") }
        if try next() != nil { throw ImageError("there is more than it should hold") }
    }

    @inline(never)
    mutating func fail(_ why: String) {
        if reason == nil { reason = why }
    }

    @inline(__always)
    mutating func check(_ isRight: Bool, _ why: @autoclosure () -> String) {
        if !isRight { fail(why()) }
    }

    @inline(__always)
    mutating func byte() -> UInt8 {
        guard cursor < end else {
            fail("an item ends before its end")
            return 0
        }
        let value = cursor.load(as: UInt8.self)
        cursor += 1
        return value
    }

    mutating func word() -> UInt64 {
        guard end - cursor >= 8 else {
            fail("an item ends before its end")
            return 0
        }
        let value = UInt64(littleEndian: cursor.loadUnaligned(as: UInt64.self))
        cursor += 8
        return value
    }

    @inline(__always)
    mutating func unsigned() -> UInt64 {
        let first = byte()
        if first < 0x80 { return UInt64(first) }
        var value = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while true {
            let next = byte()
            if shift == 63, next > 1 {
                fail("a number of more than 64 bits")
                return 0
            }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }

    @inline(__always)
    mutating func int64() -> Int64 {
        let raw = unsigned()
        return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
    }

    @inline(__always)
    mutating func int32() -> Int32 {
        let value = int64()
        guard let narrow = Int32(exactly: value) else {
            fail("a number of more than 32 bits")
            return 0
        }
        return narrow
    }

    mutating func int128() -> Int128 {
        var raw: UInt128 = 0
        var shift: UInt128 = 0
        while true {
            let next = byte()
            if shift == 126, next > 3 {
                fail("a number of more than 128 bits")
                return 0
            }
            raw |= UInt128(next & 0x7F) << shift
            if next < 0x80 { break }
            shift += 7
        }
        return Int128(truncatingIfNeeded: raw >> 1) ^ -Int128(truncatingIfNeeded: raw & 1)
    }

    mutating func text() -> Text {
        let length = Int(byte())
        guard length <= Text.bytesMax, end - cursor >= length else {
            fail("a text is too long")
            return Text()
        }
        defer { cursor += length }
        return Text(bytes: UnsafeRawBufferPointer(start: cursor, count: length)) ?? Text()
    }

    /// A number of items, of which each takes a byte at least: what comes may be in blocks to come, so the bound is the caller's.
    mutating func count(max: Int, _ what: String) throws -> Int {
        let value = unsigned()
        try endItem()
        guard value <= UInt64(max) else { throw ImageError("\(value) \(what) are too many") }
        return Int(value)
    }

    /// An index below `bound`.
    @inline(__always)
    mutating func index(below bound: Int32, _ what: StaticString) -> Int32 {
        let value = unsigned()
        guard value < UInt64(UInt32(bitPattern: bound)) else {
            fail("a reference to \(what) \(value), which is not there")
            return none
        }
        return Int32(truncatingIfNeeded: value)
    }
}
