import Core
import Glibc
import WAL

/// A text file of lines that grows to a size, is then put aside as `path.1` (and that as `path.2`, ...) and begun anew: the service's logs and the
/// audit. A thread of its own writes, so that no caller ever waits for the disk; when it cannot follow, lines are dropped and counted.
///
/// Any thread may call anything. The thread keeps the object until ``close()``.
package final class RotatingFile: @unchecked Sendable {
    package let path: String
    /// Bytes after which the next line begins a new file; a longer line has a file to itself.
    package let bytesMax: Int
    /// Files put aside that are kept.
    package let kept: Int
    /// Bytes that may wait for the disk; what comes beyond is dropped.
    package let queueBytesMax: Int

    private let lineAboutDropped: @Sendable (Int) -> String?
    private let monitor = Monitor()
    // Under the monitor.
    private var queue: [UInt8] = []
    private var queuedLines = 0
    private var unsaidDrops = 0
    private var droppedTotal = 0
    private var wantsReopen = false
    private var isStopping = false
    private var isWriting = false
    // The writer's.
    private var file: Int32
    private var size: Int
    /// The size beyond which it is put aside.
    private var fullAt: Int
    private var thread: Thread?

    /// Opens the file for appending, or makes it; its directory must be there.
    /// - Parameter lineAboutDropped: what the file shall say of lines lost before the next one, given their number.
    /// - Throws: ``StartFailure`` with the path and the reason.
    package init(
        path: String, bytesMax: Int, kept: Int, queueBytesMax: Int = 4 << 20,
        lineAboutDropped: @escaping @Sendable (Int) -> String? = { _ in nil }
    ) throws {
        invariant(bytesMax > 0 && kept >= 0 && queueBytesMax > 0, "limits of a file of lines")
        self.path = path
        self.bytesMax = bytesMax
        self.kept = kept
        self.queueBytesMax = queueBytesMax
        self.lineAboutDropped = lineAboutDropped
        let (file, size) = RotatingFile.open(path)
        guard file >= 0 else {
            throw StartFailure(StartFailure.usage, "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        self.file = file
        self.size = size
        fullAt = bytesMax
        thread = Thread { [self] in run() }
    }

    // MARK: Callers

    /// Queues a line; the newline is added. The line itself holds none: whoever makes it escapes them.
    /// - Returns: whether it was queued.
    @discardableResult
    package func write(line: String) -> Bool {
        var line = line
        return line.withUTF8 { write(line: UnsafeRawBufferPointer($0)) }
    }

    @discardableResult
    package func write(line: UnsafeRawBufferPointer) -> Bool {
        monitor.withLock {
            guard !isStopping, queue.count + line.count < queueBytesMax else {
                droppedTotal += 1
                unsaidDrops += 1
                return false
            }
            if queue.isEmpty { monitor.signal() }
            queue.append(contentsOf: line)
            queue.append(UInt8(ascii: "\n"))
            queuedLines += 1
            return true
        }
    }

    /// Lines that are not in the file because too many waited or the disk took no more.
    package var dropped: Int { monitor.withLock { droppedTotal } }

    /// Returns when everything queued before has been handed to the operating system, or dropped.
    package func flush() {
        monitor.withLock {
            while !queue.isEmpty || isWriting || wantsReopen { monitor.wait() }
        }
    }

    /// Opens the file of this name again, for who has moved the old one away (logrotate). Lines queued before go to the old file.
    package func reopen() {
        monitor.withLock {
            wantsReopen = true
            monitor.signal()
        }
    }

    /// Writes what is queued and lets go of the file; later lines are dropped.
    package func close() {
        monitor.withLock {
            isStopping = true
            monitor.signal()
        }
        thread?.join()
        thread = nil
    }

    // MARK: The writer

    private func run() {
        var taken: [UInt8] = []
        while true {
            taken.removeAll(keepingCapacity: true)
            var lines = 0
            var drops = 0
            var reopens = false
            let goesOn = monitor.withLock {
                isWriting = false
                monitor.signal()
                while queue.isEmpty, !wantsReopen, !isStopping { monitor.wait() }
                guard !queue.isEmpty || wantsReopen else { return false }
                swap(&queue, &taken)
                lines = queuedLines
                queuedLines = 0
                drops = unsaidDrops
                unsaidDrops = 0
                reopens = wantsReopen
                wantsReopen = false
                isWriting = true
                return true
            }
            guard goesOn else { break }
            if drops > 0, var text = lineAboutDropped(drops) {
                text += "\n"
                taken.append(contentsOf: text.utf8)
            }
            taken.withUnsafeBytes { put($0, lines: lines) }
            if reopens { openAgain() }
        }
        if file >= 0 { _ = Glibc.close(file) }
    }

    /// Writes whole lines, a new file begun where one is full.
    private func put(_ bytes: UnsafeRawBufferPointer, lines: Int) {
        var rest = bytes
        while !rest.isEmpty {
            // A rename, a full disk: it may have passed.
            if file < 0 { openAgain() }
            let room = max(0, fullAt - size)
            var end = rest.count
            if end > room {
                // Up to the last line that fits; one that fits in no file goes to an empty one.
                end = rest[..<room].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
                if end == 0, size == 0 { end = rest.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? rest.count }
            }
            if end == 0 {
                rotate()
                continue
            }
            let part = UnsafeRawBufferPointer(rebasing: rest[..<end])
            if !append(part) {
                let lost = part.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
                monitor.withLock {
                    droppedTotal += lost
                    unsaidDrops += lost
                }
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[end...])
        }
    }

    /// All of it, or nothing: of a part that was written the file is cut back, so that it has whole lines.
    private func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard file >= 0 else { return false }
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(file, bytes.baseAddress! + done, bytes.count - done)
            if count < 0, errno == EINTR { continue }
            if count <= 0 {
                if done > 0 { _ = ftruncate(file, off_t(size)) }
                return false
            }
            done += count
        }
        size += done
        return true
    }

    private func rotate() {
        if kept == 0 {
            _ = unlink(path)
        } else {
            for number in stride(from: kept - 1, to: 0, by: -1) { _ = rename("\(path).\(number)", "\(path).\(number + 1)") }
            _ = rename(path, "\(path).1")
        }
        openAgain()
        // It could not be put aside (a directory made read-only, say): the old one grows on rather than lines being lost.
        if size > 0 { fullAt = size + bytesMax }
    }

    private func openAgain() {
        let (next, bytes) = RotatingFile.open(path)
        // The old one, renamed or not, is better than none.
        guard next >= 0 else { return }
        if file >= 0 { _ = Glibc.close(file) }
        file = next
        size = bytes
        fullAt = bytesMax
    }

    private static func open(_ path: String) -> (file: Int32, size: Int) {
        let file = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        var status = stat()
        guard file >= 0 else { return (-1, 0) }
        return (file, fstat(file, &status) == 0 ? Int(status.st_size) : 0)
    }
}
