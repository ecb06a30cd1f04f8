/// What a run is set up with, and the vocabulary of the traders.
package struct Universe: Sendable {
    package struct Instrument: Sendable {
        package var symbol: String
        package var wallet: String
        package var base: String
        package var quote: String
        /// Decimals of the tick and of the lot.
        package var tickDecimals: Int
        package var lotDecimals: Int
        /// About what it costs, in ticks.
        package var priceTicks: Int
        package var isFunded: Bool
        /// Orders are matched with each other.
        package var isInternal = false
    }

    /// Kinds of limits that this world's traders set, beside those that all set.
    package enum Risk: CaseIterable, Sendable { case rates, losses, lists, all, timers }

    package private(set) var risks: Set<Risk> = []
    package private(set) var wallets: [String] = []
    package private(set) var assets: [String] = ["USD", "BTC", "ETH", "BNB"]
    package private(set) var instruments: [Instrument] = []
    package private(set) var accounts: [Int64] = []
    /// What an empty log begins with: commands of the line protocol without tags.
    package private(set) var seedLines: [String] = []

    /// - Parameter wallets: 1 and more.
    package init(random: inout Randomness, wallets count: Int) {
        wallets = (0..<count).map { $0 == 0 ? "spot" : "w\($0)" }
        accounts = (0..<random.next(in: 3...8)).map { Int64(7 + $0) }
        for asset in assets { seedLines.append("AST \(asset) decimals=\(asset == "USD" ? 2 : 8)") }
        for wallet in wallets { seedLines.append("WLT \(wallet)") }
        seedLines.append("VEN manual kind=manual")
        for (index, wallet) in wallets.enumerated() {
            for base in ["BTC", "ETH"] where base == "BTC" || random.chance(0.6) {
                let instrument = Instrument(
                    symbol: index == 0 ? "\(base)-USD" : "\(base)-USD.\(wallet)", wallet: wallet, base: base, quote: "USD", tickDecimals: 2,
                    lotDecimals: random.pick([2, 4, 8]), priceTicks: random.next(in: 1_000...9_000_000), isFunded: !random.chance(0.2))
                instruments.append(instrument)
                let lot = "0." + String(repeating: "0", count: instrument.lotDecimals - 1) + "1"
                var line = "INS \(instrument.symbol) venue=manual wallet=\(wallet) base=\(base) quote=USD tick=0.01 lot=\(lot)"
                if !instrument.isFunded { line += " funds=none" }
                if random.chance(0.3) { line += " min_notional=1" }
                seedLines.append(line)
            }
        }
        if random.chance(0.65) { addMarkets(&random) }
        addRisks(&random)
        for account in accounts {
            seedLines.append("ACC \(account) open")
            for (index, wallet) in wallets.enumerated() where random.chance(0.8) {
                seedLines.append("DEP \(account) USD \(random.next(in: 10_000...5_000_000)).25 ref=seed-\(index)-usd wallet=\(wallet)")
                if instruments.contains(where: { $0.isInternal && $0.wallet == wallet && $0.base == "ETH" }) {
                    seedLines.append("DEP \(account) ETH \(random.next(in: 1...500)) ref=seed-\(index)-eth wallet=\(wallet)")
                }
                if risks.contains(.rates), random.chance(0.5) {
                    seedLines.append("LIM \(account) wallet=\(wallet) max_order_rate=\(random.pick([1, 1, 2])) max_cancel_rate=\(random.pick([1, 1, 3]))")
                }
                if risks.contains(.losses), random.chance(0.5) { seedLines.append("LIM \(account) wallet=\(wallet) max_daily_loss=\(random.pick([1, 20, 500]))") }
                seedLines.append("DEP \(account) BTC \(random.next(in: 1...500)) ref=seed-\(index)-btc wallet=\(wallet)")
            }
        }
        if random.chance(0.3) { seedLines.append("SET window_ids 1000") }
        for instrument in instruments where random.chance(0.7) {
            seedLines.append("MRK \(instrument.symbol) \(Decimals.print(Int128(instrument.priceTicks), scale: 2))")
        }
    }

    /// One or two instruments of an internal venue, in the first wallet or in the last.
    private mutating func addMarkets(_ random: inout Randomness) {
        seedLines.append("VEN house kind=internal")
        for index in 0..<random.next(in: 1...2) {
            let wallet = random.pick([wallets[0], wallets[0], wallets[wallets.count - 1]])
            let base = random.pick(["BTC", "ETH"])
            let instrument = Instrument(
                symbol: "M\(index)-\(base)", wallet: wallet, base: base, quote: "USD", tickDecimals: 2, lotDecimals: random.pick([2, 4]),
                priceTicks: random.next(in: 1_000...200_000), isFunded: !random.chance(0.25), isInternal: true)
            instruments.append(instrument)
            let lot = "0." + String(repeating: "0", count: instrument.lotDecimals - 1) + "1"
            var line = "INS \(instrument.symbol) venue=house wallet=\(wallet) base=\(base) quote=USD tick=0.01 lot=\(lot)"
            if !instrument.isFunded { line += " funds=none" }
            if random.chance(0.7) { line += " maker_bps=\(random.pick(["1", "-0.5", "0", "2.25"])) taker_bps=\(random.pick(["2", "7.5", "0", "10"]))" }
            if random.chance(0.2) { line += " min_notional=1" }
            seedLines.append(line)
        }
    }

    private mutating func addRisks(_ random: inout Randomness) {
        for risk in Risk.allCases where random.chance(0.5) { risks.insert(risk) }
        // The simulated clock begins at 8:26:40: in some worlds a day begins soon after.
        if risks.contains(.losses), random.chance(0.6) { seedLines.append("SET day_start_minutes \(random.pick([507, 507, 508, 510, 1_200]))") }
        if risks.contains(.all), random.chance(0.7) {
            for wallet in wallets where random.chance(0.7) { seedLines.append("LIM * wallet=\(wallet) max_open=\(random.pick([30, 200]))") }
        }
    }
}
