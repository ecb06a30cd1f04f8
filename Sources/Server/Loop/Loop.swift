import Core
import NIOCore
import Synchronization
import WAL

/// One event loop's part of the service: its share of the connections and of the shards (shard s belongs to loop s % K), its own
/// registry to parse with, its open batch, its timers and its mailbox.
///
/// The loop works in *turns*. NIO delivers everything one `select` found; the first thing that arrives starts a turn (`enter`), which reads
/// the clock once and puts `endTurn` behind all that is still to be delivered. Commands are parsed, decided and applied at once (stages 2
/// to 5 of a request's path) and their records go to the open batch. `endTurn` seals and commits the batch (stage 6) and lets answers
/// leave (stage 7); see Loop+Turn.swift.
///
/// Owner: the thread of ``eventLoop``; everything here is touched by it alone, except the `let`s that are Sendable themselves
/// (``mailbox``, ``waitsForLog``). Before the service starts the starting thread owns it.
final class Loop: @unchecked Sendable {
    /// Records after which a turn takes no further commands; what was read waits for the next one.
    static let batchRecordsMax = 32_768
    /// From so many records on a turn's batch is left to the log thread, and the loop reads on while the disk works.
    static let overlapRecordsMin = 48
    /// From so many records on a turn ends before the next connection's input, so that the disk does not wait until all have been heard. Fewer
    /// would make more commits than the overlap is worth (docs/PERFORMANCE.md).
    static let earlyEndRecordsMin = 192
    /// GTD orders expired in one turn, so that a million at one instant do not stop the loop.
    static let expiriesPerTurnMax = 10_000
    /// Room for answers to begin with; memory for more than ``scratchBytesKept`` is given back.
    static let scratchBytes = 64 << 10
    static let scratchBytesKept = 1 << 20

    let index: Int
    let count: Int
    let eventLoop: any EventLoop
    unowned let service: Service
    let log: Log
    let clock: ServiceClock
    /// A connection with so many bytes of answers not yet sent is not read any further.
    let unsentBytesMax: Int
    /// Of refused commands; `nil`: none is kept.
    let audit: AuditTrail?

    // MARK: State of the market

    /// By wallet / K.
    @exclusivity(unchecked) private(set) var shards: [ShardBox] = []
    /// Where they are: a command finds its shard without counting references.
    private let shardAddresses: UnsafeMutablePointer<UnsafeMutablePointer<Shard>>
    @exclusivity(unchecked) var registry = Registry()

    // MARK: The turn

    @exclusivity(unchecked) var inTurn = false
    /// Of the turn, microseconds.
    @exclusivity(unchecked) var now: Timestamp = 0
    /// The disk's room when the turn began. The log counts what is written, so a turn does not change it by its own doing.
    @exclusivity(unchecked) var storage = StorageState.ok
    @exclusivity(unchecked) var batch: Batch
    let batches = BatchPool()
    @exclusivity(unchecked) var writer = RecordWriter()
    /// What the log was sealed to when the batch got its first record: LSNs told to clients are predicted from it.
    @exclusivity(unchecked) var predictedBase: UInt64 = 0
    /// The lines being taken: as many of one piece of input as are parsed before the first of them is decided.
    let lines = LineGroup()
    /// The line being taken, without its end; valid until it is.
    @exclusivity(unchecked) var line: UnsafeRawBufferPointer?
    /// Answers of one piece of input, before they go to the connection's output.
    @exclusivity(unchecked) var scratch = OutputBuffer(capacity: Loop.scratchBytes)
    /// Answers that are not to the line just read.
    @exclusivity(unchecked) var edgeText = OutputBuffer(capacity: 4 << 10)
    /// Connections that got output in this turn.
    @exclusivity(unchecked) var touched: [Connection] = []
    /// Connections with output that waits for the log.
    @exclusivity(unchecked) var waiting: [Connection] = []
    /// Connections with input left over from a turn that was full.
    @exclusivity(unchecked) var runnable: [Connection] = []
    @exclusivity(unchecked) var resumeIsScheduled = false
    /// To run `endTurn` without making a closure each time.
    @exclusivity(unchecked) var endTurnTask: @Sendable () -> Void = {}
    @exclusivity(unchecked) var endIsScheduled = false
    @exclusivity(unchecked) var releaseTask: @Sendable () -> Void = {}

    // MARK: What is measured

    let metrics = LoopMetrics()
    /// When the turn began, ``monotonicNanoseconds()``.
    @exclusivity(unchecked) var turnBegan: UInt64 = 0
    /// Where in ``metrics`` the line being taken counts.
    @exclusivity(unchecked) var row = LoopMetrics.unknownVerb

    // MARK: Other loops

    let mailbox = Mailbox()
    /// Set while output waits for an LSN that another thread will make durable.
    let waitsForLog = Atomic<Bool>(false)
    /// In this loop's shards; of the last tick.
    let openOrders = Atomic<Int>(0)
    @exclusivity(unchecked) var outbox: [Parcel] = []
    /// Answers to other loops' commands, to be written when the batch has its LSNs.
    @exclusivity(unchecked) var remoteAnswers: [RemoteAnswer] = []
    /// Credits of this turn, to be told when the batch has its LSNs.
    @exclusivity(unchecked) var credits: [Credit] = []
    /// Parcels from loops whose registry is ahead of this one's.
    @exclusivity(unchecked) var deferred: [Parcel] = []

    // MARK: Obligations and requests under way

