// What an id stands for: a hash of the content first given, by value. The tag, `before=` and the session do not count, so
// that a retry from another connection is a repeat. The functions are part of the log's format: evolve computes some of them again.

private struct Hasher {
    var value: UInt64
    init(kind: UInt64) { value = mix(kind) }
    mutating func add(_ part: UInt64) { value = mix(value ^ part) }
    mutating func add(_ part: Int64) { add(UInt64(bitPattern: part)) }
    mutating func add(_ part: Int128) {
        add(UInt64(truncatingIfNeeded: part))
        add(UInt64(truncatingIfNeeded: part >> 64))
    }
    mutating func add(_ part: Text) { add(part.hash) }
}

extension Shard {
    func contentHash(_ order: NewOrder) -> UInt64 {
        var hash = Hasher(kind: 1)
        hash.add(
            UInt64(UInt32(bitPattern: order.instrument)) << 32 | UInt64(order.side.rawValue) << 16
                | UInt64(order.type.rawValue) << 8 | UInt64(order.timeInForce.rawValue))
        hash.add(order.quantity)
        hash.add(order.price)
        if order.expire != 0 { hash.add(order.expire) }
        if order.max != 0 { hash.add(order.max) }
        if !order.strategy.isEmpty { hash.add(order.strategy) }
        if !order.note.isEmpty { hash.add(mix(order.note.hash)) }
        return hash.value
    }

    func contentHash(_ close: ClosePosition) -> UInt64 {
        var hash = Hasher(kind: 2)
        hash.add(Int64(close.instrument))
        hash.add(close.quantity)
        hash.add(close.price)
        hash.add(close.max)
        hash.add(close.strategy)
        hash.add(mix(close.note.hash))
        return hash.value
    }

    func contentHash(_ money: Money) -> UInt64 {
        var hash = Hasher(kind: 3)
        hash.add(UInt64(money.kind.rawValue))
        hash.add(Int64(money.asset))
        hash.add(money.amount)
        hash.add(money.note)
        return hash.value
    }

    func contentHash(_ transfer: Transfer) -> UInt64 {
        var hash = Hasher(kind: 4)
        hash.add(transfer.toAccount)
        hash.add(Int64(transfer.toWallet))
        hash.add(Int64(transfer.asset))
        hash.add(transfer.amount)
        hash.add(transfer.note)
        return hash.value
    }
}
