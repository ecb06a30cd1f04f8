import Core
import Testing

/// Limits beyond size: price band, rates, losses by the day, short sales, listed instruments, and those of all accounts.
@Suite struct RiskLimitTests {
    private func desk() -> Desk {
        let desk = Desk()
        desk.deposit("100000")
        desk.deposit("100", Desk.btc)
        return desk
    }
    private func scope(_ instrument: InstrumentID = -1) -> LimitScope { LimitScope(account: 7, instrument: instrument, wallet: 0) }

    // MARK: Price band

    @Test(arguments: [InstrumentID(-1), Desk.unit]) func `price band: around the mark, both ways, at a new price only`(instrument: InstrumentID) {
        let desk = desk()
        desk.limit(instrument) { $0.priceBand = 100 }
        #expect(desk.new(.buy, "1", "1000", on: Desk.unit).rejection == .noMark(Desk.unit))
        // Without a limit price there is nothing to compare.
        #expect(desk.new(.sell, "1", nil, on: Desk.unit).rejection == nil)
        desk.mark("1000")
        #expect(desk.new(.buy, "1", "1010", id: "a", on: Desk.unit).rejection == nil)
        #expect(desk.new(.sell, "1", "990", on: Desk.unit).rejection == nil)
        #expect(desk.new(.buy, "1", "1011", on: Desk.unit).rejection
            == .limitPriceBand(scope(instrument), Desk.unit, limit: 100, value: 110, reference: 1_000))
        #expect(desk.new(.sell, "1", "989", on: Desk.unit).rejection
            == .limitPriceBand(scope(instrument), Desk.unit, limit: 100, value: 110, reference: 1_000))
        #expect(desk.replace("a", "1", "989", on: Desk.unit).rejection
            == .limitPriceBand(scope(instrument), Desk.unit, limit: 100, value: 110, reference: 1_000))
        // Rounded up: 10/999 is 100.1 basis points.
        desk.mark("999")
        #expect(desk.new(.buy, "1", "1009", on: Desk.unit).rejection
            == .limitPriceBand(scope(instrument), Desk.unit, limit: 100, value: 101, reference: 999))
        // Where the price stays, less quantity is always taken.
        desk.mark("2000")
        #expect(desk.new(.buy, "2", "2000", id: "b", on: Desk.unit).rejection == nil)
        desk.mark("1000")
        #expect(desk.replace("b", "1", "2000", on: Desk.unit).rejection == nil)
        desk.check()
    }

    // MARK: Rates

    @Test(arguments: [InstrumentID(-1), Desk.unit]) func `order rate: so many at once, then one by one`(instrument: InstrumentID) {
        let desk = desk()
        desk.limit(instrument) { $0.maxOrderRate = 3 }
        desk.new(.buy, "1", "1", id: "a", on: Desk.unit)
        #expect(desk.replace("a", "2", "1", on: Desk.unit).rejection == nil)
        // What changes nothing, and what is refused, takes nothing.
        #expect(desk.replace("a", "2", "1", on: Desk.unit).isDuplicate)
        #expect(desk.new(.buy, "1", "1000000", on: Desk.unit).rejection != nil)
        desk.new(.buy, "1", "1", id: "b", on: Desk.unit)
        let refused = Rejection.limitOrderRate(scope(instrument), limit: 3, retry: 333_334)
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection == refused)
        #expect(desk.replace("a", "3", "1", on: Desk.unit).rejection == refused)
        #expect(desk.replace("a", "2", "2", on: Desk.unit).rejection == refused)
        // Less quantity is not asked.
        #expect(desk.replace("a", "1", "1", on: Desk.unit).rejection == nil)
        // Cancels are free.
        #expect(desk.cancel("b", on: Desk.unit).rejection == nil)
        desk.now += 333_333
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection == .limitOrderRate(scope(instrument), limit: 3, retry: 1))
        desk.now += 1
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection == nil)
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection != nil)
        // Another instrument's orders count for the account, not for this one.
        #expect((desk.new(.buy, "1", "1").rejection == nil) == (instrument >= 0))
        desk.now += 1_000_000
        for _ in 0..<3 { #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection == nil) }
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection != nil)
        desk.check()
    }

    @Test func `order rate: closing a position counts`() {
        let desk = desk()
        desk.trade(.buy, "2", "1")
        desk.limit(-1) { $0.maxOrderRate = 1 }
        func close(_ id: String) -> Outcome {
            desk.run(.closePosition(ClosePosition(account: 7, instrument: Desk.unit, quantity: 1, price: 1, clientID: Text(id))))
        }
        #expect(close("c1").rejection == nil)
        #expect(close("c1").isDuplicate)
        #expect(close("c2").rejection == .limitOrderRate(scope(), limit: 1, retry: 1_000_000))
        desk.check()
    }

    @Test(arguments: [InstrumentID(-1), Desk.unit]) func `cancel rate: a client's, not the service's`(instrument: InstrumentID) {
        let desk = desk()
        for id in ["a", "b", "c", "d", "e"] { desk.new(.buy, "1", "1", id: id, on: Desk.unit) }
        desk.limit(instrument) { $0.maxCancelRate = 2 }
        #expect(desk.cancel("a", on: Desk.unit).rejection == nil)
        #expect(desk.cancel("a", on: Desk.unit).isDuplicate)
        #expect(desk.cancel("b", on: Desk.unit).rejection == nil)
        #expect(desk.cancel("c", on: Desk.unit).rejection == .limitCancelRate(scope(instrument), limit: 2, retry: 500_000))
        desk.now += 500_000
        #expect(desk.cancel("c", on: Desk.unit).rejection == nil)
        #expect(desk.cancel("d", on: Desk.unit).rejection != nil)
        guard case .canceled(count: 2) = desk.run(.cancelAll(CancelAll(account: 7))) else { 
            Issue.record("CXA was limited")
            return
        }
        desk.check()
    }

    // MARK: Short sales, listed instruments

    @Test(arguments: [InstrumentID(-1), Desk.unit]) func `short sales: where open sales could lead`(instrument: InstrumentID) {
        let desk = desk()
        desk.limit(instrument) { $0.mayShort = false }
        #expect(desk.new(.sell, "1", "1", on: Desk.unit).rejection == .limitShort(scope(instrument), Desk.unit, value: amount18("-1")))
        desk.trade(.buy, "5", "1")
        #expect(desk.new(.sell, "3", "1", id: "s", on: Desk.unit).rejection == nil)
        #expect(desk.new(.sell, "3", "1", on: Desk.unit).rejection == .limitShort(scope(instrument), Desk.unit, value: amount18("-1")))
        #expect(desk.replace("s", "6", "1", on: Desk.unit).rejection == .limitShort(scope(instrument), Desk.unit, value: amount18("-1")))
        #expect(desk.replace("s", "5", "1", on: Desk.unit).rejection == nil)
        desk.check()
    }

    @Test func `listed: only what has limits of the account's own`() {
        let desk = desk()
        desk.new(.buy, "2", "1", id: "a", on: Desk.unit)
        desk.limit(-1) { $0.listedOnly = true }
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection == .limitNotListed(scope(), Desk.unit))
        #expect(desk.replace("a", "3", "1", on: Desk.unit).rejection == .limitNotListed(scope(), Desk.unit))
        #expect(desk.replace("a", "1", "1", on: Desk.unit).rejection == nil)
        desk.limit(Desk.unit) { $0.maxOpenOrders = 100 }
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection == nil)
        #expect(desk.new(.buy, "1", "1", on: Desk.perp).rejection == .limitNotListed(scope(), Desk.perp))
        desk.limit(Desk.unit) { $0.enabled = false }
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection == .limitDisabled(scope(Desk.unit)))
        desk.check()
    }

    // MARK: Losses

    @Test func `daily loss: unrealized counts, latches, and only reductions are taken until reset`() {
        let desk = desk()
        desk.limit(-1) { $0.maxDailyLoss = amount18("50") }
        desk.mark("100")
        desk.trade(.buy, "10", "100")
        desk.mark("95")
        // 50 lost, which is not more than 50.
        #expect(desk.new(.buy, "1", "95", on: Desk.unit).rejection == nil)
        #expect(desk.latched.isEmpty)
        desk.mark("94")
        let refused = Rejection.limitDailyLoss(scope(), Desk.usd, limit: amount18("50"), value: amount18("60"))
        #expect(desk.new(.buy, "1", "95", on: Desk.unit).rejection == refused)
        #expect(desk.latched == [Desk.usd])
        // The mark recovers, the latch does not.
        desk.mark("100")
        #expect(desk.new(.buy, "1", "95", on: Desk.unit).rejection
            == .limitDailyLoss(scope(), Desk.usd, limit: amount18("50"), value: 0))
        #expect(desk.new(.buy, "1", "1", on: Desk.perp).rejection != nil)
        #expect(desk.new(.sell, "6", "100", id: "s", on: Desk.unit).rejection == nil)
        #expect(desk.new(.sell, "5", "100", on: Desk.unit).rejection != nil)
        #expect(desk.replace("s", "10", "100", on: Desk.unit).rejection == nil)
        #expect(desk.replace("s", "11", "100", on: Desk.unit).rejection != nil)
        // The next day it is there still.
        desk.now += 86_400_000_000
        #expect(desk.new(.buy, "1", "95", on: Desk.unit).rejection != nil)
        desk.limit(-1) { $0.resetsLoss = true }
        #expect(desk.latched.isEmpty)
        #expect(desk.new(.buy, "1", "95", on: Desk.unit).rejection == nil)
        desk.check()
    }

    @Test func `daily loss: a fill latches, and reset counts from now`() {
        let desk = desk()
        desk.limit(-1) { $0.maxDailyLoss = amount18("50") }
        desk.trade(.buy, "10", "100")
        desk.trade(.sell, "10", "94")
        #expect(desk.latched == [Desk.usd])
        #expect(desk.loss() == "60")
        desk.limit(-1) { $0.resetsLoss = true }
        #expect(desk.loss() == "0")
        desk.trade(.buy, "10", "100")
        desk.trade(.sell, "10", "95")
        #expect(desk.loss() == "50" && desk.latched.isEmpty)
        desk.trade(.buy, "1", "100", fee: "0.1")
        #expect(desk.loss() == "50.1" && desk.latched == [Desk.usd])
        desk.check()
    }

    @Test func `daily loss: a day begins with what was then, whenever that is asked`() {
        let desk = desk()
        desk.run(.define(.setting(.dayStartMinutes, 600)))
        desk.limit(-1) { $0.maxDailyLoss = amount18("1000") }
        // 1,700,000,000 is 22:13:20 UTC.
        desk.mark("100")
        desk.trade(.buy, "10", "100")
        desk.mark("90")
        #expect(desk.loss() == "100")
        desk.now += 12 * 3_600_000_000 - 13 * 60_000_000 - 20_000_001
        #expect(desk.loss() == "100")
        desk.now += 1
        #expect(desk.loss() == "0")
        desk.mark("80")
        #expect(desk.loss() == "100")
        desk.trade(.sell, "10", "70")
        #expect(desk.loss() == "200")
        desk.mark("60")
        #expect(desk.loss() == "200")
        desk.check()
    }

    /// London is at UTC in winter and an hour ahead in summer, so its midnight moves over that of UTC.
    @Test func `daily loss: a day goes on to the next midnight when clocks are put forward or back`() {
        let (minute, hour, day): (Int64, Int64, Int64) = (60_000_000, 3_600_000_000, 86_400_000_000)
        // Midnight UTC before the clocks change at 1:00, and the day's begin before and after.
        for (midnight, before, after, rest) in [(1_711_843_200_000_000, 0, 1_380, 22), (1_729_987_200_000_000, 1_380, 0, 23)] as [(Int64, Int64, Int64, Int64)] {
            let desk = desk()
            desk.now = midnight - day
            desk.run(.define(.setting(.dayStartMinutes, before)))
            desk.limit(-1) { $0.maxDailyLoss = amount18("1000") }
            desk.mark("100")
            desk.trade(.buy, "10", "100")
            desk.mark("90")
            #expect(desk.loss() == "100")
            desk.now = midnight
            #expect(desk.loss() == "0", "the day of the change has begun")
            desk.now += 30 * minute
            desk.trade(.sell, "10", "88")
            desk.mark("80")
            #expect(desk.loss() == "20")
            desk.now = midnight + hour
            desk.run(.define(.setting(.dayStartMinutes, after)))
            #expect(desk.loss() == "20", "the same day")
            desk.now += rest * hour - 1
            #expect(desk.loss() == "20")
            desk.now += 1
            #expect(desk.loss() == "0", "the next day")
            desk.check()
        }
    }

    @Test func `daily loss: a limit set in the middle of a day counts from there`() {
        let desk = desk()
        desk.mark("100")
        desk.trade(.buy, "10", "100")
        desk.mark("90")
        desk.limit(-1) { $0.maxDailyLoss = amount18("50") }
        #expect(desk.loss() == "0")
        desk.mark("85")
        #expect(desk.loss() == "50")
        desk.limit(-1) { $0.maxDailyLoss = Limits.none }
        desk.mark("50")
        desk.limit(-1) { $0.maxDailyLoss = amount18("50") }
        #expect(desk.loss() == "0")
        desk.check()
    }

    @Test func `daily loss: a position taken over brings no loss with it`() {
        let desk = desk()
        desk.limit(-1) { $0.maxDailyLoss = amount18("50") }
        desk.mark("100")
        desk.run(.takeOver(TakeOver(account: 7, instrument: Desk.unit, quantity: 10, price: 500, reference: Text("p"))))
        #expect(desk.loss() == "0")
        desk.mark("95")
        #expect(desk.loss() == "50")
        desk.check()
    }

    // MARK: Limits of all

    @Test func `limits of all: for accounts without their own, which begin with them`() {
        let desk = desk()
        desk.limit(-1, account: 0) { $0.maxQuantity = amount18("5") }
        #expect(desk.new(.buy, "6", "1", on: Desk.unit).rejection == .limitQuantity(scope(), limit: amount18("5"), value: amount18("6")))
        desk.limit(-1) { $0.maxOpenOrders = 10 }
        #expect(desk.new(.buy, "6", "1", on: Desk.unit).rejection != nil)
        desk.limit(-1) { $0.maxQuantity = Limits.none }
        #expect(desk.new(.buy, "6", "1", on: Desk.unit).rejection == nil)
        desk.limit(-1, account: 0) { $0.maxQuantity = amount18("1") }
        #expect(desk.new(.buy, "6", "1", on: Desk.unit).rejection == nil)
        #expect(desk.new(.buy, "2", "1", on: Desk.unit, account: 8).rejection
            == .limitQuantity(LimitScope(account: 8, instrument: -1, wallet: 0), limit: amount18("1"), value: amount18("2")))
        desk.check()
    }

    @Test func `limits of all: rates and losses are each account's`() {
        let desk = desk()
        desk.deposit("1000", account: 8)
        desk.mark("100")
        desk.trade(.buy, "10", "100")
        desk.limit(-1, account: 0) {
            $0.maxOrderRate = 1
            $0.maxDailyLoss = amount18("50")
        }
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection == nil)
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection == .limitOrderRate(scope(), limit: 1, retry: 1_000_000))
        #expect(desk.new(.buy, "1", "1", on: Desk.unit, account: 8).rejection == nil)
        desk.mark("90")
        desk.now += 1_000_000
        #expect(desk.new(.buy, "1", "1", on: Desk.unit).rejection
            == .limitDailyLoss(scope(), Desk.usd, limit: amount18("50"), value: amount18("100")))
        #expect(desk.new(.buy, "1", "1", on: Desk.unit, account: 8).rejection == nil)
        desk.check()
    }

    @Test func `what is not allowed: values out of range, an instrument's losses, reset of nobody's`() {
        let desk = desk()
        func refused(_ instrument: InstrumentID = -1, account: AccountNumber = 7, _ set: (inout LimitsChange) -> Void) -> Bool {
            desk.limit(instrument, account: account, set).rejection == .badValue(.value)
        }
        #expect(refused { $0.maxOrderRate = 0 })
        #expect(refused { $0.maxCancelRate = -1 })
        #expect(refused { $0.priceBand = 0 })
        #expect(refused { $0.maxDailyLoss = -1 })
        #expect(refused { $0.makerFee = 10_001 })
        #expect(refused(Desk.unit) { $0.maxDailyLoss = 1 })
        #expect(refused(Desk.unit) { $0.listedOnly = true })
        #expect(refused(account: 0) { $0.resetsLoss = true })
        #expect(desk.limit(-1) { $0.resetsLoss = true }.isDuplicate)
        #expect(desk.limit(Desk.unit, account: 0) { $0.maxOpenOrders = 1 }.rejection == .unknownInstrument(Desk.unit))
        desk.check()
    }
}

extension Desk {
    @discardableResult
    func limit(_ instrument: InstrumentID, account: AccountNumber = 7, _ set: (inout LimitsChange) -> Void) -> Outcome {
        var change = LimitsChange()
        set(&change)
        return run(.setLimits(SetLimits(account: account, instrument: instrument, change: change)))
    }

    func mark(_ price: String, on instrument: InstrumentID = Desk.unit) {
        run(.setMark(SetMark(instrument: instrument, price: int64(price, Desk.scales[Int(instrument)].0))))
    }

    var latched: [AssetID] {
        var all: [AssetID] = []
        with { $0.forEachLatch(account: 7) { all.append($0) } }
        return all
    }

    func loss(_ asset: AssetID = Desk.usd) -> String { text(with { $0.lossToday(account: 7, asset: asset, now: now) }) }
}
