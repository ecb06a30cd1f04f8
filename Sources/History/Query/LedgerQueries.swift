import Core
import GRDB

extension History {
    /// Ledger lines, newest first: by LSN and k.
    /// - Parameter limit: at most ``rowsMax`` rows are given.
    /// - Throws: ``HistoryError``.
    package func ledger(_ filter: LedgerFilter, offset: Int = 0, limit: Int) async throws -> HistoryPage<LedgerRow> {
        try await query { db in
            let names = Names(db)
            var conditions = Conditions()
            conditions.accounts(filter.accounts)
            try conditions.add("wallet", filter.wallet, names.wallet)
            try conditions.add("asset", filter.asset, names.asset)
            conditions.add(oneOf: filter.kinds?.map(\.rawValue), "kind")
            if let reference = filter.reference { conditions.add("reference = ?", names.escaped(reference)) }
            conditions.add("time", from: filter.from, before: filter.before)
            return try page(db, conditions, "ledger", "lsn DESC, k DESC", offset, limit) { try LedgerRow($0, names) }
        }
    }

    /// Definitions, changes of accounts and limits, settings, newest first.
    package func actions(offset: Int = 0, limit: Int) async throws -> HistoryPage<ActionRow> {
        try await query { db in
            let names = Names(db)
            return try page(db, Conditions(), "actions", "lsn DESC", offset, limit) { try ActionRow($0, names) }
        }
    }

    /// The session of a record; `nil` for the service itself (0) and for one unknown.
    package func session(number: UInt64) async throws -> SessionRow? {
        try await query { try SessionRow($0, number: number) }
    }
}

extension LedgerRow {
    init(_ row: Row, _ names: Names) throws {
        let asset = try names.asset(row["asset"])
        let zero = names.zero(asset)
        guard let kind = LedgerKind(rawValue: row["kind"]) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a ledger line of no kind")
        }
        self.init(
            lsn: row.bits("lsn"), k: row["k"], time: row["time"], account: row["account"], wallet: try names.wallet(row["wallet"]),
            asset: asset.name, kind: kind, amount: row["amount"], total: row["total"] ?? zero, available: row["available"] ?? zero,
            held: row["held"] ?? zero, reference: row.text("reference"), order: row["order_id"], trade: row["trade"],
            note: row.text("note"), peerAccount: row["peer_account"],
            peerWallet: try (row["peer_wallet"] as Int32?).map { try names.wallet($0) }, session: row.bits("session"))
    }
}

extension ActionRow {
    init(_ row: Row, _ names: Names) throws {
        self.init(
            lsn: row.bits("lsn"), time: row["time"], session: row.bits("session"), kind: row["kind"], account: row["account"],
            symbol: try (row["instrument"] as Int32?).map { try names.instrument($0).symbol }, text: row["text"])
    }
}

extension SessionRow {
    init?(_ db: Database, number: UInt64) throws {
        if number == 0 { return nil }
        let statement = try db.cachedStatement(sql: "SELECT * FROM sessions WHERE number = ?")
        guard let row = try Row.fetchOne(statement, arguments: [Int64(bitPattern: number)]) else { return nil }
        self.init(
            number: number, subject: row["subject"], roles: row["roles"], peer: row["peer"], name: row["name"] ?? "",
            opened: row["opened"])
    }
}
