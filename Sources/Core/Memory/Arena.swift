import CPrefetch

/// Slots of one type, addressed by a 32-bit index that stays valid until the slot is freed. Freed slots are reused.
///
/// Chunks of 8,192 elements, so that growing never moves or copies an element (no stall, and a snapshot can later copy a chunk
/// before its first change). Not synchronised: the owner is the thread that runs the shard.
struct Arena<Element: BitwiseCopyable>: ~Copyable {
    private static var chunkBits: Int32 { 13 }
    private static var chunkCount: Int { 1 << 13 }

    private var chunks: UnsafeMutablePointer<UnsafeMutablePointer<Element>>
    private var chunksUsed = 0
    private var chunksCapacity = 16
    /// Slots handed out so far, freed ones included.
    private(set) var end: Int32 = 0
    private var free: [Int32] = []

    init() {
        chunks = .allocate(capacity: chunksCapacity)
    }

    deinit {
        for i in 0..<chunksUsed { chunks[i].deallocate() }
        chunks.deallocate()
    }

    /// Slots in use.
    var count: Int { Int(end) - free.count }

    subscript(index: Int32) -> Element {
        @inline(__always) unsafeAddress {
            UnsafePointer(chunks[Int(index >> Arena.chunkBits)] + Int(index) & (Arena.chunkCount - 1))
        }
        @inline(__always) unsafeMutableAddress {
            chunks[Int(index >> Arena.chunkBits)] + Int(index) & (Arena.chunkCount - 1)
        }
    }

    /// Asks for the first cache line of a slot.
    @inline(__always)
    func prefetch(_ index: Int32) {
        prefetch_line(chunks[Int(index >> Arena.chunkBits)] + Int(index) & (Arena.chunkCount - 1))
    }

    /// The index of a slot that holds `element` from now on.
    @inline(__always)
    mutating func insert(_ element: Element) -> Int32 {
        let index: Int32
        if let reused = free.popLast() {
            index = reused
        } else {
            if Int(end >> Arena.chunkBits) == chunksUsed { addChunk() }
            index = end
            end += 1
        }
        (chunks[Int(index >> Arena.chunkBits)] + Int(index) & (Arena.chunkCount - 1)).initialize(to: element)
        return index
    }

    mutating func remove(_ index: Int32) {
        free.append(index)
    }

    @inline(never)
    private mutating func addChunk() {
        invariant(end < Int32.max - 8_192, "arena has no indices left")
        if chunksUsed == chunksCapacity {
            let larger = UnsafeMutablePointer<UnsafeMutablePointer<Element>>.allocate(capacity: chunksCapacity * 2)
            larger.update(from: chunks, count: chunksUsed)
            chunks.deallocate()
            chunks = larger
            chunksCapacity *= 2
        }
        chunks[chunksUsed] = .allocate(capacity: Arena.chunkCount)
        chunksUsed += 1
    }
}
