import Core

extension Text {
    /// From the protocol's form, as the database has it.
    init(escaped: String) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Text.bytesMax)
        var rest = escaped.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        self = bytes.withUnsafeBytes { Text(bytes: $0) } ?? Text()
    }
}
