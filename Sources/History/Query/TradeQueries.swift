import Core
import GRDB
import Server

extension History {
    /// Trades in an order; of equal ones the newest first.
    /// - Parameter limit: at most ``rowsMax`` rows are given.
    /// - Throws: ``HistoryError``.
    package func trades(
        _ filter: TradeFilter, sort: TradeSort = .time, descending: Bool = true, offset: Int = 0, limit: Int
    ) async throws -> HistoryPage<TradeRow> {
        try await query { db in
            let names = Names(db)
            let conditions = try filter.conditions(names)
            let way = descending ? "DESC" : "ASC"
            let order =
                switch sort {
                case .time: "time \(way), id \(way)"
                case .quantity: "units(quantity, \(TradeFilter.scale("quantity_scale"))) \(way), time DESC, id DESC"
                case .price: "units(price, \(TradeFilter.scale("price_scale"))) \(way), time DESC, id DESC"
                case .value: "\(TradeFilter.worth) \(way), time DESC, id DESC"
                }
            // Sorted by a computed value, the accounts' parts cannot be merged along an index.
            return try page(db, sort == .time ? conditions : conditions.together(), "trades", order, offset, limit) {
                try TradeRow($0, names)
            }
        }
    }

    package func trade(id: TradeID) async throws -> TradeRow? {
        try await query { db in
            try Row.fetchOne(db, sql: "SELECT * FROM trades WHERE id = ?", arguments: [id]).map { try TradeRow($0, Names(db)) }
        }
    }

    /// The fills of an order, oldest first; of a closed or an open one.
    package func trades(order: OrderID) async throws -> [TradeRow] {
        try await query { db in
            let names = Names(db)
            return try Row.fetchAll(
                db, sql: "SELECT * FROM trades WHERE order_id = ? ORDER BY id LIMIT ?", arguments: [order, History.rowsMax]
            ).map { try TradeRow($0, names) }
        }
    }

    /// Trades with the venue's execution id, newest first: it is unique per order only.
    package func trades(exec: Text) async throws -> [TradeRow] {
        try await query { db in
            let names = Names(db)
            return try Row.fetchAll(
                db, sql: "SELECT * FROM trades WHERE exec = ? ORDER BY time DESC, id DESC LIMIT ?",
                arguments: [names.escaped(exec), History.rowsMax]
            ).map { try TradeRow($0, names) }
        }
    }

    /// What was paid on each order, by asset name, as decimal text; orders without a fee are left out.
    package func fees(ofOrders orders: [OrderID]) async throws -> [OrderID: [(asset: String, amount: String)]] {
        try await query { db in
            let names = Names(db)
            var sums: [OrderID: [AssetID: Amount]] = [:]
            for order in orders.prefix(History.rowsMax) {
                let statement = try db.cachedStatement(sql: "SELECT fee_asset, fee FROM trades WHERE order_id = ? AND fee IS NOT NULL")
                for row in try Row.fetchAll(statement, arguments: [order]) {
                    try sums[order, default: [:]][row["fee_asset"], default: 0].add(Names.amount(row["fee"]))
                }
            }
            return try sums.mapValues { fees in
                try fees.sorted { $0.key < $1.key }.map { asset, amount in
                    let asset = try names.asset(asset)
                    return (asset.name, names.amount(amount, asset))
                }
            }
        }
    }

    /// Microseconds; `nil` when the account has never traded the instrument.
    package func firstAndLastTradeTime(account: AccountNumber, symbol: Text) async throws -> (first: Timestamp, last: Timestamp)? {
        try await query { db in
            guard let instrument = try Names(db).instrument(symbol) else { return nil }
            let condition = "FROM trades WHERE account = ?1 AND instrument = ?2"
            let row = try Row.fetchOne(
                db, sql: "SELECT (SELECT min(time) \(condition)) AS first, (SELECT max(time) \(condition)) AS last",
                arguments: [account, Int64(instrument)])
            guard let first: Int64 = row?["first"], let last: Int64 = row?["last"] else { return nil }
            return (first, last)
        }
    }
}

extension Int128 {
    /// - Throws: ``HistoryError/overflow``.
    mutating func add(_ other: Int128) throws {
        let (sum, overflow) = addingReportingOverflow(other)
        if overflow { throw HistoryError.overflow }
        self = sum
    }

    /// - Throws: ``HistoryError/overflow``.
    func plus(_ other: Int128) throws -> Int128 {
        var sum = self
        try sum.add(other)
        return sum
    }
}

extension TradeFilter {
    static func scale(_ column: String) -> String { "(SELECT \(column) FROM instruments i WHERE i.id = instrument)" }
    static let worth = "worth(price, quantity, \(scale("price_scale + quantity_scale")))"

    func conditions(_ names: Names) throws -> Conditions {
        var conditions = Conditions()
        conditions.accounts(accounts)
        try conditions.add("instrument", symbol, names.instrument)
        for (column, name) in [("base", base), ("quote", quote)] {
            guard let name else { continue }
            if let asset = try names.asset(name) {
                conditions.add("instrument IN (SELECT id FROM instruments WHERE \(column) = ?)", asset)
            } else {
                conditions.findNothing()
            }
        }
        if let side { conditions.add("side = ?", Int64(side.rawValue)) }
        if let order { conditions.add("order_id = ?", order) }
        conditions.add(oneOf: try strategy.map(names.strategies), "strategy")
        if let liquidity { conditions.add("liquidity = ?", Int64(liquidity.rawValue)) }
        conditions.add("time", from: from, before: before)
        try conditions.add(
            "quantity", scale: "quantity_scale", min: ("min_quantity", minQuantity), max: ("max_quantity", maxQuantity))
        try conditions.add("price", scale: "price_scale", min: ("min_price", minPrice), max: ("max_price", maxPrice))
        if let minValue {
            conditions.add("\(TradeFilter.worth) >= ?", ExactNumber.sortable(try Conditions.bound("min_value", minValue)))
        }
        if let maxValue {
            conditions.add("\(TradeFilter.worth) <= ?", ExactNumber.sortable(try Conditions.bound("max_value", maxValue)))
        }
        return conditions
    }
}

extension TradeRow {
    init(_ row: Row, _ names: Names) throws {
        let info = try names.instrument(row["instrument"])
        let (price, quantity) = (row["price"] as Int64, row["quantity"] as Int64)
        let feeAsset = try names.asset(row["fee_asset"])
        self.init(
            id: row["id"], order: row["order_id"], account: row["account"], symbol: info.symbol, base: info.base.name,
            quote: info.quote.name, wallet: try names.wallet(info.wallet), clientID: Text(escaped: row["client_id"]),
            side: try row.value("side"), quantity: names.quantity(quantity, info), price: names.price(price, info),
            value: names.amount(Int128(price) * Int128(quantity) * info.amountUnit, info.quote),
            fee: row["fee"] ?? names.zero(feeAsset), feeAsset: feeAsset.name, liquidity: try row.value("liquidity"),
            exec: Text(escaped: row["exec"]), time: row["time"], venueTime: row["venue_time"],
            strategy: try names.strategy(row["strategy"]), realized: row["realized"] ?? names.zero(info.quote),
            isClosing: (row["closing"] as Int64) == 1, session: row.bits("session"), lsn: row.bits("lsn"))
    }
}
