import Core

/// Reads the records of one batch. Any bytes are safe to give it: what is not of the format throws ``RecordError``.
public struct RecordReader {
    /// A record, in a place that is used again and again: the frequent kinds have their fields side by side, so that reading one writes only
    /// its own, and copies nothing. (As an enum it would be built, copied into the enum, and copied out to be applied: 250 bytes each time.)
    public struct Record: BitwiseCopyable, Sendable {
        enum Kind: UInt8, BitwiseCopyable { case accepted, replaced, canceled, filled, matched, other }

        public internal(set) var shard: WalletID = 0
        public internal(set) var time: Timestamp = 0
        /// Who caused it; 0: the service itself.
        public internal(set) var session: UInt64 = 0
        var kind = Kind.other
        // By kind:
        var canceled = OrderCanceled(order: 0, reason: .requested, note: Text())
        var accepted = OrderAccepted(
            id: 0, account: 0, instrument: 0, side: .buy, type: .limit, timeInForce: .gtc, quantity: 0, price: 0, clientID: Text())
        var replaced = OrderReplaced(order: 0, quantity: 0, price: 0, max: 0, marketReserve: 0)
        var filled = Filled(
            trade: 0, order: 0, quantity: 0, price: 0, exec: Text(), fee: 0, feeAsset: 0, liquidity: .unknown, venueTime: 0)
        var matched = Matched(trade: 0, maker: 0, taker: 0, quantity: 0, price: 0, makerFee: 0, takerFee: 0)
        var other = Mutation.orderExpired(order: 0)

        /// A place for ``next(into:)``.
        public init() {}

        public var mutation: Mutation {
            switch kind {
            case .accepted: .orderAccepted(accepted)
            case .replaced: .orderReplaced(replaced)
            case .canceled: .orderCanceled(canceled)
            case .filled: .filled(filled)
            case .matched: .matched(matched)
            case .other: other
            }
        }
    }

    private var cursor: RecordCursor
    private var left: Int
    private var context = RecordContext()

    /// `bytes` must stay valid while the reader is used.
    public init(bytes: UnsafeRawBufferPointer, count: Int) {
        cursor = RecordCursor(bytes)
        left = count
    }

    /// The next record; `nil` after the last.
    public mutating func next() throws(RecordError) -> Record? {
        var record = Record()
        return try next(into: &record) ? record : nil
    }

    /// Puts the next record into `record`; `false` after the last.
    public mutating func next(into record: inout Record) throws(RecordError) -> Bool {
        if left == 0 {
            if cursor.offset != cursor.count { throw cursor.fault("bytes after the last record") }
            return false
        }
        left &-= 1
        let head = try cursor.byte()
        if head >= 0x20 {
            if head & 0x20 != 0 {
                let shard = try cursor.varint()
                guard shard < 1 << 13 else { throw cursor.fault("shard number out of range") }
                context.shard = Int32(truncatingIfNeeded: shard)
            }
            if head & 0x40 != 0 { context.session &+= UInt64(bitPattern: try cursor.zigzag()) }
            if head & 0x80 != 0 { context.time &+= try cursor.zigzag() }
        }
        guard let kind = RecordKind(rawValue: head & 0x1F) else { throw cursor.fault("unknown kind of record") }
        record.shard = context.shard
        record.time = context.time
        record.session = context.session
        switch kind {
        case .orderAccepted:
            record.kind = .accepted
            try readAccepted(into: &record.accepted)
        case .orderReplaced:
            record.kind = .replaced
            record.replaced = try replaced()
        case .orderCanceled:
            record.kind = .canceled
            record.canceled.order = try order()
            let flags = try cursor.byte()
            guard let reason = CancelReason(rawValue: flags & 0x7F) else { throw cursor.fault("unknown reason") }
            record.canceled.reason = reason
            record.canceled.note = flags & 0x80 != 0 ? try cursor.text() : Text()
        case .filled:
            record.kind = .filled
            record.filled = try filled()
        case .matched:
            record.kind = .matched
            record.matched = try matched()
        default:
            record.kind = .other
            record.other = try other(kind)
        }
        return true
    }

