import Core

/// Mutations to `!` lines (docs/PROTOCOL.md, section 9): for subscribers that follow the log, and for `wal dump`. Every kind of mutation has
/// its text. The filter is asked before any text is made.
///
/// The caller replays the log with shards of its own and for each mutation calls ``prepare(_:shard:)``, `shard.evolve`, then
/// ``write(_:shard:lsn:time:after:filter:into:)``. Owner: one thread at a time.
public struct EventWriter: ~Copyable, Sendable {
    /// The transfers that the prepared mutation settles; evolve forgets them.
    private var settled: [TransferReceived] = []

    public init() {}

    /// Before `shard.evolve(mutation)`: keeps what the mutation makes the shard forget.
    public mutating func prepare(_ mutation: borrowing Mutation, shard: borrowing Shard) {
        guard case .transfersSettled(let target, let upTo) = copy mutation else { return }
        settled.removeAll(keepingCapacity: true)
        var found: [TransferReceived] = []
        swap(&found, &settled)
        shard.forEachUnsettled(target: target) { transfer, _ in
            if transfer.sequence <= upTo { found.append(transfer) }
        }
        swap(&found, &settled)
    }

    /// After `shard.evolve(mutation)`: appends the events of the mutation that pass the filter.
    /// - Parameters:
    ///   - time: of the record, microseconds.
    ///   - after: events up to this k were sent already.
    /// - Returns: the last k: how many events the mutation has, whether they passed or not.
    @discardableResult
    public mutating func write(
        _ mutation: borrowing Mutation, shard: borrowing Shard, lsn: Int64, time: Timestamp, after: Int = 0,
        filter: EventFilter, into out: inout OutputBuffer
    ) -> Int {
        var line = EventLine(lsn: lsn, time: time, after: after, filter: filter)
        switch copy mutation {
        case .defined(_, let definition): defined(definition, shard, &line, &out)
        case .orderAccepted(let accepted): order(accepted.id, "NEW", Text(), shard, &line, &out)
        case .orderReplaced(let replaced): order(replaced.order, "REPLACED", Text(), shard, &line, &out)
        case .orderCanceled(let canceled): order(canceled.order, "CANCELED", canceled.note, shard, &line, &out)
        case .orderExpired(let id): order(id, "EXPIRED", Text(), shard, &line, &out)
        case .filled(let filled): self.filled(filled, shard, &line, &out)
        case .matched(let matched): self.matched(matched, shard, &line, &out)
        case .orderTriggered(let id): order(id, "TRIGGERED", Text(), shard, &line, &out)
        case .moneyMoved(let money): moved(money, shard, &line, &out)
        case .transferredWithin(let transfer):
            sent(transfer, shard, &line, &out)
            received(
                TransferReceived(
                    source: shard.number, sequence: 0, account: transfer.toAccount, fromAccount: transfer.account,
                    asset: transfer.asset, amount: transfer.amount, reference: transfer.reference), shard, &line, &out)
        case .transferSent(let transfer, _): sent(transfer, shard, &line, &out)
        case .transferReceived(let transfer): received(transfer, shard, &line, &out)
        case .transfersSettled(let target, _):
            for transfer in settled { done(transfer, target, shard, &line, &out) }
        case .limitsSet(let account, let instrument, let limits):
            if line.begin(.limit, account: account, instrument: instrument, &out) {
                out.account(account)
                out.scope(instrument, wallet: shard.number, shard.registry)
                let decimals = shard.registry.limitDecimals(instrument)
                out.limits(limits, base: decimals.base, quote: decimals.quote)
                line.end(&out)
            }
        case .lossLatched(let account, let asset, let on):
            if line.begin(.limit, account: account, instrument: -1, &out) {
                out.fact("account", account)
                out.scope(-1, wallet: shard.number, shard.registry)
                if on { out.fact("latched", shard.registry.assets[Int(asset)].name) } else { out.fact("reset", "loss") }
                line.end(&out)
            }
        case .deadManSet(let account, let deadline):
            // A desk renews its timer every second or so: that is for whoever reads the log. What becomes of it are events of orders.
            if line.filter.copies, line.begin(.limit, account: account, instrument: -1, &out) {
                out.fact("account", account)
                out.scope(-1, wallet: shard.number, shard.registry)
                if deadline == 0 { out.fact("deadline", "-") } else { out.fact("deadline", milliseconds: deadline) }
                line.end(&out)
            }
        case .positionTakenOver(let takeOver): takenOver(takeOver, shard, &line, &out)
        case .markSet(let instrument, let price):
            if line.begin(.mark, account: 0, instrument: instrument, &out) {
                let info = shard.registry.instruments[Int(instrument)]
                out.fact("symbol", info.symbol)
                out.fact("price", price: price, info)
                line.end(&out)
            }
        }
        return line.event
    }

