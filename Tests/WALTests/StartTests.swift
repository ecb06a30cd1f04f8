import Foundation
import Synchronization
import Testing
import WAL

/// Starts that die, and what they may not touch.
@Suite struct StartTests {
    /// What the directory may look like when the start that dies begins.
    enum Before: String, CaseIterable { case crashed, torn, rollTorn, rollEmpty, closed }

    /// A log of several segments in that state; all its batches were acknowledged.
    func makeLog(_ scratch: Scratch, _ before: Before) throws -> [Recovered] {
        let (log, _) = try open(scratch, smallOptions(segmentBytes: 1024))
        let batches = (0..<12).map { append(log, [UInt8](repeating: UInt8($0), count: 100)) }
        if before == .closed { log.close() } else { log.abandon() }
        let last = scratch.files(".wal").last!
        var bytes = scratch.read(last)
        let inLast = frames(of: bytes, segment: SegmentName(last)!.number)
        switch before {
        case .crashed, .closed: break
        case .torn:
            // As if the next write, which nobody was told of, had come half to the disk.
            let end = Int(inLast.last!.end)
            if bytes.count < end + 30 { bytes += [UInt8](repeating: 0, count: end + 30 - bytes.count) }
            for at in end..<end + 30 { bytes[at] = 0x5C }
            scratch.write(last, bytes)
        case .rollTorn, .rollEmpty:
            let next = SegmentName(firstLSN: batches.last!.firstLSN + 1, number: SegmentName(last)!.number + 1)
            scratch.write(next.file, [UInt8](repeating: before == .rollTorn ? 0x5C : 0, count: 60) + [UInt8](repeating: 0, count: 964))
        }
        return batches
    }

    @Test func `start: a new directory's own name is on the disk before anything is acknowledged, and so are those it is in`() throws {
        let scratch = Scratch()
        let disk = FaultyDisk()
        let log = try DiskLog.open(directory: scratch.path + "/desk/data", options: smallOptions(), disk: disk) { _ in }
        defer { log.abandon() }
        let synced = disk.directories.withLock { $0.synced }
        #expect(synced.contains(scratch.path + "/desk") && synced.contains(scratch.path) && synced.contains("/"))
    }

