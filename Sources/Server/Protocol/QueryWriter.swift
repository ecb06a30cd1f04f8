import Core

/// Rows of queries, `=TAG ...`. Each shard that the query concerns writes its rows; the caller counts over them and ends the answer with
/// ``AnswerWriter/end(rows:tag:into:)``.
public enum QueryWriter {
    /// Appends the rows of one shard.
    /// - Parameters:
    ///   - now: the service's time, for what is told of the last 24 hours.
    ///   - visible: the accounts that a list of accounts may show, ascending; `nil`: all.
    ///   - rows: how many the answer has so far; grows, and stops at the query's limit.
    /// - Returns: a refusal instead of rows: an account or order that is not there. Nothing was appended then.
    public static func write(
        _ query: Query, shard: borrowing Shard, now: Timestamp, tag: Text, visible: [AccountNumber]? = nil, rows: inout Int,
        into out: inout OutputBuffer
    ) -> Rejection? {
        if let rejection = check(query, registry: shard.registry) { return rejection }
        if rows >= query.limit { return nil }
        switch query.kind {
        case .balances: balances(query, shard, tag, &rows, &out)
        case .positions: positions(query, shard, tag, &rows, &out)
        case .orders: return orders(query, shard, tag, &rows, &out)
        case .trades: return trades(query, shard, tag, &rows, &out)
        case .limits: limits(query, shard, tag, &rows, &out)
        case .deadMen: deadMen(query, shard, tag, &rows, &out)
        case .instruments: instruments(query, shard, tag, &rows, &out)
        case .book: MarketWriter.book(query, shard, tag, &rows, &out)
        case .market: MarketWriter.market(query, shard, now: now, tag, &rows, &out)
        case .assets, .wallets, .venues, .accounts, .settings:
            RegistryText.rows(query, shard.registry, visible, tag, &rows, &out)
        }
        return nil
    }

    /// Whether the account is there.
    public static func check(_ query: Query, registry: borrowing Registry) -> Rejection? {
        let account = query.kind == .accounts && query.account == 0 ? query.after : query.account
        return account > 0 && registry.account(account) == nil ? .unknownAccount(account) : nil
    }

    static func begin(_ tag: Text, _ out: inout OutputBuffer) {
        out.append(UInt8(ascii: "="))
        out.append(tag)
        out.append(UInt8(ascii: " "))
    }

    static func end(_ rows: inout Int, _ out: inout OutputBuffer) {
        out.append(UInt8(ascii: "\n"))
        rows += 1
    }

    // MARK: Balances and positions

    private static func balances(
        _ query: Query, _ shard: borrowing Shard, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) {
        if query.asset >= 0 {
            guard let view = shard.balance(account: query.account, asset: query.asset) else { return }
            return balance(view, shard, tag, &rows, &out)
        }
        let limit = query.limit
        shard.forEachBalance(account: query.account) { view in
            if rows < limit { balance(view, shard, tag, &rows, &out) }
        }
    }

    private static func balance(
        _ view: BalanceView, _ shard: borrowing Shard, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) {
        let asset = shard.registry.assets[Int(view.asset)]
        begin(tag, &out)
        out.append(asset.name)
        out.append(UInt8(ascii: " "))
        out.append(shard.registry.wallets[Int(shard.number)].name)
        out.fact("total", amount: view.total, asset)
        out.fact("available", amount: view.available, asset)
        out.fact("reserved", amount: view.reserved, asset)
        out.fact("held", amount: view.held, asset)
        out.fact("transit", amount: view.transit, asset)
        end(&rows, &out)
    }

    private static func positions(
        _ query: Query, _ shard: borrowing Shard, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) {
        let account = query.account
        if query.instrument >= 0 {
            guard let view = shard.position(account: account, instrument: query.instrument) else { return }
            return position(view, account, shard, tag, &rows, &out)
        }
        let limit = query.limit
        shard.forEachPosition(account: account) { view in
            if rows < limit { position(view, account, shard, tag, &rows, &out) }
        }
    }

