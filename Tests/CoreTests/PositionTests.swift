import Core
import Testing

/// Weighted average cost. The first four are the examples of the design.
@Suite struct PositionTests {
    private func desk() -> Desk {
        let desk = Desk()
        desk.deposit("100000")
        desk.deposit("100", Desk.btc)
        desk.deposit("10", Desk.bnb)
        return desk
    }

    @Test func `short: reduced by a buy`() {
        let desk = desk()
        desk.trade(.sell, "5", "100")
        desk.trade(.buy, "2", "90")
        #expect(desk.position() == "-3 300 20")
        desk.check()
    }

    @Test func `short: grown by a sale`() {
        let desk = desk()
        desk.trade(.sell, "5", "100")
        desk.trade(.sell, "2", "110")
        #expect(desk.position() == "-7 720 0")
        #expect(desk.average() == 103)  // 102.857... at price scale 0
        desk.check()
    }

    @Test func `long: flipped to short`() {
        let desk = desk()
        desk.trade(.buy, "2", "100")
        desk.trade(.sell, "5", "120")
        #expect(desk.position() == "-3 360 40")
        #expect(desk.average() == 120)
        desk.check()
    }

    @Test func `long: two buys with fees, closed flat`() {
        let desk = desk()
        desk.trade(.buy, "2", "100", fee: "0.2")
        desk.trade(.buy, "1", "130")
        #expect(desk.average() == 110)
        desk.trade(.sell, "3", "150", fee: "0.45")
        #expect(desk.position() == "0 0 119.35")
        desk.check()
    }

    @Test func `short: flipped to long`() {
        let desk = desk()
        desk.trade(.sell, "2", "100")
        desk.trade(.buy, "5", "90", fee: "1")
        #expect(desk.position() == "3 270 19")
        desk.check()
    }

    @Test func `partial close: cost leaves truncated toward zero, exact when flat`() {
        let desk = desk()
        desk.trade(.buy, "1", "100")
        desk.trade(.buy, "2", "101")  // cost 302 for 3
        desk.trade(.sell, "1", "110")
        #expect(desk.position() == "2 201.333333333333333334 9.333333333333333334")
        desk.trade(.sell, "1", "110")
        #expect(desk.position() == "1 100.666666666666666667 18.666666666666666667")
        desk.trade(.sell, "1", "110")
        #expect(desk.position() == "0 0 28")
        desk.check()
    }

    @Test func `fee in base: PnL at the fill's price, balance in base, quantity untouched`() {
        let desk = desk()
        desk.trade(.buy, "2", "100", fee: "0.01", in: Desk.btc)
        #expect(desk.position() == "2 200 -1")
        #expect(desk.balance(Desk.btc) == "101.99 0 0 0")
        #expect(desk.balance() == "99800 0 0 0")
        desk.check()
    }

    @Test func `fee in base: what 18 decimals cannot hold is rounded against the payer`() {
        let desk = desk()
        desk.deposit("100")
        desk.new(.buy, "1", "0.33", id: "a")
        // 10^-18 BTC at 0.33 is 0.33 x 10^-18 USD: one unit for a fee, nothing for a rebate.
        desk.fill("a", "0.5", "0.33", fee: "0.000000000000000001", in: Desk.btc)
        #expect(desk.position(Desk.btcusd) == "0.5 0.165 -0.000000000000000001")
        desk.fill("a", "0.5", "0.33", fee: "-0.000000000000000001", in: Desk.btc)
        #expect(desk.position(Desk.btcusd) == "1 0.33 -0.000000000000000001")
        desk.check()
    }

    @Test func `fee in a third asset: listed, not in the PnL`() {
        let desk = desk()
        desk.trade(.buy, "2", "100", fee: "0.5", in: Desk.bnb)
        desk.trade(.sell, "1", "100", fee: "0.25", in: Desk.bnb)
        #expect(desk.position() == "1 100 0")
        #expect(desk.balance(Desk.bnb) == "9.25 0 0 0")
        var fees: [FeeTotal] = []
        desk.with { $0.forEachFee(account: 7, instrument: Desk.unit) { fees.append($0) } }
        #expect(fees.count == 1 && fees[0].asset == Desk.bnb && fees[0].amount == amount18("0.75"))
        desk.check()
    }

    @Test func `rebate: a negative fee raises balance and PnL`() {
        let desk = desk()
        desk.trade(.buy, "2", "100", fee: "-0.2")
        #expect(desk.position() == "2 200 0.2")
        #expect(desk.balance() == "99800.2 0 0 0")
        desk.check()
    }

    @Test func `unrealized: long and short against the mark`() {
        let desk = desk()
        desk.trade(.buy, "2", "100")
        #expect(desk.unrealized() == nil)
        desk.run(.setMark(SetMark(instrument: Desk.unit, price: 110)))
        #expect(desk.unrealized() == amount18("20"))
        desk.trade(.sell, "5", "120")
        #expect(desk.unrealized() == amount18("30"))
        desk.check()
    }

    @Test func `funds none: no asset moves, realized PnL and fees do`() {
        let desk = desk()
        desk.trade(.buy, "2", "100", on: Desk.perp)
        #expect(desk.balance() == "100000 0 0 0")
        #expect(desk.balance(Desk.btc) == "100 0 0 0")
        desk.trade(.sell, "3", "150", fee: "1.5", on: Desk.perp)
        #expect(desk.position(Desk.perp) == "-1 150 98.5")
        #expect(desk.balance() == "100098.5 0 0 0")
        desk.trade(.buy, "1", "170", fee: "1", on: Desk.perp)
        #expect(desk.position(Desk.perp) == "0 0 77.5")
        #expect(desk.balance() == "100077.5 0 0 0")
        desk.check()
    }

    @Test func `close position: an order of the other side for all of it`() {
        let desk = desk()
        desk.trade(.buy, "2", "100")
        let close = ClosePosition(account: 7, instrument: Desk.unit, price: 110, clientID: Text("close"))
        let first = desk.run(.closePosition(close))
        #expect(first.view?.leaves == 2)
        let again = desk.run(.closePosition(close))
        #expect(again.isDuplicate && again.view?.id == first.view?.id)
        desk.fill("close", "2", "111", on: Desk.unit)
        #expect(desk.position() == "0 0 22")
        #expect(desk.run(.closePosition(close)).isDuplicate)
        let other = ClosePosition(account: 7, instrument: Desk.unit, price: 110, clientID: Text("close-2"))
        #expect(desk.run(.closePosition(other)).rejection == .noPosition(Desk.unit, quantity: 0))
        desk.check()
    }

    @Test func `close position: all of it, also where the lot has grown`() {
        let desk = desk()
        desk.trade(.buy, "3", "100")
        var terms = desk.terms(Desk.unit)
        terms.lot = 2
        desk.run(.define(.changeInstrument(Desk.unit, terms)))
        func close(_ quantity: Quantity, _ id: String) -> Outcome {
            desk.run(.closePosition(
                ClosePosition(account: 7, instrument: Desk.unit, quantity: quantity, price: 110, clientID: Text(id))))
        }
        #expect(close(1, "part").rejection == .offLot(Desk.unit))
        #expect(close(0, "all").view?.leaves == 3)
        desk.check()
    }
}
