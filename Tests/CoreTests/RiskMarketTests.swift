import Core
import Testing

/// Limits on an internal venue: after a match, around the last trade, for orders that wait for a trigger.
@Suite struct RiskMarketTests {
    private static let book: InstrumentID = 3

    /// BOOK-USD, whole numbers, matched here; accounts 7 and 8 with money.
    private func desk() -> Desk {
        let desk = Desk()
        desk.run(.define(.venue(VenueInfo(name: Text("house"), kind: .internal))))
        desk.run(
            .define(
                .instrument(
                    InstrumentInfo(
                        symbol: Text("BOOK-USD"), venue: 1, wallet: 0, base: Desk.btc, quote: Desk.usd, priceScale: 0, quantityScale: 0,
                        terms: InstrumentTerms(tick: 1, lot: 1, minQuantity: 1, maxQuantity: 1 << 60, minNotional: 0)))))
        for account in [AccountNumber(7), 8] {
            desk.deposit("100000", account: account)
            desk.deposit("1000", Desk.btc, account: account)
        }
        return desk
    }

    @discardableResult
    private func new(
        _ desk: Desk, _ side: Side, _ quantity: Quantity, _ price: Price, account: AccountNumber = 7, stop: Price = 0, reduce: Bool = false,
        stp: SelfTradePrevention = .standard
    ) -> Outcome {
        var order = NewOrder(
            account: account, instrument: Self.book, side: side, type: .limit, timeInForce: .gtc, quantity: quantity, price: price,
            clientID: desk.nextID())
        order.instructions.stop = stop
        order.instructions.trigger = stop == 0 ? .none : .stop
        order.instructions.reduceOnly = reduce
        order.instructions.selfTrade = stp
        return desk.run(.newOrder(order))
    }

    private func scope(_ account: AccountNumber = 7) -> LimitScope { LimitScope(account: account, instrument: -1, wallet: 0) }

    @Test func `price band: around the last trade, of an armed order around its stop`() {
        let desk = desk()
        desk.limit(-1) { $0.priceBand = 1_000 }
        #expect(new(desk, .buy, 1, 100).rejection == .noMark(Self.book))
        new(desk, .sell, 1, 100, account: 8)
        desk.run(.define(.account(20, .open)))
        desk.deposit("10000", account: 20)
        new(desk, .buy, 1, 100, account: 20)
        // Traded at 100.
        #expect(new(desk, .buy, 1, 111).rejection == .limitPriceBand(scope(), Self.book, limit: 1_000, value: 1_100, reference: 100))
        #expect(new(desk, .buy, 1, 90).rejection == nil)
        #expect(new(desk, .buy, 1, 220, stop: 200).rejection == nil)
        #expect(new(desk, .buy, 1, 221, stop: 200).rejection == .limitPriceBand(scope(), Self.book, limit: 1_000, value: 1_050, reference: 200))
        desk.check()
    }

    @Test func `daily loss: a match latches whoever lost, maker or taker, and the price that it left counts`() {
        let desk = desk()
        for account in [AccountNumber(7), 8] { desk.limit(-1, account: account) { $0.maxDailyLoss = amount18("50") } }
        new(desk, .sell, 10, 100, account: 8)
        new(desk, .buy, 10, 100)
        // 7 is long, 8 short, at 100. 7 gives up one at 94: by that price it has lost 60, and 8 has won them.
        new(desk, .buy, 1, 94, account: 8)
        new(desk, .sell, 1, 94)
        #expect(desk.latched == [Desk.usd])
        #expect(desk.loss() == "60")
        #expect(new(desk, .buy, 1, 94).rejection == .limitDailyLoss(scope(), Desk.usd, limit: amount18("50"), value: amount18("60")))
        // Reductions, as a plain order or by its own word.
        #expect(new(desk, .sell, 8, 200).rejection == nil)
        #expect(new(desk, .sell, 2, 200).rejection != nil)
        #expect(new(desk, .sell, 9, 200, reduce: true).rejection == nil)
        // The maker of a trade that goes against it.
        new(desk, .sell, 1, 110, account: 8)
        desk.run(.define(.account(20, .open)))
        desk.deposit("10000", account: 20)
        new(desk, .buy, 1, 110, account: 20)
        var of8: [AssetID] = []
        desk.with { $0.forEachLatch(account: 8) { of8.append($0) } }
        #expect(of8 == [Desk.usd])
        desk.check()
    }

    @Test func `short sales and positions: reduce-only orders are not asked`() {
        let desk = desk()
        new(desk, .sell, 10, 100, account: 8)
        new(desk, .buy, 10, 100)
        desk.limit(-1) {
            $0.mayShort = false
            $0.maxPosition = amount18("10")
        }
        #expect(new(desk, .sell, 10, 120).rejection == nil)
        #expect(new(desk, .sell, 1, 121).rejection == .limitShort(scope(), Self.book, value: amount18("-1")))
        #expect(new(desk, .sell, 10, 90, stop: 95, reduce: true).rejection == nil)
        desk.check()
    }

