/// What is sent. One value drives all connections of a run; it keeps its counters over runs, so that ids are never used twice.
public protocol Workload {
    /// Writes the next request of `connection`, at most ``RequestBuffer/requestBytesMax`` bytes. False: there is none left for it.
    mutating func next(connection: Int, into buffer: inout RequestBuffer) -> Bool

    /// Open loop: the connection that the n-th arrival goes to. In turn, unless said otherwise.
    func connection(ofArrival number: Int, connections: Int) -> Int
}

extension Workload {
    @inline(__always)
    public func connection(ofArrival number: Int, connections: Int) -> Int { number % connections }
}

/// Where requests of one connection are written, one after the other; sent from its front. Memory of the connection, never grown.
public struct RequestBuffer: ~Copyable {
    public static let requestBytesMax = 4_096

    let base: UnsafeMutableRawPointer
    let capacity: Int
    var start = 0
    public private(set) var end = 0

    init(capacity: Int) {
        base = .allocate(byteCount: capacity, alignment: 64)
        self.capacity = capacity
    }
    deinit { base.deallocate() }

    var isEmpty: Bool { start == end }

    /// Whether a request of any size fits; moves what is unsent to the front for it.
    @inline(__always)
    mutating func makeRoom() -> Bool {
        if capacity - end >= RequestBuffer.requestBytesMax { return true }
        if start == 0 { return false }
        base.copyMemory(from: base + start, byteCount: end - start)
        end -= start
        start = 0
        return capacity - end >= RequestBuffer.requestBytesMax
    }

    @inline(__always)
    mutating func sent(_ bytes: Int) {
        start += bytes
        if start == end {
            start = 0
            end = 0
        }
    }

    @inline(__always)
    public mutating func put(_ byte: UInt8) {
        base.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
        end += 1
    }

    @inline(__always)
    public mutating func put(_ text: StaticString) {
        (base + end).copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        end += text.utf8CodeUnitCount
    }

    @inline(__always)
    public mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        (base + end).copyMemory(from: source, byteCount: bytes.count)
        end += bytes.count
    }

    /// In decimal, without leading zeros.
    @inline(__always)
    public mutating func put(decimal value: UInt64) {
        var digits = 1
        var bound: UInt64 = 10
        while digits < 20 && value >= bound {
            digits += 1
            bound = digits == 20 ? .max : bound &* 10
        }
        put(decimal: value, digits: digits)
    }

    /// In decimal, exactly so many digits.
    @inline(__always)
    public mutating func put(decimal value: UInt64, digits: Int) {
        var rest = value
        var at = end + digits
        end = at
        for _ in 0..<digits {
            let tenth = rest / 10
            at -= 1
            base.storeBytes(of: UInt8(truncatingIfNeeded: 48 &+ rest &- tenth &* 10), toByteOffset: at, as: UInt8.self)
            rest = tenth
        }
    }

    /// A hole of so many bytes, to be written later: a length that stands before what it counts. Returns its place for ``bytes(at:)``.
    @inline(__always)
    public mutating func skip(_ bytes: Int) -> Int {
        defer { end += bytes }
        return end
    }

    /// Valid until the request is complete.
    @inline(__always)
    public func bytes(at place: Int) -> UnsafeMutableRawPointer { base + place }
}
