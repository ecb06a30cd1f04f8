import Core
import WAL

/// Refusals on their way from the loops to the audit's thread: two buffers of fixed size that change places. A loop copies the bytes it has at
/// hand behind a short lock and goes on; when the buffer is full, it counts and goes on. So a storm of refusals neither grows memory nor
/// waits for a disk. Appending allocates nothing.
///
/// Any thread appends; one thread takes.
final class AuditQueue: @unchecked Sendable {
    /// Bytes of one buffer; only what is used is touched.
    static let bytesMax = 4 << 20
    /// Of a command, of an answer, and of each of the session's texts.
    static let commandBytesMax = 1_024
    static let answerBytesMax = 1_024
    static let textBytesMax = 256

    /// Stands before an entry's texts: subject, roles, peer, name, command, answer, one behind the other.
    struct Head: BitwiseCopyable {
        /// Microseconds.
        var time: Timestamp
        var session: UInt64
        var lengths = InlineArray<6, UInt16>(repeating: 0)
        var hasCommand: Bool
        /// More was sent than is here.
        var isCut: Bool
    }

    private let monitor = Monitor()
    // Under the monitor:
    private var filling = UnsafeMutableRawPointer.allocate(byteCount: AuditQueue.bytesMax, alignment: 16)
    private var used = 0
    private var dropped = 0
    private var isClosed = false
    // Of the thread that takes:
    private var emptying = UnsafeMutableRawPointer.allocate(byteCount: AuditQueue.bytesMax, alignment: 16)

    deinit {
        filling.deallocate()
        emptying.deallocate()
    }

    /// - Parameters:
    ///   - command: the line as sent, without its end; `nil` where it was not kept.
    ///   - answer: `-TAG CODE facts`, with or without its end.
    func append(
        time: Timestamp, session: UInt64, subject: String, roles: String, peer: String, name: Text, command: UnsafeRawBufferPointer?,
        answer: UnsafeRawBufferPointer
    ) {
        var head = Head(
            time: time, session: session, hasCommand: command != nil, isCut: (command?.count ?? 0) > AuditQueue.commandBytesMax)
        head.lengths[0] = AuditQueue.length(subject)
        head.lengths[1] = AuditQueue.length(roles)
        head.lengths[2] = AuditQueue.length(peer)
        head.lengths[3] = UInt16(name.count)
        head.lengths[4] = UInt16(min(command?.count ?? 0, AuditQueue.commandBytesMax))
        head.lengths[5] = UInt16(min(answer.count, AuditQueue.answerBytesMax))
        var need = MemoryLayout<Head>.stride
        for index in head.lengths.indices { need += Int(head.lengths[index]) }
        monitor.withLock {
            if isClosed || used + need > AuditQueue.bytesMax {
                dropped += 1
                return
            }
            let wasEmpty = used == 0
            (filling + used).storeBytes(of: head, as: Head.self)
            used += MemoryLayout<Head>.stride
            put(subject, Int(head.lengths[0]))
            put(roles, Int(head.lengths[1]))
            put(peer, Int(head.lengths[2]))
            name.withBytes { put($0, Int(head.lengths[3])) }
            if let command { put(command, Int(head.lengths[4])) }
            put(answer, Int(head.lengths[5]))
            if wasEmpty { monitor.signal() }
        }
    }

    /// Bytes of the text that are taken: whole characters.
    private static func length(_ text: String) -> UInt16 {
        let all = text.utf8.count
        if all <= textBytesMax { return UInt16(all) }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: textBytesMax)
        while text.utf8[end] & 0xC0 == 0x80 { end = text.utf8.index(before: end) }
        return UInt16(text.utf8.distance(from: text.utf8.startIndex, to: end))
    }

    private func put(_ text: String, _ count: Int) {
        _ = text.utf8.withContiguousStorageIfAvailable { put(UnsafeRawBufferPointer($0), count) }
    }

    private func put(_ bytes: UnsafeRawBufferPointer, _ count: Int) {
        if count > 0, let base = bytes.baseAddress { (filling + used).copyMemory(from: base, byteCount: count) }
        used += count
    }

    /// Nothing is taken on any more; the taker gets the rest.
    func close() {
        monitor.withLock {
            isClosed = true
            monitor.signal()
        }
    }

    /// Waits for entries, and gives them to `body` one by one, valid during the call. Returns how many found no room since the last call, and
    /// whether more is to come.
    func take(_ body: (borrowing Entry) -> Void) -> (dropped: Int, isOpen: Bool) {
        let (count, lost, isOpen) = monitor.withLock {
            while used == 0, dropped == 0, !isClosed { monitor.wait() }
            swap(&filling, &emptying)
            defer {
                used = 0
                dropped = 0
            }
            return (used, dropped, !isClosed)
        }
        var offset = 0
        while offset < count {
            let head = emptying.loadUnaligned(fromByteOffset: offset, as: Head.self)
            offset += MemoryLayout<Head>.stride
            func text(_ index: Int) -> UnsafeRawBufferPointer {
                defer { offset += Int(head.lengths[index]) }
                return UnsafeRawBufferPointer(start: emptying + offset, count: Int(head.lengths[index]))
            }
            let entry = Entry(head: head, subject: text(0), roles: text(1), peer: text(2), name: text(3), command: text(4), answer: text(5))
            body(entry)
        }
        return (lost, isOpen)
    }

    /// As it lies in the buffer.
    struct Entry {
        let head: Head
        let subject: UnsafeRawBufferPointer
        let roles: UnsafeRawBufferPointer
        let peer: UnsafeRawBufferPointer
        let name: UnsafeRawBufferPointer
        let command: UnsafeRawBufferPointer
        let answer: UnsafeRawBufferPointer
    }
}
