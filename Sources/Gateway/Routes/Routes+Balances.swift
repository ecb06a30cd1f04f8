import Client

extension Routes {
    static let walletNames = Schema.string(maxBytes: 24)
    private static let wallet = Shape.Field.optional("balance_type", walletNames, "The wallet: spot unless given; spot, margin, futures, options, savings or another one of the service.")
    private static let reference = Shape.Field.optional(
        "reference", .shortText, "Makes a repeat harmless; without it the Idempotency-Key.", alias: "reference_id")

    private static let balance = Shape(
        "Balance", note: "An asset of an account in a wallet. total = available + frozen; frozen = reserved by open orders + held.",
        [
            .required("user_id", .account), .required("account_id", .account), .required("asset", .text), .required("balance_type", .text),
            .required("total_balance", .decimal), .required("available_balance", .decimal, "May be negative after a fill that cost more than there was."),
            .required("frozen_balance", .decimal), .required("reserved_balance", .decimal), .required("held_balance", .decimal),
            .required("in_transit", .decimal, "Sent to another wallet and not yet credited there; outside the total."),
            .required("is_active", .boolean),
        ])
    private static let openBalance = Shape(
        "BalanceCreate", isRequest: true, example: ["account_id": 7, "asset": "USD", "total_balance": "50000.00"],
        [
            .required("asset", .name), .required("total_balance", .positive, "Deposited."),
            .optional("available_balance", .decimal(.notNegative), "total_balance less frozen_balance."),
            .optional("frozen_balance", .decimal(.notNegative), "So much of it is held at once."), wallet, reference,
            .optional("notes", .shortText), account,
        ])
    private static let change = Shape(
        "BalanceChange", isRequest: true, example: ["account_id": 7, "asset": "USD", "amount": "100.00", "reference": "wire-6"],
        [.required("asset", .name), .required("amount", .positive), wallet, reference, .optional("reason", .shortText, alias: "notes"), account])
    private static let changed = Shape(
        "BalanceChanged", note: "Amounts are of the available balance.",
        [
            .required("success", .boolean), .required("message", .text), .required("asset", .text), .required("balance_type", .text),
            .required("reference", .text), .required("operation_amount", .decimal), .nullable("balance_before", .decimal, "null for a repeat"),
            .required("balance_after", .decimal, "For a repeat: as it is now."), .required("is_repeat", .boolean), .required("operation_time", .time),
        ])
    private static let transfer = Shape(
        "BalanceTransfer", isRequest: true,
        example: ["from_balance_type": "spot", "to_balance_type": "futures", "asset": "USD", "amount": "500.00"],
        [
            .required("from_balance_type", walletNames), .required("to_balance_type", walletNames), .required("asset", .name),
            .required("amount", .positive), .optional("to_account_id", .account, "The same account unless given."), reference,
            .optional("notes", .shortText), account,
        ])
    private static let transferred = Shape(
        "BalanceTransferred", note: "Answered when it is credited and both sides are durable. Amounts are of the available balances.",
        [
            .required("transfer_id", .text, "Its reference."), .required("success", .boolean), .required("message", .text),
            .nullable("from_balance_before", .decimal), .required("from_balance_after", .decimal), .nullable("to_balance_before", .decimal),
            .required("to_balance_after", .decimal), .required("transfer_amount", .decimal), .required("is_repeat", .boolean, "Then the balances are as they are now."),
            .required("transfer_time", .time),
        ])

