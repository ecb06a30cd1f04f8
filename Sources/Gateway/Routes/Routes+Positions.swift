import Client

extension Routes {
    private static let symbol = Route.Parameter.path("symbol", .name)
    private static let position = Shape(
        "Position", note: "What an account has traded of an instrument, at weighted average cost. Decimals of PnL and cost are exact; percentages have four digits.",
        [
            .required("user_id", .account), .required("account_id", .account), .required("symbol", .text), .required("base_asset", .text),
            .required("quote_asset", .text), .required("position_type", .text, "The wallet it settles in."),
            .required("side", .enumeration(["long", "short", "flat"])), .required("quantity", .decimal, "Never negative."),
            .required("net_quantity", .decimal, "Negative for a short."),
            .required("available_quantity", .decimal, "What no open order would close."),
            .required("frozen_quantity", .decimal, "What open orders of the other side would close."), .nullable("average_price", .decimal, "null when flat"),
            .required("total_cost", .decimal), .nullable("market_price", .decimal, "The mark price; null without one."),
            .nullable("market_value", .decimal, "quantity x mark; negative for a short"),
            .nullable("position_value", .decimal, "The same without its sign."), .nullable("unrealized_pnl", .decimal),
            .nullable("unrealized_pnl_percentage", .decimal, "Of the cost."), .required("realized_pnl", .decimal),
            .required("fees", .map(.decimal), "In assets that are neither base nor quote, by asset."), .nullable("first_trade_time", .time),
            .nullable("last_trade_time", .time), .required("is_active", .boolean), .required("is_long", .boolean), .required("is_short", .boolean),
            .required("is_flat", .boolean),
        ])
    private static let summary = Shape(
        "PositionSummary", note: "Amounts of different quote assets are not added up. A total that does not fit is null.",
        [
            .required("total_positions", .integer(0...Int64.max)), .required("active_positions", .integer(0...Int64.max)),
            .required("long_positions", .integer(0...Int64.max)), .required("short_positions", .integer(0...Int64.max)),
            .required(
                "totals",
                .list(
                    .object(
                        Shape(
                            "PositionTotal",
                            [
                                .required("quote_asset", .text), .nullable("total_cost", .decimal),
                                .nullable("total_market_value", .decimal, "Of the positions that have a mark; null: does not fit"),
                                .nullable("total_unrealized_pnl", .decimal), .nullable("total_realized_pnl", .decimal),
                                .nullable("largest_position_symbol", .text), .nullable("largest_position_value", .decimal),
                            ])))),
        ])
    private static let risk = Shape(
        "PositionRisk", note: "How near a position is to its limits. Margin is not kept here, so what rests on it is null.",
        [
            .required("account_id", .account), .required("symbol", .text), .required("side", .enumeration(["long", "short", "flat"])),
            .required("quantity", .decimal), .nullable("position_value", .decimal), .nullable("max_position", .decimal, "The tighter one of account and instrument; null: none."),
            .nullable("position_used_percentage", .decimal), .nullable("max_notional", .decimal, "Of one order."),
            .required("risk_level", .enumeration(["none", "low", "medium", "high", "critical"]), "none: no limit; low below 50 %, medium below 80, high below 100."),
            .nullable("max_additional_buy", .decimal, "After all open buys fill; null: no limit."),
            .nullable("max_additional_sell", .decimal), .required("trading_enabled", .boolean), .nullable("margin_ratio", .decimal),
            .nullable("liquidation_price", .decimal),
        ])
    private static let takeOver = Shape(
        "PositionCreate", isRequest: true,
        example: ["account_id": 7, "symbol": "BTC-USD", "side": "long", "quantity": "0.5", "average_price": "61000.00"],
        [
            .required("symbol", .name), .required("side", .enumeration(["long", "short"])), .required("quantity", .positive),
            .required("average_price", .positive), .optional("reference", .shortText, "Makes a repeat harmless; without it the Idempotency-Key.", alias: "reference_id"),
            .optional("notes", .shortText), account,
        ])
    private static let close = Shape(
        "PositionClose", isRequest: true, example: ["symbol": "BTC-USD", "price": "64100.00"],
        [
            .required("symbol", .name), .optional("quantity", .positive, "All of it unless given."),
            .optional("price", .positive, "A limit; at the market unless given."), .optional("client_order_id", .shortText), .optional("reason", .shortText), account,
        ])
    private static let closed = Shape(
        "PositionClosed", note: "The order that closes it; on a manual venue it is open until its fills are reported.",
        [
            .required("symbol", .text), .required("order_id", .text), .required("order", .object(OrderFacts.shape)),
            .required("closed_quantity", .decimal, "Filled so far."), .required("remaining_quantity", .decimal, "Of the position."),
            .nullable("avg_close_price", .decimal), .required("realized_pnl", .decimal, "Of the position, in all."),
            .required("is_fully_closed", .boolean), .required("close_time", .time),
        ])
    private static let prices = Shape(
        "MarkPrices", isRequest: true, example: ["prices": ["BTC-USD": "64100.00"]],
        [.required("prices", .map(.positive), "Mark price by symbol.")])

