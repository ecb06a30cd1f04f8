import Core
import Testing

@Suite struct TextTests {
    /// The hash multiplies words by pairs; a client may choose the word that makes a factor zero.
    @Test(arguments: 0..<5) func `hash: no word makes another one count for nothing`(chosen: Int) {
        let constants: [UInt64] = [
            0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB, 0x8EBC_6AF0_9C88_C6E3, 0x5899_65CC_7537_4CC3, 0xEB44_ACCA_B455_D165,
        ]
        for other in 0..<5 where other != chosen {
            var hashes = Set<UInt64>()
            for value in 0..<1_000 {
                var words = [UInt64](repeating: 0, count: 5)
                words[chosen] = constants[chosen]
                words[other] = UInt64(value)
                hashes.insert(text(words).hash)
            }
            #expect(hashes.count == 1_000, "word \(other)")
        }
    }

    @Test func `hash: numbered ids and texts of every length differ`() {
        var hashes = Set<UInt64>()
        for value in 0..<100_000 { hashes.insert(Text("s1-\(value)").hash) }
        for length in 0...36 { hashes.insert(Text(String(repeating: "x", count: length)).hash) }
        #expect(hashes.count == 100_037)
    }

    /// 36 bytes of it: the last word has room for four, and the length behind them.
    private func text(_ words: [UInt64]) -> Text {
        var bytes: [UInt8] = []
        for word in words { for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift * 8))) } }
        return bytes.withUnsafeBytes { Text(bytes: UnsafeRawBufferPointer(rebasing: $0[0..<36]))! }
    }
}
