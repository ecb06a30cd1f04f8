import Core
import Load

/// The orders of the log's figures: 8 sessions, 1,000 accounts, one instrument with prices within 50 ticks of 64,000.00, quantities
/// uniform in 1...10^6 lots, either side; ids `s3-124` counted up per session, or random UUIDs.
struct OrderStream {
    enum IDs { case counted, uuid }

    static let sessions = 8
    static let accounts: UInt64 = 1_000
    private static let tick: Int64 = 100
    private static let mid: Price = 640_000_000

    private let ids: IDs
    private var random = SplitMix(seed: 17)
    private var counters: [Int]

    init(ids: IDs) {
        self.ids = ids
        counters = Array(repeating: 100_000, count: OrderStream.sessions)
    }

    /// The next order of a session (0 ..< 8).
    mutating func next(session: Int) -> NewOrder {
        let word = random.next()
        let clientID: Text
        switch ids {
        case .counted:
            counters[session] += 1
            clientID = OrderStream.id(session: session, counters[session])
        case .uuid: clientID = OrderStream.uuid(random.next(), random.next())
        }
        return NewOrder(
            account: Int64(random.next(below: OrderStream.accounts)) + 1, instrument: 0, side: word & 1 == 0 ? .buy : .sell, type: .limit,
            timeInForce: .gtc, quantity: Int64(random.next(below: 1_000_000)) + 1,
            price: OrderStream.mid + (Int64((word >> 1) % 101) - 50) * OrderStream.tick, clientID: clientID)
    }

    /// `s3-124`.
    static func id(session: Int, _ counter: Int) -> Text {
        withUnsafeTemporaryAllocation(byteCount: 24, alignment: 8) { bytes in
            var start = 24
            var rest = counter
            while rest > 0 {
                start -= 1
                bytes[start] = UInt8(48 + rest % 10)
                rest /= 10
            }
            bytes[start - 1] = 45
            bytes[start - 2] = UInt8(49 + session)
            bytes[start - 3] = 115
            return Text(bytes: UnsafeRawBufferPointer(rebasing: bytes[(start - 3)...]))!
        }
    }

    private static func uuid(_ high: UInt64, _ low: UInt64) -> Text {
        withUnsafeTemporaryAllocation(byteCount: 36, alignment: 8) { bytes in
            var digit = 0
            for index in 0..<36 {
                if index == 8 || index == 13 || index == 18 || index == 23 {
                    bytes[index] = 45
                    continue
                }
                let nibble = UInt8(truncatingIfNeeded: (digit < 16 ? high : low) >> UInt64(digit & 15 &* 4)) & 15
                bytes[index] = nibble < 10 ? 48 + nibble : 87 + nibble
                digit += 1
            }
            return Text(bytes: UnsafeRawBufferPointer(bytes))!
        }
    }
}