    static let balances: [Route] = [
        Route(
            .get, "/balances", tag: "balances", "Balances", need: .token, scope: .accounts,
            parameters: [
                .query("asset", .name), .query("balance_type", walletNames), .query("has_frozen", .boolean),
                .query("min_balance", .decimal, "Of the total."), .query("max_balance", .decimal),
            ] + Page.parameters, answer: .object(Page.shape("Balances", "balances", of: balance)), problems: [404]
        ) { call in
            let values = call.values
            let least = values.decimal("min_balance").flatMap { Exact($0) }
            let most = values.decimal("max_balance").flatMap { Exact($0) }
            let rows = try await balanceRows(call).filter { row in
                if let wanted = values.flag("has_frozen"), wanted == row.frozen.isZero { return false }
                if let least, row.total < least { return false }
                if let most, most < row.total { return false }
                return true
            }
            return Page.json("balances", rows, values) { $0.json }
        },
        Route(
            .get, "/balances/summary", tag: "balances", "Totals by asset and wallet", need: .token, scope: .accounts,
            answer: .object(
                Shape(
                    "BalanceSummary",
                    [
                        .required("total_assets", .integer(0...Int64.max)), .required("active_assets", .integer(0...Int64.max)),
                        .required("assets", .list(.object(assetTotal))), .required("wallets", .list(.object(assetTotal))),
                    ]))
        ) { call in
            let rows = try await balanceRows(call)
            let byAsset = totals(rows) { ($0.asset, nil) }
            return [
                "total_assets": .int(byAsset.count), "active_assets": .int(byAsset.count { $0.total?.isZero != true }),
                "assets": .array(byAsset.map(\.json)), "wallets": .array(totals(rows) { ($0.asset, $0.wallet) }.map(\.json)),
            ]
        },
        Route(
            .get, "/balances/{asset}", tag: "balances", "One balance", need: .token, scope: .account,
            parameters: [.path("asset", .name), .query("balance_type", walletNames, "spot unless given")], answer: .object(balance), problems: [404]
        ) { call in
            let account = try call.account()
            return try await row(of: account, call.values.required("asset"), call.values.text("balance_type") ?? "spot", call).json
        },
        Route(
            .post, "/balances", tag: "balances", "Open a balance with an amount", note: "A deposit; it opens the account if that is new.", need: .admin,
            scope: .account, body: openBalance, status: .created, answer: .object(balance), problems: [404, 409], open),
        Route(
            .post, "/balances/add", tag: "balances", "Deposit", need: .admin, scope: .account, body: change, answer: .object(changed),
            problems: [404, 409]
        ) { try await move("DEP", "note", .up, "deposited", $0) },
        Route(
            .post, "/balances/subtract", tag: "balances", "Withdraw from the available balance", need: .admin, scope: .account, body: change,
            answer: .object(changed), problems: [404, 409]
        ) { try await move("WDR", "note", .down, "withdrawn", $0) },
        Route(
            .post, "/balances/freeze", tag: "balances", "Hold: available to frozen", need: .admin, scope: .account, body: change,
            answer: .object(changed), problems: [404, 409]
        ) { try await move("HLD", "reason", .down, "frozen", $0) },
        Route(
            .post, "/balances/unfreeze", tag: "balances", "Release: frozen to available", need: .admin, scope: .account, body: change,
            answer: .object(changed), problems: [404, 409]
        ) { try await move("RLS", "reason", .up, "unfrozen", $0) },
        Route(
            .post, "/balances/transfer", tag: "balances", "Transfer between wallets, or between accounts that the token names both", need: .trader,
            scope: .account, body: transfer, answer: .object(transferred), problems: [404, 409], transfer),
    ]

    private static let assetTotal = Shape(
        "AssetTotal", note: "A total that does not fit is null.",
        [
            .required("asset", .text), .nullable("balance_type", .text), .nullable("total", .decimal), .nullable("available", .decimal),
            .nullable("frozen", .decimal), .nullable("in_transit", .decimal),
        ])

    // MARK: Reading

    struct BalanceRow: Sendable {
        var account: Int64
        var asset: String
        var wallet: String
        var total: Exact
        var available: Exact
        var reserved: Exact
        var held: Exact
        var transit: Exact
        var frozen: Exact { reserved.adding(held) ?? reserved }

        init?(_ row: Fields, account: Int64) {
            guard row.words.count >= 2, let total = row["total"].flatMap({ Exact($0) }), let available = row["available"].flatMap({ Exact($0) }),
                let reserved = row["reserved"].flatMap({ Exact($0) }), let held = row["held"].flatMap({ Exact($0) }),
                let transit = row["transit"].flatMap({ Exact($0) })
            else { return nil }
            self.account = account
            asset = row.words[0]
            wallet = row.words[1]
            self.total = total
            self.available = available
            self.reserved = reserved
            self.held = held
            self.transit = transit
        }

