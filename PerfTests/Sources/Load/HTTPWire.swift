import Glibc

/// HTTP/1.1 answers on a connection that is kept: a status line, headers, and a body of `Content-Length` bytes. Done is 201 and nothing else; any
/// other status is refused with its body as the reason, and so is what this reader does not know (chunks, a body that ends with the connection).
public struct HTTPWire: Wire {
    /// `HTTP/1.1 201`
    private static let statusBytes = 12

    public init() {}

    @inline(__always)
    public mutating func next(_ input: UnsafeRawBufferPointer) -> WireStep {
        guard let head = Head(input) else { return WireStep(.incomplete, length: 0) }
        if head.status / 100 == 1 { return WireStep(.part, length: head.bytes) }
        // Where the next answer begins is not known: the whole of it is taken.
        guard let bodyBytes = head.bodyBytes else { return WireStep(.refused, length: input.count) }
        guard input.count - head.bytes >= bodyBytes else { return WireStep(.incomplete, length: 0) }
        return WireStep(head.status == 201 ? .done : .refused, length: head.bytes + bodyBytes)
    }

    /// The status and the body, or all of an answer that was not understood.
    public func reason(_ message: UnsafeRawBufferPointer) -> String {
        guard let head = Head(message), head.bodyBytes != nil else {
            return "not understood: \(String(decoding: message.prefix(400), as: UTF8.self))"
        }
        return "\(head.status) \(String(decoding: message.dropFirst(head.bytes).prefix(400), as: UTF8.self))"
    }

    private struct Head {
        /// Up to and with the empty line.
        var bytes: Int
        /// 0 if it is none.
        var status = 0
        /// Of the header Content-Length; nil if there is none that is a number.
        var bodyBytes: Int?

        /// nil: the empty line has not arrived.
        @inline(__always)
        init?(_ input: UnsafeRawBufferPointer) {
            let base = input.baseAddress!
            var length = -1
            var line = 0
            while true {
                guard line < input.count, let end = memchr(base + line, 0x0A, input.count - line) else { return nil }
                let next = UnsafeRawPointer(end) - base + 1
                if next - line <= 2, line > 0 {
                    bytes = next
                    break
                }
                if next - line > 17, input[line] | 0x20 == UInt8(ascii: "c"),
                    strncasecmp((base + line).assumingMemoryBound(to: CChar.self), "content-length:", 15) == 0
                {
                    length = HTTPWire.number(input, line + 15, next - 2)
                }
                line = next
            }
            if length >= 0 { bodyBytes = length }
            if bytes > statusBytes { status = max(0, HTTPWire.number(input, 9, statusBytes)) }
        }
    }

    /// Digits with spaces around them; -1 for anything else, and from a billion on.
    @inline(__always)
    private static func number(_ input: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Int {
        var number = 0
        for place in start..<end {
            let digit = Int(input[place]) - 48
            if digit >= 0, digit <= 9 { number = number * 10 + digit } else if input[place] != 0x20 { return -1 }
            if number >= 1_000_000_000 { return -1 }
        }
        return number
    }
}
