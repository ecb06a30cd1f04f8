import Core
import Testing

@Suite struct FillTests {
    private func desk() -> Desk {
        let desk = Desk()
        desk.deposit("10000")
        desk.deposit("2", Desk.btc)
        return desk
    }

    @Test func `partial then full: leaves, cum, average, reserve`() {
        let desk = desk()
        desk.new(.buy, "0.5", "4000", id: "b")
        let first = desk.fill("b", "0.2", "3990", fee: "1.2")
        #expect(first.view?.status == .partiallyFilled)
        #expect(desk.balance() == "8000.8 1200 0 0")
        #expect(desk.balance(Desk.btc) == "2.2 0 0 0")
        let second = desk.fill("b", "0.3", "4000")
        #expect(second.view?.status == .filled)
        #expect(Numbers.averagePrice(cost: second.view!.cumulativeCost, quantity: Int128(second.view!.cumulative)) == int64("3996", 4))
        #expect(desk.balance() == "8000.8 0 0 0")
        desk.check()
    }

    @Test func `average: rounded half to even at the price scale`() {
        #expect(Numbers.averagePrice(cost: 5, quantity: 2) == 2)
        #expect(Numbers.averagePrice(cost: 7, quantity: 2) == 4)
        #expect(Numbers.averagePrice(cost: 8, quantity: 3) == 3)
        #expect(Numbers.averagePrice(cost: 7, quantity: 3) == 2)
    }

    @Test func `sale: base leaves the reserve, quote arrives`() {
        let desk = desk()
        desk.new(.sell, "1", "4000", id: "s")
        desk.fill("s", "0.4", "4100")
        #expect(desk.balance(Desk.btc) == "1 0.6 0 0")
        #expect(desk.balance() == "11640 0 0 0")
        desk.check()
    }

    @Test func `late fill of a cancelled order: taken up to its quantity, status stays`() {
        let desk = desk()
        desk.new(.buy, "1", "4000", id: "b")
        desk.cancel("b")
        let late = desk.fill("b", "0.6", "4000")
        #expect(late.view?.status == .canceled && late.view?.leaves == 0 && late.view?.cumulative == 60_000_000)
        #expect(desk.balance() == "7600 0 0 0")
        #expect(desk.fill("b", "0.5", "4000").rejection
            == .overfill(Desk.btcusd, max: 100_000_000, cumulative: 60_000_000))
        #expect(desk.fill("b", "0.4", "4000").rejection == nil)
        desk.check()
    }

    @Test func `over-fill: measured by the largest quantity the order ever had`() {
        let desk = desk()
        desk.new(.buy, "1", "4000", id: "b")
        desk.replace("b", "0.5", "4000")
        desk.replace("b", "0.4", "4000")
        #expect(desk.fill("b", "0.9", "4000").view?.status == .filled)
        #expect(desk.order("b") == "filled 0 0.9")
        #expect(desk.fill("b", "0.2", "4000").rejection == .overfill(Desk.btcusd, max: 100_000_000, cumulative: 90_000_000))
        #expect(desk.balance() == "6400 0 0 0")
        desk.check()
    }

    @Test func `a fill may drive available below zero, then what needs a reserve is refused`() {
        let desk = desk()
        desk.new(.buy, "2", "5000", id: "b")
        desk.fill("b", "2", "5100", fee: "3")
        #expect(desk.balance() == "-203 0 0 0")
        #expect(desk.new(.buy, "1", "0.01").rejection
            == .insufficientFunds(Desk.usd, 0, need: amount18("0.01"), available: amount18("-203")))
        desk.check()
    }

    @Test func `a trader's fill: not beyond the limit`() {
        let desk = desk()
        desk.new(.buy, "1", "4000", id: "b")
        desk.new(.sell, "1", "4000", id: "s")
        #expect(desk.fill("b", "1", "4000.01", withinLimit: true).rejection
            == .beyondLimit(Desk.btcusd, price: int64("4000", 4)))
        #expect(desk.fill("s", "1", "3999.99", withinLimit: true).rejection
            == .beyondLimit(Desk.btcusd, price: int64("4000", 4)))
        #expect(desk.fill("b", "1", "3999.99", fee: "-0.01", withinLimit: true).rejection == .badValue(.fee))
        #expect(desk.fill("b", "1", "3999.99", withinLimit: true).rejection == nil)
        #expect(desk.fill("s", "1", "4000.01", withinLimit: true).rejection == nil)
        desk.check()
    }

    @Test func `exec: a repeat answers the trade, other content is refused, another order has its own`() {
        let desk = desk()
        desk.new(.buy, "1", "4000", id: "b")
        desk.new(.buy, "1", "4000", id: "c")
        guard case .filled(_, let trade, false) = desk.fill("b", "0.1", "4000", exec: "e") else {
            Issue.record("not filled")
            return
        }
        guard case .filled(_, let again, true) = desk.fill("b", "0.1", "4000", exec: "e") else {
            Issue.record("a repeat was not recognised")
            return
        }
        #expect(trade == again)
        #expect(desk.fill("b", "0.2", "4000", exec: "e").rejection == .idReused(Text("e")))
        #expect(desk.fill("b", "0.1", "4000", fee: "1", exec: "e").rejection == .idReused(Text("e")))
        #expect(desk.fill("c", "0.1", "4000", exec: "e").rejection == nil)
        #expect(desk.counts.trades == 2)
        desk.check()
    }

    @Test func `overflow: refused before anything changes`() {
        let desk = desk()
        desk.new(.buy, "1", "0.01", id: "b")
        let before = desk.hash
        #expect(desk.fill("b", "1", "900000000000000").rejection == nil)  // 9 x 10^14: fits
        desk.new(.buy, "1", "0.01", id: "c", account: 8)
        desk.check()
        _ = before
        let other = Desk()
        other.deposit("1000000")
        other.new(.buy, "1000000", "1", id: "big", on: Desk.unit)
        let hash = other.hash
        #expect(other.fill("big", "1000000", "9000000000000000", on: Desk.unit).rejection == .overflow(.position))
        #expect(other.hash == hash)
    }

    @Test func `what an order has traded stays an amount: a fill that brings the sum out of range is refused, also where the position is flat`() {
        let desk = Desk()
        desk.new(.sell, "5", "1", id: "big", on: Desk.perp)
        for round in 1...2 {
            let outcome = desk.fill("big", "0.01", "90000000000000000", on: Desk.perp)
            #expect(outcome.rejection == (round == 1 ? nil : .overflow(.cost)))
            if round == 1 { desk.trade(.buy, "0.01", "90000000000000000", on: Desk.perp) }
        }
        #expect(desk.order("big", on: Desk.perp) == "partiallyFilled 4.99 0.01")
        desk.check()
    }
}
