import Core
import Foundation
import WAL

/// Prints a log as text, for `cashup wal dump`: for each record from LSN `from` on the events it makes, as a subscriber to everything
/// would get them, followed by ` shard= at=` and, where a session caused it, ` session= by=`. `SESSION` lines come before
/// the first record of a session. Reads the log from the snapshot before, or from its begin, since events are made from the state.
///
/// - Parameter write: gets whole lines, many at a time.
/// - Throws: `LogError`, `RecordError`: the log is damaged; what `write` throws.
public func dump(directory: String, from: UInt64, write: (UnsafeRawBufferPointer) throws -> Void) throws {
    var sessions: [UInt64: SessionInfo] = [:]
    var text = OutputBuffer(capacity: 1 << 20)
    var line = OutputBuffer(capacity: 4 << 10)
    let everything = EventFilter(copies: true)
    var failure: (any Error)?

    func flush() {
        guard failure == nil, !text.isEmpty else { return }
        do { try text.withUnsafeBytes { try write($0) } } catch { failure = error }
        text.removeAll()
    }
    let replayer = try Replayer(directory: directory, upTo: from > 0 ? from - 1 : 0) { session in
        if sessions.updateValue(session, forKey: session.number) != nil { return }
        text.append(
            string: "SESSION \(session.number) sub=\(session.subject) roles=\(session.roles) peer=\(session.peer) name=\(session.name.isEmpty ? "-" : session.name) opened=\(UTCText.text(session.openedMicroseconds, fraction: 6))\n"
        )
    }
    try replayer.advance(to: .max) { record, shard, lsn, writer in
        if lsn < from || failure != nil { return }
        line.removeAll()
        writer.write(
            record.mutation, shard: shard, lsn: Int64(lsn), time: record.time, filter: everything, into: &line)
        line.withUnsafeBytes { bytes in
            for event in bytes.split(separator: UInt8(ascii: "\n")) {
                // "! 81275.1 TRADE ..." without its mark.
                text.append(bytes: UnsafeRawBufferPointer(rebasing: event.dropFirst(2)))
                text.append(string: " shard=\(shard.number) at=\(UTCText.text(record.time, fraction: 6))")
                if record.session != 0 {
                    text.append(string: " session=\(record.session) by=\(sessions[record.session]?.subject ?? "unknown")")
                }
                text.append(UInt8(ascii: "\n"))
            }
        }
        if text.count >= 1 << 20 { flush() }
    }
    flush()
    if let failure { throw failure }
}
