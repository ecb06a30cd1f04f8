import CPrefetch

/// An open-addressing hash table from a 64-bit hash to a 32-bit value (an arena index); the caller compares the keys.
///
/// Linear probing over 8-byte entries, at most 3/4 full, removal by shifting back (no tombstones). Growing is spread over many
/// insertions: from 5/8 on each clears a little of the next table, afterwards each moves a few clusters, so that no single command pays for a
/// table of millions. The hash is fixed (no random seed): the same input gives the same table. Not synchronised.
struct IndexTable: ~Copyable {
    /// An entry is hash fragment << 32 | value; 0 is empty (the fragment of a used entry is never 0).
    private var entries: UnsafeMutablePointer<UInt64>
    private var mask: UInt32
    /// The table being left, while growing.
    private var old: UnsafeMutablePointer<UInt64>?
    private var oldMask: UInt32 = 0
    /// Where in `old` the move goes on, and how many of its entries have been looked at.
    private var oldCursor: UInt32 = 0
    private var oldVisited: UInt32 = 0
    /// The table that will be grown into, and how many of its entries are clear.
    private var next: UnsafeMutablePointer<UInt64>?
    private var nextCleared = 0
    private(set) var count = 0

    private static var clustersPerInsert: Int { 8 }
    /// 16 would do: twice the entries, in an eighth of them as many insertions.
    private static var clearedPerInsert: Int { 32 }

    init() {
        mask = 15
        entries = IndexTable.allocate(16)
        entries.initialize(repeating: 0, count: 16)
    }

    deinit {
        UnsafeMutableRawPointer(entries).deallocate()
        UnsafeMutableRawPointer(old)?.deallocate()
        UnsafeMutableRawPointer(next)?.deallocate()
    }

    @inline(__always)
    private static func fragment(_ hash: UInt64) -> UInt32 {
        let high = UInt32(truncatingIfNeeded: hash >> 32)
        return high == 0 ? 1 : high
    }

    /// The value whose key has this hash and satisfies `matches`.
    @inline(__always)
    func find(_ hash: UInt64, _ matches: (Int32) -> Bool) -> Int32? {
        let fragment = IndexTable.fragment(hash)
        if let index = IndexTable.position(entries, mask, fragment, matches) { return IndexTable.value(entries[index]) }
        if let old, let index = IndexTable.position(old, oldMask, fragment, matches) { return IndexTable.value(old[index]) }
        return nil
    }

    /// Asks for the memory where ``find(_:_:)`` will look first.
    @inline(__always)
    func prefetch(_ hash: UInt64) {
        let fragment = IndexTable.fragment(hash)
        prefetch_line(entries + Int(fragment & mask))
        if let old { prefetch_line(old + Int(fragment & oldMask)) }
    }

    /// A value that the hash may lead to, without a look at the key: good for a guess at what to ask for.
    @inline(__always)
    func guess(_ hash: UInt64) -> Int32? {
        let fragment = IndexTable.fragment(hash)
        if let index = IndexTable.position(entries, mask, fragment, { _ in true }) { return IndexTable.value(entries[index]) }
        if let old, let index = IndexTable.position(old, oldMask, fragment, { _ in true }) { return IndexTable.value(old[index]) }
        return nil
    }

    /// Adds an entry; the caller knows that the key is not there.
    @inline(__always)
    mutating func insert(_ hash: UInt64, _ value: Int32) {
        if old != nil { moveClusters() }
        if count &* 8 >= Int(mask) &* 5 { prepareToGrow() }
        IndexTable.put(entries, mask, UInt64(IndexTable.fragment(hash)) << 32 | UInt64(UInt32(bitPattern: value)))
        count += 1
    }

