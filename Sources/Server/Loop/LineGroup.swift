import Core

/// Lines of one piece of input that are parsed before the first of them is decided, so that what they will touch in a large shard comes from
/// memory while they wait for each other (Shard+Prefetch.swift). Stage 2 of a request's path.
///
/// A group holds orders, replaces, cancels and fills, and at most one line of another kind, as its last: what that does may change what the next
/// line means (an AUTH, a definition).
///
/// Owner: the loop's thread.
final class LineGroup {
    static let linesMax = 16

    private let parsed: UnsafeMutablePointer<ParsedLine>
    private let ends: UnsafeMutablePointer<(start: Int, end: Int)>
    /// Where the line behind the group begins.
    private(set) var next = 0

    init() {
        parsed = .allocate(capacity: LineGroup.linesMax)
        parsed.initialize(repeating: ParsedLine(), count: LineGroup.linesMax)
        ends = .allocate(capacity: LineGroup.linesMax)
        ends.initialize(repeating: (0, 0), count: LineGroup.linesMax)
    }
    deinit {
        parsed.deallocate()
        ends.deallocate()
    }

    subscript(index: Int) -> ParsedLine {
        @inline(__always) unsafeAddress { UnsafePointer(parsed + index) }
        @inline(__always) unsafeMutableAddress { parsed + index }
    }

    /// Where a line of the group begins in the input, and where it ends, without CR and LF.
    func start(_ index: Int) -> Int { ends[index].start }
    func end(_ index: Int) -> Int { ends[index].end }

    func parse(single line: UnsafeRawBufferPointer, registry: borrowing Registry) {
        LineParser.parse(line, registry: registry, into: &parsed[0])
    }

    /// Parses whole lines from `start` on, up to the first that is empty or longer than most may be. Returns how many.
    @inline(__always)
    func parse(_ bytes: UnsafeRawBufferPointer, from start: Int, for loop: Loop) -> Int {
        var count = 0
        next = start
        while count < LineGroup.linesMax {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[next...])
            guard let newline = rest.firstNewline else { break }
            var length = newline
            if length > 0, rest[length - 1] == UInt8(ascii: "\r") { length -= 1 }
            if length == 0 || length > LineParser.lineMax { break }
            LineParser.parse(UnsafeRawBufferPointer(rebasing: rest[0..<length]), registry: loop.registry, into: &parsed[count])
            ends[count] = (next, next + length)
            next += newline + 1
            count += 1
            if !loop.prefetch(parsed + (count - 1), step: 0) { break }
        }
        if count > 1 {
            for step in 1..<Shard.prefetchSteps {
                for index in 0..<count { _ = loop.prefetch(parsed + index, step: step) }
            }
        }
        return count
    }
}

extension Loop {
    /// One step of asking for what a line will touch, if its shard is here. Returns whether it is a line that leaves what others mean as it is.
    @inline(__always)
    func prefetch(_ line: UnsafePointer<ParsedLine>, step: Int) -> Bool {
        if line.pointee.orderCommand == .none { return false }
        guard hosts(line.pointee.wallet) else { return true }
        let shard = shard(line.pointee.wallet)
        // Field by field: a value handed over would be copied, for a look at it.
        switch line.pointee.orderCommand {
        case .new:
            shard.pointee.prefetchNew(
                account: line.pointee.order.account, line.pointee.order.instrument, line.pointee.order.side, line.pointee.order.clientID, step: step)
        case .replace: shard.pointee.prefetch(line.pointee.replace.order, account: line.pointee.replace.account, closes: false, step: step)
        case .cancel: shard.pointee.prefetch(line.pointee.cancel.order, account: line.pointee.cancel.account, closes: true, step: step)
        case .fill: shard.pointee.prefetch(line.pointee.fill.order, account: line.pointee.fill.account, closes: false, step: step)
        case .none: break
        }
        return true
    }
}
