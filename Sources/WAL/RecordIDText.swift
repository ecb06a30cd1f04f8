import Core

// Ids, written after the previous one of their kind: most are counted up, the others share a prefix or are UUIDs. The forms are in
// RecordCodec.swift.

/// The first byte of an id.
private enum Form {
    static let counted: UInt8 = 64
    static let uuid: UInt8 = 128
}

/// Places of the dashes in a UUID.
private let uuidDashes: (Int, Int, Int, Int) = (8, 13, 18, 23)

@inline(__always) private func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

extension RecordBytes {
    @inline(__always)
    mutating func idText(_ text: borrowing Text, after previous: borrowing Text) {
        let shared = text.firstDifference(from: previous)
        let count = text.count
        if count == previous.count, let step = RecordBytes.step(text, previous, from: shared, count) {
            return byte(Form.counted + step)
        }
        otherIDText(text, shared: shared, count)
    }

    /// What to add to the number at the end of `previous` to come to `text`, whose bytes are the same up to `shared`; `nil` when it is
    /// not 0 to 63.
    @inline(__always)
    private static func step(_ text: borrowing Text, _ previous: borrowing Text, from shared: Int, _ count: Int) -> UInt8? {
        if count &- shared > 9 { return nil }
        var difference = 0
        for index in shared..<count {
            let (new, old) = (text.byte(index), previous.byte(index))
            guard isDigit(new), isDigit(old) else { return nil }
            difference = difference &* 10 &+ Int(new) &- Int(old)
        }
        return difference >= 0 && difference < 64 ? UInt8(truncatingIfNeeded: difference) : nil
    }

    @inline(never)
    private mutating func otherIDText(_ text: Text, shared: Int, _ count: Int) {
        if count == 36, shared < 20, let (high, low) = RecordBytes.uuid(text) {
            byte(Form.uuid)
            word(high.byteSwapped)
            word(low.byteSwapped)
            return
        }
        let same = min(shared, count)
        byte(UInt8(same))
        byte(UInt8(count - same))
        withUnsafeBytes(of: text) { bytes(UnsafeRawBufferPointer(rebasing: $0[same..<count])) }
    }

    private static func uuid(_ text: Text) -> (high: UInt64, low: UInt64)? {
        withUnsafeBytes(of: text) { bytes in
            var halves: (UInt64, UInt64) = (0, 0)
            for index in 0..<36 {
                let byte = bytes[index]
                if index == uuidDashes.0 || index == uuidDashes.1 || index == uuidDashes.2 || index == uuidDashes.3 {
                    if byte != 45 { return nil }
                    continue
                }
                let nibble: UInt8
                if isDigit(byte) { nibble = byte &- 48 } else if byte &- 97 < 6 { nibble = byte &- 87 } else { return nil }
                halves.0 = halves.0 &<< 4 | halves.1 &>> 60
                halves.1 = halves.1 &<< 4 | UInt64(nibble)
            }
            return halves
        }
    }
}

extension RecordCursor {
    /// Makes the next id of the previous one.
    @inline(__always)
    mutating func idText(_ text: inout Text) throws(RecordError) {
        let form = try byte()
        guard form &- Form.counted < 64 else { return text = try otherIDText(form, after: text) }
        guard text.add(form &- Form.counted) else { throw fault("no number to count up at the end of the previous id") }
    }

    @inline(never)
    private mutating func otherIDText(_ form: UInt8, after previous: Text) throws(RecordError) -> Text {
        if form == Form.uuid {
            let high = try word().byteSwapped
            return uuidText(high, try word().byteSwapped)
        }
        let shared = Int(form)
        let rest = Int(try byte())
        guard shared <= previous.count, shared + rest <= Text.bytesMax else { throw fault("text too long") }
        let source = try take(rest)
        var text = Text()
        withUnsafeMutableBytes(of: &text) { bytes in
            withUnsafeBytes(of: previous) { bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<shared])) }
            (bytes.baseAddress! + shared).copyMemory(from: source, byteCount: rest)
            bytes[39] = UInt8(shared + rest)
        }
        return text
    }

    private func uuidText(_ high: UInt64, _ low: UInt64) -> Text {
        var text = Text()
        withUnsafeMutableBytes(of: &text) { bytes in
            var (high, low) = (high, low)
            for index in 0..<36 {
                if index == uuidDashes.0 || index == uuidDashes.1 || index == uuidDashes.2 || index == uuidDashes.3 {
                    bytes[index] = 45
                    continue
                }
                let nibble = UInt8(truncatingIfNeeded: high &>> 60)
                bytes[index] = nibble &+ (nibble < 10 ? 48 : 87)
                high = high &<< 4 | low &>> 60
                low &<<= 4
            }
            bytes[39] = 36
        }
        return text
    }
}

extension Text {
    /// The byte at an index below ``count``.
    @inline(__always)
    fileprivate borrowing func byte(_ index: Int) -> UInt8 {
        let word = index < 8 ? w0 : index < 16 ? w1 : index < 24 ? w2 : index < 32 ? w3 : w4
        return UInt8(truncatingIfNeeded: word &>> UInt64(truncatingIfNeeded: (index & 7) &* 8))
    }

    /// Index of the first byte in which the two differ; the count of the shorter one at most.
    @inline(__always)
    fileprivate borrowing func firstDifference(from other: borrowing Text) -> Int {
        let most = min(count, other.count)
        let (words, difference): (Int, UInt64)
        if w0 != other.w0 {
            (words, difference) = (0, w0 ^ other.w0)
        } else if w1 != other.w1 {
            (words, difference) = (1, w1 ^ other.w1)
        } else if w2 != other.w2 {
            (words, difference) = (2, w2 ^ other.w2)
        } else if w3 != other.w3 {
            (words, difference) = (3, w3 ^ other.w3)
        } else {
            (words, difference) = (4, w4 ^ other.w4)
        }
        return min(most, words &* 8 &+ difference.trailingZeroBitCount &>> 3)
    }

    /// Adds to the decimal number that the text ends with; `false` when it has too few digits for the sum.
    @inline(__always)
    fileprivate mutating func add(_ step: UInt8) -> Bool {
        var carry = step
        var index = count
        return withUnsafeMutableBytes(of: &self) { bytes in
            while carry != 0 {
                index &-= 1
                guard index >= 0, isDigit(bytes[index]) else { return false }
                let sum = bytes[index] &- 48 &+ carry
                carry = sum / 10
                bytes[index] = 48 &+ sum % 10
            }
            return true
        }
    }
}
