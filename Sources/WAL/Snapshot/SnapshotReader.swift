import CZstd
import Core

/// Reads a snapshot's file, section by section; whatever is in it. One thread at a time.
final class SnapshotReader<D: Disk> {
    private let disk: D
    private let path: String
    private let file: Int32
    private let context: OpaquePointer
    private var stored = [UInt8]()
    private var payload = [UInt8](repeating: 0, count: SectionHeader.payloadBytesMax)
    private var offset: UInt64 = 0
    private var sections: UInt32 = 0
    private var chain: UInt64 = 0
    private var lsn: UInt64?
    /// The header of the section that comes next, when it has been looked at.
    private var pending: SectionHeader?

    init(_ disk: D, path: String) throws {
        self.disk = disk
        self.path = path
        file = try disk.openFile(path, .read)
        guard let context = ZSTD_createDCtx() else { invariantFailure("zstd: out of memory") }
        self.context = context
    }

    deinit {
        disk.close(file)
        ZSTD_freeDCtx(context)
    }

    func bad(_ reason: String) -> LogError { .badSnapshot(file: path, reason: reason) }

    /// The first section, of which all others depend.
    func head() throws -> SnapshotHead {
        guard let bytes = try next(.head), let head = SnapshotHead(bytes) else { throw bad("it has no head") }
        return head
    }

    /// The payload of the next section if it is of this kind (and shard), valid until the next call.
    func next(_ kind: SectionHeader.Kind, shard: Int = 0) throws -> UnsafeRawBufferPointer? {
        guard let header = try look(), header.kind == kind, header.shard == UInt32(shard) else { return nil }
        pending = nil
        let count = Int(header.storedSize)
        if stored.count < count { stored = [UInt8](repeating: 0, count: count) }
        let got = try stored.withUnsafeMutableBytes {
            try disk.check(disk.readAll(file, UnsafeMutableRawBufferPointer(rebasing: $0[..<count]), at: offset), "read", path)
        }
        guard got == count else { throw bad("it is cut off") }
        offset += UInt64(count)
        let size = Int(header.payloadSize)
        return try stored.withUnsafeBytes { stored in
            let stored = UnsafeRawBufferPointer(rebasing: stored[..<count])
            // The head's own seed is in it.
            if let lsn, xxh64(stored, seed: lsn) != header.storedChecksum { throw bad("section \(header.number) is damaged") }
            return try payload.withUnsafeMutableBytes { payload in
                let unpacked = ZSTD_decompressDCtx(context, payload.baseAddress, size, stored.baseAddress, count)
                guard ZSTD_isError(unpacked) == 0, unpacked == size else { throw bad("section \(header.number) cannot be unpacked") }
                let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(payload)[..<size])
                if lsn == nil {
                    guard let head = SnapshotHead(bytes), xxh64(stored, seed: head.lsn) == header.storedChecksum else { throw bad("its head is damaged") }
                    lsn = head.lsn
                }
                return bytes
            }
        }
    }

    /// The header of the next section; `nil` at the file's end.
    private func look() throws -> SectionHeader? {
        if let pending { return pending }
        let bytes = try disk.readBytes(file, count: SectionHeader.size, at: offset, path: path)
        if bytes.isEmpty { return nil }
        guard bytes.count == SectionHeader.size else { throw bad("it is cut off") }
        let header = try bytes.withUnsafeBytes { try SectionHeader(at: $0.baseAddress!, file: path) }
        guard header.number == sections, header.chain == chain else { throw bad("section \(sections) is missing") }
        offset += UInt64(SectionHeader.size)
        sections += 1
        chain = header.checksum
        pending = header
        return header
    }

    /// Nothing may follow.
    func finish() throws {
        if try look() != nil { throw bad("there is more than it should hold") }
    }
}

extension Replica {
    /// The state that a snapshot holds.
    /// - Parameter comparesHashes: whether the state hashes in it are compared with the state; visits everything once more.
    /// - Throws: `LogError.badSnapshot` unless all of it is right, `io`.
    package init<D: Disk>(snapshot path: String, disk: D, comparesHashes: Bool) throws {
        self.init()
        let reader = try SnapshotReader(disk, path: path)
        let head = try reader.head()
        do {
            shards = head.registryNumbers.indices.map { ShardBox(number: WalletID($0)) }
            try readRegistries(head, reader)
            for box in shards {
                var image = ImageReader { try reader.next(.image, shard: Int(box.number)) }
                try box.shard.read(from: &image)
                try image.finish()
            }
        } catch let error as ImageError {
            throw reader.bad(error.reason)
        }
        var hashes = ByteCursor(try reader.next(.end) ?? UnsafeRawBufferPointer(start: nil, count: 0))
        for box in shards {
            guard let hash = hashes.word() else { throw reader.bad("it has no end") }
            originHashes.append(hash)
            if comparesHashes, hash != box.shard.stateHash() { throw reader.bad("the state of shard \(box.number) is not the one it was made of") }
        }
        guard hashes.isAtEnd else { throw reader.bad("its end is longer than it should be") }
        try reader.finish()
        lsn = head.lsn
        lastTime = head.time
        origin = head
    }

    /// Each shard's registry, from the entries of shard 0.
    private func readRegistries<D: Disk>(_ head: SnapshotHead, _ reader: SnapshotReader<D>) throws {
        var number: Int64 = 0
        while let bytes = try reader.next(.registry) {
            var cursor = ByteCursor(bytes)
            guard let count = cursor.varint(), let records = cursor.take(cursor.count), count <= UInt64(records.count) else {
                throw reader.bad("its registry is not of the format")
            }
            var batch = RecordReader(bytes: records, count: Int(count))
            do {
                while let record = try batch.next() {
                    number += 1
                    guard record.shard == 0, case .defined(number, let definition) = record.mutation, shards[0].shard.registry.fits(definition) else {
                        throw ImageError("its registry has a gap or an entry that does not fit")
                    }
                    for (box, last) in zip(shards, head.registryNumbers) where number <= last { box.shard.evolve(record.mutation, at: 0) }
                }
            } catch let error as RecordError {
                throw ImageError(error.reason)
            }
        }
        guard number == head.registryNumbers[0] else { throw ImageError("its registry ends with entry \(number)") }
    }
}
