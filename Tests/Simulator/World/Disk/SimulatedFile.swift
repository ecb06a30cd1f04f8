import SimulatorModel

/// A file: what processes see of it (the page cache), and what is on the disk. The fault model is at the top of SimulatedDisk.swift.
final class SimulatedFile {
    static let sectorBytes = 512

    let number: Int
    private(set) var seen: [UInt8] = []
    private(set) var durable: [UInt8] = []
    /// Of ``seen``, per sector: written since the last sync.
    private var dirty: [Bool] = []
    /// Handle of the process that has it locked.
    var lockedBy: Int32?

    init(number: Int) { self.number = number }

    var isSettled: Bool { seen.count == durable.count && !dirty.contains(true) }

    private func sectors(_ count: Int) -> Int { (count + SimulatedFile.sectorBytes - 1) / SimulatedFile.sectorBytes }

    private func range(_ sector: Int, _ size: Int) -> Range<Int> {
        let start = sector * SimulatedFile.sectorBytes
        return start..<max(start, min(start + SimulatedFile.sectorBytes, size))
    }

    // MARK: As processes do

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        if bytes.isEmpty { return }
        if offset + bytes.count > seen.count { resize(to: offset + bytes.count) }
        seen.withUnsafeMutableBytes { UnsafeMutableRawBufferPointer(rebasing: $0[offset..<(offset + bytes.count)]).copyMemory(from: bytes) }
        for sector in (offset / SimulatedFile.sectorBytes)...((offset + bytes.count - 1) / SimulatedFile.sectorBytes) { dirty[sector] = true }
    }

    /// Past the page cache: on the disk at once. `survives`: whether a sector of it does; all of them, unless the power goes meanwhile.
    func writeThrough(_ bytes: UnsafeRawBufferPointer, at offset: Int, survives: (Int) -> Bool = { _ in true }) {
        let end = offset + bytes.count
        var sector = offset / SimulatedFile.sectorBytes
        while sector * SimulatedFile.sectorBytes < end {
            if survives(sector) {
                let part = (sector * SimulatedFile.sectorBytes)..<((sector + 1) * SimulatedFile.sectorBytes)
                if seen.count < part.upperBound { resize(to: part.upperBound) }
                if durable.count < part.upperBound { durable.append(contentsOf: repeatElement(0, count: part.upperBound - durable.count)) }
                for i in part {
                    seen[i] = bytes[i - offset]
                    durable[i] = bytes[i - offset]
                }
                dirty[sector] = false
            }
            sector += 1
        }
    }

    func resize(to size: Int) {
        if size > seen.count {
            let old = seen.count
            seen.append(contentsOf: repeatElement(0, count: size - old))
            dirty.append(contentsOf: repeatElement(false, count: sectors(size) - dirty.count))
            // What was cut off and is here again reads as zeros, and the disk may still have the old bytes.
            for sector in (old / SimulatedFile.sectorBytes)..<sectors(size) { dirty[sector] = true }
        } else if size < seen.count {
            seen.removeLast(seen.count - size)
            dirty.removeLast(dirty.count - sectors(size))
        }
    }

    func sync() {
        if durable.count > seen.count { durable.removeLast(durable.count - seen.count) }
        if durable.count < seen.count { durable.append(contentsOf: repeatElement(0, count: seen.count - durable.count)) }
        for sector in dirty.indices where dirty[sector] {
            for i in range(sector, seen.count) { durable[i] = seen[i] }
            dirty[sector] = false
        }
    }

    // MARK: As disks and kernels do

    /// The kernel writes back what it likes, when it likes.
    func writeBack(_ random: inout Randomness) {
        guard dirty.contains(true) else { return }
        for sector in dirty.indices where dirty[sector] && random.chance(0.5) { flush(sector) }
    }

    private func flush(_ sector: Int) {
        let part = range(sector, seen.count)
        if durable.count < part.upperBound { durable.append(contentsOf: repeatElement(0, count: part.upperBound - durable.count)) }
        for i in part { durable[i] = seen[i] }
        dirty[sector] = false
    }

    /// A sync that failed: some sectors are on the disk, others not, and all count as written from now on. Some are still shown from the page cache.
    func failSync(_ random: inout Randomness) {
        let forgets = random.chance(0.5)
        for sector in dirty.indices where dirty[sector] {
            if random.chance(0.5) {
                flush(sector)
            } else {
                dirty[sector] = false
                if forgets, random.chance(0.5) { for i in range(sector, seen.count) { seen[i] = i < durable.count ? durable[i] : 0 } }
            }
        }
    }

    /// The power is gone: what is on the disk is what there is from now on.
    func settle(_ random: inout Randomness) {
        var size = durable.count
        if seen.count != durable.count {
            switch random.next(below: 3) {
            case 0: size = seen.count
            case 1 where seen.count > durable.count: size = durable.count + random.next(below: seen.count - durable.count)
            default: break
            }
        }
        // All or half or few of the sectors, so that also a lone lost one is frequent.
        let kept = random.pick([0.0, 0.1, 0.5, 0.9, 1.0])
        for sector in dirty.indices where dirty[sector] && random.chance(kept) {
            if sector * SimulatedFile.sectorBytes < size { flush(sector) }
        }
        if durable.count > size { durable.removeLast(durable.count - size) }
        if durable.count < size { durable.append(contentsOf: repeatElement(0, count: size - durable.count)) }
        seen = durable
        dirty = Array(repeating: false, count: sectors(size))
    }

    /// Rot: a bit of what was synced turns over. Once more mends it.
    func flip(bit: Int, at offset: Int) {
        guard offset < durable.count, offset < seen.count else { return }
        durable[offset] ^= 1 << UInt8(bit)
        seen[offset] = durable[offset]
    }
}
