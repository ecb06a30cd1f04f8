import Core
import Server
import WAL

/// Makes rows of records: brings shards of its own forward and notes what each record did to orders, trades and balances. The order of a batch's
/// lists is the log's, so the same log gives the same rows. Owner: the thread that follows the log.
final class Collector {
    private(set) var shards: [ShardBox] = []
    var batch = RowBatch()
    /// Rows are made of records after this LSN; what is before is in the database.
    let writtenLSN: UInt64
    private var entries = EntryTables()
    /// The other legs of orders that are or were in a pair, until they close.
    private var pairs: [OrderID: OrderID] = [:]
    private var strategies: [TextKey: Int64]
    private var events = EventWriter()
    private var eventText = OutputBuffer(capacity: 1 << 10)

    /// - Parameter strategies: their numbers in the database.
    init(writtenLSN: UInt64, strategies: [(name: Text, number: Int64)]) {
        self.writtenLSN = writtenLSN
        self.strategies = Dictionary(uniqueKeysWithValues: strategies.map { (TextKey(text: $0.name), $0.number) })
    }

    func take(_ session: SessionInfo) { batch.sessions.append(session) }

    /// Applies a record and, if it is new, adds its rows to the batch.
    func take(_ record: borrowing RecordReader.Record, lsn: UInt64) {
        let number = Int(record.shard)
        while shards.count <= number { shards.append(ShardBox(number: WalletID(shards.count))) }
        let shard = shards[number].address
        let source = Entry(session: record.session, lsn: lsn)
        let time = record.time
        let isNew = lsn > writtenLSN
        let mutation = record.mutation
        switch mutation {
        case .orderAccepted(let accepted):
            shard.pointee.evolve(accepted, at: time)
            entries.insert(accepted.id, source)
            if accepted.oco != 0 {
                pairs[accepted.id] = accepted.oco
                pairs[accepted.oco] = accepted.id
            }
        case .orderCanceled(let canceled):
            shard.pointee.evolve(canceled, at: time)
            closed(canceled.order, shard, source, time, isNew)
        case .orderExpired(let order):
            shard.pointee.evolve(mutation, at: time)
            closed(order, shard, source, time, isNew)
        case .orderReplaced(let replaced):
            shard.pointee.evolve(replaced, at: time)
            closed(replaced.order, shard, source, time, isNew)
        case .filled(let fill):
            filled(fill, shard, source, time, isNew)
        case .matched(let matched):
            self.matched(matched, shard, source, time, isNew)
        default:
            shard.pointee.evolve(mutation, at: time)
            if isNew { rare(mutation, shard, source, time) }
        }
        if isNew { batch.lsn = lsn }
    }

    // MARK: Orders

    /// After a record that may have closed the order.
    private func closed(_ id: OrderID, _ shard: UnsafeMutablePointer<Shard>, _ source: Entry, _ time: Timestamp, _ isNew: Bool) {
        guard let order = shard.pointee.order(id: id) else { invariantFailure("a record of an order that is not there") }
        if !order.view.status.isOpen { closed(order, shard, source, time, isNew) }
    }

    private func closed(_ order: OrderDetail, _ shard: UnsafeMutablePointer<Shard>, _ source: Entry, _ time: Timestamp, _ isNew: Bool) {
        guard let entered = entries.remove(order.view.id) else { invariantFailure("an order closed twice") }
        let other = pairs.isEmpty ? 0 : pairs.removeValue(forKey: order.view.id) ?? 0
        if !isNew { return }
        var row = pending(order, shard, entered: entered, closed: source, time)
        row.oco = other
        batch.orders.append(row)
    }

    private func pending(
        _ order: OrderDetail, _ shard: UnsafeMutablePointer<Shard>, entered: Entry, closed: Entry, _ time: Timestamp
    ) -> PendingOrder {
        let info = shard.pointee.registry.instruments[Int(order.view.instrument)]
        let unit = Int128(Numbers.powerOfTen(18 - info.priceScale - info.quantityScale))
        // Today's Core refuses what brings an order's fills beyond that. Logs of earlier versions may have such an order, and must start again:
        // its row then has the most that fits, and no average (`OrderRow`).
        let (value, overflow) = order.view.cumulativeCost.multipliedReportingOverflow(by: unit)
        return PendingOrder(
            order: order, value: overflow ? .max : value,
            quoteDecimals: shard.pointee.registry.assets[Int(info.quote)].decimals, strategy: number(of: order.strategy),
            entered: entered, closed: closed, closedAt: time)
    }

