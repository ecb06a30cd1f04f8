import Client
import Core
import History
import Server

// Lists of orders: the open ones live, the closed ones from history, joined so that an order that closes meanwhile is there once.

extension Routes {
    /// Open orders of a list at most; beyond, a list has to be narrowed.
    private static let openOrdersMax = 100_000

    private static let filters: [Route.Parameter] = [
        .query("symbol", .name), .query("side", .enumeration(["buy", "sell"])), .query("order_type", .enumeration(OrderWords.types)),
        .query("status", .enumeration(OrderWords.statuses)), .query("strategy_id", .shortText), .query("start_time", .time, "Of created_at."),
        .query("end_time", .time, "created_at before it."), .query("min_quantity", .decimal(.notNegative)), .query("max_quantity", .decimal(.notNegative)),
        .query("min_price", .decimal(.notNegative)), .query("max_price", .decimal(.notNegative)),
    ]
    private static let summaryShape = Shape(
        "OrderSummary", note: "Of the orders created in the last `days`; volumes are per instrument, as different assets are not added up.",
        [
            .required("days", .integer(1...365)), .required("total_orders", .integer(0...Int64.max)), .required("active_orders", .integer(0...Int64.max), "Open now, whenever created."),
            .required("completed_orders", .integer(0...Int64.max)), .required("cancelled_orders", .integer(0...Int64.max)),
            .required("expired_orders", .integer(0...Int64.max)),
            .required(
                "volumes",
                .list(
                    .object(
                        Shape(
                            "OrderVolume",
                            [
                                .required("symbol", .text), .required("quote_asset", .text), .required("orders", .integer(0...Int64.max), "With fills."),
                                .required("total_volume", .decimal, "In base."), .required("total_value", .decimal, "In quote."),
                            ])))),
            .nullable("avg_execution_time", .decimal, "Seconds from created to filled."),
        ])

    static let orderLists: [Route] = [
        Route(
            .get, "/orders", tag: "orders", "Orders, open and closed, newest first", need: .token, scope: .accounts,
            parameters: filters + Page.parameters, answer: .object(Page.shape("Orders", "orders", of: OrderFacts.shape)), problems: [404], list),
        Route(
            .get, "/orders/summary", tag: "orders", "Counts and volumes of orders", need: .token, scope: .accounts,
            parameters: [.query("days", .integer(1...365), "30 unless given.")], answer: .object(summaryShape), summary),
    ]

    @Sendable private static func list(_ call: Call) async throws -> JSON {
        let values = call.values
        let filter = try orderFilter(call)
        let wanted = values.text("status").map { OrderWords.coreStatus($0) }
        // `pending` and `rejected` are words of other versions: there are no such orders.
        if case .some(.none) = wanted { return Page.json("orders", [], total: 0, values) }
        let status = wanted ?? nil
        var open: [OrderFacts] = []
        let before = call.desk.service.log.durableLSN
        if status.map({ $0.isOpen }) ?? true {
            open = try await openOrders(filter.accounts, call).filter { passes($0, filter, status) }
            open.sort { ($0.created, $0.id) > ($1.created, $1.id) }
        }
        guard status.map({ !$0.isOpen }) ?? true else {
            let (page, size) = Page.number(values)
            let shown = open.dropFirst((page - 1) * size).prefix(size)
            return Page.json("orders", try await json(shown, call), total: open.count, values)
        }
        // What the live rows rest on is durable, and everything up to here is in history: an order that closed while they were read is taken
        // from there and not from them.
        let after = call.desk.service.log.durableLSN
        let history = try await call.history(upTo: after)
        if !open.isEmpty {
            let ids = open.map(\.id)
            let closed = try await call.asking { try await history.closed(amongOrders: ids, after: before, upTo: after) }
            if !closed.isEmpty { open.removeAll { closed.contains($0.id) } }
        }
        var closedFilter = filter
        closedFilter.closedUpTo = after
        return try await joined(open, history, closedFilter, call)
    }

    /// The page of both lists merged by (created, id), newest first.
    private static func joined(_ open: [OrderFacts], _ history: History, _ filter: ClosedOrderFilter, _ call: Call) async throws -> JSON {
        let (page, size) = Page.number(call.values)
        let start = (page - 1) * size
        // Of the closed ones those that can be on the page: at most `open.count` places are taken by open ones before them.
        let skipped = max(0, start - open.count)
        var closed: [OrderFacts] = []
        var total = 0
        var offset = skipped
        let needed = start + size - skipped
        while closed.count < needed {
            let limit = min(History.rowsMax, needed - closed.count)
            let part = try await call.asking { [offset] in try await history.orders(filter, offset: offset, limit: limit) }
            total = part.total
            closed += part.rows.map { OrderFacts($0) }
            offset += part.rows.count
            if part.rows.count < limit { break }
        }
        var merged: [OrderFacts] = []
        var (openIndex, closedIndex, place) = (0, 0, 0)
        if skipped > 0 {
            // The skipped ones all come before the page, and so do open ones that are newer than the first fetched: they have at most `skipped`
            // closed ones and `open.count - 1` open ones before them. With none fetched the page is behind the end.
            openIndex = closed.first.map { first in open.firstIndex { ($0.created, $0.id) < (first.created, first.id) } ?? open.count } ?? open.count
            place = skipped + openIndex
        }
        while merged.count < size, openIndex < open.count || closedIndex < closed.count {
            let takesOpen =
                closedIndex >= closed.count
                || openIndex < open.count && (open[openIndex].created, open[openIndex].id) > (closed[closedIndex].created, closed[closedIndex].id)
            let next = takesOpen ? open[openIndex] : closed[closedIndex]
            if takesOpen { openIndex += 1 } else { closedIndex += 1 }
            if place >= start { merged.append(next) }
            place += 1
        }
        return Page.json("orders", try await json(merged, call), total: open.count + total, call.values)
    }

