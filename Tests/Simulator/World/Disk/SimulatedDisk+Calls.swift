import Glibc
import SimulatorModel
import WAL

// The calls. What may become of them is at the top of SimulatedDisk.swift.

extension SimulatedDisk {
    func makeDirectory(_ path: String) -> Int {
        var at = root
        for part in path.split(separator: "/") {
            if let number = at.seen[String(part)] {
                guard let next = directories[number] else { return -Int(ENOTDIR) }
                at = next
                continue
            }
            if let refused = refusal("mkdir", path, errors: [(faults.nameError, EIO)]) { return refused }
            lastNode += 1
            let made = SimulatedDirectory(number: lastNode)
            directories[lastNode] = made
            change(lastNode, sets: .init(directory: at, name: String(part)), removes: nil)
            at = made
        }
        return 0
    }

    func list(_ path: String) -> [String]? {
        if refusal("list", path, errors: [(faults.noHandles, EMFILE)], changes: false) != nil { return nil }
        return directory(path).map { $0.seen.keys.sorted() }
    }

    func open(_ path: String, _ access: DiskAccess) -> Int {
        if let refused = refusal("open", path, errors: [(faults.noHandles, EMFILE)], changes: false) { return refused }
        if isFaulty, isOutOfHandles {
            noteFault("EMFILE")
            return -Int(EMFILE)
        }
        let (parent, name) = SimulatedDisk.split(path)
        guard let directory = directory(parent) else { return -Int(ENOENT) }
        if access == .direct, !faults.hasDirect { return -Int(EINVAL) }
        if let node = directory.seen[name] {
            guard files[node] != nil else { return -Int(EISDIR) }
            return handle(Handle(node: node, access: access, isDirectory: false))
        }
        guard access == .create else { return -Int(ENOENT) }
        lastNode += 1
        files[lastNode] = SimulatedFile(number: lastNode)
        change(lastNode, sets: .init(directory: directory, name: name), removes: nil)
        return handle(Handle(node: lastNode, access: access, isDirectory: false))
    }

    private func handle(_ handle: Handle) -> Int {
        lastHandle += 1
        handles[lastHandle] = handle
        return Int(lastHandle)
    }

    func close(_ handle: Int32) {
        guard !isDead else { return }
        if let file = file(handle), file.lockedBy == handle { file.lockedBy = nil }
        handles[handle] = nil
    }

    func lock(_ handle: Int32) -> Int {
        guard !isDead, let file = file(handle) else { return -Int(EBADF) }
        if let other = file.lockedBy, other != handle { return -Int(EWOULDBLOCK) }
        file.lockedBy = handle
        return 0
    }

    func unlock(_ handle: Int32) {
        guard !isDead, let file = file(handle), file.lockedBy == handle else { return }
        file.lockedBy = nil
    }

    func size(_ handle: Int32) -> Int {
        guard !isDead else { return -Int(EIO) }
        return file(handle)?.seen.count ?? -Int(EBADF)
    }

    func linkCount(_ handle: Int32) -> Int {
        guard !isDead, let file = file(handle) else { return -Int(EBADF) }
        return directories.values.reduce(0) { sum, directory in sum + directory.seen.values.count { $0 == file.number } }
    }

