import CZstd
import Core

/// Writes a snapshot's file. It belongs to the thread that makes the snapshot.
///
/// In pieces, each synced, so that a commit on the same disk never waits behind more than one of them.
final class SnapshotWriter<D: Disk> {
    private let disk: D
    private let path: String
    private let file: Int32
    private let context: OpaquePointer
    private var piece = GrowableBytes(capacity: 2 << 20)
    private var written: UInt64 = 0
    private var lsn: UInt64 = 0
    private var sections: UInt32 = 0
    private var chain: UInt64 = 0
    private static var pieceBytes: Int { 1 << 20 }
    /// As the log's.
    private static var compressionLevel: Int32 { 1 }

    init(_ disk: D, path: String) throws {
        self.disk = disk
        self.path = path
        file = try disk.openFile(path, .create)
        guard let context = ZSTD_createCCtx() else { invariantFailure("zstd: out of memory") }
        self.context = context
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, SnapshotWriter.compressionLevel)
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        try disk.check(disk.truncate(file, 0), "ftruncate", path)
    }

    deinit {
        disk.close(file)
        ZSTD_freeCCtx(context)
    }

    /// Writes all of it; synced when it returns.
    /// - Returns: bytes of the file.
    func write(_ head: SnapshotHead, _ replica: borrowing Replica, hashes: [UInt64], _ goOn: () throws -> Void) throws -> UInt64 {
        lsn = head.lsn
        var payload = GrowableBytes(capacity: 16 << 10)
        head.encode(to: &payload)
        try section(.head, payload.bytes)
        try writeRegistry(replica.shards[0], time: head.time)
        for box in replica.shards {
            try withoutActuallyEscaping(goOn) { goOn in
                var image = ImageWriter { [self] in
                    try goOn()
                    try section(.image, $0, shard: UInt32(box.number))
                }
                try box.shard.write(to: &image)
                try image.flush()
            }
        }
        payload.removeAll()
        for hash in hashes { payload.append(hash) }
        try section(.end, payload.bytes)
        try flush()
        return written
    }

    private func writeRegistry(_ box: ShardBox, time: Timestamp) throws {
        var records = RecordWriter()
        var payload = GrowableBytes(capacity: 64 << 10)
        var number: Int64 = 1
        let last = box.shard.registry.number
        while number <= last {
            let batch = Batch()
            while number <= last, batch.bytes.count < ImageWriter.blockBytes {
                records.append(.defined(number: number, box.shard.definition(number: number)), shard: 0, time: time, session: 0, to: batch)
                number += 1
            }
            payload.removeAll()
            payload.appendVarint(UInt64(batch.recordCount))
            payload.append(batch.bytes.bytes)
            try section(.registry, payload.bytes)
        }
    }

    private func section(_ kind: SectionHeader.Kind, _ payload: UnsafeRawBufferPointer, shard: UInt32 = 0) throws {
        invariant(payload.count <= SectionHeader.payloadBytesMax, "a section is within its bound")
        let bound = ZSTD_compressBound(payload.count)
        let place = piece.reserve(SectionHeader.size + bound)
        let size = ZSTD_compress2(context, place + SectionHeader.size, bound, payload.baseAddress, payload.count)
        invariant(ZSTD_isError(size) == 0, "zstd compresses into a buffer of its own bound")
        var header = SectionHeader()
        header.kind = kind
        header.number = sections
        header.payloadSize = UInt32(payload.count)
        header.storedSize = UInt32(size)
        header.shard = shard
        header.storedChecksum = xxh64(UnsafeRawBufferPointer(start: place + SectionHeader.size, count: size), seed: lsn)
        header.chain = chain
        header.encode(to: place)
        chain = header.checksum
        sections += 1
        piece.commit(SectionHeader.size + size)
        if piece.count >= SnapshotWriter.pieceBytes { try flush() }
    }

    private func flush() throws {
        if piece.count == 0 { return }
        try disk.check(disk.writeAll(file, piece.bytes, at: written), "write", path)
        try disk.check(disk.sync(file), "fdatasync", path)
        written += UInt64(piece.count)
        piece.removeAll()
    }
}
