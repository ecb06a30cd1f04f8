import Core
import GRDB

extension History {
    /// Who did what and when: orders entered and closed, fills, ledger lines of other causes than fills, actions; newest first, at most `limit` (at
    /// most ``rowsMax``). An order's entry is here once it has closed; replaces are in the log alone.
    /// - Throws: ``HistoryError``.
    package func audit(_ range: AuditRange, limit: Int) async throws -> [AuditRow] {
        try await query { db in
            let names = Names(db)
            let limit = min(max(limit, 0), History.rowsMax)
            var found: [AuditRow] = []
            func collect(
                _ table: String, _ order: String, time: String, lsn: String, without: String? = nil,
                _ make: (Row) throws -> (AuditRow.Event, Timestamp, lsn: UInt64, session: UInt64)
            ) throws {
                var conditions = range.conditions(time: time, lsn: lsn)
                if let without { conditions.add(without) }
                if conditions.isEmpty || limit == 0 { return }
                let (sql, arguments) = conditions.first("*", of: table, order: order, offset: 0, limit: limit)
                for row in try Row.fetchAll(db, sql: sql, arguments: arguments) {
                    let (event, time, lsn, session) = try make(row)
                    found.append(AuditRow(time: time, lsn: lsn, session: try SessionRow(db, number: session), event: event))
                }
            }
            try collect("orders", "created DESC, id DESC", time: "created", lsn: "entered_lsn") {
                let order = try OrderRow($0, names)
                return (.entered(order), order.created, order.enteredLSN, order.enteredSession)
            }
            try collect("orders", "closed_lsn DESC", time: "created + took", lsn: "closed_lsn") {
                let order = try OrderRow($0, names)
                return (.closed(order), order.closed, order.closedLSN, order.closedSession)
            }
            try collect("trades", "time DESC, id DESC", time: "time", lsn: "lsn") {
                let trade = try TradeRow($0, names)
                return (.trade(trade), trade.time, trade.lsn, trade.session)
            }
            try collect("ledger", "lsn DESC, k DESC", time: "time", lsn: "lsn", without: "trade IS NULL") {
                let line = try LedgerRow($0, names)
                return (.ledger(line), line.time, line.lsn, line.session)
            }
            try collect("actions", "lsn DESC", time: "time", lsn: "lsn") {
                let action = try ActionRow($0, names)
                return (.action(action), action.time, action.lsn, action.session)
            }
            return Array(found.enumerated().sorted {
                ($0.element.lsn, $1.offset) > ($1.element.lsn, $0.offset)
            }.map(\.element).prefix(limit))
        }
    }
}

extension AuditRange {
    fileprivate func conditions(time: String, lsn: String) -> Conditions {
        var conditions = Conditions()
        conditions.accounts(accounts)
        conditions.add(time, from: from, before: before)
        if let afterLSN { conditions.add("\(lsn) > ?", Int64(bitPattern: afterLSN)) }
        if let upToLSN { conditions.add("\(lsn) <= ?", Int64(bitPattern: upToLSN)) }
        return conditions
    }
}