    @inline(never)
    private mutating func other(_ kind: RecordKind) throws(RecordError) -> Mutation {
        switch kind {
        case .orderExpired: return .orderExpired(order: try order())
        case .orderTriggered:
            let order = try order()
            context.shards[context.shardSlot].active = order
            return .orderTriggered(order: order)
        case .markSet:
            let instrument = try cursor.int32()
            let price = context.prices[Int(instrument & 15)] &+ (try cursor.zigzag())
            context.prices[Int(instrument & 15)] = price
            context.price = price
            return .markSet(instrument: instrument, price: price)
        case .defined:
            context.definition &+= try cursor.zigzag()
            return .defined(number: context.definition, try cursor.definition())
        case .moneyMoved: return .moneyMoved(try cursor.money())
        case .transferredWithin: return .transferredWithin(try cursor.transfer())
        case .transferSent:
            let transfer = try cursor.transfer()
            return .transferSent(transfer, sequence: try cursor.int64())
        case .transferReceived: return .transferReceived(try cursor.received())
        case .transfersSettled:
            let target = try cursor.int32()
            return .transfersSettled(target: target, upTo: try cursor.int64())
        case .limitsSet: return try cursor.limits()
        case .lossLatched:
            let account = try cursor.int64()
            let asset = try cursor.zigzag()
            guard asset >= -1, asset <= Int64(Int32.max) else { throw cursor.fault("asset out of range") }
            return .lossLatched(account: account, asset: AssetID(asset), on: try cursor.byte() != 0)
        case .deadManSet:
            let account = try cursor.int64()
            return .deadManSet(account: account, deadline: try cursor.byte() == 0 ? 0 : context.time &+ (try cursor.zigzag()))
        case .positionTakenOver: return .positionTakenOver(try cursor.takeOver())
        default: invariantFailure("a kind of record that is read elsewhere")
        }
    }

    @inline(__always)
    private mutating func readAccepted(into it: inout OrderAccepted) throws(RecordError) {
        let slot = context.sessionSlot
        let shard = context.shardSlot
        let flags = try cursor.varint()
        guard flags & ~AcceptedFlags.all == 0 else { throw cursor.fault("unknown flags") }
        let idStep = flags & AcceptedFlags.id != 0 ? try cursor.zigzag() : 0
        it.id = context.shards[shard].accepted &+ 1 &+ idStep
        context.shards[shard].accepted = it.id
        context.shards[shard].order = it.id
        context.shards[shard].active = it.id
        if flags & AcceptedFlags.account != 0 { context.sessions[slot].account = try cursor.int64() }
        if flags & AcceptedFlags.instrument != 0 { context.sessions[slot].instrument = try cursor.int32() }
        it.account = context.sessions[slot].account
        it.instrument = context.sessions[slot].instrument
        it.side = flags & AcceptedFlags.sell != 0 ? .sell : .buy
        it.timeInForce = TimeInForce(rawValue: UInt8(truncatingIfNeeded: flags &>> AcceptedFlags.timeInForceShift & 3))!
        it.quantity = try cursor.int64()
        if flags & AcceptedFlags.market == 0 {
            let step = try cursor.zigzag()
            let price = context.prices[Int(it.instrument & 15)] &+ (flags & AcceptedFlags.wholePrice != 0 ? step : step &* 100)
            context.prices[Int(it.instrument & 15)] = price
            context.price = price
            it.type = .limit
            it.price = price
        } else {
            it.type = .market
            it.price = 0
        }
        try cursor.idText(&context.sessions[slot].clientID)
        it.clientID = context.sessions[slot].clientID
        it.expire = 0
        it.max = 0
        it.marketReserve = 0
        it.note = Text()
        it.cancelOnDisconnect = 0
        it.instructions = Instructions()
        it.oco = 0
        if flags & AcceptedFlags.rare != 0 { try readRare(flags, &it) }
        it.strategy = context.sessions[slot].strategy
        it.fees = context.sessions[slot].fees
        if flags & AcceptedFlags.contentHash == 0 { it.contentHash = it.contentHashOfNew }
    }

    @inline(never)
    private mutating func readRare(_ flags: UInt64, _ it: inout OrderAccepted) throws(RecordError) {
        if flags & AcceptedFlags.expire != 0 { it.expire = context.time &+ (try cursor.zigzag()) }
        if flags & AcceptedFlags.max != 0 { it.max = try cursor.amount() }
        if flags & AcceptedFlags.marketReserve != 0 { it.marketReserve = try cursor.amount() }
        if flags & AcceptedFlags.strategy != 0 { context.sessions[context.sessionSlot].strategy = try cursor.text() }
        if flags & AcceptedFlags.note != 0 { it.note = try cursor.text() }
        if flags & AcceptedFlags.session != 0 { it.cancelOnDisconnect = context.session &+ UInt64(bitPattern: try cursor.zigzag()) }
        if flags & AcceptedFlags.contentHash != 0 { it.contentHash = try cursor.word() }
        if flags & AcceptedFlags.instructions != 0 {
            it.instructions = try cursor.instructions(price: context.prices[Int(it.instrument & 15)])
        }
        if flags & AcceptedFlags.oco != 0 { it.oco = it.id &- (try cursor.zigzag()) }
        if flags & AcceptedFlags.fees != 0 { context.sessions[context.sessionSlot].fees = try cursor.rates() }
    }

