// Price levels in order. A ladder is one side of a book, or armed orders waiting for a price in one direction: levels sorted by a key, the best at the end,
// where most changes are. Chunks of 64 levels, so that a level far from the best moves at most 64 neighbours, and a list of the chunks with their first keys.

/// A chunk: keys ascending, then ``unused`` ones, and beside each its level's slot.
struct LadderChunk: BitwiseCopyable {
    static var capacity: Int { 64 }
    /// Above every key that is searched for, or it is one: then nothing is found before it.
    static var unused: Int64 { .max }
    var keys = InlineArray<64, Int64>(repeating: LadderChunk.unused)
    var levels = InlineArray<64, Int32>(repeating: 0)
}

/// All bits or none. What `?:` says too, but that the compiler makes a branch of in a loop.
@inline(__always)
private func mask(_ condition: Bool) -> Int { 0 &- Int(truncatingIfNeeded: UInt8(condition ? 1 : 0)) }

/// One ladder. Owns its list of chunks; ``Books`` frees it.
struct Ladder: BitwiseCopyable {
    /// Level with the largest key; `none`: empty.
    var best: Int32 = none
    /// Chunks in use, and room for them.
    var count: Int32 = 0
    var capacity: Int32 = 0
    var firstKeys: UnsafeMutablePointer<Int64>?
    /// Slots of chunks, and how many levels are in each.
    var chunks: UnsafeMutablePointer<Int32>?
    var counts: UnsafeMutablePointer<Int32>?
}

extension Ladder {
    /// The last chunk whose first key is not above `key`; the first chunk where there is none.
    @inline(__always)
    func chunk(for key: Int64) -> Int {
        let last = Int(count) - 1
        // Most of what happens is at the best prices.
        if last <= 0 || firstKeys![last] <= key { return Swift.max(last, 0) }
        var low = 0
        var left = last
        while left > Ladder.counted {
            let half = left >> 1
            if firstKeys![low &+ half] <= key { low &+= half }
            left &-= half
        }
        // Which of the last few it is cannot be foreseen; so they are counted, without a branch.
        var below = 0
        for place in low..<low &+ left { below &-= mask(firstKeys![place] <= key) }
        return low &+ Swift.max(below &- 1, 0)
    }

    private static var counted: Int { 16 }

    /// More than the processor's caches hold beside everything else.
    @inline(__always)
    var isLong: Bool { count > 32 }

    mutating func free() {
        firstKeys?.deallocate()
        chunks?.deallocate()
        counts?.deallocate()
    }

    /// Makes room for a chunk at `place`.
    fileprivate mutating func insertChunk(_ slot: Int32, at place: Int, firstKey: Int64, levels: Int32) {
        if count == capacity { grow() }
        let moved = Int(count) - place
        (firstKeys! + place + 1).update(from: firstKeys! + place, count: moved)
        (chunks! + place + 1).update(from: chunks! + place, count: moved)
        (counts! + place + 1).update(from: counts! + place, count: moved)
        firstKeys![place] = firstKey
        chunks![place] = slot
        counts![place] = levels
        count += 1
    }

    fileprivate mutating func removeChunk(at place: Int) {
        let moved = Int(count) - place - 1
        (firstKeys! + place).update(from: firstKeys! + place + 1, count: moved)
        (chunks! + place).update(from: chunks! + place + 1, count: moved)
        (counts! + place).update(from: counts! + place + 1, count: moved)
        count -= 1
    }

    private mutating func grow() {
        let larger = capacity == 0 ? 4 : capacity * 2
        firstKeys = Ladder.moved(firstKeys, Int(count), to: Int(larger))
        chunks = Ladder.moved(chunks, Int(count), to: Int(larger))
        counts = Ladder.moved(counts, Int(count), to: Int(larger))
        capacity = larger
    }

    private static func moved<T: BitwiseCopyable>(_ old: UnsafeMutablePointer<T>?, _ count: Int, to capacity: Int) -> UnsafeMutablePointer<T> {
        let new = UnsafeMutablePointer<T>.allocate(capacity: capacity)
        if let old {
            new.initialize(from: old, count: count)
            old.deallocate()
        }
        return new
    }
}

// MARK: With the chunks

extension Arena<LadderChunk> {
    @inline(__always)
    func keys(_ slot: Int32) -> UnsafeMutablePointer<Int64> {
        UnsafeMutableRawPointer(pointer(slot)).assumingMemoryBound(to: Int64.self)
    }

    @inline(__always)
    func levels(_ slot: Int32) -> UnsafeMutablePointer<Int32> {
        (UnsafeMutableRawPointer(pointer(slot)) + LadderChunk.capacity * MemoryLayout<Int64>.stride).assumingMemoryBound(to: Int32.self)
    }

    /// Asks for the keys of a chunk.
    @inline(__always)
    func prefetchKeys(_ slot: Int32) { prefetch(slot, bytes: LadderChunk.capacity * MemoryLayout<Int64>.stride) }

