import Client
import Core
import Foundation
import History
import Server

/// The whole house at once: exposure, the ledger, who did what, who is connected, and the switch that stops everything.
extension Routes {
    /// Accounts of one overview at most.
    private static let accountsMax = 10_000

    private static let exposure = Shape(
        "Exposure", note: "Over the accounts asked for. Worth is at mark prices; what has no mark has none, and different assets are not added up. What does not fit is null.",
        [
            .required("accounts", .integer(0...Int64.max)),
            .required(
                "assets",
                .list(
                    .object(
                        Shape(
                            "AssetExposure",
                            [
                                .required("asset", .text), .nullable("total", .decimal, "In all wallets."), .nullable("available", .decimal),
                                .nullable("frozen", .decimal), .nullable("in_transit", .decimal),
                                .required(
                                    "values",
                                    .list(
                                        .object(
                                            Shape(
                                                "AssetValue",
                                                [
                                                    .required("symbol", .text, "Whose mark it is."), .required("quote_asset", .text),
                                                    .required("mark_price", .decimal), .nullable("value", .decimal, "null: does not fit"),
                                                ]))), "The total at the mark of each instrument that has it as base."),
                            ])))),
            .required(
                "instruments",
                .list(
                    .object(
                        Shape(
                            "InstrumentExposure",
                            [
                                .required("symbol", .text), .required("base_asset", .text), .required("quote_asset", .text),
                                .nullable("long_quantity", .decimal), .nullable("short_quantity", .decimal, "Not negative."),
                                .nullable("net_quantity", .decimal), .nullable("open_buy_quantity", .decimal), .nullable("open_sell_quantity", .decimal),
                                .nullable("mark_price", .decimal), .nullable("gross_value", .decimal), .nullable("net_value", .decimal),
                                .nullable("unrealized_pnl", .decimal, "Of the positions that have a mark; null: does not fit"),
                                .nullable("realized_pnl", .decimal),
                                .required("accounts", .integer(0...Int64.max)),
                            ])))),
        ])
    private static let ledgerLine = Shape(
        "LedgerLine",
        note: "One change of a balance's total, or of what is held, and its cause. What open orders reserve is no line: the orders themselves say it.",
        [
            .required("lsn", .integer(1...Int64.max), "Of the change in the log."), .required("line", .integer(1...16), "Which line of that change."),
            .required("time", .time), .required("account_id", .account), .required("balance_type", .text), .required("asset", .text),
            .required("kind", .enumeration(LedgerKind.allCases.map { $0.word.lowercased() })), .required("amount", .decimal, "Signed."),
            .required("total_after", .decimal), .required("available_after", .decimal), .required("held_after", .decimal),
            .nullable("reference", .text), .nullable("order_id", .text), .nullable("trade", .text, "The service's number of it."), .nullable("notes", .text),
            .nullable("peer_account_id", .account), .nullable("peer_balance_type", .text),
        ])
    private static let auditLine = Shape(
        "AuditLine", note: "Who did what and when; refused commands have a code.",
        [
            .required("time", .time), .nullable("lsn", .integer(1...Int64.max), "null: refused, so nothing has changed."), .required("event", .text),
            .nullable("account_id", .account), .nullable("subject", .text, "null: the service itself."), .nullable("roles", .text), .nullable("peer", .text),
            .nullable("session", .text), .nullable("code", .text, "Of a refusal."), .required("what", .text), .required("details", .any),
        ])
    private static let session = Shape(
        "Session",
        [
            .required("session", .text), .nullable("subject", .text), .nullable("roles", .text), .nullable("name", .text), .nullable("peer", .text),
            .nullable("opened_at", .time), .nullable("last_heard_at", .time), .required("details", .map(.text), "As SES of the line protocol has them."),
        ])
    private static let killed = Shape(
        "Killed",
        [
            .required("message", .text), .required("accounts", .integer(0...Int64.max), "Whose state has changed."),
            .required("cancelled_count", .integer(0...Int64.max)),
        ])

