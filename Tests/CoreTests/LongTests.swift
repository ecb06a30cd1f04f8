import Core
import Testing

/// Long lives and repeated definitions: what a look at the lines that no test had run has asked for.
@Suite struct LongTests {
    @Test func `a hundred thousand orders through a window of a thousand: found while remembered, gone after it, one that stays open stays`() throws {
        let desk = Desk()
        desk.run(.define(.setting(.windowIDs, 1_000)))
        desk.deposit("1000")
        for n in 0..<100_000 {
            desk.new(.buy, "0.00000001", "1", id: "o\(n)")
            if n > 3 { desk.cancel("o\(n - 3)") }
            // Pages of the first orders are kept for its sake until it goes.
            if n == 60_000 {
                #expect(desk.order("o0") == "new 0.00000001 0" && desk.order("o1") == "none")
                desk.cancel("o0")
            }
        }
        #expect(desk.order("o0") == "none" && desk.order("o98000") == "none")
        #expect(desk.order("o99500") == "canceled 0 0" && desk.order("o99999") == "new 0.00000001 0")
        // An id that was forgotten stands for nothing any more.
        #expect(desk.new(.sell, "1", "1", id: "o500").rejection != .idReused(Text("o500")))
        desk.check()
        try desk.reload()
        #expect(desk.order("o99500") == "canceled 0 0" && desk.order("o0") == "none")
    }

    @Test func `defined again: the same is a repeat, what never changes is refused by name, other content is refused`() throws {
        let desk = Desk()
        #expect(desk.run(.define(.asset(AssetInfo(name: Text("USD"), decimals: 2)))).isDuplicate)
        #expect(desk.run(.define(.asset(AssetInfo(name: Text("USD"), decimals: 3)))).rejection == .alreadyExists(Text("USD")))
        let info = desk.with { $0.registry.instruments[0] }
        #expect(desk.run(.define(.instrument(info))).isDuplicate)
        func refused(_ change: (inout InstrumentInfo) -> Void) -> Rejection? {
            var other = info
            change(&other)
            return desk.run(.define(.instrument(other))).rejection
        }
        #expect(refused { $0.wallet = 1 } == .fixed(.wallet))
        #expect(refused { $0.base = Desk.bnb } == .fixed(.base))
        #expect(refused { $0.quote = Desk.bnb } == .fixed(.quote))
        #expect(refused { $0.priceScale = 5 } == .fixed(.priceScale))
        #expect(refused { $0.quantityScale = 7 } == .fixed(.quantityScale))
        #expect(refused { $0.funds = .none } == .fixed(.funds))
        #expect(refused { $0.terms.tick = 200 } == .alreadyExists(info.symbol))
        desk.check()
    }
}