    // MARK: Registry

    private func defined(_ definition: Definition, _ shard: borrowing Shard, _ line: inout EventLine, _ out: inout OutputBuffer) {
        // Every shard records its copy; the event is shard 0's.
        if shard.number != 0, !line.filter.copies { return }
        var account: AccountNumber = 0
        var instrument: InstrumentID = -1
        switch definition {
        case .account(let number, _): account = number
        case .instrument(let info): instrument = shard.registry.instrument(info.symbol) ?? -1
        case .changeInstrument(let id, _): instrument = id
        case .asset, .wallet, .venue, .setting: break
        }
        guard line.begin(.registry, account: account, instrument: instrument, &out) else { return }
        RegistryText.event(definition, shard.registry, &out)
        line.end(&out)
    }

    // MARK: Orders

    private func order(
        _ id: OrderID, _ exec: StaticString, _ reason: Text, _ shard: borrowing Shard, _ line: inout EventLine,
        _ out: inout OutputBuffer
    ) {
        let order = known(id, shard)
        guard line.begin(.order, account: order.account, instrument: order.view.instrument, &out) else { return }
        let info = shard.registry.instruments[Int(order.view.instrument)]
        out.fact("account", order.account)
        out.fact("symbol", info.symbol)
        out.fact("order", id)
        out.identity(order, info)
        out.fact("status", order.view.status.word)
        out.progress(order.view, info)
        out.fact("exec", exec)
        if order.view.status == .canceled {
            if reason.isEmpty { out.fact("reason", order.reason.word) } else { out.fact("reason", reason) }
        }
        if !order.strategy.isEmpty { out.fact("strategy", order.strategy) }
        if order.expire != 0 { out.fact("expire", milliseconds: order.expire) }
        out.instructions(order, info)
        line.end(&out)
    }

    private func filled(_ filled: Filled, _ shard: borrowing Shard, _ line: inout EventLine, _ out: inout OutputBuffer) {
        let order = known(filled.order, shard)
        trade(filled, order, shard, &line, &out)
        if position(order.account, order.view.instrument, shard, &line, &out) { line.end(&out) }
    }

    /// A trade each for maker and taker, then a position each.
    private func matched(_ matched: Matched, _ shard: borrowing Shard, _ line: inout EventLine, _ out: inout OutputBuffer) {
        let (maker, taker) = (known(matched.maker, shard), known(matched.taker, shard))
        let instrument = maker.view.instrument
        let quote = shard.registry.instruments[Int(instrument)].quote
        trade(matched.makerSide(fee: quote), maker, shard, &line, &out)
        trade(matched.takerSide(fee: quote), taker, shard, &line, &out)
        if position(maker.account, instrument, shard, &line, &out) { line.end(&out) }
        if position(taker.account, instrument, shard, &line, &out) { line.end(&out) }
    }

    private func known(_ id: OrderID, _ shard: borrowing Shard) -> OrderDetail {
        guard let order = shard.order(id: id) else { invariantFailure("an event of an order that is not there") }
        return order
    }

    private func trade(
        _ filled: Filled, _ order: OrderDetail, _ shard: borrowing Shard, _ line: inout EventLine, _ out: inout OutputBuffer
    ) {
        let instrument = order.view.instrument
        guard line.begin(.trade, account: order.account, instrument: instrument, &out) else { return }
        let info = shard.registry.instruments[Int(instrument)]
        out.fact("account", order.account)
        out.fact("symbol", info.symbol)
        out.fact("order", filled.order)
        out.fact("id", order.clientID)
        out.fact("side", order.side.word)
        out.fact("status", order.view.status.word)
        out.fact("last", quantity: filled.quantity, info)
        out.fact("px", price: filled.price, info)
        out.progress(order.view, info)
        out.execution(filled.fee, shard.registry.assets[Int(filled.feeAsset)], filled.liquidity)
        out.fact("trade", filled.trade)
        if !filled.exec.isEmpty { out.fact("exec", filled.exec) }
        if filled.venueTime != 0 { out.fact("venuetime", milliseconds: filled.venueTime) }
        line.end(&out)
    }

    private func takenOver(_ takeOver: TakeOver, _ shard: borrowing Shard, _ line: inout EventLine, _ out: inout OutputBuffer) {
        guard position(takeOver.account, takeOver.instrument, shard, &line, &out) else { return }
        out.fact("ref", takeOver.reference)
        if !takeOver.note.isEmpty { out.fact("note", takeOver.note) }
        line.end(&out)
    }

