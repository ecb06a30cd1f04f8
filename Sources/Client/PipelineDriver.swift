import NIOCore

/// What a driver has to send next.
public enum PipelineStep: Sendable {
    /// One command was appended to the buffer.
    case command
    /// Nothing until more answers have come.
    case wait
    /// Nothing any more: the pipeline ends when everything sent is answered.
    case done
}

/// The fast way to use a connection: the driver is moved to the connection's event loop, is asked for commands while the window has room
/// and is given the bytes of each answer, with no allocation per answer. All methods run on the event loop's thread and must not block.
public protocol PipelineDriver: Sendable {
    /// Appends one command to `buffer`: the verb and what follows, without tag and line end.
    mutating func next(into buffer: inout ByteBuffer) -> PipelineStep
    /// A row (`=TAG ...`) of the oldest unanswered command. The bytes are valid only during the call.
    mutating func row(_ line: RawSpan)
    /// The ending line (`+TAG ...` or `-TAG ...`) of command number `index`, counted from 0 in the order of ``next(into:)``.
    /// `nanoseconds`: from handing the command's batch to the socket until the bytes that end its answer were read.
    mutating func answer(_ line: RawSpan, index: Int, nanoseconds: UInt64)
}

extension PipelineDriver {
    public mutating func row(_ line: RawSpan) {}
}

/// How a pipeline ended.
public struct PipelineEnd<Driver: PipelineDriver>: Sendable {
    public var driver: Driver
    /// Commands handed to the connection.
    public var sent: Int
    /// Commands answered; answers come in order, so `answered..<sent` have none.
    public var answered: Int
    /// nil if the driver was done and everything was answered.
    public var error: ClientError?
}

extension RawSpan {
    /// The first byte of a protocol line; 0 of an empty one.
    @inlinable public var firstByte: UInt8 { isEmpty ? 0 : unsafeLoad(fromByteOffset: 0, as: UInt8.self) }

    /// Whether the field `dup=1` is in the line: the answer to a repeat.
    public var isRepeat: Bool { contains(field: " dup=1") }

    /// Whether `field` (with its leading blank) stands in the line and ends at a blank or the line's end.
    public func contains(field: StaticString) -> Bool {
        let length = field.utf8CodeUnitCount
        guard byteCount >= length else { return false }
        return withUnsafeBytes { bytes in
            var start = 0
            while start + length <= bytes.count {
                var matched = 0
                while matched < length, bytes[start + matched] == field.utf8Start[matched] { matched += 1 }
                if matched == length, start + length == bytes.count || bytes[start + length] == UInt8(ascii: " ") { return true }
                start += 1
            }
            return false
        }
    }

    /// The line as text; bytes that are not UTF-8 are replaced.
    public var text: String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
}
