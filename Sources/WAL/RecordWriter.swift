import Core

/// Appends mutations to the open batch of one loop. Stage 6 of the request path; the format is in RecordCodec.swift.
/// Owner: the loop's thread. No allocation.
public struct RecordWriter {
    private var context = RecordContext()

    public init() {}

    /// Starts a new batch: forgets what the records of the one before could refer to.
    public mutating func begin() { context.reset() }

    /// Appends one record of `shard`, decided at `time` for `session` (0: the service itself).
    public mutating func append(
        _ mutation: borrowing Mutation, shard: WalletID, time: Timestamp, session: UInt64, to batch: Batch
    ) {
        switch copy mutation {
        case .orderAccepted(let it): append(it, shard: shard, time: time, session: session, to: batch)
        case .orderReplaced(let it): append(it, shard: shard, time: time, session: session, to: batch)
        case .orderCanceled(let it): append(it, shard: shard, time: time, session: session, to: batch)
        case .filled(let it): append(it, shard: shard, time: time, session: session, to: batch)
        case .matched(let it): append(it, shard: shard, time: time, session: session, to: batch)
        default:
            var out = open(shard, time, session, batch)
            let kind = writeRare(mutation, &out)
            close(kind, out, session, batch)
        }
    }

    // The frequent ones without a mutation around them.

    public mutating func append(_ it: borrowing OrderAccepted, shard: WalletID, time: Timestamp, session: UInt64, to batch: Batch) {
        var out = open(shard, time, session, batch)
        write(it, &out)
        close(.orderAccepted, out, session, batch)
    }

    public mutating func append(_ it: borrowing OrderReplaced, shard: WalletID, time: Timestamp, session: UInt64, to batch: Batch) {
        var out = open(shard, time, session, batch)
        write(it, &out)
        close(.orderReplaced, out, session, batch)
    }

    public mutating func append(_ it: borrowing OrderCanceled, shard: WalletID, time: Timestamp, session: UInt64, to batch: Batch) {
        var out = open(shard, time, session, batch)
        order(it.order, &out)
        out.byte(it.reason.rawValue | (it.note.isEmpty ? 0 : 0x80))
        if !it.note.isEmpty { out.text(it.note) }
        close(.orderCanceled, out, session, batch)
    }

    public mutating func append(_ it: borrowing Filled, shard: WalletID, time: Timestamp, session: UInt64, to batch: Batch) {
        var out = open(shard, time, session, batch)
        write(it, &out)
        close(.filled, out, session, batch)
    }

    public mutating func append(_ it: borrowing Matched, shard: WalletID, time: Timestamp, session: UInt64, to batch: Batch) {
        var out = open(shard, time, session, batch)
        write(it, &out)
        close(.matched, out, session, batch)
    }

    @inline(__always)
    private mutating func open(_ shard: WalletID, _ time: Timestamp, _ session: UInt64, _ batch: Batch) -> RecordBytes {
        if batch.recordCount == 0 { begin() }
        var out = RecordBytes(batch.bytes.reserve(RecordBytes.capacity))
        writeHead(shard, time, session, &out)
        return out
    }

    @inline(__always)
    private func close(_ kind: RecordKind, _ out: RecordBytes, _ session: UInt64, _ batch: Batch) {
        out.patch(kind.rawValue)
        batch.bytes.commit(out.count)
        batch.recordCount &+= 1
        batch.note(session: session)
    }

    @inline(__always)
    private mutating func writeHead(_ shard: WalletID, _ time: Timestamp, _ session: UInt64, _ out: inout RecordBytes) {
        var head: UInt8 = 0
        if shard != context.shard { head |= 0x20 }
        if session != context.session { head |= 0x40 }
        if time != context.time { head |= 0x80 }
        out.byte(head)
        if head == 0 { return }
        if head & 0x20 != 0 { out.varint(UInt64(shard)) }
        if head & 0x40 != 0 { out.zigzag(Int64(bitPattern: session &- context.session)) }
        if head & 0x80 != 0 { out.zigzag(time &- context.time) }
        context.shard = shard
        context.session = session
        context.time = time
    }

