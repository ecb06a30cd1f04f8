import CZstd
import Core

/// Builds one frame as it goes to the disk: header and zstd frame in one buffer. Owned by the holder of the log's token.
final class FrameEncoder {
    private var payload = GrowableBytes(capacity: 256 << 10)
    private var output = GrowableBytes(capacity: 512 << 10)
    private let workspace: UnsafeMutableRawBufferPointer
    private let context: OpaquePointer
    private let rawBytesMax: Int

    /// - Parameters:
    ///   - level: zstd's compression level.
    ///   - rawBytesMax: payloads up to this size are stored as they are.
    init(level: Int32, rawBytesMax: Int) {
        let size = ZSTD_estimateCCtxSize(level) + (64 << 10)
        workspace = .allocate(byteCount: size, alignment: 4096)
        workspace.initializeMemory(as: UInt8.self, repeating: 0)  // touched ahead of the first commits
        guard let context = ZSTD_initStaticCCtx(workspace.baseAddress, size) else { invariantFailure("zstd takes the workspace") }
        self.context = context
        self.rawBytesMax = min(rawBytesMax, FrameEncoder.rawBlockBytesMax)
        invariant(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)) == 0, "zstd takes the level")
        invariant(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)) == 0, "zstd takes the checksum flag")
    }

    deinit { workspace.deallocate() }

    /// zstd's limit for one block.
    private static let rawBlockBytesMax = 128 << 10

    /// Bytes of the frame after ``encode(_:batches:sessions:durableLSN:)``, to be written at the header's offset.
    var bytes: UnsafeRawBufferPointer { output.bytes }

    /// Fills in the header's counts, sizes and checksums and builds the frame.
    func encode(_ header: inout FrameHeader, batches: ArraySlice<Batch>, sessions: SessionTable) {
        payload.removeAll()
        header.sessionCount =
            batches.isEmpty ? 0 : sessions.define(batches, segment: header.segment, durableLSN: header.durableLSN, to: &payload)
        header.batchCount = UInt32(batches.count)
        header.recordCount = 0
        for batch in batches {
            payload.appendVarint(UInt64(batch.recordCount))
            payload.appendVarint(UInt64(batch.bytes.count))
            payload.append(batch.bytes.bytes)
            header.recordCount += UInt32(batch.recordCount)
        }
        header.payloadSize = UInt32(payload.count)

        output.removeAll()
        _ = output.reserve(FrameHeader.size)
        output.commit(FrameHeader.size)
        if payload.count <= rawBytesMax { appendRaw() } else { appendCompressed() }

        let stored = UnsafeRawBufferPointer(rebasing: output.bytes[FrameHeader.size...])
        header.storedSize = UInt32(stored.count)
        header.storedChecksum = xxh64(stored, seed: header.salt)
        header.encode(to: UnsafeMutableRawPointer(mutating: output.bytes.baseAddress!))
    }

    private func appendCompressed() {
        let bound = ZSTD_compressBound(payload.count)
        let size = ZSTD_compress2(context, output.reserve(bound), bound, payload.bytes.baseAddress, payload.count)
        invariant(ZSTD_isError(size) == 0, "zstd compresses into a buffer of its own bound")
        output.commit(size)
    }

    /// A zstd frame of one raw block (RFC 8878, 3.1.1): a few records do not compress, and trying costs a microsecond.
    private func appendRaw() {
        let count = payload.count
        let p = output.reserve(13)
        p.storeBytes(of: UInt32(0xFD2F_B528).littleEndian, as: UInt32.self)
        // Descriptor: one segment (no window), content checksum, content size of 1, 2 or 4 bytes; the 2-byte form is less 256.
        var n = 5
        switch count {
        case ..<256:
            p.storeBytes(of: 0x24, toByteOffset: 4, as: UInt8.self)
            p.storeBytes(of: UInt8(count), toByteOffset: n, as: UInt8.self)
            n += 1
        case ..<(65536 + 256):
            p.storeBytes(of: 0x64, toByteOffset: 4, as: UInt8.self)
            p.storeBytes(of: UInt16(count - 256).littleEndian, toByteOffset: n, as: UInt16.self)
            n += 2
        default:
            p.storeBytes(of: 0xA4, toByteOffset: 4, as: UInt8.self)
            p.storeBytes(of: UInt32(count).littleEndian, toByteOffset: n, as: UInt32.self)
            n += 4
        }
        let block = UInt32(count) << 3 | 1  // 21 bits of size, type 0 = raw, last block
        p.storeBytes(of: UInt16(truncatingIfNeeded: block).littleEndian, toByteOffset: n, as: UInt16.self)
        p.storeBytes(of: UInt8(truncatingIfNeeded: block >> 16), toByteOffset: n + 2, as: UInt8.self)
        output.commit(n + 3)
        output.append(payload.bytes)
        let check = UInt32(truncatingIfNeeded: xxh64(payload.bytes, seed: 0))
        output.reserve(4).storeBytes(of: check.littleEndian, as: UInt32.self)
        output.commit(4)
    }
}
