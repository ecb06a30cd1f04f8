import Core
import Glibc

/// The format of a data directory as a whole: which kinds of files are in it, and what a program must know to use it. The file FORMAT says it, in a line of text.
///
///     2  a log alone (Format.swift); such directories have no FORMAT file
///     3  snapshots (Snapshot/SnapshotFormat.swift), and segments that they have made dispensable put away
///     4  in log and snapshots also what internal venues, and limits that came with them, have: see RecordCodec.swift
///
/// A new directory has the newest. An older one stays as it is, so that the version that wrote it can still use it, until `cashup upgrade --commit`.
/// So nothing may be recorded in it that its version does not know: ``needed(by:)-(Command)``.
public enum DataFormat {
    public static let current = 4
    /// Without snapshots.
    public static let logAlone = 2
    /// The first with snapshots.
    public static let snapshots = 3
    /// The first with internal venues.
    public static let venues = 4
    static let file = "FORMAT"
    private static let prefix = "cashup data format "

    /// The format of a directory; a new one gets the current.
    /// - Parameter neededBytes: what a new log needs, for the message of a full disk.
    /// - Throws: `LogError.refused` when it is newer than this program.
    static func open<D: Disk>(_ disk: D, _ locked: DataDirectory<D>, neededBytes: UInt64) throws -> Int {
        if let format = try read(disk, locked.path) { return format }
        if try !segmentNames(disk, locked.path).isEmpty { return logAlone }
        // Durable before there is anything of the format: else a crash could leave that alone.
        do {
            try write(disk, locked)
        } catch LogError.noSpace(_, 0) {
            throw LogError.noSpace(path: locked.path, neededBytes: neededBytes)
        }
        return current
    }

    /// `nil`: there is no file that says it.
    static func read<D: Disk>(_ disk: D, _ directory: String) throws -> Int? {
        let path = directory + "/" + file
        let handle = disk.open(path, .read)
        // Only that: whoever cannot look must not take the directory for an older one.
        if handle == -Int(ENOENT) { return nil }
        try disk.check(handle, "open", path)
        defer { disk.close(Int32(handle)) }
        let text = String(decoding: try disk.readBytes(Int32(handle), count: 100, at: 0, path: path), as: UTF8.self)
        guard text.hasPrefix(prefix), text.hasSuffix("\n"), let format = Int(text.dropFirst(prefix.utf8.count).dropLast()), format > logAlone else {
            throw LogError.refused("\(path) is damaged: it should be a line like `\(prefix)\(current)`")
        }
        guard format <= current else {
            throw LogError.refused(
                "\(directory) has data format \(format), of a newer version of this program; this one reads formats \(logAlone) to \(current). Nothing was changed. Start the newer version")
        }
        return format
    }

    private static func write<D: Disk>(_ disk: D, _ locked: DataDirectory<D>) throws {
        let path = locked.path + "/" + file
        let temporary = path + ".tmp"
        let handle = try disk.openFile(temporary, .create)
        defer { disk.close(handle) }
        var text = "\(prefix)\(current)\n"
        try disk.check(disk.truncate(handle, 0), "ftruncate", temporary)
        try disk.check(text.withUTF8 { disk.writeAll(handle, UnsafeRawBufferPointer($0), at: 0) }, "write", temporary)
        try disk.check(disk.sync(handle), "fdatasync", temporary)
        try disk.check(disk.rename(temporary, path), "rename", temporary)
        try locked.sync()
    }

    // MARK: What needs which

    /// The oldest format whose log can hold what a command comes to.
    public static func needed(by command: borrowing Command) -> Int {
        switch copy command {
        case .setLimits(let set): needed(by: set)
        case .define(let definition): needed(by: definition)
        // What an order may ask for it may ask for on an internal venue only, and that is there or it is not.
        case .newOrder, .replace, .cancel, .cancelAll, .fill, .closePosition, .money, .takeOver, .transfer, .setMark: logAlone
        case .deadMan: venues
        }
    }

    public static func needed(by definition: borrowing Definition) -> Int {
        switch copy definition {
        case .venue(let info): info.kind == .internal ? venues : logAlone
        case .instrument(let info): info.terms.isOfFirstKind ? logAlone : venues
        case .changeInstrument(_, let terms): terms.isOfFirstKind ? logAlone : venues
        case .setting(let setting, _): needed(by: setting)
        case .asset, .wallet, .account: logAlone
        }
    }

    private static func needed(by set: SetLimits) -> Int {
        // What is left when all that was there from the beginning is taken away.
        var rest = set.change
        rest.maxQuantity = nil
        rest.maxNotional = nil
        rest.maxPosition = nil
        rest.maxOpenOrders = nil
        rest.enabled = nil
        return rest == LimitsChange() && set.account != 0 ? logAlone : venues
    }

    private static func needed(by setting: Setting) -> Int {
        switch setting {
        case .windowHours, .windowIDs, .marketMarginBps: logAlone
        case .dayStartMinutes: venues
        }
    }

    /// Brings a directory that nobody uses to the current format.
    /// - Parameter commit: only if `true` is anything changed.
    /// - Returns: the format it has, or had.
    /// - Throws: `LogError.locked`, `refused`, `io`.
    public static func upgrade(directory: String, commit: Bool) throws -> Int { try upgrade(SystemDisk(), directory: directory, commit: commit) }

    package static func upgrade<D: Disk>(_ disk: D, directory: String, commit: Bool) throws -> Int {
        guard try !segmentPlaces(disk, directory).isEmpty else { throw LogError.refused("there is no log in \(directory)") }
        let locked = try DataDirectory(locking: directory, disk)
        defer { locked.unlock() }
        let format = try read(disk, directory) ?? logAlone
        if commit, format < current { try write(disk, locked) }
        return format
    }
}