    /// A POSITION event up to `realized=`; false where the filter does not want it.
    private func position(
        _ account: AccountNumber, _ instrument: InstrumentID, _ shard: borrowing Shard, _ line: inout EventLine,
        _ out: inout OutputBuffer
    ) -> Bool {
        guard line.begin(.position, account: account, instrument: instrument, &out) else { return false }
        guard let position = shard.position(account: account, instrument: instrument) else {
            invariantFailure("an event of a position that is not there")
        }
        let info = shard.registry.instruments[Int(instrument)]
        out.fact("account", account)
        out.fact("symbol", info.symbol)
        out.position(position, info, shard.registry.assets[Int(info.quote)])
        return true
    }

    // MARK: Money

    private func moved(_ money: Money, _ shard: borrowing Shard, _ line: inout EventLine, _ out: inout OutputBuffer) {
        guard
            balance(money.account, money.asset, money.kind.word, money.amount, money.reference, shard, &line, &out)
        else { return }
        if !money.note.isEmpty {
            switch money.kind {
            case .deposit, .withdraw: out.fact("note", money.note)
            case .adjust, .hold, .release: out.fact("reason", money.note)
            }
        }
        line.end(&out)
    }

    private func sent(_ transfer: Transfer, _ shard: borrowing Shard, _ line: inout EventLine, _ out: inout OutputBuffer) {
        guard
            balance(transfer.account, transfer.asset, "XFR_OUT", transfer.amount, transfer.reference, shard, &line, &out)
        else { return }
        if !transfer.note.isEmpty { out.fact("note", transfer.note) }
        peer(transfer.toAccount, transfer.toWallet, shard, &out)
        line.end(&out)
    }

    private func received(_ transfer: TransferReceived, _ shard: borrowing Shard, _ line: inout EventLine, _ out: inout OutputBuffer) {
        guard
            balance(transfer.account, transfer.asset, "XFR_IN", transfer.amount, transfer.reference, shard, &line, &out)
        else { return }
        peer(transfer.fromAccount, transfer.source, shard, &out)
        line.end(&out)
    }

    private func done(
        _ transfer: TransferReceived, _ target: WalletID, _ shard: borrowing Shard, _ line: inout EventLine,
        _ out: inout OutputBuffer
    ) {
        guard
            balance(transfer.fromAccount, transfer.asset, "XFR_DONE", transfer.amount, transfer.reference, shard, &line, &out)
        else { return }
        peer(transfer.account, target, shard, &out)
        line.end(&out)
    }

    private func peer(_ account: AccountNumber, _ wallet: WalletID, _ shard: borrowing Shard, _ out: inout OutputBuffer) {
        out.fact("peer", account)
        out.fact("peer_wallet", shard.registry.wallets[Int(wallet)].name)
    }

    /// A BALANCE event up to `ref=`; false where the filter does not want it.
    private func balance(
        _ account: AccountNumber, _ asset: AssetID, _ kind: StaticString, _ amount: Amount, _ reference: Text,
        _ shard: borrowing Shard, _ line: inout EventLine, _ out: inout OutputBuffer
    ) -> Bool {
        guard line.begin(.balance, account: account, instrument: -1, &out) else { return false }
        guard let view = shard.balance(account: account, asset: asset) else { invariantFailure("money moved without a balance") }
        let info = shard.registry.assets[Int(asset)]
        out.fact("account", account)
        out.fact("wallet", shard.registry.wallets[Int(shard.number)].name)
        out.fact("asset", info.name)
        out.fact("kind", kind)
        out.fact("amount", amount: amount, info)
        out.fact("available", amount: view.available, info)
        out.fact("held", amount: view.held, info)
        out.fact("transit", amount: view.transit, info)
        if !reference.isEmpty { out.fact("ref", reference) }
        return true
    }
}

/// The numbering of one mutation's events, and their beginning and end.
struct EventLine {
    let lsn: Int64
    let time: Timestamp
    let after: Int
    let filter: EventFilter
    /// The k of the last event, sent or not.
    var event = 0

    /// Begins the next event; false where it is not to be sent.
    mutating func begin(_ kind: EventKind, account: AccountNumber, instrument: InstrumentID, _ out: inout OutputBuffer) -> Bool {
        event += 1
        guard event > after, filter.matches(kind, account: account, instrument: instrument) else { return false }
        out.append("! ")
        out.append(lsn)
        out.append(UInt8(ascii: "."))
        out.append(event)
        out.append(UInt8(ascii: " "))
        out.append(kind.name)
        return true
    }

    func end(_ out: inout OutputBuffer) {
        out.fact("time", milliseconds: time)
        out.append(UInt8(ascii: "\n"))
    }
}