    @exclusivity(unchecked) var transferWaiters: [TransferKey: [TransferWaiter]] = [:]
    /// Highest credit known and the LSN of its record, until it is settled.
    @exclusivity(unchecked) var credited: [TransferChannel: (sequence: Int64, lsn: UInt64)] = [:]
    @exclusivity(unchecked) var settleIsScheduled = false
    @exclusivity(unchecked) var gatherings: [UInt64: Gathering] = [:]
    @exclusivity(unchecked) var lastGathering: UInt64 = 0
    /// Loop 0: entries of the registry that not all loops have recorded.
    @exclusivity(unchecked) var definitions: [Int64: DefinitionUnderWay] = [:]
    /// Loop 0: requests for all accounts whose entries not all loops have recorded.
    @exclusivity(unchecked) var houses: [UInt64: HouseUnderWay] = [:]
    @exclusivity(unchecked) var lastHouse: UInt64 = 0

    // MARK: Connections

    @exclusivity(unchecked) var connections: [Connection?] = []
    @exclusivity(unchecked) var generations: [UInt32] = []
    @exclusivity(unchecked) var freeSlots: [UInt32] = []
    @exclusivity(unchecked) var connectionCount = 0
    /// Sessions that have ended in this turn.
    @exclusivity(unchecked) var endedSessions: [UInt64] = []
    @exclusivity(unchecked) var isDraining = false
    @exclusivity(unchecked) var scheduledExpiry = Timestamp.max
    @exclusivity(unchecked) var expiryTimer: Scheduled<Void>?
    @exclusivity(unchecked) var ticker: RepeatedTask?
    /// Loop 0: the minute in which the day's begin was looked at last.
    @exclusivity(unchecked) var dayStartMinute: Int64 = 0

    init(index: Int, count: Int, eventLoop: any EventLoop, service: Service, log: Log) {
        self.index = index
        self.count = count
        self.eventLoop = eventLoop
        self.service = service
        self.log = log
        clock = service.clock
        unsentBytesMax = service.maxUnsentBytes
        audit = service.audit
        batch = Batch()
        shardAddresses = .allocate(capacity: Registry.walletsMax)
        outbox = (0..<count).map { _ in Parcel(from: index) }
        endTurnTask = { [unowned self] in
            self.endIsScheduled = false
            if self.inTurn { self.endTurn() }
        }
        releaseTask = { [unowned self] in self.releaseFromLog() }
    }

    func hosts(_ wallet: WalletID) -> Bool { Int(wallet) % count == index }
    static func index(of wallet: WalletID, count: Int) -> Int { Int(wallet) % count }

    func box(_ wallet: WalletID) -> ShardBox {
        let position = Int(wallet) / count
        invariant(hosts(wallet) && position < shards.count, "a message for a shard that is not here")
        return shards[position]
    }

    /// The shard of a wallet of this loop, for the hot path.
    @inline(__always)
    func shard(_ wallet: WalletID) -> UnsafeMutablePointer<Shard> {
        let position = Int(wallet) / count
        invariant(hosts(wallet) && position < shards.count, "a message for a shard that is not here")
        return shardAddresses[position]
    }

    func add(_ box: ShardBox) {
        shardAddresses[shards.count] = box.address
        shards.append(box)
    }

    deinit { shardAddresses.deallocate() }

    // MARK: Records

    /// Appends a mutation of `shard` to the open batch.
    @inline(__always)
    func record(_ mutation: borrowing Mutation, shard: WalletID, session: UInt64) {
        if batch.recordCount == 0 { predictedBase = log.sealedLSN }
        writer.append(mutation, shard: shard, time: now, session: session, to: batch)
    }

    @inline(__always)
    func record(_ accepted: borrowing OrderAccepted, shard: WalletID, session: UInt64) {
        if batch.recordCount == 0 { predictedBase = log.sealedLSN }
        writer.append(accepted, shard: shard, time: now, session: session, to: batch)
    }

    @inline(__always)
    func record(_ canceled: borrowing OrderCanceled, shard: WalletID, session: UInt64) {
        if batch.recordCount == 0 { predictedBase = log.sealedLSN }
        writer.append(canceled, shard: shard, time: now, session: session, to: batch)
    }

    @inline(__always)
    func record(_ replaced: borrowing OrderReplaced, shard: WalletID, session: UInt64) {
        if batch.recordCount == 0 { predictedBase = log.sealedLSN }
        writer.append(replaced, shard: shard, time: now, session: session, to: batch)
    }

    @inline(__always)
    func record(_ filled: borrowing Filled, shard: WalletID, session: UInt64) {
        if batch.recordCount == 0 { predictedBase = log.sealedLSN }
        writer.append(filled, shard: shard, time: now, session: session, to: batch)
    }

    /// The LSN of the record appended last; exact with one loop, otherwise a guess that the turn's end corrects.
    var lastLSN: UInt64 { predictedBase + UInt64(batch.recordCount) }

    // MARK: Connections

    func add(_ connection: Connection) -> ConnectionID {
        connectionCount += 1
        if let slot = freeSlots.popLast() {
            connections[Int(slot)] = connection
            return ConnectionID(slot: slot, generation: generations[Int(slot)])
        }
        connections.append(connection)
        generations.append(0)
        return ConnectionID(slot: UInt32(connections.count - 1), generation: 0)
    }

    func remove(_ id: ConnectionID) {
        connectionCount -= 1
        connections[Int(id.slot)] = nil
        generations[Int(id.slot)] &+= 1
        freeSlots.append(id.slot)
    }

    func connection(_ id: ConnectionID) -> Connection? {
        generations[Int(id.slot)] == id.generation ? connections[Int(id.slot)] : nil
    }
}
