import Foundation
import Testing
import WAL

/// Every small damage to a log of two epochs and five segments. Each is recovered as promised, or refused; never a wrong state.
@Suite struct ExhaustiveTests {
    enum End: String, CaseIterable { case crashed, closed }

    struct Whole {
        var files: [(name: String, bytes: [UInt8])]
        var batches: [Recovered]
        /// Of all files, in log order.
        var frames: [(file: Int, header: FrameHeader)] = []

        /// The batches of the first `count` frames.
        func batches(ofFrames count: Int) -> [Recovered] {
            let records = frames.prefix(count).reduce(0) { $0 + Int($1.header.recordCount) }
            return Array(batches.prefix(records))
        }
    }

    /// Segments of 512 bytes take two or three frames, so the log rolls in both epochs. The first epoch ends in a crash.
    func twoEpochs(_ end: End) throws -> Whole {
        let scratch = Scratch()
        var batches: [Recovered] = []
        for (epoch, count) in [6, 4].enumerated() {
            let (log, contents) = try open(scratch, smallOptions(segmentBytes: 512))
            #expect(contents.batches == batches)
            for i in 0..<count { batches.append(append(log, [UInt8](repeating: UInt8(16 * (epoch + 1) + i), count: 40 + i))) }
            if epoch == 1, end == .closed { log.close() } else { log.abandon() }
        }
        var whole = Whole(files: scratch.files(".wal").map { ($0, scratch.read($0)) }, batches: batches)
        for (index, file) in whole.files.enumerated() {
            whole.frames += frames(of: file.bytes, segment: SegmentName(file.name)!.number).map { (index, $0) }
        }
        #expect(whole.files.count >= 5 && Set(whole.frames.map { $0.header.epoch }) == [1, 2])
        #expect(whole.frames.count == batches.count + (end == .closed ? 3 : 2))
        return whole
    }

    /// Whether the log is opened with these batches; `nil`: whether it is refused. It and `verify` are of one mind, so most are only looked at.
    func isJudged(_ files: [(name: String, bytes: [UInt8])], _ expected: [Recovered]?, startsToo: Bool) throws -> Bool {
        let report = verify(directory: "d", disk: MemoryDisk(files))
        guard report.isSound == (expected != nil), expected == nil || report.records == expected!.reduce(0, { $0 + UInt64($1.count) }) else { return false }
        if !startsToo { return true }
        let scratch = Scratch()
        for file in files { scratch.write(file.name, file.bytes) }
        do {
            let (log, contents) = try open(scratch, smallOptions(segmentBytes: 512))
            log.abandon()
            return contents.batches == expected
        } catch is LogError {
            // A refused log is left as it is.
            return expected == nil && files.allSatisfy { scratch.read($0.name) == $0.bytes }
        }
    }

    @Test(arguments: End.allCases)
    func `rot: every bit of every segment of two epochs`(end: End) throws {
        let whole = try twoEpochs(end)
        let last = try #require(whole.frames.last)
        var counts = [0, 0, 0]
        for file in whole.files.indices {
            let framesEnd = Int(whole.frames.last { $0.file == file }!.header.end)
            for bit in 0..<(whole.files[file].bytes.count * 8) {
                let at = bit / 8
                var files = whole.files
                files[file].bytes[at] ^= 1 << UInt8(bit % 8)
                let expected: [Recovered]?
                if at >= framesEnd {
                    // Zeros behind a segment's frames hold nothing.
                    expected = whole.batches
                    counts[0] += 1
                } else if file == last.file, at >= Int(last.header.offset) {
                    // Where rot and a torn write look alike. The closing frame has no records.
                    expected = end == .closed ? whole.batches : whole.batches.dropLast()
                    counts[1] += 1
                } else {
                    expected = nil
                    counts[2] += 1
                }
                #expect(try isJudged(files, expected, startsToo: bit % 67 == 0), "\(files[file].name) byte \(at), bit \(bit % 8)")
            }
        }
        // The closed log has no zeros left in its last segment.
        #expect(counts[1] > 8 * 120 && counts[2] > 10 * 8 * 150, "\(counts)")
    }

    @Test(arguments: End.allCases, [false, true])
    func `crash: every suffix of the whole log dropped or zeroed, later segments not there: a prefix of whole frames`(end: End, isZeroed: Bool) throws {
        let whole = try twoEpochs(end)
        for file in whole.files.indices {
            for cut in 0...whole.files[file].bytes.count {
                var files = Array(whole.files[...file])
                let bytes = files[file].bytes
                files[file].bytes = Array(bytes[..<cut]) + (isZeroed ? [UInt8](repeating: 0, count: bytes.count - cut) : [])
                let kept = whole.frames.prefix { $0.file < file || ($0.file == file && Int($0.header.end) <= cut) }
                // A last byte may be zero as it is.
                let next = whole.frames.dropFirst(kept.count).first
                let isWhole = next.map { $0.file == file && Int($0.header.end) <= files[file].bytes.count && files[file].bytes[..<Int($0.header.end)] == bytes[..<Int($0.header.end)] } ?? false
                let expected = whole.batches(ofFrames: kept.count + (isWhole ? 1 : 0))
                #expect(try isJudged(files, expected, startsToo: cut % 7 == 0), "\(files[file].name) cut at \(cut), zeroed \(isZeroed)")
            }
        }
    }

    @Test(arguments: End.allCases, [false, true])
    func `loss: every suffix of every segment dropped or zeroed, later segments there: refused unless it held nothing`(end: End, isZeroed: Bool) throws {
        let whole = try twoEpochs(end)
        for file in whole.files.indices.dropLast() {
            let framesEnd = Int(whole.frames.last { $0.file == file }!.header.end)
            for cut in 0...whole.files[file].bytes.count {
                var files = whole.files
                let bytes = files[file].bytes
                files[file].bytes = Array(bytes[..<cut]) + (isZeroed ? [UInt8](repeating: 0, count: bytes.count - cut) : [])
                let isWhole = files[file].bytes.count >= framesEnd && files[file].bytes[..<framesEnd] == bytes[..<framesEnd]
                #expect(try isJudged(files, isWhole ? whole.batches : nil, startsToo: cut % 17 == 0), "\(files[file].name) cut at \(cut), zeroed \(isZeroed)")
            }
        }
    }

    @Test(arguments: End.allCases)
    func `loss: every subset of the segments; only the whole log and its beginnings are opened`(end: End) throws {
        let whole = try twoEpochs(end)
        for kept in 0..<(1 << whole.files.count) {
            let files = whole.files.indices.filter { kept & 1 << $0 != 0 }.map { whole.files[$0] }
            let isPrefix = kept & (kept + 1) == 0
            let expected = isPrefix ? whole.batches(ofFrames: whole.frames.count { $0.file < files.count }) : nil
            #expect(try isJudged(files, expected, startsToo: true), "segments \(String(kept, radix: 2))")
        }
    }
}
