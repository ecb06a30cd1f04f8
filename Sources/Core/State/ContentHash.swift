// What an id stands for: a hash of the content first given, by value. The tag, `before=` and the session do not count, so
// that a retry from another connection is a repeat. The functions are part of the log's format: evolve computes some of them again.

fileprivate struct Hasher {
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

/// Of a NEW: the same for the command and for the mutation it came to.
@inline(__always)
private func newOrderHash(
    _ instrument: InstrumentID, _ side: Side, _ type: OrderType, _ timeInForce: TimeInForce, _ quantity: Quantity, _ price: Price,
    _ expire: Timestamp, _ max: Amount, _ strategy: Text, _ note: Text, _ instructions: Instructions
) -> UInt64 {
    var hash = Hasher(kind: 1)
    hash.add(
        UInt64(UInt32(bitPattern: instrument)) << 32 | UInt64(side.rawValue) << 16 | UInt64(type.rawValue) << 8
            | UInt64(timeInForce.rawValue))
    hash.add(quantity)
    hash.add(price)
    if expire != 0 { hash.add(expire) }
    if max != 0 { hash.add(max) }
    if !strategy.isEmpty { hash.add(strategy) }
    if !note.isEmpty { hash.add(mix(note.hash)) }
    if !instructions.isPlain { hash.add(instructions) }
    return hash.value
}

extension Hasher {
    fileprivate mutating func add(_ it: Instructions) {
        add(it.stop)
        add(it.display)
        var word = UInt64(it.trigger.rawValue) << 32 | UInt64(it.triggerPrice.rawValue) << 24 | UInt64(it.selfTrade.rawValue) << 16
        if it.postOnly { word |= 1 << 8 }
        if it.reduceOnly { word |= 1 }
        add(word | 1 << 40)
    }
}

extension NewOrder {
    var contentHash: UInt64 {
        let hash = newOrderHash(instrument, side, type, timeInForce, quantity, price, expire, max, strategy, note, instructions)
        return oco.isEmpty ? hash : mix(hash ^ mix(oco.hash ^ 6))
    }
}

extension OrderAccepted {
    /// The hash that a NEW with this content has; an order that CLS made has another, and so has one that names another leg.
    public var contentHashOfNew: UInt64 {
        newOrderHash(instrument, side, type, timeInForce, quantity, price, expire, max, strategy, note, instructions)
    }
}

extension ClosePosition {
    var contentHash: UInt64 {
        var hash = Hasher(kind: 2)
        hash.add(Int64(instrument))
        hash.add(quantity)
        hash.add(price)
        hash.add(max)
        hash.add(strategy)
        hash.add(mix(note.hash))
        return hash.value
    }
}

extension Money {
    var contentHash: UInt64 {
        var hash = Hasher(kind: 3)
        hash.add(UInt64(kind.rawValue))
        hash.add(Int64(asset))
        hash.add(amount)
        hash.add(note)
        return hash.value
    }
}

extension Transfer {
    var contentHash: UInt64 {
        var hash = Hasher(kind: 4)
        hash.add(toAccount)
        hash.add(Int64(toWallet))
        hash.add(Int64(asset))
        hash.add(amount)
        hash.add(note)
        return hash.value
    }
}

extension TakeOver {
    var contentHash: UInt64 {
        var hash = Hasher(kind: 5)
        hash.add(Int64(instrument))
        hash.add(quantity)
        hash.add(price)
        hash.add(note)
        return hash.value
    }
}
