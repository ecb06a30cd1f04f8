import Core
import NIOCore

// Every `-` line of a connection goes to the audit with the line it answers: at once where the answer is written while the line is at hand,
// with the line held meanwhile where the answer comes later.

extension Connection {
    /// A refusal of the line being taken was written to the scratch, from `start` on.
    @inline(never)
    func noteRefusal(from start: Int) {
        guard let audit = loop.audit else { return }
        loop.scratch.withUnsafeBytes { bytes in
            audit.note(session, time: loop.now, command: loop.line, answer: UnsafeRawBufferPointer(rebasing: bytes[start...]))
        }
    }

    /// The answer to a line that left a hole has come.
    func releaseLine(_ ticket: UInt64, answer: ByteBuffer) {
        guard let audit = loop.audit else { return }
        let isRefused = answer.readableBytesView.first == UInt8(ascii: "-")
        heldLines.release(ticket) { line in
            if isRefused {
                answer.withUnsafeReadableBytes { audit.note(session, time: loop.now, command: line, answer: $0) }
            }
        }
    }
}
