/// Whichever disk, behind one table of its calls: what the service's log and its followers are made of. A parameter would make the service's loops
/// and connections generic, and generic classes called by others are not specialised; a look-up costs nanoseconds, a call to the system
/// a thousand.
public struct AnyDisk: Disk {
    private let disk: any Disk

    public init(_ disk: any Disk) { self.disk = disk }

    /// The operating system's files.
    public static var system: AnyDisk { AnyDisk(SystemDisk()) }

    public func makeDirectory(_ path: String) -> Int { disk.makeDirectory(path) }
    public func list(_ directory: String) -> [String]? { disk.list(directory) }
    public func open(_ path: String, _ access: DiskAccess) -> Int { disk.open(path, access) }
    public func close(_ file: Int32) { disk.close(file) }
    public func lock(_ file: Int32) -> Int { disk.lock(file) }
    public func unlock(_ file: Int32) { disk.unlock(file) }
    public func size(_ file: Int32) -> Int { disk.size(file) }
    public func linkCount(_ file: Int32) -> Int { disk.linkCount(file) }
    public func read(_ file: Int32, _ into: UnsafeMutableRawBufferPointer, at offset: UInt64) -> Int { disk.read(file, into, at: offset) }
    public func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> Int { disk.write(file, bytes, at: offset) }
    public func sync(_ file: Int32) -> Int { disk.sync(file) }
    public func allocate(_ file: Int32, _ size: UInt64) -> Int { disk.allocate(file, size) }
    public func truncate(_ file: Int32, _ size: UInt64) -> Int { disk.truncate(file, size) }
    public func rename(_ from: String, _ to: String) -> Int { disk.rename(from, to) }
    public func link(_ from: String, _ to: String) -> Int { disk.link(from, to) }
    public func remove(_ path: String) -> Int { disk.remove(path) }
    public func openDirectory(_ path: String) -> Int { disk.openDirectory(path) }
    public func syncDirectory(_ directory: Int32) -> Int { disk.syncDirectory(directory) }
}