    @inline(never)
    private mutating func writeRare(_ mutation: borrowing Mutation, _ out: inout RecordBytes) -> RecordKind {
        switch copy mutation {
        case .orderExpired(let id):
            order(id, &out)
            return .orderExpired
        case .orderTriggered(let id):
            order(id, &out)
            context.shards[context.shardSlot].active = id
            return .orderTriggered
        case .markSet(let instrument, let price):
            out.varint(UInt64(instrument))
            out.zigzag(price &- context.prices[Int(instrument & 15)])
            context.prices[Int(instrument & 15)] = price
            context.price = price
            return .markSet
        case .defined(let number, let definition):
            out.zigzag(number &- context.definition)
            context.definition = number
            out.definition(definition)
            return .defined
        case .moneyMoved(let it):
            out.money(it)
            return .moneyMoved
        case .transferredWithin(let it):
            out.transfer(it)
            return .transferredWithin
        case .transferSent(let it, let sequence):
            out.transfer(it)
            out.varint(UInt64(sequence))
            return .transferSent
        case .transferReceived(let it):
            out.received(it)
            return .transferReceived
        case .transfersSettled(let target, let upTo):
            out.varint(UInt64(target))
            out.varint(UInt64(upTo))
            return .transfersSettled
        case .limitsSet(let account, let instrument, let it):
            out.limits(account, instrument, it)
            return .limitsSet
        case .lossLatched(let account, let asset, let on):
            out.varint(UInt64(account))
            out.zigzag(Int64(asset))
            out.byte(on ? 1 : 0)
            return .lossLatched
        case .deadManSet(let account, let deadline):
            out.varint(UInt64(account))
            out.byte(deadline == 0 ? 0 : 1)
            if deadline != 0 { out.zigzag(deadline &- context.time) }
            return .deadManSet
        case .positionTakenOver(let it):
            out.takeOver(it)
            return .positionTakenOver
        case .orderAccepted, .orderReplaced, .orderCanceled, .filled, .matched: invariantFailure("a kind of record that is written elsewhere")
        }
    }

    @inline(__always)
    private mutating func write(_ it: borrowing OrderAccepted, _ out: inout RecordBytes) {
        let slot = context.sessionSlot
        let shard = context.shardSlot
        let instrument = Int(it.instrument & 15)
        var flags: UInt64 = UInt64(it.timeInForce.rawValue) &<< AcceptedFlags.timeInForceShift
        if it.side == .sell { flags |= AcceptedFlags.sell }
        if it.type == .market { flags |= AcceptedFlags.market }
        if it.account != context.sessions[slot].account { flags |= AcceptedFlags.account }
        if it.instrument != context.sessions[slot].instrument { flags |= AcceptedFlags.instrument }
        var step = it.type == .market ? 0 : it.price &- context.prices[instrument]
        if step % 100 == 0 { step /= 100 } else { flags |= AcceptedFlags.wholePrice }
        let idStep = it.id &- context.shards[shard].accepted &- 1
        if idStep != 0 { flags |= AcceptedFlags.id }
        if it.expire != 0 { flags |= AcceptedFlags.expire }
        if it.max != 0 { flags |= AcceptedFlags.max }
        if it.marketReserve != 0 { flags |= AcceptedFlags.marketReserve }
        if it.strategy != context.sessions[slot].strategy { flags |= AcceptedFlags.strategy }
        if !it.note.isEmpty { flags |= AcceptedFlags.note }
        if it.cancelOnDisconnect != 0 { flags |= AcceptedFlags.session }
        if it.contentHash != it.contentHashOfNew { flags |= AcceptedFlags.contentHash }
        if !it.instructions.isPlain { flags |= AcceptedFlags.instructions }
        if it.oco != 0 { flags |= AcceptedFlags.oco }
        if it.fees != context.sessions[slot].fees { flags |= AcceptedFlags.fees }
        out.varint(flags)
        if idStep != 0 { out.zigzag(idStep) }
        if flags & AcceptedFlags.account != 0 { out.varint(UInt64(it.account)) }
        if flags & AcceptedFlags.instrument != 0 { out.varint(UInt64(it.instrument)) }
        out.varint(UInt64(it.quantity))
        if it.type == .limit {
            out.zigzag(step)
            context.prices[instrument] = it.price
            context.price = it.price
        }
        out.idText(it.clientID, after: context.sessions[slot].clientID)
        if flags & AcceptedFlags.rare != 0 { writeRare(it, flags, &out) }
        context.shards[shard].accepted = it.id
        context.shards[shard].order = it.id
        context.shards[shard].active = it.id
        context.sessions[slot].account = it.account
        context.sessions[slot].instrument = it.instrument
        context.sessions[slot].clientID = it.clientID
    }

