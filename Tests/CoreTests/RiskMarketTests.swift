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
        #expect(new(desk, .sell, 2, 200, reduce: true).rejection != nil)
        #expect(new(desk, .sell, 1, 200, reduce: true).rejection == nil)
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

    @Test func `short sales: no more than the position`() {
        let desk = desk()
        new(desk, .sell, 10, 100, account: 8)
        new(desk, .buy, 10, 100)
        desk.limit(-1) { $0.mayShort = false }
        #expect(new(desk, .sell, 10, 120).rejection == nil)
        #expect(new(desk, .sell, 1, 121).rejection == .limitShort(scope(), Self.book, value: amount18("-1")))
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

    @Test func `fees: an order after a start from an image, whatever pairs of rates there were before, is one for a replay of the whole log too`() throws {
        let desk = desk()
        desk.run(.define(.setting(.windowIDs, 1_000)))
        for index in 0..<Int(UInt16.max) + 2_000 {
            desk.limit(-1) { ($0.makerFee, $0.takerFee) = (Int32(index % 256), Int32(1 + index / 256)) }
            #expect(new(desk, .buy, 1, 100).rejection == nil)
            desk.run(.cancelAll(CancelAll(account: 7, instrument: -1)))
            // Forgets those whose orders are forgotten.
            if index == Int(UInt16.max) - 100 { try desk.reload() }
        }
        desk.check()
        try desk.reload()
    }

    @Test func `reduce-only orders count beside others on their side, so that no order of two brings a position below zero or beyond its limit`() throws {
        let desk = desk()
        new(desk, .sell, 3, 100, account: 8)
        new(desk, .buy, 3, 100)
        desk.limit(-1) { ($0.maxPosition, $0.mayShort) = (amount18("3"), false) }
        // Alone on their side they are harmless, also when together they are more than the position.
        #expect(new(desk, .sell, 3, 120, reduce: true).rejection == nil)
        #expect(new(desk, .sell, 3, 130, reduce: true).rejection == nil)
        desk.check()
        try desk.reload()
        #expect(new(desk, .sell, 1, 110).rejection == .limitShort(scope(), Self.book, value: -amount18("1")))
        desk.run(.cancelAll(CancelAll(account: 7, instrument: -1)))
        #expect(new(desk, .sell, 3, 110).rejection == nil)
        #expect(new(desk, .sell, 1, 105, reduce: true).rejection == .limitShort(scope(), Self.book, value: -amount18("1")))
        // The same against the limit of the position: -3 is allowed, and what is ordinary may come last.
        desk.limit(-1) { $0.mayShort = true }
        #expect(new(desk, .sell, 3, 111).rejection == nil)
        #expect(new(desk, .sell, 1, 105, reduce: true).rejection == .limitPosition(scope(), limit: amount18("3"), value: amount18("4")))
        desk.check()
        // And where the account has lost too much.
        desk.run(.cancelAll(CancelAll(account: 7, instrument: -1)))
        desk.limit(-1) { $0.maxDailyLoss = amount18("10") }
        desk.run(.setMark(SetMark(instrument: Self.book, price: 90)))
        #expect(new(desk, .sell, 2, 110).rejection == nil)
        let lost = Rejection.limitDailyLoss(scope(), Desk.usd, limit: amount18("10"), value: amount18("30"))
        #expect(new(desk, .sell, 2, 109, reduce: true).rejection == lost)
        #expect(new(desk, .sell, 1, 109, reduce: true).rejection == nil)
        desk.check()
    }

    @Test func `of a pair one leg counts: a bracket closes the position without going short; alone, its second leg counts by itself`() throws {
        let desk = desk()
        new(desk, .sell, 10, 100, account: 8)
        new(desk, .buy, 10, 100)
        desk.limit(-1) { $0.mayShort = false }
        func leg(_ first: String, reduce: Bool = false) -> Outcome {
            var order = NewOrder(
                account: 7, instrument: Self.book, side: .sell, type: .market, timeInForce: .gtc, quantity: 10, price: 0, clientID: Text("stop-\(first)"),
                oco: Text(first))
            order.instructions.stop = 80
            order.instructions.trigger = .stop
            order.instructions.reduceOnly = reduce
            return desk.run(.newOrder(order))
        }
        func first(_ id: String, reduce: Bool = false) -> Outcome {
            var order = NewOrder(
                account: 7, instrument: Self.book, side: .sell, type: .limit, timeInForce: .gtc, quantity: 10, price: 130, clientID: Text(id))
            order.instructions.reduceOnly = reduce
            return desk.run(.newOrder(order))
        }
        for (isFirstReducing, isSecondReducing) in [(false, false), (false, true), (true, true)] {
            let id = "take-\(isFirstReducing)-\(isSecondReducing)"
            #expect(first(id, reduce: isFirstReducing).rejection == nil)
            #expect(leg(id, reduce: isSecondReducing).rejection == nil)
            desk.check()
            try desk.reload()
            // The second leg alone, all that is open again.
            desk.run(.cancelAll(CancelAll(account: 7, instrument: -1)))
            #expect(new(desk, .sell, 10, 140).rejection == nil)
            desk.run(.cancelAll(CancelAll(account: 7, instrument: -1)))
            desk.check()
        }
        // An ordinary leg counts beside a reduce-only first one.
        #expect(first("mixed", reduce: true).rejection == nil)
        #expect(leg("mixed").rejection == .limitShort(scope(), Self.book, value: -amount18("10")))
        desk.check()
        // When the first leg is gone the second one is in the sum.
        desk.run(.cancelAll(CancelAll(account: 7, instrument: -1)))
        #expect(first("gone").rejection == nil)
        #expect(leg("gone").rejection == nil)
        #expect(new(desk, .sell, 1, 140).rejection == .limitShort(scope(), Self.book, value: -amount18("1")))
        desk.limit(-1) { $0.mayShort = true }
        desk.run(.define(.account(20, .open)))
        desk.deposit("10000", account: 20)
        #expect(new(desk, .buy, 10, 130, account: 20).rejection == nil)
        desk.limit(-1) { $0.mayShort = false }
        desk.check()
        #expect(new(desk, .sell, 1, 140).rejection == .limitShort(scope(), Self.book, value: -amount18("1")))
    }

    @Test func `an order that waits for a price nobody has seen is judged by the other one; with none what it is worth is not known`() {
        let desk = desk()
        func armed(_ side: Side, _ stop: Price, _ type: OrderType = .market, take: Bool = false, by price: TriggerPrice = .last) -> Outcome {
            var order = NewOrder(
                account: 7, instrument: Self.book, side: side, type: type, timeInForce: .gtc, quantity: 50, price: type == .limit ? stop : 0,
                clientID: desk.nextID())
            (order.instructions.stop, order.instructions.triggerPrice) = (stop, price)
            order.instructions.trigger = take ? .takeProfit : .stop
            return desk.run(.newOrder(order))
        }
        desk.limit(-1) { ($0.maxNotional, $0.priceBand) = (amount18("5000"), 1_000) }
        #expect(armed(.sell, 1, take: true).rejection == .noMark(Self.book))
        #expect(armed(.buy, 90, .limit).rejection == .noMark(Self.book))
        desk.run(.setMark(SetMark(instrument: Self.book, price: 100)))
        #expect(armed(.sell, 1, take: true).rejection == .wouldTrigger(Self.book, stop: 1, price: 100))
        #expect(armed(.buy, 900, .limit, take: true).rejection == .wouldTrigger(Self.book, stop: 900, price: 100))
        #expect(armed(.sell, 100, take: true, by: .mark).rejection == .wouldTrigger(Self.book, stop: 100, price: 100))
        #expect(armed(.sell, 99).rejection == nil)
        desk.check()
    }

    @Test func `what asks for more: a higher stop of a market order, and a sale at any other price`() {
        let desk = desk()
        new(desk, .sell, 1, 100, account: 8)
        new(desk, .buy, 1, 100)
        desk.limit(-1) { $0.maxNotional = amount18("120") }
        var order = NewOrder(
            account: 7, instrument: Self.book, side: .sell, type: .market, timeInForce: .gtc, quantity: 1, price: 0, clientID: Text("m"))
        (order.instructions.stop, order.instructions.trigger) = (110, .takeProfit)
        #expect(desk.run(.newOrder(order)).rejection == nil)
        func move(_ stop: Price) -> Rejection? {
            desk.run(.replace(Replace(account: 7, instrument: Self.book, order: .client(Text("m")), quantity: 1, price: 0, stop: stop))).rejection
        }
        #expect(move(130) == .limitNotional(scope(), quote: Desk.usd, limit: amount18("120"), value: amount18("130")))
        #expect(move(119) == nil)
        #expect(new(desk, .sell, 1, 110).rejection == nil)
        desk.limit(-1) { $0.enabled = false }
        for price in [109, 111] as [Price] {
            let lower = Replace(account: 7, instrument: Self.book, order: .order(4), quantity: 1, price: price)
            #expect(desk.run(.replace(lower)).rejection == .limitDisabled(scope()), "at \(price)")
        }
        desk.check()
    }

    @Test func `max= stays where a replace does not say otherwise`() {
        let desk = desk()
        var order = NewOrder(
            account: 7, instrument: Self.book, side: .buy, type: .market, timeInForce: .gtc, quantity: 10, price: 0, clientID: Text("m"),
            max: amount18("100"))
        (order.instructions.stop, order.instructions.trigger) = (200, .stop)
        #expect(desk.run(.newOrder(order)).rejection == nil)
        func replace(_ quantity: Quantity, stop: Price = 0, max: String = "0") -> Outcome {
            desk.run(
                .replace(
                    Replace(
                        account: 7, instrument: Self.book, order: .client(Text("m")), quantity: quantity, price: 0, max: amount18(max), stop: stop)))
        }
        guard case .order(_, duplicate: true) = replace(10) else { return #expect(Bool(false), "the same again") }
        #expect(replace(12, stop: 150).rejection == nil)
        #expect(desk.balance() == "99900 100 0 0")
        #expect(replace(12, max: "250").rejection == nil)
        #expect(desk.balance() == "99750 250 0 0")
        desk.check()
    }

    @Test func `what an order has traded stays an amount: the maker whose sum would not is cancelled`() {
        let desk = desk()
        desk.run(
            .define(
                .instrument(
                    InstrumentInfo(
                        symbol: Text("FAR"), venue: 1, wallet: 0, base: Desk.btc, quote: Desk.usd, priceScale: 0, quantityScale: 0, funds: .none,
                        terms: InstrumentTerms(tick: 1, lot: 1, minQuantity: 1, maxQuantity: 1 << 60, minNotional: 0)))))
        let (far, near): (Price, Price) = (900_000_000_000_000, 600_000_000_000_000)
        func order(_ side: Side, _ quantity: Quantity, _ price: Price, _ account: AccountNumber) -> OrderView? {
            let new = NewOrder(
                account: account, instrument: Self.book + 1, side: side, type: .limit, timeInForce: .gtc, quantity: quantity, price: price,
                clientID: desk.nextID())
            guard case .order(let view, _) = desk.run(.newOrder(new)) else { return nil }
            return view
        }
        #expect(order(.buy, 1, far, 8)?.status == .new)
        let maker = order(.sell, 2, 1, 7)
        #expect(maker?.cumulative == 1)
        let up = Replace(account: 7, instrument: Self.book + 1, order: .order(maker?.id ?? 0), quantity: 2, price: near)
        #expect(desk.run(.replace(up)).rejection == nil)
        // Both are flat again, so that no position is in the way.
        #expect(order(.sell, 1, near - 1, 8)?.status == .new)
        #expect(order(.buy, 1, near - 1, 7)?.status == .filled)
        #expect(order(.buy, 1, near, 8)?.status == .new)
        let after = desk.with { shard in maker.flatMap { shard.order(id: $0.id)?.view } }
        #expect(after?.status == .canceled && after?.reason == .overflow && after?.cumulative == 1)
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
