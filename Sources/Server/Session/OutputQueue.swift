import Core
import NIOCore
import WAL

/// Stage 7 of a request: what a connection still has to send, in the order of its commands.
///
/// A queue of segments. A *ready* segment holds text and the LSN it waits for; a *hole* is the place of an answer that another
/// loop, or a later turn, will bring. Text leaves from the front only, and only when the log is durable up to what it waits for, so
/// answers keep the order of the commands and nobody is told what a crash could undo.
///
/// Each turn writes segments of its own: text of this turn must not join text that already waits, or a busy log, whose durable end
/// moves on while the sealed end does too, would hold an old answer back for ever.
///
/// Owner: the connection's loop.
struct OutputQueue: ~Copyable {
    private struct Segment {
        var text: ByteBuffer
        /// Durable LSN it waits for; 0: none; ``unsealed``: the turn that wrote it is not over.
        var wait: Int64
        var isHole: Bool
        /// Commands taken when it was closed: when it leaves, they are answered.
        var commands: UInt64
        /// When the turn that wrote it, or left its place, had begun; ``monotonicNanoseconds()``.
        var began: UInt64
    }
    /// The turn's end will put the LSN in.
    static let unsealed = Int64.max
    /// Storage beyond this is not kept for the next turn.
    private static let recycledBytesMax = 1 << 20

    private var segments = CircularBuffer<Segment>(initialCapacity: 4)
    /// Ticket of `segments.first`: the count of segments that ever left.
    private var firstTicket: UInt64 = 0
    /// Text of the current turn behind the last segment.
    private var tail: ByteBuffer
    private var tailDependsOnState = false
    /// Only so many segments at the end may still be ``unsealed``.
    private var fresh = 0
    /// Places of LSNs in text of this turn that were predicted, see ``seal(lsn:shift:)``.
    private var predictions: [Prediction] = []
    /// Emptied storage to use again, so that steady traffic allocates nothing.
    private var spare: ByteBuffer
    private(set) var bytes = 0
    private(set) var holes = 0
    /// Commands ever taken, and of these the ones whose answers have left.
    private var taken: UInt64 = 0
    private var answered: UInt64 = 0

    private struct Prediction {
        var ticket: UInt64
        /// Offset of the first digit from the segment's reader index.
        var offset: Int
        var digits: Int
        var lsn: Int64
    }

    init(allocator: ByteBufferAllocator) {
        tail = allocator.buffer(capacity: 4_096)
        spare = allocator.buffer(capacity: 4_096)
    }

    /// When the turn has begun that takes commands now.
    var turnBegan: UInt64 = 0

    /// Says that another command is being taken.
    @inline(__always)
    mutating func noteCommand() { taken &+= 1 }

    /// Commands taken whose answers have not left.
    var commandsInFlight: Int { Int(taken &- answered) }

    var isEmpty: Bool { segments.isEmpty && tail.readableBytes == 0 }

    /// Appends text of the current turn. `dependsOnState`: it must not leave before what the turn saw is durable.
    @inline(__always)
    mutating func append(dependsOnState: Bool, _ write: (inout ByteBuffer) -> Void) {
        let before = tail.readableBytes
        write(&tail)
        bytes += tail.readableBytes - before
        if dependsOnState { tailDependsOnState = true }
    }

    /// The line just appended ends in ` lsn=<lsn>`, and that number is a guess until the batch is sealed.
    mutating func notePrediction(lsn: Int64) {
        var digits = 1
        var rest = lsn / 10
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        predictions.append(
            Prediction(
                ticket: firstTicket + UInt64(segments.count), offset: tail.readableBytes - 1 - digits, digits: digits, lsn: lsn))
    }

    private mutating func closeTail() {
        guard tail.readableBytes > 0 else { return }
        segments.append(Segment(text: tail, wait: tailDependsOnState ? OutputQueue.unsealed : 0, isHole: false, commands: taken, began: turnBegan))
        fresh += 1
        tailDependsOnState = false
        tail = ByteBuffer()
        swap(&tail, &spare)
        tail.clear()
    }

