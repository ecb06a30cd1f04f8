import Client

/// An order as the service tells it, live or from history, and as this interface shows it.
struct OrderFacts: Sendable {
    var id: Int64
    var account: Int64
    var symbol: String
    var clientID: String
    /// `B` or `S`
    var side: String
    var type: String
    var timeInForce: String
    var quantity: String
    /// `nil` for a market order.
    var price: String?
    /// Of a market buy: what it may cost, where that was said.
    var max: String?
    var status: String
    var leaves: String
    var cumulative: String
    var average: String?
    /// Unix milliseconds.
    var created: Int64
    var updated: Int64
    var expire: Int64?
    var strategy: String?
    var note: String?
    var reason: String?
    var options = Options()

    /// What only orders of internal venues have.
    struct Options: Sendable {
        /// The price that arms it.
        var stop: String?
        var isTakeProfit = false
        /// `last` or `mark`.
        var trigger: String?
        var isArmed = false
        var display: String?
        var isPostOnly = false
        var isReduceOnly = false
        var selfTradePrevention: String?
        /// Order id of the other leg.
        var oco: Int64?
    }

    /// A row of ORD.
    init?(_ row: Fields, account: Int64) {
        guard let id = row.firstWord.flatMap({ Int64($0) }), let symbol = row["symbol"], let clientID = row["id"], let side = row["side"],
            let type = row["type"], let timeInForce = row["tif"], let quantity = row["qty"], let price = row["price"],
            let status = row["status"], let leaves = row["leaves"], let cumulative = row["cum"],
            let created = row["created"].flatMap({ Int64($0) }), let updated = row["updated"].flatMap({ Int64($0) })
        else { return nil }
        self.id = id
        self.account = account
        self.symbol = symbol
        self.clientID = Line.unescaped(clientID)
        self.side = side
        self.type = type
        self.timeInForce = timeInForce
        self.quantity = quantity
        self.price = price == "-" ? nil : price
        max = row["max"]
        self.status = status
        self.leaves = leaves
        self.cumulative = cumulative
        average = row["avg"]
        self.created = created
        self.updated = updated
        expire = row["expire"].flatMap { Int64($0) }
        strategy = row["strategy"].map { Line.unescaped($0) }
        note = row["note"].map { Line.unescaped($0) }
        reason = row["reason"].map { Line.unescaped($0) }
        options.stop = row["stop"]
        options.isTakeProfit = row["take"] == "1"
        options.trigger = options.stop == nil ? nil : row["trigger"] ?? "last"
        options.isArmed = row["armed"] == "1"
        options.display = row["display"]
        options.isPostOnly = row["post"] == "1"
        options.isReduceOnly = row["reduce"] == "1"
        options.selfTradePrevention = row["stp"]
        options.oco = row["oco"].flatMap { Int64($0) }
    }

    /// The order that an answer of ORD shows.
    /// - Throws: ``Problem`` when it shows none.
    init(_ answer: Answer, account: Int64) throws(Problem) {
        guard let order = answer.rows.first.flatMap({ OrderFacts($0, account: account) }) else {
            throw Problem.notFound("the order is gone", code: "UNKNOWN_ORDER")
        }
        self = order
    }

    var hasFills: Bool { cumulative.utf8.contains { $0 >= UInt8(ascii: "1") && $0 <= UInt8(ascii: "9") } }

    /// In the words of this interface.
    var typeWord: String { OrderWords.type(type, options) }

