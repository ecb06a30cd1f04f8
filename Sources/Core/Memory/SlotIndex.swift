import CPrefetch

/// From a counter that only grows (an OrderID's) to an arena slot: pages of 512 slots, reached directly, kept only while one of theirs is in use.
///
/// 4 bytes an order and no hashing; neighbours in time are neighbours in memory. An order that stays open for ever keeps its page of 2 KB,
/// and 8 bytes for every page since. Not synchronised: the owner is the thread that runs the shard.
struct SlotIndex: ~Copyable {
    /// Largest counter: the low 40 bits of an OrderID.
    static var counterMax: Int64 { (1 << 40) - 1 }
    private static var pageBits: Int64 { 9 }
    private static var pageCount: Int { 1 << 9 }

    /// 512 slots, and how many of them are in use.
    private typealias Page = UnsafeMutablePointer<Int32>
    /// The page of counter c is number (c >> 9) - `first`.
    private var pages: UnsafeMutablePointer<Page?>
    private var capacity = 64
    private var count = 0
    private var first: Int64 = 0
    /// So many pages at the front are empty for good.
    private var passed = 0
    /// A page to be used again.
    private var spare: Page?

    init() { pages = .allocate(capacity: capacity) }

    deinit {
        for page in 0..<count { pages[page]?.deallocate() }
        pages.deallocate()
        spare?.deallocate()
    }

    /// The slot of a counter; `nil` when it has none.
    subscript(counter: Int64) -> Int32? {
        @inline(__always) get {
            let page = counter >> SlotIndex.pageBits &- first
            guard page >= 0, page < count, let slots = pages[Int(page)] else { return nil }
            let slot = slots[Int(counter) & (SlotIndex.pageCount - 1)]
            return slot == none ? nil : slot
        }
    }

    /// Asks for the memory of a counter's slot.
    @inline(__always)
    func prefetch(_ counter: Int64) {
        let page = counter >> SlotIndex.pageBits &- first
        guard page >= 0, page < count, let slots = pages[Int(page)] else { return }
        prefetch_line(slots + (Int(counter) & (SlotIndex.pageCount - 1)))
    }

    /// All counters that have a slot, in ascending order; `prefetch` gets the slots of those that come soon.
    func forEach(prefetch: (Int32) -> Void, _ body: (Int64, Int32) throws -> Void) rethrows {
        for page in 0..<count {
            guard let slots = pages[page] else { continue }
            for index in 0..<SlotIndex.pageCount {
                let ahead = index + SlotIndex.prefetchDistance
                if ahead < SlotIndex.pageCount, slots[ahead] != none { prefetch(slots[ahead]) }
                if slots[index] != none { try body((first + Int64(page)) << SlotIndex.pageBits | Int64(index), slots[index]) }
            }
        }
    }
    private static var prefetchDistance: Int { 8 }

    /// Gives a counter its slot. Counters come in ascending order.
    @inline(__always)
    mutating func insert(_ counter: Int64, _ slot: Int32) {
        if counter >> SlotIndex.pageBits &- first != Int64(count &- 1) { addPage(counter >> SlotIndex.pageBits) }
        let page = pages[count &- 1].unsafelyUnwrapped
        page[Int(counter) & (SlotIndex.pageCount - 1)] = slot
        page[SlotIndex.pageCount] &+= 1
    }

    mutating func remove(_ counter: Int64) {
        let place = Int(counter >> SlotIndex.pageBits &- first)
        guard place >= 0, place < count, let page = pages[place] else { invariantFailure("removed an order that has no slot") }
        page[Int(counter) & (SlotIndex.pageCount - 1)] = none
        page[SlotIndex.pageCount] -= 1
        // The newest page will get more.
        if page[SlotIndex.pageCount] > 0 || place == count - 1 { return }
        pages[place] = nil
        if spare == nil { spare = page } else { page.deallocate() }
        dropEmptyPages()
    }

    @inline(never)
    private mutating func addPage(_ number: Int64) {
        if count == 0 { first = number }
        invariant(number >= first + Int64(count), "counters of orders in descending order")
        while first + Int64(count) <= number {
            if count == capacity { grow() }
            pages[count] = nil
            count += 1
        }
        // The one before is full or will get no more; it goes when its last order goes, which may have been.
        if count > 1, let last = pages[count - 2], last[SlotIndex.pageCount] == 0 {
            pages[count - 2] = nil
            if spare == nil { spare = last } else { last.deallocate() }
        }
        let page = spare ?? .allocate(capacity: SlotIndex.pageCount + 1)
        spare = nil
        page.initialize(repeating: none, count: SlotIndex.pageCount)
        page[SlotIndex.pageCount] = 0
        pages[count - 1] = page
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Page?>.allocate(capacity: capacity * 2)
        larger.update(from: pages, count: count)
        pages.deallocate()
        pages = larger
        capacity *= 2
    }

    /// Lets go of the empty pages at the front once they are half of all, so that nothing is moved for the sake of a few.
    private mutating func dropEmptyPages() {
        while passed < count - 1, pages[passed] == nil { passed += 1 }
        guard passed > 64, passed > count / 2 else { return }
        pages.update(from: pages + passed, count: count - passed)
        count -= passed
        first += Int64(passed)
        passed = 0
    }
}
