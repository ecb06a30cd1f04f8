import Client
import Core
import History

extension Routes {
    private static let orderName = Route.Parameter.path("order_id", .string(maxBytes: 36), "order_id, or the client_order_id it was made with.")
    static let account = Shape.Field.optional("account_id", .account, "Needed where the token names several accounts.")

    private static let newOrderFields: [Shape.Field] = [
        .required("symbol", .name), .required("order_type", .enumeration(OrderWords.types), "Stop and take-profit types wait for stop_price, on internal venues only."),
        .required("side", .enumeration(["buy", "sell"])), .required("quantity", .positive, "In base asset."),
        .optional("price", .positive, "Of a limit, stop_limit or take_profit_limit order, in quote asset."),
        .optional("stop_price", .positive, "Of a stop or take-profit: a stop to buy waits for a price at or above it, one to sell at or below; a take-profit the other way round."),
        .optional("trigger", .enumeration(["last", "mark"]), "Which price stop_price is compared with: of the newest trade (unless given), or the mark."),
        .optional("time_in_force", .enumeration(["gtc", "ioc", "fok", "gtd"]), "gtc unless given."),
        .optional("expire_time", .time, "With gtd, and only then."),
        .optional("max_amount", .positive, "Of a market buy: how much of the quote asset it reserves; without it the mark price decides."),
        .optional("iceberg_qty", .positive, "Others see at most so much of it.", alias: "display_quantity"),
        .optional("post_only", .boolean, "Refused with WOULD_TAKE if it would trade at once."),
        .optional("reduce_only", .boolean, "Only brings the position nearer to zero."),
        .optional("self_trade_prevention", .enumeration(OrderWords.selfTradePreventions), "What happens when it meets an order of the same account."),
        .optional("oco", .shortText, "client_order_id of an open order: one cancels the other."), .optional("strategy_id", .shortText, "No colon."), .optional("strategy_name", .shortText),
        .optional("client_order_id", .shortText, "Unique per account and wallet; without it the Idempotency-Key, else a new one."),
        .optional("notes", .shortText), account,
    ]
    static let newOrder = Shape(
        "OrderCreate", isRequest: true,
        example: [
            "symbol": "BTC-USD", "order_type": "limit", "side": "buy", "quantity": "0.5", "price": "64000.00", "client_order_id": "grid-17",
        ], newOrderFields)
    private static let batch = Shape(
        "OrderBatch", isRequest: true, [.required("orders", .array(.object(newOrder), most: 100)), account])
    private static let batchAnswer = Shape(
        "OrderBatchResult", note: "Each order has its own outcome; those refused changed nothing.",
        [
            .required("success_orders", .list(.object(OrderFacts.shape))),
            .required(
                "failed_orders",
                .list(
                    .object(
                        Shape(
                            "FailedOrder",
                            [
                                .required("index", .integer(0...99), "In the request's list."), .required("order_data", .any, "As it was sent."),
                                .required("error", .text, "For people."), .required("code", .text), .required("details", .any),
                            ])))),
            .required("total_count", .integer(0...100)), .required("success_count", .integer(0...100)),
            .required("failed_count", .integer(0...100)),
        ])
    private static let replaceOrder = Shape(
        "OrderUpdate", note: "What is left out stays.", isRequest: true, example: ["quantity": "0.4", "price": "63900.00"],
        [
            .optional("quantity", .positive, "The new total, not what is left."), .optional("price", .positive),
            .optional("stop_price", .positive, "Of an order that waits for it."),
            .optional("time_in_force", .enumeration(["gtc", "ioc", "fok", "gtd"]), "Cannot change: only its present value is taken."),
            .optional("notes", .shortText, "Cannot change: only its present value is taken."), account,
        ])
    private static let cancelOrder = Shape("OrderCancel", isRequest: true, [.optional("reason", .shortText), account])
    private static let fillOrder = Shape(
        "OrderExecute", isRequest: true, example: ["execution_price": "63990.00", "execution_quantity": "0.2"],
        [
            .optional("execution_price", .positive, "Needed, here or in the query.", alias: "price"),
            .optional("execution_quantity", .positive, "All that is left unless given.", alias: "quantity"),
            .optional("trade_id", .shortText, "The venue's id of it; without it the Idempotency-Key, else a new one."),
            .optional("commission", .decimal), .optional("commission_asset", .name), .optional("is_maker", .boolean), account,
        ])

