import Core
import GRDB
import Server

extension History {
    /// Closed orders, newest first: by time of entry, then OrderID.
    /// - Parameter limit: at most ``rowsMax`` rows are given.
    /// - Throws: ``HistoryError``.
    package func orders(_ filter: ClosedOrderFilter, offset: Int = 0, limit: Int) async throws -> HistoryPage<OrderRow> {
        try await query { db in
            let names = Names(db)
            let conditions = try filter.conditions(names)
            return try page(db, conditions, "orders", "created DESC, id DESC", offset, limit) { try OrderRow($0, names) }
        }
    }

    /// The closed order; `nil` when there is none: it may be open.
    package func order(id: OrderID) async throws -> OrderRow? {
        try await query { db in
            try Row.fetchOne(db, sql: "SELECT * FROM orders WHERE id = ?", arguments: [id]).map { try OrderRow($0, Names(db)) }
        }
    }

    /// Closed orders with this ClOrdID, newest first: an id may be used again in another wallet, or when it is forgotten.
    package func orders(account: AccountNumber, clientID: Text) async throws -> [OrderRow] {
        try await query { db in
            let names = Names(db)
            return try Row.fetchAll(
                db, sql: "SELECT * FROM orders WHERE account = ? AND client_id = ? ORDER BY created DESC, id DESC LIMIT ?",
                arguments: [account, names.escaped(clientID), History.rowsMax]
            ).map { try OrderRow($0, names) }
        }
    }

    /// Which of these orders have closed after one LSN and up to another.
    package func closed(amongOrders orders: [OrderID], after lsn: UInt64, upTo last: UInt64) async throws -> Set<OrderID> {
        try await query { db in
            let statement = try db.cachedStatement(sql: "SELECT 1 FROM orders WHERE id = ? AND closed_lsn > ? AND closed_lsn <= ?")
            var closed: Set<OrderID> = []
            for order in orders {
                let arguments: StatementArguments = [order, Int64(bitPattern: lsn), Int64(bitPattern: last)]
                if try Row.fetchOne(statement, arguments: arguments) != nil { closed.insert(order) }
            }
            return closed
        }
    }

    /// Counts and sums of closed orders entered since then.
    package func orderSummary(accounts: [AccountNumber]?, since: Timestamp) async throws -> OrderSummary {
        try await query { db in
            let names = Names(db)
            var conditions = Conditions()
            conditions.accounts(accounts)
            conditions.add("created >= ?", since)
            return try OrderSummary(db, conditions, names)
        }
    }
}

/// A page of a table, and how many rows there are in all.
func page<Value: Sendable>(
    _ db: Database, _ conditions: Conditions, _ table: String, _ order: String, _ offset: Int, _ limit: Int,
    _ make: (Row) throws -> Value
) throws -> HistoryPage<Value> {
    if conditions.isEmpty { return HistoryPage(rows: [], total: 0) }
    let (condition, values) = conditions.whole()
    let total = try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)\(condition)", arguments: values) ?? 0
    let limit = min(max(limit, 0), History.rowsMax)
    if limit == 0 || offset >= total { return HistoryPage(rows: [], total: total) }
    let (sql, arguments) = conditions.first("*", of: table, order: order, offset: max(offset, 0), limit: limit)
    return HistoryPage(rows: try Row.fetchAll(db, sql: sql, arguments: arguments).map(make), total: total)
}

extension ClosedOrderFilter {
    func conditions(_ names: Names) throws -> Conditions {
        var conditions = Conditions()
        conditions.accounts(accounts)
        try conditions.add("instrument", symbol, names.instrument)
        if let side { conditions.add("side = ?", Int64(side.rawValue)) }
        if let type { conditions.add("type = ?", Int64(type.rawValue)) }
        switch trigger {
        case nil: break
        case .some(.none): conditions.add("id NOT IN (SELECT id FROM order_options WHERE trigger <> 0)")
        case .some(let trigger): conditions.add("id IN (SELECT id FROM order_options WHERE trigger = ?)", Int64(trigger.rawValue))
        }
        conditions.add(oneOf: statuses?.map { Int64($0.rawValue) }, "status")
        conditions.add(oneOf: try strategy.map(names.strategies), "strategy")
        conditions.add("created", from: createdFrom, before: createdBefore)
        if let closedUpTo { conditions.add("closed_lsn <= ?", Int64(bitPattern: closedUpTo)) }
        try conditions.add(
            "quantity", scale: "quantity_scale", min: ("min_quantity", minQuantity), max: ("max_quantity", maxQuantity))
        if minPrice != nil || maxPrice != nil { conditions.add("price IS NOT NULL") }
        try conditions.add("price", scale: "price_scale", min: ("min_price", minPrice), max: ("max_price", maxPrice))
        return conditions
    }
}

extension OrderRow {
    init(_ row: Row, _ names: Names) throws {
        let info = try names.instrument(row["instrument"])
        let cumulative: Int64 = row["cumulative"] ?? 0
        let value: String? = row["value"]
        var average: String?
        if cumulative != 0, let value {
            let amount = try Names.amount(value)
            // The most that fits stands for what did not fit, see `Collector`.
            if amount != .max {
                average = names.price(Numbers.averagePrice(cost: amount / info.amountUnit, quantity: Int128(cumulative)), info)
            }
        }
        let created: Int64 = row["created"]
        self.init(
            id: row["id"], account: row["account"], symbol: info.symbol, base: info.base.name, quote: info.quote.name,
            wallet: try names.wallet(info.wallet), clientID: Text(escaped: row["client_id"]), side: try row.value("side"),
            type: try row.value("type"), timeInForce: try row.value("tif"), quantity: names.quantity(row["quantity"] as Int64, info),
            price: (row["price"] as Int64?).map { names.price($0, info) }, options: try names.options(row["id"], info), status: try row.value("status"),
            leaves: names.quantity(0 as Int64, info), cumulative: names.quantity(cumulative, info), average: average,
            value: value ?? names.zero(info.quote), expire: row["expire"], max: row["max"],
            strategy: try names.strategy(row["strategy"]), note: row.text("note"), created: created, updated: row["updated"],
            closed: created + (row["took"] as Int64), reason: try row.optionalValue("reason"), reasonText: row.text("reason_text"),
            cancelOnDisconnect: row["cancel_session"] != nil, enteredSession: row.bits("entered_session"),
            closedSession: row.bits("closed_session"), enteredLSN: row.bits("entered_lsn"), closedLSN: row.bits("closed_lsn"))
    }
}

extension Row {
    func bits(_ column: String) -> UInt64 { UInt64(bitPattern: self[column] as Int64) }

    /// Empty for NULL.
    func text(_ column: String) -> Text { (self[column] as String?).map { Text(escaped: $0) } ?? Text() }

    func value<Value: RawRepresentable<UInt8>>(_ column: String) throws -> Value {
        guard let value: Value = try optionalValue(column) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\(column) is missing")
        }
        return value
    }

    func optionalValue<Value: RawRepresentable<UInt8>>(_ column: String) throws -> Value? {
        guard let raw: Int64 = self[column] else { return nil }
        guard let byte = UInt8(exactly: raw), let value = Value(rawValue: byte) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\(column) is \(raw)")
        }
        return value
    }
}