    private mutating func replaced() throws(RecordError) -> OrderReplaced {
        let order = try order()
        let flags = try cursor.byte()
        guard flags & ~ReplacedFlags.all == 0 else { throw cursor.fault("unknown flags") }
        let quantity = try cursor.int64()
        let price = try price(isWhole: flags & ReplacedFlags.wholePrice != 0)
        let max = flags & ReplacedFlags.max != 0 ? try cursor.amount() : 0
        let marketReserve = flags & ReplacedFlags.marketReserve != 0 ? try cursor.amount() : 0
        let stop = flags & ReplacedFlags.stop != 0 ? context.price &+ (try cursor.zigzag()) : 0
        context.shards[context.shardSlot].active = order
        return OrderReplaced(order: order, quantity: quantity, price: price, max: max, marketReserve: marketReserve, stop: stop)
    }

    private mutating func matched() throws(RecordError) -> Matched {
        let shard = context.shardSlot
        let maker = try order()
        let flags = try cursor.byte()
        guard flags & ~MatchedFlags.all == 0 else { throw cursor.fault("unknown flags") }
        let quantity = try cursor.int64()
        let price = try price(isWhole: flags & MatchedFlags.wholePrice != 0)
        let trade = context.shards[shard].trade &+ 1 &+ (flags & MatchedFlags.trade != 0 ? try cursor.zigzag() : 0)
        let taker = context.shards[shard].active &- (flags & MatchedFlags.taker != 0 ? try cursor.zigzag() : 0)
        context.shards[shard].trade = trade &+ 1
        context.shards[shard].active = taker
        return Matched(
            trade: trade, maker: maker, taker: taker, quantity: quantity, price: price,
            makerFee: flags & MatchedFlags.makerFee != 0 ? try cursor.amount() : 0,
            takerFee: flags & MatchedFlags.takerFee != 0 ? try cursor.amount() : 0)
    }

    private mutating func filled() throws(RecordError) -> Filled {
        let order = try order()
        let flags = try cursor.byte()
        guard flags & ~FilledFlags.all == 0, let liquidity = Liquidity(rawValue: flags & FilledFlags.liquidity) else {
            throw cursor.fault("unknown flags")
        }
        let trade = context.shards[context.shardSlot].trade &+ 1 &+ (try cursor.zigzag())
        context.shards[context.shardSlot].trade = trade
        let quantity = try cursor.int64()
        let price = try price(isWhole: flags & FilledFlags.wholePrice != 0)
        try cursor.idText(&context.exec)
        let hasFee = flags & FilledFlags.fee != 0
        let fee = hasFee ? try cursor.amount() : 0
        let feeAsset = hasFee ? try cursor.int32() : 0
        let venueTime = flags & FilledFlags.venueTime != 0 ? context.time &+ (try cursor.zigzag()) : 0
        return Filled(
            trade: trade, order: order, quantity: quantity, price: price, exec: context.exec, fee: fee, feeAsset: feeAsset,
            liquidity: liquidity, venueTime: venueTime)
    }

    @inline(__always)
    private mutating func order() throws(RecordError) -> OrderID {
        let id = context.shards[context.shardSlot].order &+ (try cursor.zigzag())
        context.shards[context.shardSlot].order = id
        return id
    }

    @inline(__always)
    private mutating func price(isWhole: Bool) throws(RecordError) -> Price {
        let step = try cursor.zigzag()
        context.price &+= isWhole ? step : step &* 100
        return context.price
    }
}

// Bodies that refer to no record before them.
extension RecordCursor {
    mutating func money() throws(RecordError) -> Money {
        let flags = try byte()
        guard let kind = Money.Kind(rawValue: flags & 0x7F) else { throw fault("unknown kind of money") }
        let account = try int64()
        let asset = try int32()
        let amount = try amount()
        let reference = try text()
        let note = flags & 0x80 != 0 ? try text() : Text()
        return Money(kind, account: account, asset: asset, amount: amount, reference: reference, note: note)
    }