    static let orders: [Route] = [
        Route(
            .post, "/orders", tag: "orders", "New order", need: .trader, scope: .account, body: newOrder, status: .created,
            answer: .object(OrderFacts.shape), problems: [404, 409]
        ) { call in
            let account = try call.account()
            return try await place([call.values], account, call)[0].get()
        },
        Route(
            .post, "/orders/batch", tag: "orders", "Up to 100 orders, each with its own outcome", need: .trader, scope: .account, body: batch,
            answer: .object(batchAnswer), problems: [404, 409], placeBatch),
        Route(
            .get, "/orders/{order_id}", tag: "orders", "One order", need: .token, scope: .account, parameters: [orderName],
            answer: .object(OrderFacts.shape), problems: [404]
        ) { call in
            let account = try call.account()
            let row = try await order(OrderName(call.values.required("order_id")), account, call)
            return try await json(row, call)
        },
        Route(
            .put, "/orders/{order_id}", tag: "orders", "Replace an order", need: .trader, scope: .account, parameters: [orderName],
            body: replaceOrder, answer: .object(OrderFacts.shape), problems: [404], replace),
        Route(
            .delete, "/orders/{order_id}", tag: "orders", "Cancel an order", need: .trader, scope: .account, parameters: [orderName],
            body: cancelOrder, bodyIsOptional: true, answer: .object(OrderFacts.shape), problems: [404]
        ) { call in
            let account = try call.account()
            let row = try await order(OrderName(call.values.required("order_id")), account, call)
            let cancel = Line("CXL", String(account), row.symbol).adding(order: .number(row.id)).with("reason", call.values.text("reason"))
            return try await json(try await change(cancel, row, call), call)
        },
        Route(
            .delete, "/orders", tag: "orders", "Cancel all open orders", need: .trader, scope: .account,
            parameters: [.query("symbol", .name, "Only those of this instrument.")],
            answer: .object(
                Shape(
                    "CancelAllResult",
                    [
                        .required("message", .text), .required("cancelled_count", .integer(0...Int64.max)),
                        .required("failed_count", .integer(0...Int64.max)), .required("total_count", .integer(0...Int64.max)),
                    ])), problems: [404]
        ) { call in
            var line = Line("CXA", String(try call.account()))
            if let symbol = call.values.text("symbol") { line.add(symbol) }
            let count = Int64(try await call.send(line)["canceled"] ?? "") ?? 0
            return [
                "message": .string("\(count) orders cancelled"), "cancelled_count": .int(count), "failed_count": 0, "total_count": .int(count),
            ]
        },
        Route(
            .post, "/orders/{order_id}/execute", tag: "orders", "A fill of an order on a manual venue",
            note: "A trader reports fills of own orders only, not beyond the limit price.", need: .traderOrConnector, scope: .account,
            parameters: [
                orderName, .query("execution_price", .positive), .query("execution_quantity", .positive),
            ], body: fillOrder, bodyIsOptional: true, answer: .object(OrderFacts.shape), problems: [404, 409], execute),
    ]

    // MARK: One order

    /// An order, live or from history.
    static func order(_ name: OrderName, _ account: Int64, _ call: Call) async throws -> OrderFacts {
        if let row = try await call.caller.session.order(name, account) { return row }
        // Older than the window that the service remembers: nothing can change it any more.
        if let row = try await pastOrder(name, account, call) { return OrderFacts(row) }
        throw noOrder(account, call)
    }

    static func noOrder(_ account: Int64, _ call: Call) -> Problem {
        .notFound("no such order of account \(account)", code: "UNKNOWN_ORDER", ["order_id": .string(call.values.text("order_id") ?? "")])
    }

    private static func pastOrder(_ name: OrderName, _ account: Int64, _ call: Call) async throws -> OrderRow? {
        guard call.desk.history != nil else { return nil }
        let history = try await call.history()
        return try await call.asking {
            switch name {
            case .number(let id): try await history.order(id: id).flatMap { $0.account == account ? $0 : nil }
            case .clientID(let id):
                if let id = Text(id) { try await history.orders(account: account, clientID: id).first } else { nil }
            }
        }
    }

    static func json(_ row: OrderFacts, _ call: Call, reader: LineSession? = nil) async throws -> JSON {
        try await json([row], call, reader: reader)[0]
    }

