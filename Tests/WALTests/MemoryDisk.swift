import Glibc
import WAL

/// A directory of files in memory, to be read: what a tool makes of tens of thousands of damaged ones, or of those that a fuzzer thinks up
/// (Tests/Fuzz builds with this file, too), is known in a second.
final class MemoryDisk: Disk, @unchecked Sendable {
    var files: [(name: String, bytes: [UInt8])]
    init(_ files: [(name: String, bytes: [UInt8])] = []) { self.files = files }

    func list(_ directory: String) -> [String]? { files.map(\.name) }
    func open(_ path: String, _ access: DiskAccess) -> Int {
        guard access == .read, let index = files.firstIndex(where: { path == "d/" + $0.name }) else { return -Int(ENOENT) }
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

    private let refused = -Int(ENOSYS)
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
