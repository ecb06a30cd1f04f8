import Core
import Foundation

/// Commands as a turn has them after parsing: each where it lies, with others of its kind.
struct Turn: ~Copyable {
    static let capacity = 512
    /// Commands whose memory is asked for before the first of them is decided.
    static let group = 16
    private enum Kind { case new, cancel, replace, fill }

    private var kinds: [Kind] = []
    private let orders = UnsafeMutablePointer<NewOrder>.allocate(capacity: capacity)
    private let cancels = UnsafeMutablePointer<Cancel>.allocate(capacity: capacity)
    private let replaces = UnsafeMutablePointer<Replace>.allocate(capacity: capacity)
    private let fills = UnsafeMutablePointer<Fill>.allocate(capacity: capacity)

    deinit {
        orders.deallocate()
        cancels.deallocate()
        replaces.deallocate()
        fills.deallocate()
    }

    var count: Int { kinds.count }

    mutating func removeAll() { kinds.removeAll(keepingCapacity: true) }

    mutating func append(_ order: NewOrder) { append(.new, order, orders) }
    mutating func append(_ cancel: Cancel) { append(.cancel, cancel, cancels) }
    mutating func append(_ replace: Replace) { append(.replace, replace, replaces) }
    mutating func append(_ fill: Fill) { append(.fill, fill, fills) }

    /// One of those that a book takes.
    mutating func append(_ command: Command) {
        switch command {
        case .newOrder(let order): append(order)
        case .cancel(let cancel): append(cancel)
        case .replace(let replace): append(replace)
        default: fatalError("a turn has no place for such a command")
        }
    }

    private mutating func append<T>(_ kind: Kind, _ command: T, _ all: UnsafeMutablePointer<T>) {
        (all + count).initialize(to: command)
        kinds.append(kind)
    }

    @inline(__always)
    private func ahead(of index: Int, _ shard: borrowing Shard) -> Shard.Ahead {
        switch kinds[index] {
        case .new: shard.ahead(of: orders[index])
        case .cancel: shard.ahead(of: cancels[index])
        case .replace: shard.ahead(of: replaces[index])
        case .fill: shard.ahead(of: fills[index])
        }
    }

    /// Was it refused?
    @inline(__always)
    private func execute(_ index: Int, _ shard: inout Shard, _ now: Timestamp, _ ahead: Shard.Ahead = Shard.Ahead()) -> Bool {
        let outcome =
            switch kinds[index] {
            case .new: shard.execute(orders[index], now: now, emit: { _ in }, then: { _ in })
            case .cancel: shard.execute(cancels[index], ahead: ahead, now: now) { _ in }
            case .replace: shard.execute(replaces[index], ahead: ahead, now: now, emit: { _ in }, then: { _ in })
            case .fill: shard.execute(fills[index], ahead: ahead, now: now, emit: { _ in }, then: { _ in })
            }
        if case .rejected = outcome { return true }
        return false
    }

    /// Executes all of them, each group's memory asked for ahead.
    func execute(_ shard: inout Shard, _ now: inout Timestamp) {
        var ahead = InlineArray<16, Shard.Ahead>(repeating: Shard.Ahead())
        var begin = 0
        while begin < count {
            let end = min(begin + Turn.group, count)
            for index in begin..<end { ahead[index - begin] = self.ahead(of: index, shard) }
            for _ in 0..<2 {
                for place in 0..<end - begin { shard.prefetch(&ahead[place]) }
            }
            for index in begin..<end {
                now += 1
                if execute(index, &shard, now, ahead[index - begin]) { fatalError("a command of the bench was refused") }
            }
            begin = end
        }
    }

    /// One without any help, as a lone command is.
    @inline(__always)
    func executeAlone(_ index: Int, _ shard: inout Shard, _ now: Timestamp) {
        if execute(index, &shard, now) { fatalError("a command of the bench was refused") }
    }
}

/// What this thread has run for, in nanoseconds. A bench of one thread waits for nothing, so on a quiet machine this is the time that passes; on a shared one
/// it leaves out what others took.
func threadNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

func realNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