    mutating func received() throws(RecordError) -> TransferReceived {
        let source = try int32()
        let sequence = try int64()
        let account = try int64()
        let fromAccount = try int64()
        let asset = try int32()
        let amount = try amount()
        return TransferReceived(
            source: source, sequence: sequence, account: account, fromAccount: fromAccount, asset: asset, amount: amount,
            reference: try text())
    }
    mutating func limits() throws(RecordError) -> Mutation {
        let account = try int64()
        let instrument = try zigzag()
        guard instrument >= -1, instrument <= Int64(Int32.max) else { throw fault("instrument out of range") }
        var limits = Limits()
        limits.maxQuantity = try amount()
        limits.maxNotional = try amount()
        limits.maxPosition = try amount()
        limits.maxOpenOrders = try int64()
        let enabled = try byte()
        limits.enabled = enabled & ~LimitsFlags.more != 0
        if enabled & LimitsFlags.more != 0 {
            let which = try varint()
            guard which & ~LimitsFlags.all == 0 else { throw fault("unknown limits") }
            if which & LimitsFlags.makerFee != 0 { limits.makerFee = try rate() }
            if which & LimitsFlags.takerFee != 0 { limits.takerFee = try rate() }
            if which & LimitsFlags.selfTrade != 0 { limits.selfTrade = try selfTrade(UInt64(try byte())) }
            if which & LimitsFlags.priceBand != 0 { limits.priceBand = try positive() }
            if which & LimitsFlags.orderRate != 0 { limits.maxOrderRate = try positive() }
            if which & LimitsFlags.cancelRate != 0 { limits.maxCancelRate = try positive() }
            if which & LimitsFlags.dailyLoss != 0 { limits.maxDailyLoss = try amount() }
            limits.mayShort = which & LimitsFlags.noShort == 0
            limits.listedOnly = which & LimitsFlags.listed != 0
        }
        return .limitsSet(account: account, instrument: Int32(instrument), limits)
    }

    /// A rate of nothing would be divided by.
    private mutating func positive() throws(RecordError) -> Int32 {
        let value = try int32()
        if value == 0 { throw fault("a limit of 0") }
        return value
    }

    mutating func instructions(price: Price) throws(RecordError) -> Instructions {
        let flags = try varint()
        guard flags & ~InstructionFlags.all == 0, let trigger = Trigger(rawValue: UInt8(flags &>> InstructionFlags.triggerShift & 3)) else {
            throw fault("unknown flags")
        }
        var it = Instructions()
        it.trigger = trigger
        it.selfTrade = try selfTrade(flags &>> InstructionFlags.selfTradeShift)
        it.postOnly = flags & InstructionFlags.postOnly != 0
        it.reduceOnly = flags & InstructionFlags.reduceOnly != 0
        it.triggerPrice = flags & InstructionFlags.byMark != 0 ? .mark : .last
        if flags & InstructionFlags.stop != 0 { it.stop = price &+ (try zigzag()) }
        if flags & InstructionFlags.display != 0 { it.display = try int64() }
        return it
    }

    private func selfTrade(_ value: UInt64) throws(RecordError) -> SelfTradePrevention {
        guard let known = SelfTradePrevention(rawValue: UInt8(truncatingIfNeeded: value)) else {
            throw fault("unknown self-trade prevention")
        }
        return known
    }

    mutating func rates() throws(RecordError) -> FeeRates {
        let maker = try rate()
        return FeeRates(maker: maker, taker: try rate())
    }

    private mutating func rate() throws(RecordError) -> Int32 {
        let rate = try zigzag()
        guard rate >= Int64(FeeRates.allowed.lowerBound), rate <= Int64(FeeRates.allowed.upperBound) else {
            throw fault("rate out of range")
        }
        return Int32(rate)
    }

    mutating func transfer() throws(RecordError) -> Transfer {
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

    mutating func takeOver() throws(RecordError) -> TakeOver {
        let account = try int64()
        let instrument = try int32()
        let quantity = try zigzag()
        let price = try int64()
        let reference = try text()
        return TakeOver(
            account: account, instrument: instrument, quantity: quantity, price: price, reference: reference, note: try text())
    }

    mutating func definition() throws(RecordError) -> Definition {
        let form = try byte()
        switch form {
        case 0:
            let name = try text()
            return .asset(AssetInfo(name: name, decimals: try int32()))
        case 1: return .wallet(WalletInfo(name: try text()))
        case 2:
            let name = try text()
            guard let kind = VenueKind(rawValue: try byte()) else { throw fault("unknown kind of venue") }
            return .venue(VenueInfo(name: name, kind: kind))
        case 3, 7:
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
                    quantityScale: quantityScale, funds: funds, terms: try terms(form == 7)))
        case 4, 8:
            let id = try int32()
            return .changeInstrument(id, try terms(form == 8))
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

    private mutating func terms(_ isNew: Bool) throws(RecordError) -> InstrumentTerms {
        let tick = try int64()
        let lot = try int64()
        let minQuantity = try int64()
        let maxQuantity = try int64()
        let minNotional = try amount()
        guard let state = InstrumentState(rawValue: try byte()) else { throw fault("unknown state") }
        guard isNew || state == .trading || state == .halted else { throw fault("unknown state") }
        return InstrumentTerms(
            tick: tick, lot: lot, minQuantity: minQuantity, maxQuantity: maxQuantity, minNotional: minNotional, state: state,
            fees: isNew ? try rates() : FeeRates())
    }
}
