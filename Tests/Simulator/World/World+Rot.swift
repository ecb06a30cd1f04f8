import Core
import Server
import SimulatorModel
import WAL

// Bits that turn over in what was synced, between two lives.

extension World {
    /// Flips a bit of a segment. The start must find that, or the bit must not matter; then it is turned back.
    func rot() {
        let segments = disk.durableFiles(in: World.directory).filter { $0.name.hasSuffix(".wal") && !$0.file.durable.isEmpty }
        guard let (name, file) = segments.isEmpty ? nil : random.pick(segments) else { return begin() }
        // Frames rather than the zeros behind them.
        let used = (file.durable.lastIndex { $0 != 0 } ?? 0) + 1
        let offset = random.next(below: used)
        let bit = random.next(below: 8)
        trace.note("rot", name, offset, bit)
        trace.count("bits flipped")
        file.flip(bit: bit, at: offset)
        disk.isFaulty = false
        let found = verify(directory: World.directory, requiredFrom: 1, disk: disk)
        disk.isFaulty = true
        guard found.error != nil else {
            // After a clean stop the closing frame claims every record: only that frame itself may be missed, which holds none.
            if found.lsns?.upperBound ?? 0 != feed.lsn {
                return fail("bit \(bit) at offset \(offset) of \(name) was flipped after a clean stop, and nothing notices: \(found)")
            }
            trace.count("bits that did not matter")
            return begin()
        }
        trace.count("bits found")
        file.flip(bit: bit, at: offset)
        begin()
    }
}
