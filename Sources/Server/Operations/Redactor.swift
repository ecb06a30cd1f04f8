/// Takes out of a text what nobody may read in a log: tokens (anything that looks like a JWT, and whatever follows `Bearer`) and the values of
/// secrets this process knows. The last guard, not the first: nothing logs them on purpose.
package struct Redactor: Sendable {
    /// Shorter secrets would take ordinary words out.
    static let secretBytesMin = 8
    /// `eyJ` is how base64 begins what begins with `{"`: the header of every JWT.
    private static let tokenBegin = Array("eyJ".utf8)
    private static let bearer = Array("bearer ".utf8)
    /// A header's first letters alone are a word; a token has more.
    private static let tokenBytesMin = 20

    private let secrets: [[UInt8]]

    package init(secrets: [String]) {
        self.secrets = secrets.map { Array($0.utf8) }.filter { $0.count >= Redactor.secretBytesMin }
    }

    package func clean(_ text: String) -> String {
        var text = text
        let cleaned = text.withUTF8 { clean(UnsafeRawBufferPointer($0)) }
        return cleaned ?? text
    }

    /// - Returns: `nil` when there is nothing to take out.
    private func clean(_ bytes: UnsafeRawBufferPointer) -> String? {
        var out: [UInt8]?
        var index = 0
        var copied = 0
        while index < bytes.count {
            guard let (length, name) = found(in: bytes, at: index) else {
                index += 1
                continue
            }
            var text = out ?? []
            text.append(contentsOf: bytes[copied..<index])
            text.append(contentsOf: name.utf8)
            out = text
            index += length
            copied = index
        }
        guard var text = out else { return nil }
        text.append(contentsOf: bytes[copied...])
        return String(decoding: text, as: UTF8.self)
    }

    private func found(in bytes: UnsafeRawBufferPointer, at index: Int) -> (length: Int, name: String)? {
        let rest = bytes[index...]
        if bytes[index] == UInt8(ascii: "e"), rest.starts(with: Redactor.tokenBegin) {
            let length = rest.prefix { Redactor.isOfToken($0) }.count
            if length >= Redactor.tokenBytesMin { return (length, "[token]") }
        }
        if bytes[index] | 0x20 == UInt8(ascii: "b"), rest.prefix(Redactor.bearer.count).map({ $0 | 0x20 }).elementsEqual(Redactor.bearer) {
            let value = rest.dropFirst(Redactor.bearer.count).prefix { $0 > 0x20 && $0 != UInt8(ascii: "\"") }
            if value.count >= Redactor.secretBytesMin { return (Redactor.bearer.count + value.count, "Bearer [token]") }
        }
        for secret in secrets where secret[0] == bytes[index] && rest.starts(with: secret) { return (secret.count, "[secret]") }
        return nil
    }

    private static func isOfToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "="):
            true
        default: false
        }
    }
}
