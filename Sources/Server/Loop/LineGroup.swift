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
        for index in 0..<LineGroup.linesMax { (parsed + index).initialize(to: ParsedLine()) }
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
        parsed[0].ahead = Shard.Ahead()
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
            guard parsed[count - 1].orderCommand != .none else { break }
            parsed[count - 1].ahead = loop.ahead(of: parsed + (count - 1))
        }
        if count > 1 {
            for _ in 0..<2 {
                for index in 0..<count { loop.prefetch(&parsed[index]) }
            }
        }
        return count
    }
}

extension Loop {
    /// What the line will touch, if its shard is here.
    @inline(__always)
    func ahead(of line: UnsafePointer<ParsedLine>) -> Shard.Ahead {
        guard hosts(line.pointee.wallet) else { return Shard.Ahead() }
        let shard = shard(line.pointee.wallet)
        return switch line.pointee.orderCommand {
        case .new: shard.pointee.ahead(of: line.pointee.order)
        case .replace: shard.pointee.ahead(of: line.pointee.replace)
        case .cancel: shard.pointee.ahead(of: line.pointee.cancel)
        case .fill: shard.pointee.ahead(of: line.pointee.fill)
        case .none: Shard.Ahead()
        }
    }

    @inline(__always)
    func prefetch(_ line: inout ParsedLine) {
        if line.orderCommand != .none, hosts(line.wallet) { shard(line.wallet).pointee.prefetch(&line.ahead) }
    }
}
