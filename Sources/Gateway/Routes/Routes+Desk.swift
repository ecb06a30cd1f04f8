import Client
import Core

/// What a risk person needs without a terminal: accounts, limits, instruments, who is connected, the kill switch.
extension Routes {
    private static let accountShape = Shape(
        "Account", [.required("account_id", .account), .required("status", .enumeration(["open", "suspended"]))])
    private static let accountID = Route.Parameter.path("id", .account)
    private static let mode = Shape(
        "SuspendMode", isRequest: true,
        [
            .optional(
                "mode", .enumeration(["cancel_all", "no_new_orders"]),
                "cancel_all (the default) suspends the account and cancels its orders; no_new_orders leaves them, and refuses new ones in every wallet.")
        ])
    private static let resumeMode = Shape(
        "ResumeMode", isRequest: true,
        [
            .optional(
                "mode", .enumeration(["cancel_all", "no_new_orders"]),
                "Lifts that kind of suspension; both unless given.")
        ])
    private static let suspended = Shape(
        "AccountState",
        [
            .required("account_id", .account), .required("status", .enumeration(["open", "suspended"])),
            .required("mode", .text, "all: resumed without a mode."), .required("cancelled_count", .integer(0...Int64.max)),
        ])
    private static let limit = Shape(
        "Limit", note: "Of an account in a wallet, or on one instrument; null: none.",
        [
            .required("account_id", .account), .nullable("balance_type", .text), .nullable("symbol", .text), .nullable("max_quantity", .decimal),
            .nullable("max_notional", .decimal), .nullable("max_position", .decimal), .nullable("max_open_orders", .integer(0...Int64.max)),
            .required("enabled", .boolean), .nullable("price_band_bps", .integer(1...1_000_000)), .nullable("max_order_rate", .integer(1...1_000_000)),
            .nullable("max_cancel_rate", .integer(1...1_000_000)), .nullable("max_daily_loss", .decimal), .required("short_allowed", .boolean),
            .required("listed_only", .boolean, "Only instruments on which the account has limits of its own."),
            .nullable("maker_fee_bps", .decimal, "In place of the instrument's, on internal venues."), .nullable("taker_fee_bps", .decimal),
            .nullable("self_trade_prevention", .enumeration(OrderWords.selfTradePreventions)),
            .required("is_default", .boolean, "What holds for every account that has none of its own."),
            .required("latched_assets", .list(.text), "Quote assets of which it has lost too much: it may only reduce positions there, until reset."),
        ])
    private static let limitUpdate = Shape(
        "LimitUpdate", note: "What is left out stays; null removes a limit.", isRequest: true,
        example: ["account_id": 7, "symbol": "BTC-USD", "max_position": "5", "max_notional": nil],
        [
            .optional("symbol", .name, "One instrument; otherwise a wallet."), .optional("balance_type", walletNames, "spot unless given"),
            .optional("max_quantity", .nullable(.positive)), .optional("max_notional", .nullable(.positive)),
            .optional("max_position", .nullable(.decimal(.notNegative))), .optional("max_open_orders", .nullable(.integer(0...1_000_000_000))),
            .optional("enabled", .boolean), .optional("price_band_bps", .nullable(.integer(1...1_000_000)), "How far from the reference price."),
            .optional("max_order_rate", .nullable(.integer(1...1_000_000)), "Per second."),
            .optional("max_cancel_rate", .nullable(.integer(1...1_000_000)), "Per second."),
            .optional("max_daily_loss", .nullable(.positive), "Of each quote asset; of a wallet only."), .optional("short_allowed", .boolean),
            .optional("listed_only", .boolean, "Of a wallet only."), .optional("maker_fee_bps", .nullable(.decimal), "-10 to 100."),
            .optional("taker_fee_bps", .nullable(.decimal), "-10 to 100."),
            .optional("self_trade_prevention", .nullable(.enumeration(OrderWords.selfTradePreventions))),
            .optional("reset_loss", .boolean, "true: the account may trade again, and losses are counted from now."), account,
        ])
    static let instrumentStates = ["trading", "halted", "post_only", "cancel_only"]
    private static let instrument = Shape(
        "Instrument",
        [
            .required("symbol", .text), .required("venue", .text), .required("balance_type", .text, "The wallet it settles in."),
            .required("base_asset", .text), .required("quote_asset", .text), .required("tick", .decimal), .required("lot", .decimal),
            .required("price_scale", .integer(0...18)), .required("quantity_scale", .integer(0...18)), .required("min_quantity", .decimal),
            .required("max_quantity", .decimal), .required("min_notional", .decimal), .required("funds", .enumeration(["full", "none"])),
            .required("state", .enumeration(instrumentStates)), .nullable("mark_price", .decimal),
            .required("maker_fee_bps", .decimal, "On an internal venue; negative: a rebate."), .required("taker_fee_bps", .decimal),
        ])
    private static let changeable: [Shape.Field] = [
        .optional("min_quantity", .positive), .optional("max_quantity", .positive), .optional("min_notional", .decimal(.notNegative)),
        .optional("state", .enumeration(instrumentStates)), .optional("maker_fee_bps", .decimal, "-10 to 100, two decimals."),
        .optional("taker_fee_bps", .decimal, "-10 to 100, two decimals."),
    ]
    private static let newInstrument = Shape(
        "InstrumentCreate", isRequest: true,
        example: [
            "symbol": "SOL-EUR", "venue": "manual", "balance_type": "spot", "base_asset": "SOL", "quote_asset": "EUR", "tick": "0.001",
            "lot": "0.0001",
        ],
        [
            .required("symbol", .name), .required("venue", .name), .required("balance_type", walletNames), .required("base_asset", .name),
            .required("quote_asset", .name), .required("tick", .positive), .required("lot", .positive),
            .optional("price_scale", .integer(0...18), "Decimals of prices for ever: two more than the tick's unless given."),
            .optional("quantity_scale", .integer(0...18), "Decimals of quantities for ever: the lot's unless given."),
            .optional("funds", .enumeration(["full", "none"])),
        ] + changeable)
    private static let instrumentUpdate = Shape(
        "InstrumentUpdate", isRequest: true, example: ["state": "halted"],
        [.optional("tick", .positive), .optional("lot", .positive)] + changeable)

