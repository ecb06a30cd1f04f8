import Core

/// Reads the records of one batch. Any bytes are safe to give it: what is not of the format throws ``RecordError``.
public struct RecordReader {
    public struct Record: BitwiseCopyable, Sendable {
        public var shard: WalletID
        public var time: Timestamp
        /// Who caused it; 0: the service itself.
        public var session: UInt64
        public var mutation: Mutation
    }

    private let bytes: UnsafeRawBufferPointer
    private var offset = 0
    private var left: Int
    private var context = RecordContext()

    /// `bytes` must stay valid while the reader is used.
    public init(bytes: UnsafeRawBufferPointer, count: Int) {
        self.bytes = bytes
        left = count
    }

    /// The next record; `nil` after the last.
    public mutating func next() throws(RecordError) -> Record? {
        if left == 0 {
            if offset != bytes.count { throw fault("bytes after the last record") }
            return nil
        }
        left -= 1
        let head = try byte()
        if head & 0x20 != 0 {
            let shard = try varint()
            guard shard < 1 << 13 else { throw fault("shard number out of range") }
            context.shard = Int32(shard)
        }
        if head & 0x40 != 0 { context.session = try varint() }
        if head & 0x80 != 0 { context.time &+= try zigzag() }
        guard let kind = RecordKind(rawValue: head & 0x1F) else { throw fault("unknown kind of record") }
        return Record(
            shard: context.shard, time: context.time, session: context.session, mutation: try mutation(kind))
    }

    private mutating func mutation(_ kind: RecordKind) throws(RecordError) -> Mutation {
        switch kind {
        case .defined:
            context.definition &+= try zigzag()
            return .defined(number: context.definition, try definition())
        case .orderAccepted: return .orderAccepted(try accepted())
        case .orderReplaced:
            let order = try order()
            let quantity = try int64()
            let price = try price()
            let flags = try byte()
            guard flags < 4 else { throw fault("unknown flags") }
            let max = flags & 1 != 0 ? try amount() : 0
            let marketReserve = flags & 2 != 0 ? try amount() : 0
            return .orderReplaced(
                OrderReplaced(order: order, quantity: quantity, price: price, max: max, marketReserve: marketReserve))
        case .orderCanceled:
            let order = try order()
            let flags = try byte()
            guard let reason = CancelReason(rawValue: flags & 0x7F) else { throw fault("unknown reason") }
            let note = flags & 0x80 != 0 ? try text() : Text()
            return .orderCanceled(OrderCanceled(order: order, reason: reason, note: note))
        case .orderExpired: return .orderExpired(order: try order())
        case .filled: return .filled(try filled())
        case .moneyMoved:
            let flags = try byte()
            guard let kind = Money.Kind(rawValue: flags & 0x7F) else { throw fault("unknown kind of money") }
            let account = try int64()
            let asset = try int32()
            let amount = try amount()
            let reference = try text()
            let note = flags & 0x80 != 0 ? try text() : Text()
            return .moneyMoved(
                Money(kind, account: account, asset: asset, amount: amount, reference: reference, note: note))
        case .transferredWithin: return .transferredWithin(try transfer())
        case .transferSent:
            let transfer = try transfer()
            return .transferSent(transfer, sequence: try int64())
        case .transferReceived:
            let source = try int32()
            let sequence = try int64()
            let account = try int64()
            let fromAccount = try int64()
            let asset = try int32()
            let amount = try amount()
            return .transferReceived(
                TransferReceived(
                    source: source, sequence: sequence, account: account, fromAccount: fromAccount, asset: asset,
                    amount: amount, reference: try text()))
        case .transfersSettled:
            let target = try int32()
            return .transfersSettled(target: target, upTo: try int64())
        case .limitsSet:
            let account = try int64()
            let instrument = try zigzag()
            guard instrument >= -1, instrument <= Int64(Int32.max) else { throw fault("instrument out of range") }
            var limits = Limits()
            limits.maxQuantity = try amount()
            limits.maxNotional = try amount()
            limits.maxPosition = try amount()
            limits.maxOpenOrders = try int64()
            limits.enabled = try byte() != 0
            return .limitsSet(account: account, instrument: Int32(instrument), limits)
        case .markSet:
            let instrument = try int32()
            return .markSet(instrument: instrument, price: try price())
        }
    }