    static let positions: [Route] = [
        Route(
            .get, "/positions", tag: "positions", "Positions, by value", need: .token, scope: .accounts,
            parameters: [
                .query("symbol", .name), .query("base_asset", .name), .query("quote_asset", .name),
                .query("position_side", .enumeration(["long", "short", "flat"])), .query("is_active", .boolean), .query("has_quantity", .boolean),
                .query("profit_only", .boolean), .query("loss_only", .boolean), .query("min_quantity", .decimal(.notNegative)),
                .query("max_quantity", .decimal(.notNegative)),
            ] + Page.parameters, answer: .object(Page.shape("Positions", "positions", of: position)), problems: [404]
        ) { call in
            let rows = try await positionRows(call).filter { $0.passes(call.values) }
                .sorted { ($1.value ?? .zero) < ($0.value ?? .zero) }
            let (page, size) = Page.number(call.values)
            var shown: [JSON] = []
            for row in rows.dropFirst((page - 1) * size).prefix(size) { shown.append(try await json(row, call)) }
            return Page.json("positions", shown, total: rows.count, call.values)
        },
        Route(
            .get, "/positions/summary", tag: "positions", "Counts and totals", need: .token, scope: .accounts, answer: .object(summary)
        ) { summary(try await positionRows($0)) },
        Route(
            .get, "/positions/{symbol}", tag: "positions", "One position", need: .token, scope: .account, parameters: [symbol],
            answer: .object(position), problems: [404]
        ) { try await json(try await row(of: $0.values.required("symbol"), $0), $0) },
        Route(
            .get, "/positions/by-symbol/{symbol}", tag: "positions", "One position, by the path of another version", need: .token, scope: .account,
            parameters: [symbol], answer: .object(position), problems: [404]
        ) { try await json(try await row(of: $0.values.required("symbol"), $0), $0) },
        Route(
            .get, "/positions/{symbol}/risk", tag: "positions", "How near a position is to its limits", need: .token, scope: .account,
            parameters: [symbol], answer: .object(risk), problems: [404], risk),
        Route(
            .post, "/positions", tag: "positions", "Take over an existing position", note: "Only where the account is flat in the instrument. Balances do not change: deposit them.",
            need: .admin, scope: .account, body: takeOver, status: .created, answer: .object(position), problems: [404, 409]
        ) { call in
            let values = call.values
            let quantity = values.required("quantity")
            _ = try await call.send(
                Line(
                    "PTO", String(try call.account()), values.required("symbol"), values.required("side") == "short" ? "-" + quantity : quantity,
                    values.required("average_price")
                ).with("ref", try call.id(values.text("reference"))).with("note", values.text("notes")))
            return try await json(try await row(of: values.required("symbol"), call), call)
        },
        Route(
            .post, "/positions/close", tag: "positions", "Close a position with an order of the other side", need: .trader, scope: .account,
            body: close, answer: .object(closed), problems: [404, 409], closePosition),
        Route(
            .post, "/positions/update-prices", tag: "positions", "Set mark prices", note: "Each is a change by itself; the first refusal ends it.", need: .connector, body: prices,
            answer: .object(
                Shape("MarkPricesSet", [.required("message", .text), .required("updated_symbols", .list(.text))])), problems: [404]
        ) { call in
            let prices = call.values.object("prices")?.all ?? []
            let lines = prices.map { Line("MRK", $0.name, Schema.decimalText($0.value) ?? "") }
            for answer in try await call.send(all: lines) { _ = try answer.get() }
            return ["message": .string("\(prices.count) prices set"), "updated_symbols": .array(prices.map { .string($0.name) })]
        },
    ]

    // MARK: Rows

    struct PositionRow: Sendable {
        var account: Int64
        var instrument: Desk.Instrument
        /// Negative: short.
        var net: Exact
        var average: String?
        var cost: Exact
        var realized: Exact
        var unrealized: Exact?
        var mark: Exact?
        var openBuy: Exact
        var openSell: Exact
        var fees: [JSON.Member]