    func read(_ handle: Int32, _ into: UnsafeMutableRawBufferPointer, at offset: UInt64) -> Int {
        guard let file = file(handle) else { return -Int(isDead ? EIO : EBADF) }
        if let refused = refusal("read", "", file.number, Int(offset), errors: [(faults.readError, EIO)], changes: false) { return refused }
        if isInterrupted { return -Int(EINTR) }
        var count = max(0, min(into.count, file.seen.count - Int(clamping: offset)))
        if count > 1, isFaulty, faults.shortRead > 0, random.chance(faults.shortRead) {
            trace.count("short read")
            count = random.next(in: 1...(count - 1))
        }
        file.seen.withUnsafeBytes { bytes in
            if count > 0 { into.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<(Int(offset) + count)])) }
        }
        return count
    }

    func write(_ handle: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> Int {
        guard let file = file(handle), let access = handles[handle]?.access, access != .read else { return -Int(isDead ? EIO : EBADF) }
        let offset = Int(offset)
        let isDirect = access == .direct
        if isDirect, offset % 4_096 != 0 || bytes.count % 4_096 != 0 { return -Int(EINVAL) }
        switch fate("write", isDirect ? "direct" : "", file.number, offset, errors: [(faults.writeError, EIO), (faults.noSpace, ENOSPC)]) {
        case .good: break
        case .dies:
            // Any part of it has happened.
            if isDirect {
                file.writeThrough(bytes, at: offset) { _ in random.chance(0.5) }
                version += 1
            } else if bytes.count > 0 {
                file.write(UnsafeRawBufferPointer(rebasing: bytes[..<random.next(below: bytes.count + 1)]), at: offset)
            }
            die()
            return -Int(EIO)
        case .fails(let number):
            if isDirect, number == EIO {
                file.writeThrough(bytes, at: offset) { _ in random.chance(0.5) }
                version += 1
            }
            return -Int(number)
        }
        if isInterrupted { return -Int(EINTR) }
        guard has(room: offset + bytes.count, beyond: file) else {
            noteFault("ENOSPC")
            return -Int(ENOSPC)
        }
        var count = bytes.count
        if count > 1, isFaulty, faults.shortWrite > 0, random.chance(faults.shortWrite) {
            trace.count("short write")
            count = random.next(in: 1...(count - 1))
            if isDirect {
                count = count / 512 * 512
                // Less than a block cannot go on, and counts as a full disk.
                if count < 4_096 { noteFault("short direct write") }
            }
        }
        let part = UnsafeRawBufferPointer(rebasing: bytes[..<count])
        if isDirect {
            file.writeThrough(part, at: offset)
            version += 1
            took(sync: true)
        } else {
            file.write(part, at: offset)
            took(sync: false)
        }
        return count
    }

    func sync(_ handle: Int32) -> Int {
        guard let file = file(handle) else { return -Int(isDead ? EIO : EBADF) }
        switch fate("sync", "", file.number, errors: [(faults.syncError, EIO)]) {
        case .good: break
        case .dies:
            file.writeBack(&random)
            version += 1
            die()
            return -Int(EIO)
        case .fails(let number):
            file.failSync(&random)
            version += 1
            return -Int(number)
        }
        file.sync()
        version += 1
        took(sync: true)
        return 0
    }

    /// A signal came, nothing was done.
    private var isInterrupted: Bool {
        guard isFaulty, faults.shortWrite > 0, random.chance(faults.shortWrite / 2) else { return false }
        trace.count("EINTR")
        return true
    }

    private func took(sync: Bool) {
        if sync { clock.pass(micros: random.next(in: 20...faults.syncMicrosMax)) }
        whileWorking()
    }

    func allocate(_ handle: Int32, _ size: UInt64) -> Int {
        guard let file = file(handle) else { return -Int(isDead ? EIO : EBADF) }
        let refused = refusal("allocate", "", file.number, Int(size), errors: [(faults.noSpace, ENOSPC)]) {
            if Int(size) > file.seen.count { file.resize(to: random.next(in: file.seen.count...Int(size))) }
        }
        if let refused { return refused }
        guard has(room: Int(size), beyond: file) else {
            noteFault("ENOSPC")
            return -Int(ENOSPC)
        }
        if Int(size) > file.seen.count { file.resize(to: Int(size)) }
        return 0
    }

    func truncate(_ handle: Int32, _ size: UInt64) -> Int {
        guard let file = file(handle) else { return -Int(isDead ? EIO : EBADF) }
        let refused = refusal("truncate", "", file.number, Int(size), errors: [(faults.writeError, EIO)]) { if random.chance(0.5) { file.resize(to: Int(size)) } }
        if let refused { return refused }
        file.resize(to: Int(size))
        return 0
    }

    func rename(_ from: String, _ to: String) -> Int {
        let (source, old) = SimulatedDisk.split(from)
        let (target, new) = SimulatedDisk.split(to)
        return named("rename", from + " -> " + to) {
            guard let source = directory(source), let target = directory(target), let node = source.seen[old] else { return -Int(ENOENT) }
            if source === target, old == new { return 0 }
            change(node, sets: .init(directory: target, name: new), removes: .init(directory: source, name: old))
            return 0
        }
    }

    func link(_ from: String, _ to: String) -> Int {
        let (source, old) = SimulatedDisk.split(from)
        let (target, new) = SimulatedDisk.split(to)
        return named("link", from + " -> " + to) {
            guard let source = directory(source), let target = directory(target), let node = source.seen[old] else { return -Int(ENOENT) }
            if target.seen[new] != nil { return -Int(EEXIST) }
            change(node, sets: .init(directory: target, name: new), removes: nil)
            return 0
        }
    }

    func remove(_ path: String) -> Int {
        let (parent, name) = SimulatedDisk.split(path)
        return named("remove", path) {
            guard let directory = directory(parent), let node = directory.seen[name] else { return -Int(ENOENT) }
            change(node, sets: nil, removes: .init(directory: directory, name: name))
            return 0
        }
    }

    private func named(_ call: StaticString, _ name: String, _ body: () -> Int) -> Int {
        let refused = refusal(call, name, errors: [(faults.nameError, EIO)]) { if random.chance(0.5) { _ = body() } }
        if let refused { return refused }
        let result = body()
        whileWorking()
        return result
    }

    func openDirectory(_ path: String) -> Int {
        if let refused = refusal("open directory", path, errors: [(faults.noHandles, EMFILE)]) { return refused }
        if isFaulty, isOutOfHandles {
            noteFault("EMFILE")
            return -Int(EMFILE)
        }
        guard let directory = directory(path) else { return -Int(ENOENT) }
        return handle(Handle(node: directory.number, access: .read, isDirectory: true))
    }

    func syncDirectory(_ handle: Int32) -> Int {
        guard let node = handles[handle]?.node, let directory = directories[node] else { return -Int(isDead ? EIO : EBADF) }
        switch fate("sync directory", "", node, errors: [(faults.syncError, EIO)]) {
        case .good: break
        case .dies:
            if random.chance(0.5) { directory.sync() }
            version += 1
            die()
            return -Int(EIO)
        case .fails(let number):
            if random.chance(0.5) { directory.sync() }
            version += 1
            return -Int(number)
        }
        directory.sync()
        version += 1
        took(sync: true)
        return 0
    }
}
