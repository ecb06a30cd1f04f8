// Any bytes as segments of a data directory: to the scan of a start, to `wal verify`, to a follower.
//
// Input: byte 0, flags; bytes 1 to 4, length of the first segment; the first segment; if there is a rest, the second one.
// Flag 1: checksums, places and chain are made right first, or nothing would ever get past them. Flag 2: the number and LSN of frames, too.
@testable import Core
@testable import WAL

/// A directory of files in memory, to be read.
private final class MemoryDisk: Disk, @unchecked Sendable {
    var files: [(name: String, bytes: [UInt8])] = []

    func list(_ directory: String) -> [String]? { files.map(\.name) }
    func open(_ path: String, _ access: DiskAccess) -> Int {
        guard access == .read, let index = files.firstIndex(where: { path == "d/" + $0.name }) else { return -2 }
        return index
    }
    func close(_ file: Int32) {}
    func size(_ file: Int32) -> Int { files[Int(file)].bytes.count }
    func read(_ file: Int32, _ into: UnsafeMutableRawBufferPointer, at offset: UInt64) -> Int {
        let bytes = files[Int(file)].bytes
        guard offset < UInt64(bytes.count) else { return 0 }
        let count = min(into.count, bytes.count - Int(offset))
        bytes.withUnsafeBytes { into.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[Int(offset)..<Int(offset) + count])) }
        return count
    }

    private let refused = -38
    func makeDirectory(_ path: String) -> Int { refused }
    func lock(_ file: Int32) -> Int { refused }
    func unlock(_ file: Int32) {}
    func linkCount(_ file: Int32) -> Int { refused }
    func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> Int { refused }
    func sync(_ file: Int32) -> Int { refused }
    func allocate(_ file: Int32, _ size: UInt64) -> Int { refused }
    func truncate(_ file: Int32, _ size: UInt64) -> Int { refused }
    func rename(_ from: String, _ to: String) -> Int { refused }
    func link(_ from: String, _ to: String) -> Int { refused }
    func remove(_ path: String) -> Int { refused }
    func openDirectory(_ path: String) -> Int { refused }
    func syncDirectory(_ directory: Int32) -> Int { refused }
}

/// Makes right what no chance would: the checksums of each frame from the begin on, and with `numbers` what follows from the frame before.
private func mend(_ bytes: inout [UInt8], segment: UInt64, numbers: Bool, chain: inout UInt64, frame: inout UInt64, lsn: inout UInt64) {
    bytes.withUnsafeMutableBytes { raw in
        func put<T: FixedWidthInteger>(_ value: T, _ at: Int) { raw.storeBytes(of: value.littleEndian, toByteOffset: at, as: T.self) }
        var at = 0
        while at + FrameHeader.size <= raw.count, raw.loadUnaligned(fromByteOffset: at, as: UInt32.self) == FrameHeader.magic {
            let size = Int(raw.loadUnaligned(fromByteOffset: at + 88, as: UInt32.self))
            put(segment, at + 32)
            put(UInt64(at), at + 40)
            put(chain, at + 104)
            frame &+= 1
            if numbers {
                put(frame, at + 48)
                put(lsn, at + 56)
            }
            lsn &+= UInt64(raw.loadUnaligned(fromByteOffset: at + 80, as: UInt32.self))
            if at + FrameHeader.size + size <= raw.count {
                let stored = UnsafeRawBufferPointer(rebasing: raw[(at + FrameHeader.size)..<(at + FrameHeader.size + size)])
                put(xxh64(stored, seed: raw.loadUnaligned(fromByteOffset: at + 24, as: UInt64.self)), at + 96)
            }
            chain = xxh64(UnsafeRawBufferPointer(rebasing: raw[at..<(at + 112)]), seed: 0)
            put(chain, at + 112)
            at += FrameHeader.size + size
        }
    }
}

/// Scans, reads all records that are delivered, and says what was found.
private func scan(_ disk: MemoryDisk) -> String {
    var found = ""
    do {
        let scan = try LogScan(disk, directory: "d", requiredFrom: 1) { item in
            switch item {
            case .session(let session): found += "session \(session.number) "
            case .batch(let first, let count, let bytes):
                found += "\(first)+\(count) "
                var reader = RecordReader(bytes: bytes, count: count)
                while let record = try? reader.next() { found += "\(record.time)" }
            }
        }
        found += "end \(scan.end.nextLSN) torn \(scan.tornBytes) of \(scan.segments.count)"
    } catch { found += "\(error)" }
    return found
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard size > 5 else { return 0 }
    let input = UnsafeBufferPointer(start: data, count: size)
    let flags = input[0]
    let length = min(size - 5, Int(input[1]) | Int(input[2]) << 8 | Int(input[3]) << 16)
    var segments = [[UInt8](input[5..<(5 + length)])]
    if length < size - 5 { segments.append([UInt8](input[(5 + length)...])) }
    let disk = MemoryDisk()
    var (chain, frame, lsn): (UInt64, UInt64, UInt64) = (0, 0, 1)
    for index in segments.indices {
        let number = UInt64(index) + 1
        let name = SegmentName(firstLSN: lsn, number: number)
        if flags & 1 != 0 {
            mend(&segments[index], segment: number, numbers: flags & 2 != 0, chain: &chain, frame: &frame, lsn: &lsn)
        } else {
            // A name must say something; the first header does, if there is one.
            lsn = segments[index].count < FrameHeader.size ? 1 : segments[index].withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 56, as: UInt64.self) }
        }
        disk.files.append((index > 0 && flags & 1 == 0 ? SegmentName(firstLSN: lsn, number: number).file : name.file, segments[index]))
    }
    let found = scan(disk)
    invariant(scan(disk) == found, "the same bytes are judged the same")
    let report = verify(directory: "d", requiredFrom: 1, disk: disk)
    _ = report.description
    if let reader = try? DiskLogReader(directory: "d", from: 1, disk: disk) { _ = try? reader.read(upTo: .max) { _ in } }
    return 0
}
