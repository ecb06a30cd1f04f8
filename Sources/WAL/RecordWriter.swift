import Core

/// Appends mutations to the open batch of one loop. Stage 6 of the request path; the format is in RecordCodec.swift.
/// Owner: the loop's thread. No allocation.
public struct RecordWriter {
    /// More than the longest record.
    private static let recordBytesMax = 640
    private var context = RecordContext()

    public init() {}

    /// Starts a new batch: forgets what the records of the one before could refer to.
    public mutating func begin() {
        context = RecordContext()
    }

    /// Appends one record of `shard`, decided at `time` for `session` (0: the service itself).
    public mutating func append(
        _ mutation: borrowing Mutation, shard: WalletID, time: Timestamp, session: UInt64, to batch: Batch
    ) {
        if batch.recordCount == 0 { begin() }
        var out = RecordBytes(batch.bytes.reserve(RecordWriter.recordBytesMax))
        write(mutation, shard, time, session, &out)
        batch.bytes.commit(out.count)
        batch.recordCount += 1
        batch.note(session: session)
    }

    private mutating func write(
        _ mutation: borrowing Mutation, _ shard: WalletID, _ time: Timestamp, _ session: UInt64, _ out: inout RecordBytes
    ) {
        var head: UInt8 = 0
        if shard != context.shard { head |= 0x20 }
        if session != context.session { head |= 0x40 }
        if time != context.time { head |= 0x80 }
        out.byte(0)
        if head & 0x20 != 0 { out.varint(UInt64(shard)) }
        if head & 0x40 != 0 { out.varint(session) }
        if head & 0x80 != 0 { out.zigzag(time &- context.time) }
        context.shard = shard
        context.session = session
        context.time = time
        let kind: RecordKind
        switch copy mutation {
        case .defined(let number, let definition):
            kind = .defined
            out.zigzag(number &- context.definition)
            context.definition = number
            out.definition(definition)
        case .orderAccepted(let it):
            kind = .orderAccepted
            write(it, time, &out)
        case .orderReplaced(let it):
            kind = .orderReplaced
            order(it.order, &out)
            out.varint(UInt64(it.quantity))
            price(it.price, &out)
            out.byte((it.max != 0 ? 1 : 0) | (it.marketReserve != 0 ? 2 : 0))
            if it.max != 0 { out.amount(it.max) }
            if it.marketReserve != 0 { out.amount(it.marketReserve) }
        case .orderCanceled(let it):
            kind = .orderCanceled
            order(it.order, &out)
            out.byte(it.reason.rawValue | (it.note.isEmpty ? 0 : 0x80))
            if !it.note.isEmpty { out.text(it.note) }
        case .orderExpired(let id):
            kind = .orderExpired
            order(id, &out)
        case .filled(let it):
            kind = .filled
            write(it, time, &out)
        case .moneyMoved(let it):
            kind = .moneyMoved
            out.byte(it.kind.rawValue | (it.note.isEmpty ? 0 : 0x80))
            out.varint(UInt64(it.account))
            out.varint(UInt64(it.asset))
            out.amount(it.amount)
            out.text(it.reference)
            if !it.note.isEmpty { out.text(it.note) }
        case .transferredWithin(let it):
            kind = .transferredWithin
            out.transfer(it)
        case .transferSent(let it, let sequence):
            kind = .transferSent
            out.transfer(it)
            out.varint(UInt64(sequence))
        case .transferReceived(let it):
            kind = .transferReceived
            out.varint(UInt64(it.source))
            out.varint(UInt64(it.sequence))
            out.varint(UInt64(it.account))
            out.varint(UInt64(it.fromAccount))
            out.varint(UInt64(it.asset))
            out.amount(it.amount)
            out.text(it.reference)
        case .transfersSettled(let target, let upTo):
            kind = .transfersSettled
            out.varint(UInt64(target))
            out.varint(UInt64(upTo))
        case .limitsSet(let account, let instrument, let it):
            kind = .limitsSet
            out.varint(UInt64(account))
            out.zigzag(Int64(instrument))
            out.amount(it.maxQuantity)
            out.amount(it.maxNotional)
            out.amount(it.maxPosition)
            out.varint(UInt64(it.maxOpenOrders))
            out.byte(it.enabled ? 1 : 0)
        case .markSet(let instrument, let mark):
            kind = .markSet
            out.varint(UInt64(instrument))
            price(mark, &out)
        }
        out.patch(0, kind.rawValue | head)
    }

    private mutating func write(_ it: OrderAccepted, _ time: Timestamp, _ out: inout RecordBytes) {
        out.zigzag(it.id &- context.accepted &- 1)
        context.accepted = it.id
        context.order = it.id
        var flags: UInt16 = UInt16(it.timeInForce.rawValue) << AcceptedFlags.timeInForceShift
        if it.side == .sell { flags |= AcceptedFlags.sell }
        if it.type == .market { flags |= AcceptedFlags.market }
        if it.expire != 0 { flags |= AcceptedFlags.expire }
        if it.max != 0 { flags |= AcceptedFlags.max }
        if it.marketReserve != 0 { flags |= AcceptedFlags.marketReserve }
        if !it.strategy.isEmpty { flags |= AcceptedFlags.strategy }
        if !it.note.isEmpty { flags |= AcceptedFlags.note }
        if it.cancelOnDisconnect != 0 { flags |= AcceptedFlags.session }
        if it.contentHash != it.contentHashOfNew { flags |= AcceptedFlags.contentHash }
        out.byte(UInt8(truncatingIfNeeded: flags))
        out.byte(UInt8(truncatingIfNeeded: flags >> 8))
        out.varint(UInt64(it.account))
        out.varint(UInt64(it.instrument))
        out.varint(UInt64(it.quantity))
        if it.type == .limit { price(it.price, &out) }
        out.text(it.clientID, after: context.clientID)
        context.clientID = it.clientID
        if it.expire != 0 { out.zigzag(it.expire &- time) }
        if it.max != 0 { out.amount(it.max) }
        if it.marketReserve != 0 { out.amount(it.marketReserve) }
        if !it.strategy.isEmpty { out.text(it.strategy) }
        if !it.note.isEmpty { out.text(it.note) }
        if it.cancelOnDisconnect != 0 { out.varint(it.cancelOnDisconnect) }
        if flags & AcceptedFlags.contentHash != 0 { out.word(it.contentHash) }
    }

