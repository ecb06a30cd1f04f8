import Core
import Foundation
import WAL

/// A refused command, as the audit has it. Missing where the line is of refusals that were lost: ``dropped`` then says how many.
package struct AuditEntry: Codable, Sendable, Equatable {
    /// `2026-11-27T09:30:00.123Z`
    package var time: String
    /// 0: before AUTH.
    package var session: UInt64?
    package var sub: String?
    package var roles: [String]?
    package var peer: String?
    /// Empty: none.
    package var name: String?
    /// The line as sent, tokens taken out; `nil` where it was not kept. A character per byte.
    package var command: String?
    /// The command was longer than what is kept.
    package var cut: Bool?
    package var account: AccountNumber?
    package var code: String?
    package var facts: [String: String]?
    package var dropped: Int?
}

/// What to look for in the audit; `nil`: anything.
package struct AuditQuery: Sendable {
    package var subject: String?
    package var account: AccountNumber?
    package var code: String?
    /// Service time, microseconds: not before, and before.
    package var from: Timestamp?
    package var until: Timestamp?
    /// What passes besides, for what the fields above cannot say.
    package var passes: (@Sendable (AuditEntry) -> Bool)?
    /// Most entries of the answer.
    package var limit = 100
    /// Most bytes that are looked at, from the newest on.
    package var bytesMax = 64 << 20
    package init() {}
}

package struct AuditPage: Sendable {
    /// Newest first.
    package var entries: [AuditEntry] = []
    /// Whether everything was looked at: not, when ``AuditQuery/limit`` or ``AuditQuery/bytesMax`` ended it.
    package var isComplete = true
}

/// Reads the audit's files backwards, newest lines first, in blocks. Blocks its thread: tens of milliseconds for what `bytesMax` allows,
/// seconds on a slow disk. Any thread, also while the audit is written; refusals of the last moment may not be there yet.
package enum AuditReader {
    private static let blockBytes = 64 << 10
    private static let lineBytesMax = 64 << 10

    package static func newest(in directory: String, _ query: AuditQuery) -> AuditPage {
        var page = AuditPage()
        guard query.limit > 0 else { return AuditPage(isComplete: false) }
        var search = Search(query)
        for number in (AuditFiles.numbers(in: directory) ?? []).reversed() {
            if !search.read(AuditFiles.path(directory, number), into: &page) { break }
        }
        return page
    }

    private struct Search {
        let query: AuditQuery
        let from: String?
        let until: String?
        /// Bytes that every matching line has, so that most lines need not be decoded.
        let needles: [[UInt8]]
        let decoder = JSONDecoder()
        var bytesLeft: Int

        init(_ query: AuditQuery) {
            self.query = query
            from = query.from.map(AuditReader.text)
            until = query.until.map(AuditReader.text)
            bytesLeft = query.bytesMax
            needles = [query.account.map { "\"account\":\($0)," }, query.code.map { "\"code\":\"\($0)\"" }].compactMap { $0.map { Array($0.utf8) } }
        }

        /// False when nothing further is to be read.
        mutating func read(_ path: String, into page: inout AuditPage) -> Bool {
            let disk = SystemDisk()
            let opened = disk.open(path, .read)
            // Removed meanwhile, as the oldest.
            if opened < 0 { return true }
            let file = Int32(opened)
            defer { disk.close(file) }
            var end = max(0, disk.size(file))
            // What stands before the first line end found so far; complete when the block before it is there.
            var rest: [UInt8] = []
            var isTail = true
            while end > 0 {
                if bytesLeft <= 0 {
                    page.isComplete = false
                    return false
                }
                let start = max(0, end - AuditReader.blockBytes)
                var block = [UInt8](repeating: 0, count: end - start)
                let count = block.withUnsafeMutableBytes { disk.read(file, $0, at: UInt64(start)) }
                guard count == block.count else { return true }
                bytesLeft -= count
                end = start
                block += rest
                // A last line without its end is still being written.
                if isTail { block.removeLast(block.count - ((block.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1)) }
                isTail = isTail && block.isEmpty
                let first = start == 0 ? 0 : block.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? block.count
                for line in block[first...].split(separator: UInt8(ascii: "\n")).reversed() {
                    if !take(line, &page) { return false }
                }
                rest = Array(block[..<first])
                // Not a line of the audit's.
                if rest.count > AuditReader.lineBytesMax { rest.removeAll() }
            }
            return true
        }

        /// False at the end of what is asked for.
        private func take(_ line: ArraySlice<UInt8>, _ page: inout AuditPage) -> Bool {
            for needle in needles where !AuditReader.contains(line, needle) { return true }
            guard let entry = try? decoder.decode(AuditEntry.self, from: Data(line)) else { return true }
            if let until, entry.time >= until { return true }
            if let from, entry.time < from {
                // Loops note a turn's refusals with the turn's time, so lines are nearly in its order, not quite.
                return entry.time >= AuditReader.text((query.from ?? 0) - AuditReader.disorderMicrosMax)
            }
            let isMatch =
                (query.subject == nil || entry.sub == query.subject) && (query.account == nil || entry.account == query.account)
                && (query.code == nil || entry.code == query.code) && query.passes?(entry) ?? true
            guard isMatch else { return true }
            if page.entries.count == query.limit {
                page.isComplete = false
                return false
            }
            page.entries.append(entry)
            return true
        }
    }
    private static let disorderMicrosMax: Timestamp = 60_000_000

    private static func text(_ time: Timestamp) -> String {
        var out = OutputBuffer(capacity: 64)
        AuditText.time(max(0, time), &out)
        return out.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    private static func contains(_ line: ArraySlice<UInt8>, _ needle: [UInt8]) -> Bool {
        line.withUnsafeBytes { line in
            needle.withUnsafeBytes { needle in
                var start = 0
                while line.count - start >= needle.count,
                    let found = memchr(line.baseAddress! + start, Int32(needle[0]), line.count - start - needle.count + 1)
                {
                    if memcmp(found, needle.baseAddress!, needle.count) == 0 { return true }
                    start = UnsafeRawPointer(found) - line.baseAddress! + 1
                }
                return false
            }
        }
    }
}
