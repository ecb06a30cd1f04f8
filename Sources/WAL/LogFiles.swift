import Glibc

// Which files a log consists of. Segments that no snapshot needs any more are in a folder of their own, where they are not in the way and not lost.

/// Beside the segments in use, in the data directory.
let archiveFolder = "archive"

/// A segment and where it is.
struct SegmentPlace: Sendable {
    var name: SegmentName
    var directory: String

    var path: String { directory + "/" + name.file }
}

/// Names of the segments in a directory, in log order.
func segmentNames<D: Disk>(_ disk: D, _ directory: String) throws -> [SegmentName] {
    guard let files = disk.list(directory) else { throw LogError.io(call: "list", path: directory, errno: 2) }
    return files.compactMap(SegmentName.init).sorted { $0.number < $1.number }
}

/// All segments of a log, in log order, with those of the archive that lead up to them without a gap. One that is in both places, because a crash came while
/// it was put away, is the same file.
func segmentPlaces<D: Disk>(_ disk: D, _ directory: String) throws -> [SegmentPlace] {
    let present = try segmentNames(disk, directory)
    let archive = directory + "/" + archiveFolder
    var places = present.map { SegmentPlace(name: $0, directory: directory) }
    let archived = (disk.list(archive) ?? []).compactMap(SegmentName.init).sorted { $0.number > $1.number }
    guard var next = present.first?.number ?? archived.first.map({ $0.number + 1 }) else { return [] }
    for name in archived where name.number < next {
        // Before a gap it is of no use: some were removed rather than put away.
        if name.number + 1 != next { break }
        places.insert(SegmentPlace(name: name, directory: archive), at: 0)
        next = name.number
    }
    return places
}

/// Puts segments away that hold nothing after `lsn`; or removes them. In log order, each wholly before the next, so that a crash leaves no gap.
/// - Returns: how many.
func retireSegments<D: Disk>(_ disk: D, _ directory: String, upTo lsn: UInt64, keep: Bool) throws -> Int {
    let names = try segmentNames(disk, directory)
    // What a segment holds ends where the next one begins. The last one is in use.
    // The one with the record of that LSN stays: a snapshot of it is held against its frame.
    let retired = zip(names, names.dropFirst()).prefix { $1.firstLSN <= lsn }.map(\.0)
    if retired.isEmpty { return 0 }
    let archive = directory + "/" + archiveFolder
    if keep {
        try disk.check(disk.makeDirectory(archive), "mkdir", archive)
        try disk.syncNames(in: directory)
        for name in retired { try link(disk, directory + "/" + name.file, archive + "/" + name.file) }
        // Must be done before the first name goes, else a crash may leave a segment with no name at all.
        try disk.syncNames(in: archive)
    }
    for name in retired {
        try disk.check(disk.remove(directory + "/" + name.file), "unlink", name.file)
        // Without an archive an earlier one must be gone for good before a later one goes.
        if !keep { try disk.syncNames(in: directory) }
    }
    if keep { try disk.syncNames(in: directory) }
    return retired.count
}

private func link<D: Disk>(_ disk: D, _ path: String, _ other: String) throws {
    let result = disk.link(path, other)
    guard result == -Int(EEXIST) else {
        try disk.check(result, "link", path)
        return
    }
    // From an attempt that a crash ended. If it is another file, nothing may be removed for its sake.
    let file = try disk.openFile(path, .read)
    defer { disk.close(file) }
    if try disk.check(disk.linkCount(file), "fstat", path) < 2 { throw LogError.refused("\(other) is there, and is not \(path)") }
}