        var json: JSON {
            [
                "user_id": .int(account), "account_id": .int(account), "asset": .string(asset), "balance_type": .string(wallet),
                "total_balance": .string(total.text()), "available_balance": .string(available.text()),
                "frozen_balance": .string(frozen.text()), "reserved_balance": .string(reserved.text()), "held_balance": .string(held.text()),
                "in_transit": .string(transit.text()), "is_active": .bool(!total.isZero || !transit.isZero),
            ]
        }
    }

    /// The balances of the accounts that the request is about, with its filters by asset and wallet.
    static func balanceRows(_ call: Call) async throws -> [BalanceRow] {
        let accounts = try await accountNumbers(try call.accounts(), call)
        let lines = accounts.map { account in
            var line = Line("BAL", String(account))
            if let asset = call.values.text("asset") { line.add(asset) }
            return line.with("wallet", call.values.text("balance_type"))
        }
        var rows: [BalanceRow] = []
        for (account, answer) in zip(accounts, try await call.send(all: lines)) {
            rows += try answer.get().rows.compactMap { BalanceRow($0, account: account) }
        }
        return rows
    }

    private static func row(of account: Int64, _ asset: String, _ wallet: String, _ call: Call) async throws -> BalanceRow {
        let rows = try await call.send(Line("BAL", String(account), asset).with("wallet", wallet)).rows
        guard let row = rows.first.flatMap({ BalanceRow($0, account: account) }) else {
            throw Problem.notFound(
                "account \(account) has no \(asset) in \(wallet)", code: "UNKNOWN_BALANCE", ["asset": .string(asset), "balance_type": .string(wallet)])
        }
        return row
    }

    struct AssetTotals: Sendable {
        var asset: String
        var wallet: String?
        /// `nil`: does not fit. Each balance is bounded (`Balance.limit`), how many there are is not.
        var total: Exact? = .zero
        var available: Exact? = .zero
        var frozen: Exact? = .zero
        var transit: Exact? = .zero

        var json: JSON {
            [
                "asset": .string(asset), "balance_type": .text(wallet), "total": .text(total?.text()), "available": .text(available?.text()),
                "frozen": .text(frozen?.text()), "in_transit": .text(transit?.text()),
            ]
        }
    }

    /// Sums by what `key` says, in the order they first come. A sum that does not fit is `nil`, not a wrong number.
    static func totals(_ rows: [BalanceRow], _ key: (BalanceRow) -> (String, String?)) -> [AssetTotals] {
        var totals: [AssetTotals] = []
        for row in rows {
            let (asset, wallet) = key(row)
            let index = totals.firstIndex { $0.asset == asset && $0.wallet == wallet } ?? totals.count
            if index == totals.count { totals.append(AssetTotals(asset: asset, wallet: wallet)) }
            totals[index].total = totals[index].total?.adding(row.total)
            totals[index].available = totals[index].available?.adding(row.available)
            totals[index].frozen = totals[index].frozen?.adding(row.frozen)
            totals[index].transit = totals[index].transit?.adding(row.transit)
        }
        return totals
    }

    // MARK: Changing

    private enum Direction { case up, down }

    private static func move(_ verb: String, _ text: String, _ direction: Direction, _ done: String, _ call: Call) async throws -> JSON {
        let values = call.values
        let amount = values.required("amount")
        let asset = values.required("asset")
        let wallet = values.text("balance_type") ?? "spot"
        let reference = try call.id(values.text("reference"))
        let answer = try await call.send(
            Line(verb, String(try call.account()), asset, amount).with("ref", reference).with("wallet", wallet).with(text, values.text("reason")))
        let (before, after, isRepeat) = movement(answer, amount, direction)
        return [
            "success": true, "message": .string(isRepeat ? "done before" : "\(amount) \(asset) \(done)"), "asset": .string(asset),
            "balance_type": .string(wallet), "reference": .string(reference), "operation_amount": .string(amount),
            "balance_before": .text(before), "balance_after": .string(after), "is_repeat": .bool(isRepeat), "operation_time": now(call),
        ]
    }