    static let overview: [Route] = [
        Route(
            .get, "/exposure", tag: "risk", "Positions and balances across accounts, at mark prices", need: .token, scope: .accounts,
            answer: .object(exposure), problems: [404], exposure),
        Route(
            .get, "/balances/ledger", tag: "balances", "Every change of a balance with its cause", need: .token, scope: .accounts,
            parameters: [
                .query("asset", .name), .query("balance_type", walletNames),
                .query("kind", .enumeration(LedgerKind.allCases.map { $0.word.lowercased() })), .query("reference", .shortText),
                .query("start_time", .time), .query("end_time", .time, "Before it."),
            ] + Page.parameters, answer: .object(Page.shape("Ledger", "lines", of: ledgerLine)), problems: [404]
        ) { call in
            let history = try await call.history()
            let values = call.values
            var filter = LedgerFilter(accounts: try call.accounts())
            filter.wallet = try call.name("balance_type")
            filter.asset = try call.name("asset")
            filter.kinds = values.text("kind").flatMap { LedgerKind(word: $0.uppercased()) }.map { [$0] }
            filter.reference = try call.name("reference")
            filter.from = values.time("start_time")
            filter.before = values.time("end_time")
            let (page, size) = Page.number(values)
            let found = try await call.asking { [filter] in try await history.ledger(filter, offset: (page - 1) * size, limit: size) }
            return Page.json("lines", found.rows.map(line), total: found.total, values)
        },
        Route(
            .get, "/audit", tag: "accounts", "Who did what and when, refused commands included", note: "Without account_id an administrator sees all.",
            need: .token, scope: .accounts,
            parameters: [
                .query("start_time", .time), .query("end_time", .time, "Before it."), .query("refused", .boolean, "true: only those; false: only accepted ones."),
                .query("limit", .integer(1...1_000), "100 unless given."),
            ], answer: .object(Shape("Audit", [.required("lines", .list(.object(auditLine)), "Newest first.")])), problems: [404], audit),
        Route(
            .get, "/sessions", tag: "accounts", "Who is connected", need: .admin,
            answer: .object(Shape("Sessions", [.required("sessions", .list(.object(session))), .required("total", .integer(0...Int64.max))]))
        ) { call in
            let rows = try await call.send(Line("SES")).rows
            return ["sessions": .array(rows.map(sessionJSON)), "total": .int(rows.count)]
        },
        Route(
            .post, "/kill", tag: "risk", "Stop everything", note: "Suspends every account and cancels every open order. Accounts opened afterwards are open.", need: .admin,
            answer: .object(killed)
        ) { call in
            let answer = try await call.send(Line("ACC", "*", "suspend"))
            return [
                "message": "every account is suspended, every open order cancelled", "accounts": .number(answer["suspended"] ?? "0"),
                "cancelled_count": .number(answer["canceled"] ?? "0"),
            ]
        },
        Route(
            .delete, "/kill", tag: "risk", "Let every account trade again", note: "Also those that were suspended before.", need: .admin,
            answer: .object(killed)
        ) { call in
            let answer = try await call.send(Line("ACC", "*", "resume"))
            return ["message": "no account is suspended", "accounts": .number(answer["resumed"] ?? "0"), "cancelled_count": 0]
        },
    ]

    private static let logLevel = Shape("LogLevel", [.required("level", .enumeration(logLevels))])
    private static let logLevels = ["trace", "debug", "info", "notice", "warning", "error"]

    static let process: [Route] = [
        Route(.get, "/log-level", tag: "system", "How much is logged", need: .admin, answer: .object(logLevel)) { call in
            ["level": .string(call.desk.service.logLevel?.rawValue ?? "info")]
        },
        Route(
            .put, "/log-level", tag: "system", "Change how much is logged, until the next start", need: .admin,
            body: Shape("LogLevelUpdate", isRequest: true, example: ["level": "debug"], [.required("level", .enumeration(logLevels))]),
            answer: .object(logLevel)
        ) { call in
            let level = call.values.required("level")
            guard call.desk.service.setLogLevel(level) else { throw Problem.unavailable("NO_LOG", "this process has no log of its own") }
            return ["level": .string(level)]
        },
    ]

    // MARK: Exposure

