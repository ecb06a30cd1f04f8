import Foundation
import Testing
import WAL

@Suite struct CrashTests {
    /// A log of the opening frame and three frames more, as a crash leaves it, or closed.
    func threeFrames(close: Bool = false) throws -> (file: String, bytes: [UInt8], frames: [FrameHeader], batches: [Recovered]) {
        let scratch = Scratch()
        let (log, _) = try open(scratch, smallOptions(segmentBytes: 1024))
        let batches = [append(log, Array("first".utf8)), append(log, Array("second, third".utf8), count: 2), append(log, Array("fourth".utf8))]
        if close { log.close() } else { log.abandon() }
        let file = scratch.files(".wal")[0]
        let bytes = scratch.read(file)
        return (file, bytes, frames(of: bytes, segment: 1), batches)
    }

    @Test func `crash: after every byte of three frames, cut or zeroed from there, a prefix of whole frames is recovered`() throws {
        let (file, bytes, frames, batches) = try threeFrames()
        #expect(frames.count == 4 && bytes.count == 1024)
        for isZeroed in [false, true] {
            for cut in 0...Int(frames[3].end) {
                let image = isZeroed ? bytes[..<cut] + [UInt8](repeating: 0, count: bytes.count - cut) : bytes[..<cut]
                let whole = frames.filter { Int($0.end) <= image.count && image[..<Int($0.end)] == bytes[..<Int($0.end)] }.count
                let scratch = Scratch()
                scratch.write(file, image)
                let (log, contents) = try open(scratch, smallOptions(segmentBytes: 1024))
                #expect(contents.batches == Array(batches.prefix(max(whole - 1, 0))), "cut at \(cut), zeroed \(isZeroed)")
                let isTorn = whole < 4 && image[(whole == 0 ? 0 : Int(frames[whole - 1].end))...].contains { $0 != 0 }
                #expect(scratch.files(".torn").count == (isTorn ? 1 : 0), "cut at \(cut), zeroed \(isZeroed)")
                #expect(log.recovery.warnings.count == (isTorn ? 1 : 0))
                // And it goes on from there.
                let more = append(log, Array("more".utf8))
                log.abandon()
                let (again, after) = try open(scratch, smallOptions(segmentBytes: 1024))
                #expect(after.batches == contents.batches + [more])
                again.abandon()
            }
        }
    }

    @Test func `rot: every bit flipped in a crashed log is refused, or is in the last frame and cut, or harms nothing`() throws {
        let (file, bytes, frames, batches) = try threeFrames()
        try flipEveryBit(file, bytes) { at, contents in
            if at < Int(frames[2].end) { return contents == nil }
            return contents?.batches == (at < Int(frames[3].end) ? Array(batches.dropLast()) : batches)
        }
    }

    @Test func `rot: every bit flipped in a closed log is refused, or is in the closing frame and harms nothing`() throws {
        let (file, bytes, frames, batches) = try threeFrames(close: true)
        #expect(frames.count == 5 && Int(frames[4].end) == bytes.count)
        try flipEveryBit(file, bytes) { at, contents in
            at < Int(frames[3].end) ? contents == nil : contents?.batches == batches
        }
    }

    func flipEveryBit(_ file: String, _ bytes: [UInt8], _ isRight: (Int, Contents?) -> Bool) throws {
        let end = frames(of: bytes, segment: 1).last!.end
        for bit in 0..<(min(bytes.count, Int(end) + 40) * 8) {
            var image = bytes
            image[bit / 8] ^= 1 << UInt8(bit % 8)
            let scratch = Scratch()
            scratch.write(file, image)
            var found: Contents?
            do {
                let (log, contents) = try open(scratch, smallOptions(segmentBytes: 1024))
                log.abandon()
                found = contents
            } catch LogError.corrupt(let path, let offset, _, _) {
                #expect(path.hasSuffix(file) && offset <= UInt64(bit / 8))
                #expect(scratch.read(file) == image, "a refused log is left as it is")
            }
            #expect(isRight(bit / 8, found), "bit \(bit % 8) of byte \(bit / 8): \(String(describing: found))")
        }
    }

