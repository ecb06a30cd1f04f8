/// Open GTD orders by (expire, OrderID): a binary heap of order slots; each order knows its place, so that closing it takes it out.
struct ExpiryHeap: ~Copyable {
    private var slots: [Int32] = []

    init() {}

    var first: Int32? { slots.first }
    var count: Int { slots.count }

    mutating func insert(
        _ slot: Int32, _ orders: borrowing Arena<Order>, _ records: borrowing Arena<OrderRecord>,
        _ extras: inout Arena<OrderExtra>
    ) {
        slots.append(slot)
        rise(slots.count - 1, orders, records, &extras)
    }

    mutating func remove(
        _ slot: Int32, _ orders: borrowing Arena<Order>, _ records: borrowing Arena<OrderRecord>,
        _ extras: inout Arena<OrderExtra>
    ) {
        let index = Int(extras[records[slot].extra].heapIndex)
        invariant(slots[index] == slot, "expiry heap out of step")
        extras[records[slot].extra].heapIndex = none
        let last = slots.removeLast()
        if index == slots.count { return }
        slots[index] = last
        extras[records[last].extra].heapIndex = Int32(index)
        sink(index, orders, records, &extras)
        rise(index, orders, records, &extras)
    }

    private func precedes(
        _ a: Int32, _ b: Int32, _ orders: borrowing Arena<Order>, _ records: borrowing Arena<OrderRecord>,
        _ extras: borrowing Arena<OrderExtra>
    ) -> Bool {
        let (expireA, expireB) = (extras[records[a].extra].expire, extras[records[b].extra].expire)
        return expireA != expireB ? expireA < expireB : orders[a].id < orders[b].id
    }

    private mutating func rise(
        _ start: Int, _ orders: borrowing Arena<Order>, _ records: borrowing Arena<OrderRecord>,
        _ extras: inout Arena<OrderExtra>
    ) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard precedes(slots[index], slots[parent], orders, records, extras) else { break }
            exchange(index, parent, records, &extras)
            index = parent
        }
        extras[records[slots[index]].extra].heapIndex = Int32(index)
    }

    private mutating func sink(
        _ start: Int, _ orders: borrowing Arena<Order>, _ records: borrowing Arena<OrderRecord>,
        _ extras: inout Arena<OrderExtra>
    ) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < slots.count {
                if precedes(slots[child], slots[least], orders, records, extras) { least = child }
            }
            if least == index { return }
            exchange(index, least, records, &extras)
            index = least
        }
    }

    private mutating func exchange(
        _ a: Int, _ b: Int, _ records: borrowing Arena<OrderRecord>, _ extras: inout Arena<OrderExtra>
    ) {
        slots.swapAt(a, b)
        extras[records[slots[a]].extra].heapIndex = Int32(a)
        extras[records[slots[b]].extra].heapIndex = Int32(b)
    }
}
