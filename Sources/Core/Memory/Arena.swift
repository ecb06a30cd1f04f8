import CPrefetch

/// Slots of one type, addressed by a 32-bit index that stays valid until the slot is freed. Freed slots are reused.
///
/// Chunks of 8,192 elements, so that growing never moves or copies an element (no stall, and a snapshot can later copy a chunk
/// before its first change). Not synchronised: the owner is the thread that runs the shard.
struct Arena<Element: BitwiseCopyable>: ~Copyable {
    private static var chunkBits: Int32 { 13 }
    private static var chunkCount: Int { 1 << 13 }
    private static var lineBytes: Int { 64 }

    private var chunks: UnsafeMutablePointer<UnsafeMutablePointer<Element>>
    private var chunksUsed = 0
    private var chunksCapacity = 16
    /// Slots handed out so far, freed ones included.
    private(set) var end: Int32 = 0
    /// The slot freed last; the first four bytes of each are the one freed before it.
    private var free: Int32 = none
    private var freeCount = 0

    init() {
        invariant(MemoryLayout<Element>.stride >= 4, "a free slot has no room for a link")
        chunks = .allocate(capacity: chunksCapacity)
    }

    deinit {
        for i in 0..<chunksUsed { UnsafeMutableRawPointer(chunks[i]).deallocate() }
        chunks.deallocate()
    }

    /// Slots in use.
    var count: Int { Int(end) - freeCount }

    @inline(__always)
    private func address(_ index: Int32) -> UnsafeMutablePointer<Element> {
        chunks[Int(index >> Arena.chunkBits)] + Int(index) & (Arena.chunkCount - 1)
    }

    subscript(index: Int32) -> Element {
        @inline(__always) unsafeAddress { UnsafePointer(address(index)) }
        @inline(__always) unsafeMutableAddress { address(index) }
    }

    /// Where a slot is, for as long as the arena is.
    @inline(__always)
    func pointer(_ index: Int32) -> UnsafeMutablePointer<Element> { address(index) }

    /// Asks for a slot's first and last cache line.
    @inline(__always)
    func prefetch(_ index: Int32) {
        let address = UnsafeRawPointer(address(index))
        prefetch_line(address)
        if MemoryLayout<Element>.size > Arena.lineBytes { prefetch_line(address + (MemoryLayout<Element>.size - 1)) }
    }

    /// Asks for the first bytes of a slot that begins with a line, a whole number of lines.
    @inline(__always)
    func prefetch(_ index: Int32, bytes: Int) {
        let address = UnsafeRawPointer(address(index))
        for line in 0..<bytes / Arena.lineBytes { prefetch_line(address + line * Arena.lineBytes) }
    }

    /// The index of a slot that holds `element` from now on.
    @inline(__always)
    mutating func insert(_ element: Element) -> Int32 {
        let index: Int32
        if free != none {
            index = free
            free = UnsafeRawPointer(address(index)).load(as: Int32.self)
            freeCount &-= 1
            // The next insertion's: it was freed long ago.
            if free != none { prefetch(free) }
        } else {
            if Int(end >> Arena.chunkBits) == chunksUsed { addChunk() }
            index = end
            end &+= 1
        }
        address(index).initialize(to: element)
        return index
    }

    @inline(__always)
    mutating func remove(_ index: Int32) {
        UnsafeMutableRawPointer(address(index)).storeBytes(of: free, as: Int32.self)
        free = index
        freeCount &+= 1
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
        // At a line's begin: elements of 64 bytes would lie across two lines each.
        let chunk = UnsafeMutableRawPointer.allocate(byteCount: Arena.chunkCount * MemoryLayout<Element>.stride, alignment: Arena.lineBytes)
        chunks[chunksUsed] = chunk.bindMemory(to: Element.self, capacity: Arena.chunkCount)
        chunksUsed += 1
    }
}
