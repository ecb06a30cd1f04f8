import SimulatorModel
import WAL

/// What one run is like: which faults there are and how often, how much of everything. Each run draws its own, since a run with all faults at once
/// never comes far enough for most of them to matter (swarm testing: Groce and others, 2012).
struct Swarm {
    var loops: Int
    var wallets: Int
    var clients: Int
    var disk = DiskFaults()
    var capacity: Int
    var log = LogOptions()
    var linesPerVisit: Int
    var sendRoom: Int
    var highMark: Int
    var readBytesMax: Int
    var maxUnsentBytes: Int
    /// How often others get on while a disk call is under way.
    var interleaving: Double
    /// Of each thing that may happen next.
    var weights = Weights()
    /// Between disk calls in which a life ends.
    var crashCallsMax: Int
    /// Whether the next life's start may end in a disk call, too.
    var crashesAtStart: Double
    /// A power cut rather than a killed process.
    var powerCuts: Double
    var rot: Double
    /// Records between two snapshots; 0: none are made.
    var snapshotRecords: Int
    var keepsSegments: Bool

    struct Weights {
        var client = 400
        var network = 500
        var loop = 800
        var commitThread = 150
        var keeper = 60
        var follower = 60
        var snapshots = 20
        var time = 150
        var writeBack = 0
        var stall = 0
        var reset = 0
        var halfClose = 0
        var clockJump = 0
        var fullDisk = 0
        var noHandles = 0
        var crash = 0
        var restart = 0
        var check = 8
    }

    init(_ random: inout Randomness) {
        loops = random.next(in: 1...4)
        wallets = random.next(in: 1...5)
        clients = random.pick([1, 2, 3, 5, 8])
        capacity = random.pick([8 << 20, 64 << 20])
        linesPerVisit = random.pick([1, 3, 10, 40])
        sendRoom = random.pick([200, 4_000, 64_000, 1 << 20])
        highMark = random.pick([100, 2_000, 64_000, 512 << 10])
        readBytesMax = random.pick([7, 100, 2_000, 64 << 10])
        maxUnsentBytes = random.pick([20_000, 200_000, 8 << 20])
        interleaving = random.pick([0.0, 0.05, 0.3, 0.7])
        crashCallsMax = random.pick([3, 20, 100, 1_000])
        crashesAtStart = random.pick([0.0, 0.3, 0.7])
        powerCuts = random.pick([0.0, 0.5, 0.8, 1.0])
        rot = random.pick([0.0, 0.0, 0.3])
        snapshotRecords = random.pick([0, 20, 100, 400])
        keepsSegments = random.chance(0.5)

        log.segmentBytes = UInt64(random.pick([16 << 10, 20_000, 32 << 10, 64 << 10, 256 << 10]))
        log.spares = random.pick([0, 2, 3, 4])
        log.rawBytesMax = random.pick([0, 200, 1_024, 1 << 20])
        log.frameBytesMax = random.pick([200, 4_000, 64_000, 8 << 20])
        log.background = .stepped

        func some(_ value: Double) -> Double { random.chance(0.35) ? value * random.pick([0.1, 0.5, 1.0, 3.0]) : 0 }
        disk.hasDirect = random.chance(0.6)
        disk.namesInOrder = random.chance(0.5)
        disk.writeError = some(0.001)
        disk.syncError = some(0.002)
        disk.readError = some(0.0005)
        disk.noSpace = some(0.002)
        disk.noHandles = some(0.01)
        disk.nameError = some(0.003)
        disk.shortWrite = some(0.1)
        disk.shortRead = some(0.1)
        disk.slow = some(0.003)
        disk.syncMicrosMax = random.pick([50, 300, 5_000])

        func maybe(_ weight: Int) -> Int { random.chance(0.5) ? weight * random.pick([1, 1, 3]) : 0 }
        weights.writeBack = maybe(10)
        weights.stall = maybe(10)
        weights.reset = maybe(4)
        weights.halfClose = maybe(2)
        weights.clockJump = maybe(2)
        weights.fullDisk = maybe(2)
        weights.noHandles = maybe(2)
        weights.crash = maybe(3)
        weights.restart = maybe(1)
        weights.client = random.pick([100, 400, 1_000])
        weights.loop = random.pick([300, 800, 2_000])
        weights.keeper = random.pick([5, 60, 300])
        weights.commitThread = random.pick([20, 150, 600])
        weights.follower = random.pick([10, 60, 200])
        weights.snapshots = random.pick([2, 20, 100])
        weights.time = random.pick([30, 150])
    }

    var words: String {
        "loops \(loops), wallets \(wallets), clients \(clients), segments of \(log.segmentBytes), \(disk.hasDirect ? "direct writes" : "page cache"), "
            + "names \(disk.namesInOrder ? "in order" : "in any order"), power cuts \(powerCuts)"
    }
}
