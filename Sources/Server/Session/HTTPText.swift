/// Tells the requests of web browsers, so that no page can have its text taken as commands: its connection ends at the request line, before
/// anything the page has a say in. With `auth=off` nothing else stands between a page and the port.
enum HTTPText {
    /// Whether a TLS client has sent this: a handshake record of version 3.x (RFC 8446, 5.1). One byte alone may be any noise.
    static func isTLS(_ line: UnsafeRawBufferPointer) -> Bool {
        line.count >= 3 && line[0] == 0x16 && line[1] == 0x03 && line[2] <= 0x04
    }

    /// Whether the line ends like an HTTP/1 request line. No command does: its verb would have been known.
    static func isRequest(_ line: UnsafeRawBufferPointer) -> Bool {
        let end = line.suffix(9)
        return end.elementsEqual(" HTTP/1.1".utf8) || end.elementsEqual(" HTTP/1.0".utf8)
    }

    /// The same for a line that is too long to have its end: a method and a path or address.
    static func isRequestBegin(_ line: UnsafeRawBufferPointer) -> Bool {
        if isRequest(line) { return true }
        guard let blank = line.firstIndex(of: UInt8(ascii: " ")) else { return false }
        let target = line[(blank + 1)...]
        guard blank > 0, line[..<blank].allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) else { return false }
        return target.starts(with: "/".utf8) || target.starts(with: "http".utf8)
    }
}
