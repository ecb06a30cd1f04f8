import Core
import Glibc

/// A zero-filled file that will be a segment, or is the one being written.
struct SegmentFile {
    /// Writes go to the page cache and need a sync.
    var file: Int32
    /// Writes go past the page cache and are on the disk when they return; -1 where the file system does not do that.
    var direct: Int32
    var path: String
    var bytes: UInt64
}

/// Puts frames behind each other into the segment being written, each on the disk when ``append(_:at:)`` returns. Owned by
/// the holder of the log's token.
///
/// Where the file system can, a frame is one direct, synchronous write: no page is dirtied, written back and waited for, which takes
/// a third to a half off a commit of 6 to 60 KB (docs/PERFORMANCE.md). Such a write is of whole blocks, so the block that the last frame ended in is written
/// again, with the same bytes in front: what the page cache does too, and safe on the same ground, that a sector is replaced whole or not at all.
final class SegmentWriter<D: Disk> {
    private let disk: D
    private(set) var segment: SegmentFile?
    /// Whole blocks as they go to the disk: the begin of the block the next frame starts in, the frame, zeros.
    private var blocks: UnsafeMutableRawBufferPointer
    private static var block: Int { directAlignment }

    init(_ disk: D) {
        self.disk = disk
        blocks = .allocate(byteCount: 1 << 20, alignment: directAlignment)
        blocks.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { blocks.deallocate() }

    /// From now on frames go to this file, from its begin on. Gives the one before back, to be cut and closed.
    func begin(_ next: SegmentFile) -> SegmentFile? {
        defer { segment = next }
        return segment
    }

    /// Writes and syncs. When it throws nobody knows what is on the disk.
    /// - Parameter offset: where the frame before ended.
    func append(_ frame: UnsafeRawBufferPointer, at offset: UInt64) throws {
        guard let segment else { invariantFailure("a frame is written to a segment") }
        if segment.direct >= 0 {
            try disk.check(writeBlocks(frame, at: offset, segment), "write", segment.path)
        } else {
            try disk.check(disk.writeAll(segment.file, frame, at: offset), "write", segment.path)
            try disk.check(disk.sync(segment.file), "fdatasync", segment.path)
        }
    }

    private func writeBlocks(_ frame: UnsafeRawBufferPointer, at offset: UInt64, _ segment: SegmentFile) -> Int {
        let block = SegmentWriter.block
        let before = Int(offset % UInt64(block))
        let end = before + frame.count
        let whole = (end + block - 1) / block * block
        if whole > blocks.count { grow(to: whole, keeping: before) }
        (blocks.baseAddress! + before).copyMemory(from: frame.baseAddress!, byteCount: frame.count)
        (blocks.baseAddress! + end).initializeMemory(as: UInt8.self, repeating: 0, count: whole - end)
        let start = offset - UInt64(before)
        var done = 0
        while done < whole {
            let n = disk.write(
                segment.direct, UnsafeRawBufferPointer(rebasing: blocks[done..<whole]), at: start + UInt64(done))
            if n == -Int(EINTR) { continue }
            if n < 0 { return n }
            // A short write goes on at the begin of a block. One of less than a block counts as a full disk, so that nothing waits forever.
            let taken = n / block * block
            if taken == 0 { return -Int(ENOSPC) }
            done += taken
        }
        // The next frame starts in the last block.
        let kept = end % block
        if kept > 0, end > block {
            blocks.baseAddress!.copyMemory(from: blocks.baseAddress! + (end - kept), byteCount: kept)
        }
        return frame.count
    }

    private func grow(to size: Int, keeping count: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, blocks.count * 2), alignment: SegmentWriter.block)
        larger.baseAddress!.copyMemory(from: blocks.baseAddress!, byteCount: count)
        blocks.deallocate()
        blocks = larger
    }

    /// Cuts the segment to its first `bytes`, for a clean stop.
    func truncate(_ bytes: UInt64) throws {
        guard let segment else { return }
        try disk.check(disk.truncate(segment.file, bytes), "ftruncate", segment.path)
        try disk.check(disk.sync(segment.file), "fdatasync", segment.path)
    }

    func close() {
        if let segment { disk.close(segment) }
        segment = nil
    }
}

extension Disk {
    func close(_ segment: SegmentFile) {
        if segment.direct >= 0 { close(segment.direct) }
        close(segment.file)
    }

    /// The file, zero-filled, with a handle for direct writes if the file system has that: not only opens the file so, but takes a block.
    func segmentFile(_ file: Int32, _ path: String, bytes: UInt64) -> SegmentFile {
        var segment = SegmentFile(file: file, direct: -1, path: path, bytes: bytes)
        // Whole blocks must not reach past the end: that would take room the file does not have.
        guard bytes % UInt64(directAlignment) == 0, case let direct = open(path, .direct), direct >= 0 else { return segment }
        let zeros = UnsafeMutableRawBufferPointer.allocate(byteCount: directAlignment, alignment: directAlignment)
        defer { zeros.deallocate() }
        zeros.initializeMemory(as: UInt8.self, repeating: 0)
        if write(Int32(direct), UnsafeRawBufferPointer(zeros), at: 0) == directAlignment {
            segment.direct = Int32(direct)
        } else {
            close(Int32(direct))
        }
        return segment
    }
}
