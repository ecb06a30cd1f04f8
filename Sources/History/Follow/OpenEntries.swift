import Core

/// Who entered an order, and where in the log.
struct Entry: BitwiseCopyable {
    var session: UInt64 = 0
    var lsn: UInt64 = 0
}

/// The entries of one shard's open orders by the counter in their OrderIDs, in pages that go when the last of their orders has closed.
/// Owner: the thread that follows the log.
struct OpenEntries: ~Copyable {
    private struct Page {
        var entries: UnsafeMutablePointer<Entry>?
        var count = 0
    }
    private var pages: [Page] = []
    private static let pageSize = 512

    deinit {
        for page in pages { page.entries?.deallocate() }
    }

    mutating func insert(_ order: OrderID, _ entry: Entry) {
        let (page, place) = OpenEntries.place(of: order)
        while pages.count <= page { pages.append(Page()) }
        if pages[page].entries == nil {
            let entries = UnsafeMutablePointer<Entry>.allocate(capacity: OpenEntries.pageSize)
            entries.initialize(repeating: Entry(), count: OpenEntries.pageSize)
            pages[page].entries = entries
        }
        invariant(entry.lsn > 0 && pages[page].entries![place].lsn == 0, "an order is entered once")
        pages[page].entries![place] = entry
        pages[page].count += 1
    }

    /// `nil` when the order is not open any more.
    mutating func remove(_ order: OrderID) -> Entry? {
        let (page, place) = OpenEntries.place(of: order)
        guard page < pages.count, let entries = pages[page].entries, entries[place].lsn > 0 else { return nil }
        let entry = entries[place]
        entries[place] = Entry()
        pages[page].count -= 1
        if pages[page].count == 0 {
            entries.deallocate()
            pages[page].entries = nil
        }
        return entry
    }

    private static func place(of order: OrderID) -> (page: Int, place: Int) {
        let counter = Int(order & ((1 << 40) - 1))
        return (counter / pageSize, counter % pageSize)
    }
}