    private mutating func accepted() throws(RecordError) -> OrderAccepted {
        let id = context.accepted &+ 1 &+ (try zigzag())
        context.accepted = id
        context.order = id
        let low = try byte()
        let flags = UInt16(low) | UInt16(try byte()) << 8
        guard flags & ~AcceptedFlags.known == 0 else { throw fault("unknown flags") }
        let type: OrderType = flags & AcceptedFlags.market != 0 ? .market : .limit
        let timeInForce = TimeInForce(rawValue: UInt8(flags >> AcceptedFlags.timeInForceShift & 3))!
        let account = try int64()
        let instrument = try int32()
        let quantity = try int64()
        let price = type == .limit ? try price() : 0
        let clientID = try text(after: context.clientID)
        context.clientID = clientID
        var it = OrderAccepted(
            id: id, account: account, instrument: instrument, side: flags & AcceptedFlags.sell != 0 ? .sell : .buy,
            type: type, timeInForce: timeInForce, quantity: quantity, price: price, clientID: clientID)
        if flags & AcceptedFlags.expire != 0 { it.expire = context.time &+ (try zigzag()) }
        if flags & AcceptedFlags.max != 0 { it.max = try amount() }
        if flags & AcceptedFlags.marketReserve != 0 { it.marketReserve = try amount() }
        if flags & AcceptedFlags.strategy != 0 { it.strategy = try text() }
        if flags & AcceptedFlags.note != 0 { it.note = try text() }
        if flags & AcceptedFlags.session != 0 { it.cancelOnDisconnect = try varint() }
        it.contentHash = flags & AcceptedFlags.contentHash != 0 ? try word() : it.contentHashOfNew
        return it
    }

    private mutating func filled() throws(RecordError) -> Filled {
        let order = try order()
        let trade = context.trade &+ 1 &+ (try zigzag())
        context.trade = trade
        let quantity = try int64()
        let price = try price()
        let flags = try byte()
        guard flags & ~FilledFlags.known == 0, let liquidity = Liquidity(rawValue: flags & FilledFlags.liquidity) else {
            throw fault("unknown flags")
        }
        let exec = try text(after: context.exec)
        context.exec = exec
        let hasFee = flags & FilledFlags.fee != 0
        let fee = hasFee ? try amount() : 0
        let feeAsset = hasFee ? try int32() : 0
        let venueTime = flags & FilledFlags.venueTime != 0 ? context.time &+ (try zigzag()) : 0
        return Filled(
            trade: trade, order: order, quantity: quantity, price: price, exec: exec, fee: fee, feeAsset: feeAsset,
            liquidity: liquidity, venueTime: venueTime)
    }

    private mutating func transfer() throws(RecordError) -> Transfer {
        let account = try int64()
        let toAccount = try int64()
        let toWallet = try int32()
        let asset = try int32()
        let amount = try amount()
        let reference = try text()
        return Transfer(
            account: account, toAccount: toAccount, toWallet: toWallet, asset: asset, amount: amount,
            reference: reference, note: try text())
    }

    private mutating func definition() throws(RecordError) -> Definition {
        switch try byte() {
        case 0:
            let name = try text()
            return .asset(AssetInfo(name: name, decimals: try int32()))
        case 1: return .wallet(WalletInfo(name: try text()))
        case 2:
            let name = try text()
            guard let kind = VenueKind(rawValue: try byte()) else { throw fault("unknown kind of venue") }
            return .venue(VenueInfo(name: name, kind: kind))
        case 3:
            let symbol = try text()
            let venue = try int32()
            let wallet = try int32()
            let base = try int32()
            let quote = try int32()
            let priceScale = try int32()
            let quantityScale = try int32()
            guard let funds = FundsCheck(rawValue: try byte()) else { throw fault("unknown kind of funds") }
            guard priceScale <= 18, quantityScale <= 18, priceScale + quantityScale <= 18 else { throw fault("scales out of range") }
            return .instrument(
                InstrumentInfo(
                    symbol: symbol, venue: venue, wallet: wallet, base: base, quote: quote, priceScale: priceScale,
                    quantityScale: quantityScale, funds: funds, terms: try terms()))
        case 4:
            let id = try int32()
            return .changeInstrument(id, try terms())
        case 5:
            let number = try int64()
            guard let status = AccountStatus(rawValue: try byte()) else { throw fault("unknown status") }
            return .account(number, status)
        case 6:
            guard let setting = Setting(rawValue: try byte()) else { throw fault("unknown setting") }
            return .setting(setting, try zigzag())
        default: throw fault("unknown definition")
        }
    }

