import Core

// Records: how a mutation becomes bytes inside a batch, and back.
//
// A batch is a run of records; its context (the "previous" values below) starts at zero with each batch, so that a batch can be read alone.
// Integers are LEB128 varints ("v"), signed ones zigzag first ("z"). A record is
//
//   head     1 byte   low 5 bits: kind; 0x20: shard follows; 0x40: session follows; 0x80: time follows
//   [shard]  v        the wallet's number, where it is not the previous record's
//   [session] z       number of the session that caused it (0: the service itself) - the previous record's
//   [time]   z        microseconds after the previous record's (the first: since 1970)
//   body              by kind, below
//
//   kind  mutation            body
//    0    defined             z number - previous number, 1 what, then its fields
//    1    orderAccepted       v flags, [z id - the shard's previous accepted id - 1], [v account], [v instrument], v quantity, [price],
//                             id text after the session's previous one; where the flags say so: z expire - time, amount max,
//                             amount marketReserve, text strategy, text note, z session to cancel with - session,
//                             8 content hash (where it is not that of a NEW with this content), instructions, z id - other leg's id,
//                             z maker rate, z taker rate (where they are not those of the session's previous order)
//    2    orderReplaced       order, 1 flags, v quantity, price, [amount max, amount marketReserve], [z stop - the last price]
//    3    orderCanceled       order, 1 reason | 0x80 note follows, [text]
//    4    orderExpired        order
//    5    filled              order, 1 flags, z trade - the shard's previous trade - 1, v quantity, price,
//                             id text exec after the previous one, [amount fee, v asset], [z venue time - time]
//    6    moneyMoved          1 kind | 0x80 note, v account, v asset, amount, text ref, [text]
//    7    transferredWithin   transfer
//    8    transferSent        transfer, v sequence
//    9    transferReceived    v source, v sequence, v account, v from account, v asset, amount, text ref
//   10    transfersSettled    v target, v up to
//   11    limitsSet           v account, z instrument, 3 amounts, v max open orders, 1 enabled | 0x80 more follows,
//                             [v which, then each that is there: z maker rate, z taker rate, 1 self-trade prevention, v price band,
//                             v order rate, v cancel rate, amount most daily loss; bit 7: no short sales, 8: listed instruments only]
//   12    markSet             v instrument, z price - the instrument's previous price
//   13    positionTakenOver   v account, v instrument, z quantity, v price, text ref, text note
//   14    matched             order (the maker), 1 flags, v quantity, price, [z trade - the shard's previous trade - 1],
//                             [z the shard's active order - taker], [amount maker's fee], [amount taker's fee]
//   15    orderTriggered      order
//   20    lossLatched         v account, z asset, 1 on
//   21    deadManSet          v account, 1 on, [z deadline - time]
//
//   order     z id - the shard's previous order named
//   price     z (price - previous) / 100 or, where the flags say so, z price - previous; the previous is, in orderAccepted, the
//             instrument's of orderAccepted and markSet, else the last price of any record
//   transfer  v account, v to account, v to wallet, v asset, amount, text ref, text note
//   instructions  v: 1 post-only, 2 reduce-only, 4 by mark, 8 stop, 16 display; from bit 5 on two bits of trigger, then three of
//             self-trade prevention; then, where it says so, z stop - the price that the order has, else the instrument's previous one,
//             and v display
//   amount    1: 0 = zero, else 1 + e, or 0x40 + 1 + e when negative; then v (up to 19 bytes) of |amount| / 10^e
//   text      1 length, bytes
//   id text   1 form: 0-36: so many bytes as the previous one's, then 1 length of the rest, bytes;
//                     64 + n: the previous one with n (0-63) added to the decimal number at its end, as many digits as before;
//                     128: 16 bytes of a UUID, printed in lower case, 8-4-4-4-12
//
// "The session's", "the shard's", "the instrument's" previous value is the one in slot number % 16 of a table: another with the
// same slot replaces it. Where flags of orderAccepted leave account, instrument, strategy or rates out, they are the session's previous.
// A shard's active order is the one last accepted, replaced, triggered or named as a taker; its previous trade is the taker's of a match.
//
// What came with data format 4: kinds 14 and 15, 20 and 21, flags of orderAccepted from bit 15 on, bit 3 of orderReplaced, more reasons, states and
// forms of definitions, more of limits. A record that needs none of it has the bytes that it had before.
//
// Valid if and only if every field is in range, texts are at most 36 bytes, and the batch ends with its last record.

/// Kinds of records; part of the format.
enum RecordKind: UInt8 {
    case defined = 0, orderAccepted, orderReplaced, orderCanceled, orderExpired, filled, moneyMoved, transferredWithin,
        transferSent, transferReceived, transfersSettled, limitsSet, markSet,
        positionTakenOver, matched, orderTriggered
    case lossLatched = 20, deadManSet
}

