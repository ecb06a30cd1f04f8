import Core
import Foundation
import Testing
import WAL

/// What a look at the lines that no test had run has asked for.
@Suite struct CornerTests {
    /// Larger than every buffer that grows: the segment writer's blocks, the segment reader's, the decoder's.
    @Test(arguments: [false, true], [64 << 10, 8 << 20])
    func `frame of megabytes that do not compress, in a segment of its own or behind others: written, read by a start and by a follower`(isDirect: Bool, segmentBytes: UInt64) throws {
        let scratch = Scratch(onDisk: true)
        let disk = FaultyDisk()
        disk.isDirect.store(isDirect, ordering: .relaxed)
        let log = try DiskLog.open(directory: scratch.path, options: smallOptions(segmentBytes: segmentBytes), disk: disk) { _ in }
        var noise: UInt64 = 1
        let large = (0..<(3 << 20) + 17).map { _ in
            noise = noise &* 6_364_136_223_846_793_005 &+ 1
            return UInt8(noise >> 56)
        }
        let sent = [append(log, [1]), append(log, large), append(log, [2]), append(log, Array(large.reversed())), append(log, [3])]
        log.abandon()
        var followed = Contents()
        _ = try LogReader(directory: scratch.path, from: 1).read(upTo: .max) { followed.take($0) }
        #expect(followed.batches == sent)
        #expect(scratch.files(".wal").count > 1 || segmentBytes > 1 << 20)
        let (again, contents) = try open(scratch)
        #expect(contents.batches == sent)
        again.abandon()
    }

    @Test func `ids that are UUIDs, nearly so, and such that differ late: there and back`() throws {
        let uuid = "01234567-89ab-cdef-0123-456789abcdef"
        var ids = [
            uuid, "f1234567-89ab-cdef-0123-456789abcdef", "01234567-89AB-cdef-0123-456789abcdef", "01234567x89ab-cdef-0123-456789abcdef",
            "01234567-89ab-cdef-0123-456789abcdeg", "11234567-89ab-cdef-0123x456789abcdef", "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ]
        // One byte changed, at every place, one after the other.
        for at in 0..<36 {
            var bytes = Array(uuid.utf8)
            bytes[at] = UInt8(ascii: "7")
            ids += [uuid, String(decoding: bytes, as: UTF8.self)]
        }
        let batch = Batch()
        var writer = RecordWriter()
        for (n, id) in ids.enumerated() {
            let order = OrderAccepted(
                id: Int64(n) + 1, account: 7, instrument: 0, side: .buy, type: .limit, timeInForce: .gtc, quantity: 1, price: 1, clientID: Text(id))
            writer.append(order, shard: 0, time: 5, session: 0, to: batch)
        }
        var reader = RecordReader(bytes: batch.bytes.bytes, count: batch.recordCount)
        var found: [String] = []
        while let record = try reader.next() {
            guard case .orderAccepted(let order) = record.mutation else { break }
            found.append(order.clientID.description)
        }
        #expect(found == ids)
    }

    @Test func `sealed segment with bytes behind its last frame: the log is whole without them, and it is said`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch, smallOptions(segmentBytes: 512))
        let sent = (0..<6).map { append(log, [UInt8](repeating: UInt8($0), count: 60)) }
        log.close()
        let first = scratch.files(".wal")[0]
        scratch.write(first, scratch.read(first) + [0, 0, 7])
        let report = verify(directory: scratch.path)
        #expect(report.isSound && report.description.contains("bytes after its last frame"))
        let (again, contents) = try open(scratch)
        #expect(contents.batches == sent && again.recovery.warnings.contains { $0.contains(first) && $0.contains("are not zero") })
        again.abandon()
    }

    @Test func `clean stop whose closing frame cannot be written: it fails for good, and what was durable is there`() throws {
        let scratch = Scratch()
        let disk = FaultyDisk()
        let log = try DiskLog.open(directory: scratch.path, options: smallOptions(), disk: disk) { _ in }
        let sent = append(log, [1, 2, 3])
        disk.syncFails.store(true, ordering: .relaxed)
        log.close()
        #expect(log.hasFailed && log.durableLSN == 1)
        let (again, contents) = try open(scratch)
        #expect(contents.batches == [sent])
        again.abandon()
    }

    @Test func `repair of a log whose begin is unreadable: refused, nothing is touched`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch, smallOptions(segmentBytes: 512))
        for i in 0..<6 { append(log, [UInt8](repeating: UInt8(i), count: 60)) }
        log.close()
        let first = scratch.files(".wal")[0]
        var bytes = scratch.read(first)
        bytes[20] ^= 1
        scratch.write(first, bytes)
        let before = scratch.files("")
        #expect(throws: LogError.self) { try repair(directory: scratch.path, cut: true) }
        #expect(scratch.files("") == before && scratch.read(first) == bytes)
    }

    @Test func `verify and repair say what they found`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch, smallOptions(segmentBytes: 1024))
        for i in 0..<3 { append(log, [UInt8](repeating: UInt8(i + 1), count: 40)) }
        log.abandon()
        #expect(try repair(directory: scratch.path, cut: false).description == "the log is sound up to LSN 3; nothing to repair")
        let file = scratch.files(".wal")[0]
        let whole = scratch.read(file)
        let frames = frames(of: whole, segment: 1)
        var torn = whole
        torn[Int(frames[3].end) - 1] ^= 1
        scratch.write(file, torn)
        #expect(verify(directory: scratch.path).description.contains("torn tail: \(frames[3].end - frames[3].offset) bytes"))
        var rotten = whole
        rotten[Int(frames[1].end) - 1] ^= 1
        scratch.write(file, rotten)
        let asked = try repair(directory: scratch.path, cut: false).description
        #expect(asked.contains("keep everything up to LSN 0, and LOSE everything after it"))
        let done = try repair(directory: scratch.path, cut: true).description
        #expect(done.contains("kept everything up to LSN 0") && done.contains(file + ".cut"))
    }
}
