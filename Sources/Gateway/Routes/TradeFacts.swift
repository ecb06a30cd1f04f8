import Core
import History

/// A fill as this interface shows it.
enum TradeFacts {
    static func json(_ trade: TradeRow) -> JSON {
        let strategy = StrategyName(stored: trade.strategy.isEmpty ? nil : trade.strategy.string)
        return json(
            id: trade.id, order: trade.order, account: trade.account, symbol: trade.symbol, base: trade.base, quote: trade.quote, wallet: trade.wallet,
            clientID: trade.clientID.string, side: trade.side == .buy ? "buy" : "sell", quantity: trade.quantity, price: trade.price,
            value: trade.value, fee: trade.fee, feeAsset: trade.feeAsset,
            liquidity: trade.liquidity == .maker ? "maker" : trade.liquidity == .taker ? "taker" : nil, exec: tradeID(trade),
            time: trade.time / 1_000, venueTime: trade.venueTime.map { $0 / 1_000 }, strategy: strategy, realized: trade.realized)
    }

    /// The venue's id; a match has only the service's own.
    static func tradeID(_ trade: TradeRow) -> String { trade.exec.isEmpty ? String(trade.id) : trade.exec.string }

    /// Times in milliseconds.
    static func json(
        id: Int64, order: Int64, account: Int64, symbol: String, base: String?, quote: String?, wallet: String, clientID: String, side: String,
        quantity: String, price: String, value: String, fee: String, feeAsset: String, liquidity: String?, exec: String, time: Int64,
        venueTime: Int64?, strategy: StrategyName, realized: String?
    ) -> JSON {
        let worth = Exact(value)
        let paid = Exact(fee)
        var net: String?
        var rate: String?
        if let worth, let paid {
            // A buyer pays the fee on top, a seller gets less; a fee in another asset is not of this kind.
            let isQuote = feeAsset == quote
            net = !isQuote ? nil : (side == "buy" ? worth.adding(paid) : worth.subtracting(paid))?.text(least: worth.scale)
            rate = isQuote ? paid.divided(by: worth, scale: 8)?.text(least: 2) : nil
        }
        return [
            "id": .int(id), "user_id": .int(account), "account_id": .int(account), "order_id": .string(String(order)),
            "client_order_id": .string(clientID), "trade_id": .string(exec), "symbol": .string(symbol), "base_asset": .text(base),
            "quote_asset": .text(quote), "trade_type": .string(wallet), "side": .string(side), "quantity": .string(quantity), "price": .string(price),
            "total_value": .string(value), "net_value": .text(net), "commission": .string(fee), "commission_asset": .string(feeAsset),
            "commission_rate": .text(rate), "liquidity_type": .text(liquidity), "is_maker": liquidity.map { .bool($0 == "maker") } ?? .null,
            "trade_time": .string(ISOTime.text(microseconds: (venueTime ?? time) * 1_000)),
            "created_at": .string(ISOTime.text(microseconds: time * 1_000)), "strategy_id": .text(strategy.id), "strategy_name": .text(strategy.name),
            "realized_pnl": .text(realized),
        ]
    }

    static let shape = Shape(
        "Trade", note: "A fill of an order.",
        [
            .required("id", .integer(1...9_007_199_254_740_991)), .required("user_id", .account), .required("account_id", .account),
            .required("order_id", .text), .required("client_order_id", .text), .required("trade_id", .text, "The venue's id of it; on an internal venue the same number as id."),
            .required("symbol", .text), .nullable("base_asset", .text), .nullable("quote_asset", .text),
            .required("trade_type", .text, "The wallet it settled in."), .required("side", .enumeration(["buy", "sell"])),
            .required("quantity", .decimal), .required("price", .decimal), .required("total_value", .decimal, "quantity x price, in quote."),
            .nullable("net_value", .decimal, "With a fee in quote: what the buyer paid or the seller got."),
            .required("commission", .decimal, "Negative: a rebate."), .required("commission_asset", .text),
            .nullable("commission_rate", .decimal, "Of the value, where the fee is in quote; eight digits, half to even."),
            .nullable("liquidity_type", .enumeration(["maker", "taker"])), .nullable("is_maker", .boolean),
            .required("trade_time", .time, "The venue's where it gave one."), .required("created_at", .time),
            .nullable("strategy_id", .text), .nullable("strategy_name", .text),
            .nullable("realized_pnl", .decimal, "By how much it changed the position's; null until history has it."),
        ])
}
