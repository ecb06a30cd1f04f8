import Core
import Testing

/// PTO: a position that was built elsewhere.
@Suite struct TakeOverTests {
    @discardableResult
    private func take(
        _ desk: Desk, _ quantity: String, _ price: String, ref: String, on instrument: InstrumentID = Desk.unit, account: AccountNumber = 7,
        note: String = "", before: Timestamp = 0
    ) -> Outcome {
        let (p, q) = Desk.scales[Int(instrument)]
        return desk.run(
            .takeOver(
                TakeOver(
                    account: account, instrument: instrument, quantity: int64(quantity, q), price: int64(price, p),
                    reference: Text(ref), note: Text(note), before: before)))
    }

    @Test func `long and short: exact cost, no money moved, listed`() {
        let desk = Desk()
        desk.deposit("100")
        #expect(desk.position() == "none")
        take(desk, "3", "120", ref: "a")
        take(desk, "-0.50000001", "64000.0001", ref: "b", on: Desk.btcusd)
        #expect(desk.position() == "3 360 0")
        #expect(desk.position(Desk.btcusd) == "-0.50000001 32000.000690000001 0")
        #expect(desk.average(Desk.btcusd) == int64("64000.0001", 4))
        #expect(desk.balance() == "100 0 0 0")
        #expect(desk.balance(Desk.btc) == "0 0 0 0")
        desk.run(.setMark(SetMark(instrument: Desk.unit, price: 130)))
        #expect(desk.unrealized() == amount18("30"))
        desk.check()
    }

    @Test func `only where flat: the present quantity is said; realized stays`() {
        let desk = Desk()
        desk.deposit("1000")
        desk.deposit("10", Desk.btc)
        desk.trade(.buy, "2", "100")
        #expect(take(desk, "1", "90", ref: "a").rejection == .positionExists(Desk.unit, quantity: 2))
        desk.trade(.sell, "2", "110")
        #expect(desk.position() == "0 0 20")
        take(desk, "-4", "90", ref: "a")
        #expect(desk.position() == "-4 360 20")
        #expect(take(desk, "1", "90", ref: "b").rejection == .positionExists(Desk.unit, quantity: -4))
        desk.trade(.buy, "5", "80")
        #expect(desk.position() == "1 80 60")
        desk.check()
    }

    @Test func `open orders and limits do not matter, a suspension neither`() {
        let desk = Desk()
        desk.deposit("1000")
        desk.new(.buy, "2", "100", id: "open", on: Desk.unit)
        var change = LimitsChange()
        change.maxPosition = amount18("1")
        desk.run(.setLimits(SetLimits(account: 7, instrument: Desk.unit, change: change)))
        desk.run(.define(.account(7, .suspended)))
        #expect(take(desk, "50", "3", ref: "a").rejection == nil)
        #expect(desk.position() == "50 150 0")
        desk.check()
    }

    @Test func `a repeat is answered with the position of now; other content, another kind: refused`() {
        let desk = Desk()
        desk.deposit("1000")
        take(desk, "3", "120", ref: "a", note: "n")
        desk.trade(.buy, "1", "80")
        guard case .position(let view, true) = take(desk, "3", "120", ref: "a", note: "n", before: 1) else {
            Issue.record("not a repeat")
            return
        }
        #expect(view.quantity == 4 && view.cost == amount18("440"))
        #expect(take(desk, "3", "120", ref: "a").rejection == .idReused(Text("a")))
        #expect(take(desk, "-3", "120", ref: "a", note: "n").rejection == .idReused(Text("a")))
        #expect(take(desk, "3", "120", ref: "a", on: Desk.perp, note: "n").rejection == .idReused(Text("a")))
        #expect(desk.new(.buy, "1", "1", id: "a", on: Desk.unit).rejection == .idReused(Text("a")))
        #expect(desk.run(.money(Money(.deposit, account: 7, asset: 0, amount: 1, reference: Text("a")))).rejection == .idReused(Text("a")))
        // Of another account it is another reference.
        #expect(take(desk, "3", "120", ref: "a", account: 8).rejection == nil)
        desk.check()
    }

    @Test func `what cannot be: refused, nothing recorded`() {
        let desk = Desk()
        let records = desk.log.count
        #expect(take(desk, "1", "1", ref: "a", account: 9).rejection == .unknownAccount(9))
        #expect(take(desk, "0", "1", ref: "a").rejection == .badValue(.quantity))
        #expect(take(desk, "-9223372036854775808", "1", ref: "a").rejection == .badValue(.quantity))
        #expect(take(desk, "1", "0", ref: "a").rejection == .badValue(.price))
        #expect(take(desk, "1", "-5", ref: "a").rejection == .badValue(.price))
        #expect(take(desk, "9223372036854775807", "9223372036854775807", ref: "a").rejection == .overflow(.cost))
        #expect(take(desk, "1", "1", ref: "a", before: 1).rejection == .tooLate(before: 1, now: desk.now))
        #expect(
            desk.run(.takeOver(TakeOver(account: 7, instrument: 99, quantity: 1, price: 1, reference: Text("a")))).rejection
                == .unknownInstrument(99))
        #expect(desk.log.count == records)
        // The largest cost there is, and one more.
        #expect(take(desk, "1298074214633706", "1", ref: "a").rejection == nil)
        #expect(take(desk, "-1298074214633707", "1", ref: "b", account: 8).rejection == .overflow(.cost))
        desk.check()
    }

    @Test func `its reference is forgotten with the window, the position is not`() {
        let desk = Desk()
        desk.run(.define(.setting(.windowIDs, 1_000)))
        take(desk, "3", "120", ref: "a")
        for _ in 0..<1_010 { desk.deposit("1") }
        #expect(take(desk, "3", "120", ref: "a").rejection == .positionExists(Desk.unit, quantity: 3))
        desk.check()
    }
}
