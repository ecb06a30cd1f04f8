/// A queue of 64-bit values in chunks of 4,096: neither end ever moves what lies between.
struct Fifo: ~Copyable {
    private static var chunkCount: Int { 4_096 }
    private var chunks: [UnsafeMutablePointer<UInt64>] = []
    /// Chunks at the front of `chunks` that are used up; dropped in bulk.
    private var emptied = 0
    private var head = 0
    private var tail = 0
    private(set) var count = 0

    init() {}

    deinit {
        for chunk in chunks[emptied...] { chunk.deallocate() }
    }

    var first: UInt64? { count == 0 ? nil : chunks[emptied][head] }

    /// The value that will be the first when `distance` more are removed.
    func value(at distance: Int) -> UInt64? {
        guard distance < count else { return nil }
        let index = head + distance
        return chunks[emptied + index / Fifo.chunkCount][index % Fifo.chunkCount]
    }

    mutating func append(_ value: UInt64) {
        if chunks.count == emptied || tail == Fifo.chunkCount {
            chunks.append(.allocate(capacity: Fifo.chunkCount))
            tail = 0
        }
        chunks[chunks.count - 1][tail] = value
        tail += 1
        count += 1
    }

    mutating func removeFirst() {
        head += 1
        count -= 1
        if head == Fifo.chunkCount {
            chunks[emptied].deallocate()
            emptied += 1
            head = 0
            if emptied > 64, emptied > chunks.count / 2 {
                chunks.removeFirst(emptied)
                emptied = 0
            }
        }
    }

    func forEach(_ body: (UInt64) throws -> Void) rethrows {
        var chunk = emptied
        var index = head
        for _ in 0..<count {
            if index == Fifo.chunkCount {
                chunk += 1
                index = 0
            }
            try body(chunks[chunk][index])
            index += 1
        }
    }
}
