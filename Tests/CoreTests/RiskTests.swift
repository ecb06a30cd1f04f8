import Core
import Testing

@Suite struct RiskTests {
    private func desk(_ instrument: InstrumentID, _ set: (inout LimitsChange) -> Void) -> Desk {
        let desk = Desk()
        desk.deposit("100000")
        desk.deposit("100", Desk.btc)
        var change = LimitsChange()
        set(&change)
        #expect(desk.run(.setLimits(SetLimits(account: 7, instrument: instrument, change: change))).isDuplicate == false)
        #expect(desk.run(.setLimits(SetLimits(account: 7, instrument: instrument, change: change))).isDuplicate)
        return desk
    }
    private func scope(_ instrument: InstrumentID) -> LimitScope { LimitScope(account: 7, instrument: instrument, wallet: 0) }

    @Test(arguments: [InstrumentID(-1), Desk.unit]) func `order quantity`(instrument: InstrumentID) {
        let desk = desk(instrument) { $0.maxQuantity = amount18("5") }
        #expect(desk.new(.buy, "6", "1", on: Desk.unit).rejection
            == .limitQuantity(scope(instrument), limit: amount18("5"), value: amount18("6")))
        #expect(desk.new(.buy, "5", "1", id: "a", on: Desk.unit).rejection == nil)
        #expect(desk.replace("a", "6", "1", on: Desk.unit).rejection
            == .limitQuantity(scope(instrument), limit: amount18("5"), value: amount18("6")))
        desk.check()
    }

    @Test(arguments: [InstrumentID(-1), Desk.unit]) func `order notional`(instrument: InstrumentID) {
        let desk = desk(instrument) { $0.maxNotional = amount18("50") }
        #expect(desk.new(.buy, "6", "10", on: Desk.unit).rejection
            == .limitNotional(scope(instrument), quote: Desk.usd, limit: amount18("50"), value: amount18("60")))
        #expect(desk.new(.buy, "5", "10", id: "a", on: Desk.unit).rejection == nil)
        #expect(desk.replace("a", "5", "11", on: Desk.unit).rejection
            == .limitNotional(scope(instrument), quote: Desk.usd, limit: amount18("50"), value: amount18("55")))
        #expect(desk.replace("a", "5", "9", on: Desk.unit).rejection == nil)
        // A market order whose worth nobody knows cannot be checked.
        #expect(desk.new(.sell, "1", nil, on: Desk.unit).rejection == .noMark(Desk.unit))
        desk.check()
    }

    @Test(arguments: [InstrumentID(-1), Desk.unit]) func `position: with all open orders of the side`(instrument: InstrumentID) {
        let desk = desk(instrument) { $0.maxPosition = amount18("5") }
        desk.new(.buy, "3", "1", id: "a", on: Desk.unit)
        #expect(desk.new(.buy, "3", "1", on: Desk.unit).rejection
            == .limitPosition(scope(instrument), limit: amount18("5"), value: amount18("6")))
        #expect(desk.new(.sell, "5", "1", id: "s", on: Desk.unit).rejection == nil)
        desk.fill("s", "5", "1", on: Desk.unit)  // short 5
        #expect(desk.new(.sell, "1", "1", on: Desk.unit).rejection
            == .limitPosition(scope(instrument), limit: amount18("5"), value: amount18("6")))
        #expect(desk.new(.buy, "7", "1", id: "b", on: Desk.unit).rejection == nil)  // -5 + 3 + 7 = 5
        #expect(desk.replace("b", "8", "1", on: Desk.unit).rejection
            == .limitPosition(scope(instrument), limit: amount18("5"), value: amount18("6")))
        desk.check()
    }

    @Test(arguments: [InstrumentID(-1), Desk.unit]) func `open orders`(instrument: InstrumentID) {
        let desk = desk(instrument) { $0.maxOpenOrders = 2 }
        desk.new(.buy, "1", "1", id: "a", on: Desk.unit)
        desk.new(.buy, "1", "1", on: Desk.unit)
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection
            == .limitOpenOrders(scope(instrument), limit: 2, value: 3))
        desk.cancel("a", on: Desk.unit)
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection == nil)
        desk.check()
    }

    @Test func `switched off: no new order, no raise; less and cancel go on`() {
        let desk = desk(-1) { _ = $0.maxOpenOrders = 9 }
        desk.new(.buy, "2", "10", id: "a", on: Desk.unit)
        var off = LimitsChange()
        off.enabled = false
        desk.run(.setLimits(SetLimits(account: 7, change: off)))
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection == .limitDisabled(scope(-1)))
        #expect(desk.replace("a", "3", "10", on: Desk.unit).rejection == .limitDisabled(scope(-1)))
        #expect(desk.replace("a", "1", "10", on: Desk.unit).rejection == nil)
        #expect(desk.cancel("a", on: Desk.unit).rejection == nil)
        desk.check()
    }

    @Test func `a limit is removed with none`() {
        let desk = desk(-1) { $0.maxQuantity = 0 }
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection != nil)
        var change = LimitsChange()
        change.maxQuantity = Limits.none
        desk.run(.setLimits(SetLimits(account: 7, change: change)))
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection == nil)
    }

    @Test func `notional: max= bounds the reserve, not what the limit looks at`() {
        let desk = desk(-1) { $0.maxNotional = amount18("50") }
        #expect(desk.new(.buy, "6", nil, on: Desk.unit, max: "1").rejection == .noMark(Desk.unit))
        desk.run(.setMark(SetMark(instrument: Desk.unit, price: 10)))
        #expect(desk.new(.buy, "6", nil, on: Desk.unit, max: "1").rejection
            == .limitNotional(scope(-1), quote: Desk.usd, limit: amount18("50"), value: amount18("60")))
        #expect(desk.new(.buy, "5", nil, on: Desk.unit, max: "55").rejection
            == .limitNotional(scope(-1), quote: Desk.usd, limit: amount18("50"), value: amount18("55")))
        #expect(desk.new(.buy, "5", nil, on: Desk.unit, max: "40").rejection == nil)
        #expect(desk.new(.buy, "1", nil, on: Desk.perp, max: "1").rejection == .badValue(.max))
        desk.check()
    }

    @Test func `notional: raising a sale's price is looked at like a buy's`() {
        let desk = desk(Desk.unit) { $0.maxNotional = amount18("50") }
        desk.new(.sell, "5", "10", id: "s", on: Desk.unit)
        #expect(desk.replace("s", "5", "11", on: Desk.unit).rejection
            == .limitNotional(scope(Desk.unit), quote: Desk.usd, limit: amount18("50"), value: amount18("55")))
        #expect(desk.replace("s", "5", "9", on: Desk.unit).rejection == nil)
    }
}
