import Core
import GRDB
import History
import Testing

@Suite struct TradeQueryTests {
    /// (account, symbol, side, quantity, price, fee, strategy) of each trade, in order.
    private static let script: [(Int, String, String, String, String, String, String)] = [
        (7, "BTC-USD", "B", "0.50000000", "64000.00", "fee=1.2", "grid"),
        (7, "BTC-USD", "S", "0.25000000", "64100.00", "fee=0.00000001 feeasset=BTC", "grid"),
        (8, "BTC-EUR", "B", "0.500", "64000.5", "fee=2", ""),
        (7, "EX-USD", "B", "3", "10.01", "liq=M", "other"),
        (7, "EX-USD", "S", "1", "9.00", "liq=T fee=0.5", "other"),
        (7, "EX-USD", "S", "1", "11.00", "", ""),
        (7, "PERP", "S", "2.000", "64000.0", "", ""),
        (7, "PERP", "B", "3.000", "63000.0", "fee=-1.25", "grid"),
    ]

    private func fill(_ world: HistoryWorld) async throws {
        for account in [7, 8] {
            try await world.tell("DEP \(account) USD 1000000 ref=u", "DEP \(account) EUR 1000000 ref=e", "DEP \(account) BTC 100 ref=b", "DEP \(account) EX 1000 ref=x")
        }
        for (number, it) in TradeQueryTests.script.enumerated() {
            let strategy = it.6.isEmpty ? "" : " strategy=\(it.6)"
            try await world.tell(
                "NEW \(it.0) \(it.1) \(it.2) LMT \(it.3) \(it.4) GTC id=o\(number)\(strategy)",
                "FIL \(it.0) \(it.1) id=o\(number) \(it.3) \(it.4) \(it.5) exec=e\(number % 7)".replacing("  ", with: " "))
        }
        try await world.settle()
    }

    /// The script's numbers of the trades found.
    private func found(
        _ world: HistoryWorld, sort: TradeSort = .time, descending: Bool = false, _ change: (inout TradeFilter) -> Void = { _ in }
    ) async throws -> [Int] {
        var filter = TradeFilter()
        change(&filter)
        let page = try await world.history.trades(filter, sort: sort, descending: descending, limit: 100)
        #expect(page.total == page.rows.count)
        return page.rows.map { Int($0.clientID.string.dropFirst())! }
    }

    @Test func `trades: every filter`() async throws {
        try await withHistory { world in
            try await fill(world)
            #expect(try await found(world) == Array(0..<8))
            #expect(try await found(world) { $0.accounts = [8] } == [2])
            #expect(try await found(world) { $0.accounts = [8, 7] } == Array(0..<8))
            #expect(try await found(world) { $0.symbol = Text("PERP") } == [6, 7])
            #expect(try await found(world) { $0.base = Text("BTC"); $0.quote = Text("USD") } == [0, 1, 6, 7])
            #expect(try await found(world) { $0.quote = Text("XXX") } == [])
            #expect(try await found(world) { $0.side = .sell } == [1, 4, 5, 6])
            #expect(try await found(world) { $0.strategy = Text("grid") } == [0, 1, 7])
            #expect(try await found(world) { $0.liquidity = .maker } == [3])
            #expect(try await found(world) { $0.minQuantity = "0.5"; $0.maxQuantity = "2" } == [0, 2, 4, 5, 6])
            #expect(try await found(world) { $0.minPrice = "64000.000000000000000001"; $0.maxPrice = "64100" } == [1, 2])
            #expect(try await found(world) { $0.minValue = "32000"; $0.maxValue = "32000.25" } == [0, 2])
            #expect(try await found(world) { $0.minValue = "32000.000000000000000001"; $0.maxValue = "32000.25" } == [2])
            let one = try #require(try await world.history.trades(exec: Text("e3")).first)
            #expect(try await found(world) { $0.order = one.order } == [3])
            #expect(try await found(world) { $0.from = one.time } == Array(3..<8))
            #expect(try await found(world) { $0.before = one.time } == [0, 1, 2])
        }
    }

