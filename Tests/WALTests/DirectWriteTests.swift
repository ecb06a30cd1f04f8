import Foundation
import Synchronization
import Testing
import WAL

/// Frames written past the page cache, in whole blocks.
@Suite struct DirectWriteTests {
    /// Frames of many sizes, so that they end at, before and after the ends of blocks, over several segments.
    private func write(_ scratch: Scratch, direct: Bool, disk: FaultyDisk = FaultyDisk()) throws -> [Recovered] {
        disk.isDirect.store(direct, ordering: .relaxed)
        var options = smallOptions(segmentBytes: 64 << 10)
        options.randomSalt = { 42 }
        let log = try DiskLog.open(directory: scratch.path, options: options, disk: disk) { _ in }
        var sent: [Recovered] = []
        var random: UInt64 = 1
        for index in 0..<400 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let size = index % 10 == 0 ? Int(random >> 51) : Int(random >> 55)
            var noise = random
            let bytes = (0...size).map { _ in
                noise = noise &* 6_364_136_223_846_793_005 &+ 1
                return UInt8(noise >> 56)
            }
            sent.append(append(log, bytes))
        }
        log.abandon()
        return sent
    }

    @Test func `direct: the files are those of the page cache's way, byte for byte`() throws {
        let (direct, cached) = (Scratch(onDisk: true), Scratch(onDisk: true))
        let disk = FaultyDisk()
        let sent = try write(direct, direct: true, disk: disk)
        _ = try write(cached, direct: false)
        #expect(disk.syncs.load(ordering: .relaxed) < 400, "frames were synced: nothing was written directly")
        let files = direct.files(".wal")
        #expect(files.count > 3 && files == cached.files(".wal"))
        for file in files { #expect(direct.read(file) == cached.read(file), "\(file)") }
        let (again, contents) = try open(direct, smallOptions(segmentBytes: 64 << 10))
        #expect(contents.batches == sent)
        again.abandon()
    }

    @Test func `direct: a reader sees each frame once it is durable`() throws {
        let scratch = Scratch(onDisk: true)
        var options = smallOptions(segmentBytes: 64 << 10)
        options.spares = 1
        let log = try Log.open(directory: scratch.path, options: options) { _ in }
        var sent: [Recovered] = []
        for index in 0..<300 {
            sent.append(append(log, [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 1 + index * 7 % 900)))
            if index % 20 == 0 {
                // Brings the file's pages into the cache, the zeros after the frames among them.
                let report = verify(directory: scratch.path)
                #expect(report.lsns == 1...UInt64(sent.count))
            }
        }
        log.close()
        let (again, contents) = try open(scratch, options)
        #expect(contents.batches == sent)
        again.abandon()
    }

    @Test func `direct: short writes go on at the begin of a block`() throws {
        let scratch = Scratch(onDisk: true)
        let disk = FaultyDisk()
        disk.writeBytesMax.store(4_608, ordering: .relaxed)
        let sent = try write(scratch, direct: true, disk: disk)
        let (again, contents) = try open(scratch, smallOptions(segmentBytes: 64 << 10))
        #expect(contents.batches == sent)
        again.abandon()
    }

    @Test func `direct: a process that dies at any call loses nothing acknowledged`() throws {
        for calls in stride(from: 20, to: 160, by: 1) {
            let scratch = Scratch(onDisk: calls % 20 == 0)
            let disk = FaultyDisk()
            disk.isDirect.store(true, ordering: .relaxed)
            disk.callsToDeath.store(calls, ordering: .relaxed)
            guard let log = try? DiskLog.open(directory: scratch.path, options: smallOptions(segmentBytes: 16 << 10), disk: disk, replay: { _ in })
            else { continue }
            var sent: [Recovered] = []
            for index in 0..<40 { sent.append(append(log, [UInt8](repeating: UInt8(index), count: 700 + index * 31))) }
            let durable = Int(log.durableLSN)
            log.abandon()
            let (again, contents) = try open(scratch, smallOptions(segmentBytes: 16 << 10))
            #expect(contents.batches.starts(with: sent.prefix(durable)) && contents.batches.count <= durable + 1, "death at call \(calls)")
            again.abandon()
        }
    }
}
