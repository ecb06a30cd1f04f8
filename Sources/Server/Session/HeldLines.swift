import NIOCore

/// The lines of commands whose answers come later, for the audit: should an answer be a refusal, the line stands in it as it was sent. Bytes in one
/// ring that is used again and again, so that steady traffic allocates nothing.
///
/// Owner: the connection's loop.
struct HeldLines: ~Copyable {
    /// Beyond so many bytes waiting, lines are not kept.
    static let bytesMax = 512 << 10

    private struct Held {
        var ticket: UInt64
        /// Counted over all bytes ever held.
        var start: Int
        var length: Int
        var isDone = false
    }
    private var held = CircularBuffer<Held>()
    private var bytes = ByteBuffer()
    /// Bytes ever held, and of these the ones that are gone.
    private var end = 0
    private var gone = 0

    /// - Parameter ticket: of the answer's place in the output; higher than all before.
    mutating func hold(_ line: UnsafeRawBufferPointer, ticket: UInt64) {
        let length = min(line.count, AuditQueue.commandBytesMax + 1)
        guard bytes.readableBytes + length <= HeldLines.bytesMax else { return }
        if bytes.readerIndex > 4_096, bytes.readerIndex > bytes.readableBytes { bytes.discardReadBytes() }
        held.append(Held(ticket: ticket, start: end, length: length))
        end += length
        bytes.writeBytes(UnsafeRawBufferPointer(rebasing: line[..<length]))
    }

    /// The answer is there. `body` gets the line, valid during the call; `nil` where it was not kept.
    mutating func release(_ ticket: UInt64, _ body: (UnsafeRawBufferPointer?) -> Void) {
        guard let index = place(of: ticket) else { return body(nil) }
        let offset = held[index].start - gone
        let length = held[index].length
        bytes.withUnsafeReadableBytes { body(UnsafeRawBufferPointer(rebasing: $0[offset..<(offset + length)])) }
        held[index].isDone = true
        while let first = held.first, first.isDone {
            bytes.moveReaderIndex(forwardBy: first.length)
            gone += first.length
            held.removeFirst()
        }
    }

    private func place(of ticket: UInt64) -> CircularBuffer<Held>.Index? {
        var low = 0
        var high = held.count
        while low < high {
            let middle = (low + high) / 2
            if held[held.index(held.startIndex, offsetBy: middle)].ticket < ticket { low = middle + 1 } else { high = middle }
        }
        guard low < held.count else { return nil }
        let index = held.index(held.startIndex, offsetBy: low)
        return held[index].ticket == ticket ? index : nil
    }
}
