import Core
import GRDB
import WAL

/// Writes batches of rows with statements prepared once. Owner: the thread that follows the log, inside the pool's writer.
final class RowWriter {
    private let session, asset, wallet, instrument, terms, strategy, order, options, lateFill, trade, line, action, progress: RowStatement

    init(_ db: Database) throws {
        // Sessions come again in each segment of the log.
        session = try RowStatement(db, "INSERT OR IGNORE INTO sessions VALUES (?,?,?,?,?,?)")
        asset = try RowStatement(db, "INSERT INTO assets VALUES (?,?,?)")
        wallet = try RowStatement(db, "INSERT INTO wallets VALUES (?,?)")
        instrument = try RowStatement(db, "INSERT INTO instruments VALUES (?,?,?,?,?,?,?,?,?,?)")
        terms = try RowStatement(db, "UPDATE instruments SET tick = ?, lot = ? WHERE id = ?")
        strategy = try RowStatement(db, "INSERT INTO strategies VALUES (?,?)")
        order = try RowStatement(db, "INSERT INTO orders VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
        options = try RowStatement(db, "INSERT INTO order_options VALUES (?,?,?,?,?,?,?,?,?)")
        lateFill = try RowStatement(db, "UPDATE orders SET cumulative = ?, value = ?, updated = ? WHERE id = ?")
        trade = try RowStatement(db, "INSERT INTO trades VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
        line = try RowStatement(db, "INSERT INTO ledger VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
        action = try RowStatement(db, "INSERT INTO actions VALUES (?,?,?,?,?,?,?)")
        progress = try RowStatement(db, "UPDATE progress SET lsn = ?, checked_lsn = ?, chain = ? WHERE id = 1")
    }

    /// Inside a transaction.
    func write(_ batch: borrowing RowBatch, _ db: Database) throws {
        for it in batch.sessions { try write(it, db) }
        for it in batch.names { try write(it, db) }
        for it in batch.orders { try write(it, db) }
        for it in batch.lateFills { try writeLate(it, db) }
        for it in batch.trades { try write(it, db) }
        for it in batch.ledger { try write(it, db) }
        for it in batch.actions { try write(it, db) }
        progress.bind(bits: batch.lsn)
        progress.bind(bits: batch.place.lsn)
        progress.bind(bits: batch.place.chain)
        try progress.run(db)
    }

    private func write(_ it: SessionInfo, _ db: Database) throws {
        session.bind(bits: it.number)
        for text in [it.subject, it.roles, it.peer] { session.bind(text.isEmpty ? "-" : text) }
        session.bind(it.name)
        session.bind(it.openedMicroseconds)
        try session.run(db)
    }

    private func write(_ name: PendingName, _ db: Database) throws {
        switch name {
        case .asset(let id, let info):
            asset.bind(id)
            asset.bind(info.name)
            asset.bind(info.decimals)
            try asset.run(db)
        case .wallet(let id, let info):
            wallet.bind(id)
            wallet.bind(info.name)
            try wallet.run(db)
        case .instrument(let id, let info, let venue):
            instrument.bind(id)
            instrument.bind(info.symbol)
            instrument.bind(venue)
            instrument.bind(info.wallet)
            instrument.bind(info.base)
            instrument.bind(info.quote)
            instrument.bind(info.priceScale)
            instrument.bind(info.quantityScale)
            instrument.bind(info.terms.tick)
            instrument.bind(info.terms.lot)
            try instrument.run(db)
        case .terms(let id, let changed):
            terms.bind(changed.tick)
            terms.bind(changed.lot)
            terms.bind(id)
            try terms.run(db)
        case .strategy(let id, let text):
            strategy.bind(id)
            strategy.bind(text)
            try strategy.run(db)
        }
    }

    private func write(_ it: PendingOrder, _ db: Database) throws {
        let detail = it.order
        order.bind(detail.view.id)
        order.bind(detail.account)
        order.bind(detail.view.instrument)
        order.bind(detail.clientID)
        order.bind(Int64(detail.side.rawValue))
        order.bind(Int64(detail.type.rawValue))
        order.bind(Int64(detail.timeInForce.rawValue))
        order.bind(detail.quantity)
        if detail.type == .market { order.bindNull() } else { order.bind(detail.price) }
        order.bind(Int64(detail.view.status.rawValue))
        order.bind(nonZero: detail.view.cumulative)
        order.bind(nonZero: it.value, decimals: it.quoteDecimals)
        order.bind(nonZero: detail.expire)
        order.bind(nonZero: detail.max, decimals: it.quoteDecimals)
        order.bind(nonZero: it.strategy)
        order.bind(detail.note)
        order.bind(detail.created)
        order.bind(detail.updated)
        order.bind(it.closedAt - detail.created)
        if detail.view.status == .canceled { order.bind(Int64(detail.reason.rawValue)) } else { order.bindNull() }
        order.bind(detail.reasonText)
        order.bind(nonZero: Int64(bitPattern: detail.cancelOnDisconnect))
        order.bind(bits: it.entered.session)
        order.bind(bits: it.closed.session)
        order.bind(bits: it.entered.lsn)
        order.bind(bits: it.closed.lsn)
        try order.run(db)
        if it.oco != 0 || !detail.instructions.isPlain { try writeOptions(it, db) }
    }

    private func writeOptions(_ it: PendingOrder, _ db: Database) throws {
        let asked = it.order.instructions
        options.bind(it.order.view.id)
        options.bind(Int64(asked.trigger.rawValue))
        options.bind(nonZero: asked.stop)
        options.bind(Int64(asked.triggerPrice.rawValue))
        options.bind(nonZero: asked.display)
        options.bind(asked.postOnly ? Int64(1) : 0)
        options.bind(asked.reduceOnly ? Int64(1) : 0)
        options.bind(Int64(asked.selfTrade.rawValue))
        options.bind(nonZero: it.oco)
        try options.run(db)
    }

    private func writeLate(_ it: PendingOrder, _ db: Database) throws {
        lateFill.bind(nonZero: it.order.view.cumulative)
        lateFill.bind(nonZero: it.value, decimals: it.quoteDecimals)
        lateFill.bind(it.order.updated)
        lateFill.bind(it.order.view.id)
        try lateFill.run(db)
    }

    private func write(_ it: PendingTrade, _ db: Database) throws {
        trade.bind(it.fill.trade)
        trade.bind(it.fill.order)
        trade.bind(it.account)
        trade.bind(it.instrument)
        trade.bind(it.clientID)
        trade.bind(Int64(it.side.rawValue))
        trade.bind(it.fill.quantity)
        trade.bind(it.fill.price)
        trade.bind(nonZero: it.fill.fee, decimals: it.feeDecimals)
        trade.bind(it.fill.feeAsset)
        trade.bind(Int64(it.fill.liquidity.rawValue))
        trade.bindEven(empty: it.fill.exec)
        trade.bind(it.time)
        trade.bind(nonZero: it.fill.venueTime)
        trade.bind(nonZero: it.strategy)
        trade.bind(nonZero: it.realized, decimals: it.quoteDecimals)
        trade.bind(it.isClosing ? Int64(1) : 0)
        trade.bind(bits: it.source.session)
        trade.bind(bits: it.source.lsn)
        try trade.run(db)
    }

    private func write(_ it: PendingLine, _ db: Database) throws {
        line.bind(bits: it.source.lsn)
        line.bind(it.k)
        line.bind(it.time)
        line.bind(it.account)
        line.bind(it.wallet)
        line.bind(it.balance.asset)
        line.bind(it.kind.rawValue)
        line.bind(it.amount, decimals: it.decimals)
        line.bind(nonZero: it.balance.total, decimals: it.decimals)
        line.bind(nonZero: it.balance.available, decimals: it.decimals)
        line.bind(nonZero: it.balance.held, decimals: it.decimals)
        line.bind(it.reference)
        line.bind(nonZero: it.order)
        line.bind(nonZero: it.trade)
        line.bind(it.note)
        line.bind(nonZero: it.peerAccount)
        if it.peerAccount == 0 { line.bindNull() } else { line.bind(it.peerWallet) }
        line.bind(bits: it.source.session)
        try line.run(db)
    }

    private func write(_ it: PendingAction, _ db: Database) throws {
        action.bind(bits: it.source.lsn)
        action.bind(it.time)
        action.bind(bits: it.source.session)
        action.bind(it.kind)
        action.bind(nonZero: it.account)
        if it.instrument < 0 { action.bindNull() } else { action.bind(it.instrument) }
        action.bind(it.text)
        try action.run(db)
    }
}
