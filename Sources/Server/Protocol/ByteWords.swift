// Eight bytes at a time, in one 64-bit word, first byte lowest.

/// All eight bytes of a word the same.
@inline(__always)
func eight(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

/// The top bit of each byte of `word` that is `byte`; exact, no other bit is set.
@inline(__always)
func matches(_ word: UInt64, _ byte: UInt8) -> UInt64 {
    let difference = word ^ eight(byte)
    let low = (difference & eight(0x7F)) &+ eight(0x7F)
    return ~(low | difference | eight(0x7F))
}

/// Not 0 if a byte of `word` is not printable ASCII, 0x20 to 0x7E.
@inline(__always)
func unprintable(_ word: UInt64) -> UInt64 {
    // Above 0x7E: the top bit is set or becomes so by adding one. Below 0x20: adding 0x60 does not reach it.
    let low = word & eight(0x7F)
    return (word | (low &+ eight(1)) | ~(low &+ eight(0x60))) & eight(0x80)
}

extension UnsafeRawBufferPointer {
    /// The eight bytes from `index` on; those past the end are `padding`.
    @inline(__always)
    func word(at index: Int, padding: UInt8) -> UInt64 {
        if index &+ 8 <= count { return UInt64(littleEndian: loadUnaligned(fromByteOffset: index, as: UInt64.self)) }
        return paddedWord(at: index, padding: padding)
    }

    @inline(__always)
    private func paddedWord(at index: Int, padding: UInt8) -> UInt64 {
        var word = eight(padding)
        var at = count &- 1
        while at >= index {
            word = word << 8 | UInt64(self[at])
            at &-= 1
        }
        return word
    }

    /// The first up to eight bytes, zeros behind them.
    @inline(__always)
    var packed: UInt64 {
        switch count {
        case 8...: return UInt64(littleEndian: loadUnaligned(as: UInt64.self))
        case 4...:
            let low = UInt64(UInt32(littleEndian: loadUnaligned(as: UInt32.self)))
            let high = UInt64(UInt32(littleEndian: loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)))
            return low | high << UInt64((count &- 4) &* 8)
        case 2...:
            let low = UInt64(UInt16(littleEndian: loadUnaligned(as: UInt16.self)))
            return low | UInt64(self[count &- 1]) << UInt64((count &- 1) &* 8)
        case 1: return UInt64(self[0])
        default: return 0
        }
    }
}