    @inline(never)
    private mutating func writeRare(_ it: borrowing OrderAccepted, _ flags: UInt64, _ out: inout RecordBytes) {
        if it.expire != 0 { out.zigzag(it.expire &- context.time) }
        if it.max != 0 { out.amount(it.max) }
        if it.marketReserve != 0 { out.amount(it.marketReserve) }
        if flags & AcceptedFlags.strategy != 0 {
            out.text(it.strategy)
            context.sessions[context.sessionSlot].strategy = it.strategy
        }
        if !it.note.isEmpty { out.text(it.note) }
        if it.cancelOnDisconnect != 0 { out.zigzag(Int64(bitPattern: it.cancelOnDisconnect &- context.session)) }
        if flags & AcceptedFlags.contentHash != 0 { out.word(it.contentHash) }
        if flags & AcceptedFlags.instructions != 0 {
            out.instructions(it.instructions, price: context.prices[Int(it.instrument & 15)])
        }
        if it.oco != 0 { out.zigzag(it.id &- it.oco) }
        if flags & AcceptedFlags.fees != 0 {
            out.rates(it.fees)
            context.sessions[context.sessionSlot].fees = it.fees
        }
    }

    private mutating func write(_ it: borrowing OrderReplaced, _ out: inout RecordBytes) {
        order(it.order, &out)
        var flags: UInt8 = 0
        if it.max != 0 { flags |= ReplacedFlags.max }
        if it.marketReserve != 0 { flags |= ReplacedFlags.marketReserve }
        let (step, isWhole) = priceStep(it.price)
        if isWhole { flags |= ReplacedFlags.wholePrice }
        if it.stop != 0 { flags |= ReplacedFlags.stop }
        out.byte(flags)
        out.varint(UInt64(it.quantity))
        out.zigzag(step)
        if it.max != 0 { out.amount(it.max) }
        if it.marketReserve != 0 { out.amount(it.marketReserve) }
        if it.stop != 0 { out.zigzag(it.stop &- context.price) }
        context.shards[context.shardSlot].active = it.order
    }

    private mutating func write(_ it: borrowing Filled, _ out: inout RecordBytes) {
        order(it.order, &out)
        var flags = it.liquidity.rawValue
        if it.fee != 0 { flags |= FilledFlags.fee }
        if it.feeAsset != 0 { flags |= FilledFlags.fee }
        if it.venueTime != 0 { flags |= FilledFlags.venueTime }
        let (step, isWhole) = priceStep(it.price)
        if isWhole { flags |= FilledFlags.wholePrice }
        out.byte(flags)
        out.zigzag(it.trade &- context.shards[context.shardSlot].trade &- 1)
        context.shards[context.shardSlot].trade = it.trade
        out.varint(UInt64(it.quantity))
        out.zigzag(step)
        out.idText(it.exec, after: context.exec)
        context.exec = it.exec
        if flags & FilledFlags.fee != 0 {
            out.amount(it.fee)
            out.varint(UInt64(it.feeAsset))
        }
        if it.venueTime != 0 { out.zigzag(it.venueTime &- context.time) }
    }

    private mutating func write(_ it: borrowing Matched, _ out: inout RecordBytes) {
        let shard = context.shardSlot
        order(it.maker, &out)
        let tradeStep = it.trade &- context.shards[shard].trade &- 1
        let takerStep = context.shards[shard].active &- it.taker
        let (step, isWhole) = priceStep(it.price)
        var flags: UInt8 = 0
        if tradeStep != 0 { flags |= MatchedFlags.trade }
        if takerStep != 0 { flags |= MatchedFlags.taker }
        if it.makerFee != 0 { flags |= MatchedFlags.makerFee }
        if it.takerFee != 0 { flags |= MatchedFlags.takerFee }
        if isWhole { flags |= MatchedFlags.wholePrice }
        out.byte(flags)
        out.varint(UInt64(it.quantity))
        out.zigzag(step)
        if tradeStep != 0 { out.zigzag(tradeStep) }
        if takerStep != 0 { out.zigzag(takerStep) }
        if it.makerFee != 0 { out.amount(it.makerFee) }
        if it.takerFee != 0 { out.amount(it.takerFee) }
        context.shards[shard].trade = it.trade &+ 1
        context.shards[shard].active = it.taker
    }

    @inline(__always)
    private mutating func order(_ id: OrderID, _ out: inout RecordBytes) {
        out.zigzag(id &- context.shards[context.shardSlot].order)
        context.shards[context.shardSlot].order = id
    }

    /// How far from the last price, in hundreds if that is exact: ticks are 100 units of the default price scale.
    @inline(__always)
    private mutating func priceStep(_ price: Price) -> (step: Int64, isWhole: Bool) {
        let step = price &- context.price
        context.price = price
        return step % 100 == 0 ? (step / 100, false) : (step, true)
    }
}

