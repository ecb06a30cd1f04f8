import Core
import History

/// Totals of trades as this interface shows them.
enum TradeTotals {
    private static let count = Schema.integer(0...Int64.max)
    private static let quoteFields: [Shape.Field] = [
        .required("quote_asset", .text), .required("total_trades", count), .required("buy_trades", count), .required("sell_trades", count),
        .required("total_value", .decimal), .required("buy_value", .decimal), .required("sell_value", .decimal),
        .required("net_value", .decimal, "Bought less sold."), .required("total_realized_pnl", .decimal, "Fees in quote and base included."),
        .required("winning_trades", count, "Against a position, with a profit."), .required("losing_trades", count),
        .nullable("win_rate", .decimal, "Of the two; four digits, null where there is neither."), .required("largest_trade_value", .decimal),
        .required("largest_trade_symbol", .text),
    ]
    private static let quote = Shape("QuoteTotals", note: "Of trades with one quote asset, in that asset.", quoteFields)
    private static let symbol = Shape(
        "SymbolTotals", note: "Of one instrument's trades; volumes are in base.",
        [
            .required("symbol", .text), .required("base_asset", .text), .required("total_volume", .decimal), .required("buy_volume", .decimal),
            .required("sell_volume", .decimal), .required("net_volume", .decimal), .required("min_price", .decimal), .required("max_price", .decimal),
            .required("avg_price", .decimal, "Weighted by quantity, rounded half to even."),
        ] + quoteFields)
    static let summary = Shape(
        "TradeSummary", note: "Values of different quote assets, and volumes of different base assets, are not added up.",
        [
            .required("period_days", .integer(1...365)), .required("total_trades", count), .required("symbols_traded", count),
            .required("strategies_used", count), .nullable("most_active_symbol", .text), .nullable("most_active_symbol_trades", count),
            .required("total_fees", .map(.decimal), "By asset."), .required("quotes", .list(.object(quote))), .required("symbols", .list(.object(symbol))),
        ])
    static let statistics = Shape(
        "TradeStatistics",
        [
            .required("period_days", .integer(1...365)),
            .required("days", .list(.object(Shape("DayTotals", [.required("day", .text, "UTC")] + quoteFields)))),
            .required("symbols", .list(.object(symbol)), "The ten with the most trades."),
            .required(
                "strategies", .list(.object(Shape("StrategyTotals", [.nullable("strategy_id", .text), .nullable("strategy_name", .text)] + quoteFields))),
                "The ten with the most trades."),
            .required("hours", .list(.object(Shape("HourTotals", [.required("hour", .integer(0...23), "UTC")] + quoteFields)))),
        ])

    static func json(_ found: TradeSummary, days: Int64) -> JSON {
        let active = found.bySymbol.first
        return [
            "period_days": .int(days), "total_trades": .int(found.trades), "symbols_traded": .int(found.symbols), "strategies_used": .int(found.strategies),
            "most_active_symbol": .text(active?.symbol), "most_active_symbol_trades": active.map { .int($0.totals.trades) } ?? .null,
            "total_fees": .object(found.fees.map { JSON.Member(name: $0.asset, value: .string($0.amount)) }),
            "quotes": .array(found.byQuote.map { .object(members($0)) }), "symbols": .array(found.bySymbol.map(json)),
        ]
    }

    static func json(_ found: TradeStatistics, days: Int64) -> JSON {
        func group(_ first: [JSON.Member], _ totals: QuoteTotals) -> JSON { .object(first + members(totals)) }
        return [
            "period_days": .int(days),
            "days": .array(
                found.byDay.map {
                    group([JSON.Member(name: "day", value: .string(String(ISOTime.text(microseconds: $0.key * 86_400_000_000).prefix(10))))], $0.totals)
                }),
            "symbols": .array(found.bySymbol.map(json)),
            "strategies": .array(
                found.byStrategy.map {
                    let name = StrategyName(stored: $0.key.isEmpty ? nil : $0.key.string)
                    return group(
                        [JSON.Member(name: "strategy_id", value: .text(name.id)), JSON.Member(name: "strategy_name", value: .text(name.name))], $0.totals)
                }),
            "hours": .array(found.byHour.map { group([JSON.Member(name: "hour", value: .int($0.key))], $0.totals) }),
        ]
    }

    private static func json(_ symbol: SymbolTotals) -> JSON {
        let first: [(String, String)] = [
            ("symbol", symbol.symbol), ("base_asset", symbol.base), ("total_volume", symbol.totalVolume), ("buy_volume", symbol.buyVolume),
            ("sell_volume", symbol.sellVolume), ("net_volume", symbol.netVolume), ("min_price", symbol.minPrice), ("max_price", symbol.maxPrice),
            ("avg_price", symbol.averagePrice),
        ]
        return .object(first.map { JSON.Member(name: $0.0, value: .string($0.1)) } + members(symbol.totals))
    }

    private static func members(_ totals: QuoteTotals) -> [JSON.Member] {
        let decided = totals.winners + totals.losers
        let rate = decided == 0 ? nil : Exact(mantissa: Int128(totals.winners), scale: 0).divided(by: Exact(mantissa: Int128(decided), scale: 0), scale: 4)
        let all: [(String, JSON)] = [
            ("quote_asset", .string(totals.quote)), ("total_trades", .int(totals.trades)), ("buy_trades", .int(totals.buys)),
            ("sell_trades", .int(totals.sells)), ("total_value", .string(totals.totalValue)), ("buy_value", .string(totals.buyValue)),
            ("sell_value", .string(totals.sellValue)), ("net_value", .string(totals.netValue)), ("total_realized_pnl", .string(totals.realized)),
            ("winning_trades", .int(totals.winners)), ("losing_trades", .int(totals.losers)), ("win_rate", .text(rate?.text())),
            ("largest_trade_value", .string(totals.largestValue)), ("largest_trade_symbol", .string(totals.largestSymbol)),
        ]
        return all.map { JSON.Member(name: $0.0, value: $0.1) }
    }
}