    @Sendable private static func exposure(_ call: Call) async throws -> JSON {
        let accounts = try await accountNumbers(try call.accounts(), call)
        guard accounts.count <= accountsMax else {
            throw Problem(
                status: .badRequest, code: "TOO_MANY_ACCOUNTS", message: "more than \(accountsMax) accounts: name one", details: ["max": .int(accountsMax)])
        }
        let positions = try await positionRows(call)
        let marks = try await call.send(Line("INS")).rows.compactMap { row in row["mark"].flatMap { Exact($0) }.map { (row, $0) } }
        let assets = totals(try await balanceRows(call)) { ($0.asset, nil) }.map { asset -> JSON in
            let values = marks.filter { $0.0["base"] == asset.asset }.map { row, mark -> JSON in
                [
                    "symbol": .text(row.words.first), "quote_asset": .text(row["quote"]), "mark_price": .string(mark.text()),
                    "value": .text(asset.total?.multiplied(by: mark)?.text(least: 2)),
                ]
            }
            return [
                "asset": .string(asset.asset), "total": .text(asset.total?.text()), "available": .text(asset.available?.text()),
                "frozen": .text(asset.frozen?.text()), "in_transit": .text(asset.transit?.text()), "values": .array(values),
            ]
        }
        let symbols = Set(positions.map(\.instrument.symbol)).sorted()
        let instruments = symbols.map { symbol in instrument(positions.filter { $0.instrument.symbol == symbol }) }
        return ["accounts": .int(accounts.count), "assets": .array(assets), "instruments": .array(instruments)]
    }

    /// Positions of one instrument, at least one.
    private static func instrument(_ rows: [PositionRow]) -> JSON {
        func sum(_ value: (PositionRow) -> Exact?) -> Exact? { Exact.sum(rows.map(value)) }
        let long = sum { $0.net.isNegative ? Exact.zero : $0.net }
        let short = sum { $0.net.isNegative ? $0.net.magnitude : Exact.zero }
        let net = sum { $0.net }
        let mark = rows[0].mark
        return [
            "symbol": .string(rows[0].instrument.symbol), "base_asset": .string(rows[0].instrument.base),
            "quote_asset": .string(rows[0].instrument.quote), "long_quantity": .text(long?.text()), "short_quantity": .text(short?.text()),
            "net_quantity": .text(net?.text()), "open_buy_quantity": .text(sum { $0.openBuy }?.text()),
            "open_sell_quantity": .text(sum { $0.openSell }?.text()), "mark_price": .text(mark?.text()),
            "gross_value": .text(mark.flatMap { mark in Exact.sum([long, short])?.multiplied(by: mark)?.text(least: 2) }),
            "net_value": .text(mark.flatMap { mark in net?.multiplied(by: mark)?.text(least: 2) }),
            "unrealized_pnl": .text(sum { $0.mark == nil ? Exact.zero : $0.unrealized }?.text(least: 2)),
            "realized_pnl": .text(sum { $0.realized }?.text(least: 2)), "accounts": .int(rows.count),
        ]
    }

    // MARK: Ledger

    private static func line(_ row: LedgerRow) -> JSON {
        func text(_ text: Text) -> JSON { text.isEmpty ? .null : .string(text.string) }
        return [
            "lsn": .int(row.lsn), "line": .int(row.k), "time": .string(ISOTime.text(microseconds: row.time)), "account_id": .int(row.account),
            "balance_type": .string(row.wallet), "asset": .string(row.asset), "kind": .string(row.kind.word.lowercased()),
            "amount": .string(row.amount), "total_after": .string(row.total), "available_after": .string(row.available),
            "held_after": .string(row.held), "reference": text(row.reference), "order_id": .text(row.order.map { String($0) }),
            "trade": .text(row.trade.map { String($0) }), "notes": text(row.note), "peer_account_id": row.peerAccount.map { .int($0) } ?? .null,
            "peer_balance_type": .text(row.peerWallet),
        ]
    }

    // MARK: Audit