    private mutating func terms() throws(RecordError) -> InstrumentTerms {
        let tick = try int64()
        let lot = try int64()
        let minQuantity = try int64()
        let maxQuantity = try int64()
        let minNotional = try amount()
        guard let state = InstrumentState(rawValue: try byte()) else { throw fault("unknown state") }
        return InstrumentTerms(
            tick: tick, lot: lot, minQuantity: minQuantity, maxQuantity: maxQuantity, minNotional: minNotional, state: state)
    }

    // MARK: Fields

    private func fault(_ reason: String) -> RecordError { RecordError(offset: offset, reason: reason) }

    private mutating func byte() throws(RecordError) -> UInt8 {
        guard offset < bytes.count else { throw fault("ends in the middle of a record") }
        defer { offset += 1 }
        return bytes[offset]
    }

    private mutating func word() throws(RecordError) -> UInt64 {
        guard offset + 8 <= bytes.count else { throw fault("ends in the middle of a record") }
        defer { offset += 8 }
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    private mutating func varint() throws(RecordError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            if shift == 63, next > 1 { throw fault("number out of range") }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
            if shift > 63 { throw fault("number out of range") }
        }
    }

    private mutating func zigzag() throws(RecordError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    private mutating func int64() throws(RecordError) -> Int64 {
        guard let value = Int64(exactly: try varint()) else { throw fault("number out of range") }
        return value
    }

    private mutating func int32() throws(RecordError) -> Int32 {
        guard let value = Int32(exactly: try varint()) else { throw fault("number out of range") }
        return value
    }

    private mutating func order() throws(RecordError) -> OrderID {
        context.order &+= try zigzag()
        return context.order
    }

    private mutating func price() throws(RecordError) -> Price {
        context.price &+= try zigzag()
        return context.price
    }

    private mutating func amount() throws(RecordError) -> Amount {
        let head = try byte()
        if head == 0 { return 0 }
        let exponent = Int(head & 0x3F) - 1
        guard (0...31).contains(exponent), head < 0x80 else { throw fault("amount out of range") }
        var value: UInt128 = 0
        var shift: UInt128 = 0
        while true {
            let next = try byte()
            if shift == 126, next > 3 { throw fault("amount out of range") }
            value |= UInt128(next & 0x7F) << shift
            if next < 0x80 { break }
            shift += 7
            if shift > 126 { throw fault("amount out of range") }
        }
        for _ in 0..<exponent {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { throw fault("amount out of range") }
            value = product
        }
        guard let magnitude = Int128(exactly: value) else { throw fault("amount out of range") }
        return head & 0x40 != 0 ? -magnitude : magnitude
    }

    private mutating func text() throws(RecordError) -> Text {
        let length = Int(try byte())
        guard length <= Text.bytesMax else { throw fault("text too long") }
        guard offset + length <= bytes.count else { throw fault("ends in the middle of a text") }
        defer { offset += length }
        return Text(bytes: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length]))!
    }

    private mutating func text(after previous: Text) throws(RecordError) -> Text {
        let shared = Int(try byte())
        let rest = Int(try byte())
        guard shared <= previous.count, shared + rest <= Text.bytesMax else { throw fault("text too long") }
        guard offset + rest <= bytes.count else { throw fault("ends in the middle of a text") }
        defer { offset += rest }
        var joined: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)
        return withUnsafeMutableBytes(of: &joined) { raw in
            previous.withBytes { raw.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[0..<shared])) }
            for index in 0..<rest { raw[shared + index] = bytes[offset + index] }
            return Text(bytes: UnsafeRawBufferPointer(rebasing: raw[0..<shared + rest]))!
        }
    }
}
