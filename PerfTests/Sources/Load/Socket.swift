import CLoad
import Glibc

public struct LoadError: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }

    static func system(_ call: String, _ code: some SignedInteger) -> LoadError {
        LoadError("\(call): \(String(cString: strerror(-Int32(code))))")
    }
}

/// A TCP connection on loopback. Blocking unless a call says otherwise.
public struct Socket: ~Copyable {
    /// A peer that says nothing for so long has failed.
    public static let silenceSecondsMax = 20

    let descriptor: Int32

    public init(port: Int) throws {
        descriptor = cload_connect(Int32(port), Int32(Self.silenceSecondsMax))
        guard descriptor >= 0 else { throw LoadError.system("connect to port \(port)", descriptor) }
    }
    deinit { close(descriptor) }

    public func send(_ bytes: UnsafeRawBufferPointer) throws {
        var sent = 0
        while sent < bytes.count {
            let count = cload_send(descriptor, bytes.baseAddress! + sent, Int64(bytes.count - sent), 1)
            guard count > 0 else { throw LoadError.system("send", count) }
            sent += Int(count)
        }
    }

    public func send(_ text: String) throws {
        var text = text
        try text.withUTF8 { try send(UnsafeRawBufferPointer($0)) }
    }

    /// What has arrived, at least a byte.
    public func receive(max: Int = 65_536) throws -> [UInt8] {
        var failure: LoadError?
        let bytes = [UInt8](unsafeUninitializedCapacity: max) { buffer, count in
            let received = cload_receive(descriptor, buffer.baseAddress!, Int64(max), 1)
            if received <= 0 {
                failure = received == 0 ? LoadError("the peer closed the connection") : LoadError.system("receive", received)
            } else {
                count = Int(received)
            }
        }
        if let failure { throw failure }
        return bytes
    }
}

/// A port of 127.0.0.1 that was free a moment ago.
public func freePort() throws -> Int {
    let port = cload_free_port()
    guard port > 0 else { throw LoadError.system("no free port", port) }
    return Int(port)
}
