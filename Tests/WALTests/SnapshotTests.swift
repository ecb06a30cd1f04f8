import Core
import Foundation
import Synchronization
import Testing
import WAL

/// A log of real records and the shards that made them: deposits, orders, cancels, fills and transfers in two wallets.
final class Market<D: Disk> {
    struct Shards: ~Copyable {
        var spot = Shard(number: 0)
        var futures = Shard(number: 1)
    }
    private var shards = Shards()
    private let log: DiskLog<D>
    private var batch = Batch()
    private var writer = RecordWriter()
    private var now: Timestamp = 1_763_798_400_000_000
    private var count: Int

    /// - Parameter replica: the state of the log, when it is not new.
    init(_ log: DiskLog<D>, count: Int = 0) {
        self.log = log
        self.count = count
        guard count == 0 else { return }
        let definitions: [Definition] = [
            .asset(AssetInfo(name: Text("USD"), decimals: 2)), .asset(AssetInfo(name: Text("BTC"), decimals: 8)),
            .venue(VenueInfo(name: Text("manual"), kind: .manual)), .wallet(WalletInfo(name: Text("spot"))), .wallet(WalletInfo(name: Text("futures"))),
            .instrument(
                InstrumentInfo(
                    symbol: Text("BTC-USD"), venue: 0, wallet: 0, base: 1, quote: 0, priceScale: 4, quantityScale: 8,
                    terms: InstrumentTerms(tick: 1, lot: 1, minQuantity: 1, maxQuantity: 1 << 40, minNotional: 0))),
            .account(7, .open),
        ]
        for (index, definition) in definitions.enumerated() {
            _ = shards.spot.execute(.define(definition), now: now) { record($0, 0) }
            _ = shards.futures.copyDefinition(number: Int64(index) + 1, definition, now: now) { record($0, 1) }
        }
        commit()
    }

    private func record(_ mutation: borrowing Mutation, _ shard: WalletID) {
        writer.append(mutation, shard: shard, time: now, session: 0, to: batch)
    }

    private func commit() {
        guard batch.recordCount > 0 else { return }
        log.seal(batch)
        log.commit()
        batch = Batch()
    }

    private func run(_ command: Command) { _ = shards.spot.execute(command, now: now) { record($0, 0) } }

    /// So many commits, each of some records.
    func trade(_ commits: Int) {
        for _ in 0..<commits {
            count += 1
            now += 1_000
            let unit = Amount(1_000_000_000_000_000_000)
            run(.money(Money(.deposit, account: 7, asset: 0, amount: 1_000 * unit, reference: Text("d\(count)"))))
            run(
                .newOrder(
                    NewOrder(
                        account: 7, instrument: 0, side: .buy, type: .limit, timeInForce: .gtc, quantity: Quantity(1_000_000 + count),
                        price: 640_000, clientID: Text("o\(count)"))))
            if count % 3 == 0 { run(.cancel(Cancel(account: 7, instrument: 0, order: .client(Text("o\(count - 1)"))))) }
            if count % 4 == 0 {
                run(.fill(Fill(account: 7, instrument: 0, order: .client(Text("o\(count)")), quantity: 1_000, price: 639_999, exec: Text("e\(count)"), fee: 5, feeAsset: 0)))
            }
            if count % 5 == 0 {
                run(.transfer(Transfer(account: 7, toAccount: 7, toWallet: 1, asset: 0, amount: unit, reference: Text("x\(count)"))))
                var under: [TransferReceived] = []
                shards.spot.forEachUnsettled(target: 1) { transfer, _ in under.append(transfer) }
                for transfer in under { _ = shards.futures.receive(transfer, now: now) { record($0, 1) } }
                let received = shards.futures.highestReceived(from: 0)
                if count % 10 == 0 { shards.spot.settle(target: 1, upTo: received, now: now) { record($0, 0) } }
            }
            commit()
        }
    }

    var hashes: [UInt64] { [shards.spot.stateHash(), shards.futures.stateHash()] }
}

private func snapshotter(_ scratch: Scratch, keep: Bool = true) -> SnapshotMaker<SystemDisk> {
    SnapshotMaker(disk: SystemDisk(), directory: scratch.path, keepsSegments: keep)
}