    private static func position(
        _ view: PositionView, _ account: AccountNumber, _ shard: borrowing Shard, _ tag: Text, _ rows: inout Int,
        _ out: inout OutputBuffer
    ) {
        let info = shard.registry.instruments[Int(view.instrument)]
        let quote = shard.registry.assets[Int(info.quote)]
        begin(tag, &out)
        out.append(info.symbol)
        out.position(view, info, quote)
        if view.openBuy != 0 { out.fact("openbuy", quantity: view.openBuy, info) }
        if view.openSell != 0 { out.fact("opensell", quantity: view.openSell, info) }
        if let mark = shard.mark(view.instrument) {
            if let unrealized = shard.unrealized(view) { out.fact("unrealized", amount: unrealized, quote) }
            out.fact("mark", price: mark, info)
        }
        var first = true
        shard.forEachFee(account: account, instrument: view.instrument) { fee in
            let asset = shard.registry.assets[Int(fee.asset)]
            if first { out.key("fees") } else { out.append(UInt8(ascii: ",")) }
            first = false
            out.append(asset.name)
            out.append(UInt8(ascii: ":"))
            out.append(fee.amount, least: Int(asset.decimals))
        }
        end(&rows, &out)
    }

    // MARK: Orders and trades

    private static func orders(
        _ query: Query, _ shard: borrowing Shard, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) -> Rejection? {
        if let reference = query.order {
            let detail =
                query.instrument < 0
                ? shard.order(account: query.account, reference)
                : shard.order(account: query.account, instrument: query.instrument, reference)
            // Looked for in every wallet: it may be in another one.
            guard let detail else { return query.scope == .allShards ? nil : .unknownOrder }
            order(detail, shard.registry, tag, &rows, &out)
            return nil
        }
        shard.forEachOrder(
            account: query.account, instrument: query.instrument, status: query.status, after: query.after,
            limit: query.limit - rows
        ) { order($0, shard.registry, tag, &rows, &out) }
        return nil
    }

    private static func order(
        _ order: OrderDetail, _ registry: borrowing Registry, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) {
        let info = registry.instruments[Int(order.view.instrument)]
        begin(tag, &out)
        out.append(order.view.id)
        out.fact("symbol", info.symbol)
        out.identity(order, info)
        out.fact("status", order.view.status.word)
        out.progress(order.view, info)
        out.fact("reserved", amount: order.reserved, registry.assets[Int(order.side == .buy ? info.quote : info.base)])
        out.fact("created", milliseconds: order.created)
        out.fact("updated", milliseconds: order.updated)
        if !order.strategy.isEmpty { out.fact("strategy", order.strategy) }
        if order.expire != 0 { out.fact("expire", milliseconds: order.expire) }
        if order.max != 0 { out.fact("max", amount: order.max, registry.assets[Int(info.quote)]) }
        if !order.note.isEmpty { out.fact("note", order.note) }
        if order.view.status == .canceled {
            if order.reasonText.isEmpty { out.fact("reason", order.reason.word) } else { out.fact("reason", order.reasonText) }
        }
        if order.cancelOnDisconnect != 0 { out.fact("cod", "1") }
        out.instructions(order, info)
        end(&rows, &out)
    }

    private static func trades(
        _ query: Query, _ shard: borrowing Shard, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) -> Rejection? {
        var id: OrderID?
        if let reference = query.order {
            guard let detail = shard.order(account: query.account, instrument: query.instrument, reference) else { return .unknownOrder }
            id = detail.view.id
        }
        shard.forEachTrade(
            account: query.account, instrument: query.instrument, order: id, limit: query.limit - rows
        ) { trade($0, shard.registry, tag, &rows, &out) }
        return nil
    }

