/// What has a place in a ``DueHeap``.
protocol HasHeapIndex: BitwiseCopyable {
    /// `none`: in no heap.
    var heapIndex: Int32 { get set }
}

/// What falls due, by (time, order): a binary heap. Each entry has a slot in an arena of its own, and that knows its place, so that it can be taken out at any time.
struct DueHeap: ~Copyable {
    struct Entry: BitwiseCopyable {
        var time: Timestamp
        /// Decides between two of the same time.
        var order: Int64
        /// In the arena that knows the place.
        var slot: Int32
        /// What falls due.
        var value: Int32
    }

    private var entries: [Entry] = []

    init() {}

    var first: Entry? { entries.first }

    mutating func insert<Element: HasHeapIndex>(_ entry: Entry, _ places: inout Arena<Element>) {
        entries.append(entry)
        rise(entries.count - 1, &places)
    }

    mutating func remove<Element: HasHeapIndex>(_ slot: Int32, _ places: inout Arena<Element>) {
        let index = Int(places[slot].heapIndex)
        invariant(entries[index].slot == slot, "heap out of step")
        places[slot].heapIndex = none
        let last = entries.removeLast()
        if index == entries.count { return }
        put(last, at: index, &places)
        sink(index, &places)
        rise(index, &places)
    }

    private static func precedes(_ a: Entry, _ b: Entry) -> Bool { a.time != b.time ? a.time < b.time : a.order < b.order }

    private mutating func rise<Element: HasHeapIndex>(_ start: Int, _ places: inout Arena<Element>) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard DueHeap.precedes(entries[index], entries[parent]) else { break }
            exchange(index, parent, &places)
            index = parent
        }
        places[entries[index].slot].heapIndex = Int32(index)
    }

    private mutating func sink<Element: HasHeapIndex>(_ start: Int, _ places: inout Arena<Element>) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < entries.count {
                if DueHeap.precedes(entries[child], entries[least]) { least = child }
            }
            if least == index { return }
            exchange(index, least, &places)
            index = least
        }
    }

    private mutating func exchange<Element: HasHeapIndex>(_ a: Int, _ b: Int, _ places: inout Arena<Element>) {
        let first = entries[a]
        put(entries[b], at: a, &places)
        put(first, at: b, &places)
    }

    private mutating func put<Element: HasHeapIndex>(_ entry: Entry, at index: Int, _ places: inout Arena<Element>) {
        entries[index] = entry
        places[entry.slot].heapIndex = Int32(index)
    }
}
