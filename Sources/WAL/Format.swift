// The log's format, version 2 (1 had larger records and was never released). All numbers are little-endian.
//
// A segment file is a sequence of frames and nothing else, until it is sealed followed by zeros. A frame is one group
// commit: a zstd *skippable* frame that holds the header below, then one zstd frame that holds the payload. So a sealed
// segment is a valid zstd stream: `zstd -t` checks it, `zstd -dc` prints its payloads.
//
//   frame header                                                 payload of a frame, inside the zstd frame
//   offset size                                                  `sessionCount` times a session definition:
//     0     4  0x184D2A5C, zstd's magic of a skippable frame         8  session number (epoch << 32 | n)
//     4     4  112, bytes of the skippable frame that follow         8  opened, microseconds since 1970 UTC, signed
//     8     4  "CUWL"                                                4 x (LEB128 length, UTF-8): subject, roles, peer, name
//    12     2  format version, 2                                 then `batchCount` times a batch:
//    14     2  flags: 1 opens an epoch, 2 clean stop                 LEB128 count of records, at least 1
//    16     4  epoch                                                 LEB128 length of their bytes
//    20     4  batchCount                                            the records, as the record codec wrote them
//    24     8  salt of the epoch, random
//    32     8  number of the segment, from 1                     The records of a frame have consecutive LSNs from firstLSN
//    40     8  offset of this header in its file                 on, in the order of the payload. Frames without records
//    48     8  number of the frame, from 1                       (an epoch's first, a clean stop's last) carry the LSN
//    56     8  firstLSN, of the first record                     that comes next.
//    64     8  LSN known durable when this was written
//    72     8  frame known durable when this was written         Files of a data directory:
//    80     4  count of records                                    FFFFFFFFFFFFFFFFFFFF-SSSSSSSS.wal  segment: first LSN, number
//    84     4  size of the payload                                 spare-N.tmp   zero-filled ahead, or left by a start that died
//                                                                 *.old         being given up by a start; the next removes it
//    88     4  size of the zstd frame that follows                 *.torn        a last segment that a start found torn
//    92     4  sessionCount                                        *.cut         what `wal repair` has put aside
//    96     8  XXH64 of that zstd frame, seeded with the salt      LOCK          locked by the process that has the log open
//   104     8  chain: checksum field of the frame before; 0 for the first
//   112     8  checksum: XXH64 of bytes 0 to 111
//
// A header is valid if and only if its four constant fields and its checksum are right and segment number and offset are
// those of the place it stands at. A frame is valid if and only if its header is valid and the zstd frame that follows is
// all there with the right XXH64. A frame is part of the log if and only if it is valid and chains on: it is the first, or
// chain, frame number, firstLSN follow from the frame before it, which ends where it begins (in the same segment, or it
// stands at 0 of the next one), and epoch and salt are the same or it opens the next epoch at the begin of a segment.
//
// The log is the longest run of such frames. What follows is decided by who claims what:
//   - A header right in all but its format version: another version of the program wrote it. The start refuses.
//   - A valid header after the run whose durable LSN or frame is past the run, a segment whose name says so, or two
//     segments past the run: something that was durable is gone. Corruption; the start refuses.
//   - Otherwise, in the last segment only, it is the torn tail of a write that was never acknowledged. It is cut.
// One frame is written at a time and the next only after its sync, so a claim proves every frame before the claiming one.
// Where rot and a tear look alike: the last frame of an unclean stop. Nothing after it claims it, so damage to it is taken
// for a tear and cut. After a clean stop the closing frame claims all records, and damage to the last of them is refused.

