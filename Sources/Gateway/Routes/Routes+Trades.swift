import Client
import Core
import History

extension Routes {
    private static let newTrade = Shape(
        "TradeCreate", isRequest: true,
        example: ["order_id": "grid-17", "trade_id": "bn-991", "quantity": "0.2", "price": "63990.00", "commission": "1.2"],
        [
            .required("order_id", .identifier, "order_id or client_order_id."), .required("trade_id", .shortText, "The venue's id of the execution; makes a repeat harmless."),
            .required("quantity", .positive), .required("price", .positive), .optional("commission", .decimal, "Negative: a rebate; only a connector's or administrator's word is enough for one."),
            .optional("commission_asset", .name, "The quote asset unless given."), .optional("is_maker", .boolean),
            .optional("trade_time", .time, "The venue's."), .optional("symbol", .name, "Must be the order's."),
            .optional("side", .enumeration(["buy", "sell"]), "Must be the order's."), .optional("trade_type", .name, "Must be the wallet it settles in."),
            account,
        ])
    private static let filters: [Route.Parameter] = [
        .query("symbol", .name), .query("base_asset", .name), .query("quote_asset", .name), .query("side", .enumeration(["buy", "sell"])),
        .query("order_id", .integer(1...9_007_199_254_740_991)), .query("strategy_id", .shortText),
        .query("liquidity_type", .enumeration(["maker", "taker"])), .query("min_quantity", .decimal(.notNegative)),
        .query("max_quantity", .decimal(.notNegative)), .query("min_price", .decimal(.notNegative)), .query("max_price", .decimal(.notNegative)),
        .query("min_value", .decimal(.notNegative)), .query("max_value", .decimal(.notNegative)), .query("start_time", .time),
        .query("end_time", .time, "Before it."),
    ]
    private static let sorting: [Route.Parameter] = [
        .query("sort_by", .enumeration(["trade_time", "quantity", "price", "value"]), "trade_time unless given."),
        .query("sort_desc", .boolean, "true unless given."),
    ]
    private static let number = Route.Parameter.path("id", .integer(1...9_007_199_254_740_991))

    static let trades: [Route] = [
        Route(
            .post, "/trades", tag: "trades", "A fill of an order on a manual venue, with the venue's id", note: "A trader reports fills of own orders only, not beyond the limit price.",
            need: .traderOrConnector, scope: .account, body: newTrade, status: .created, answer: .object(TradeFacts.shape), problems: [404, 409], report),
        Route(
            .get, "/trades", tag: "trades", "Trades", need: .token, scope: .accounts, parameters: filters + sorting + Page.parameters,
            answer: .object(Page.shape("Trades", "trades", of: TradeFacts.shape)), problems: [404]
        ) { call in
            let history = try await call.history()
            let filter = try tradeFilter(call)
            let (page, size) = Page.number(call.values)
            let sort: TradeSort =
                switch call.values.text("sort_by") {
                case "quantity": .quantity
                case "price": .price
                case "value": .value
                default: .time
                }
            let found = try await call.asking {
                try await history.trades(
                    filter, sort: sort, descending: call.values.flag("sort_desc") ?? true, offset: (page - 1) * size, limit: size)
            }
            return Page.json("trades", found.rows.map(TradeFacts.json), total: found.total, call.values)
        },
        Route(
            .get, "/trades/summary", tag: "trades", "Totals of trades", need: .token, scope: .accounts, parameters: period,
            answer: .object(TradeTotals.summary), problems: [404]
        ) { call in
            let history = try await call.history()
            let (filter, days) = try recent(call)
            return TradeTotals.json(try await call.asking { try await history.tradeSummary(filter) }, days: days)
        },
        Route(
            .get, "/trades/statistics", tag: "trades", "Totals of trades by day, instrument, strategy and hour", need: .token, scope: .accounts,
            parameters: period, answer: .object(TradeTotals.statistics), problems: [404]
        ) { call in
            let history = try await call.history()
            let (filter, days) = try recent(call)
            return TradeTotals.json(try await call.asking { try await history.tradeStatistics(filter) }, days: days)
        },
        Route(
            .get, "/trades/{id}", tag: "trades", "One trade", need: .token, scope: .accounts, parameters: [number], answer: .object(TradeFacts.shape),
            problems: [404]
        ) { call in
            let history = try await call.history()
            let trade = try await call.asking { try await history.trade(id: call.values.integer("id") ?? 0) }
            guard let trade, try call.sees(trade.account) else { throw noTrade(call) }
            return TradeFacts.json(trade)
        },
        Route(
            .get, "/trades/by-trade-id/{trade_id}", tag: "trades", "One trade by the venue's id", need: .token, scope: .accounts,
            parameters: [.path("trade_id", .shortText)], answer: .object(TradeFacts.shape), problems: [404]
        ) { call in
            let history = try await call.history()
            guard let exec = try call.name("trade_id") else { throw noTrade(call) }
            var found = try await call.asking { try await history.trades(exec: exec) }
            if found.isEmpty, let number = Int64(exec.string), let own = try await call.asking({ try await history.trade(id: number) }), own.exec.isEmpty {
                found = [own]
            }
            guard let trade = try found.first(where: { try call.sees($0.account) }) else { throw noTrade(call) }
            return TradeFacts.json(trade)
        },
        Route(
            .get, "/trades/by-order/{order_id}", tag: "trades", "The trades of an order, oldest first", need: .token, scope: .account,
            parameters: [.path("order_id", .string(maxBytes: 36), "order_id, or the client_order_id it was made with.")],
            answer: .list(.object(TradeFacts.shape)), problems: [404]
        ) { call in
            let order = try await order(OrderName(call.values.required("order_id")), try call.account(), call)
            let history = try await call.history()
            return .array(try await call.asking { try await history.trades(order: order.id) }.map(TradeFacts.json))
        },
    ]

