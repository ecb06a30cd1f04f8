import Glibc
import SimulatorModel
import WAL

// The disk of the simulation: a tree of directories in memory, with all that POSIX and the file systems in use permit to go wrong.
//
// Content. Each file has what processes see (the page cache) and what is on the disk, in sectors of 512 bytes.
//   - `write` changes what is seen. Any sector of it may reach the disk at any time, in any order, or not until `sync`.
//   - `sync` brings content and size of the file to the disk. It does not bring its names there.
//   - A handle for direct writes puts whole 4-KiB blocks on the disk before the call returns. The power may go during it: then each sector of it
//     is old or new.
//   - Power cut: each sector not synced is old or new, whatever was synced before stays, so an append never harms earlier bytes of its sector.
//     What was never written reads as zeros. A size not synced is the old one, the new one, or, of a file that grew, one between.
//   - Killed process: what is seen stays seen. That is not what is on the disk: a power cut later may still take it.
//   - `sync` fails (EIO): each sector is on the disk or not, and *all count as clean*: the next sync succeeds without writing them. What is
//     seen may be the new content or the old (Linux does both, by file system).
//   - Rot: a bit of synced content turns over between two lives of the process.
// Names. `open` of a new file, `rename`, `link`, `remove` and `makeDirectory` are seen at once and on the disk after a sync of the directory
//   (of the parent, for a directory). A power cut keeps either some first ones of those not synced (file systems with a journal), or any of them, each
//   on its own (POSIX); a rename is atomic. Syncing the directory a file was moved away from brings its new name to the disk as well.
// Failures. A call may be refused: EIO, ENOSPC (the disk is full, for one call or for a while), EMFILE (no handles left); a write may be short,
//   a read too. A call may take long. ``die`` makes the process end in the middle of a call: from then on every call fails and changes nothing.
//
// Not modelled: a disk that lies about a sync; a sector whose power cut leaves neither old nor new; holes in files.

/// Which faults a disk has, and how often; all chances are per call.
struct DiskFaults {
    var writeError = 0.0
    var syncError = 0.0
    var readError = 0.0
    var noSpace = 0.0
    var noHandles = 0.0
    var shortWrite = 0.0
    var shortRead = 0.0
    var nameError = 0.0
    var slow = 0.0
    /// Whether files can be opened for direct writes.
    var hasDirect = true
    /// Whether a power cut keeps names in the order of their changes.
    var namesInOrder = true
    /// Microseconds of a sync, at most, when it is not slow.
    var syncMicrosMax = 300
}

final class SimulatedDisk: Disk, @unchecked Sendable {
    struct Handle {
        var node: Int
        var access: DiskAccess
        var isDirectory: Bool
    }

    var faults: DiskFaults
    /// Whether faults happen; a power cut or a kill always may.
    var isFaulty = true
    /// Bytes; what does not fit is refused.
    var capacity: Int
    /// Nobody can open a file.
    var isOutOfHandles = false
    /// The process ends in the middle of the call when this comes to 0; `nil`: it does not.
    var callsToLive: Int?
    /// Only calls that change something count.
    var livesOnReads = false
    var isDead = false
    /// Faults that were returned to this life of the process.
    var faultsOfLife = 0
    /// Changes whenever something on the disk may have.
    var version = 0
    var calls = 0

    var random: Randomness
    let trace: Trace
    let clock: SimulatedClock
    /// After each call that may take a while: others go on meanwhile.
    var whileWorking: () -> Void = {}

    var files: [Int: SimulatedFile] = [:]
    var directories: [Int: SimulatedDirectory] = [:]
    let root = SimulatedDirectory(number: 0)
    var lastNode = 0
    var handles: [Int32: Handle] = [:]
    var lastHandle: Int32 = 2

    init(_ faults: DiskFaults, capacity: Int, random: Randomness, trace: Trace, clock: SimulatedClock) {
        self.faults = faults
        self.capacity = capacity
        self.random = random
        self.trace = trace
        self.clock = clock
        directories[0] = root
    }

    // MARK: Life and death

    /// The process is gone, in whatever it was doing.
    func die() { isDead = true }

    /// After ``die()``, or after the process has ended by itself.
    func restart(powerCut: Bool) {
        isDead = false
        callsToLive = nil
        faultsOfLife = 0
        handles.removeAll()
        for file in files.values { file.lockedBy = nil }
        if powerCut {
            settleNames()
            for number in files.keys.sorted() { files[number]!.settle(&random) }
            version += 1
        }
        dropUnreachable()
    }

    private func settleNames() {
        let ordered = directories.keys.sorted().flatMap { directories[$0]!.pending }
        if faults.namesInOrder {
            for number in directories.keys.sorted() {
                let pending = directories[number]!.pending
                for change in pending.prefix(random.next(below: pending.count + 1)) where !change.isDone {
                    change.apply()
                    change.isDone = true
                }
            }
        } else {
            let kept = random.pick([0.0, 0.2, 0.5, 0.8, 1.0])
            for change in ordered where !change.isDone && random.chance(kept) {
                change.apply()
                change.isDone = true
            }
        }
        for number in directories.keys.sorted() {
            let directory = directories[number]!
            directory.pending.removeAll()
            directory.seen = directory.durable
        }
    }

