import HTTPTypes
import NIOCore
import NIOHTTP1

/// A request as it came in, whole.
struct EdgeRequest: Sendable {
    enum Body: Sendable {
        case bytes(ByteBuffer)
        /// More than ``EdgeSettings/bodyBytesMax``; none of it was kept.
        case tooLarge
    }

    let method: HTTPRequest.Method
    /// Path and query, as sent.
    let target: String
    let headers: HTTPHeaders
    var body = Body.bytes(ByteBuffer())
    /// The client's address.
    let peer: String
    /// What is wrong with it as HTTP; then nothing else of it counts.
    var fault: String?
    /// Whether the connection serves another request behind this one.
    var isKeptAlive: Bool
    let isHTTP10: Bool

    init(_ head: HTTPRequestHead, peer: String) {
        method = EdgeRequest.method(head.method)
        target = head.uri
        headers = head.headers
        self.peer = peer
        // After an upgrade offered the decoder reads no further.
        isKeptAlive = head.isKeepAlive && !head.headers.contains(name: "upgrade")
        isHTTP10 = head.version == .http1_0
    }

    /// Of bytes that are not HTTP.
    init(fault: String, peer: String) {
        method = .get
        target = ""
        headers = HTTPHeaders()
        self.peer = peer
        self.fault = fault
        isKeptAlive = false
        isHTTP10 = false
    }

    private static func method(_ method: HTTPMethod) -> HTTPRequest.Method {
        switch method {
        case .GET: .get
        case .POST: .post
        case .PUT: .put
        case .DELETE: .delete
        case .PATCH: .patch
        case .HEAD: .head
        case .OPTIONS: .options
        default: HTTPRequest.Method(method.rawValue) ?? .trace
        }
    }

    // MARK: Target

    /// Without query; of an absolute target what is behind its host.
    var path: Substring {
        let utf8 = target.utf8
        var start = utf8.startIndex
        if utf8.first != UInt8(ascii: "/"), let scheme = target.range(of: "://") {
            start = target[scheme.upperBound...].utf8.firstIndex(of: UInt8(ascii: "/")) ?? utf8.endIndex
        }
        let end = utf8[start...].firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? utf8.endIndex
        return target[start..<end]
    }

    /// Names as sent, values decoded where they can be.
    var query: [(name: String, value: String)] {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return [] }
        var rest = target[target.utf8.index(after: mark)...].utf8
        if let fragment = rest.firstIndex(of: UInt8(ascii: "#")) { rest = rest[..<fragment] }
        var pairs: [(name: String, value: String)] = []
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "&")) ?? rest.endIndex
            let pair = rest[..<end]
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? end
            let value = equals == end ? "" : String(Substring(pair[pair.index(after: equals)...]))
            pairs.append((String(Substring(pair[..<equals])), EdgeRequest.decoded(value)))
            rest = end == rest.endIndex ? rest[end...] : rest[rest.index(after: end)...]
        }
        return pairs
    }

    /// `%XX` as bytes; as it is where that is not well formed.
    static func decoded(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap({ hexDigit($0) }), let low = rest.popFirst().flatMap({ hexDigit($0) }) else { return text }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self) ?? text
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