/// A start: the state, and how it came to it.
func recover(_ scratch: Scratch, _ options: LogOptions = smallOptions()) throws -> (hashes: [UInt64], report: RecoveryReport) {
    var replica = Replica()
    let log = try DiskLog.open(directory: scratch.path, options: options, disk: SystemDisk(), into: &replica)
    log.abandon()
    return (replica.stateHashes, log.recovery)
}

@Suite struct SnapshotTests {
    /// A log with two snapshots and records after them, left as a crash would.
    private func make(_ scratch: Scratch, segmentBytes: UInt64 = 4_096, keep: Bool = true) throws -> (hashes: [UInt64], snapshots: [UInt64]) {
        let log = try DiskLog.open(directory: scratch.path, options: smallOptions(segmentBytes: segmentBytes), disk: SystemDisk()) { _ in }
        let market = Market(log)
        let maker = snapshotter(scratch, keep: keep)
        var lsns: [UInt64] = []
        for _ in 0..<2 {
            market.trade(60)
            lsns.append(try #require(try maker.make(upTo: log.durableLSN)).lsn)
        }
        market.trade(17)
        log.abandon()
        return (market.hashes, lsns)
    }

    private func snapshots(_ scratch: Scratch) -> [String] { scratch.files(".snap") }

    @Test(arguments: [UInt64(4_096), 1 << 20]) func `start: from the newest snapshot, to the same state as from the log's begin`(segmentBytes: UInt64) throws {
        let scratch = Scratch()
        let made = try make(scratch, segmentBytes: segmentBytes)
        #expect(snapshots(scratch).count == 2)
        for _ in 0..<2 {
            let start = try recover(scratch)
            #expect(start.hashes == made.hashes && start.report.snapshotLSN == made.snapshots[1] && start.report.warnings == [])
        }
        let report = verify(directory: scratch.path)
        #expect(report.isSound && report.snapshots.map(\.isAsReplayed) == [true, true], "\(report)")
        for name in snapshots(scratch) { scratch.remove(name) }
        let start = try recover(scratch)
        #expect(start.hashes == made.hashes && start.report.snapshotLSN == 0)
    }

    @Test func `snapshot: nothing new makes none; two are kept, and the segments that neither needs are put away`() throws {
        let scratch = Scratch()
        let log = try DiskLog.open(directory: scratch.path, options: smallOptions(segmentBytes: 4_096), disk: SystemDisk()) { _ in }
        let market = Market(log)
        let maker = snapshotter(scratch)
        var lsns: [UInt64] = []
        for _ in 0..<4 {
            market.trade(60)
            lsns.append(try #require(try maker.make(upTo: log.durableLSN)).lsn)
            #expect(try maker.make(upTo: log.durableLSN) == nil)
        }
        #expect(snapshots(scratch) == lsns.suffix(2).map { SnapshotName(lsn: $0).file })
        let present = scratch.files(".wal").compactMap(SegmentName.init)
        // The first one there holds what follows the older snapshot.
        #expect(present[0].firstLSN <= lsns[2] + 1 && present[1].firstLSN > lsns[2] + 1)
        let archived = try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/archive").compactMap(SegmentName.init).sorted { $0.number < $1.number }
        #expect(archived.map(\.number) == Array(1..<present[0].number) && archived.count > 3)
        // A reader from the begin goes through both places.
        let reader = try DiskLogReader(directory: scratch.path, from: 1, disk: SystemDisk())
        var replica = Replica()
        let end = try reader.read(upTo: log.durableLSN) { try replica.take($0) }
        #expect(end == log.durableLSN && replica.stateHashes == market.hashes)
        log.abandon()
        #expect(try recover(scratch).hashes == market.hashes)
        #expect(verify(directory: scratch.path).isSound)
        // Without snapshots the archive is part of the log.
        for name in snapshots(scratch) { scratch.remove(name) }
        #expect(try recover(scratch).hashes == market.hashes)
    }

    @Test func `segments removed rather than kept: a start works, a reader from the begin is refused, without snapshots nothing starts`() throws {
        let scratch = Scratch()
        let made = try make(scratch, keep: false)
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/archive"))
        #expect(try recover(scratch).hashes == made.hashes)
        #expect(throws: LogError.self) { _ = try DiskLogReader(directory: scratch.path, from: 1, disk: SystemDisk()) }
        let report = verify(directory: scratch.path)
        #expect(report.isSound && report.snapshots.map(\.isAsReplayed) == [true, nil], "\(report)")
        for name in snapshots(scratch) { scratch.remove(name) }
        #expect(throws: LogError.self) { _ = try recover(scratch) }
        #expect(!verify(directory: scratch.path).isSound)
    }

    @Test func `damaged snapshot: every bit, every cut; the one before it is used`() throws {
        let scratch = Scratch()
        let made = try make(scratch)
        let newest = snapshots(scratch)[1]
        let whole = scratch.read(newest)
        func refused(_ bytes: [UInt8], _ what: @autoclosure () -> String) {
            scratch.write(newest, bytes)
            do {
                _ = try Replica(snapshot: scratch.path + "/" + newest, disk: SystemDisk(), comparesHashes: true)
                Issue.record("taken: \(what())")
            } catch {
                if case LogError.badSnapshot? = error as? LogError { return }
                Issue.record("\(what()): \(error)")
            }
        }
        for at in whole.indices {
            for bit in 0..<8 where at % 7 == 0 || bit == at % 8 {
                var bytes = whole
                bytes[at] ^= 1 << UInt8(bit)
                refused(bytes, "bit \(bit) of byte \(at) flipped")
            }
        }
        for count in whole.indices { refused(Array(whole[..<count]), "cut after \(count) bytes") }
        refused(whole + [0], "a byte more")
        refused(whole + whole, "twice")
        scratch.write(newest, Array(whole[..<(whole.count / 2)]))
        let start = try recover(scratch)
        #expect(start.hashes == made.hashes && start.report.snapshotLSN == made.snapshots[0])
        #expect(start.report.warnings.count == 1 && start.report.warnings[0].contains(newest))
        #expect(!verify(directory: scratch.path).isSound && verify(directory: scratch.path).startsFrom == made.snapshots[0])
        // Both: from the log's begin.
        scratch.write(snapshots(scratch)[0], [])
        let again = try recover(scratch)
        #expect(again.hashes == made.hashes && again.report.snapshotLSN == 0 && again.report.warnings.count == 2)
        // A new one is made on what is good.
        let log = try DiskLog.open(directory: scratch.path, options: smallOptions(), disk: SystemDisk()) { _ in }
        #expect(try snapshotter(scratch).make(upTo: log.durableLSN) != nil)
        log.abandon()
        #expect(try recover(scratch).hashes == made.hashes)
    }

    @Test func `snapshot past the log's end: refused, and repair lets go of it`() throws {
        let scratch = Scratch()
        _ = try make(scratch, segmentBytes: 1 << 20)
        let name = scratch.files(".wal")[0]
        let bytes = scratch.read(name)
        // Up to between the two snapshots.
        let lsns = snapshots(scratch).compactMap { SnapshotName($0)?.lsn }
        let cut = frames(of: bytes, segment: 1).last { $0.nextLSN <= lsns[1] }!
        scratch.write(name, bytes[..<Int(cut.end)])
        #expect(throws: LogError.self) { _ = try recover(scratch) }
        #expect(scratch.read(name).count == Int(cut.end))
        let looked = try repair(directory: scratch.path, cut: false)
        #expect(looked.damage != nil && !looked.isDone && snapshots(scratch).count == 2)
        let done = try repair(directory: scratch.path, cut: true)
        #expect(done.isDone && done.lastLSN == cut.nextLSN - 1 && snapshots(scratch).count == 1)
        let start = try recover(scratch)
        #expect(start.report.snapshotLSN == lsns[0] && start.report.lastLSN == cut.nextLSN - 1)
    }

    @Test func `snapshot of another log: refused`() throws {
        let (scratch, other) = (Scratch(), Scratch())
        _ = try make(scratch)
        _ = try make(other)
        let newest = snapshots(scratch)[1]
        scratch.write(newest, other.read(newest))
        #expect {
            _ = try recover(scratch)
        } throws: { error in
            guard case LogError.badSnapshot(_, let reason)? = error as? LogError else { return false }
            return reason.contains("another log")
        }
    }

    @Test func `snapshot: dies at every call to the disk, and the next start has everything`() throws {
        var deaths = 0
        for calls in 0... {
            let scratch = Scratch()
            let log = try DiskLog.open(directory: scratch.path, options: smallOptions(segmentBytes: 4_096), disk: SystemDisk()) { _ in }
            let market = Market(log)
            for _ in 0..<2 {
                market.trade(40)
                _ = try snapshotter(scratch).make(upTo: log.durableLSN)
            }
            market.trade(40)
            let disk = FaultyDisk()
            disk.callsToDeath.store(calls, ordering: .relaxed)
            let report = try? SnapshotMaker(disk: disk, directory: scratch.path, keepsSegments: calls % 2 == 0).make(upTo: log.durableLSN)
            log.abandon()
            let isDead = disk.isDead
            for _ in 0..<2 {
                let start = try recover(scratch)
                #expect(start.hashes == market.hashes && start.report.warnings == [], "death at call \(calls)")
            }
            #expect(scratch.files(".tmp").allSatisfy { $0.hasPrefix("spare-") })
            #expect(verify(directory: scratch.path).isSound, "death at call \(calls)")
            if !isDead {
                #expect(report != nil)
                break
            }
            deaths += 1
        }
        #expect(deaths > 25)
    }

    @Test func `full disk, failing sync: no snapshot, nothing left of it, and the log goes on`() throws {
        let scratch = Scratch()
        let log = try DiskLog.open(directory: scratch.path, options: smallOptions(segmentBytes: 65_536), disk: SystemDisk()) { _ in }
        let market = Market(log)
        market.trade(30)
        let disk = FaultyDisk()
        let maker = SnapshotMaker(disk: disk, directory: scratch.path, keepsSegments: true)
        disk.isFull.store(true, ordering: .relaxed)
        #expect(throws: LogError.noSpace(path: scratch.path + "/snapshot.tmp", neededBytes: 0)) { _ = try maker.make(upTo: log.durableLSN) }
        disk.isFull.store(false, ordering: .relaxed)
        disk.syncFails.store(true, ordering: .relaxed)
        #expect(throws: LogError.self) { _ = try maker.make(upTo: log.durableLSN) }
        #expect(scratch.files("snapshot.tmp") == [] && snapshots(scratch) == [])
        disk.syncFails.store(false, ordering: .relaxed)
        market.trade(5)
        #expect(try maker.make(upTo: log.durableLSN) != nil)
        log.abandon()
        #expect(try recover(scratch).hashes == market.hashes)
    }

    @Test func `older data format: no snapshots until it is upgraded; a newer one is refused`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch)
        let market = Market(log)
        market.trade(10)
        log.close()
        scratch.remove("FORMAT")
        #expect(throws: LogError.self) { _ = try makeSnapshot(directory: scratch.path, keepsSegments: true) }
        let (again, _) = try open(scratch)
        #expect(again.format == DataFormat.logAlone)
        #expect(throws: LogError.self) { _ = try DataFormat.upgrade(directory: scratch.path, commit: true) }
        again.close()
        #expect(try DataFormat.upgrade(directory: scratch.path, commit: false) == DataFormat.logAlone && scratch.files("FORMAT") == [])
        #expect(try DataFormat.upgrade(directory: scratch.path, commit: true) == DataFormat.logAlone && scratch.files("FORMAT") == ["FORMAT"])
        #expect(try makeSnapshot(directory: scratch.path, keepsSegments: true) != nil)
        #expect(try recover(scratch).hashes == market.hashes)
        scratch.write("FORMAT", "cashup data format 5\n".utf8)
        #expect(throws: LogError.self) { _ = try recover(scratch) }
        // One of the version before: as it is, until it is upgraded.
        scratch.write("FORMAT", "cashup data format 3\n".utf8)
        #expect(try recover(scratch).hashes == market.hashes)
        let (third, _) = try open(scratch)
        #expect(third.format == 3)
        third.close()
        #expect(try DataFormat.upgrade(directory: scratch.path, commit: true) == 3)
        #expect(try DataFormat.upgrade(directory: scratch.path, commit: true) == 4)
        scratch.write("FORMAT", "nonsense".utf8)
        #expect(throws: LogError.self) { _ = try recover(scratch) }
    }

    @Test func `what needs which format`() {
        let terms = InstrumentTerms(tick: 1, lot: 1, minQuantity: 1, maxQuantity: 9, minNotional: 0)
        func changed(_ change: (inout InstrumentTerms) -> Void) -> Definition {
            var new = terms
            change(&new)
            return .changeInstrument(0, new)
        }
        func limits(_ change: (inout LimitsChange) -> Void) -> Command {
            var new = LimitsChange()
            change(&new)
            return .setLimits(SetLimits(account: 7, change: new))
        }
        for old: Definition in [
            .venue(VenueInfo(name: Text("v"), kind: .manual)), changed { _ in }, changed { $0.state = .halted }, .setting(.windowIDs, 5),
            .account(7, .suspended), .asset(AssetInfo(name: Text("A"), decimals: 2)), .wallet(WalletInfo(name: Text("w"))),
        ] { #expect(DataFormat.needed(by: old) == DataFormat.logAlone && DataFormat.needed(by: .define(old)) == DataFormat.logAlone) }
        for new: Definition in [
            .venue(VenueInfo(name: Text("v"), kind: .internal)), changed { $0.state = .postOnly }, changed { $0.state = .cancelOnly },
            changed { $0.fees.maker = -1 }, changed { $0.fees.taker = 1 },
        ] { #expect(DataFormat.needed(by: new) == DataFormat.venues && DataFormat.needed(by: .define(new)) == DataFormat.venues) }
        let old = limits {
            $0.maxQuantity = 1
            $0.maxNotional = 1
            $0.maxPosition = 1
            $0.maxOpenOrders = 1
            $0.enabled = false
        }
        #expect(DataFormat.needed(by: old) == DataFormat.logAlone)
        for new in [limits { $0.makerFee = 1 }, limits { $0.takerFee = 1 }, limits { $0.selfTrade = .oldest }] {
            #expect(DataFormat.needed(by: new) == DataFormat.venues)
        }
    }

    @Test func `backup of a log that is being written: sound, and restored it starts`() throws {
        let (scratch, other) = (Scratch(), Scratch())
        let log = try DiskLog.open(directory: scratch.path, options: smallOptions(segmentBytes: 16_384), disk: SystemDisk()) { _ in }
        let market = Market(log)
        let stops = Atomic<Bool>(false)
        market.trade(100)
        let before = log.durableLSN
        nonisolated(unsafe) let writing = market
        let path = scratch.path
        let thread = WAL.Thread {
            let maker = SnapshotMaker(disk: SystemDisk(), directory: path, keepsSegments: true)
            while !stops.load(ordering: .relaxed) {
                writing.trade(40)
                _ = try? maker.make(upTo: log.durableLSN)
            }
        }
        for n in 0..<8 {
            let copy = other.path + "/backup-\(n)"
            let report = try backUp(directory: scratch.path, to: copy, archive: n % 2 == 0)
            #expect(report.verified.isSound && (report.verified.lsns?.upperBound ?? 0) >= before, "\(report.verified)")
        }
        stops.store(true, ordering: .relaxed)
        thread.join()
        log.close()
        let copy = other.path + "/whole"
        _ = try backUp(directory: scratch.path, to: copy, archive: true)
        #expect(throws: LogError.self) { _ = try backUp(directory: scratch.path, to: copy, archive: true) }
        _ = try restore(backup: copy, to: other.path + "/restored")
        var replica = Replica()
        let restored = try DiskLog.open(directory: other.path + "/restored", options: smallOptions(), disk: SystemDisk(), into: &replica)
        restored.abandon()
        #expect(replica.stateHashes == market.hashes)
    }
}
