import Core
import NIOCore
import Server
import SimulatorModel

// What happens next.

extension World {
    func step() {
        let weights = swarm.weights
        noteRoom()
        trace.who = "world"
        switch random.weighted([
            weights.client, weights.network, weights.loop, weights.commitThread, weights.keeper, weights.follower, weights.time, weights.writeBack,
            weights.stall, weights.reset, weights.halfClose, weights.clockJump, weights.fullDisk, weights.noHandles, weights.crash, weights.restart,
            weights.check, weights.snapshots,
        ]) {
        case 0: visit(random.pick(clients))
        case 1: deliver(random.pick(clients))
        case 2: work(loop: random.next(below: life!.loops.count), all: false)
        case 3: _ = background(.committer)
        case 4: _ = background(.keeper)
        case 5: _ = background(.follower)
        case 6:
            if random.chance(0.1) { passToNextTimer() } else { clock.pass(micros: random.pick([10, 100, 1_000, 100_000, 2_000_000])) }
        case 7: disk.writeBack()
        case 8:
            let client = random.pick(clients)
            client.isStalled.toggle()
            trace.note(client.isStalled ? "stalls" : "reads again", "", client.index)
            if client.isStalled { trace.count("stalls") }
        case 9:
            layGhosts(all: false)
            reset(random.pick(clients))
        case 10:
            if let link = random.pick(clients).link, !link.hasHalfClosed {
                link.hasHalfClosed = true
                trace.note("half-close", "", link.number)
                trace.count("half-closes")
            }
        case 11: jumpClock()
        case 12:
            if disk.capacity == swarm.capacity {
                disk.capacity = disk.usedBytes + random.pick([0, 4_096, 40_000])
                trace.note("the disk is full")
                trace.count("full disks")
            } else {
                disk.capacity = swarm.capacity
                trace.note("the disk has room")
            }
        case 13:
            disk.isOutOfHandles.toggle()
            trace.note(disk.isOutOfHandles ? "no handles left" : "handles again")
        case 14:
            if disk.callsToLive == nil {
                if random.chance(0.3) {
                    disk.die()
                } else {
                    disk.callsToLive = random.next(below: swarm.crashCallsMax)
                    disk.livesOnReads = random.chance(0.7)
                }
            }
        case 15:
            stop()
            if failure == nil, life == nil {
                if random.chance(swarm.rot) { rot() } else { begin() }
            }
        case 16: check()
        default: background(.snapshotter)
        }
    }

    // MARK: Clients

    private func visit(_ client: SimulatedClient) {
        guard let link = client.link else { return connect(client) }
        if link.channel.hasClosed || link.hasHalfClosed || client.isStalled { return }
        if link.toService.count > 100_000 { return }
        for _ in 0..<random.next(in: 1...swarm.linesPerVisit) {
            guard let line = client.trader.nextLine(now: clock.wall) else { return }
            trace.note("sends", line, client.index)
            trace.count("lines")
            auditor.sent(line, client: client.index, connection: link.number)
            link.toService.append(contentsOf: line.utf8)
            link.toService.append(UInt8(ascii: "\n"))
        }
    }

    private func deliver(_ client: SimulatedClient) {
        guard let link = client.link else { return }
        if random.chance(0.5) {
            _ = moveToService(link, client, all: random.chance(0.3))
        } else {
            _ = moveToClient(link, client, all: random.chance(0.3))
        }
    }

    // MARK: Threads

    /// A loop's thread gets the processor: it goes on with its tasks, or, when it has none, looks at its sockets.
    func work(loop index: Int, all: Bool) {
        guard let life, !atWork.contains(.loop(index)), !disk.isDead else { return }
        let loop = life.loops[index]
        on(loop) {
            if !loop.hasDueTask {
                let readable = life.channels.filter { $0.loop === loop && $0.isReadable }
                for channel in readable where all || random.chance(0.7) {
                    channel.deliver(bytesMax: all ? 64 << 10 : swarm.readBytesMax)
                    if disk.isDead { return }
                }
            }
            var tasks = all ? Int.max : random.pick([1, 2, 5, 1_000])
            while tasks > 0, !disk.isDead, loop.runOne() { tasks -= 1 }
        }
        life.channels.removeAll { $0.hasClosed }
    }

    /// A background thread's. Returns whether it had something to do.
    @discardableResult
    func background(_ worker: Worker) -> Bool {
        guard let life, !atWork.contains(worker), !disk.isDead else { return false }
        let who = trace.who
        atWork.append(worker)
        defer {
            atWork.removeLast()
            trace.who = who
        }
        switch worker {
        case .committer:
            trace.who = "committer"
            return life.service.log.runCommitStep()
        case .keeper:
            trace.who = "keeper"
            return life.service.log.runKeeperStep()
        case .follower:
            trace.who = "follower"
            return life.service.followStep()
        case .snapshotter:
            trace.who = "snapshotter"
            // Segments may be removed, and the auditor wants to have seen them.
            follow()
            let before = life.service.snapshots.figures
            let hasTried = life.service.snapshotStep()
            let after = life.service.snapshots.figures
            if after.made > before.made {
                trace.note("snapshot", "", Int(after.lsn), Int(after.bytes))
                trace.count("snapshots")
            }
            if after.failed > before.failed {
                trace.note("no snapshot")
                trace.count("snapshots that failed")
                if disk.faultsOfLife == 0, !disk.isDead { fail("a snapshot cannot be made though nothing is wrong") }
            }
            return hasTried
        case .loop, .start: return false
        }
    }

    /// Somebody waits for the disk: others may get on.
    func interleave() {
        guard life != nil, swarm.interleaving > 0, atWork.count < 4, !atWork.contains(.follower), !atWork.contains(.start), !disk.isDead else { return }
        while random.chance(swarm.interleaving) {
            switch random.next(below: 8) {
            case 0: background(.committer)
            case 1: background(.keeper)
            case 2: background(.snapshotter)
            case 3: deliver(random.pick(clients))
            default: work(loop: random.next(below: life!.loops.count), all: false)
            }
            if disk.isDead { return }
        }
    }

    // MARK: Time

    func passToNextTimer() {
        guard let life else { return }
        guard let next = life.loops.compactMap(\.nextTimer).min() else { return clock.pass(micros: 1_000) }
        let micros = (Int(next.uptimeNanoseconds) / 1_000) - Int(clock.monotonic) + 1
        clock.pass(micros: max(1, micros))
    }

    private func jumpClock() {
        trace.count("clock jumps")
        switch random.next(below: 4) {
        case 0: clock.jump(micros: random.next(in: -3_600_000_000...3_600_000_000))
        case 1: clock.isStopped.toggle()
        case 2: clock.jump(micros: random.next(in: -2_000_000...2_000_000))
        default: clock.jump(micros: random.pick([-1, 1]) * 86_400_000_000 * random.next(in: 1...400))
        }
        trace.note("the wall clock jumps", "", Int(clock.wall))
    }
}
