import CLoad
import Core
import Foundation

/// One population and its measurements.
struct CoreRun: ~Copyable {
    /// Commands whose memory is asked for before the first of them is decided.
    static let group = 16

    private var world: CoreWorld
    private var turn = Turn()
    let bytesPerOrder: Double

    init(_ shape: CoreWorld.Shape) {
        var bare = shape
        bare.openOrders = 0
        let without = CoreRun.heapBytes(of: bare)
        let before = Int(cload_heap_bytes())
        world = CoreWorld(shape)
        let notes = world.open.capacity * MemoryLayout<CoreWorld.Open>.stride
        bytesPerOrder = Double(Int(cload_heap_bytes()) - before - notes - without) / Double(max(1, shape.openOrders))
    }

    private static func heapBytes(of shape: CoreWorld.Shape) -> Int {
        let before = Int(cload_heap_bytes())
        let world = CoreWorld(shape)
        return world.open.isEmpty ? Int(cload_heap_bytes()) - before : 0
    }

    /// Nanoseconds per operation. The clock runs only while commands are executed: they are made a turn's worth at a time, so that they lie in
    /// the processor's caches as a parser leaves them.
    mutating func measure(_ mix: CoreBench.Mix, operations: Int) -> Double {
        var taken: Int64 = 0
        var done = 0
        while done < operations {
            turn.removeAll()
            for index in done..<min(done + Turn.capacity, operations) { make(mix, index) }
            done += turn.count
            let start = CoreRun.processorNanoseconds
            execute()
            taken += CoreRun.processorNanoseconds - start
        }
        restore()
        return Double(taken) / Double(operations)
    }

    /// What this thread has run for. It waits for nothing, so on a quiet machine this is the time that passes; on a shared one it leaves out
    /// what others took.
    private static var processorNanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Executes the turn's commands, each group's memory asked for ahead.
    private mutating func execute() {
        var ahead = InlineArray<16, Shard.Ahead>(repeating: Shard.Ahead())
        var begin = 0
        while begin < turn.count {
            let end = min(begin + CoreRun.group, turn.count)
            for index in begin..<end { ahead[index - begin] = turn.ahead(of: index, world.shard) }
            for _ in 0..<2 {
                for place in 0..<end - begin { world.shard.prefetch(&ahead[place]) }
            }
            for index in begin..<end {
                world.tick()
                if turn.execute(index, &world.shard, world.now) { fatalError("a command of the bench was refused") }
            }
            begin = end
        }
    }

    private mutating func make(_ mix: CoreBench.Mix, _ index: Int) {
        switch mix {
        case .new: turn.append(world.newOrder())
        case .cancel: cancel()
        case .newCancel: if index % 2 == 0 { turn.append(world.newOrder()) } else { cancel() }
        case .replace: replace()
        case .fill: fill(index)
        case .mixed:
            switch world.draw(below: 10) {
            case 0..<4: turn.append(world.newOrder())
            case 4..<7: cancel()
            case 7..<9: replace()
            default: fill(index)
            }
        }
    }

    private mutating func cancel() {
        if world.open.isEmpty { return turn.append(world.newOrder()) }
        let order = world.takeOpen()
        turn.append(Cancel(account: order.account, instrument: order.instrument, order: .client(order.id)))
    }

    private mutating func replace() {
        let index = world.anyOpen()
        let price = 10_000_000 + Price(world.draw(below: 101)) * 100
        world.change(index) {
            $0.quantity += 1
            $0.price = price
        }
        let order = world.open[index]
        turn.append(
            Replace(
                account: order.account, instrument: order.instrument, order: .client(order.id), quantity: order.quantity, price: price))
    }

    /// One lot of an order that has more.
    private mutating func fill(_ index: Int) {
        let place = world.anyOpen()
        let order = world.open[place]
        if order.quantity - order.filled < 2 { return replace() }
        world.change(place) { $0.filled += 1 }
        turn.append(
            Fill(
                account: order.account, instrument: order.instrument, order: .client(order.id), quantity: 1, price: order.price,
                exec: Text("x\(order.filled + 1)"), fee: 0, feeAsset: 0))
    }

    /// The population as it was: cancels what is too much, adds what lacks.
    private mutating func restore() {
        while world.open.count != world.shape.openOrders {
            turn.removeAll()
            if world.open.count > world.shape.openOrders { cancel() } else { turn.append(world.newOrder()) }
            execute()
        }
    }
}

/// Commands as a turn has them after parsing: each where it lies, with others of its kind.
private struct Turn: ~Copyable {
    static let capacity = 512
    private enum Kind { case new, cancel, replace, fill }

    private var kinds: [Kind] = []
    private let orders = UnsafeMutablePointer<NewOrder>.allocate(capacity: capacity)
    private let cancels = UnsafeMutablePointer<Cancel>.allocate(capacity: capacity)
    private let replaces = UnsafeMutablePointer<Replace>.allocate(capacity: capacity)
    private let fills = UnsafeMutablePointer<Fill>.allocate(capacity: capacity)

    deinit {
        orders.deallocate()
        cancels.deallocate()
        replaces.deallocate()
        fills.deallocate()
    }

    var count: Int { kinds.count }

    mutating func removeAll() { kinds.removeAll(keepingCapacity: true) }

    mutating func append(_ order: NewOrder) { append(.new, order, orders) }
    mutating func append(_ cancel: Cancel) { append(.cancel, cancel, cancels) }
    mutating func append(_ replace: Replace) { append(.replace, replace, replaces) }
    mutating func append(_ fill: Fill) { append(.fill, fill, fills) }

    private mutating func append<T>(_ kind: Kind, _ command: T, _ all: UnsafeMutablePointer<T>) {
        (all + count).initialize(to: command)
        kinds.append(kind)
    }

    @inline(__always)
    func ahead(of index: Int, _ shard: borrowing Shard) -> Shard.Ahead {
        switch kinds[index] {
        case .new: shard.ahead(of: orders[index])
        case .cancel: shard.ahead(of: cancels[index])
        case .replace: shard.ahead(of: replaces[index])
        case .fill: shard.ahead(of: fills[index])
        }
    }

    /// Was it refused?
    @inline(__always)
    func execute(_ index: Int, _ shard: inout Shard, _ now: Timestamp) -> Bool {
        let outcome =
            switch kinds[index] {
            case .new: shard.execute(orders[index], now: now) { _ in }
            case .cancel: shard.execute(cancels[index], now: now) { _ in }
            case .replace: shard.execute(replaces[index], now: now) { _ in }
            case .fill: shard.execute(fills[index], now: now) { _ in }
            }
        if case .rejected = outcome { return true }
        return false
    }
}
