import Core

/// A book beside the one that makes its commands, and what they cost there.
struct MatchRun: ~Copyable {
    enum Operation: String, CaseIterable {
        /// exchange-core's published mix.
        case exchange
        case move, add, cancel
        /// One after the other, so that a small book stays as it is.
        case addCancel = "add-cancel"
        case reduce
        /// An IOC order that trades with all of the best level's orders, one or ten.
        case matchOne = "match-1"
        case matchTen = "match-10"

        var title: String {
            switch self {
            case .exchange: "exchange-core's mix"
            case .move: "move to another price"
            case .add: "add an order"
            case .cancel: "cancel any"
            case .addCancel: "add, cancel"
            case .reduce: "reduce any in place"
            case .matchOne: "match of one maker"
            case .matchTen: "match of ten makers"
            }
        }

        fileprivate var makers: Int { self == .matchTen ? 10 : 1 }
        fileprivate var isMatch: Bool { self == .matchOne || self == .matchTen }
    }

    /// Levels laid in front of the book for takers.
    private static let levels = 64
    /// Made at once while the clock stands: so many that the book they are made on does not keep the measured one out of the caches.
    private static let batch = 8_192

    private var world: MatchWorld
    private var shard: Shard
    private var turn = Turn()
    private var commands: [Command] = []
    private var now: Timestamp

    init(resting: Int, lots: Int = 100) {
        world = MatchWorld(resting: resting, lots: lots, gap: MatchRun.levels)
        now = world.now
        shard = MatchWorld.market(now: now)
        restore()
    }

    /// Whether the book is, level by level, the one that the commands were made on.
    var isInStep: Bool { world.isSame(shard) }

    /// Nanoseconds of processor time per command.
    mutating func measure(_ operation: Operation, operations: Int) -> Double {
        var taken: Int64 = 0
        var done = 0
        while done < operations {
            make(operation, operations - done)
            done += commands.count
            taken += run()
            restore()
        }
        return Double(taken) / Double(done)
    }

    /// Nanoseconds that each of so many commands of the mix takes by itself, with nothing asked for ahead. Real time: what an interruption adds is in it.
    mutating func latencies(_ operations: Int) -> [Int64] {
        var all: [Int64] = []
        all.reserveCapacity(operations + MatchRun.batch)
        while all.count < operations {
            make(.exchange, operations - all.count)
            forEachTurn { turn, shard, now in
                for index in 0..<turn.count {
                    now += 1
                    let start = realNanoseconds()
                    turn.executeAlone(index, &shard, now)
                    all.append(realNanoseconds() - start)
                }
            }
        }
        return all
    }

    // MARK: Commands

    private mutating func make(_ operation: Operation, _ most: Int) {
        let count: Int
        switch operation {
        case .exchange, .move, .addCancel, .reduce: count = min(most, MatchRun.batch)
        case .add, .cancel: count = min(most, Turn.capacity, max(1, world.target / 2))
        case .matchOne, .matchTen: count = min(most, MatchRun.levels)
        }
        commands.removeAll(keepingCapacity: true)
        let side: Side = now & 1 == 0 ? .buy : .sell
        if operation.isMatch {
            for place in 1...count {
                for _ in 0..<operation.makers { commands.append(world.makerInFront(side == .buy ? .sell : .buy, place: place)) }
            }
            _ = run()
        }
        for index in 0..<count {
            switch operation {
            case .exchange: commands.append(world.next())
            case .move: commands.append(world.move(crossing: false))
            case .add: commands.append(world.rest())
            case .cancel: commands.append(world.cancel())
            case .addCancel: commands.append(index % 2 == 0 ? world.rest() : world.cancel())
            case .reduce: commands.append(world.reduce())
            case .matchOne, .matchTen: commands.append(world.takerOfLevel(side, place: index + 1, makers: operation.makers))
            }
        }
    }

    /// Executes what was made; nanoseconds of processor time.
    private mutating func run() -> Int64 {
        var taken: Int64 = 0
        forEachTurn { turn, shard, now in
            let start = threadNanoseconds()
            turn.execute(&shard, &now)
            taken += threadNanoseconds() - start
        }
        commands.removeAll(keepingCapacity: true)
        return taken
    }

    /// The commands a turn at a time, just moved there, so that they lie in the processor's caches as a parser leaves them.
    private mutating func forEachTurn(_ body: (borrowing Turn, inout Shard, inout Timestamp) -> Void) {
        var begin = 0
        while begin < commands.count {
            turn.removeAll()
            for index in begin..<min(begin + Turn.capacity, commands.count) { turn.append(commands[index]) }
            body(turn, &shard, &now)
            begin += turn.count
        }
    }

    /// As many orders as should rest.
    private mutating func restore() {
        while world.restingCount != world.target {
            while world.restingCount < world.target, commands.count < MatchRun.batch { commands.append(world.rest()) }
            while world.restingCount > world.target, commands.count < MatchRun.batch { commands.append(world.cancel()) }
            _ = run()
        }
    }

    var levelCount: Int { world.levelCount }
}