    private static func noTrade(_ call: Call) -> Problem { .notFound("no such trade", code: "UNKNOWN_TRADE") }

    private static let period: [Route.Parameter] = [.query("days", .integer(1...365), "30 unless given."), .query("symbol", .name)]

    private static func recent(_ call: Call) throws -> (TradeFilter, Int64) {
        let days = call.values.integer("days") ?? 30
        var filter = TradeFilter(accounts: try call.accounts())
        filter.symbol = try call.name("symbol")
        filter.from = call.desk.service.clock.now() - days * 86_400_000_000
        return (filter, days)
    }

    static func tradeFilter(_ call: Call) throws -> TradeFilter {
        let values = call.values
        var filter = TradeFilter(accounts: try call.accounts())
        filter.symbol = try call.name("symbol")
        filter.base = try call.name("base_asset")
        filter.quote = try call.name("quote_asset")
        filter.side = values.text("side").map { $0 == "buy" ? .buy : .sell }
        filter.order = values.integer("order_id")
        filter.strategy = try call.name("strategy_id")
        filter.liquidity = values.text("liquidity_type").map { $0 == "maker" ? .maker : .taker }
        filter.minQuantity = values.decimal("min_quantity")
        filter.maxQuantity = values.decimal("max_quantity")
        filter.minPrice = values.decimal("min_price")
        filter.maxPrice = values.decimal("max_price")
        filter.minValue = values.decimal("min_value")
        filter.maxValue = values.decimal("max_value")
        filter.from = values.time("start_time")
        filter.before = values.time("end_time")
        return filter
    }

    // MARK: Reporting

    @Sendable private static func report(_ call: Call) async throws -> JSON {
        let values = call.values
        let account = try call.account()
        let exec = values.required("trade_id")
        // Who reports for a venue need not see accounts: what the answer shows is read with the house's own session.
        let reader = try await call.desk.reader()
        let name = OrderName(values.required("order_id"))
        guard let order = try await reader.order(name, account) else { throw noOrder(account, call) }
        let instrument = try await call.desk.instrument(order.symbol, reader)
        if let symbol = values.text("symbol"), symbol != order.symbol { throw Problem.invalid("symbol", "the order's is \(order.symbol)") }
        if let side = values.text("side"), side != OrderWords.side(order.side) {
            throw Problem.invalid("side", "the order's is \(OrderWords.side(order.side))")
        }
        if let type = values.text("trade_type"), type != instrument.wallet { throw Problem.invalid("trade_type", "it settles in \(instrument.wallet)") }
        let answer = try await call.send(.fill(of: order, values.required("quantity"), values.required("price"), exec: exec, values))
        let rows = try await reader.send(.trades(of: order)).rows
        guard let id = answer["trade"], let row = rows.first(where: { $0.words.first == id }), let number = Int64(id),
            let quantity = row["qty"], let price = row["price"], let worth = Exact(quantity)?.multiplied(by: Exact(price) ?? .zero),
            let time = row["time"].flatMap({ Int64($0) })
        else { throw Problem.notFound("the trade is gone", code: "UNKNOWN_TRADE") }
        return TradeFacts.json(
            id: number, order: order.id, account: account, symbol: order.symbol, base: instrument.base, quote: instrument.quote,
            wallet: instrument.wallet, clientID: order.clientID, side: OrderWords.side(order.side), quantity: quantity, price: price,
            value: worth.text(least: 2), fee: row["fee"] ?? "0", feeAsset: row["feeasset"] ?? instrument.quote,
            liquidity: row["liq"] == "M" ? "maker" : row["liq"] == "T" ? "taker" : nil, exec: exec, time: time,
            venueTime: row["venuetime"].flatMap { Int64($0) }, strategy: StrategyName(stored: order.strategy), realized: nil)
    }
}
