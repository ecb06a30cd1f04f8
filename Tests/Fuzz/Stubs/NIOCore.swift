/// As much of SwiftNIO as the JSON text needs, so that its reader is built without it.
public struct ByteBuffer {
    public init(bytes: some Sequence<UInt8>) {}
}
