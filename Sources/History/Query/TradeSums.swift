import Core
import GRDB

// Sums over many trades, in one pass over the filter's rows. Values of different quote assets and volumes of different base assets are never
// added up.

/// Sums of trades with one quote asset. Amounts are decimal text in it.
package struct QuoteTotals: Sendable, Equatable {
    package var quote = ""
    package var trades = 0
    package var buys = 0
    package var sells = 0
    package var buyValue = ""
    package var sellValue = ""
    /// Bought less sold.
    package var netValue = ""
    package var totalValue = ""
    /// Change of realized PnL, fees included.
    package var realized = ""
    /// Trades against a position with a positive, with a negative realized PnL.
    package var winners = 0
    package var losers = 0
    package var largestTrade: TradeID = 0
    package var largestSymbol = ""
    package var largestValue = ""
}

/// Sums of one instrument's trades.
package struct SymbolTotals: Sendable, Equatable {
    package var symbol = ""
    package var base = ""
    package var totals = QuoteTotals()
    /// In the base asset.
    package var buyVolume = ""
    package var sellVolume = ""
    package var netVolume = ""
    package var totalVolume = ""
    package var minPrice = ""
    package var maxPrice = ""
    /// Weighted by quantity, rounded half to even at the price scale.
    package var averagePrice = ""
}

package struct TradeSummary: Sendable {
    package var trades = 0
    /// By name of the quote asset.
    package var byQuote: [QuoteTotals] = []
    /// Most trades first; at most ``History/rowsMax``.
    package var bySymbol: [SymbolTotals] = []
    package var symbols = 0
    package var strategies = 0
    /// By name of the asset.
    package var fees: [(asset: String, amount: String)] = []
}

/// Groups of trades: a key and, as values of different quote assets are not added up, perhaps several groups of the same key.
package struct TradeGroup<Key: Sendable>: Sendable {
    package var key: Key
    package var totals: QuoteTotals
}

package struct TradeStatistics: Sendable {
    /// By day, as days since 1970-01-01 UTC.
    package var byDay: [TradeGroup<Int64>] = []
    /// The ten with the most trades.
    package var bySymbol: [SymbolTotals] = []
    /// The ten with the most trades; the empty text: no strategy.
    package var byStrategy: [TradeGroup<Text>] = []
    /// By hour of the day UTC, 0 to 23.
    package var byHour: [TradeGroup<Int64>] = []
}

extension History {
    /// - Throws: ``HistoryError``; `overflow` when a sum does not fit 128 bits.
    package func tradeSummary(_ filter: TradeFilter) async throws -> TradeSummary {
        try await query { db in
            let names = Names(db)
            var summary = TradeSummary()
            var (bySymbol, byQuote) = (Groups<InstrumentID>(), Groups<AssetKey>())
            var fees: [AssetID: Amount] = [:]
            var strategies = Set<Int64>()
            try forEach(filter, db, names) { trade in
                summary.trades += 1
                try bySymbol.add(trade, trade.instrument.id)
                try byQuote.add(trade, AssetKey(trade))
                if let strategy = trade.strategy { strategies.insert(strategy) }
                if let fee = trade.fee { try fees[trade.feeAsset, default: 0].add(fee) }
            }
            summary.byQuote = try byQuote.totals(names).sorted { $0.quote < $1.quote }
            summary.bySymbol = try bySymbol.symbols(names, most: History.rowsMax)
            summary.symbols = bySymbol.sums.count
            summary.strategies = strategies.count
            summary.fees = try fees.map { asset, amount in
                let asset = try names.asset(asset)
                return (asset.name, names.amount(amount, asset))
            }.sorted { $0.asset < $1.asset }
            return summary
        }
    }

    /// - Throws: ``HistoryError``; `overflow` when a sum does not fit 128 bits.
    package func tradeStatistics(_ filter: TradeFilter) async throws -> TradeStatistics {
        try await query { db in
            let names = Names(db)
            var (byDay, byHour, byStrategy) = (Groups<NumberKey>(), Groups<NumberKey>(), Groups<NumberKey>())
            var bySymbol = Groups<InstrumentID>()
            try forEach(filter, db, names) { trade in
                let seconds = trade.time / 1_000_000
                try byDay.add(trade, NumberKey(number: seconds / 86_400, trade))
                try byHour.add(trade, NumberKey(number: seconds / 3_600 % 24, trade))
                try byStrategy.add(trade, NumberKey(number: trade.strategy ?? 0, trade))
                try bySymbol.add(trade, trade.instrument.id)
            }
            var statistics = TradeStatistics()
            statistics.byDay = try byDay.groups(names)
            statistics.byHour = try byHour.groups(names)
            statistics.bySymbol = try bySymbol.symbols(names, most: 10)
            statistics.byStrategy = try byStrategy.sums.sorted { ($0.value.trades, $1.key.number) > ($1.value.trades, $0.key.number) }
                .prefix(10).map { key, sums in
                    TradeGroup(key: try names.strategy(key.number == 0 ? nil : key.number), totals: try sums.totals(names))
                }
            return statistics
        }
    }
}

// MARK: One pass

/// A trade as the sums see it.
private struct SummedTrade {
    var id: TradeID
    var instrument: InstrumentName
    var isBuy: Bool
    var price: Price
    var quantity: Quantity
    var value: Amount
    var fee: Amount?
    var feeAsset: AssetID
    var realized: Amount
    var isClosing: Bool
    var strategy: Int64?
    var time: Timestamp
}

