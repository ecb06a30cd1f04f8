import Foundation
import Synchronization
import Testing
import WAL

@Suite struct FaultTests {
    func openFaulty(_ scratch: Scratch, _ disk: FaultyDisk, _ options: LogOptions = smallOptions()) throws -> DiskLog<FaultyDisk> {
        try DiskLog.open(directory: scratch.path, options: options, disk: disk) { _ in }
    }

    @Test(arguments: ["sync", "write", "direct write"])
    func `fail-stop: after a failed sync or write nothing is acknowledged any more`(fault: String) throws {
        let scratch = Scratch()
        let disk = FaultyDisk()
        disk.isDirect.store(fault == "direct write", ordering: .relaxed)
        let fatal = Atomic<Int>(0)
        let announced = Atomic<UInt64>(0)
        var options = smallOptions()
        options.onFatal = { error in
            if case .io = error { fatal.add(1, ordering: .relaxed) }
        }
        let log = try openFaulty(scratch, disk, options)
        log.onDurable = { announced.store($0, ordering: .relaxed) }
        append(log, [1])
        disk.syncFails.store(fault == "sync", ordering: .relaxed)
        disk.writeFails.store(fault != "sync", ordering: .relaxed)
        append(log, [2])
        #expect(log.durableLSN == 1 && fatal.load(ordering: .relaxed) == 1)
        // The disk is well again, but what it holds is not known.
        disk.syncFails.store(false, ordering: .relaxed)
        disk.writeFails.store(false, ordering: .relaxed)
        append(log, [3])
        log.commit()
        log.close()
        #expect(log.durableLSN == 1 && announced.load(ordering: .relaxed) == 1 && fatal.load(ordering: .relaxed) == 1)
        let (again, contents) = try open(scratch)
        #expect(contents.batches.first?.bytes == [1] && contents.batches.count <= 2)
        again.abandon()
    }

    @Test func `short writes: continued`() throws {
        let scratch = Scratch()
        let disk = FaultyDisk()
        disk.writeBytesMax.store(7, ordering: .relaxed)
        let log = try openFaulty(scratch, disk, smallOptions(segmentBytes: 2048))
        let sent = [append(log, Array("some bytes".utf8)), append(log, Array("and more of them".utf8))]
        log.abandon()
        let (again, contents) = try open(scratch)
        #expect(contents.batches == sent)
        again.abandon()
    }

    @Test func `commit: one write and one sync for all that is queued`() throws {
        let scratch = Scratch()
        let disk = FaultyDisk()
        let log = try openFaulty(scratch, disk)
        let (writes, syncs) = (disk.writes.load(ordering: .relaxed), disk.syncs.load(ordering: .relaxed))
        for i in 0..<10 { append(log, [UInt8(i)], commit: false) }
        log.commit()
        #expect(disk.writes.load(ordering: .relaxed) == writes + 1 && disk.syncs.load(ordering: .relaxed) == syncs + 1)
        #expect(log.durableLSN == 10)
        log.abandon()
    }

    @Test func `full disk: reserved, then full, then ok again; and a start works with the two spares kept for it`() throws {
        let scratch = Scratch()
        let disk = FaultyDisk()
        let options = smallOptions(segmentBytes: 32 << 10, spares: 3)
        let log = try openFaulty(scratch, disk, options)
        #expect(eventually { log.sparesReady == 3 })
        #expect(log.storage == .ok)
        disk.isFull.store(true, ordering: .relaxed)
        var sent: [Recovered] = []
        var noise = SystemRandomNumberGenerator()
        func write() { sent.append(append(log, (0..<1000).map { _ in UInt8.random(in: 0...255, using: &noise) })) }
        while log.sparesReady == 3 { write() }
        #expect(eventually { log.storage == .reserved })
        while log.storage == .reserved, sent.count < 1000 { write() }
        #expect(log.storage == .full && log.sparesReady == 2)
        // What was sealed before the caller saw that is written all the same.
        write()
        #expect(log.durableLSN == UInt64(sent.count))

        disk.isFull.store(false, ordering: .relaxed)
        #expect(eventually { log.storage == .ok })
        disk.isFull.store(true, ordering: .relaxed)
        while log.storage == .ok { write() }
        #expect(eventually { log.sparesReady == 2 })
        log.abandon()

        var contents = Contents()
        let again = try DiskLog.open(directory: scratch.path, options: options, disk: disk) { contents.take($0) }
        #expect(contents.batches == sent)
        #expect(eventually { again.storage != .ok })
        disk.isFull.store(false, ordering: .relaxed)
        #expect(eventually { again.storage == .ok })
        again.close()
    }

    @Test func `room for many open orders: kept without zeros, used up on a full disk, not left behind by starts`() throws {
        let scratch = Scratch()
        let disk = FaultyDisk()
        let options = smallOptions(segmentBytes: 32 << 10, spares: 2)
        func withRoom() throws -> (DiskLog<FaultyDisk>, Contents) {
            var contents = Contents()
            let log = try DiskLog.open(directory: scratch.path, options: options, disk: disk) { contents.take($0) }
            // 64 bytes each: four segments more.
            log.reserveBytes(openOrders: 2048)
            #expect(eventually { log.sparesReady == 6 && log.storage == .ok })
            return (log, contents)
        }
        let (log, _) = try withRoom()
        #expect(scratch.files(".tmp").count == 6)
        disk.isFull.store(true, ordering: .relaxed)
        var sent: [Recovered] = []
        var noise = SystemRandomNumberGenerator()
        while log.storage != .full, sent.count < 1000 {
            sent.append(append(log, (0..<1000).map { _ in UInt8.random(in: 0...255, using: &noise) }))
            usleep(500)  // for the thread that makes spares
        }
        #expect(log.sparesReady == 2 && scratch.files(".wal").count == 5)
        log.abandon()
        disk.isFull.store(false, ordering: .relaxed)
        for _ in 0..<3 {
            let (again, contents) = try withRoom()
            #expect(contents.batches == sent)
            #expect(scratch.files(".tmp").count == 6)
            again.abandon()
        }
    }

    @Test func `full disk without spares: refused with what is needed`() throws {
        let scratch = Scratch()
        let disk = FaultyDisk()
        disk.isFull.store(true, ordering: .relaxed)
        do {
            _ = try openFaulty(scratch, disk)
            Issue.record("opened without room")
        } catch LogError.noSpace(_, let bytes) {
            #expect(bytes == 8192)
        }
    }

    @Test func `lock: a second open is refused and names the process; it opens once the first has closed`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch)
        do {
            _ = try open(scratch)
            Issue.record("opened twice")
        } catch LogError.locked(let directory, let pid) {
            #expect(directory == scratch.path && pid == getpid())
        }
        #expect(throws: LogError.self) { try repair(directory: scratch.path, cut: true) }
        log.close()
        let (again, _) = try open(scratch)
        again.close()
    }

    @Test func `lock: another process is refused`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/flock") else { return print("SKIPPED: no flock tool here") }
        process.arguments = ["-n", scratch.path + "/LOCK", "true"]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 1)
        log.close()
    }

    @Test func `start after a start that died: leftover spares and copies do no harm`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch)
        let sent = append(log, [1, 2, 3])
        log.abandon()
        scratch.write("spare-9.tmp", scratch.read(scratch.files(".wal")[0]))
        scratch.write("spare-10.tmp", [UInt8](repeating: 0xA5, count: 8192))
        scratch.write("spare-11.tmp", [1])
        for _ in 0..<4 {
            let (again, contents) = try open(scratch)
            #expect(contents.batches == [sent])
            again.abandon()
        }
    }
}
