/// Why the log cannot go on. The text is for the engineer at 3 a.m.: what is wrong, where, and what to do.
public enum LogError: Error, Equatable, CustomStringConvertible {
    /// Another process (or another part of this one) has the directory open.
    case locked(directory: String, pid: Int32?)
    /// Something that was durable is damaged or missing. `lsn` is the first record that cannot be read.
    case corrupt(file: String, offset: UInt64, lsn: UInt64, reason: String)
    /// There is a valid frame header of another format version: nothing may be cut there.
    case otherFormat(file: String, offset: UInt64, version: UInt16)
    /// A call to the operating system failed.
    case io(call: String, path: String, errno: Int32)
    /// The disk has no room for what must be written.
    case noSpace(path: String, neededBytes: UInt64)
    /// A snapshot's file is damaged, or is not of this log.
    case badSnapshot(file: String, reason: String)
    /// An operation that needs an explicit order was not given one.
    case refused(String)

    /// The process's exit code for this error; the numbers are those of sysexits.h.
    public var exitCode: Int32 {
        switch self {
        case .locked: 75
        case .corrupt, .otherFormat, .badSnapshot: 65
        case .io: 74
        case .noSpace: 73
        case .refused: 64
        }
    }

    public var description: String {
        switch self {
        case .locked(let directory, let pid):
            let who = pid.map { "process \($0)" } ?? "another process"
            return "data directory \(directory) is in use by \(who); stop it first, or serve another directory"
        case .corrupt(let file, let offset, let lsn, let reason):
            return "log is corrupt: \(file) at offset \(offset), LSN \(lsn): \(reason). Nothing was changed. "
                + "Restore the file from a backup, or, accepting the loss of everything from LSN \(lsn) on, run `cashup wal repair`"
        case .otherFormat(let file, let offset, let version):
            let age = version > FrameHeader.version ? "a newer" : "an older"
            return "\(file) at offset \(offset) was written by \(age) version of this program, in log format \(version); this one "
                + "reads format \(FrameHeader.version). Nothing was changed. Start \(age) version"
        case .io(let call, let path, let number):
            return "\(call) of \(path) failed: \(errorText(number)) (errno \(number))"
        case .noSpace(let path, let bytes):
            return "no room on the disk of \(path): \(bytes) bytes are needed; free some and start again"
        case .badSnapshot(let file, let reason):
            return "snapshot \(file) cannot be used: \(reason)"
        case .refused(let why):
            return why
        }
    }
}
