import Foundation
import Synchronization
import Testing
import WAL

@Suite struct RoundTripTests {
    let trader = SessionInfo(
        number: 1 << 32 | 1, subject: "7", roles: "trader,viewer", peer: "127.0.0.1:50411", name: "grid", openedMicroseconds: 1_763_798_400_123_456)

    @Test func `round trip: batches and who caused them come back in order`() throws {
        let scratch = Scratch()
        let (log, empty) = try open(scratch)
        #expect(empty == Contents())
        #expect(log.epoch == 1)
        log.register(trader)
        let sent = [
            append(log, Array("one".utf8), session: trader.number), append(log, Array("two three".utf8), count: 2, session: trader.number),
            append(log, [UInt8](repeating: 7, count: 3000), count: 40),
        ]
        #expect(sent.map(\.firstLSN) == [1, 2, 4])
        #expect(log.sealedLSN == 43 && log.durableLSN == 43)
        log.close()

        let (again, contents) = try open(scratch)
        #expect(contents == Contents(batches: sent, sessions: [trader]))
        #expect(again.epoch == 2 && again.durableLSN == 43 && again.sealedLSN == 43)
        #expect(again.recovery.endedClean && again.recovery.tornBytes == 0)
        again.abandon()
    }

    @Test func `restart: each start is an epoch that chains on, with or without records, closed or crashed`() throws {
        let scratch = Scratch()
        var sent: [Recovered] = []
        for epoch in UInt32(1)...12 {
            let (log, contents) = try open(scratch)
            #expect(log.epoch == epoch)
            #expect(contents.batches == sent)
            #expect(log.recovery.lastEpoch == epoch - 1)
            if epoch % 3 != 0 { sent.append(append(log, [UInt8(epoch)])) }
            if epoch % 2 == 0 { log.close() } else { log.abandon() }
        }
        let report = verify(directory: scratch.path)
        #expect(report.isSound && report.segments.count == 12 && report.lsns == 1...8)
        #expect(report.segments.map { $0.epochs } == (1...12).map { $0...$0 })
    }

    @Test func `session: defined again in each segment, forgotten once durable`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch)
        log.register(trader)
        var noise = SystemRandomNumberGenerator()
        for _ in 0..<8 { append(log, (0..<3000).map { _ in UInt8.random(in: 0...255, using: &noise) }, session: trader.number) }
        let segments = scratch.files(".wal").count
        #expect(segments >= 3)
        let late = append(log, [1], session: trader.number, commit: false)
        log.forget(session: trader.number)
        log.commit()
        append(log, [2], session: trader.number)
        log.abandon()
        let (again, contents) = try open(scratch)
        #expect(contents.sessions == Array(repeating: trader, count: segments))
        #expect(contents.batches.suffix(2).first == late)
        again.abandon()
    }

    @Test func `batch pool: a batch is used again only when it is durable`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch)
        let pool = BatchPool()
        let first = pool.take(durableLSN: log.durableLSN)
        first.bytes.append(UInt8(1))
        first.recordCount = 1
        log.seal(first)
        pool.put(first)
        let second = pool.take(durableLSN: log.durableLSN)
        #expect(second !== first)
        log.commit()
        let third = pool.take(durableLSN: log.durableLSN)
        #expect(third === first && third.recordCount == 0 && third.bytes.count == 0 && third.firstLSN == 0)
        log.abandon()
    }

    @Test func `group commit: four threads seal and commit at once, everything recovered in order exactly once`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch, smallOptions(segmentBytes: 1 << 20, spares: 2))
        let published = Atomic<UInt64>(0)
        log.onDurable = { published.max($0, ordering: .relaxed) }
        log.startLogThread()
        let perThread = 12_000
        let done = Atomic<Int>(0)
        for thread in 0..<4 {
            Foundation.Thread.detachNewThread {
                let pool = BatchPool()
                var random = UInt64(thread + 1)
                for turn in 0..<perThread {
                    let batch = pool.take(durableLSN: log.durableLSN)
                    random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    batch.recordCount = 1 + Int(random >> 61)
                    for record in 0..<batch.recordCount {
                        batch.bytes.append(UInt64(thread) << 48 | UInt64(turn) << 8 | UInt64(record))
                    }
                    let last = log.seal(batch)
                    pool.put(batch)
                    log.commit()
                    if turn % 512 == 511 { while log.durableLSN < last { sched_yield() } }
                }
                done.add(1, ordering: .releasing)
            }
        }
        #expect(eventually { done.load(ordering: .acquiring) == 4 && log.durableLSN == log.sealedLSN })
        let total = log.sealedLSN
        #expect(eventually { published.load(ordering: .relaxed) == total })
        log.close()

        var turns = [0, 0, 0, 0]
        var next: UInt64 = 1
        let again = try Log.open(directory: scratch.path, options: smallOptions(segmentBytes: 1 << 20)) { item in
            guard case .batch(let firstLSN, let count, let bytes) = item else { return }
            let thread = Int(bytes.loadUnaligned(as: UInt64.self) >> 48)
            let isRight = (0..<count).allSatisfy {
                bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) == UInt64(thread) << 48 | UInt64(turns[thread]) << 8 | UInt64($0)
            }
            if firstLSN != next || bytes.count != count * 8 || !isRight { Issue.record("LSN \(firstLSN) of thread \(thread), turn \(turns[thread])") }
            turns[thread] += 1
            next += UInt64(count)
        }
        #expect(turns == [perThread, perThread, perThread, perThread])
        #expect(next == total + 1)
        again.abandon()
    }

    @Test func `gap: a batch sealed first and queued late holds back those after it, and only those`() throws {
        // What a thread does that is interrupted between its atomic addition and the queue, done by hand.
        let scratch = Scratch()
        let (log, _) = try open(scratch)
        let first = append(log, [1])
        #expect(log.durableLSN == first.firstLSN)
        let late = Batch()
        late.bytes.append(UInt8(2))
        late.recordCount = 1
        log.assignLSNs(late)
        append(log, [3])
        append(log, [4])
        #expect(log.durableLSN == 1 && log.sealedLSN == 4)
        log.enqueue(late)
        log.commit()
        #expect(log.durableLSN == 4)
        log.abandon()
        let (again, contents) = try open(scratch)
        #expect(contents.batches.map(\.bytes) == [[1], [2], [3], [4]])
        again.abandon()
    }
}
