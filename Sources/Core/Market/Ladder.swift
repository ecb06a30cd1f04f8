// Price levels in order. A ladder is one side of a book, or armed orders waiting for a price in one direction: levels sorted by a key, the best at the end,
// where most changes are. Chunks of 64 levels, so that a level far from the best moves at most 64 neighbours, and a list of the chunks with their first keys.

/// A chunk: keys ascending, and beside each its level's slot.
struct LadderChunk: BitwiseCopyable {
    static var capacity: Int { 64 }
    var keys = InlineArray<64, Int64>(repeating: 0)
    var levels = InlineArray<64, Int32>(repeating: 0)
}

/// One ladder. Owns its list of chunks; ``Books`` frees it.
struct Ladder: BitwiseCopyable {
    /// Level with the largest key; `none`: empty.
    var best: Int32 = none
    var levelCount: Int32 = 0
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
        var high = last
        while low < high {
            let middle = (low + high + 1) >> 1
            if firstKeys![middle] <= key { low = middle } else { high = middle - 1 }
        }
        return low
    }

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

    /// Where `key` is in a chunk of `count`, or would be.
    @inline(__always)
    func place(of key: Int64, in slot: Int32, count: Int) -> Int {
        let keys = keys(slot)
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) >> 1
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension Ladder {
    /// The level with this key; `none`: there is none.
    @inline(__always)
    func find(_ key: Int64, _ pool: borrowing Arena<LadderChunk>) -> Int32 {
        if count == 0 { return none }
        let chunk = chunk(for: key)
        let inChunk = Int(counts![chunk])
        let place = pool.place(of: key, in: chunks![chunk], count: inChunk)
        return place < inChunk && pool.keys(chunks![chunk])[place] == key ? pool.levels(chunks![chunk])[place] : none
    }

    mutating func insert(_ key: Int64, _ level: Int32, _ pool: inout Arena<LadderChunk>) {
        levelCount += 1
        if count == 0 { return begin(key, level, at: 0, &pool) }
        var chunk = chunk(for: key)
        var inChunk = Int(counts![chunk])
        if inChunk == LadderChunk.capacity {
            let isBest = chunk == Int(count) - 1 && key > pool.keys(chunks![chunk])[inChunk - 1]
            if isBest { return begin(key, level, at: chunk + 1, &pool) }
            split(chunk, &pool)
            if firstKeys![chunk + 1] <= key { chunk += 1 }
            inChunk = Int(counts![chunk])
        }
        let place = pool.place(of: key, in: chunks![chunk], count: inChunk)
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
        pool.levels(upper).update(from: pool.levels(lower) + half, count: half)
        counts![chunk] = Int32(half)
        insertChunk(upper, at: chunk + 1, firstKey: pool.keys(upper)[0], levels: Int32(half))
    }

    mutating func remove(_ key: Int64, _ pool: inout Arena<LadderChunk>) {
        let chunk = chunk(for: key)
        let slot = chunks![chunk]
        let inChunk = Int(counts![chunk])
        let (keys, levels) = (pool.keys(slot), pool.levels(slot))
        let place = pool.place(of: key, in: slot, count: inChunk)
        invariant(place < inChunk && keys[place] == key, "a level is not in its ladder")
        levelCount -= 1
        if inChunk == 1 {
            removeChunk(at: chunk)
            pool.remove(slot)
        } else {
            (keys + place).update(from: keys + place + 1, count: inChunk - place - 1)
            (levels + place).update(from: levels + place + 1, count: inChunk - place - 1)
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