/// The header of a frame. The byte table and the rule of validity are at the top of this file.
package struct FrameHeader: Equatable, Sendable {
    package static let size = 120
    package static let magic: UInt32 = 0x184D_2A5C
    package static let tag: UInt32 = 0x4C57_5543  // "CUWL"
    package static let version: UInt16 = 2

    package static let opensEpoch: UInt16 = 1
    package static let cleanStop: UInt16 = 2

    package var flags: UInt16 = 0
    package var epoch: UInt32 = 0
    package var batchCount: UInt32 = 0
    package var salt: UInt64 = 0
    package var segment: UInt64 = 0
    package var offset: UInt64 = 0
    package var frame: UInt64 = 0
    package var firstLSN: UInt64 = 0
    package var durableLSN: UInt64 = 0
    package var durableFrame: UInt64 = 0
    package var recordCount: UInt32 = 0
    package var payloadSize: UInt32 = 0
    package var storedSize: UInt32 = 0
    package var sessionCount: UInt32 = 0
    package var storedChecksum: UInt64 = 0
    package var chain: UInt64 = 0
    package var checksum: UInt64 = 0

    package init() {}

    /// LSN of the record after this frame.
    package var nextLSN: UInt64 { firstLSN + UInt64(recordCount) }
    /// Offset of what follows this frame.
    package var end: UInt64 { offset + UInt64(FrameHeader.size) + UInt64(storedSize) }

    /// Writes the 120 bytes at `p` and sets ``checksum``.
    package mutating func encode(to p: UnsafeMutableRawPointer) {
        func put<T: FixedWidthInteger>(_ value: T, _ at: Int) { p.storeBytes(of: value.littleEndian, toByteOffset: at, as: T.self) }
        put(FrameHeader.magic, 0)
        put(UInt32(FrameHeader.size - 8), 4)
        put(FrameHeader.tag, 8)
        put(FrameHeader.version, 12)
        put(flags, 14)
        put(epoch, 16)
        put(batchCount, 20)
        put(salt, 24)
        put(segment, 32)
        put(offset, 40)
        put(frame, 48)
        put(firstLSN, 56)
        put(durableLSN, 64)
        put(durableFrame, 72)
        put(recordCount, 80)
        put(payloadSize, 84)
        put(storedSize, 88)
        put(sessionCount, 92)
        put(storedChecksum, 96)
        put(chain, 104)
        checksum = xxh64(UnsafeRawBufferPointer(start: p, count: 112), seed: 0)
        put(checksum, 112)
    }

    /// The format version of a header right in all but that; `nil` when it is ours, or no such header stands there. All
    /// versions have the constant fields, version, salt, place and checksum where this one has them.
    /// - Parameter salt: of the epoch; `nil`: any.
    static func otherVersion(at p: UnsafeRawPointer, segment: UInt64, offset: UInt64, salt: UInt64?) -> UInt16? {
        func get<T: FixedWidthInteger>(_ at: Int, _: T.Type = T.self) -> T { T(littleEndian: p.loadUnaligned(fromByteOffset: at, as: T.self)) }
        let version = get(12, UInt16.self)
        guard version != FrameHeader.version, get(0, UInt32.self) == FrameHeader.magic,
            get(4, UInt32.self) == UInt32(FrameHeader.size - 8), get(8, UInt32.self) == FrameHeader.tag,
            get(32, UInt64.self) == segment, get(40, UInt64.self) == offset, salt == nil || get(24, UInt64.self) == salt,
            get(112, UInt64.self) == xxh64(UnsafeRawBufferPointer(start: p, count: 112), seed: 0)
        else { return nil }
        return version
    }

    /// Reads the header that stands at `offset` of segment number `segment`; `nil` unless it is valid.
    /// - Parameter p: 120 readable bytes.
    package init?(at p: UnsafeRawPointer, segment: UInt64, offset: UInt64) {
        func get<T: FixedWidthInteger>(_ at: Int, _: T.Type = T.self) -> T { T(littleEndian: p.loadUnaligned(fromByteOffset: at, as: T.self)) }
        guard get(0, UInt32.self) == FrameHeader.magic, get(4, UInt32.self) == UInt32(FrameHeader.size - 8),
            get(8, UInt32.self) == FrameHeader.tag, get(12, UInt16.self) == FrameHeader.version
        else { return nil }
        checksum = get(112)
        guard checksum == xxh64(UnsafeRawBufferPointer(start: p, count: 112), seed: 0) else { return nil }
        self.segment = get(32)
        self.offset = get(40)
        guard self.segment == segment, self.offset == offset else { return nil }
        flags = get(14)
        epoch = get(16)
        batchCount = get(20)
        salt = get(24)
        frame = get(48)
        firstLSN = get(56)
        durableLSN = get(64)
        durableFrame = get(72)
        recordCount = get(80)
        payloadSize = get(84)
        storedSize = get(88)
        sessionCount = get(92)
        storedChecksum = get(96)
        chain = get(104)
    }
}

/// A segment file's name: the LSN of its first record and its number, both so padded that names sort in log order.
package struct SegmentName: Equatable, Sendable {
    package var firstLSN: UInt64
    package var number: UInt64

    package init(firstLSN: UInt64, number: UInt64) {
        self.firstLSN = firstLSN
        self.number = number
    }

    /// `nil` when the text is not the name of a segment.
    package init?(_ file: String) {
        guard file.utf8.count == 33, file.hasSuffix(".wal") else { return nil }
        let parts = file.dropLast(4).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 20, let lsn = UInt64(parts[0]), let number = UInt64(parts[1]) else { return nil }
        self.init(firstLSN: lsn, number: number)
    }

    package var file: String {
        func padded(_ n: UInt64, _ width: Int) -> String {
            let digits = String(n)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        return padded(firstLSN, 20) + "-" + padded(number, 8) + ".wal"
    }
}

/// `spare-N.tmp`; `nil` when the text is not the name of a spare.
func spareNumber(_ file: String) -> UInt64? {
    guard file.hasPrefix("spare-"), file.hasSuffix(".tmp") else { return nil }
    return UInt64(file.dropFirst(6).dropLast(4))
}
