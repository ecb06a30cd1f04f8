import Core
import Glibc
import WAL

/// The audit's files: `refused-000001.jsonl`, numbered upwards; the highest is being written. When it would grow past its size the next one is
/// begun and the oldest beyond the kept ones is removed, so nothing is ever renamed under a reader.
///
/// Owner: the audit's thread.
struct AuditFiles: ~Copyable {
    static let prefix = "refused-"
    static let suffix = ".jsonl"

    private let directory: String
    private let bytesMax: Int
    private let filesMax: Int
    private let disk = SystemDisk()
    /// -1: none is open.
    private var file: Int32 = -1
    private var number = 0
    private var size = 0

    init(directory: String, bytesMax: Int, filesMax: Int) {
        self.directory = directory
        self.bytesMax = bytesMax
        self.filesMax = filesMax
    }

    /// Numbers of the files there are, ascending; `nil` when the directory cannot be read.
    static func numbers(in directory: String) -> [Int]? {
        SystemDisk().list(directory)?.compactMap { name in
            guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
            return Int(name.dropFirst(prefix.count).dropLast(suffix.count))
        }.sorted()
    }

    static func path(_ directory: String, _ number: Int) -> String {
        let digits = String(number)
        return "\(directory)/\(prefix)\(String(repeating: "0", count: max(0, 6 - digits.utf8.count)))\(digits)\(suffix)"
    }

    /// Appends whole lines, all or none of them. Returns 0, or the errno of what went wrong.
    mutating func append(_ lines: UnsafeRawBufferPointer) -> Int32 {
        if file < 0, case let error = openLatest(), error != 0 { return error }
        if size > 0, size + lines.count > bytesMax, case let error = openNext(), error != 0 { return error }
        var written = 0
        while written < lines.count {
            let count = disk.write(file, UnsafeRawBufferPointer(rebasing: lines[written...]), at: UInt64(size + written))
            if count == -Int(EINTR) { continue }
            if count <= 0 {
                // Half a line would spoil the next one.
                _ = disk.truncate(file, UInt64(size))
                return count == 0 ? EIO : Int32(-count)
            }
            written += count
        }
        size += written
        return 0
    }

    /// What was written is on the disk.
    mutating func close() {
        guard file >= 0 else { return }
        _ = disk.sync(file)
        disk.close(file)
        file = -1
    }

    private mutating func openLatest() -> Int32 {
        let made = disk.makeDirectory(directory)
        if made < 0 { return Int32(-made) }
        return open(number: max(1, AuditFiles.numbers(in: directory)?.last ?? 1))
    }

    private mutating func openNext() -> Int32 {
        let next = number + 1
        let old = file
        let error = open(number: next)
        if error != 0 { return error }
        _ = disk.sync(old)
        disk.close(old)
        for old in AuditFiles.numbers(in: directory) ?? [] where old <= next - filesMax { _ = disk.remove(AuditFiles.path(directory, old)) }
        return 0
    }

    private mutating func open(number: Int) -> Int32 {
        let opened = disk.open(AuditFiles.path(directory, number), .create)
        if opened < 0 { return Int32(-opened) }
        let found = disk.size(Int32(opened))
        guard found >= 0 else {
            disk.close(Int32(opened))
            return Int32(-found)
        }
        (file, self.number, size) = (Int32(opened), number, found)
        // A process that died in the middle of a line.
        var last: UInt8 = UInt8(ascii: "\n")
        if size > 0 { _ = withUnsafeMutableBytes(of: &last) { disk.read(file, $0, at: UInt64(size - 1)) } }
        if last != UInt8(ascii: "\n") {
            last = UInt8(ascii: "\n")
            if withUnsafeBytes(of: last, { disk.write(file, $0, at: UInt64(size)) }) == 1 { size += 1 }
        }
        return 0
    }
}