    @Test func `start: a directory that cannot be looked at is not taken for one of an older format`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch)
        append(log, [1, 2, 3])
        log.close()
        let disk = FaultyDisk()
        disk.noHandlesFor.withLock { $0 = "FORMAT" }
        #expect(throws: LogError.self) { _ = try DiskLog.open(directory: scratch.path, options: smallOptions(), disk: disk) { _ in } }
    }

    @Test(arguments: Before.allCases, [0, 2])
    func `start: dies at every call to the disk, and the next two find every acknowledged record`(before: Before, spares: Int) throws {
        let options = smallOptions(segmentBytes: 1024, spares: spares)
        var deaths = 0
        for calls in 0... {
            let scratch = Scratch()
            var acknowledged = try makeLog(scratch, before)
            for number in 1..<(1 + spares) { scratch.write("spare-\(number).tmp", [UInt8](repeating: 0xA5, count: 1024)) }
            let disk = FaultyDisk()
            disk.callsToDeath.store(calls, ordering: .relaxed)
            let dying = try? DiskLog.open(directory: scratch.path, options: options, disk: disk) { _ in }
            if let dying {
                let isDone = !disk.isDead
                dying.abandon()
                if isDone { break }
            }
            deaths += 1
            for start in 1...3 {
                let (log, contents) = try open(scratch, options)
                #expect(contents.batches == acknowledged, "death at call \(calls), start \(start) after it")
                // Enough to use every spare, old files among them.
                for i in 0..<24 { acknowledged.append(append(log, [UInt8](repeating: UInt8(100 + i), count: 100))) }
                #expect(log.durableLSN == log.sealedLSN)
                log.abandon()
            }
            #expect(scratch.files(".old") == [])
        }
        #expect(deaths > 20)
    }

    @Test(arguments: [0, 2])
    func `backup of hard links: starts and spares leave it as it was`(spares: Int) throws {
        let (scratch, backup) = (Scratch(), Scratch())
        let options = smallOptions(segmentBytes: 1024, spares: spares)
        var sent = try makeLog(scratch, .crashed)
        scratch.write("spare-1.tmp", [UInt8](repeating: 0xA5, count: 1024))
        let names = scratch.files(".wal") + scratch.files(".tmp")
        for name in names { try FileManager.default.linkItem(atPath: scratch.path + "/" + name, toPath: backup.path + "/" + name) }
        let last = names.last { $0.hasSuffix(".wal") }!
        let kept = (backup.read(last), backup.read("spare-1.tmp"))
        for _ in 0..<3 {
            let (log, contents) = try open(scratch, options)
            #expect(contents.batches == sent)
            for i in 0..<24 { sent.append(append(log, [UInt8](repeating: UInt8(i), count: 100))) }
            log.abandon()
        }
        #expect(backup.read(last) == kept.0 && backup.read("spare-1.tmp") == kept.1)
    }

    @Test func `spare's name on a segment of the log: the name is removed, the segment stays`() throws {
        let scratch = Scratch()
        let options = smallOptions(segmentBytes: 1024, spares: 2)
        let sent = try makeLog(scratch, .crashed)
        for (number, name) in scratch.files(".wal").enumerated() {
            try FileManager.default.linkItem(atPath: scratch.path + "/" + name, toPath: scratch.path + "/spare-\(number + 1).tmp")
        }
        for _ in 0..<2 {
            let (log, contents) = try open(scratch, options)
            #expect(contents.batches == sent)
            #expect(eventually { log.sparesReady == 2 })
            log.abandon()
        }
    }

    @Test func `full disk that gives nothing back: the two spares are good for two starts in a row`() throws {
        let scratch = Scratch()
        let disk = FaultyDisk()
        let options = smallOptions(segmentBytes: 32 << 10, spares: 2)
        var sent: [Recovered] = []
        for start in 0..<3 {
            var contents = Contents()
            let log = try DiskLog.open(directory: scratch.path, options: options, disk: disk) { contents.take($0) }
            #expect(contents.batches == sent)
            sent.append(append(log, [UInt8(start)]))
            if start == 0 { #expect(eventually { log.sparesReady == 2 }) }
            disk.isFull.store(true, ordering: .relaxed)
            log.abandon()
        }
    }

    @Test func `out of handles: segments are begun, nothing is refused while there is room, and spares come again after it`() throws {
        let scratch = Scratch()
        let disk = FaultyDisk()
        let options = smallOptions(segmentBytes: 32 << 10, spares: 4)
        let log = try DiskLog.open(directory: scratch.path, options: options, disk: disk) { _ in }
        #expect(eventually { log.sparesReady == 4 })
        disk.isOutOfHandles.store(true, ordering: .relaxed)
        var noise = SystemRandomNumberGenerator()
        var states: [StorageState] = []
        repeat {
            append(log, (0..<1000).map { _ in UInt8.random(in: 0...255, using: &noise) })
            usleep(1000)  // for the thread that makes spares to try
            states.append(log.storage)
        } while states.last == .ok && states.count < 1000
        // Two segments were begun, and the two spares that the next start needs are left.
        #expect(states.last == .full && !states.contains(.reserved) && states.count > 64 && log.sparesReady == 2)
        #expect(log.durableLSN == UInt64(states.count))
        disk.isOutOfHandles.store(false, ordering: .relaxed)
        #expect(eventually { log.storage == .ok && log.sparesReady == 4 })
        log.close()
    }

    @Test(arguments: ["at the log's end", "in a new segment", "in the first segment", "after a torn frame"], [FrameHeader.version - 1, FrameHeader.version + 1])
    func `format of another version: refused, not cut, not repaired`(place: String, version: UInt16) throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch, smallOptions(segmentBytes: 2048))
        append(log, [1, 2, 3])
        log.abandon()
        let first = scratch.files(".wal")[0]
        var bytes = scratch.read(first)
        let last = try #require(frames(of: bytes, segment: 1).last)
        var header = last
        var name = first
        var offset = last.end
        switch place {
        case "at the log's end": break
        case "after a torn frame":
            bytes[Int(offset)] = 1
            offset += 200
        case "in the first segment": offset = 0
        default:
            name = SegmentName(firstLSN: last.nextLSN, number: 2).file
            header.segment = 2
            offset = 0
            bytes = [UInt8](repeating: 0, count: 2048)
        }
        header.offset = offset
        header.durableLSN = 0
        header.durableFrame = 0
        func put(version: UInt16, rightChecksum: Bool) {
            bytes.withUnsafeMutableBytes { raw in
                let p = raw.baseAddress! + Int(offset)
                header.encode(to: p)
                p.storeBytes(of: version.littleEndian, toByteOffset: 12, as: UInt16.self)
                let sum = xxh64(UnsafeRawBufferPointer(start: p, count: 112), seed: 0)
                p.storeBytes(of: (rightChecksum ? sum : ~sum).littleEndian, toByteOffset: 112, as: UInt64.self)
            }
            scratch.write(name, bytes)
        }
        put(version: version, rightChecksum: true)
        let expected = LogError.otherFormat(file: scratch.path + "/" + name, offset: offset, version: version)
        #expect(throws: expected) { _ = try open(scratch) }
        #expect(throws: expected) { _ = try repair(directory: scratch.path, cut: true) }
        #expect(verify(directory: scratch.path).error == expected)
        #expect(scratch.read(name) == bytes && scratch.files(".torn") == [])
        #expect(expected.description.contains(version > FrameHeader.version ? "a newer version" : "an older version"))
        // With a wrong checksum it is a tear like any other; in the first segment, before frames that are durable, it is rot.
        put(version: version, rightChecksum: false)
        if place == "in the first segment" {
            #expect(throws: LogError.self) { _ = try open(scratch) }
            return
        }
        let (again, _) = try open(scratch)
        again.abandon()
    }
}
