import CLoad
import Core
import Foundation

/// One population and its measurements.
struct CoreRun: ~Copyable {
    /// Commands whose memory is asked for before the first of them is decided.
    static let group = 16

    private var world: CoreWorld
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

    /// Nanoseconds per operation.
    mutating func measure(_ mix: CoreBench.Mix, operations: Int) -> Double {
        // In memory that is not copied to be read, like the lines a server has parsed.
        let commands = UnsafeMutablePointer<PreparedCommand>.allocate(capacity: operations)
        for index in 0..<operations { (commands + index).initialize(to: command(mix, index)) }
        defer { commands.deallocate() }
        let clock = ContinuousClock()
        let start = clock.now
        var done = 0
        while done < operations {
            let end = min(done + CoreRun.group, operations)
            for step in 0..<Shard.prefetchSteps {
                for index in done..<end { commands[index].prefetch(world.shard, step) }
            }
            for index in done..<end {
                world.tick()
                invariantDone(commands[index].execute(&world.shard, world.now))
            }
            done = end
        }
        let taken = (clock.now - start) / .nanoseconds(1)
        restore()
        return taken / Double(operations)
    }

    private mutating func command(_ mix: CoreBench.Mix, _ index: Int) -> PreparedCommand {
        switch mix {
        case .new: return PreparedCommand(world.newOrder())
        case .cancel: return cancel()
        case .newCancel: return index % 2 == 0 ? PreparedCommand(world.newOrder()) : cancel()
        case .replace: return replace()
        case .fill: return fill(index)
        case .mixed:
            switch world.draw(below: 10) {
            case 0..<4: return PreparedCommand(world.newOrder())
            case 4..<7: return cancel()
            case 7..<9: return replace()
            default: return fill(index)
            }
        }
    }

    private mutating func cancel() -> PreparedCommand {
        if world.open.isEmpty { return PreparedCommand(world.newOrder()) }
        let order = world.takeOpen()
        return PreparedCommand(Cancel(account: order.account, instrument: order.instrument, order: .client(order.id)))
    }

    private mutating func replace() -> PreparedCommand {
        let index = world.anyOpen()
        let price = 10_000_000 + Price(world.draw(below: 101)) * 100
        world.change(index) {
            $0.quantity += 1
            $0.price = price
        }
        let order = world.open[index]
        return PreparedCommand(
            Replace(
                account: order.account, instrument: order.instrument, order: .client(order.id), quantity: order.quantity, price: price))
    }

    /// One lot of an order that has more.
    private mutating func fill(_ index: Int) -> PreparedCommand {
        let place = world.anyOpen()
        let order = world.open[place]
        if order.quantity - order.filled < 2 { return replace() }
        world.change(place) { $0.filled += 1 }
        return PreparedCommand(
            Fill(
                account: order.account, instrument: order.instrument, order: .client(order.id), quantity: 1, price: order.price,
                exec: Text("x\(order.filled + 1)"), fee: 0, feeAsset: 0))
    }

    /// The population as it was: cancels what is too much, adds what lacks.
    private mutating func restore() {
        while world.open.count > world.shape.openOrders {
            world.tick()
            invariantDone(cancel().execute(&world.shard, world.now))
        }
        while world.open.count < world.shape.openOrders {
            let order = world.newOrder()
            world.tick()
            invariantDone(world.shard.execute(order, now: world.now) { _ in })
        }
    }
}

/// A command as the server has it after parsing: one of the frequent ones, in place.
struct PreparedCommand: BitwiseCopyable {
    private enum Kind: UInt8, BitwiseCopyable { case new, cancel, replace, fill }
    private let kind: Kind
    private var order = NewOrder(
        account: 0, instrument: 0, side: .buy, type: .limit, timeInForce: .gtc, quantity: 0, price: 0, clientID: Text())
    private var cancel = Cancel(account: 0, instrument: 0, order: .order(0))
    private var replace = Replace(account: 0, instrument: 0, order: .order(0), quantity: 0, price: 0)
    private var fill = Fill(account: 0, instrument: 0, order: .order(0), quantity: 0, price: 0, exec: Text(), fee: 0, feeAsset: 0)

    init(_ order: NewOrder) {
        kind = .new
        self.order = order
    }
    init(_ cancel: Cancel) {
        kind = .cancel
        self.cancel = cancel
    }
    init(_ replace: Replace) {
        kind = .replace
        self.replace = replace
    }
    init(_ fill: Fill) {
        kind = .fill
        self.fill = fill
    }

    @inline(__always)
    borrowing func prefetch(_ shard: borrowing Shard, _ step: Int) {
        switch kind {
        case .new: shard.prefetch(order, step: step)
        case .cancel: shard.prefetch(cancel, step: step)
        case .replace: shard.prefetch(replace, step: step)
        case .fill: shard.prefetch(fill, step: step)
        }
    }

    @inline(__always)
    borrowing func execute(_ shard: inout Shard, _ now: Timestamp) -> Outcome {
        switch kind {
        case .new: shard.execute(order, now: now) { _ in }
        case .cancel: shard.execute(cancel, now: now) { _ in }
        case .replace: shard.execute(replace, now: now) { _ in }
        case .fill: shard.execute(fill, now: now) { _ in }
        }
    }
}