    /// Removes the entry with exactly this value; the caller knows that it is there.
    mutating func remove(_ hash: UInt64, _ value: Int32) {
        let fragment = IndexTable.fragment(hash)
        if let index = IndexTable.position(entries, mask, fragment, { $0 == value }) {
            IndexTable.erase(entries, mask, index)
        } else if let old, let index = IndexTable.position(old, oldMask, fragment, { $0 == value }) {
            IndexTable.erase(old, oldMask, index)
        } else {
            invariantFailure("removed from an index what was not in it")
        }
        count -= 1
    }

    // MARK: One table

    @inline(__always)
    private static func value(_ entry: UInt64) -> Int32 { Int32(bitPattern: UInt32(truncatingIfNeeded: entry)) }

    @inline(__always)
    private static func position(
        _ entries: UnsafeMutablePointer<UInt64>, _ mask: UInt32, _ fragment: UInt32, _ matches: (Int32) -> Bool
    ) -> Int? {
        var index = fragment & mask
        while true {
            let entry = entries[Int(index)]
            if entry == 0 { return nil }
            if UInt32(truncatingIfNeeded: entry >> 32) == fragment, matches(value(entry)) { return Int(index) }
            index = (index &+ 1) & mask
        }
    }

    @inline(__always)
    private static func put(_ entries: UnsafeMutablePointer<UInt64>, _ mask: UInt32, _ entry: UInt64) {
        var index = UInt32(truncatingIfNeeded: entry >> 32) & mask
        while entries[Int(index)] != 0 { index = (index &+ 1) & mask }
        entries[Int(index)] = entry
    }

    private static func erase(_ entries: UnsafeMutablePointer<UInt64>, _ mask: UInt32, _ at: Int) {
        var hole = UInt32(at)
        var index = (hole &+ 1) & mask
        while entries[Int(index)] != 0 {
            let home = UInt32(truncatingIfNeeded: entries[Int(index)] >> 32) & mask
            // The entry may move into the hole unless its home lies cyclically behind the hole.
            if (index &- home) & mask >= (index &- hole) & mask {
                entries[Int(hole)] = entries[Int(index)]
                hole = index
            }
            index = (index &+ 1) & mask
        }
        entries[Int(hole)] = 0
    }

    // MARK: Growing

    @inline(never)
    private mutating func prepareToGrow() {
        let capacity = (Int(mask) + 1) * 2
        let isFull = count * 4 >= Int(mask) * 3
        let next = next ?? IndexTable.allocate(capacity)
        let cleared = isFull ? capacity : min(capacity, nextCleared + IndexTable.clearedPerInsert)
        (next + nextCleared).initialize(repeating: 0, count: cleared - nextCleared)
        nextCleared = cleared
        self.next = next
        if isFull { grow(into: next) }
    }

    private mutating func grow(into next: UnsafeMutablePointer<UInt64>) {
        while old != nil { moveClusters() }
        invariant(mask < 1 << 30, "index table has reached its largest size")
        old = entries
        oldMask = mask
        // Start behind an empty entry, so that whole clusters move and no probe of the old table is cut in two.
        oldCursor = 0
        while entries[Int(oldCursor)] != 0 { oldCursor += 1 }
        oldVisited = 0
        mask = mask &* 2 &+ 1
        entries = next
        self.next = nil
        nextCleared = 0
    }

    /// Begins with a cache line, so that most probes stay within one.
    private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<UInt64> {
        UnsafeMutableRawPointer.allocate(byteCount: capacity * 8, alignment: 64).bindMemory(to: UInt64.self, capacity: capacity)
    }

    private mutating func moveClusters() {
        guard let old else { return }
        var clusters = 0
        while clusters < IndexTable.clustersPerInsert {
            if oldVisited > oldMask {
                UnsafeMutableRawPointer(old).deallocate()
                self.old = nil
                return
            }
            let entry = old[Int(oldCursor)]
            if entry == 0 {
                clusters += 1
            } else {
                IndexTable.put(entries, mask, entry)
                old[Int(oldCursor)] = 0
            }
            oldCursor = (oldCursor &+ 1) & oldMask
            oldVisited += 1
        }
        // Only ever stop at an empty entry: the cluster before it has moved whole.
    }
}