    static let desk: [Route] = [
        Route(
            .get, "/accounts", tag: "accounts", "Accounts: all for an administrator, else the token's", need: .token,
            answer: .object(Shape("Accounts", [.required("accounts", .list(.object(accountShape))), .required("total", .integer(0...Int64.max))]))
        ) { call in
            let rows = try await accounts(call)
            return [
                "accounts": .array(rows.map { ["account_id": .int($0.number), "status": .string($0.status)] }), "total": .int(rows.count),
            ]
        },
        Route(
            .post, "/accounts", tag: "accounts", "Open an account", need: .admin,
            body: Shape("AccountCreate", isRequest: true, example: ["account_id": 7], [.required("account_id", .account)]), status: .created,
            answer: .object(accountShape), problems: [409]
        ) { call in
            let number = call.values.required("account_id")
            _ = try await call.send(Line("ACC", number, "open"))
            return ["account_id": .number(number), "status": "open"]
        },
        Route(
            .post, "/accounts/{id}/suspend", tag: "accounts", "Stop an account", need: .admin, parameters: [accountID], body: mode,
            bodyIsOptional: true, answer: .object(suspended), problems: [404]
        ) { try await suspend(true, $0) },
        Route(
            .post, "/accounts/{id}/resume", tag: "accounts", "Let a stopped account trade again", need: .admin, parameters: [accountID], body: resumeMode,
            bodyIsOptional: true, answer: .object(suspended), problems: [404]
        ) { try await suspend(false, $0) },
        Route(
            .get, "/limits", tag: "risk", "Limits of an account", need: .token, scope: .account,
            answer: .object(Shape("Limits", [.required("limits", .list(.object(limit)))])), problems: [404]
        ) { call in
            let account = try call.account()
            let rows = try await call.send(Line("LIM", String(account))).rows
            return ["limits": .array(rows.map { limitJSON($0, account) })]
        },
        Route(
            .put, "/limits", tag: "risk", "Change limits", need: .admin, scope: .account, body: limitUpdate, answer: .object(limit), problems: [404, 409],
            setLimits),
        Route(
            .get, "/instruments", tag: "instruments", "Instruments", need: .token,
            answer: .object(Shape("Instruments", [.required("instruments", .list(.object(instrument)))]))
        ) { call in ["instruments": .array(try await call.send(Line("INS")).rows.map(instrumentJSON))] },
        Route(
            .post, "/instruments", tag: "instruments", "Define an instrument", need: .admin, body: newInstrument, status: .created,
            answer: .object(instrument), problems: [404, 409]
        ) { call in
            let values = call.values
            let line = Line("INS", values.required("symbol")).with("venue", values.text("venue")).with("wallet", values.text("balance_type"))
                .with("base", values.text("base_asset")).with("quote", values.text("quote_asset")).with("price_scale", values.text("price_scale"))
                .with("qty_scale", values.text("quantity_scale")).with("funds", values.text("funds"))
            return try await define(terms(line, values), call)
        },
        Route(
            .patch, "/instruments/{symbol}", tag: "instruments", "Change ticks and bounds, halt or resume trading", need: .admin,
            parameters: [.path("symbol", .name)], body: instrumentUpdate, answer: .object(instrument), problems: [404, 409]
        ) { call in
            guard call.values.all.count > 1 else { throw Problem.invalid("body", "nothing to change") }
            _ = try await call.desk.instrument(call.values.required("symbol"), call.caller.session)
            return try await define(terms(Line("INS", call.values.required("symbol")), call.values), call)
        },
        Route(
            .get, "/venues", tag: "instruments", "Venues", need: .token,
            answer: .object(
                Shape("Venues", [.required("venues", .list(.object(Shape("Venue", [.required("name", .text), .required("kind", .text)]))))]))
        ) { call in
            [
                "venues": .array(
                    try await call.send(Line("VEN")).rows.map { ["name": .text($0.words.first), "kind": .string($0["kind"] ?? "")] })
            ]
        },
        Route(
            .get, "/wallets", tag: "instruments", "Wallets, the values of balance_type", need: .token,
            answer: .object(Shape("Wallets", [.required("wallets", .list(.text))]))
        ) { call in ["wallets": .array(try await wallets(call).map { .string($0) })] },
        Route(
            .get, "/assets", tag: "instruments", "Assets", need: .token,
            answer: .object(
                Shape(
                    "Assets",
                    [.required("assets", .list(.object(Shape("Asset", [.required("asset", .text), .required("decimals", .integer(0...18))]))))]))
        ) { call in
            [
                "assets": .array(
                    try await call.send(Line("AST")).rows.map { ["asset": .text($0.words.first), "decimals": .number($0["decimals"] ?? "0")] })
            ]
        },
    ]