    private func number(of strategy: Text) -> Int64 {
        if strategy.isEmpty { return 0 }
        let key = TextKey(text: strategy)
        if let known = strategies[key] { return known }
        let number = Int64(strategies.count) + 1
        strategies[key] = number
        batch.names.append(.strategy(number, strategy))
        return number
    }

    // MARK: Fills

    private func filled(
        _ fill: Filled, _ shard: UnsafeMutablePointer<Shard>, _ source: Entry, _ time: Timestamp, _ isNew: Bool
    ) {
        if !isNew {
            shard.pointee.evolve(fill, at: time)
            forgetIfClosed(fill.order, shard)
            return
        }
        let before = Before(of: fill.order, shard)
        shard.pointee.evolve(fill, at: time)
        var k: Int64 = 0
        filled(fill, before, shard, source, time, &k)
    }

    /// Two fills in one record; the maker's comes first.
    private func matched(
        _ matched: Matched, _ shard: UnsafeMutablePointer<Shard>, _ source: Entry, _ time: Timestamp, _ isNew: Bool
    ) {
        if !isNew {
            shard.pointee.evolve(matched, at: time)
            forgetIfClosed(matched.maker, shard)
            forgetIfClosed(matched.taker, shard)
            return
        }
        let (maker, taker) = (Before(of: matched.maker, shard), Before(of: matched.taker, shard))
        shard.pointee.evolve(matched, at: time)
        var k: Int64 = 0
        filled(matched.makerSide(fee: maker.info.quote), maker, shard, source, time, &k)
        filled(matched.takerSide(fee: taker.info.quote), taker, shard, source, time, &k)
    }

    private func forgetIfClosed(_ id: OrderID, _ shard: UnsafeMutablePointer<Shard>) {
        guard let order = shard.pointee.order(id: id) else { invariantFailure("a fill of an order that is not there") }
        if order.view.status.isOpen { return }
        _ = entries.remove(id)
        pairs[id] = nil
    }

    /// What a fill's rows need of the state before it.
    private struct Before {
        let order: OrderDetail
        let info: InstrumentInfo
        let position: PositionView?
        let base: Amount
        let quote: Amount

        init(of id: OrderID, _ shard: UnsafeMutablePointer<Shard>) {
            guard let order = shard.pointee.order(id: id) else { invariantFailure("a fill of an order that is not there") }
            self.order = order
            info = shard.pointee.registry.instruments[Int(order.view.instrument)]
            position = shard.pointee.position(account: order.account, instrument: order.view.instrument)
            base = shard.pointee.balance(account: order.account, asset: info.base)?.total ?? 0
            quote = shard.pointee.balance(account: order.account, asset: info.quote)?.total ?? 0
        }
    }

    /// The rows of a fill that was applied.
    /// - Parameter k: of the record's last ledger line so far.
    private func filled(
        _ fill: Filled, _ before: Before, _ shard: UnsafeMutablePointer<Shard>, _ source: Entry, _ time: Timestamp, _ k: inout Int64
    ) {
        let (account, instrument, info) = (before.order.account, before.order.view.instrument, before.info)
        guard let order = shard.pointee.order(id: fill.order),
            let after = shard.pointee.position(account: account, instrument: instrument)
        else { invariantFailure("a fill without its order and position") }

        if !order.view.status.isOpen {
            if before.order.view.status.isOpen {
                closed(order, shard, source, time, true)
            } else {
                batch.lateFills.append(pending(order, shard, entered: Entry(), closed: Entry(), time))
            }
        }
        let held = before.position?.quantity ?? 0
        batch.trades.append(
            PendingTrade(
                fill: fill, account: account, instrument: instrument, side: order.side, clientID: order.clientID,
                strategy: number(of: order.strategy), feeDecimals: decimals(of: fill.feeAsset, shard),
                realized: after.realized - (before.position?.realized ?? 0), quoteDecimals: decimals(of: info.quote, shard),
                isClosing: held != 0 && (held > 0) == (order.side == .sell), time: time, source: source))
        legs(fill, order, info, shard, base: before.base, quote: before.quote, source, time, &k)
    }

