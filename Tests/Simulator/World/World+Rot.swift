import Core
import Server
import SimulatorModel
import WAL

// Bits that turn over in what was synced, between two lives.

extension World {
    /// Flips a bit of a segment or of a snapshot, and starts. That must be found, or not matter.
    func rot() {
        let files = [World.directory, World.directory + "/archive"].flatMap { disk.durableFiles(in: $0) }
            .filter { ($0.name.hasSuffix(".wal") || $0.name.hasSuffix(".snap")) && !$0.file.durable.isEmpty }
        guard let (name, file) = files.isEmpty ? nil : random.pick(files) else { return begin() }
        // Frames rather than the zeros behind them.
        let offset = random.next(below: (file.durable.lastIndex { $0 != 0 } ?? 0) + 1)
        let bit = random.next(below: 8)
        trace.note("rot", name, offset, bit)
        trace.count("bits flipped")
        file.flip(bit: bit, at: offset)
        disk.isFaulty = false
        let found = verify(directory: World.directory, disk: disk)
        disk.isFaulty = true
        if found.isSound, found.warnings.isEmpty {
            // After a clean stop the closing frame claims every record: only that frame itself, which holds none, may be missed.
            if found.lsns?.upperBound ?? 0 != feed.lsn {
                return fail("bit \(bit) at offset \(offset) of \(name) was flipped after a clean stop, and nothing notices: \(found)")
            }
            trace.count("bits that did not matter")
        } else {
            trace.count("bits found")
        }
        if name.hasSuffix(".snap") {
            // The service starts all the same, from the snapshot before it or from the log.
            hasRottenSnapshot = true
            begin()
            hasRottenSnapshot = false
            file.flip(bit: bit, at: offset)
        } else {
            file.flip(bit: bit, at: offset)
            begin()
        }
    }
}
