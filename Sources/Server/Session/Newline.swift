import Glibc

extension UnsafeRawBufferPointer {
    /// Where the first line ends.
    @inline(__always)
    var firstNewline: Int? {
        guard let base = baseAddress, let found = memchr(base, Int32(UInt8(ascii: "\n")), count) else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