    @Test func `frame that claims to unpack to 4 GiB, right in itself: refused before room is made for that`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch, smallOptions(segmentBytes: 1024))
        append(log, [1, 2, 3])
        log.abandon()
        let file = scratch.files(".wal")[0]
        var bytes = scratch.read(file)
        var header = try #require(frames(of: bytes, segment: 1).last)
        header.payloadSize = .max
        bytes.withUnsafeMutableBytes { header.encode(to: $0.baseAddress! + Int(header.offset)) }
        scratch.write(file, bytes)
        do {
            _ = try open(scratch, smallOptions(segmentBytes: 1024))
            Issue.record("opened")
        } catch LogError.corrupt(_, let offset, let lsn, let reason) {
            #expect(offset == header.offset && lsn == 1 && reason.contains("larger than its zstd frame"))
        }
    }

    @Test func `torn tail: the file as it was is kept and said`() throws {
        let (file, bytes, frames, _) = try threeFrames()
        let scratch = Scratch()
        var image = bytes
        image[Int(frames[3].end) - 3] ^= 0xFF
        scratch.write(file, image)
        let (log, _) = try open(scratch, smallOptions(segmentBytes: 1024))
        #expect(log.recovery.tornFile == scratch.path + "/" + file + ".torn")
        #expect(log.recovery.tornBytes == frames[3].end - frames[3].offset)
        #expect(scratch.read(file + ".torn") == Array(image[..<Int(frames[3].end)]))
        #expect(scratch.read(file) == Array(bytes[..<Int(frames[3].offset)]))
        #expect(log.recovery.warnings[0].contains("after LSN 3 were cut"))
        log.abandon()
    }

    @Test func `torn tail: any sectors of the last frame lost`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch)
        var noise = SystemRandomNumberGenerator()
        let kept = append(log, [1, 2, 3])
        append(log, (0..<2000).map { _ in UInt8.random(in: 1...255, using: &noise) })
        log.abandon()
        let file = scratch.files(".wal")[0]
        let bytes = scratch.read(file)
        let last = try #require(frames(of: bytes, segment: 1).last)
        let sectors = Int(last.offset) / 512...Int(last.end - 1) / 512
        for lost in 1..<(1 << sectors.count) {
            var image = bytes
            for (i, sector) in sectors.enumerated() where lost & 1 << i != 0 {
                // A sector shared with an earlier frame keeps what was synced before.
                for at in max(sector * 512, Int(last.offset))..<min(sector * 512 + 512, Int(last.end)) { image[at] = 0 }
            }
            let crashed = Scratch()
            crashed.write(file, image)
            let (again, contents) = try open(crashed)
            #expect(contents.batches == [kept], "lost sectors \(lost)")
            again.abandon()
        }
    }

    @Test func `torn tail: a record that looks like a frame header claims nothing, as it has not the epoch's salt`() throws {
        for hasSalt in [false, true] {
            let scratch = Scratch()
            var options = smallOptions()
            options.randomSalt = { 77 }
            let (log, _) = try open(scratch, options)
            let kept = append(log, [1])
            let start = frames(of: scratch.read(scratch.files(".wal")[0]), segment: 1).last!.end
            var forged = FrameHeader()
            forged.segment = 1
            forged.salt = hasSalt ? 77 : 78
            forged.durableLSN = 1000
            forged.offset = start + UInt64(FrameHeader.size) + 10 + 3  // stored raw: 10 bytes of zstd's, 3 of the batch's
            let record = withUnsafeTemporaryAllocation(byteCount: FrameHeader.size, alignment: 8) {
                forged.encode(to: $0.baseAddress!)
                return Array($0)
            }
            append(log, record + [UInt8](repeating: 9, count: 200))
            log.abandon()
            var bytes = scratch.read(scratch.files(".wal")[0])
            bytes[Int(frames(of: bytes, segment: 1).last!.end) - 1] ^= 1
            scratch.write(scratch.files(".wal")[0], bytes)
            // Whoever knew the salt could forge a claim; that this is refused shows that the forgery is otherwise right.
            if hasSalt {
                #expect(throws: LogError.self) { _ = try open(scratch) }
            } else {
                let (again, contents) = try open(scratch)
                #expect(contents.batches == [kept])
                again.abandon()
            }
        }
    }

    /// A crashed log of several segments; the last is in use.
    func manySegments(_ scratch: Scratch, filledWith first: Int = 0) throws -> [Recovered] {
        var options = smallOptions(segmentBytes: 1024)
        options.randomSalt = { 5 }
        let (log, _) = try open(scratch, options)
        let batches = (first..<first + 20).map { append(log, [UInt8](repeating: UInt8($0), count: 100)) }
        log.abandon()
        #expect(scratch.files(".wal").count >= 4)
        return batches
    }

    @Test func `missing segment: in the middle, at the begin; refused with file, offset and LSN`() throws {
        let scratch = Scratch()
        _ = try manySegments(scratch)
        let names = scratch.files(".wal")
        let second = try #require(SegmentName(names[1]))
        let kept = scratch.read(names[1])
        scratch.remove(names[1])
        do {
            _ = try open(scratch)
            Issue.record("opened without segment 2")
        } catch LogError.corrupt(let file, let offset, let lsn, let reason) {
            #expect(file.hasSuffix(names[1]) && offset == 0 && lsn == second.firstLSN && reason.contains("segment 2 is missing"))
        }
        scratch.write(names[1], kept)
        scratch.remove(names[0])
        #expect(throws: LogError.self) { _ = try open(scratch) }
    }

    @Test func `segment of another history, right in itself: refused, as its frames do not chain on`() throws {
        let (scratch, other) = (Scratch(), Scratch())
        _ = try manySegments(scratch)
        _ = try manySegments(other, filledWith: 100)
        let names = scratch.files(".wal")
        #expect(other.files(".wal") == names)
        for name in names.dropFirst() {
            let kept = scratch.read(name)
            scratch.write(name, other.read(name))
            #expect(throws: LogError.self) { _ = try open(scratch) }
            scratch.write(name, kept)
        }
    }

    @Test func `last segment's first frame torn: the roll's crash; the log is whole without it`() throws {
        let scratch = Scratch()
        let batches = try manySegments(scratch)
        let last = scratch.files(".wal").last!
        let inLast = frames(of: scratch.read(last), segment: SegmentName(last)!.number)
        scratch.write(last, [UInt8](repeating: 0, count: 1024))
        let (log, contents) = try open(scratch)
        #expect(contents.batches == batches.dropLast(inLast.count))
        #expect(scratch.files(".torn") == [])
        log.abandon()
    }

    @Test func `first frame of the last segment rotted, later ones there: refused`() throws {
        let scratch = Scratch()
        _ = try manySegments(scratch)
        scratch.remove(scratch.files(".wal").last!)  // it may have one frame; the one before is full
        let last = scratch.files(".wal").last!
        #expect(frames(of: scratch.read(last), segment: SegmentName(last)!.number).count >= 2)
        var bytes = scratch.read(last)
        bytes[60] ^= 4
        scratch.write(last, bytes)
        #expect(throws: LogError.self) { _ = try open(scratch) }
    }

    @Test(arguments: [false, true])
    func `last frame of a full segment rotted or lost, the next segment empty: its name says what was durable`(isLost: Bool) throws {
        let scratch = Scratch()
        _ = try manySegments(scratch)
        let names = scratch.files(".wal")
        scratch.write(names.last!, [])
        let before = names[names.count - 2]
        var bytes = scratch.read(before)
        let last = try #require(frames(of: bytes, segment: SegmentName(before)!.number).last)
        if isLost {
            for at in Int(last.offset)..<bytes.count { bytes[at] = 0 }
        } else {
            bytes[Int(last.end) - 1] ^= 1
        }
        scratch.write(before, bytes)
        #expect(throws: LogError.self) { _ = try open(scratch) }
    }

    @Test func `repair: refuses unless told, then cuts at the damage and keeps the rest aside`() throws {
        let scratch = Scratch()
        let batches = try manySegments(scratch)
        let names = scratch.files(".wal")
        var bytes = scratch.read(names[1])
        let second = frames(of: bytes, segment: 2)
        bytes[Int(second[1].offset) + 130] ^= 1
        scratch.write(names[1], bytes)
        #expect(throws: LogError.self) { _ = try open(scratch) }
        let asked = try repair(directory: scratch.path, cut: false)
        #expect(asked.damage != nil && !asked.isDone && scratch.read(names[1]) == bytes)
        let done = try repair(directory: scratch.path, cut: true)
        #expect(done.isDone && done.lastLSN == second[1].firstLSN - 1 && done.putAside.count == names.count - 1)
        #expect(scratch.read(names[1] + ".cut") == bytes)
        let (log, contents) = try open(scratch)
        #expect(contents.batches == Array(batches.prefix(Int(done.lastLSN))))
        log.close()
        #expect(try repair(directory: scratch.path, cut: true).damage == nil)
    }

    @Test func `verify: says what is there and what is wrong`() throws {
        let scratch = Scratch()
        _ = try manySegments(scratch)
        let sound = verify(directory: scratch.path)
        #expect(sound.isSound && sound.records == 20 && sound.lsns == 1...20 && sound.frames == 21)
        #expect(sound.description.contains("LSN 1 to 20") && sound.description.contains("sound; it was not closed"))
        var bytes = scratch.read(scratch.files(".wal")[0])
        bytes[300] ^= 1
        scratch.write(scratch.files(".wal")[0], bytes)
        let rotten = verify(directory: scratch.path)
        #expect(!rotten.isSound && rotten.description.contains("NOT SOUND") && rotten.error?.exitCode == 65)
    }
}