    /// Orders with their fees; what there is to be asked for is asked for at once.
    /// - Parameter reader: the session to read with; the caller's unless given.
    static func json(_ rows: some Collection<OrderFacts>, _ call: Call, reader: LineSession? = nil) async throws -> [JSON] {
        let session = reader ?? call.caller.session
        var trades = try await session.send(all: rows.filter(\.hasFills).map { .trades(of: $0) })[...]
        var shown: [JSON] = []
        for row in rows {
            let fees = row.hasFills ? try await fees(row, trades.removeFirst(), call) : OrderFees()
            shown.append(row.json(try await call.desk.instrument(row.symbol, session), fees))
        }
        return shown
    }

    /// From the order's trades, or from history where the service has forgotten the order.
    private static func fees(_ row: OrderFacts, _ trades: Result<Answer, Problem>, _ call: Call) async throws -> OrderFees {
        if case .failure(let problem) = trades, problem.code == "UNKNOWN_ORDER", let history = call.desk.history {
            return OrderFees(try await call.asking { try await history.trades(order: row.id) })
        }
        return OrderFees(try trades.get().rows)
    }

    /// Sends a command about an order, and reads the order behind it.
    private static func change(_ command: Line, _ row: OrderFacts, _ call: Call) async throws -> OrderFacts {
        let read = Line("ORD", String(row.account), row.symbol).adding(order: .number(row.id))
        let answers = try await call.send(all: [command, read])
        _ = try answers[0].get()
        return try OrderFacts(answers[1].get(), account: row.account)
    }

    // MARK: New

    /// Sends orders one behind the other; each is decided by itself.
    private static func place(_ orders: [Values], _ account: Int64, _ call: Call) async throws -> [Result<JSON, Problem>] {
        var lines: [Line] = []
        var refused: [Int: Problem] = [:]
        let isBatch = orders.count > 1 || call.route.path.hasSuffix("batch")
        for (index, order) in orders.enumerated() {
            do {
                let id = try call.id(order.text("client_order_id"), part: isBatch ? index : nil)
                lines.append(try newOrder(order, account, id))
                lines.append(Line("ORD", String(account), order.required("symbol")).adding(order: .clientID(id)))
            } catch let problem as Problem {
                refused[index] = problem
            }
        }
        var answers = try await call.send(all: lines)[...]
        var results: [Result<JSON, Problem>] = []
        for index in orders.indices {
            if let problem = refused[index] {
                results.append(.failure(problem))
                continue
            }
            let answer = answers.removeFirst()
            let read = answers.removeFirst()
            if case .failure(let problem) = answer {
                results.append(.failure(named(problem, orders[index])))
            } else {
                results.append(.success(try await json(try OrderFacts(read.get(), account: account), call)))
            }
        }
        return results
    }

    private static func newOrder(_ order: Values, _ account: Int64, _ id: String) throws -> Line {
        let type = order.required("order_type")
        let isMarket = OrderWords.isMarket(type)
        let isTriggered = OrderWords.isTriggered(type)
        if !isMarket, order["price"] == nil { throw Problem.invalid("price", "is required for a \(type) order") }
        if isMarket, order["price"] != nil { throw Problem.invalid("price", "a \(type) order has none") }
        if isTriggered, order["stop_price"] == nil { throw Problem.invalid("stop_price", "is required for a \(type) order") }
        for field in ["stop_price", "trigger"] where !isTriggered && order[field] != nil {
            throw Problem.invalid(field, "is only for stop and take-profit orders")
        }
        let timeInForce = order.text("time_in_force") ?? "gtc"
        let expire = order.time("expire_time")
        if timeInForce == "gtd", expire == nil { throw Problem.invalid("expire_time", "is required with gtd") }
        if timeInForce != "gtd", expire != nil { throw Problem.invalid("expire_time", "is only for gtd") }
        return Line(
            "NEW", String(account), order.required("symbol"), OrderWords.protocolSide(order.required("side")),
            isMarket ? "MKT" : "LMT", order.required("quantity"), order.decimal("price") ?? "-", timeInForce.uppercased()
        )
        .with("id", id).with("expire", expire.map { String($0 / 1_000) }).with("max", order.decimal("max_amount"))
        .with("strategy", try StrategyName.stored(order)).with("note", order.text("notes"))
        .with("stop", order.decimal("stop_price")).with("take", OrderWords.isTakeProfit(type) ? "1" : nil).with("trigger", order.text("trigger"))
        .with("display", order.decimal("iceberg_qty")).with("post", order.flag("post_only") == true ? "1" : nil)
        .with("reduce", order.flag("reduce_only") == true ? "1" : nil).with("stp", order.text("self_trade_prevention"))
        .with("oco", order.text("oco"))
    }