    // MARK: Accounts

    static func accounts(_ call: Call) async throws -> [(number: Int64, status: String)] {
        let visible = call.caller.identity.grant.visible
        let lines = visible.map { $0.map { Line("ACC", String($0)) } } ?? [Line("ACC")]
        var rows: [(Int64, String)] = []
        for answer in try await call.send(all: lines) {
            // A token may name accounts that are not open yet.
            if case .failure(let problem) = answer, problem.code == "UNKNOWN_ACCOUNT" { continue }
            rows += try answer.get().rows.compactMap { row in
                row.words.first.flatMap { Int64($0) }.map { ($0, row["status"] ?? "open") }
            }
        }
        return rows
    }

    /// The accounts named, as far as they are open; `nil`: all there are.
    static func accountNumbers(_ named: [AccountNumber]?, _ call: Call) async throws -> [AccountNumber] {
        if let named, named.count == 1 { return named }
        let all = try await accounts(call).map(\.number)
        return named.map { named in all.filter { named.contains($0) } } ?? all
    }

    static func wallets(_ call: Call) async throws -> [String] { try await call.send(Line("WLT")).rows.compactMap(\.words.first) }

    private static func suspend(_ isStopped: Bool, _ call: Call) async throws -> JSON {
        let number = call.values.required("id")
        let mode = call.values.text("mode") ?? (isStopped ? "cancel_all" : "all")
        var canceled = "0"
        var status = isStopped ? "suspended" : "open"
        if mode != "cancel_all" {
            let names = try await mode == "all" ? disabledWallets(number, call) : wallets(call)
            let lines = names.map { Line("LIM", number).with("wallet", $0).with("enabled", isStopped ? "0" : "1") }
            for answer in try await call.send(all: lines) { _ = try answer.get() }
        }
        if mode == "no_new_orders" {
            status = try await call.send(Line("ACC", number)).rows.first?["status"] ?? "open"
        } else {
            canceled = try await call.send(Line("ACC", number, isStopped ? "suspend" : "resume"))["canceled"] ?? "0"
        }
        return ["account_id": .number(number), "status": .string(status), "mode": .string(mode), "cancelled_count": .number(canceled)]
    }

    /// Wallets that are switched off for this account, not by the limits of all: others go on without limits of their own.
    private static func disabledWallets(_ number: String, _ call: Call) async throws -> [String] {
        try await call.send(Line("LIM", number)).rows
            .filter { $0["symbol"] == nil && $0["enabled"] == "0" && $0["default"] != "1" }.compactMap { $0["wallet"] }
    }

    // MARK: Limits

