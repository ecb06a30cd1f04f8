/// As much of SwiftNIO as the JSON text needs, so that its reader is built without it.
public struct ByteBuffer {
    private let bytes: [UInt8]
    public init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }
    public var readableBytes: Int { bytes.count }
    public func withUnsafeReadableBytes<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T { try bytes.withUnsafeBytes(body) }
}
