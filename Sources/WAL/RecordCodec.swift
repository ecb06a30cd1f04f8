import Core

// Records: how a mutation becomes bytes inside a batch, and back.
//
// A batch is a run of records; its context (the "previous" values below) starts at zero with each batch, so that a batch can be read alone.
// Integers are LEB128 varints ("v"), signed ones zigzag first ("z"). A record is
//
//   head     1 byte   low 5 bits: kind; 0x20: shard follows; 0x40: session follows; 0x80: time follows
//   [shard]  v        the wallet's number, where it is not the previous record's
//   [session] v       who caused it (0: the service itself), where it is not the previous record's
//   [time]   z        microseconds after the previous record's (the first: since 1970)
//   body              by kind, below
//
//   kind  mutation            body
//    0    defined             z number - previous number, 1 what, then its fields
//    1    orderAccepted       z id - previous accepted id - 1, 2 flags, v account, v instrument, v quantity, [z price - previous price],
//                             id text; where the flags say so: z expire - time, amount max, amount marketReserve, text strategy, text note,
//                             v session to cancel with, 8 content hash (where it is not that of a NEW with this content)
//    2    orderReplaced       order, v quantity, z price - previous price, 1 flags, [amount max, amount marketReserve]
//    3    orderCanceled       order, 1 reason | 0x80 note follows, [text]
//    4    orderExpired        order
//    5    filled              order, z trade - previous trade - 1, v quantity, z price - previous price, 1 flags, exec text, [amount fee, v asset],
//                             [z venue time - time]
//    6    moneyMoved          1 kind | 0x80 note, v account, v asset, amount, text ref, [text]
//    7    transferredWithin   transfer
//    8    transferSent        transfer, v sequence
//    9    transferReceived    v source, v sequence, v account, v from account, v asset, amount, text ref
//   10    transfersSettled    v target, v up to
//   11    limitsSet           v account, z instrument, 3 amounts, v max open orders, 1 enabled
//   12    markSet             v instrument, z price - previous price
//
//   order     z id - previous order named
//   transfer  v account, v to account, v to wallet, v asset, amount, text ref, text note
//   amount    1: 0 = zero, else 1 + e, or 0x40 + 1 + e when negative; then v (up to 19 bytes) of |amount| / 10^e
//   text      1 length, bytes
//   id text, exec text   1 length of the prefix shared with the previous one of its kind, 1 length of the rest, bytes
//
// Valid if and only if every field is in range, texts are at most 36 bytes, and the batch ends with its last record.

/// Kinds of records; part of the format.
enum RecordKind: UInt8 {
    case defined = 0, orderAccepted, orderReplaced, orderCanceled, orderExpired, filled, moneyMoved, transferredWithin,
        transferSent, transferReceived, transfersSettled, limitsSet, markSet
}

/// What a record is written relative to. Both sides keep one, and change it in the same places.
struct RecordContext {
    var shard: Int32 = 0
    var session: UInt64 = 0
    var time: Int64 = 0
    var accepted: Int64 = 0
    var order: Int64 = 0
    var trade: Int64 = 0
    var definition: Int64 = 0
    var price: Int64 = 0
    var clientID = Text()
    var exec = Text()
}

/// Flags of `orderAccepted`.
struct AcceptedFlags {
    static let sell: UInt16 = 1 << 0
    static let market: UInt16 = 1 << 1
    /// Two bits of TimeInForce.
    static let timeInForceShift: UInt16 = 2
    static let expire: UInt16 = 1 << 4
    static let max: UInt16 = 1 << 5
    static let marketReserve: UInt16 = 1 << 6
    static let strategy: UInt16 = 1 << 8
    static let note: UInt16 = 1 << 9
    static let session: UInt16 = 1 << 10
    static let contentHash: UInt16 = 1 << 11
    static let known: UInt16 = 0x0F7F
}

/// Flags of `filled`.
struct FilledFlags {
    /// Two bits of liquidity.
    static let liquidity: UInt8 = 0x03
    static let fee: UInt8 = 1 << 2
    static let venueTime: UInt8 = 1 << 3
    static let known: UInt8 = 0x0F
}

/// Bytes that are not a record of this format.
public struct RecordError: Error, CustomStringConvertible {
    /// Offset in the batch.
    public let offset: Int
    public let reason: String
    public var description: String { "not a record, at byte \(offset) of its batch: \(reason)" }
}