    @Test func `sorting: by what is computed, both ways, over scales`() async throws {
        try await withHistory { world in
            try await fill(world)
            #expect(try await found(world, descending: true) == Array((0..<8).reversed()))
            // Of equal ones the newest first.
            #expect(try await found(world, sort: .quantity) == [1, 2, 0, 5, 4, 6, 7, 3])
            #expect(try await found(world, sort: .quantity, descending: true) == [7, 3, 6, 5, 4, 2, 0, 1])
            #expect(try await found(world, sort: .price) == [4, 3, 5, 7, 6, 0, 2, 1])
            #expect(try await found(world, sort: .value, descending: true) == [7, 6, 2, 0, 1, 3, 5, 4])
            #expect(try await found(world, sort: .value, descending: true) { $0.accounts = [7, 8] } == [7, 6, 2, 0, 1, 3, 5, 4])
        }
    }

    @Test func `rows: as TRD prints them, and one by its ids`() async throws {
        try await withHistory { world in
            try await fill(world)
            let live = try await world.tell("TRD 7").rows
            #expect(live.count == 7)
            for row in live {
                let it = try #require(try await world.history.trade(id: TradeID(row.words[0])!))
                #expect([it.symbol, String(it.order), it.clientID.string, it.quantity, it.price, it.fee, it.feeAsset, it.exec.string, String(it.time / 1_000)]
                    == ["symbol", "order", "id", "qty", "price", "fee", "feeasset", "exec", "time"].map { row[$0] ?? "" })
            }
            let order = live[0]["order"]
            let execs = live.filter { $0["order"] == order }.reversed().map { $0["exec"] ?? "" }
            #expect(try await world.history.trades(order: try #require(OrderID(order ?? ""))).map(\.exec.string) == Array(execs))
            #expect(try await world.history.trades(exec: Text("e0")).map(\.symbol) == ["PERP", "BTC-USD"])
            #expect(try await world.history.trade(id: 999) == nil)
            let times = try #require(try await world.history.firstAndLastTradeTime(account: 7, symbol: Text("EX-USD")))
            let trades = try await world.history.trades(TradeFilter(accounts: [7]), limit: 10).rows.filter { $0.symbol == "EX-USD" }
            #expect(times == (trades.last!.time, trades.first!.time))
            #expect(try await world.history.firstAndLastTradeTime(account: 8, symbol: Text("EX-USD")) == nil)
            let fees = try await world.history.fees(ofOrders: trades.map(\.order))
            #expect(fees.values.map { $0.map { "\($0.asset) \($0.amount)" } } == [["USD 0.50"]])
        }
    }

    @Test func `realized: the position's change, and only trades against it win or lose`() async throws {
        try await withHistory { world in
            try await fill(world)
            let rows = try await world.history.trades(TradeFilter(), descending: false, limit: 10).rows
            #expect(rows.map(\.realized) == ["-1.20", "24.999359", "-2.00", "0.00", "-1.51", "0.99", "0.00", "2001.25"])
            #expect(rows.map(\.isClosing) == [false, true, false, false, true, true, false, true])
            #expect(rows.map(\.value) == ["32000.00", "16025.00", "32000.25", "30.03", "9.00", "11.00", "128000.00", "189000.00"])
        }
    }

    @Test func `summary: quote assets are never added up`() async throws {
        try await withHistory { world in
            try await fill(world)
            let summary = try await world.history.tradeSummary(TradeFilter())
            #expect(summary.trades == 8 && summary.symbols == 4 && summary.strategies == 2)
            #expect(summary.fees.map { "\($0.asset) \($0.amount)" } == ["BTC 0.00000001", "EUR 2.00", "USD 0.45"])
            let (eur, usd) = (summary.byQuote[0], summary.byQuote[1])
            #expect(summary.byQuote.count == 2 && eur.quote == "EUR" && eur.totalValue == "32000.25" && eur.realized == "-2.00")
            #expect((usd.trades, usd.buys, usd.sells, usd.winners, usd.losers) == (7, 3, 4, 3, 1))
            #expect([usd.buyValue, usd.sellValue, usd.netValue, usd.totalValue] == ["221030.03", "144045.00", "76985.03", "365075.03"])
            #expect(usd.realized == "2024.529359")
            #expect((usd.largestSymbol, usd.largestValue) == ("PERP", "189000.00"))
            let ex = summary.bySymbol[0]
            #expect((ex.symbol, ex.base, ex.totals.trades) == ("EX-USD", "EX", 3))
            #expect([ex.buyVolume, ex.sellVolume, ex.netVolume, ex.totalVolume] == ["3", "2", "1", "5"])
            // 50.03 / 5 = 10.006, at four decimals.
            #expect([ex.minPrice, ex.maxPrice, ex.averagePrice] == ["9.00", "11.00", "10.006"])
            var one = TradeFilter(accounts: [8])
            one.symbol = Text("BTC-USD")
            #expect(try await world.history.tradeSummary(one).trades == 0)
        }
    }

    /// What a hundred thousand trades of the most that one may be worth come to, in four.
    @Test func `sums: what is bought and sold fits, both together do not`() async throws {
        try await withHistory { world in
            try await fill(world)
            let file = try DatabaseQueue(path: world.directory + "/history.sqlite")
            try await file.write { db in
                try db.execute(sql: "UPDATE instruments SET price_scale = 9, quantity_scale = 9 WHERE symbol IN ('BTC-USD', 'PERP')")
                try db.execute(
                    sql: """
                        UPDATE trades SET price = 9000000000000000000, quantity = 9000000000000000000
                        WHERE instrument IN (SELECT id FROM instruments WHERE symbol IN ('BTC-USD', 'PERP'))
                        """)
            }
            await #expect(throws: HistoryError.overflow) { try await world.history.tradeSummary(TradeFilter()) }
            await #expect(throws: HistoryError.overflow) { try await world.history.tradeStatistics(TradeFilter()) }
            var buys = TradeFilter()
            buys.side = .buy
            #expect(try await world.history.tradeSummary(buys).trades == 4)
            var one = TradeFilter()
            one.symbol = Text("PERP")
            let perp = try #require(try await world.history.tradeSummary(one).bySymbol.first)
            #expect([perp.totals.buyValue, perp.totals.netValue, perp.totals.totalValue] == ["81000000000000000000.00", "0.00", "162000000000000000000.00"])
            #expect(perp.averagePrice == perp.maxPrice && perp.averagePrice == perp.minPrice)
        }
    }

    @Test func `statistics: by day, hour, symbol, strategy`() async throws {
        try await withHistory { world in
            try await fill(world)
            let statistics = try await world.history.tradeStatistics(TradeFilter())
            let time = try await world.history.trades(TradeFilter(), limit: 1).rows[0].time
            // The script is over in a moment; a day or an hour may end in it.
            #expect(statistics.byDay.map(\.totals.trades).reduce(0, +) == 8)
            #expect(statistics.byDay.last?.key == time / 86_400_000_000)
            #expect(statistics.byHour.map(\.totals.trades).reduce(0, +) == 8)
            #expect(statistics.byHour.contains { $0.key == time / 3_600_000_000 % 24 && $0.totals.quote == "USD" })
            #expect(statistics.bySymbol.map { "\($0.symbol) \($0.totals.trades)" } == ["EX-USD 3", "BTC-USD 2", "PERP 2", "BTC-EUR 1"])
            #expect(statistics.byStrategy.map { "\($0.key) \($0.totals.quote) \($0.totals.trades)" }.sorted()
                == [" EUR 1", " USD 2", "grid USD 3", "other USD 2"])
        }
    }
}