    /// The available balance before and after, from the answer, which has it after.
    private static func movement(_ answer: Answer, _ amount: String, _ direction: Direction) -> (before: String?, after: String, isRepeat: Bool) {
        let after = answer["available"] ?? "0"
        if answer["dup"] == "1" { return (nil, after, true) }
        guard let end = Exact(after), let amount = Exact(amount) else { return (nil, after, false) }
        let before = direction == .up ? end.subtracting(amount) : end.adding(amount)
        return (before?.text(least: end.scale), after, false)
    }

    static func now(_ call: Call) -> JSON { .string(ISOTime.text(microseconds: call.desk.service.clock.now() / 1_000 * 1_000)) }

    @Sendable private static func open(_ call: Call) async throws -> JSON {
        let values = call.values
        let asset = values.required("asset")
        let wallet = values.text("balance_type") ?? "spot"
        let account = try call.account()
        guard let total = Exact(values.required("total_balance")), let frozen = Exact(values.text("frozen_balance") ?? "0") else {
            throw Problem.invalid("total_balance", "does not fit")
        }
        for (field, number) in [("total_balance", total), ("frozen_balance", frozen)] where number.scale > 18 {
            throw Problem.invalid(field, "at most 18 decimals", code: "TOO_MANY_DECIMALS")
        }
        if total < frozen { throw Problem.invalid("frozen_balance", "more than total_balance") }
        if let available = values.text("available_balance").flatMap({ Exact($0) }), let sum = available.adding(frozen), sum < total || total < sum {
            throw Problem.invalid("available_balance", "available_balance and frozen_balance are not total_balance")
        }
        let reference = try call.id(values.text("reference"))
        let deposit = Line("DEP", String(account), asset, values.required("total_balance")).with("ref", reference).with("wallet", wallet)
            .with("note", values.text("notes"))
        _ = try await call.send(deposit)
        if !frozen.isZero {
            let held = "\(reference.utf8.count <= 34 ? reference : String(reference.suffix(34)))-h"
            _ = try await call.send(
                Line("HLD", String(account), asset, values.required("frozen_balance")).with("ref", held).with("wallet", wallet))
        }
        return try await row(of: account, asset, wallet, call).json
    }

    @Sendable private static func transfer(_ call: Call) async throws -> JSON {
        let values = call.values
        let source = try call.account()
        let target = values.integer("to_account_id") ?? source
        try call.mayUse(target)
        let from = values.required("from_balance_type")
        let to = values.required("to_balance_type")
        if source == target, from == to { throw Problem.invalid("to_balance_type", "must differ from from_balance_type") }
        let amount = values.required("amount")
        let asset = values.required("asset")
        let reference = try call.id(values.text("reference"))
        let line = Line("XFR", String(source), String(target), asset, amount).with("from", from).with("to", to).with("ref", reference)
            .with("note", values.text("notes"))
        // The line behind it sees what it has credited, before anybody else's commands where one loop hosts both wallets.
        let answers = try await call.send(all: [line, Line("BAL", String(target), asset).with("wallet", to)])
        let (fromBefore, fromAfter, isRepeat) = movement(try answers[0].get(), amount, .down)
        let credited = try answers[1].get().rows.first.flatMap { BalanceRow($0, account: target) }?.available ?? .zero
        let toBefore = isRepeat ? nil : Exact(amount).flatMap { credited.subtracting($0) }?.text(least: credited.scale)
        return [
            "transfer_id": .string(reference), "success": true, "message": .string(isRepeat ? "done before" : "\(amount) \(asset) transferred"),
            "from_balance_before": .text(fromBefore), "from_balance_after": .string(fromAfter), "to_balance_before": .text(toBefore),
            "to_balance_after": .string(credited.text()), "transfer_amount": .string(amount), "is_repeat": .bool(isRepeat), "transfer_time": now(call),
        ]
    }
}
