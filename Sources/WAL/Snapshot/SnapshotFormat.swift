import Core

// A snapshot's format, version 1. All numbers are little-endian.
//
// A snapshot is the state of all shards after the record of one LSN, the last of its frame. Its file is a sequence of sections and nothing else: each is a zstd
// *skippable* frame that holds the header below, then one zstd frame that holds the payload. So `zstd -t` checks it, as it does segments.
//
//   section header                                                payloads
//   offset size                                                   head (one, the first): 8 bytes each
//     0     4  0x184D2A5D, zstd's magic of a skippable frame        LSN; number of its frame; that frame's checksum (its chain value);
//     4     4  48, bytes of the skippable frame that follow         epoch; the log's identity (salt of its first epoch); time of the last
//     8     4  "CUSS"                                               record, microseconds since 1970 UTC, signed; count of shards; then for
//                                                                   each the number of its registry's last entry
//    12     2  version, 1                                         registry: a batch of records (RecordCodec.swift) of kind `defined`, of
//    14     2  kind: 1 head, 2 registry, 3 image, 4 end             shard 0, from number 1 on: LEB128 count, the records
//    16     4  number of the section, from 0                      image: a block of a shard's image (Core/Image/Shard+Image.swift); shards
//    20     4  size of the payload, at most 1 MiB                   in the order of their numbers, a shard in as many sections as it takes
//    24     4  size of the zstd frame that follows                end (one, the last): 8 bytes for each shard, its state hash
//    28     4  shard of an image, else 0
//    32     8  XXH64 of that zstd frame, seeded with the LSN
//    40     8  chain: checksum of the section before; 0 for the first
//    48     8  checksum: XXH64 of bytes 0 to 47
//
// A snapshot is valid if and only if all sections are right, chain on, stand in the order above and end with the file, the registry has no gaps, and each image is
// one of its registry. The state hashes are compared when a snapshot is made, before it gets its name, and by `wal verify`: a start does without.
//
// Its name is snapshot-LLLLLLLLLLLLLLLLLLLL.snap, with its LSN. While it is written it is snapshot.tmp; a start removes one that it finds.
// A snapshot belongs to a log if that has the frame with its number and checksum. It is never ahead of the log: only what is durable there gets into one.

package struct SectionHeader: Equatable {
    static let size = 56
    static let magic: UInt32 = 0x184D_2A5D
    static let tag: UInt32 = 0x5353_5543  // "CUSS"
    static let version: UInt16 = 1
    static let payloadBytesMax = 1 << 20

    enum Kind: UInt16 { case head = 1, registry, image, end }

    var kind = Kind.head
    var number: UInt32 = 0
    var payloadSize: UInt32 = 0
    var storedSize: UInt32 = 0
    var shard: UInt32 = 0
    var storedChecksum: UInt64 = 0
    var chain: UInt64 = 0
    private(set) var checksum: UInt64 = 0

    init() {}

    /// Writes the 56 bytes at `p` and sets ``checksum``.
    mutating func encode(to p: UnsafeMutableRawPointer) {
        func put<T: FixedWidthInteger>(_ value: T, _ at: Int) { p.storeBytes(of: value.littleEndian, toByteOffset: at, as: T.self) }
        put(SectionHeader.magic, 0)
        put(UInt32(SectionHeader.size - 8), 4)
        put(SectionHeader.tag, 8)
        put(SectionHeader.version, 12)
        put(kind.rawValue, 14)
        put(number, 16)
        put(payloadSize, 20)
        put(storedSize, 24)
        put(shard, 28)
        put(storedChecksum, 32)
        put(chain, 40)
        checksum = xxh64(UnsafeRawBufferPointer(start: p, count: 48), seed: 0)
        put(checksum, 48)
    }

    /// - Throws: `LogError.badSnapshot` unless the 56 bytes at `p` are a header.
    init(at p: UnsafeRawPointer, file: String) throws {
        func get<T: FixedWidthInteger>(_ at: Int, _: T.Type = T.self) -> T { T(littleEndian: p.loadUnaligned(fromByteOffset: at, as: T.self)) }
        guard get(0) == SectionHeader.magic, get(4) == UInt32(SectionHeader.size - 8), get(8) == SectionHeader.tag,
            get(48) == xxh64(UnsafeRawBufferPointer(start: p, count: 48), seed: 0)
        else { throw LogError.badSnapshot(file: file, reason: "a section's header is damaged") }
        let version = get(12, UInt16.self)
        guard version == SectionHeader.version, let kind = Kind(rawValue: get(14)) else {
            throw LogError.badSnapshot(file: file, reason: "it is of format \(version); this version of the program reads \(SectionHeader.version)")
        }
        self.kind = kind
        number = get(16)
        payloadSize = get(20)
        storedSize = get(24)
        shard = get(28)
        storedChecksum = get(32)
        chain = get(40)
        checksum = get(48)
        guard payloadSize <= SectionHeader.payloadBytesMax, storedSize <= 2 * SectionHeader.payloadBytesMax else {
            throw LogError.badSnapshot(file: file, reason: "a section is larger than any")
        }
    }
}