/// What a record is written relative to. Both sides keep one, and change it in the same places. All zero at a batch's begin.
struct RecordContext: BitwiseCopyable {
    /// Of a session's orders. Strategies number their ids, trade few accounts and instruments, and their lines come in turns.
    struct SessionSlot: BitwiseCopyable {
        var account: Int64 = 0
        var instrument: Int32 = 0
        var clientID = Text()
        var strategy = Text()
        var fees = FeeRates()
    }
    struct ShardSlot: BitwiseCopyable {
        var accepted: Int64 = 0
        var order: Int64 = 0
        var trade: Int64 = 0
        /// The order that trades as the taker, if one does.
        var active: Int64 = 0
    }

    var shard: Int32 = 0
    var session: UInt64 = 0
    var time: Int64 = 0
    var definition: Int64 = 0
    var price: Int64 = 0
    var exec = Text()
    var sessions = InlineArray<16, SessionSlot>(repeating: SessionSlot())
    var shards = InlineArray<16, ShardSlot>(repeating: ShardSlot())
    var prices = InlineArray<16, Int64>(repeating: 0)

    /// Back to a batch's begin.
    @inline(__always)
    mutating func reset() {
        withUnsafeMutableBytes(of: &self) { _ = $0.initializeMemory(as: UInt8.self, repeating: 0) }
    }

    @inline(__always) var sessionSlot: Int { Int(truncatingIfNeeded: session & 15) }
    @inline(__always) var shardSlot: Int { Int(shard & 15) }
}

/// Flags of `orderAccepted`. The common ones are in the low seven bits, so that they are one byte.
struct AcceptedFlags {
    static let sell: UInt64 = 1 << 0
    static let market: UInt64 = 1 << 1
    /// Two bits of TimeInForce.
    static let timeInForceShift: UInt64 = 2
    static let account: UInt64 = 1 << 4
    static let instrument: UInt64 = 1 << 5
    static let wholePrice: UInt64 = 1 << 6
    static let id: UInt64 = 1 << 7
    static let expire: UInt64 = 1 << 8
    static let max: UInt64 = 1 << 9
    static let marketReserve: UInt64 = 1 << 10
    static let strategy: UInt64 = 1 << 11
    static let note: UInt64 = 1 << 12
    static let session: UInt64 = 1 << 13
    static let contentHash: UInt64 = 1 << 14
    static let instructions: UInt64 = 1 << 15
    static let oco: UInt64 = 1 << 16
    static let fees: UInt64 = 1 << 17
    static let all: UInt64 = 0x3_FFFF
    /// None of them: an order of nothing but the fields that every order has.
    static let rare: UInt64 =
        id | expire | max | marketReserve | strategy | note | session | contentHash | instructions | oco | fees
}

/// Flags of `instructions`.
struct InstructionFlags {
    static let postOnly: UInt64 = 1 << 0
    static let reduceOnly: UInt64 = 1 << 1
    static let byMark: UInt64 = 1 << 2
    static let stop: UInt64 = 1 << 3
    static let display: UInt64 = 1 << 4
    /// Two bits of Trigger.
    static let triggerShift: UInt64 = 5
    /// Three bits of SelfTradePrevention.
    static let selfTradeShift: UInt64 = 7
    static let all: UInt64 = 0x3FF
}

/// Flags of `orderReplaced`.
struct ReplacedFlags {
    static let max: UInt8 = 1 << 0
    static let marketReserve: UInt8 = 1 << 1
    static let wholePrice: UInt8 = 1 << 2
    static let stop: UInt8 = 1 << 3
    static let all: UInt8 = 0x0F
}

/// Flags of `matched`.
struct MatchedFlags {
    static let trade: UInt8 = 1 << 0
    static let taker: UInt8 = 1 << 1
    static let makerFee: UInt8 = 1 << 2
    static let takerFee: UInt8 = 1 << 3
    static let wholePrice: UInt8 = 1 << 4
    static let all: UInt8 = 0x1F
}

/// Which of a limit's later fields follow.
struct LimitsFlags {
    /// In the byte of `enabled`.
    static let more: UInt8 = 0x80
    static let makerFee: UInt64 = 1 << 0
    static let takerFee: UInt64 = 1 << 1
    static let selfTrade: UInt64 = 1 << 2
    static let priceBand: UInt64 = 1 << 3
    static let orderRate: UInt64 = 1 << 4
    static let cancelRate: UInt64 = 1 << 5
    static let dailyLoss: UInt64 = 1 << 6
    static let noShort: UInt64 = 1 << 7
    static let listed: UInt64 = 1 << 8
    static let all: UInt64 = 0x1FF
}

/// Flags of `filled`.
struct FilledFlags {
    /// Two bits of liquidity.
    static let liquidity: UInt8 = 0x03
    static let fee: UInt8 = 1 << 2
    static let venueTime: UInt8 = 1 << 3
    static let wholePrice: UInt8 = 1 << 4
    static let all: UInt8 = 0x1F
}

/// Bytes that are not a record of this format.
public struct RecordError: Error, CustomStringConvertible {
    /// Offset in the batch.
    public let offset: Int
    public let reason: String
    public var description: String { "not a record, at byte \(offset) of its batch: \(reason)" }
}