        init?(_ row: Fields, account: Int64, _ instruments: [String: Desk.Instrument]) {
            guard let symbol = row.words.first, let instrument = instruments[symbol], let net = row["qty"].flatMap({ Exact($0) }),
                let cost = row["cost"].flatMap({ Exact($0) }), let realized = row["realized"].flatMap({ Exact($0) })
            else { return nil }
            self.account = account
            self.instrument = instrument
            self.net = net
            average = row["avg"]
            self.cost = cost
            self.realized = realized
            unrealized = row["unrealized"].flatMap { Exact($0) }
            mark = row["mark"].flatMap { Exact($0) }
            openBuy = row["openbuy"].flatMap { Exact($0) } ?? Exact(mantissa: 0, scale: net.scale)
            openSell = row["opensell"].flatMap { Exact($0) } ?? Exact(mantissa: 0, scale: net.scale)
            fees = (row["fees"] ?? "").split(separator: ",").compactMap { fee in
                fee.firstIndex(of: ":").map { JSON.Member(name: String(fee[..<$0]), value: .string(String(fee[fee.index(after: $0)...]))) }
            }
        }

        var side: String { net.isZero ? "flat" : net.isNegative ? "short" : "long" }
        /// What open orders would close of it.
        var frozen: Exact {
            let closing = net.isNegative ? openBuy : openSell
            return closing < net.magnitude ? closing : net.magnitude
        }
        /// Without sign, at the mark.
        var value: Exact? { mark.flatMap { net.magnitude.multiplied(by: $0) } }

        func passes(_ values: Values) -> Bool {
            if let base = values.text("base_asset"), base != instrument.base { return false }
            if let quote = values.text("quote_asset"), quote != instrument.quote { return false }
            if let wanted = values.text("position_side"), wanted != side { return false }
            if let wanted = values.flag("is_active") ?? values.flag("has_quantity"), wanted == net.isZero { return false }
            let pnl = unrealized ?? .zero
            if values.flag("profit_only") == true, pnl.isZero || pnl.isNegative { return false }
            if values.flag("loss_only") == true, !pnl.isNegative { return false }
            if let least = values.decimal("min_quantity").flatMap({ Exact($0) }), net.magnitude < least { return false }
            if let most = values.decimal("max_quantity").flatMap({ Exact($0) }), most < net.magnitude { return false }
            return true
        }
    }

    static func positionRows(_ call: Call) async throws -> [PositionRow] {
        let instruments = try await call.desk.allInstruments(call.caller.session)
        let accounts = try await accountNumbers(try call.accounts(), call)
        let lines = accounts.map { account in
            var line = Line("POS", String(account))
            if let symbol = call.values.text("symbol") { line.add(symbol) }
            return line
        }
        var rows: [PositionRow] = []
        for (account, answer) in zip(accounts, try await call.send(all: lines)) {
            rows += try answer.get().rows.compactMap { PositionRow($0, account: account, instruments) }
        }
        return rows
    }

    private static func row(of symbol: String, _ call: Call) async throws -> PositionRow {
        let account = try call.account()
        let instrument = try await call.desk.instrument(symbol, call.caller.session)
        let rows = try await call.send(Line("POS", String(account), symbol)).rows
        guard let row = rows.first.flatMap({ PositionRow($0, account: account, [symbol: instrument]) }) else {
            throw Problem.notFound("account \(account) has never traded \(symbol)", code: "UNKNOWN_POSITION", ["symbol": .string(symbol)])
        }
        return row
    }

    private static func json(_ row: PositionRow, _ call: Call) async throws -> JSON {
        let times = try await call.tradeTimes(row.account, row.instrument.symbol)
        let percentage = row.unrealized.flatMap { pnl in
            Exact(mantissa: pnl.mantissa, scale: pnl.scale).multiplied(by: Exact(mantissa: 100, scale: 0))?.divided(by: row.cost, scale: 4)
        }
        let least = row.cost.scale
        let value = row.value
        return [
            "user_id": .int(row.account), "account_id": .int(row.account), "symbol": .string(row.instrument.symbol),
            "base_asset": .string(row.instrument.base), "quote_asset": .string(row.instrument.quote),
            "position_type": .string(row.instrument.wallet), "side": .string(row.side), "quantity": .string(row.net.magnitude.text()),
            "net_quantity": .string(row.net.text()), "available_quantity": .text(row.net.magnitude.subtracting(row.frozen)?.text()),
            "frozen_quantity": .string(row.frozen.text()), "average_price": .text(row.average), "total_cost": .string(row.cost.text()),
            "market_price": .text(row.mark?.text()),
            "market_value": .text(value.map { (row.net.isNegative ? Exact(mantissa: -$0.mantissa, scale: $0.scale) : $0).text(least: min(least, 2)) }),
            "position_value": .text(value?.text(least: min(least, 2))), "unrealized_pnl": .text(row.unrealized?.text()),
            "unrealized_pnl_percentage": .text(percentage?.text()), "realized_pnl": .string(row.realized.text()), "fees": .object(row.fees),
            "first_trade_time": .text(times.map { ISOTime.text(microseconds: $0.first / 1_000 * 1_000) }),
            "last_trade_time": .text(times.map { ISOTime.text(microseconds: $0.last / 1_000 * 1_000) }), "is_active": .bool(!row.net.isZero),
            "is_long": .bool(row.side == "long"), "is_short": .bool(row.side == "short"), "is_flat": .bool(row.net.isZero),
        ]
    }