    /// Of an order on a manual venue: which of the fields it was that only internal venues know.
    private static func named(_ problem: Problem, _ order: Values) -> Problem {
        guard problem.code == "NOT_SUPPORTED", problem.details["what"] == .string("instructions") else { return problem }
        if let type = order.text("order_type"), OrderWords.isTriggered(type) { return .notSupported("order_type", what: type) }
        let given = ["stop_price", "iceberg_qty", "post_only", "reduce_only", "self_trade_prevention", "oco"].first { order[$0] != nil }
        return given.map { .notSupported($0) } ?? problem
    }

    @Sendable private static func placeBatch(_ call: Call) async throws -> JSON {
        let given = call.values.list("orders") ?? []
        let account = try call.account()
        let orders = given.map { Values($0) }
        for (index, order) in orders.enumerated() {
            if let other = order.integer("account_id"), other != account {
                throw Problem.invalid("orders[\(index)].account_id", "a batch is for one account, \(account)")
            }
        }
        let results = try await place(orders, account, call)
        var success: [JSON] = []
        var failed: [JSON] = []
        for (index, result) in results.enumerated() {
            switch result {
            case .success(let order): success.append(order)
            case .failure(let problem):
                failed.append([
                    "index": .int(index), "order_data": given[index], "error": .string(problem.message), "code": .string(problem.code),
                    "details": problem.details,
                ])
            }
        }
        return [
            "success_orders": .array(success), "failed_orders": .array(failed), "total_count": .int(results.count),
            "success_count": .int(success.count), "failed_count": .int(failed.count),
        ]
    }

    // MARK: Replace, fill

    @Sendable private static func replace(_ call: Call) async throws -> JSON {
        let values = call.values
        let account = try call.account()
        let row = try await order(OrderName(values.required("order_id")), account, call)
        if let wanted = values.text("time_in_force"), wanted != row.timeInForce.lowercased() {
            throw Problem.invalid("time_in_force", "cannot change; it is \(row.timeInForce.lowercased())", code: "NOT_SUPPORTED")
        }
        if let wanted = values.text("notes"), wanted != row.note {
            throw Problem.invalid("notes", "cannot change", code: "NOT_SUPPORTED")
        }
        guard values["quantity"] != nil || values["price"] != nil || values["stop_price"] != nil else {
            throw Problem.invalid("quantity", "nothing to change: give quantity, price or stop_price")
        }
        let line = Line("RPL", String(account), row.symbol).adding(order: .number(row.id))
            .adding(values.decimal("quantity") ?? row.quantity).adding(values.decimal("price") ?? row.price ?? "-")
            .with("max", row.max).with("stop", values.decimal("stop_price"))
        do { return try await json(try await change(line, row, call), call) } catch let problem as Problem { throw named(problem, values) }
    }

    @Sendable private static func execute(_ call: Call) async throws -> JSON {
        let values = call.values
        guard let price = values.decimal("execution_price") else { throw Problem.invalid("execution_price", "is required") }
        let account = try call.account()
        let name = OrderName(values.required("order_id"))
        let exec = try call.id(values.text("trade_id"))
        func fill(_ row: OrderFacts, _ session: LineSession) async throws -> Line {
            Line.fill(of: row, try await quantity(row, exec, session, call), price, exec: exec, values)
        }
        guard call.caller.identity.grant.roles.contains(.connector) else {
            let row = try await order(name, account, call)
            return try await json(try await change(try await fill(row, call.caller.session), row, call), call)
        }
        // Who reports for a venue need not see accounts: what the answer shows is read with the house's own session.
        let reader = try await call.desk.reader()
        guard let row = try await reader.order(name, account) else { throw noOrder(account, call) }
        _ = try await call.send(try await fill(row, reader))
        guard let after = try await reader.order(.number(row.id), account) else { throw noOrder(account, call) }
        return try await json(after, call, reader: reader)
    }

    /// The quantity of a fill: what is left of the order unless it is given. A repeat without one means what it meant at first.
    private static func quantity(_ row: OrderFacts, _ exec: String, _ session: LineSession, _ call: Call) async throws -> String {
        if let given = call.values.decimal("execution_quantity") { return given }
        guard row.hasFills, call.idempotencyKey != nil || call.values["trade_id"] != nil else { return row.leaves }
        let first = try await session.send(.trades(of: row)).rows.first { $0["exec"].map { Line.unescaped($0) } == exec }
        return first?["qty"] ?? row.leaves
    }
}
