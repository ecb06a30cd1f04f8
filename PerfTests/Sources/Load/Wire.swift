/// How a protocol tells where an answer ends: one value per connection. Add a protocol by conforming a struct; the loops are generic over it and
/// specialised where they are called, so no call per message goes through a table.
public protocol Wire {
    init()

    /// What a connection says before the first request: log in, prepare statements, skip a greeting. Blocking; the default does nothing.
    mutating func open(_ socket: borrowing Socket) throws

    /// Takes the first message of `input`, which is never empty. Called again with what follows until it says `.incomplete`; it is then called
    /// with the same bytes and more behind them, at perhaps another address.
    mutating func next(_ input: UnsafeRawBufferPointer) -> WireStep

    /// The reason in a refused message, to be counted by. Not on the fast path.
    func reason(_ message: UnsafeRawBufferPointer) -> String
}

extension Wire {
    public mutating func open(_ socket: borrowing Socket) throws {}
}

public struct WireStep {
    public enum Kind: UInt8, Sendable {
        /// Not all of it has arrived.
        case incomplete
        /// Belongs to an answer that goes on, or to none: rows, notices.
        case part
        /// Ends the answer to the oldest request without one: done.
        case done
        /// The same, refused.
        case refused
    }
    public var kind: Kind
    /// Bytes of this message; 0 if incomplete.
    public var length: Int

    @inline(__always)
    public init(_ kind: Kind, length: Int) {
        self.kind = kind
        self.length = length
    }
}