    private static func orderFilter(_ call: Call) throws -> ClosedOrderFilter {
        let values = call.values
        var filter = ClosedOrderFilter(accounts: try call.accounts())
        filter.symbol = try call.name("symbol")
        filter.side = values.text("side").map { $0 == "buy" ? .buy : .sell }
        if let type = values.text("order_type") {
            filter.type = OrderWords.isMarket(type) ? .market : .limit
            filter.trigger = !OrderWords.isTriggered(type) ? Trigger.none : OrderWords.isTakeProfit(type) ? .takeProfit : .stop
        }
        filter.statuses = values.text("status").flatMap { OrderWords.coreStatus($0) }.map { [$0] }
        filter.strategy = try call.name("strategy_id")
        filter.createdFrom = values.time("start_time")
        filter.createdBefore = values.time("end_time")
        filter.minQuantity = values.decimal("min_quantity")
        filter.maxQuantity = values.decimal("max_quantity")
        filter.minPrice = values.decimal("min_price")
        filter.maxPrice = values.decimal("max_price")
        return filter
    }

    /// The same filter for a live order.
    private static func passes(_ order: OrderFacts, _ filter: ClosedOrderFilter, _ status: OrderStatus?) -> Bool {
        if let side = filter.side, (side == .buy) != (order.side == "B") { return false }
        if let type = filter.type, (type == .market) != (order.type == "MKT") { return false }
        if let trigger = filter.trigger, trigger != (order.options.stop == nil ? Trigger.none : order.options.isTakeProfit ? .takeProfit : .stop) {
            return false
        }
        if let status, status.word.description != order.status { return false }
        if let strategy = filter.strategy, StrategyName(stored: order.strategy).id != strategy.string { return false }
        if let from = filter.createdFrom, order.created * 1_000 < from { return false }
        if let before = filter.createdBefore, order.created * 1_000 >= before { return false }
        func isWithin(_ value: String?, _ least: String?, _ most: String?) -> Bool {
            if least == nil, most == nil { return true }
            guard let value = value.flatMap({ Exact($0) }) else { return false }
            if let least = least.flatMap({ Exact($0) }), value < least { return false }
            if let most = most.flatMap({ Exact($0) }), most < value { return false }
            return true
        }
        return isWithin(order.quantity, filter.minQuantity, filter.maxQuantity) && isWithin(order.price, filter.minPrice, filter.maxPrice)
    }

    static func openOrders(_ accounts: [AccountNumber]?, _ call: Call) async throws -> [OrderFacts] {
        var orders: [OrderFacts] = []
        for account in try await accountNumbers(accounts, call) {
            var after = "0"
            while true {
                var line = Line("ORD", String(account))
                if let symbol = call.values.text("symbol") { line.add(symbol) }
                let rows = try await call.send(line.with("limit", "1000").with("after", after == "0" ? nil : after)).rows
                orders += rows.compactMap { OrderFacts($0, account: account) }
                guard orders.count <= openOrdersMax else {
                    throw Problem(
                        status: .badRequest, code: "TOO_MANY_OPEN_ORDERS", message: "more than \(openOrdersMax) open orders: narrow the list by account_id or symbol",
                        details: ["max": .int(openOrdersMax)])
                }
                guard rows.count == 1_000, let last = rows.last?.words.first else { break }
                after = last
            }
        }
        return orders
    }

    @Sendable private static func summary(_ call: Call) async throws -> JSON {
        let days = call.values.integer("days") ?? 30
        let accounts = try call.accounts()
        let open = try await openOrders(accounts, call)
        let history = try await call.history()
        let since = call.desk.service.clock.now() - days * 86_400_000_000
        let closed = try await call.asking { try await history.orderSummary(accounts: accounts, since: since) }
        let recent = open.count { $0.created * 1_000 >= since }
        return [
            "days": .int(days), "total_orders": .int(closed.orders + recent), "active_orders": .int(open.count),
            "completed_orders": .int(closed.byStatus[.filled] ?? 0), "cancelled_orders": .int(closed.byStatus[.canceled] ?? 0),
            "expired_orders": .int(closed.byStatus[.expired] ?? 0),
            "volumes": .array(
                closed.filled.map {
                    [
                        "symbol": .string($0.symbol), "quote_asset": .string($0.quote), "orders": .int($0.orders), "total_volume": .string($0.volume),
                        "total_value": .string($0.value),
                    ]
                }),
            "avg_execution_time": .text(
                closed.averageMicrosecondsToFill.map { Exact(mantissa: Int128($0), scale: 6).text() }),
        ]
    }
}