    func json(_ instrument: Desk.Instrument?, _ fees: OrderFees) -> JSON {
        let strategy = StrategyName(stored: self.strategy)
        let options = options
        return [
            "id": .int(id), "order_id": .string(String(id)), "user_id": .int(account), "account_id": .int(account),
            "client_order_id": .string(clientID), "symbol": .string(symbol), "base_asset": .text(instrument?.base),
            "quote_asset": .text(instrument?.quote), "order_type": .string(typeWord), "side": .string(OrderWords.side(side)),
            "status": .string(OrderWords.status(status)), "time_in_force": .string(timeInForce.lowercased()),
            "quantity": .string(quantity), "price": .text(price), "stop_price": .text(options.stop),
            "trigger": .text(options.trigger), "armed": .bool(options.isArmed), "iceberg_qty": .text(options.display),
            "post_only": .bool(options.isPostOnly), "reduce_only": .bool(options.isReduceOnly),
            "self_trade_prevention": .text(options.selfTradePrevention), "oco": .text(options.oco.map { String($0) }),
            "executed_quantity": .string(cumulative), "remaining_quantity": .string(leaves), "avg_price": .text(average),
            "commission": .text(fees.only?.amount), "commission_asset": .text(fees.only?.asset),
            "commissions": .object(fees.byAsset.map { JSON.Member(name: $0.asset, value: .string($0.amount.text(least: 2))) }),
            "expire_time": .text(expire.map { ISOTime.text(microseconds: $0 * 1_000) }),
            "created_at": .string(ISOTime.text(microseconds: created * 1_000)),
            "updated_at": .string(ISOTime.text(microseconds: updated * 1_000)),
            "executed_at": .text(fees.lastTrade.map { ISOTime.text(microseconds: $0 * 1_000) }),
            "strategy_id": .text(strategy.id), "strategy_name": .text(strategy.name), "notes": .text(note),
            "cancel_reason": .text(reason),
        ]
    }

    static let shape = Shape(
        "Order", note: "An order; its numbers have all decimals of its instrument.",
        [
            .required("id", .integer(1...9_007_199_254_740_991)), .required("order_id", .text, "The same number as text."),
            .required("user_id", .account, "The account."), .required("account_id", .account), .required("client_order_id", .text),
            .required("symbol", .text), .nullable("base_asset", .text), .nullable("quote_asset", .text),
            .required("order_type", .enumeration(OrderWords.types)), .required("side", .enumeration(["buy", "sell"])),
            .required("status", .enumeration(OrderWords.statuses)),
            .required("time_in_force", .enumeration(["gtc", "ioc", "fok", "gtd"])), .required("quantity", .decimal),
            .nullable("price", .decimal, "null for a market order"), .nullable("stop_price", .decimal),
            .nullable("trigger", .enumeration(["last", "mark"]), "Which price stop_price is compared with."),
            .required("armed", .boolean, "Waits for its stop_price; not in the book yet."),
            .nullable("iceberg_qty", .decimal, "What others see of it at most."), .required("post_only", .boolean), .required("reduce_only", .boolean),
            .nullable("self_trade_prevention", .enumeration(OrderWords.selfTradePreventions), "null: as the account's limits say."),
            .nullable("oco", .text, "order_id of the order that this one and which cancel each other; of a closed one: of its other leg."),
            .required("executed_quantity", .decimal), .required("remaining_quantity", .decimal),
            .nullable("avg_price", .decimal, "Rounded half to even to the instrument's price scale."),
            .nullable("commission", .decimal, "null where fees were paid in several assets"), .nullable("commission_asset", .text),
            .required("commissions", .map(.decimal), "Fees by asset."), .nullable("expire_time", .time), .required("created_at", .time),
            .required("updated_at", .time), .nullable("executed_at", .time, "The last fill."), .nullable("strategy_id", .text),
            .nullable("strategy_name", .text), .nullable("notes", .text), .nullable("cancel_reason", .text),
        ])
}

/// What an order's fills cost, and when the last one was.
struct OrderFees: Sendable {
    var byAsset: [(asset: String, amount: Exact)] = []
    /// Unix milliseconds.
    var lastTrade: Int64?

    var only: (asset: String?, amount: String)? {
        if byAsset.count > 1 { return nil }
        return (byAsset.first?.asset, byAsset.first?.amount.text(least: 2) ?? "0")
    }