/// What a snapshot says of itself.
package struct SnapshotHead: Equatable, Sendable {
    /// Of the last record in it.
    package var lsn: UInt64 = 0
    /// Number and checksum of the frame that ends with that record.
    package var frame: UInt64 = 0
    package var chain: UInt64 = 0
    package var epoch: UInt32 = 0
    /// What no other log has: the salt of its first epoch.
    package var identity: UInt64 = 0
    /// Of the last record.
    package var time: Timestamp = 0
    /// Per shard the number of its registry's last entry.
    package var registryNumbers: [Int64] = []

    init() {}

    func encode(to bytes: inout GrowableBytes) {
        for word in [lsn, frame, chain, UInt64(epoch), identity, UInt64(bitPattern: time), UInt64(registryNumbers.count)] { bytes.append(word) }
        for number in registryNumbers { bytes.append(UInt64(bitPattern: number)) }
    }

    /// `nil` when it is not one.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var cursor = ByteCursor(bytes)
        guard let lsn = cursor.word(), let frame = cursor.word(), let chain = cursor.word(), let epoch = cursor.word(), let identity = cursor.word(),
            let time = cursor.word(), let count = cursor.word(), let epoch = UInt32(exactly: epoch), count >= 1, count <= UInt64(Registry.walletsMax), lsn > 0
        else { return nil }
        self.lsn = lsn
        self.frame = frame
        self.chain = chain
        self.epoch = epoch
        self.identity = identity
        self.time = Timestamp(bitPattern: time)
        for _ in 0..<count {
            guard let number = cursor.word(), let number = Int64(exactly: number) else { return nil }
            // Shard 0 is never behind the others.
            guard number <= registryNumbers.first ?? number else { return nil }
            registryNumbers.append(number)
        }
        guard cursor.isAtEnd else { return nil }
    }
}

/// A snapshot file's name, with the LSN so padded that names sort in log order.
package struct SnapshotName: Equatable, Comparable, Sendable {
    package var lsn: UInt64
    static let temporary = "snapshot.tmp"

    package init(lsn: UInt64) { self.lsn = lsn }

    /// `nil` when the text is not the name of a snapshot.
    package init?(_ file: String) {
        guard file.utf8.count == 34, file.hasPrefix("snapshot-"), file.hasSuffix(".snap"), let lsn = UInt64(file.dropFirst(9).dropLast(5)) else {
            return nil
        }
        self.lsn = lsn
    }

    package var file: String {
        let digits = String(lsn)
        return "snapshot-" + String(repeating: "0", count: max(0, 20 - digits.utf8.count)) + digits + ".snap"
    }

    package static func < (a: SnapshotName, b: SnapshotName) -> Bool { a.lsn < b.lsn }
}

/// Names of the snapshots in a directory, newest first.
func snapshotNames<D: Disk>(_ disk: D, _ directory: String) throws -> [SnapshotName] {
    guard let files = disk.list(directory) else { throw LogError.io(call: "list", path: directory, errno: 2) }
    return files.compactMap(SnapshotName.init).sorted(by: >)
}
