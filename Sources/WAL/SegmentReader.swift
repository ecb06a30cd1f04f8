/// Reads frames of one segment file, through a buffer that is read ahead. One thread at a time.
final class SegmentReader<D: Disk> {
    let name: SegmentName
    let path: String
    private let disk: D
    private let file: Int32
    private var buffer: UnsafeMutableRawBufferPointer
    private var bufferOffset: UInt64 = 0
    private var bufferCount = 0
    private static var readAheadBytes: Int { 1 << 20 }

    init(_ disk: D, _ place: SegmentPlace) throws {
        self.disk = disk
        name = place.name
        path = place.path
        file = try disk.openFile(path, .read)
        buffer = .allocate(byteCount: SegmentReader.readAheadBytes, alignment: 4096)
    }

    deinit {
        disk.close(file)
        buffer.deallocate()
    }

    func size() throws -> UInt64 { UInt64(try disk.check(disk.size(file), "fstat", path)) }

    /// Drops what was read ahead: a file being written may have more by now.
    func forgetReadAhead() { bufferCount = 0 }

    /// `count` bytes at `offset`, valid until the next call, or `nil` when the file ends before.
    func bytes(at offset: UInt64, count: Int) throws -> UnsafeRawBufferPointer? {
        if offset < bufferOffset || offset + UInt64(count) > bufferOffset + UInt64(bufferCount) {
            // A size in a damaged file may be anything: what the file does not have is not allocated either.
            if count > buffer.count {
                guard try offset + UInt64(count) <= size() else { return nil }
                buffer.deallocate()
                buffer = .allocate(byteCount: count, alignment: 4096)
            }
            bufferCount = 0
            bufferCount = try disk.check(disk.readAll(file, buffer, at: offset), "read", path)
            bufferOffset = offset
            if bufferCount < count { return nil }
        }
        let start = Int(offset - bufferOffset)
        return UnsafeRawBufferPointer(rebasing: buffer[start..<(start + count)])
    }

    /// The valid header at `offset`, or `nil`.
    /// - Throws: `LogError.otherFormat` when one of another format version stands there.
    func header(at offset: UInt64) throws -> FrameHeader? {
        guard let raw = try bytes(at: offset, count: FrameHeader.size) else { return nil }
        if let header = FrameHeader(at: raw.baseAddress!, segment: name.number, offset: offset) { return header }
        if let other = FrameHeader.otherVersion(at: raw.baseAddress!, segment: name.number, offset: offset, salt: nil) {
            throw LogError.otherFormat(file: path, offset: offset, version: other)
        }
        return nil
    }

    /// The zstd frame that follows a valid header, if it is whole and right, or `nil`.
    func stored(_ header: FrameHeader) throws -> UnsafeRawBufferPointer? {
        guard let stored = try bytes(at: header.offset + UInt64(FrameHeader.size), count: Int(header.storedSize)),
            FrameDecoder.isIntact(header, stored: stored)
        else { return nil }
        return stored
    }

    /// Everything from `offset` to the end of the file.
    func rest(from offset: UInt64) throws -> [UInt8] {
        let size = try size()
        return try disk.readBytes(file, count: Int(size > offset ? size - offset : 0), at: offset, path: path)
    }
}

/// Where a run of frames has come to: what the next frame must say to chain on.
struct RunEnd: Equatable, Sendable {
    var segment: UInt64 = 0
    var offset: UInt64 = 0
    var frame: UInt64 = 0
    var nextLSN: UInt64 = 1
    var chain: UInt64 = 0
    var epoch: UInt32 = 0
    var salt: UInt64 = 0

    init() {}

    init(after header: FrameHeader) {
        segment = header.segment
        offset = header.end
        frame = header.frame
        nextLSN = header.nextLSN
        chain = header.checksum
        epoch = header.epoch
        salt = header.salt
    }

    /// Whether a valid frame is the next of this run. Its place was checked with its validity.
    func continues(with header: FrameHeader) -> Bool {
        guard header.chain == chain, header.frame == frame + 1, header.firstLSN == nextLSN else { return false }
        if header.epoch == epoch, header.salt == salt { return true }
        return header.offset == 0 && header.epoch == epoch + 1 && header.flags & FrameHeader.opensEpoch != 0
    }
}
