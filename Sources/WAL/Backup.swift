import Core
import Glibc

/// What was copied.
public struct CopyReport: Sendable {
    public var files = 0
    public var bytes: UInt64 = 0
    /// What the copy was found to hold.
    public var verified: VerifyReport
}

/// Copies a data directory, also that of a running service, and checks the copy. The copy is a data directory itself: the state at one LSN, durable when
/// it was copied. Lock, spares, log files and history are not in it; history is made anew from the log.
/// - Parameters:
///   - archive: whether archived segments are copied, too; without them the copy begins with a snapshot.
/// - Throws: `LogError.refused` when the destination is not empty, or the copy is not sound; `io`, `noSpace`.
public func backUp(directory: String, to destination: String, archive: Bool) throws -> CopyReport {
    try backUp(SystemDisk(), directory: directory, to: destination, archive: archive)
}

/// Makes a data directory of a backup: checks it, copies it, checks the copy.
/// - Throws: as ``backUp(directory:to:archive:)``; `locked` when somebody uses the backup itself.
public func restore(backup: String, to destination: String) throws -> CopyReport {
    let report = verify(directory: backup)
    guard report.isSound else { throw LogError.refused("the backup is not sound; nothing was restored\n\(report)") }
    return try withLockedDirectory(backup) { try backUp(SystemDisk(), directory: backup, to: destination, archive: true) }
}

package func backUp<D: Disk>(_ disk: D, directory: String, to destination: String, archive: Bool) throws -> CopyReport {
    guard try !segmentPlaces(disk, directory).isEmpty else { throw LogError.refused("there is no log in \(directory)") }
    try disk.check(disk.makeDirectory(destination), "mkdir", destination)
    guard disk.list(destination)?.isEmpty == true else { throw LogError.refused("\(destination) is not empty; name a directory that is, or is not there") }
    for attempt in 1... {
        var copier = FileCopier(disk)
        do {
            try copier.copy(directory, to: destination, archive: archive)
        } catch LogError.io(_, _, ENOENT) where attempt < 5 {
            // A snapshot was made meanwhile, and what it made dispensable is gone.
            for file in disk.list(destination) ?? [] where file != archiveFolder { _ = disk.remove(destination + "/" + file) }
            for file in disk.list(destination + "/" + archiveFolder) ?? [] { _ = disk.remove(destination + "/" + archiveFolder + "/" + file) }
            continue
        }
        let report = CopyReport(files: copier.files, bytes: copier.bytes, verified: verify(directory: destination, disk: disk))
        guard report.verified.isSound else { throw LogError.refused("the copy is not sound\n\(report.verified)") }
        return report
    }
    invariantFailure("a last attempt returns or throws")
}

private struct FileCopier<D: Disk> {
    private let disk: D
    private(set) var files = 0
    private(set) var bytes: UInt64 = 0

    init(_ disk: D) { self.disk = disk }

    mutating func copy(_ directory: String, to destination: String, archive: Bool) throws {
        // Snapshots first: the log that is copied after them goes past them.
        let snapshots = try snapshotNames(disk, directory)
        for name in snapshots { try copy(directory + "/" + name.file, to: destination + "/" + name.file) }
        var places = try segmentPlaces(disk, directory)
        if !archive { places.removeAll { $0.directory != directory } }
        let hasArchive = places.contains { $0.directory != directory }
        if hasArchive {
            try disk.check(disk.makeDirectory(destination + "/" + archiveFolder), "mkdir", destination)
        }
        for place in places.dropLast() {
            let target = place.directory == directory ? destination : destination + "/" + archiveFolder
            try copy(place.path, to: target + "/" + place.name.file)
        }
        if let last = places.last { try copy(last, to: destination + "/" + last.name.file) }
        if try DataFormat.read(disk, directory) != nil { try copy(directory + "/" + DataFormat.file, to: destination + "/" + DataFormat.file) }
        for path in hasArchive ? [destination + "/" + archiveFolder, destination] : [destination] {
            try disk.syncNames(in: path)
        }
    }

    /// The segment that may be being written: up to its last whole frame, once that is on the disk for certain. What is after it has not been acknowledged.
    private mutating func copy(_ place: SegmentPlace, to target: String) throws {
        let reader = try SegmentReader(disk, place)
        var end: UInt64 = 0
        while let header = try reader.header(at: end), try reader.stored(header) != nil { end = header.end }
        let file = try disk.openFile(place.path, .write)
        defer { disk.close(file) }
        try disk.check(disk.sync(file), "fdatasync", place.path)
        try copy(place.path, to: target, bytes: end)
    }

    private mutating func copy(_ source: String, to target: String, bytes limit: UInt64 = .max) throws {
        let from = try disk.openFile(source, .read)
        defer { disk.close(from) }
        let to = try disk.openFile(target, .create)
        defer { disk.close(to) }
        bytes += try disk.copy(from, source, to: to, target, upTo: limit, syncsPieces: true)
        files += 1
    }
}
