import Synchronization

/// Who caused records: written once into each segment in which the session has some.
public struct SessionInfo: Equatable, Sendable {
    /// epoch << 32 | n; 0 is the service itself and is never written.
    public var number: UInt64
    /// `sub` of the token.
    public var subject: String
    public var roles: String
    /// Address of the other end.
    public var peer: String
    /// `session=` of AUTH; empty when it has none.
    public var name: String
    /// Microseconds since 1970 UTC.
    public var openedMicroseconds: Int64

    public init(number: UInt64, subject: String, roles: String, peer: String, name: String, openedMicroseconds: Int64) {
        self.number = number
        self.subject = subject
        self.roles = roles
        self.peer = peer
        self.name = name
        self.openedMicroseconds = openedMicroseconds
    }

    func encode(to out: inout GrowableBytes) {
        out.append(number)
        out.append(UInt64(bitPattern: openedMicroseconds))
        for text in [subject, roles, peer, name] {
            out.appendVarint(UInt64(text.utf8.count))
            var copy = text
            copy.withUTF8 { out.append(UnsafeRawBufferPointer($0)) }
        }
    }

    init?(from cursor: inout ByteCursor) {
        func text(_ cursor: inout ByteCursor) -> String? {
            guard let count = cursor.varint(), let bytes = cursor.take(Int(truncatingIfNeeded: count)) else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
        guard let number = cursor.word(), let opened = cursor.word(), let subject = text(&cursor), let roles = text(&cursor),
            let peer = text(&cursor), let name = text(&cursor)
        else { return nil }
        self.init(
            number: number, subject: subject, roles: roles, peer: peer, name: name, openedMicroseconds: Int64(bitPattern: opened))
    }
}

/// The sessions that may still cause records, and in which segment each was defined last. Any thread.
final class SessionTable: Sendable {
    private struct Entry {
        var definition: [UInt8]
        var definedIn: UInt64  // number of a segment, 0: none
    }
    private struct State {
        var entries: [UInt64: Entry] = [:]
        var forgotten: [(number: UInt64, afterLSN: UInt64)] = []
    }
    private let state = Mutex(State())

    func register(_ session: SessionInfo) {
        var bytes = GrowableBytes(capacity: 256)
        session.encode(to: &bytes)
        let definition = [UInt8](bytes.bytes)
        state.withLock { $0.entries[session.number] = Entry(definition: definition, definedIn: 0) }
    }

    /// Drops the session once every batch sealed by now is durable, as these may still need its definition.
    func forget(_ number: UInt64, sealedLSN: UInt64) {
        state.withLock { $0.forgotten.append((number, sealedLSN)) }
    }

    /// Appends the definitions that this segment lacks, and returns how many. A number nobody registered is left out: its
    /// records are written all the same, as knowing who is worth less than the record itself.
    func define(_ batches: ArraySlice<Batch>, segment: UInt64, durableLSN: UInt64, to out: inout GrowableBytes) -> UInt32 {
        var count: UInt32 = 0
        state.withLock { state in
            if let first = state.forgotten.first, first.afterLSN <= durableLSN {
                let done = state.forgotten.prefix { $0.afterLSN <= durableLSN }
                for entry in done { state.entries[entry.number] = nil }
                state.forgotten.removeFirst(done.count)
            }
            for batch in batches {
                for number in batch.sessions {
                    guard let index = state.entries.index(forKey: number) else { continue }
                    if state.entries.values[index].definedIn == segment { continue }
                    state.entries.values[index].definedIn = segment
                    state.entries.values[index].definition.withUnsafeBytes { out.append($0) }
                    count += 1
                }
            }
        }
        return count
    }
}