    private static func summary(_ rows: [PositionRow]) -> JSON {
        let quotes = Set(rows.map(\.instrument.quote)).sorted()
        let totals = quotes.map { quote -> JSON in
            let own = rows.filter { $0.instrument.quote == quote }
            func sum(_ value: (PositionRow) -> Exact?) -> JSON { .text(Exact.sum(own.map(value))?.text(least: 2)) }
            let largest = own.max { ($0.value ?? .zero) < ($1.value ?? .zero) }.flatMap { $0.value == nil ? nil : $0 }
            return [
                "quote_asset": .string(quote), "total_cost": sum { $0.cost },
                "total_market_value": sum { $0.mark == nil ? Exact.zero : $0.value },
                "total_unrealized_pnl": sum { $0.mark == nil ? Exact.zero : $0.unrealized },
                "total_realized_pnl": sum { $0.realized },
                "largest_position_symbol": .text(largest?.instrument.symbol), "largest_position_value": .text(largest?.value?.text(least: 2)),
            ]
        }
        return [
            "total_positions": .int(rows.count), "active_positions": .int(rows.count { !$0.net.isZero }),
            "long_positions": .int(rows.count { $0.side == "long" }), "short_positions": .int(rows.count { $0.side == "short" }),
            "totals": .array(totals),
        ]
    }

    // MARK: Risk, close

    @Sendable private static func risk(_ call: Call) async throws -> JSON {
        let row = try await row(of: call.values.required("symbol"), call)
        let account = String(row.account)
        let answers = try await call.send(all: [
            Line("LIM", account, row.instrument.symbol), Line("LIM", account).with("wallet", row.instrument.wallet),
        ])
        let rows = [try answers[0].get().rows.first, try answers[1].get().rows.first { $0["symbol"] == nil }].compactMap { $0 }
        func tightest(_ key: String) -> Exact? {
            rows.compactMap { $0[key].flatMap { Exact($0) } }.min { $0 < $1 }
        }
        let most = tightest("max_position")
        let used = most.flatMap { most in
            row.net.magnitude.multiplied(by: Exact(mantissa: 100, scale: 0)).flatMap { $0.divided(by: most, scale: 2) }
        }
        func room(_ signed: Exact, _ open: Exact) -> String? {
            guard let most, let after = signed.adding(open), let left = most.subtracting(after) else { return nil }
            return left.isNegative ? "0" : left.text(least: row.net.scale)
        }
        let level: String =
            if most == nil { "none" } else if let used { used < Exact(mantissa: 50, scale: 0) ? "low" : used < Exact(mantissa: 80, scale: 0) ? "medium" : used < Exact(mantissa: 100, scale: 0) ? "high" : "critical" } else { "critical" }
        let negated = Exact(mantissa: -row.net.mantissa, scale: row.net.scale)
        return [
            "account_id": .int(row.account), "symbol": .string(row.instrument.symbol), "side": .string(row.side),
            "quantity": .string(row.net.magnitude.text()), "position_value": .text(row.value?.text(least: 2)),
            "max_position": .text(most?.text()), "position_used_percentage": .text(used?.text()), "max_notional": .text(tightest("max_notional")?.text()),
            "risk_level": .string(level), "max_additional_buy": .text(room(row.net, row.openBuy)),
            "max_additional_sell": .text(room(negated, row.openSell)), "trading_enabled": .bool(!rows.contains { $0["enabled"] == "0" }),
            "margin_ratio": nil, "liquidation_price": nil,
        ]
    }

    @Sendable private static func closePosition(_ call: Call) async throws -> JSON {
        let values = call.values
        let account = try call.account()
        let symbol = values.required("symbol")
        let id = try call.id(values.text("client_order_id"))
        let line = Line("CLS", String(account), symbol, values.decimal("quantity") ?? "-", values.decimal("price") ?? "-").with("id", id)
            .with("note", values.text("reason"))
        let answers = try await call.send(all: [
            line, Line("ORD", String(account), symbol).adding(order: .clientID(id)),
        ])
        _ = try answers[0].get()
        let order = try OrderFacts(answers[1].get(), account: account)
        let row = try await row(of: symbol, call)
        return [
            "symbol": .string(symbol), "order_id": .string(String(order.id)), "order": try await json(order, call),
            "closed_quantity": .string(order.cumulative), "remaining_quantity": .string(row.net.magnitude.text()),
            "avg_close_price": .text(order.average), "realized_pnl": .string(row.realized.text()), "is_fully_closed": .bool(row.net.isZero),
            "close_time": .string(ISOTime.text(microseconds: order.updated * 1_000)),
        ]
    }
}