    @Test func `order rate: what self-trade prevention takes away is no order of the client's`() {
        let desk = desk()
        desk.limit(-1) { $0.maxOrderRate = 2 }
        new(desk, .sell, 3, 100)
        // Loses one, as does the other: that is a replace in the log.
        #expect(new(desk, .buy, 1, 100, stp: .decrement).rejection == nil)
        desk.now += 500_000
        #expect(new(desk, .buy, 1, 50).rejection == nil)
        #expect(new(desk, .buy, 1, 50).rejection != nil)
        desk.check()
    }

    @Test func `fees and self-trade prevention of all accounts`() {
        let desk = desk()
        desk.limit(-1, account: 0) {
            $0.takerFee = 10_000
            $0.selfTrade = .oldest
        }
        new(desk, .sell, 1, 100, account: 8)
        new(desk, .buy, 1, 100)
        #expect(desk.balance() == "99899 0 0 0")
        new(desk, .sell, 1, 105)
        new(desk, .buy, 1, 105)
        var open: [Price] = []
        desk.with { $0.forEachOrder(account: 7, instrument: -1, status: .open, after: 0, limit: 10) { if $0.side == .buy { open.append($0.price) } } }
        #expect(open == [105])
        desk.check()
    }

    /// Days, rates and latches over many random matches, against a replay and an image.
    @Test(arguments: [UInt64(21), 22, 23]) func `random matches under limits: replay and image give the same`(seed: UInt64) throws {
        var random = Generator(state: seed)
        let desk = desk()
        for account in [AccountNumber(7), 8] {
            desk.limit(-1, account: account) {
                $0.maxDailyLoss = amount18("500")
                $0.maxOrderRate = 50
            }
        }
        var latched = 0
        for n in 0..<6_000 {
            desk.now += Int64.random(in: 0..<200_000, using: &random)
            if n % 500 == 499 { desk.now += 40_000_000_000 }
            let account: AccountNumber = Bool.random(using: &random) ? 7 : 8
            let before = desk.log.count
            switch Int.random(in: 0..<20, using: &random) {
            case 0: desk.run(.setMark(SetMark(instrument: Self.book, price: Price.random(in: 80...120, using: &random))))
            case 1: desk.run(.cancelAll(CancelAll(account: account)))
            case 2 where n % 3 == 0: desk.limit(-1, account: account) { $0.resetsLoss = true }
            default:
                new(
                    desk, Bool.random(using: &random) ? .buy : .sell, Quantity.random(in: 1...10, using: &random),
                    Price.random(in: 90...110, using: &random), account: account,
                    stp: SelfTradePrevention(rawValue: UInt8.random(in: 0...4, using: &random))!)
            }
            for (mutation, _) in desk.log[before...] {
                if case .lossLatched(_, _, on: true) = mutation { latched += 1 }
            }
            if n % 1_000 == 999 { desk.check() }
            if n % 777 == 776 { try desk.reload() }
        }
        desk.check()
        #expect(latched > 5, "seed \(seed): \(latched) latches")
    }

    @Test func `fees: as many pairs of rates as there is room for; then those that are known go on, and others are refused`() {
        let desk = desk()
        desk.run(.define(.setting(.windowIDs, 1_000)))
        func rates(_ index: Int) -> FeeRates { FeeRates(maker: Int32(index % 256), taker: Int32(1 + index / 256)) }
        func order(at index: Int) -> Rejection? {
            desk.limit(-1) { ($0.makerFee, $0.takerFee) = (rates(index).maker, rates(index).taker) }
            let outcome = new(desk, .buy, 1, 100)
            if outcome.rejection == nil { desk.run(.cancelAll(CancelAll(account: 7, instrument: -1))) }
            return outcome.rejection
        }
        // Index 0 is the pair of none.
        let refused = (0..<Int(UInt16.max) - 1).filter { order(at: $0) != nil }
        #expect(refused.isEmpty)
        #expect(order(at: Int(UInt16.max) - 1) == .tableFull(.fees, max: Int64(UInt16.max)))
        #expect(order(at: 4_711) == nil)
        #expect(new(desk, .buy, 1, 100, account: 8).rejection == nil)
        desk.check()
    }

    @Test func `numbers as far out as they get: a replace is refused and changes nothing`() {
        let desk = desk()
        new(desk, .sell, 10, 100, account: 8)
        new(desk, .buy, 4, 100)
        let order = OrderReference.order(1)
        let extremes: [Int64] = [.min, .min + 1, -1, 0, 3, 5, 11, 1 << 32, 1 << 60, .max - 1, .max]
        for quantity in extremes {
            for price in extremes where price != 100 {
                let before = desk.hash
                let outcome = desk.run(.replace(Replace(account: 8, instrument: Self.book, order: order, quantity: quantity, price: price)))
                if outcome.rejection != nil {
                    #expect(desk.hash == before)
                } else {
                    #expect(quantity > 4 && quantity <= 1_000 && price > 0, "\(quantity) at \(price)")
                    desk.run(.replace(Replace(account: 8, instrument: Self.book, order: order, quantity: 10, price: 100)))
                }
            }
        }
        desk.check()
    }
}