    /// Leaves room for an answer that comes later, and returns its ticket.
    mutating func makeHole() -> UInt64 {
        closeTail()
        let ticket = firstTicket + UInt64(segments.count)
        segments.append(Segment(text: ByteBuffer(), wait: 0, isHole: true, commands: taken, began: turnBegan))
        holes += 1
        fresh += 1
        return ticket
    }

    /// Fills a hole. `wait`: the LSN the text waits for, or ``unsealed``: what this turn's end says.
    mutating func fill(_ ticket: UInt64, text: ByteBuffer, wait: Int64) {
        invariant(ticket >= firstTicket && ticket - firstTicket < UInt64(segments.count), "an answer without its place")
        let offset = Int(ticket - firstTicket)
        segments.modify(segments.index(segments.startIndex, offsetBy: offset)) { segment in
            invariant(segment.isHole, "a second answer for one command")
            segment = Segment(text: text, wait: wait, isHole: false, commands: segment.commands, began: segment.began)
        }
        if wait == OutputQueue.unsealed { fresh = max(fresh, segments.count - offset) }
        holes -= 1
        bytes += text.readableBytes
    }

    /// Ends the turn: what it wrote waits for `lsn`. `shift` is what has to be added to the LSNs predicted in it: with
    /// several loops another one may have sealed a batch since the first record of this turn was numbered.
    mutating func seal(lsn: Int64, shift: Int64) {
        closeTail()
        if !predictions.isEmpty {
            if shift != 0 { correctPredictions(by: shift) }
            predictions.removeAll(keepingCapacity: true)
        }
        var index = segments.endIndex
        while fresh > 0, index != segments.startIndex {
            index = segments.index(before: index)
            segments.modify(index) { if $0.wait == OutputQueue.unsealed { $0.wait = lsn } }
            fresh -= 1
        }
        fresh = 0
    }

    private mutating func correctPredictions(by shift: Int64) {
        var ticket = UInt64.max
        var grown = 0
        for prediction in predictions {
            if prediction.ticket != ticket {
                ticket = prediction.ticket
                grown = 0
            }
            let index = segments.index(segments.startIndex, offsetBy: Int(ticket - firstTicket))
            grown += segments.modify(index) { segment in
                OutputQueue.rewrite(
                    &segment.text, at: prediction.offset + grown, digits: prediction.digits, with: prediction.lsn + shift)
            }
        }
        bytes = segments.reduce(0) { $0 + $1.text.readableBytes }
    }

    /// Replaces a decimal number inside the text; returns by how much the text grew.
    static func rewrite(_ text: inout ByteBuffer, at offset: Int, digits: Int, with number: Int64) -> Int {
        let start = text.readerIndex + offset
        let new = String(number)
        let count = new.utf8.count
        if count != digits {
            guard let rest = text.getSlice(at: start + digits, length: text.writerIndex - start - digits) else {
                invariantFailure("an LSN outside its text")
            }
            text.moveWriterIndex(to: start)
            text.writeString(new)
            var tail = rest
            text.writeBuffer(&tail)
        } else {
            text.setString(new, at: start)
        }
        return count - digits
    }

    /// Takes the first segment if it may leave now.
    /// - Parameters:
    ///   - time: that now is.
    ///   - times: where to note how long its commands have taken.
    mutating func next(durable: Int64, at time: UInt64, _ times: Histogram) -> ByteBuffer? {
        guard let first = segments.first, !first.isHole, first.wait <= durable else { return nil }
        segments.removeFirst()
        firstTicket += 1
        if first.commands != answered { times.observe(time &- first.began, weight: first.commands &- answered) }
        answered = first.commands
        bytes -= first.text.readableBytes
        return first.text
    }

    /// Gives storage back; it is used again once the channel has let go of it.
    mutating func recycle(_ text: ByteBuffer) {
        if spare.capacity < text.capacity, text.capacity <= OutputQueue.recycledBytesMax { spare = text }
    }

    /// The LSN the front waits for; `nil` when there is none or it is a hole.
    var waitingFor: Int64? {
        guard let first = segments.first, !first.isHole else { return nil }
        return first.wait
    }
}