    @Sendable private static func audit(_ call: Call) async throws -> JSON {
        let values = call.values
        let limit = Int(values.integer("limit") ?? 100)
        let isNamed = values["account_id"] != nil || call.accountHeader != nil
        let accounts = isNamed ? try call.accounts() : call.caller.identity.grant.visible
        var lines: [(time: Timestamp, json: JSON)] = []
        if values.flag("refused") != true {
            let history = try await call.history()
            var range = AuditRange(accounts: accounts)
            range.from = values.time("start_time")
            range.before = values.time("end_time")
            lines += try await call.asking { [range] in try await history.audit(range, limit: limit) }.map { ($0.time, accepted($0)) }
        }
        if values.flag("refused") != false, let directory = call.desk.service.config.auditDirectory {
            var query = AuditQuery()
            query.from = values.time("start_time")
            query.until = values.time("end_time")
            query.limit = limit
            let subject = call.caller.identity.subject
            // Refusals that name no account are shown to who caused them, and to administrators.
            if let accounts { query.passes = { $0.account.map { accounts.contains($0) } ?? (!isNamed && $0.sub == subject) } }
            let page = await offLoop { [query] in AuditReader.newest(in: directory, query) }
            lines += page.entries.map { (ISOTime.microseconds($0.time) ?? 0, refused($0)) }
        }
        lines.sort { $0.time > $1.time }
        return ["lines": .array(lines.prefix(limit).map(\.json))]
    }

    /// For what blocks its thread.
    private static func offLoop<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: body()) }
        }
    }

    private static func refused(_ entry: AuditEntry) -> JSON {
        [
            "time": .string(ISOTime.microseconds(entry.time).map { ISOTime.text(microseconds: $0) } ?? entry.time), "lsn": nil, "event": "refused",
            "account_id": entry.account.map { .int($0) } ?? .null, "subject": .text(entry.sub.flatMap { $0.isEmpty ? nil : $0 }), "roles": .text(entry.roles?.joined(separator: ",")),
            "peer": .text(entry.peer), "session": .text(entry.session.map { String($0) }), "code": .text(entry.code),
            "what": .string(entry.command ?? entry.dropped.map { "\($0) refusals were not kept: they came too fast" } ?? ""),
            "details": .object((entry.facts ?? [:]).sorted { $0.key < $1.key }.map { JSON.Member(name: $0.key, value: .string(Line.unescaped($0.value))) }),
        ]
    }

    private static func accepted(_ row: AuditRow) -> JSON {
        let (event, account, what, details): (String, AccountNumber?, String, JSON) =
            switch row.event {
            case .entered(let order): ("order_entered", order.account, describe(order), ["order_id": .string(String(order.id))])
            case .closed(let order):
                (
                    "order_closed", order.account, "\(describe(order)): \(OrderWords.status(order.status.word.description))",
                    ["order_id": .string(String(order.id)), "executed_quantity": .string(order.cumulative)]
                )
            case .trade(let trade): (
                    "trade", trade.account, "\(trade.side == .buy ? "buy" : "sell") \(trade.quantity) \(trade.symbol) at \(trade.price)",
                    ["order_id": .string(String(trade.order)), "trade_id": .string(TradeFacts.tradeID(trade))]
                )
            case .ledger(let line): ("balance", line.account, "\(line.kind.word.lowercased()) \(line.amount) \(line.asset)", self.line(line))
            case .action(let action): ("action", action.account, action.text, [:])
            }
        return [
            "time": .string(ISOTime.text(microseconds: row.time)), "lsn": .int(row.lsn), "event": .string(event),
            "account_id": account.map { .int($0) } ?? .null, "subject": .text(row.session?.subject), "roles": .text(row.session?.roles),
            "peer": .text(row.session?.peer), "session": .text(row.session.map { String($0.number) }), "code": nil, "what": .string(what),
            "details": details,
        ]
    }

    private static func describe(_ order: OrderRow) -> String {
        "\(order.side == .buy ? "buy" : "sell") \(order.quantity) \(order.symbol) at \(order.price ?? "market")"
    }

    // MARK: Sessions

    private static func sessionJSON(_ row: Fields) -> JSON {
        [
            "session": .text(row.words.first), "subject": .text(row["sub"].map { Line.unescaped($0) }), "roles": .text(row["roles"]),
            "name": .text(row["name"].map { Line.unescaped($0) }), "peer": .text(row["peer"]), "opened_at": .text(ISOTime.text(milliseconds: row["opened"])),
            "last_heard_at": .text(ISOTime.text(milliseconds: row["heard"])),
            "details": .object(row.pairs.map { JSON.Member(name: $0.key, value: .string($0.value)) }),
        ]
    }
}
