import Glibc

/// The service's line protocol, and the echoes', which answer with such lines: `+` done, `-` refused, anything else is part of an answer or none.
public struct LineWire: Wire {
    public init() {}

    @inline(__always)
    public mutating func next(_ input: UnsafeRawBufferPointer) -> WireStep {
        let start = input.baseAddress!
        guard let end = memchr(start, 0x0A, input.count) else { return WireStep(.incomplete, length: 0) }
        let length = UnsafeRawPointer(end) - start + 1
        switch start.load(as: UInt8.self) {
        case UInt8(ascii: "+"): return WireStep(.done, length: length)
        case UInt8(ascii: "-"): return WireStep(.refused, length: length)
        default: return WireStep(.part, length: length)
        }
    }

    /// `-TAG CODE facts`: the code.
    public func reason(_ message: UnsafeRawBufferPointer) -> String {
        let fields = String(decoding: message, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        return fields.count > 1 ? String(fields[1]) : "?"
    }
}