    private static func trade(
        _ trade: TradeView, _ registry: borrowing Registry, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) {
        let info = registry.instruments[Int(trade.instrument)]
        begin(tag, &out)
        out.append(trade.id)
        out.fact("symbol", info.symbol)
        out.fact("order", trade.order)
        out.fact("id", trade.clientID)
        out.fact("side", trade.side.word)
        out.fact("qty", quantity: trade.quantity, info)
        out.fact("price", price: trade.price, info)
        out.execution(trade.fee, registry.assets[Int(trade.feeAsset)], trade.liquidity)
        if !trade.exec.isEmpty { out.fact("exec", trade.exec) }
        out.fact("time", milliseconds: trade.time)
        if trade.venueTime != 0 { out.fact("venuetime", milliseconds: trade.venueTime) }
        end(&rows, &out)
    }

    // MARK: Limits and instruments

    private static func limits(
        _ query: Query, _ shard: borrowing Shard, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) {
        let account = query.account
        if query.instrument >= 0 {
            let limits = shard.limits(account: account, instrument: query.instrument)
            return limit(account, query.instrument, limits, shard, tag, &rows, &out)
        }
        let most = query.limit
        shard.forEachLimit(account: account) { instrument, limits in
            if rows < most { limit(account, instrument, limits, shard, tag, &rows, &out) }
        }
    }

    private static func limit(
        _ account: AccountNumber, _ instrument: InstrumentID, _ limits: Limits, _ shard: borrowing Shard, _ tag: Text,
        _ rows: inout Int, _ out: inout OutputBuffer
    ) {
        begin(tag, &out)
        if account == 0 { out.append(UInt8(ascii: "*")) } else { out.append(account) }
        out.scope(instrument, wallet: shard.number, shard.registry)
        let decimals = shard.registry.limitDecimals(instrument)
        out.limits(limits, base: decimals.base, quote: decimals.quote)
        if instrument < 0, account != 0 {
            // What holds for it is what holds for all.
            if !shard.hasLimits(account: account, instrument: -1) { out.fact("default", "1") }
            var first = true
            shard.forEachLatch(account: account) { asset in
                if first { out.key("latched") } else { out.append(UInt8(ascii: ",")) }
                first = false
                out.append(shard.registry.assets[Int(asset)].name)
            }
        }
        end(&rows, &out)
    }

    private static func deadMen(
        _ query: Query, _ shard: borrowing Shard, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) {
        if query.account != 0 {
            let deadline = shard.deadline(account: query.account)
            if deadline != 0 { deadMan(query.account, deadline, shard, tag, &rows, &out) }
            return
        }
        let most = query.limit
        shard.forEachDeadline { account, deadline in
            if rows < most { deadMan(account, deadline, shard, tag, &rows, &out) }
        }
    }

    private static func deadMan(
        _ account: AccountNumber, _ deadline: Timestamp, _ shard: borrowing Shard, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) {
        begin(tag, &out)
        out.append(account)
        out.fact("wallet", shard.registry.wallets[Int(shard.number)].name)
        out.fact("deadline", milliseconds: deadline)
        end(&rows, &out)
    }

    /// The instruments that settle in this shard's wallet.
    private static func instruments(
        _ query: Query, _ shard: borrowing Shard, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) {
        if query.instrument >= 0 { return instrument(query.instrument, shard, tag, &rows, &out) }
        for index in 0..<shard.registry.instruments.count where shard.registry.instruments[index].wallet == shard.number {
            if rows >= query.limit { return }
            instrument(InstrumentID(index), shard, tag, &rows, &out)
        }
    }

    private static func instrument(
        _ id: InstrumentID, _ shard: borrowing Shard, _ tag: Text, _ rows: inout Int, _ out: inout OutputBuffer
    ) {
        let info = shard.registry.instruments[Int(id)]
        begin(tag, &out)
        RegistryText.instrument(info, shard.registry, &out)
        if let mark = shard.mark(id) { out.fact("mark", price: mark, info) }
        end(&rows, &out)
    }
}