    private static func limitJSON(_ row: Fields, _ account: Int64) -> JSON {
        func value(_ key: String) -> JSON { row[key].flatMap { $0 == "-" ? nil : $0 }.map { .string($0) } ?? .null }
        func number(_ key: String) -> JSON { row[key].map { .number($0) } ?? .null }
        return [
            "account_id": .int(account), "balance_type": .text(row["wallet"]), "symbol": .text(row["symbol"]), "max_quantity": value("max_qty"),
            "max_notional": value("max_notional"), "max_position": value("max_position"),
            "max_open_orders": row["max_open"].flatMap { Int64($0) }.map { .int($0) } ?? .null, "enabled": .bool(row["enabled"] != "0"),
            "price_band_bps": number("price_band_bps"), "max_order_rate": number("max_order_rate"), "max_cancel_rate": number("max_cancel_rate"),
            "max_daily_loss": value("max_daily_loss"), "short_allowed": .bool(row["short"] != "0"), "listed_only": .bool(row["listed"] == "1"),
            "maker_fee_bps": value("maker_bps"), "taker_fee_bps": value("taker_bps"), "self_trade_prevention": value("stp"),
            "is_default": .bool(row["default"] == "1"),
            "latched_assets": .array(row["latched"].map { $0.split(separator: ",").map { .string(Line.unescaped(String($0))) } } ?? []),
        ]
    }

    @Sendable private static func setLimits(_ call: Call) async throws -> JSON {
        let account = try call.account()
        let values = call.values
        if values["symbol"] != nil, values["balance_type"] != nil {
            throw Problem.invalid("balance_type", "an instrument's wallet is its own: leave it out beside symbol")
        }
        var line = Line("LIM", String(account))
        if let symbol = values.text("symbol") { line.add(symbol) } else { line.option("wallet", values.text("balance_type") ?? "spot") }
        var changes = 0
        for (name, key) in [
            ("max_quantity", "max_qty"), ("max_notional", "max_notional"), ("max_position", "max_position"), ("max_open_orders", "max_open"),
            ("price_band_bps", "price_band_bps"), ("max_order_rate", "max_order_rate"), ("max_cancel_rate", "max_cancel_rate"),
            ("max_daily_loss", "max_daily_loss"), ("maker_fee_bps", "maker_bps"), ("taker_fee_bps", "taker_bps"), ("self_trade_prevention", "stp"),
        ] where values.has(name) {
            line.option(key, values.text(name) ?? "-")
            changes += 1
        }
        for (name, key) in [("enabled", "enabled"), ("short_allowed", "short"), ("listed_only", "listed")] {
            guard let flag = values.flag(name) else { continue }
            line.option(key, flag ? "1" : "0")
            changes += 1
        }
        if values.flag("reset_loss") == true {
            line.option("reset", "loss")
            changes += 1
        }
        if changes == 0 { throw Problem.invalid("body", "nothing to change") }
        var read = Line("LIM", String(account))
        if let symbol = values.text("symbol") { read.add(symbol) } else { read.option("wallet", values.text("balance_type") ?? "spot") }
        let answers = try await call.send(all: [line, read])
        _ = try answers[0].get()
        let rows = try answers[1].get().rows
        guard let row = rows.first(where: { $0["symbol"] == values.text("symbol") }) ?? rows.first else {
            throw Problem.notFound("no such limit")
        }
        return limitJSON(row, account)
    }

    // MARK: Instruments

    private static func terms(_ line: Line, _ values: Values) -> Line {
        line.with("tick", values.text("tick")).with("lot", values.text("lot")).with("min_qty", values.text("min_quantity"))
            .with("max_qty", values.text("max_quantity")).with("min_notional", values.text("min_notional")).with("state", values.text("state"))
            .with("maker_bps", values.text("maker_fee_bps")).with("taker_bps", values.text("taker_fee_bps"))
    }

    private static func define(_ line: Line, _ call: Call) async throws -> JSON {
        _ = try await call.send(line)
        guard let row = try await call.send(Line("INS", call.values.required("symbol"))).rows.first else {
            throw Problem.notFound("no such instrument", code: "UNKNOWN_INSTRUMENT")
        }
        return instrumentJSON(row)
    }

    private static func instrumentJSON(_ row: Fields) -> JSON {
        [
            "symbol": .text(row.words.first), "venue": .text(row["venue"]), "balance_type": .text(row["wallet"]), "base_asset": .text(row["base"]),
            "quote_asset": .text(row["quote"]), "tick": .text(row["tick"]), "lot": .text(row["lot"]),
            "price_scale": .number(row["price_scale"] ?? "0"), "quantity_scale": .number(row["qty_scale"] ?? "0"),
            "min_quantity": .text(row["min_qty"]), "max_quantity": .text(row["max_qty"]), "min_notional": .text(row["min_notional"]),
            "funds": .text(row["funds"]), "state": .text(row["state"]), "mark_price": .text(row["mark"]),
            "maker_fee_bps": .string(row["maker_bps"] ?? "0"), "taker_fee_bps": .string(row["taker_bps"] ?? "0"),
        ]
    }
}