private func forEach(_ filter: TradeFilter, _ db: Database, _ names: Names, _ body: (SummedTrade) throws -> Void) throws {
    let conditions = try filter.conditions(names)
    if conditions.isEmpty { return }
    let (condition, arguments) = conditions.whole()
    let rows = try Row.fetchCursor(
        db,
        sql: "SELECT id, instrument, side, price, quantity, fee, fee_asset, realized, closing, strategy, time FROM trades\(condition)",
        arguments: arguments)
    var info: InstrumentName?
    while let row = try rows.next() {
        let instrument = row[1] as Int32
        if info?.id != instrument { info = try names.instrument(instrument) }
        let (price, quantity) = (row[3] as Int64, row[4] as Int64)
        try body(
            SummedTrade(
                id: row[0], instrument: info!, isBuy: (row[2] as Int64) == 0, price: price, quantity: quantity,
                value: Int128(price) * Int128(quantity) * info!.amountUnit, fee: try (row[5] as String?).map(Names.amount),
                feeAsset: row[6], realized: try (row[7] as String?).map(Names.amount) ?? 0, isClosing: (row[8] as Int64) == 1,
                strategy: row[9], time: row[10]))
    }
}

private struct AssetKey: Hashable {
    var name: String
    init(_ trade: SummedTrade) { name = trade.instrument.quote.name }
}

private struct NumberKey: Hashable {
    var number: Int64
    var quote: String
    init(number: Int64, _ trade: SummedTrade) {
        self.number = number
        quote = trade.instrument.quote.name
    }
}

private struct Sums {
    /// Of the first trade: all have its quote asset and, grouped by instrument, its instrument.
    var instrument: InstrumentName
    var (trades, buys, winners, losers) = (0, 0, 0, 0)
    var (buyVolume, sellVolume, buyValue, sellValue, realized) = (Int128(0), Int128(0), Int128(0), Int128(0), Int128(0))
    var (minPrice, maxPrice) = (Price.max, Price.min)
    var (largest, largestValue, largestSymbol) = (TradeID(0), Amount(-1), "")

    init(_ instrument: InstrumentName) { self.instrument = instrument }

    mutating func add(_ trade: SummedTrade) throws {
        trades += 1
        if trade.isBuy {
            buys += 1
            try buyVolume.add(Int128(trade.quantity))
            try buyValue.add(trade.value)
        } else {
            try sellVolume.add(Int128(trade.quantity))
            try sellValue.add(trade.value)
        }
        try realized.add(trade.realized)
        if trade.isClosing, trade.realized > 0 { winners += 1 }
        if trade.isClosing, trade.realized < 0 { losers += 1 }
        minPrice = min(minPrice, trade.price)
        maxPrice = max(maxPrice, trade.price)
        // Of equal ones the first trade.
        if trade.value > largestValue || (trade.value == largestValue && trade.id < largest) {
            (largest, largestValue, largestSymbol) = (trade.id, trade.value, trade.instrument.symbol)
        }
    }

    /// Two sums may fit where both together do not; of two that are not negative the difference fits.
    func totals(_ names: Names) throws -> QuoteTotals {
        let quote = instrument.quote
        let value = try buyValue.plus(sellValue)
        return QuoteTotals(
            quote: quote.name, trades: trades, buys: buys, sells: trades - buys, buyValue: names.amount(buyValue, quote),
            sellValue: names.amount(sellValue, quote), netValue: names.amount(buyValue - sellValue, quote),
            totalValue: names.amount(value, quote), realized: names.amount(realized, quote), winners: winners,
            losers: losers, largestTrade: largest, largestSymbol: largestSymbol, largestValue: names.amount(largestValue, quote))
    }

    func symbol(_ names: Names) throws -> SymbolTotals {
        let volume = try buyVolume.plus(sellVolume)
        let cost = try buyValue.plus(sellValue) / instrument.amountUnit
        return SymbolTotals(
            symbol: instrument.symbol, base: instrument.base.name, totals: try totals(names),
            buyVolume: names.quantity(buyVolume, instrument), sellVolume: names.quantity(sellVolume, instrument),
            netVolume: names.quantity(buyVolume - sellVolume, instrument), totalVolume: names.quantity(volume, instrument),
            minPrice: names.price(minPrice, instrument), maxPrice: names.price(maxPrice, instrument),
            averagePrice: names.price(Numbers.averagePrice(cost: cost, quantity: volume), instrument))
    }
}

private struct Groups<Key: Hashable> {
    private(set) var sums: [Key: Sums] = [:]

    mutating func add(_ trade: SummedTrade, _ key: Key) throws {
        try sums[key, default: Sums(trade.instrument)].add(trade)
    }

    func totals(_ names: Names) throws -> [QuoteTotals] { try sums.values.map { try $0.totals(names) } }

    func symbols(_ names: Names, most: Int) throws -> [SymbolTotals] {
        try sums.values.sorted { ($0.trades, $1.instrument.symbol) > ($1.trades, $0.instrument.symbol) }
            .prefix(most).map { try $0.symbol(names) }
    }
}

extension Groups where Key == NumberKey {
    /// By number, then quote asset; at most ``History/rowsMax``, the highest numbers.
    fileprivate func groups(_ names: Names) throws -> [TradeGroup<Int64>] {
        try sums.sorted { ($0.key.number, $0.key.quote) < ($1.key.number, $1.key.quote) }.suffix(History.rowsMax)
            .map { TradeGroup(key: $0.key.number, totals: try $0.value.totals(names)) }
    }
}
