import CZstd
import Core

/// What the log holds, in log order.
public enum RecoveredItem {
    /// Who caused records of the following batches. Comes again in each segment.
    case session(SessionInfo)
    /// Records `firstLSN ..< firstLSN + count` as the record codec wrote them; the bytes are valid during the call only.
    case batch(firstLSN: UInt64, count: Int, bytes: UnsafeRawBufferPointer)
}

/// Unpacks frames. One thread at a time.
final class FrameDecoder {
    private var payload = GrowableBytes(capacity: 256 << 10)
    private let context: OpaquePointer

    init() {
        guard let context = ZSTD_createDCtx() else { invariantFailure("zstd: out of memory") }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    static func isIntact(_ header: FrameHeader, stored: UnsafeRawBufferPointer) -> Bool {
        stored.count == Int(header.storedSize) && xxh64(stored, seed: header.salt) == header.storedChecksum
    }

    /// Hands over the sessions, then the batches that end at `from` or later, of a frame whose checksum was found right.
    /// - Throws: what `body` throws; `LogError.corrupt` when the payload is not of the format.
    func decode(
        _ header: FrameHeader, stored: UnsafeRawBufferPointer, from: UInt64, file: String, _ body: (RecoveredItem) throws -> Void
    ) throws {
        func corrupt(_ reason: String) -> LogError {
            .corrupt(file: file, offset: header.offset, lsn: header.firstLSN, reason: reason)
        }
        payload.removeAll()
        let size = Int(header.payloadSize)
        // A block of zstd has four bytes at least and gives 128 KiB at most. What cannot be is not made room for.
        guard size <= stored.count << 15 else { throw corrupt("the payload is larger than its zstd frame can be unpacked to") }
        let unpacked = ZSTD_decompressDCtx(context, payload.reserve(max(size, 1)), size, stored.baseAddress, stored.count)
        guard ZSTD_isError(unpacked) == 0, unpacked == size else { throw corrupt("the frame's checksum is right, but zstd cannot unpack it") }
        payload.commit(size)
        var cursor = ByteCursor(payload.bytes)
        for _ in 0..<header.sessionCount {
            guard let session = SessionInfo(from: &cursor) else { throw corrupt("a session definition is not of the format") }
            try body(.session(session))
        }
        var lsn = header.firstLSN
        for _ in 0..<header.batchCount {
            guard let count = cursor.varint(), count > 0, count <= UInt64(header.recordCount), let length = cursor.varint(),
                let bytes = cursor.take(Int(truncatingIfNeeded: length))
            else { throw corrupt("a batch is not of the format") }
            if lsn + count > from { try body(.batch(firstLSN: lsn, count: Int(count), bytes: bytes)) }
            lsn += count
        }
        guard lsn == header.nextLSN, cursor.isAtEnd else { throw corrupt("the payload does not hold what the header counts") }
    }
}