// Bodies that refer to no record before them.
extension RecordBytes {
    mutating func money(_ it: Money) {
        byte(it.kind.rawValue | (it.note.isEmpty ? 0 : 0x80))
        varint(UInt64(it.account))
        varint(UInt64(it.asset))
        amount(it.amount)
        text(it.reference)
        if !it.note.isEmpty { text(it.note) }
    }

    mutating func received(_ it: TransferReceived) {
        varint(UInt64(it.source))
        varint(UInt64(it.sequence))
        varint(UInt64(it.account))
        varint(UInt64(it.fromAccount))
        varint(UInt64(it.asset))
        amount(it.amount)
        text(it.reference)
    }

    mutating func limits(_ account: AccountNumber, _ instrument: InstrumentID, _ it: Limits) {
        varint(UInt64(account))
        zigzag(Int64(instrument))
        amount(it.maxQuantity)
        amount(it.maxNotional)
        amount(it.maxPosition)
        varint(UInt64(it.maxOpenOrders))
        var which: UInt64 = 0
        if it.makerFee != Limits.noRate { which |= LimitsFlags.makerFee }
        if it.takerFee != Limits.noRate { which |= LimitsFlags.takerFee }
        if it.selfTrade != .standard { which |= LimitsFlags.selfTrade }
        if it.priceBand != Limits.unlimited { which |= LimitsFlags.priceBand }
        if it.maxOrderRate != Limits.unlimited { which |= LimitsFlags.orderRate }
        if it.maxCancelRate != Limits.unlimited { which |= LimitsFlags.cancelRate }
        if it.maxDailyLoss != Limits.none { which |= LimitsFlags.dailyLoss }
        if !it.mayShort { which |= LimitsFlags.noShort }
        if it.listedOnly { which |= LimitsFlags.listed }
        byte((it.enabled ? 1 : 0) | (which != 0 ? LimitsFlags.more : 0))
        if which == 0 { return }
        varint(which)
        if which & LimitsFlags.makerFee != 0 { zigzag(Int64(it.makerFee)) }
        if which & LimitsFlags.takerFee != 0 { zigzag(Int64(it.takerFee)) }
        if which & LimitsFlags.selfTrade != 0 { byte(it.selfTrade.rawValue) }
        if which & LimitsFlags.priceBand != 0 { varint(UInt64(it.priceBand)) }
        if which & LimitsFlags.orderRate != 0 { varint(UInt64(it.maxOrderRate)) }
        if which & LimitsFlags.cancelRate != 0 { varint(UInt64(it.maxCancelRate)) }
        if which & LimitsFlags.dailyLoss != 0 { amount(it.maxDailyLoss) }
    }

    mutating func instructions(_ it: Instructions, price: Price) {
        var flags = UInt64(it.trigger.rawValue) &<< InstructionFlags.triggerShift
        flags |= UInt64(it.selfTrade.rawValue) &<< InstructionFlags.selfTradeShift
        if it.postOnly { flags |= InstructionFlags.postOnly }
        if it.reduceOnly { flags |= InstructionFlags.reduceOnly }
        if it.triggerPrice == .mark { flags |= InstructionFlags.byMark }
        if it.stop != 0 { flags |= InstructionFlags.stop }
        if it.display != 0 { flags |= InstructionFlags.display }
        varint(flags)
        if it.stop != 0 { zigzag(it.stop &- price) }
        if it.display != 0 { varint(UInt64(it.display)) }
    }

    mutating func rates(_ it: FeeRates) {
        zigzag(Int64(it.maker))
        zigzag(Int64(it.taker))
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

    mutating func takeOver(_ it: TakeOver) {
        varint(UInt64(it.account))
        varint(UInt64(it.instrument))
        zigzag(it.quantity)
        varint(UInt64(it.price))
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
            byte(it.terms.isOfFirstKind ? 3 : 7)
            text(it.symbol)
            varint(UInt64(it.venue))
            varint(UInt64(it.wallet))
            varint(UInt64(it.base))
            varint(UInt64(it.quote))
            varint(UInt64(it.priceScale))
            varint(UInt64(it.quantityScale))
            byte(it.funds.rawValue)
            terms(it.terms)
        case .changeInstrument(let id, let it):
            byte(it.isOfFirstKind ? 4 : 8)
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
        if !it.isOfFirstKind { rates(it.fees) }
    }
}