    private func dropUnreachable() {
        var reached: Set<Int> = [0]
        for directory in directories.values {
            reached.formUnion(directory.seen.values)
            reached.formUnion(directory.durable.values)
            reached.formUnion(directory.pending.map { $0.node })
        }
        reached.formUnion(handles.values.map { $0.node })
        for number in files.keys where !reached.contains(number) { files[number] = nil }
        for number in directories.keys where !reached.contains(number) { directories[number] = nil }
    }

    /// The kernel writes back something of what is dirty, also names.
    func writeBack() {
        for number in files.keys.sorted() where random.chance(0.3) { files[number]!.writeBack(&random) }
        if random.chance(0.3) { for number in directories.keys.sorted() { directories[number]!.sync() } }
        version += 1
    }

    // MARK: For those who look from outside

    /// What would be there after the worst power cut: only what is on the disk by name and content.
    func durableFiles(in path: String) -> [(name: String, file: SimulatedFile)] {
        guard let directory = durableDirectory(path) else { return [] }
        return directory.durable.keys.sorted().compactMap { name in files[directory.durable[name]!].map { (name, $0) } }
    }

    private func durableDirectory(_ path: String) -> SimulatedDirectory? {
        var at = root
        for part in path.split(separator: "/") {
            guard let number = at.durable[String(part)], let next = directories[number] else { return nil }
            at = next
        }
        return at
    }

    func durableFile(_ path: String) -> SimulatedFile? {
        let (parent, name) = SimulatedDisk.split(path)
        return durableDirectory(parent).flatMap { $0.durable[name] }.flatMap { files[$0] }
    }

    var usedBytes: Int {
        var sum = 0
        for (number, file) in files where isInUse(number) { sum += (file.seen.count + 4_095) / 4_096 * 4_096 }
        return sum
    }

    private func isInUse(_ number: Int) -> Bool {
        directories.values.contains { $0.seen.values.contains(number) } || handles.values.contains { $0.node == number }
    }

    // MARK: Paths

    static func split(_ path: String) -> (parent: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("", path) }
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    func directory(_ path: String) -> SimulatedDirectory? {
        var at = root
        for part in path.split(separator: "/") {
            guard let number = at.seen[String(part)], let next = directories[number] else { return nil }
            at = next
        }
        return at
    }

    func change(_ node: Int, sets: NameChange.Place?, removes: NameChange.Place?) {
        let change = NameChange(node: node, sets: sets, removes: removes)
        if let removes { removes.directory.seen[removes.name] = nil }
        if let sets { sets.directory.seen[sets.name] = node }
        if let sets { sets.directory.pending.append(change) }
        if let removes, removes.directory !== sets?.directory { removes.directory.pending.append(change) }
    }

    // MARK: Every call

    enum Fate { case good, dies, fails(Int32) }

    /// What becomes of a call. `errors`: what may befall it, and how often.
    func fate(_ call: StaticString, _ name: String, _ a: Int = 0, _ b: Int = 0, errors: [(Double, Int32)] = [], changes: Bool = true) -> Fate {
        if isDead { return .fails(EIO) }
        calls += 1
        trace.note(call, name, a, b)
        if let left = callsToLive, changes || !livesOnReads {
            callsToLive = left - 1
            if left <= 0 {
                trace.note("the process ends in this call")
                return .dies
            }
        }
        guard isFaulty else { return .good }
        for (chance, number) in errors where chance > 0 && random.chance(chance) {
            noteFault(number == EIO ? "EIO" : number == ENOSPC ? "ENOSPC" : number == EMFILE ? "EMFILE" : "error")
            return .fails(number)
        }
        if faults.slow > 0, random.chance(faults.slow) {
            trace.count("slow call")
            clock.pass(micros: random.next(in: 1_000...3_000_000))
        }
        return .good
    }

    /// The result of a call that is not done; `nil`: it is to be done. `dying`: what has happened of it all the same when the process ends in it.
    func refusal(
        _ call: StaticString, _ name: String, _ a: Int = 0, _ b: Int = 0, errors: [(Double, Int32)] = [], changes: Bool = true, dying: () -> Void = {}
    ) -> Int? {
        switch fate(call, name, a, b, errors: errors, changes: changes) {
        case .good: return nil
        case .dies:
            dying()
            die()
            return -Int(EIO)
        case .fails(let number): return -Int(number)
        }
    }

    func noteFault(_ kind: StaticString) {
        faultsOfLife += 1
        trace.note(kind)
        trace.count(kind)
    }

    func file(_ handle: Int32) -> SimulatedFile? { handles[handle].flatMap { files[$0.node] } }

    func has(room bytes: Int, beyond file: SimulatedFile) -> Bool {
        let grows = (bytes + 4_095) / 4_096 - (file.seen.count + 4_095) / 4_096
        return grows <= 0 || usedBytes + grows * 4_096 <= capacity
    }
}
