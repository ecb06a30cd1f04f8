import Core
import Testing

@Suite struct DeadManTests {
    private func expire(_ desk: Desk) -> Int { desk.emitting { shard, emit in shard.expire(now: desk.now, max: 100, emit: emit) } }

    @discardableResult
    private func set(_ desk: Desk, _ deadline: Timestamp, account: AccountNumber = 7) -> Outcome {
        desk.run(.deadMan(DeadMan(account: account, deadline: deadline)))
    }

    @Test func `timer: cancels everything of the account when it runs out, once`() {
        let desk = Desk()
        desk.deposit("1000")
        desk.deposit("1000", account: 8)
        desk.new(.buy, "1", "1", id: "a", on: Desk.unit)
        desk.new(.buy, "1", "1", id: "b", on: Desk.perp)
        desk.new(.buy, "1", "1", id: "c", on: Desk.unit, account: 8)
        #expect(desk.nextExpiry == .max)
        #expect(set(desk, desk.now + 10_000_000).isDuplicate == false)
        #expect(desk.nextExpiry == desk.now + 10_000_000)
        desk.now += 9_999_999
        #expect(expire(desk) == 0)
        desk.now += 1
        #expect(expire(desk) == 2)
        #expect(desk.order("a", on: Desk.unit) == "canceled 0 0")
        #expect(desk.order("b", on: Desk.perp) == "canceled 0 0")
        #expect(desk.counts.openOrders == 1)
        #expect(desk.nextExpiry == .max)
        desk.new(.buy, "1", "1", id: "d", on: Desk.unit)
        desk.now += 100_000_000
        #expect(expire(desk) == 0)
        desk.check()
    }

    @Test func `timer: renewed, turned off, of nobody`() {
        let desk = Desk()
        desk.deposit("1000")
        desk.new(.buy, "1", "1", id: "a", on: Desk.unit)
        set(desk, desk.now + 10)
        #expect(set(desk, desk.now + 10).isDuplicate)
        set(desk, desk.now + 20)
        desk.now += 15
        #expect(expire(desk) == 0)
        #expect(set(desk, 0).isDuplicate == false)
        #expect(set(desk, 0).isDuplicate)
        #expect(desk.nextExpiry == .max)
        desk.now += 15
        #expect(expire(desk) == 0)
        #expect(set(desk, 5, account: 9).rejection == .unknownAccount(9))
        desk.check()
    }

    @Test func `timer: with orders that expire, the earlier first`() {
        let desk = Desk()
        desk.deposit("1000")
        desk.new(.buy, "1", "1", id: "g", on: Desk.unit, tif: .gtd, expire: desk.now + 5_000)
        desk.new(.buy, "1", "1", id: "h", on: Desk.unit, tif: .gtd, expire: desk.now + 50_000)
        set(desk, desk.now + 20_000)
        #expect(desk.nextExpiry == desk.now + 5_000)
        desk.now += 5_000
        #expect(expire(desk) == 1)
        #expect(desk.order("g", on: Desk.unit) == "expired 0 0")
        #expect(desk.nextExpiry == desk.now + 15_000)
        desk.now += 15_000
        #expect(expire(desk) == 1)
        #expect(desk.order("h", on: Desk.unit) == "canceled 0 0")
        desk.check()
    }

    /// Timers of many accounts against a dictionary of deadlines.
    @Test(arguments: [UInt64(1), 2, 3, 4]) func `random timers: the same accounts lose their orders`(seed: UInt64) throws {
        var random = Generator(state: seed)
        let desk = Desk()
        let numbers = (100..<160).map { AccountNumber($0) }
        for number in numbers {
            desk.run(.define(.account(number, .open)))
            desk.deposit("1000", account: number)
        }
        var deadlines: [AccountNumber: Timestamp] = [:]
        var open: Set<AccountNumber> = []
        var fired = 0
        for n in 0..<4_000 {
            desk.now += Int64.random(in: 0...2_000, using: &random)
            let account = numbers.randomElement(using: &random)!
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let deadline = desk.now + Int64.random(in: 0...40_000, using: &random)
                set(desk, deadline, account: account)
                deadlines[account] = deadline
            case 5:
                set(desk, 0, account: account)
                deadlines[account] = nil
            case 6..<8:
                if open.insert(account).inserted { #expect(desk.new(.buy, "1", "1", on: Desk.unit, account: account).rejection == nil) }
            default:
                let due = deadlines.filter { $0.value <= desk.now }.map(\.key)
                let expected = due.filter { open.contains($0) }.count
                #expect(expire(desk) == expected, "seed \(seed), step \(n)")
                for account in due {
                    deadlines[account] = nil
                    open.remove(account)
                }
                fired += due.count
            }
            #expect(desk.nextExpiry == deadlines.values.min() ?? .max, "seed \(seed), step \(n)")
            #expect(desk.counts.openOrders == open.count, "seed \(seed), step \(n)")
            if n % 500 == 499 { try desk.reload() }
        }
        #expect(fired > 500)
        desk.check()
    }
}
