import Core
import Testing

@Suite struct OrderTests {
    private func desk() -> Desk {
        let desk = Desk()
        desk.deposit("10000")
        desk.deposit("2", Desk.btc)
        return desk
    }

    @Test func `new: a buy reserves quote, a sale base`() {
        let desk = desk()
        #expect(desk.new(.buy, "0.5", "4000", id: "b").view?.id == 1)
        #expect(desk.new(.sell, "0.25", "5000", id: "s").view?.id == 2)
        #expect(desk.balance() == "8000 2000 0 0")
        #expect(desk.balance(Desk.btc) == "1.75 0.25 0 0")
        #expect(desk.order("b") == "new 0.5 0")
        desk.check()
    }

    @Test func `new: refusals change nothing`() {
        let desk = desk()
        let before = desk.hash
        let records = desk.log.count
        let need = amount18("40000")
        #expect(desk.new(.buy, "10", "4000").rejection
            == .insufficientFunds(Desk.usd, 0, need: need, available: amount18("10000")))
        #expect(desk.new(.sell, "2.00000001", "4000").rejection
            == .insufficientFunds(Desk.btc, 0, need: amount18("2.00000001"), available: amount18("2")))
        #expect(desk.new(.buy, "1", "100.001").rejection == .offTick(Desk.btcusd))
        #expect(desk.new(.buy, "0", "100").rejection == .badValue(.quantity))
        #expect(desk.new(.buy, "1", "0").rejection == .badValue(.price))
        #expect(desk.new(.buy, "1", "1", account: 9).rejection == .unknownAccount(9))
        #expect(desk.new(.buy, "1", nil).rejection == .noMark(Desk.btcusd))
        #expect(desk.new(.buy, "1", "1", max: "1").rejection == .badValue(.max))
        #expect(desk.new(.buy, "1", "1", tif: .gtd, expire: desk.now).rejection
            == .alreadyExpired(expire: desk.now, now: desk.now))
        #expect(desk.new(.buy, "1", "1", tif: .gtc, expire: desk.now + 1).rejection == .badValue(.expire))
        #expect(desk.new(.buy, "90000000000", "900000000000000").rejection == .quantityOutOfBounds(Desk.btcusd)
            || desk.new(.buy, "10000000000", "900000000000000").rejection == .overflow(.notional))
        #expect(desk.run(.newOrder(NewOrder(
            account: 7, instrument: Desk.btcusd, side: .buy, type: .limit, timeInForce: .gtc, quantity: 1, price: 100,
            clientID: Text("late"), before: desk.now - 1))).rejection == .tooLate(before: desk.now - 1, now: desk.now))
        #expect(desk.hash == before)
        #expect(desk.log.count == records)
    }

    @Test func `new: a repeated id answers the present state, other content is refused`() {
        let desk = desk()
        let first = desk.new(.buy, "0.5", "4000", id: "x")
        desk.fill("x", "0.2", "4000")
        let records = desk.log.count
        let again = desk.new(.buy, "0.5", "4000", id: "x")
        #expect(again.isDuplicate)
        #expect(again.view?.id == first.view?.id)
        #expect(again.view?.status == .partiallyFilled)
        #expect(desk.new(.buy, "0.5", "4000.01", id: "x").rejection == .idReused(Text("x")))
        #expect(desk.new(.sell, "0.5", "4000", id: "x").rejection == .idReused(Text("x")))
        #expect(desk.run(.money(Money(.deposit, account: 7, asset: 0, amount: 1, reference: Text("x")))).rejection
            == .idReused(Text("x")))
        #expect(desk.log.count == records)
        // Another account has a namespace of its own.
        desk.deposit("10000", account: 8)
        #expect(desk.new(.buy, "0.5", "4000", id: "x", account: 8).isDuplicate == false)
        desk.replace("x", "0.4", "3900")
        #expect(desk.new(.buy, "0.5", "4000", id: "x").isDuplicate)
        #expect(desk.new(.buy, "0.4", "3900", id: "x").rejection == .idReused(Text("x")))
        desk.check()
    }

    @Test func `replace: the reserve follows price and quantity, up and down`() {
        let desk = desk()
        desk.new(.buy, "1", "4000", id: "b")
        #expect(desk.balance() == "6000 4000 0 0")
        desk.replace("b", "1", "5000")
        #expect(desk.balance() == "5000 5000 0 0")
        desk.replace("b", "0.5", "5000")
        #expect(desk.balance() == "7500 2500 0 0")
        desk.fill("b", "0.1", "4900")
        #expect(desk.balance() == "7510 2000 0 0")
        #expect(desk.replace("b", "0.05", "5000").rejection == .belowCumulative(Desk.btcusd, cumulative: 10_000_000))
        #expect(desk.replace("b", "3", "5000").rejection
            == .insufficientFunds(Desk.usd, 0, need: amount18("12500"), available: amount18("7510")))
        #expect(desk.replace("b", "0.5", "5000").isDuplicate)
        desk.replace("b", "0.1", "5000")
        #expect(desk.order("b") == "filled 0 0.1")
        #expect(desk.balance() == "9510 0 0 0")
        #expect(desk.replace("b", "0.1", "5000").isDuplicate)
        #expect(desk.replace("b", "0.2", "5000").rejection == .orderClosed(.filled))
        desk.check()
    }

    @Test func `market buy: reserves by mark and margin, or max, and gives the rest back at its end`() {
        let desk = desk()
        #expect(desk.new(.buy, "1", nil, id: "m").rejection == .noMark(Desk.btcusd))
        desk.run(.setMark(SetMark(instrument: Desk.btcusd, price: int64("4000", 4))))
        desk.new(.buy, "1", nil, id: "m")
        #expect(desk.balance() == "5800 4200 0 0")  // 5 % margin
        desk.fill("m", "0.5", "4100")
        #expect(desk.balance() == "5800 2150 0 0")
        desk.fill("m", "0.5", "4400")  // beyond the reserve: the rest from available
        #expect(desk.balance() == "5750 0 0 0")
        desk.new(.buy, "1", nil, id: "m2", max: "5000")
        #expect(desk.balance() == "750 5000 0 0")
        desk.replace("m2", "1", nil, max: "4000")
        #expect(desk.balance() == "1750 4000 0 0")
        desk.cancel("m2")
        #expect(desk.balance() == "5750 0 0 0")
        desk.new(.sell, "1", nil, id: "m3")
        #expect(desk.balance(Desk.btc) == "2 1 0 0")
        desk.check()
    }

    @Test func `cancel: releases, repeats, refuses a filled order`() {
        let desk = desk()
        desk.new(.buy, "1", "4000", id: "b")
        desk.fill("b", "0.25", "4000")
        desk.cancel("b")
        #expect(desk.order("b") == "canceled 0 0.25")
        #expect(desk.balance() == "9000 0 0 0")
        #expect(desk.cancel("b").isDuplicate)
        desk.new(.buy, "1", "1", id: "f")
        desk.fill("f", "1", "1")
        #expect(desk.cancel("f").rejection == .orderClosed(.filled))
        #expect(desk.cancel("nobody").rejection == .unknownOrder)
        desk.check()
    }

    @Test func `cancel all: of the account, of one instrument, of a session`() {
        let desk = desk()
        for n in 1...3 { desk.new(.buy, "0.1", "100", id: "a\(n)") }
        desk.new(.buy, "1", "10", id: "u", on: Desk.unit)
        desk.run(.newOrder(NewOrder(
            account: 7, instrument: Desk.unit, side: .buy, type: .limit, timeInForce: .gtc, quantity: 1, price: 1,
            clientID: Text("cod"), cancelOnDisconnect: 5 << 32 | 1)))
        func canceled(_ all: CancelAll) -> Int64 {
            if case .canceled(let count) = desk.run(.cancelAll(all)) { return count }
            return -1
        }
        #expect(canceled(CancelAll(account: 0, reason: .disconnect, session: 5 << 32 | 2)) == 0)
        #expect(canceled(CancelAll(account: 0, reason: .disconnect, session: 5 << 32 | 1)) == 1)
        #expect(canceled(CancelAll(account: 7, instrument: Desk.btcusd)) == 3)
        #expect(canceled(CancelAll(account: 7)) == 1)
        #expect(canceled(CancelAll(account: 7)) == 0)
        #expect(desk.balance() == "10000 0 0 0")
        desk.check()
    }

    @Test func `cancel on disconnect: a start cancels those of earlier epochs`() {
        let desk = desk()
        for epoch in [UInt64(3), 4] {
            desk.run(.newOrder(NewOrder(
                account: 7, instrument: Desk.unit, side: .buy, type: .limit, timeInForce: .gtc, quantity: 1, price: 1,
                clientID: Text("e\(epoch)"), cancelOnDisconnect: epoch << 32 | 9)))
        }
        desk.new(.buy, "1", "1", id: "stays", on: Desk.unit)
        let count = desk.emitting { shard, emit in shard.cancelDisconnected(before: 4, now: desk.now, emit: emit) }
        #expect(count == 1)
        #expect(desk.order("e3", on: Desk.unit) == "canceled 0 0")
        #expect(desk.order("e4", on: Desk.unit) == "new 1 0")
        desk.check()
    }

    @Test func `expiry: by time, then OrderID; cancelled ones are gone`() {
        let desk = desk()
        let start = desk.now
        for (id, after) in [("c", 30), ("a", 10), ("b", 10), ("x", 5), ("d", 40)] as [(String, Int64)] {
            desk.new(.buy, "0.01", "100", id: id, tif: .gtd, expire: start + after)
        }
        desk.cancel("x")
        #expect(desk.nextExpiry == start + 10)
        desk.now = start + 35
        let before = desk.log.count
        _ = desk.emitting { shard, emit in shard.expire(now: desk.now, max: 100, emit: emit) }
        let expired = desk.log[before...].map { entry -> OrderID in
            if case .orderExpired(let order) = entry.0 { return order }
            return 0
        }
        #expect(expired == [2, 3, 1])
        #expect(desk.order("a") == "expired 0 0")
        #expect(desk.nextExpiry == start + 40)
        #expect(desk.balance() == "9999 1 0 0")
        desk.check()
    }

    @Test func `suspend: cancels everything and refuses new orders until resumed`() {
        let desk = desk()
        desk.new(.buy, "1", "4000", id: "b")
        guard case .defined(_, let canceled, false) = desk.run(.define(.account(7, .suspended))) else {
            Issue.record("not suspended")
            return
        }
        #expect(canceled == 1)
        #expect(desk.new(.buy, "1", "1").rejection == .accountSuspended(7))
        // A fact is taken all the same.
        #expect(desk.fill("b", "0.5", "4000").rejection == nil)
        desk.run(.define(.account(7, .open)))
        #expect(desk.new(.buy, "1", "1").rejection == nil)
        desk.check()
    }

    @Test func `halted instrument: takes no NEW, RPL, CLS; open orders stay`() {
        let desk = desk()
        desk.new(.buy, "1", "4000", id: "b")
        var terms = desk.terms(0)
        terms.state = .halted
        desk.run(.define(.changeInstrument(0, terms)))
        #expect(desk.new(.buy, "1", "1").rejection == .instrumentHalted(0))
        #expect(desk.replace("b", "0.5", "4000").rejection == .instrumentHalted(0))
        #expect(desk.fill("b", "0.5", "4000").rejection == nil)
        #expect(desk.cancel("b").rejection == nil)
        desk.check()
    }

    @Test func `terms: a live change of tick and lot leaves open orders, binds new ones`() {
        let desk = desk()
        desk.new(.buy, "0.00000003", "4000.01", id: "b")
        var terms = desk.terms(0)
        terms.tick = 10_000
        terms.lot = 2
        desk.run(.define(.changeInstrument(0, terms)))
        #expect(desk.new(.buy, "0.00000002", "4000.01").rejection == .offTick(0))
        #expect(desk.new(.buy, "0.00000003", "4000").rejection == .offLot(0))
        #expect(desk.fill("b", "0.00000001", "4000.0001").rejection == nil)
        #expect(desk.replace("b", "0.00000003", "4001").rejection == nil)  // the quantity is as it was
        desk.check()
    }

    @Test func `before=: what is so already is a repeat, however late`() {
        let desk = desk()
        desk.new(.buy, "1", "100", id: "b")
        func late(_ cancel: Bool) -> Outcome {
            cancel
                ? desk.run(.cancel(Cancel(account: 7, instrument: 0, order: .client(Text("b")), before: desk.now - 1)))
                : desk.run(.replace(Replace(
                    account: 7, instrument: 0, order: .client(Text("b")), quantity: 100_000_000, price: 1_000_000,
                    before: desk.now - 1)))
        }
        #expect(late(false).isDuplicate)
        #expect(late(true).rejection == .tooLate(before: desk.now - 1, now: desk.now))
        desk.cancel("b")
        #expect(late(true).isDuplicate)
    }

    @Test func `lists: closed orders by ascending OrderID, in pages, whatever the order of closing`() {
        let desk = desk()
        for n in 1...40 { desk.new(.buy, "0.01", "1", id: "o\(n)", on: n % 2 == 0 ? Desk.btcusd : Desk.btcusd) }
        for n in stride(from: 40, through: 3, by: -3) { desk.cancel("o\(n)") }
        func page(_ status: OrderFilter, after: OrderID, limit: Int) -> [OrderID] {
            var ids: [OrderID] = []
            desk.with {
                $0.forEachOrder(account: 7, instrument: -1, status: status, after: after, limit: limit) { ids.append($0.view.id) }
            }
            return ids
        }
        let closed = Array(stride(from: OrderID(4), through: 40, by: 3))
        #expect(page(.closed, after: 0, limit: 100) == closed)
        #expect(page(.closed, after: 0, limit: 5) == Array(closed.prefix(5)))
        #expect(page(.closed, after: closed[4], limit: 5) == Array(closed[5..<10]))
        #expect(page(.all, after: 0, limit: 100) == Array(1...40))
        #expect(page(.all, after: 7, limit: 6) == Array(8...13))
        #expect(page(.open, after: 4, limit: 3) == [5, 6, 8])
    }

    /// Orders multiply in 64-bit halves, the edge in 128 bits: both know the same limit.
    @Test func `notional: refused exactly where it reaches 2^110`() {
        let desk = Desk()
        let info = desk.with { $0.registry.instruments[Int(Desk.unit)] }
        var random = Generator(state: 5)
        var refused = 0
        for n in 0..<2_000 {
            let quantity = Quantity(random.next() >> UInt64.random(in: 4...60, using: &random)) + 1
            // Around the limit, 2^110 / 10^18, and anywhere.
            let near = Price((Amount(1) << 110) / 1_000_000_000_000_000_000 / Amount(quantity)) + Price.random(in: -1...1, using: &random)
            let price = n % 2 == 0 ? max(1, near) : Price(random.next() >> UInt64.random(in: 1...40, using: &random)) + 1
            let outcome = desk.run(
                .newOrder(
                    NewOrder(
                        account: 7, instrument: Desk.unit, side: .buy, type: .limit, timeInForce: .gtc, quantity: min(quantity, 1 << 60),
                        price: price, clientID: desk.nextID())))
            let fits = Numbers.amount(price: price, quantity: min(quantity, 1 << 60), of: info) != nil
            #expect((outcome.rejection == .overflow(.notional)) == !fits)
            refused += fits ? 0 : 1
        }
        #expect(refused > 100 && refused < 1_900)
    }

    @Test func `replace of a market buy: its max= stays, and what fills have spent of it is not given back`() {
        let desk = Desk()
        desk.deposit("1000")
        desk.new(.buy, "4", nil, id: "m", on: Desk.unit, max: "100")
        desk.fill("m", "1", "30", on: Desk.unit)
        #expect(desk.balance() == "900 70 0 0")
        #expect(desk.replace("m", "6", nil, on: Desk.unit).rejection == nil)
        #expect(desk.balance() == "900 70 0 0")
        // A new bound is one for what is left.
        #expect(desk.replace("m", "6", nil, on: Desk.unit, max: "90").rejection == nil)
        #expect(desk.balance() == "880 90 0 0")
        desk.check()
    }
}