    /// The ledger lines of a fill: base, quote, fee.
    private func legs(
        _ fill: Filled, _ order: OrderDetail, _ info: InstrumentInfo, _ shard: UnsafeMutablePointer<Shard>, base: Amount, quote: Amount,
        _ source: Entry, _ time: Timestamp, _ k: inout Int64
    ) {
        var line = PendingLine()
        line.source = source
        line.time = time
        line.account = order.account
        line.wallet = shard.pointee.number
        line.order = order.view.id
        line.trade = fill.trade
        func add(_ kind: LedgerKind, _ amount: Amount, _ balance: BalanceAfter) {
            if amount == 0 { return }
            k += 1
            line.k = k
            line.kind = kind
            line.amount = amount
            line.balance = balance
            line.decimals = decimals(of: balance.asset, shard)
            batch.ledger.append(line)
        }
        for (asset, total) in [(info.base, base), (info.quote, quote)] {
            // The fee is a line of its own; before it there was that much more.
            let fee = fill.feeAsset == asset ? fill.fee : 0
            var balance = balance(order.account, asset, shard)
            balance.available += fee
            balance.total += fee
            add(.trade, balance.total - total, balance)
        }
        if fill.fee != 0 { add(.fee, -fill.fee, balance(order.account, fill.feeAsset, shard)) }
    }

    private func balance(_ account: AccountNumber, _ asset: AssetID, _ shard: UnsafeMutablePointer<Shard>) -> BalanceAfter {
        guard let view = shard.pointee.balance(account: account, asset: asset) else { return BalanceAfter(asset: asset) }
        return BalanceAfter(asset: asset, total: view.total, available: view.available, held: view.held)
    }

    private func decimals(of asset: AssetID, _ shard: UnsafeMutablePointer<Shard>) -> Int32 {
        shard.pointee.registry.assets[Int(asset)].decimals
    }

    // MARK: Money, definitions, limits

    private func rare(_ mutation: Mutation, _ shard: UnsafeMutablePointer<Shard>, _ source: Entry, _ time: Timestamp) {
        switch mutation {
        case .moneyMoved(let money):
            let kind: LedgerKind
            switch money.kind {
            case .deposit: kind = .deposit
            case .withdraw: kind = .withdraw
            case .adjust: kind = .adjust
            case .hold: kind = .hold
            case .release: kind = .release
            }
            let isOut = money.kind == .withdraw || money.kind == .release
            var line = self.line(1, money.account, money.asset, kind, isOut ? -money.amount : money.amount, shard, source, time)
            line.reference = money.reference
            line.note = money.note
            batch.ledger.append(line)
        case .transferredWithin(let transfer):
            sent(transfer, shard, source, time)
            received(
                TransferReceived(
                    source: shard.pointee.number, sequence: 0, account: transfer.toAccount, fromAccount: transfer.account,
                    asset: transfer.asset, amount: transfer.amount, reference: transfer.reference),
                k: 2, shard, source, time)
        case .transferSent(let transfer, _): sent(transfer, shard, source, time)
        case .transferReceived(let transfer): received(transfer, k: 1, shard, source, time)
        case .defined(_, let definition):
            // Every shard records its copy; the first is the decision.
            if shard.pointee.number != 0 { return }
            name(definition, shard)
            switch definition {
            case .account(let account, _): action(mutation, account, -1, shard, source, time)
            case .instrument(let info): action(mutation, 0, shard.pointee.registry.instrument(info.symbol) ?? -1, shard, source, time)
            case .changeInstrument(let id, _): action(mutation, 0, id, shard, source, time)
            case .asset, .wallet, .venue, .setting: action(mutation, 0, -1, shard, source, time)
            }
        case .limitsSet(let account, let instrument, _): action(mutation, account, instrument, shard, source, time)
        case .lossLatched(let account, _, _): action(mutation, account, -1, shard, source, time)
        case .positionTakenOver(let it): action(mutation, it.account, it.instrument, shard, source, time)
        case .markSet, .transfersSettled, .deadManSet, .orderAccepted, .orderReplaced, .orderCanceled, .orderExpired, .filled, .matched, .orderTriggered: break
        }
    }

