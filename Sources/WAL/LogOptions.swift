import Glibc

public struct LogOptions: Sendable {
    /// Size of a segment file, bytes.
    public var segmentBytes: UInt64 = 64 << 20
    /// Zero-filled segments kept ready: the two that a start needs, and what lets the log run ahead of their making.
    public var spares = 3
    /// zstd's level for frames above ``rawBytesMax``.
    public var compressionLevel: Int32 = 1
    /// Frames with payloads up to this many bytes are stored uncompressed: zstd would take 2 to 13 us of a commit of
    /// 150 us for them, and a commit costs the same whether it writes 64 bytes or 64 KiB.
    public var rawBytesMax = 1024
    /// Payload of a frame; a longer run is written as several, a single larger batch as one.
    public var frameBytesMax = 8 << 20
    /// Who does what the log does beside its callers: committing for several loops, making spares.
    public enum Background: Sendable {
        /// Threads of the log's own.
        case threads
        /// Somebody calls ``DiskLog/runCommitStep()`` and ``DiskLog/runKeeperStep()``: a simulation, where one thread does everything.
        case stepped
    }
    public var background = Background.threads
    /// What a new epoch's random salt comes from.
    public var randomSalt: @Sendable () -> UInt64 = { .random(in: 1 ... .max) }
    /// Called once when a write or a sync failed, on the thread that made it. The state of the disk is then unknown and
    /// nothing more may be answered, so it should not return; if it does, the log stays silent for good.
    public var onFatal: @Sendable (LogError) -> Void = { error in
        let text = "cashup: the log cannot be written: \(error). Stopping; nothing unsynced was acknowledged.\n"
        text.utf8CString.withUnsafeBytes { _ = write(2, $0.baseAddress, $0.count - 1) }
        _exit(70)
    }

    public init() {}
}

/// Whether there is room for what the service may write.
public enum StorageState: UInt8, Sendable {
    case ok
    /// The disk is full and no spare can be made: only commands that reduce risk and what is under way.
    case reserved
    /// No spare can be made, for whatever reason, and only what the next start needs is left: nothing more.
    case full
}

/// What a start found in the data directory.
public struct RecoveryReport: Sendable {
    /// LSN of the last record; 0 in a new directory.
    public var lastLSN: UInt64 = 0
    /// The epoch before this one; 0 in a new directory.
    public var lastEpoch: UInt32 = 0
    public var segments = 0
    /// LSN of the snapshot the start began with; 0: it began with the log's first record.
    public var snapshotLSN: UInt64 = 0
    /// Whether the log was closed, rather than left by a crash.
    public var endedClean = false
    /// Bytes after the last whole frame that were cut; the file as it was is kept as ``tornFile``.
    public var tornBytes: UInt64 = 0
    public var tornFile: String?
    /// For the operator; each a sentence.
    public var warnings: [String] = []
}
