import Core
import Glibc
import Logging
import WAL

/// Who was refused what, and why: every `-` line leaves a line in files beside the log (AuditText.swift has their form). What was accepted is
/// in the log with its session.
///
/// A thread of its own writes, at low priority, from a queue of fixed size; nothing of it can hold the service up. A disk that does not take the
/// lines is said once; what is lost meanwhile is counted, and the count is a line when it goes on.
package final class AuditTrail: Sendable {
    package let directory: String
    private let queue = AuditQueue()
    private let thread: Thread

    /// Bytes of lines written at once.
    private static let writeBytes = 64 << 10
    /// See nice(2): a storm of refusals must not take a core from the loops.
    private static let niceness: Int32 = 10

    /// - Parameters:
    ///   - directory: made if it is not there.
    ///   - bytesMax: of one file.
    ///   - filesMax: kept, the one being written included.
    ///   - mayWrite: whether the disk has room to spare; asked on the audit's thread.
    ///   - now: service time, microseconds; asked on the audit's thread.
    package init(
        directory: String, bytesMax: Int, filesMax: Int, mayWrite: @escaping @Sendable () -> Bool, now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.directory = directory
        let queue = queue
        thread = Thread {
            Thread.yieldsTo(others: AuditTrail.niceness)
            var writer = Writer(
                files: AuditFiles(directory: directory, bytesMax: bytesMax, filesMax: filesMax), mayWrite: mayWrite, now: now, logger: logger)
            while true {
                let (dropped, isOpen) = queue.take { writer.take($0) }
                writer.lost += dropped
                writer.flush()
                if !isOpen { break }
            }
            writer.files.close()
        }
    }

    /// Takes a refusal on. Any thread; allocates nothing, waits for nothing but a short lock.
    /// - Parameters:
    ///   - command: the line as sent, tokens included: they are taken out before anything is written. `nil`: it was not kept.
    ///   - answer: `-TAG CODE facts`.
    func note(_ session: borrowing Session, time: Timestamp, command: UnsafeRawBufferPointer?, answer: UnsafeRawBufferPointer) {
        queue.append(
            time: time, session: session.number, subject: session.subject, roles: session.roles, peer: session.peer, name: session.name,
            command: command, answer: answer)
    }

    /// The same for who refuses before a session is asked: the REST edge.
    /// - Parameters:
    ///   - time: service time, microseconds.
    ///   - roles: separated by commas.
    ///   - facts: `key=value`, separated by blanks; no blanks in them.
    package func note(
        time: Timestamp, session: UInt64, subject: String, roles: String, peer: String, name: Text, command: String, code: String,
        facts: String
    ) {
        var (command, answer) = (command, "-? \(code) \(facts)")
        command.withUTF8 { command in
            answer.withUTF8 { answer in
                queue.append(
                    time: time, session: session, subject: subject, roles: roles, peer: peer, name: name,
                    command: UnsafeRawBufferPointer(command), answer: UnsafeRawBufferPointer(answer))
            }
        }
    }

    /// Writes what is queued and ends the thread; returns when all of it is on the disk. Once.
    package func close() {
        queue.close()
        thread.join()
    }

    /// Entries to lines to the file, on the audit's thread.
    private struct Writer: ~Copyable {
        var files: AuditFiles
        let mayWrite: @Sendable () -> Bool
        let now: @Sendable () -> Timestamp
        let logger: Logger
        var lines = OutputBuffer(capacity: AuditTrail.writeBytes)
        private var count = 0
        /// Refusals that are in no line; said with the next one that can be written.
        var lost = 0
        private var isFailing = false
        /// When a failure was last said to the log: a disk that takes some lines and others not must not fill that.
        private var saidAt: Timestamp?
        private static let sayAgainMicros: Timestamp = 600_000_000

        init(files: consuming AuditFiles, mayWrite: @escaping @Sendable () -> Bool, now: @escaping @Sendable () -> Timestamp, logger: Logger) {
            self.files = files
            self.mayWrite = mayWrite
            self.now = now
            self.logger = logger
        }

        mutating func take(_ entry: borrowing AuditQueue.Entry) {
            AuditText.append(entry, to: &lines)
            count += 1
            if lines.count >= AuditTrail.writeBytes { flush() }
        }

        mutating func flush() {
            // A refusal that finds no room comes after those that did.
            if lost > 0 { AuditText.append(dropped: lost, at: now(), to: &lines) }
            guard !lines.isEmpty else { return }
            let error = mayWrite() ? lines.withUnsafeBytes { files.append($0) } : ENOSPC
            lines.removeAll()
            if error == 0 {
                if isFailing { logger.debug("the audit of refused commands goes on; \(lost) of them are lost") }
                (lost, isFailing) = (0, false)
            } else {
                lost += count
                if !isFailing, saidAt.map({ now() - $0 > Writer.sayAgainMicros }) ?? true {
                    saidAt = now()
                    logger.error("refused commands are not in the audit for now: \(String(cString: strerror(error))); the service goes on")
                }
                isFailing = true
            }
            count = 0
        }
    }
}
