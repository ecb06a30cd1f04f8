import CLoad
import Core
import Foundation

/// One population and its measurements.
struct CoreRun: ~Copyable {
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
            let start = threadNanoseconds()
            world.execute(turn)
            taken += threadNanoseconds() - start
        }
        restore()
        return Double(taken) / Double(operations)
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
            world.execute(turn)
        }
    }
}
