import Glibc
import WAL

/// A disk that takes everything at once and keeps nothing: what the log costs without one.
struct NullDisk: Disk {
    func makeDirectory(_ path: String) -> Int { 0 }
    func list(_ directory: String) -> [String]? { [] }
    /// There is nothing to be read.
    func open(_ path: String, _ access: DiskAccess) -> Int { access == .read ? -Int(ENOENT) : 0 }
    func close(_ file: Int32) {}
    func lock(_ file: Int32) -> Int { 0 }
    func unlock(_ file: Int32) {}
    func size(_ file: Int32) -> Int { 0 }
    func linkCount(_ file: Int32) -> Int { 1 }
    func read(_ file: Int32, _ into: UnsafeMutableRawBufferPointer, at offset: UInt64) -> Int { 0 }
    func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> Int { bytes.count }
    func sync(_ file: Int32) -> Int { 0 }
    func allocate(_ file: Int32, _ size: UInt64) -> Int { 0 }
    func truncate(_ file: Int32, _ size: UInt64) -> Int { 0 }
    func rename(_ from: String, _ to: String) -> Int { 0 }
    func link(_ from: String, _ to: String) -> Int { 0 }
    func remove(_ path: String) -> Int { 0 }
    func openDirectory(_ path: String) -> Int { 0 }
    func syncDirectory(_ directory: Int32) -> Int { 0 }
}
