import Glibc
import WAL

/// What a simulated disk really holds, read-only: names and content that no power cut can take away. For the real reader of the log.
struct DurableView: Disk {
    let disk: SimulatedDisk
    /// Files by handle: a handle is the file's number, and they stay as long as somebody reads them.
    final class Opened: @unchecked Sendable { var files: [Int32: SimulatedFile] = [:] }
    private let opened = Opened()

    init(_ disk: SimulatedDisk) { self.disk = disk }

    func list(_ directory: String) -> [String]? { disk.durableFiles(in: directory).map(\.name) }

    func open(_ path: String, _ access: DiskAccess) -> Int {
        guard access == .read, let file = disk.durableFile(path) else { return -Int(ENOENT) }
        opened.files[Int32(file.number)] = file
        return file.number
    }

    func close(_ file: Int32) {}
    func size(_ file: Int32) -> Int { opened.files[file]?.durable.count ?? -Int(EBADF) }

    func read(_ file: Int32, _ into: UnsafeMutableRawBufferPointer, at offset: UInt64) -> Int {
        guard let file = opened.files[file] else { return -Int(EBADF) }
        let count = max(0, min(into.count, file.durable.count - Int(clamping: offset)))
        file.durable.withUnsafeBytes { bytes in
            if count > 0 { into.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<(Int(offset) + count)])) }
        }
        return count
    }

    func linkCount(_ file: Int32) -> Int { 1 }
    func lock(_ file: Int32) -> Int { -Int(EROFS) }
    func unlock(_ file: Int32) {}
    func makeDirectory(_ path: String) -> Int { -Int(EROFS) }
    func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> Int { -Int(EROFS) }
    func sync(_ file: Int32) -> Int { -Int(EROFS) }
    func allocate(_ file: Int32, _ size: UInt64) -> Int { -Int(EROFS) }
    func truncate(_ file: Int32, _ size: UInt64) -> Int { -Int(EROFS) }
    func rename(_ from: String, _ to: String) -> Int { -Int(EROFS) }
    func link(_ from: String, _ to: String) -> Int { -Int(EROFS) }
    func remove(_ path: String) -> Int { -Int(EROFS) }
    func openDirectory(_ path: String) -> Int { -Int(EROFS) }
    func syncDirectory(_ directory: Int32) -> Int { -Int(EROFS) }
}