    /// Where `key` is in a chunk, or would be: how many keys are below it. Always the same seven looks, none of them a branch that could be foreseen wrong.
    @inline(__always)
    func place(of key: Int64, in slot: Int32) -> Int {
        let keys = keys(slot)
        var low = 32 & mask(keys[31] < key)
        low &+= 16 & mask(keys[low &+ 15] < key)
        low &+= 8 & mask(keys[low &+ 7] < key)
        low &+= 4 & mask(keys[low &+ 3] < key)
        low &+= 2 & mask(keys[low &+ 1] < key)
        low &+= 1 & mask(keys[low] < key)
        return low &+ 1 & mask(keys[low] < key)
    }
}

/// Where a key is in a ladder, or would be.
struct LadderPlace {
    var chunk = 0
    var index = 0
    /// `none`: the key is not there.
    var level = none
}

extension Ladder {
    @inline(__always)
    func place(of key: Int64, _ pool: borrowing Arena<LadderChunk>) -> LadderPlace {
        if count == 0 { return LadderPlace() }
        let chunk = chunk(for: key)
        let inChunk = Int(counts![chunk])
        let slot = chunks![chunk]
        let index = pool.place(of: key, in: slot)
        return LadderPlace(chunk: chunk, index: index, level: index < inChunk && pool.keys(slot)[index] == key ? pool.levels(slot)[index] : none)
    }

    /// The level with this key; `none`: there is none.
    @inline(__always)
    func find(_ key: Int64, _ pool: borrowing Arena<LadderChunk>) -> Int32 { place(of: key, pool).level }

    /// Adds a level at the place of its key.
    mutating func insert(_ key: Int64, _ level: Int32, at found: LadderPlace, _ pool: inout Arena<LadderChunk>) {
        if count == 0 { return begin(key, level, at: 0, &pool) }
        var (chunk, place) = (found.chunk, found.index)
        var inChunk = Int(counts![chunk])
        if inChunk == LadderChunk.capacity {
            if chunk == Int(count) - 1, place == inChunk { return begin(key, level, at: chunk + 1, &pool) }
            split(chunk, &pool)
            if firstKeys![chunk + 1] <= key {
                chunk += 1
                place -= LadderChunk.capacity / 2
            }
            inChunk = Int(counts![chunk])
        }
        let (keys, levels) = (pool.keys(chunks![chunk]), pool.levels(chunks![chunk]))
        (keys + place + 1).update(from: keys + place, count: inChunk - place)
        (levels + place + 1).update(from: levels + place, count: inChunk - place)
        keys[place] = key
        levels[place] = level
        counts![chunk] += 1
        if place == 0 { firstKeys![chunk] = key }
        if chunk == Int(count) - 1, place == inChunk { best = level }
    }

    private mutating func begin(_ key: Int64, _ level: Int32, at place: Int, _ pool: inout Arena<LadderChunk>) {
        let slot = pool.insert(LadderChunk())
        pool.keys(slot)[0] = key
        pool.levels(slot)[0] = level
        insertChunk(slot, at: place, firstKey: key, levels: 1)
        best = level
    }

    private mutating func split(_ chunk: Int, _ pool: inout Arena<LadderChunk>) {
        let half = LadderChunk.capacity / 2
        let upper = pool.insert(LadderChunk())
        let lower = chunks![chunk]
        pool.keys(upper).update(from: pool.keys(lower) + half, count: half)
        (pool.keys(lower) + half).update(repeating: LadderChunk.unused, count: half)
        pool.levels(upper).update(from: pool.levels(lower) + half, count: half)
        counts![chunk] = Int32(half)
        insertChunk(upper, at: chunk + 1, firstKey: pool.keys(upper)[0], levels: Int32(half))
    }

    mutating func remove(_ key: Int64, _ pool: inout Arena<LadderChunk>) {
        let found = place(of: key, pool)
        invariant(found.level != none, "a level is not in its ladder")
        let (chunk, place) = (found.chunk, found.index)
        let slot = chunks![chunk]
        let inChunk = Int(counts![chunk])
        let (keys, levels) = (pool.keys(slot), pool.levels(slot))
        if inChunk == 1 {
            removeChunk(at: chunk)
            pool.remove(slot)
        } else {
            (keys + place).update(from: keys + place + 1, count: inChunk - place - 1)
            (levels + place).update(from: levels + place + 1, count: inChunk - place - 1)
            keys[inChunk - 1] = LadderChunk.unused
            counts![chunk] -= 1
            if place == 0 { firstKeys![chunk] = keys[0] }
        }
        if count == 0 {
            best = none
        } else {
            let last = Int(count) - 1
            best = pool.levels(chunks![last])[Int(counts![last]) - 1]
        }
    }

    /// Best first, until `body` says false.
    @inline(__always)
    func forEachLevel(_ pool: borrowing Arena<LadderChunk>, _ body: (Int32) -> Bool) {
        var chunk = Int(count) - 1
        while chunk >= 0 {
            let levels = pool.levels(chunks![chunk])
            var place = Int(counts![chunk]) - 1
            while place >= 0 {
                if !body(levels[place]) { return }
                place -= 1
            }
            chunk -= 1
        }
    }
}
