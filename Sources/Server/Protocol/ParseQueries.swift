import Core

/// BAL, POS, ORD, TRD, and the queries among the verbs that also define.
extension LineParser {
    static func balances(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        var query = Query(.balances)
        query.account = try a.account(a[0])
        if a.count > 1 { query.asset = try a.asset(a[1], "asset", registry) }
        query.wallet = try scope(a, instrument: -1, registry)
        try finish(query, a, &parsed)
    }

    static func positions(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        try finish(try ofAccount(.positions, a, registry), a, &parsed)
    }

    static func orders(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        var query = try ofAccount(.orders, a, registry, anyInstrument: true)
        if a.has(.status) {
            let bytes = a.bytes(.status)
            if a.isWord(bytes, "open") {
                query.status = .open
            } else if a.isWord(bytes, "closed") {
                query.status = .closed
            } else if a.isWord(bytes, "all") {
                query.status = .all
            } else {
                throw .badValue(argument: "status", value: Text(cut: bytes), expected: "open|closed|all")
            }
        }
        if a.has(.after) {
            query.after = try a.whole(a.bytes(.after), "after", 0...Registry.accountNumberMax, expected: "order_id")
        }
        try finish(query, a, &parsed)
    }

    static func trades(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        try finish(try ofAccount(.trades, a, registry), a, &parsed)
    }

    /// `account [symbol] [order]`. With `anyInstrument` an order's symbol may be `-`: an OrderID says the wallet, an `id=` is looked for in all.
    private static func ofAccount(
        _ kind: Query.Kind, _ a: Arguments, _ registry: borrowing Registry, anyInstrument: Bool = false
    ) throws(Refusal) -> Query {
        var query = Query(kind)
        query.account = try a.account(a[0])
        if anyInstrument, a.count > 2, a.isWord(a[1], "-") {
            let order = try a.order(2)
            if case .order(let id) = order {
                // Beyond the last wallet: no shard has it, the first may say so.
                query.wallet = Int(id >> 40) < registry.wallets.count ? WalletID(id >> 40) : 0
            }
            query.order = order
            return query
        }
        if a.count > 1 {
            query.instrument = try a.instrument(a[1], registry)
            query.wallet = registry.instruments[Int(query.instrument)].wallet
        }
        if a.count > 2 { query.order = try a.order(2) }
        return query
    }

    /// `limit=`, and who may ask: whoever may see the account, or any session where none is concerned.
    static func finish(_ query: Query, _ a: Arguments, _ parsed: inout ParsedLine) throws(Refusal) {
        var query = query
        // Pages are for what grows without end; the other lists are whole unless a limit is given.
        let isPaged = query.kind == .orders || query.kind == .trades
        query.limit = isPaged || a.has(.limit) ? try a.limit() : .max
        parsed.request = .query(query)
        if query.kind == .accounts {
            // Without an account, the accounts the session may see.
            parsed.requires = Requires(.view, account: query.account > 0 ? query.account : query.after)
        } else {
            parsed.requires = query.account > 0 ? Requires(.view, account: query.account) : Requires(.session)
        }
    }

    static func define(_ definition: Definition, _ a: Arguments, _ parsed: inout ParsedLine) throws(Refusal) {
        if a.has(.limit) { throw .unknownKey(Text("limit")) }
        parsed.request = .define(definition)
        parsed.requires = Requires(.admin)
    }
}
