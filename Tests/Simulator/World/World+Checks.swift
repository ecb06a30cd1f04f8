import Core
import NIOCore
import Server
import SimulatorModel
import WAL

// What is looked at: by the world itself, and, through it, by the auditor.

extension World {
    /// Tells the auditor of what has come to the disk. Returns the LSN up to which the disk really holds the log.
    @discardableResult
    func follow() -> UInt64 {
        do {
            try feed.follow { mutation, shard, time, session, lsn in
                auditor.record(mutation, shard: shard, time: time, session: session, lsn: lsn)
            }
        } catch {
            fail("the durable part of the log cannot be read: \(error)")
        }
        return feed.lsn
    }

    /// A line has left the service.
    func left(_ line: String, _ client: SimulatedClient, _ link: SimulatedClient.Link, durable: UInt64) {
        trace.note("left", line, client.index)
        if line.first == "+" {
            trace.count("answers")
            if let lsn = World.lsn(in: line) {
                if lsn > durable { fail("client \(client.index) was told `\(line)`, but the disk holds the log only up to LSN \(durable)") }
                acknowledged = max(acknowledged, lsn)
            }
        } else if line.first == "-" {
            trace.count("refusals")
        }
        auditor.received(line, client: client.index, connection: link.number, durable: durable)
    }

    /// The number of the last ` lsn=`.
    private static func lsn(in line: String) -> UInt64? {
        guard let field = line.split(separator: " ").last(where: { $0.hasPrefix("lsn=") }) else { return nil }
        return UInt64(field.dropFirst(4))
    }

    /// At a quiet moment: the shards as they are equal those that a replay of the durable log makes, and the books balance.
    func check() {
        if failure == nil, isQuiet { compare() }
    }

    /// Nothing may be under way.
    func compare() {
        guard let life else { return }
        follow()
        guard failure == nil else { return }
        let lsn = life.service.log.durableLSN
        if feed.lsn != lsn { return fail("the log says that LSN \(lsn) is durable, the disk holds it up to \(feed.lsn)") }
        trace.count("checks")
        // At a start what is due has not been done yet, and a moment after it the timers for that are not.
        let soon = clock.deadline + TimeAmount.milliseconds(2)
        noteRoom()
        // Without room nothing expires; when there is some again, each loop's next tick sees to what is due.
        let hasExpired = roomSince.map { clock.monotonic - $0 > 1_000_000 } ?? false
        let isAtRest = hasExpired && atWork.isEmpty && ghosts.isEmpty && life.service.isQuiet && life.loops.allSatisfy { $0.nextTimer.map { $0 > soon } ?? true }
        life.service.forEachShard { shard in
            let number = Int(shard.number)
            let twin = number < feed.shards.count ? feed.shards[number].address.pointee.stateHash() : Shard(number: shard.number).stateHash()
            trace.note("hash", "", number, Int(truncatingIfNeeded: twin))
            if shard.stateHash() != twin { fail("shard \(number) at LSN \(lsn) is not what a replay of the durable log comes to") }
            if let asset = shard.conservationFault() { fail("shard \(number) at LSN \(lsn): money of asset \(asset) is not conserved") }
            if !shard.reservesMatch() { fail("shard \(number) at LSN \(lsn): reserves do not match open orders") }
            if isAtRest { auditor.check(shard, at: lsn) }
        }
        if life.service.isQuiet { checkTransit() }
    }

    func noteRoom() {
        if life?.service.log.storage != .ok {
            roomSince = nil
        } else if roomSince == nil {
            roomSince = clock.monotonic
        }
    }

    /// Over all shards what went out and did not come in is in transit; where nothing is under way, nothing is.
    private func checkTransit() {
        var out: [Int128] = []
        life!.service.forEachShard { shard in
            for asset in shard.registry.assets.indices {
                while out.count <= asset { out.append(0) }
                out[asset] += shard.transferredNet(asset)
            }
        }
        if let asset = out.firstIndex(where: { $0 != 0 }) {
            fail("over all shards \(out[asset]) of asset \(asset) went out and never came in")
        }
    }

    /// After a start: nothing that the disk once held and nothing acknowledged is missing.
    func checkRecovered(_ report: RecoveryReport) {
        trace.note("recovered", "", Int(report.lastLSN), report.segments)
        if report.lastLSN < feed.lsn {
            fail("the disk held the log up to LSN \(feed.lsn), the start found it only up to \(report.lastLSN)")
        }
        if report.lastLSN < acknowledged {
            fail("LSN \(acknowledged) was acknowledged, the start found the log only up to \(report.lastLSN)")
        }
        if let warning = report.warnings.first(where: { $0.contains(".snap") }), !hasRottenSnapshot {
            fail("a snapshot that had its name is damaged: \(warning)")
        }
    }
}
