/// A short text held inline: 0 to 36 bytes, any byte values, no heap.
///
/// Every text the state keeps is one of these: client order ids, references, execution ids, names, strategies, notes.
/// Five machine words, so that comparing and hashing are a few instructions. Unused bytes are zero; the last byte is the length.
public struct Text: BitwiseCopyable, Equatable, Sendable {
    /// Longest text, in bytes: a UUID in its usual form.
    public static let bytesMax = 36

    package var w0: UInt64 = 0
    package var w1: UInt64 = 0
    package var w2: UInt64 = 0
    package var w3: UInt64 = 0
    package var w4: UInt64 = 0

    /// The empty text.
    @inlinable public init() {}

    /// Copies the bytes; `nil` when there are more than ``bytesMax``.
    public init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= Text.bytesMax else { return nil }
        withUnsafeMutableBytes(of: &self) { raw in
            raw.copyMemory(from: bytes)
            raw[39] = UInt8(truncatingIfNeeded: bytes.count)
        }
    }

    /// For literals and tests; stops the process when the text is too long.
    public init(_ string: String) {
        var copy = string
        let text = copy.withUTF8 { Text(bytes: UnsafeRawBufferPointer($0)) }
        guard let text else { invariantFailure("text of more than 36 bytes") }
        self = text
    }

    public var count: Int { Int(w4 >> 56) }
    public var isEmpty: Bool { w4 >> 56 == 0 }

    /// The bytes of the text, in order.
    public borrowing func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        let length = count
        var copy = copy self
        return try Swift.withUnsafeBytes(of: &copy) { try body(UnsafeRawBufferPointer(rebasing: $0[0..<length])) }
    }

    /// The text as a `String`; for the edge, not for the hot path.
    public var string: String { withBytes { String(decoding: $0, as: UTF8.self) } }

    /// A fixed 64-bit hash: the same in every process, on every machine.
    /// Pairs of words are multiplied to 128 bits and folded (as wyhash does, Wang Yi 2019): three multiplications, two of them side by side.
    @inline(__always)
    public var hash: UInt64 {
        let low = folded(w0 ^ 0xA076_1D64_78BD_642F, w1 ^ 0xE703_7ED1_A0B4_28DB)
        let high = folded(w2 ^ 0x8EBC_6AF0_9C88_C6E3, w3 ^ 0x5899_65CC_7537_4CC3)
        return folded(low ^ high ^ 0x1D8E_4E27_C47D_124F, w4 ^ 0xEB44_ACCA_B455_D165)
    }

    public static func == (a: Text, b: Text) -> Bool {
        (a.w0 ^ b.w0) | (a.w1 ^ b.w1) | (a.w2 ^ b.w2) | (a.w3 ^ b.w3) | (a.w4 ^ b.w4) == 0
    }
}

extension Text: CustomStringConvertible {
    public var description: String { string }
}

/// The two halves of the product, one upon the other, and the factors: a factor of zero must not make the other one count for nothing.
@inline(__always)
private func folded(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low ^ a ^ (b << 32 | b >> 32)
}

/// A bijective 64-bit mixer (the finalizer of splitmix64, Steele et al. 2014). No seed: state hashes must repeat.
@inlinable public func mix(_ value: UInt64) -> UInt64 {
    var x = value &+ 0x9E37_79B9_7F4A_7C15
    x = (x ^ (x >> 30)) &* 0xBF58_476D_1CE4_E5B9
    x = (x ^ (x >> 27)) &* 0x94D0_49BB_1331_11EB
    return x ^ (x >> 31)
}