    private mutating func write(_ it: Filled, _ time: Timestamp, _ out: inout RecordBytes) {
        order(it.order, &out)
        out.zigzag(it.trade &- context.trade &- 1)
        context.trade = it.trade
        out.varint(UInt64(it.quantity))
        price(it.price, &out)
        var flags = it.liquidity.rawValue
        if it.fee != 0 || it.feeAsset != 0 { flags |= FilledFlags.fee }
        if it.venueTime != 0 { flags |= FilledFlags.venueTime }
        out.byte(flags)
        out.text(it.exec, after: context.exec)
        context.exec = it.exec
        if flags & FilledFlags.fee != 0 {
            out.amount(it.fee)
            out.varint(UInt64(it.feeAsset))
        }
        if it.venueTime != 0 { out.zigzag(it.venueTime &- time) }
    }

    @inline(__always)
    private mutating func order(_ id: OrderID, _ out: inout RecordBytes) {
        out.zigzag(id &- context.order)
        context.order = id
    }

    @inline(__always)
    private mutating func price(_ price: Price, _ out: inout RecordBytes) {
        out.zigzag(price &- context.price)
        context.price = price
    }
}

/// Where a record is written: memory reserved for the longest one.
struct RecordBytes {
    private let base: UnsafeMutableRawPointer
    private(set) var count = 0

    init(_ base: UnsafeMutableRawPointer) { self.base = base }

    @inline(__always)
    mutating func byte(_ value: UInt8) {
        base.storeBytes(of: value, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    func patch(_ offset: Int, _ value: UInt8) { base.storeBytes(of: value, toByteOffset: offset, as: UInt8.self) }

    mutating func word(_ value: UInt64) {
        base.storeBytes(of: value.littleEndian, toByteOffset: count, as: UInt64.self)
        count &+= 8
    }

    @inline(__always)
    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            byte(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest &>>= 7
        }
        byte(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    mutating func zigzag(_ value: Int64) { varint(UInt64(bitPattern: (value &<< 1) ^ (value &>> 63))) }

    mutating func amount(_ value: Amount) {
        if value == 0 { return byte(0) }
        var rest = value.magnitude
        var exponent: UInt8 = 0
        // Decimal text has few digits: take the zeros of 10^-18 away, most at once.
        for (step, power) in [(16, 10_000_000_000_000_000), (8, 100_000_000), (4, 10_000), (2, 100), (1, 10)] as [(UInt8, UInt128)] {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: power)
            if remainder == 0 {
                rest = quotient
                exponent += step
            }
        }
        byte((value < 0 ? 0x40 : 0) + 1 + exponent)
        while rest >= 0x80 {
            byte(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        byte(UInt8(truncatingIfNeeded: rest))
    }

    mutating func text(_ text: Text) {
        byte(UInt8(text.count))
        text.withBytes { (base + count).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        count &+= text.count
    }

    /// Writes what differs from the previous text of its kind.
    mutating func text(_ text: Text, after previous: Text) {
        text.withBytes { bytes in
            let shared = previous.withBytes { before in
                var shared = 0
                let most = min(bytes.count, before.count)
                while shared < most, bytes[shared] == before[shared] { shared += 1 }
                return shared
            }
            byte(UInt8(shared))
            byte(UInt8(bytes.count - shared))
            for index in shared..<bytes.count { byte(bytes[index]) }
        }
    }

    mutating func transfer(_ it: Transfer) {
        varint(UInt64(it.account))
        varint(UInt64(it.toAccount))
        varint(UInt64(it.toWallet))
        varint(UInt64(it.asset))
        amount(it.amount)
        text(it.reference)
        text(it.note)
    }

    mutating func definition(_ definition: Definition) {
        switch definition {
        case .asset(let it):
            byte(0)
            text(it.name)
            varint(UInt64(it.decimals))
        case .wallet(let it):
            byte(1)
            text(it.name)
        case .venue(let it):
            byte(2)
            text(it.name)
            byte(it.kind.rawValue)
        case .instrument(let it):
            byte(3)
            text(it.symbol)
            for id in [it.venue, it.wallet, it.base, it.quote, it.priceScale, it.quantityScale] { varint(UInt64(id)) }
            byte(it.funds.rawValue)
            terms(it.terms)
        case .changeInstrument(let id, let it):
            byte(4)
            varint(UInt64(id))
            terms(it)
        case .account(let number, let status):
            byte(5)
            varint(UInt64(number))
            byte(status.rawValue)
        case .setting(let setting, let value):
            byte(6)
            byte(setting.rawValue)
            zigzag(value)
        }
    }

    private mutating func terms(_ it: InstrumentTerms) {
        varint(UInt64(it.tick))
        varint(UInt64(it.lot))
        varint(UInt64(it.minQuantity))
        varint(UInt64(it.maxQuantity))
        amount(it.minNotional)
        byte(it.state.rawValue)
    }
}
