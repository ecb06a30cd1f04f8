import Core
import Logging
import NIOCore
import Server
import SimulatorModel
import WAL

/// The real service, its log and its sessions, in one thread, over a simulated disk, network and clock. One seed makes everything that happens.
///
/// The world picks what happens next: a client writes, bytes arrive, a loop works, a background thread's step is done, time passes, the power goes.
/// Threads meet where it matters: within a disk call that would block, others may get on, as they would on another core.
final class World: @unchecked Sendable {
    static let directory = "/var/lib/cashup"

    let seed: UInt64
    let swarm: Swarm
    let trace: Trace
    let clock: SimulatedClock
    let disk: SimulatedDisk
    let universe: Universe
    let auditor: Auditor
    let feed: LogFeed
    var random: Randomness
    var clients: [SimulatedClient] = []
    /// The running process; `nil` between two of them.
    var life: Life?
    /// Since when the log has had room, as last looked; `nil`: it has none.
    var roomSince: Timestamp?
    var lastConnection = 0
    /// Connections whose client has gone, which the service does not know.
    var ghosts: [SimulatedChannel] = []
    /// The first thing found wrong.
    private(set) var failure: String?
    /// Highest LSN that any `+` line told.
    var acknowledged: UInt64 = 0
    var steps = 0
    /// A bit of a snapshot is turned over.
    var hasRottenSnapshot = false
    /// Who is at work, outermost first: nobody works twice at once.
    var atWork: [Worker] = []

    enum Worker: Equatable { case loop(Int), committer, keeper, follower, snapshotter, start }

    /// One process.
    final class Life {
        let service: Service
        let loops: [SimulatedLoop]
        var channels: [SimulatedChannel] = []

        init(service: Service, loops: [SimulatedLoop]) {
            self.service = service
            self.loops = loops
        }
    }

    init(seed: UInt64, isLoud: Bool) {
        self.seed = seed
        trace = Trace(isLoud: isLoud)
        random = Randomness(seed: seed)
        var draw = random.split()
        swarm = Swarm(&draw)
        clock = SimulatedClock(trace: trace)
        disk = SimulatedDisk(swarm.disk, capacity: swarm.capacity, random: random.split(), trace: trace, clock: clock)
        var wallets = random.split()
        universe = Universe(random: &wallets, wallets: swarm.wallets)
        auditor = Auditor(universe: universe)
        feed = LogFeed(disk, directory: World.directory)
        for index in 0..<swarm.clients {
            let kind: Trader.Kind = random.pick([.valid, .valid, .valid, .careless, .hostile])
            clients.append(SimulatedClient(index: index, trader: Trader(id: index, kind: kind, universe: universe, random: random.split())))
        }
        disk.whileWorking = { [unowned self] in interleave() }
    }

    func fail(_ text: String) {
        guard failure == nil else { return }
        failure = text
        trace.note("FAILURE", text)
    }

    var config: Configuration {
        var config = Configuration()
        config.data = World.directory
        config.loops = swarm.loops
        config.auth = .off
        config.audit = .off
        config.history = false
        config.http = nil
        config.maxUnsentBytes = swarm.maxUnsentBytes
        config.snapshots.records = UInt64(swarm.snapshotRecords)
        config.snapshots.bytes = 0
        config.snapshots.seconds = swarm.snapshotRecords > 0 ? 60 : 0
        config.keepsSegments = swarm.keepsSegments
        config.seed = universe.seedLines
        config.seedSource = "the universe"
        return config
    }

    static let quiet: Logger = {
        var logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        return logger
    }()

    // MARK: A run

    /// Returns what went wrong, or `nil`.
    func run(steps stepsMax: Int) -> String? {
        begin()
        while steps < stepsMax, failure == nil {
            steps += 1
            step()
            if disk.isDead { crash() }
            if failure == nil, let found = auditor.failure { fail(found) }
        }
        if failure == nil { finish() }
        if failure == nil, let found = auditor.failure { fail(found) }
        end()
        return failure
    }

    /// Everything gets well again, all is answered, the service stops cleanly and starts once more: nothing may be missing.
    private func finish() {
        trace.note("the last quiet")
        disk.isFaulty = false
        disk.callsToLive = nil
        disk.capacity = .max
        clock.isStopped = false
        settle()
        guard failure == nil else { return }
        check()
        stop()
        if disk.isDead { return fail("the service died in a clean stop though nothing was wrong") }
        begin()
        settle()
        check()
    }

    /// Lets go of the process, so that nothing of it stays in memory.
    private func end() {
        disk.die()
        leaveLife()
    }

    /// Runs until nothing is under way.
    private func settle() {
        layGhosts(all: true)
        var rounds = 0
        while failure == nil {
            var isBusy = false
            for client in clients {
                client.isStalled = false
                if let link = client.link, moveToService(link, client, all: true) || moveToClient(link, client, all: true) { isBusy = true }
            }
            for index in life!.loops.indices {
                if life!.loops[index].hasDueTask || life!.channels.contains(where: { $0.loop === life!.loops[index] && $0.isReadable }) {
                    isBusy = true
                    work(loop: index, all: true)
                }
            }
            if background(.committer) { isBusy = true }
            _ = background(.keeper)
            if background(.follower) { isBusy = true }
            if background(.snapshotter) { isBusy = true }
            if disk.isDead { return crash() }
            if !isBusy {
                if isQuiet, life!.service.isQuiet { return }
                passToNextTimer()
            }
            rounds += 1
            if rounds > 20_000 { return fail("the service does not come to rest: \(restlessness)") }
        }
    }

    private var restlessness: String {
        "sealed \(life!.service.log.sealedLSN), durable \(life!.service.log.durableLSN), quiet \(life!.service.isQuiet), \(life!.loops.map { $0.isIdle })"
    }

    /// All loops have ended their turns and all of it is durable.
    var isQuiet: Bool {
        guard let life else { return false }
        return life.loops.allSatisfy { $0.isIdle && !$0.hasDueTask } && life.service.log.durableLSN == life.service.log.sealedLSN
    }
}
