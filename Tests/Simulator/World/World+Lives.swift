import Core
import Glibc
import NIOCore
import Server
import SimulatorModel
import WAL

// How a process begins and ends.

extension World {
    /// Starts the service, again and again until it runs: a start may be cut short or be refused for want of something, too.
    func begin() {
        var tries = 0
        while life == nil, failure == nil {
            tries += 1
            // Sooner or later the machine is well again.
            if tries > 6 {
                disk.isFaulty = false
                disk.isOutOfHandles = false
                disk.capacity = max(disk.capacity, disk.usedBytes + (4 << 20))
                disk.callsToLive = nil
            }
            if tries > 8 { return fail("the service does not start") }
            if tries > 1 || feed.lsn > 0, disk.isFaulty, random.chance(swarm.crashesAtStart) {
                disk.callsToLive = random.next(below: random.pick([5, 40, 200]))
            }
            start(acceptClock: tries > 2)
            if life == nil, failure == nil { disk.restart(powerCut: random.chance(swarm.powerCuts)) }
        }
        disk.callsToLive = nil
        disk.isFaulty = true
    }

    private func start(acceptClock: Bool) {
        trace.who = "start"
        trace.note("start")
        atWork = [.start]
        defer { atWork = [] }
        var options = swarm.log
        let salt = random.next() | 1
        options.randomSalt = { salt }
        options.onFatal = { [unowned self] error in
            trace.note("fatal", error.description)
            if disk.faultsOfLife == 0, !disk.isDead { fail("the log gave up though nothing was wrong: \(error)") }
            disk.die()
        }
        let clock = self.clock
        do {
            let service = try Service.assemble(
                config, acceptClock: acceptClock, clock: clock.source, disk: AnyDisk(disk), logOptions: options,
                group: { count in SimulatedGroup((0..<count).map { SimulatedLoop(index: $0, clock: clock) }) },
                beforeCommit: { [unowned self] in interleave() }, logger: World.quiet)
            if disk.isDead { return discard(service) }
            trace.count("starts")
            let loops = service.eventLoops.map { $0 as! SimulatedLoop }
            life = Life(service: service, loops: loops)
            checkRecovered(service.log.recovery)
            auditor.recovered(lastLSN: service.log.recovery.lastLSN)
            feed.beginAnew()
            follow()
            if failure == nil { compare() }
        } catch {
            trace.note("not started", "\(error)")
            if disk.isDead || disk.faultsOfLife > 0 { return }
            if let refusal = error as? StartFailure, refusal.exitCode == StartFailure.usage, !acceptClock, refusal.description.contains("clock") {
                trace.count("starts refused for the clock")
                return
            }
            if case LogError.noSpace = error { return }
            fail("the service does not start though nothing is wrong: \(error)")
        }
    }

    /// The process has ended in the middle of something.
    func crash() {
        trace.who = "world"
        trace.note("the process is gone")
        trace.count("crashes")
        leaveLife()
        let powerCut = random.chance(swarm.powerCuts)
        trace.count(powerCut ? "power cuts" : "kills")
        trace.note(powerCut ? "power cut" : "kill")
        disk.restart(powerCut: powerCut)
        if powerCut, random.chance(0.3) { clock.jump(micros: random.next(in: -50_000_000...50_000_000)) }
        clock.pass(micros: random.next(in: 0...5_000_000))
        begin()
    }

    /// A clean stop.
    func stop() {
        guard let life else { return }
        trace.who = "world"
        trace.note("stop")
        trace.count("clean stops")
        let service = life.service
        service.beginStop()
        for step in Service.stopSteps {
            for index in life.loops.indices {
                life.loops[index].execute { service.run(step, onLoop: index) }
            }
            let end = clock.monotonic + Timestamp(step.millisMax) * 1_000
            repeat {
                for index in life.loops.indices { work(loop: index, all: true) }
                _ = background(.committer)
                _ = background(.follower)
                _ = background(.snapshotter)
                for client in clients {
                    if let link = client.link {
                        _ = moveToClient(link, client, all: random.chance(0.5))
                        if random.chance(0.3) { _ = moveToService(link, client, all: true) }
                    }
                }
                if disk.isDead { return crash() }
                if life.loops.allSatisfy({ $0.isIdle }), life.loops.indices.allSatisfy({ service.isDone(step, onLoop: $0) }) { break }
                passToNextTimer()
            } while clock.monotonic < end
        }
        atWork = [.start]
        service.endStop()
        atWork = []
        if disk.isDead { return crash() }
        follow()
        self.life = nil
        dropLinks()
        for channel in life.channels { channel.discard() }
        for loop in life.loops { loop.close() }
        disk.restart(powerCut: random.chance(swarm.powerCuts))
    }

    /// The process is gone: its connections with it, nothing of it runs any more.
    func leaveLife() {
        guard let life else { return }
        self.life = nil
        atWork = []
        for loop in life.loops { loop.close() }
        dropLinks()
        for channel in life.channels { channel.discard() }
        life.service.abandon()
    }

    private func discard(_ service: Service) {
        for loop in service.eventLoops { (loop as! SimulatedLoop).close() }
        service.abandon()
    }

    private func dropLinks() {
        for client in clients {
            guard let link = client.link else { continue }
            // What was on its way may still come, or some of it.
            if random.chance(0.5) { _ = moveToClient(link, client, all: random.chance(0.5)) }
            disconnect(client)
        }
    }
}