    private func sent(_ transfer: Transfer, _ shard: UnsafeMutablePointer<Shard>, _ source: Entry, _ time: Timestamp) {
        var line = line(1, transfer.account, transfer.asset, .transferOut, -transfer.amount, shard, source, time)
        line.reference = transfer.reference
        line.note = transfer.note
        line.peerAccount = transfer.toAccount
        line.peerWallet = transfer.toWallet
        batch.ledger.append(line)
    }

    private func received(
        _ transfer: TransferReceived, k: Int64, _ shard: UnsafeMutablePointer<Shard>, _ source: Entry, _ time: Timestamp
    ) {
        var line = line(k, transfer.account, transfer.asset, .transferIn, transfer.amount, shard, source, time)
        line.reference = transfer.reference
        line.peerAccount = transfer.fromAccount
        line.peerWallet = transfer.source
        batch.ledger.append(line)
    }

    private func line(
        _ k: Int64, _ account: AccountNumber, _ asset: AssetID, _ kind: LedgerKind, _ amount: Amount,
        _ shard: UnsafeMutablePointer<Shard>, _ source: Entry, _ time: Timestamp
    ) -> PendingLine {
        var line = PendingLine()
        line.source = source
        line.k = k
        line.time = time
        line.account = account
        line.wallet = shard.pointee.number
        line.kind = kind
        line.amount = amount
        line.balance = balance(account, asset, shard)
        line.decimals = decimals(of: asset, shard)
        return line
    }

    private func name(_ definition: Definition, _ shard: UnsafeMutablePointer<Shard>) {
        switch definition {
        case .asset(let info):
            batch.names.append(.asset(AssetID(shard.pointee.registry.assets.count - 1), info))
        case .wallet(let info):
            batch.names.append(.wallet(WalletID(shard.pointee.registry.wallets.count - 1), info))
        case .instrument(let info):
            let venue = shard.pointee.registry.venues[Int(info.venue)].name
            batch.names.append(.instrument(InstrumentID(shard.pointee.registry.instruments.count - 1), info, venue: venue))
        case .changeInstrument(let id, let terms): batch.names.append(.terms(id, terms))
        case .venue, .account, .setting: break
        }
    }

    /// With the text that a subscriber gets: of `! LSN.1 REGISTRY ACC 7 status=suspended time=...` what is between the kind and the time.
    private func action(
        _ mutation: Mutation, _ account: AccountNumber, _ instrument: InstrumentID, _ shard: UnsafeMutablePointer<Shard>,
        _ source: Entry, _ time: Timestamp
    ) {
        eventText.removeAll()
        events.write(mutation, shard: shard.pointee, lsn: Int64(source.lsn), time: time, filter: EventFilter(), into: &eventText)
        var words = eventText.withUnsafeBytes { String(decoding: $0.dropLast(), as: UTF8.self) }.split(separator: " ").dropFirst(2)
        words.removeAll { $0.hasPrefix("time=") }
        let kind: String
        switch words.removeFirst() {
        case "LIMIT": kind = "LIM"
        case "POSITION": kind = "PTO"
        default: kind = String(words.removeFirst())
        }
        batch.actions.append(
            PendingAction(
                source: source, time: time, kind: kind, account: account, instrument: instrument, text: words.joined(separator: " ")))
    }
}

/// A short text as a key.
struct TextKey: Hashable {
    var text: Text
    static func == (a: TextKey, b: TextKey) -> Bool { a.text == b.text }
    func hash(into hasher: inout Hasher) { hasher.combine(text.hash) }
}

/// ``OpenEntries`` of each shard.
private struct EntryTables: ~Copyable {
    private final class Table { var entries = OpenEntries() }
    private var tables: [Table] = []

    mutating func insert(_ order: OrderID, _ entry: Entry) {
        let shard = Int(order >> 40)
        while tables.count <= shard { tables.append(Table()) }
        tables[shard].entries.insert(order, entry)
    }

    mutating func remove(_ order: OrderID) -> Entry? {
        let shard = Int(order >> 40)
        return shard < tables.count ? tables[shard].entries.remove(order) : nil
    }
}
