/// Dead-man timers that run, by (deadline, account): a binary heap of slots of ``Shard/risks``; each knows its place, so that a renewal moves it.
struct DeadlineHeap: ~Copyable {
    private var slots: [Int32] = []

    init() {}

    var first: Int32? { slots.first }

    mutating func insert(_ slot: Int32, _ risks: inout Arena<AccountRisk>) {
        slots.append(slot)
        rise(slots.count - 1, &risks)
    }

    mutating func remove(_ slot: Int32, _ risks: inout Arena<AccountRisk>) {
        let index = Int(risks[slot].heapIndex)
        invariant(slots[index] == slot, "deadline heap out of step")
        risks[slot].heapIndex = none
        let last = slots.removeLast()
        if index == slots.count { return }
        slots[index] = last
        risks[last].heapIndex = Int32(index)
        sink(index, &risks)
        rise(index, &risks)
    }

    private func precedes(_ a: Int32, _ b: Int32, _ risks: borrowing Arena<AccountRisk>) -> Bool {
        let (first, second) = (risks[a].deadline, risks[b].deadline)
        return first != second ? first < second : risks[a].account < risks[b].account
    }

    private mutating func rise(_ start: Int, _ risks: inout Arena<AccountRisk>) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard precedes(slots[index], slots[parent], risks) else { break }
            exchange(index, parent, &risks)
            index = parent
        }
        risks[slots[index]].heapIndex = Int32(index)
    }

    private mutating func sink(_ start: Int, _ risks: inout Arena<AccountRisk>) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < slots.count {
                if precedes(slots[child], slots[least], risks) { least = child }
            }
            if least == index { return }
            exchange(index, least, &risks)
            index = least
        }
    }

    private mutating func exchange(_ a: Int, _ b: Int, _ risks: inout Arena<AccountRisk>) {
        slots.swapAt(a, b)
        risks[slots[a]].heapIndex = Int32(a)
        risks[slots[b]].heapIndex = Int32(b)
    }
}
