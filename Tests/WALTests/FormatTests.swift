import CZstd
import Foundation
import Testing
import WAL

@Suite struct FormatTests {
    @Test func `XXH64: the specification's values, and the low half zstd itself computes`() {
        func hash(_ text: String) -> UInt64 { Array(text.utf8).withUnsafeBytes { xxh64($0, seed: 0) } }
        #expect(hash("") == 0xEF46_DB37_51D8_E999)
        #expect(hash("a") == 0xD24E_C4F1_A98C_6E5B)
        #expect(hash("abc") == 0x44BC_2CF5_AD77_0999)
        let context = ZSTD_createCCtx()
        defer { ZSTD_freeCCtx(context) }
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        for count in 0..<200 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 31 + count) }
            var out = [UInt8](repeating: 0, count: 1000)
            let size = ZSTD_compress2(context, &out, out.count, bytes, count)
            let ours = bytes.withUnsafeBytes { UInt32(truncatingIfNeeded: xxh64($0, seed: 0)) }
            #expect(out[(size - 4)..<size].reversed().reduce(0) { $0 << 8 | UInt32($1) } == ours, "\(count) bytes")
        }
    }

    @Test func `golden bytes: the first segment of a log with one session and two batches`() throws {
        let scratch = Scratch()
        var options = smallOptions()
        options.randomSalt = { 0x1122_3344_5566_7788 }
        let (log, _) = try open(scratch, options)
        log.register(SessionInfo(number: 1 << 32 | 7, subject: "7", roles: "trader", peer: "::1", name: "grid", openedMicroseconds: 1_763_798_400_000_000))
        append(log, Array("abc".utf8), count: 3, session: 1 << 32 | 7, commit: false)
        append(log, Array("de".utf8), count: 2, session: 1 << 32 | 7)
        log.close()
        #expect(scratch.files(".wal") == ["00000000000000000001-00000001.wal"])
        let hex = scratch.read("00000000000000000001-00000001.wal").map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hex == golden)
    }

    let golden = [
        // the epoch's first frame: header, then the zstd frame
        "5c2a4d18700000004355574c02000100010000000000000088776655443322110100000000000000",
        "00000000000000000100000000000000010000000000000000000000000000000000000000000000",
        "00000000000000000d00000000000000583f7e2ead7d8bf40000000000000000f804606cfb348e30",
        "28b52ffd240001000099e9d851",
        // one session, two batches: header, then the zstd frame
        "5c2a4d18700000004355574c02000000010000000200000088776655443322110100000000000000",
        "85000000000000000200000000000000010000000000000000000000000000000100000000000000",
        "050000002b000000380000000100000022689cdcf9f74b96f804606cfb348e30a33216c37995c40d",
        "28b52ffd242b5901000700000001000000006016512a440600013706747261646572033a3a310467726964030361626302026465e912f392",
        // the clean stop's frame: header, then the zstd frame
        "5c2a4d18700000004355574c02000200010000000000000088776655443322110100000000000000",
        "35010000000000000300000000000000060000000000000005000000000000000200000000000000",
        "00000000000000000d00000000000000583f7e2ead7d8bf4a33216c37995c40debfa2b0abff5ce8e",
        "28b52ffd240001000099e9d851",
    ].joined()

    @Test func `segment name: padded, read back, others refused`() {
        let name = SegmentName(firstLSN: 81_275, number: 12)
        #expect(name.file == "00000000000000081275-00000012.wal" && SegmentName(name.file) == name)
        for other in ["LOCK", "spare-1.tmp", name.file + ".torn", name.file + ".cut", "0000000000000008127x-00000012.wal", ""] {
            #expect(SegmentName(other) == nil, "\(other)")
        }
    }

    @Test func `frame: payloads of every size around the raw block's forms come back`() throws {
        for rawBytesMax in [0, 128 << 10] {
            var options = smallOptions(segmentBytes: 1 << 20)
            options.rawBytesMax = rawBytesMax
            let scratch = Scratch()
            let (log, _) = try open(scratch, options)
            // The payload is the batch's bytes and two to four of its lengths.
            let sizes = Array(0..<4) + Array(120..<132) + Array(248..<262) + Array(65_780..<65_800) + Array(131_060..<131_075) + [400_000, 9_000_000]
            let sent = sizes.map { size in append(log, (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ ($0 >> 8)) }) }
            log.close()
            let (again, contents) = try open(scratch, options)
            #expect(contents.batches == sent)
            again.close()
            try zstd(["-t"], scratch)
        }
    }

    @Test func `segment: larger than a segment gets one of its own size; sealed ones pass zstd -t, and zstd -dc prints the payloads`() throws {
        let scratch = Scratch()
        let (log, _) = try open(scratch)
        var noise = SystemRandomNumberGenerator()
        var sent: [Recovered] = []
        for size in [100, 5000, 5000, 20_000, 3, 9000, 100_000, 7] {
            sent.append(append(log, (0..<size).map { _ in UInt8.random(in: 0...255, using: &noise) }))
        }
        log.close()
        #expect(scratch.files(".wal").count >= 5)
        let (again, contents) = try open(scratch)
        #expect(contents.batches == sent)
        again.close()
        let plain = try zstd(["-dc"], scratch)
        var expected: [UInt8] = []
        for batch in sent { expected += [1] + leb128(batch.bytes.count) + batch.bytes }
        if let plain { #expect(plain == expected) }
        try zstd(["-t"], scratch)
    }

    func leb128(_ value: Int) -> [UInt8] { value < 128 ? [UInt8(value)] : [UInt8(value & 127 | 128)] + leb128(value >> 7) }

    /// Runs the zstd tool on all segments: its output, which must be without complaint, or `nil` when it is not installed.
    @discardableResult
    func zstd(_ arguments: [String], _ scratch: Scratch) throws -> [UInt8]? {
        guard let tool = ["/usr/bin/zstd", "/usr/local/bin/zstd"].first(where: FileManager.default.isExecutableFile) else {
            print("SKIPPED: no zstd tool here, so its judgement of our segments is not asked")
            return nil
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = arguments + scratch.files(".wal").map { scratch.path + "/" + $0 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "zstd \(arguments)")
        return [UInt8](data)
    }
}