    mutating func add(_ asset: String, _ amount: Exact) {
        if amount.isZero { return }
        if let index = byAsset.firstIndex(where: { $0.asset == asset }) {
            byAsset[index].amount = byAsset[index].amount.adding(amount) ?? byAsset[index].amount
        } else {
            byAsset.append((asset, amount))
        }
    }

    init() {}

    /// From rows of TRD.
    init(_ rows: [Fields]) {
        for row in rows {
            if let asset = row["feeasset"], let amount = row["fee"].flatMap({ Exact($0) }) { add(asset, amount) }
            if let time = row["time"].flatMap({ Int64($0) }) { lastTrade = max(lastTrade ?? 0, time) }
        }
    }
}

/// `strategy_id` and `strategy_name` share the one text that the service keeps with an order: `id` or `id:name`.
struct StrategyName: Sendable {
    var id: String?
    var name: String?

    init(stored: String?) {
        guard let stored else { return }
        if let colon = stored.firstIndex(of: ":") {
            id = String(stored[..<colon])
            name = String(stored[stored.index(after: colon)...])
        } else {
            id = stored
        }
    }

    /// - Throws: ``Problem`` where the two do not fit.
    static func stored(_ values: Values) throws -> String? {
        let id = values.text("strategy_id")
        let name = values.text("strategy_name")
        if let id, id.contains(":") { throw Problem.invalid("strategy_id", "must not contain a colon") }
        guard let name else { return id }
        guard let id else { throw Problem.invalid("strategy_name", "needs a strategy_id") }
        let stored = "\(id):\(name)"
        if stored.utf8.count > 36 { throw Problem.invalid("strategy_name", "strategy_id and strategy_name have at most 35 bytes together") }
        return stored
    }
}

/// Words of the line protocol and of this interface.
enum OrderWords {
    /// The original's, all of them; `pending` and `rejected` do not happen here: what is not accepted is not an order.
    static let statuses = ["pending", "submitted", "partial_filled", "filled", "cancelled", "rejected", "expired"]

    static func status(_ word: String) -> String {
        switch word {
        case "NEW": "submitted"
        case "PARTIALLY_FILLED": "partial_filled"
        case "CANCELED": "cancelled"
        default: word.lowercased()
        }
    }
    static func side(_ word: String) -> String { word == "B" ? "buy" : "sell" }
    static func protocolSide(_ word: String) -> String { word == "buy" ? "B" : "S" }

    static let types = ["market", "limit", "stop", "stop_limit", "take_profit", "take_profit_limit"]
    static let selfTradePreventions = ["newest", "oldest", "both", "decrement"]

    static func type(_ word: String, _ options: OrderFacts.Options) -> String {
        switch (options.stop != nil, options.isTakeProfit, word == "MKT") {
        case (false, _, true): "market"
        case (false, _, false): "limit"
        case (true, false, true): "stop"
        case (true, false, false): "stop_limit"
        case (true, true, true): "take_profit"
        case (true, true, false): "take_profit_limit"
        }
    }
    static func isMarket(_ type: String) -> Bool { type == "market" || type == "stop" || type == "take_profit" }
    static func isTriggered(_ type: String) -> Bool { type != "market" && type != "limit" }
    static func isTakeProfit(_ type: String) -> Bool { type.hasPrefix("take_profit") }
}

extension Line {
    /// Asks for an order's fills, the newest of them.
    static func trades(of order: OrderFacts) -> Line {
        Line("TRD", String(order.account), order.symbol).adding(order: .number(order.id)).with("limit", "1000")
    }

    /// Reports a fill, with what a request says of it beside quantity and price.
    static func fill(of order: OrderFacts, _ quantity: String, _ price: String, exec: String, _ values: Values) -> Line {
        Line("FIL", String(order.account), order.symbol).adding(order: .number(order.id)).adding(quantity).adding(price)
            .with("exec", exec).with("fee", values.decimal("commission")).with("feeasset", values.text("commission_asset"))
            .with("liq", values.flag("is_maker").map { $0 ? "M" : "T" }).with("time", values.time("trade_time").map { String($0 / 1_000) })
    }
}
