import Foundation
import Synchronization
import Testing
import WAL

@Suite struct ReaderTests {
    @Test func `reader: from any LSN on, the batch that holds it first, never past the limit`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch, smallOptions(segmentBytes: 1024))
        let sent = (0..<40).map { append(log, [UInt8](repeating: UInt8($0), count: 50), count: 3) }
        for from in UInt64(0)...120 {
            let reader = try LogReader(directory: scratch.path, from: from)
            var contents = Contents()
            let half = (from + 120) / 2 / 3 * 3
            #expect(try reader.read(upTo: half) { contents.take($0) } == max(half, max(from, 1) - 1))
            #expect(contents.batches == sent.filter { $0.firstLSN + 2 >= from && $0.firstLSN <= half })
            #expect(try reader.read(upTo: 120) { contents.take($0) } == 120)
            #expect(contents.batches == sent.filter { $0.firstLSN + 2 >= from })
            #expect(try reader.read(upTo: 120) { _ in Issue.record("nothing is left") } == 120)
        }
        log.close()
        let closed = try LogReader(directory: scratch.path, from: 1)
        var contents = Contents()
        #expect(try closed.read(upTo: .max) { contents.take($0) } == 120)
        #expect(contents.batches == sent)
    }

    @Test func `reader: follows a live log over rolls and gets everything once`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch, smallOptions(segmentBytes: 4096, spares: 2))
        let total = 3000
        let writer = Atomic<Bool>(false)
        Foundation.Thread.detachNewThread {
            for i in 0..<total { append(log, withUnsafeBytes(of: UInt64(i).littleEndian, Array.init) + [UInt8](repeating: UInt8(i & 255), count: i % 100), count: 1) }
            writer.store(true, ordering: .releasing)
        }
        let reader = try LogReader(directory: scratch.path, from: 1)
        var next: UInt64 = 1
        while next <= total {
            let durable = log.durableLSN
            let last = try reader.read(upTo: durable) { item in
                guard case .batch(let firstLSN, let count, let bytes) = item else { return }
                if firstLSN != next || count != 1 || bytes.loadUnaligned(as: UInt64.self) != next - 1 { Issue.record("LSN \(firstLSN), not \(next)") }
                next = firstLSN + 1
            }
            #expect(last == durable)
            sched_yield()
        }
        #expect(eventually { writer.load(ordering: .acquiring) })
        #expect(scratch.files(".wal").count > 10)
        log.close()
    }

    @Test func `reader: a log that is gone, damage, and a body that throws`() throws {
        let scratch = Scratch()
        #expect(throws: LogError.self) { _ = try LogReader(directory: scratch.path, from: 1) }
        let (log, _) = try open(scratch)
        append(log, [1])
        append(log, [2])
        struct Stop: Error {}
        let reader = try LogReader(directory: scratch.path, from: 1)
        #expect(throws: Stop.self) { _ = try reader.read(upTo: 2) { _ in throw Stop() } }
        var contents = Contents()
        #expect(try reader.read(upTo: 2) { contents.take($0) } == 2)
        #expect(contents.batches.map(\.bytes) == [[1], [2]])
        #expect(throws: LogError.self) { _ = try reader.read(upTo: 3) { _ in } }
        log.abandon()
    }
}
