import Core
import Testing

/// splitmix64: a generator whose seed reproduces a run.
struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return mix(state)
    }
}

/// Many random commands, valid and not, against the laws: money is conserved, reserves match, a refusal changes nothing, replay equals live.
@Suite struct RandomTests {
    @Test(arguments: [UInt64(1), 2, 3, 4]) func `random commands keep the laws, also of a state that was written and read`(seed: UInt64) throws {
        var random = Generator(state: seed)
        let desk = Desk()
        // A small window, so that forgetting happens all the time.
        desk.run(.define(.setting(.windowIDs, 1_000)))
        desk.run(.define(.setting(.windowHours, 1)))
        for account in [AccountNumber(7), 8] {
            desk.deposit("1000000", account: account)
            desk.deposit("1000", Desk.btc, account: account)
        }
        for account in AccountNumber(20)..<120 { desk.run(.define(.account(account, .open))) }
        var made: [(id: Text, account: AccountNumber, instrument: InstrumentID)] = []
        var refused = 0
        let commands = 20_000
        for n in 0..<commands {
            desk.now += Int64.random(in: 0...2_000_000, using: &random)
            if n % 5_000 == 4_999 { desk.now += 7_200_000_000 }
            var account: AccountNumber = Bool.random(using: &random) ? 7 : 8
            var instrument = InstrumentID.random(in: 0...2, using: &random)
            let kind = Int.random(in: 0..<100, using: &random)
            let reference: OrderReference
            if made.isEmpty || Int.random(in: 0..<50, using: &random) == 0 {
                reference = .order(OrderID.random(in: 0...Int64(n + 1), using: &random))
            } else {
                // Mostly a recent one.
                let order = made[made.count - 1 - Int.random(in: 0..<min(made.count, 40), using: &random)]
                reference = .client(order.id)
                // Mostly as its owner, on its instrument.
                if (35..<85).contains(kind), Int.random(in: 0..<20, using: &random) > 0 {
                    (account, instrument) = (order.account, order.instrument)
                }
            }
            let quantity = Quantity.random(in: -1...50, using: &random) * (instrument == 0 ? 1_000_000 : 1)
            let price = Price.random(in: -1...100, using: &random) * (instrument == 0 ? 100 : 1)
            let command: Command
            switch kind {
            case 0..<35:
                let id = Text("r\(Int.random(in: 0..<n + 20, using: &random))")
                made.append((id, account, instrument))
                let market = Int.random(in: 0..<5, using: &random) == 0
                let gtd = Int.random(in: 0..<4, using: &random) == 0
                command = .newOrder(
                    NewOrder(
                        account: account, instrument: instrument, side: Bool.random(using: &random) ? .buy : .sell,
                        type: market ? .market : .limit, timeInForce: gtd ? .gtd : .gtc, quantity: quantity,
                        price: market ? 0 : price, clientID: id,
                        expire: gtd ? desk.now + Int64.random(in: -5...60_000_000, using: &random) : 0,
                        max: market && Bool.random(using: &random) ? amount18("2000") : 0,
                        strategy: Bool.random(using: &random) ? Text("s\(n % 3)") : Text(),
                        note: n % 7 == 0 ? Text("note \(n)") : Text(), cancelOnDisconnect: n % 9 == 0 ? 1 << 32 | 1 : 0))
            case 35..<50:
                command = .replace(
                    Replace(account: account, instrument: instrument, order: reference, quantity: quantity, price: price))
            case 50..<60:
                command = .cancel(Cancel(account: account, instrument: instrument, order: reference))
            case 60..<85:
                command = .fill(
                    Fill(
                        account: account, instrument: instrument, order: reference, quantity: quantity, price: price,
                        exec: Text("e\(Int.random(in: 0..<n + 5, using: &random))"),
                        fee: Bool.random(using: &random) ? 0 : Amount.random(in: -1_000_000...1_000_000_000, using: &random),
                        feeAsset: AssetID.random(in: 0...2, using: &random)))
            case 85..<93:
                let money = Money.Kind(rawValue: UInt8.random(in: 0...4, using: &random))!
                command = .money(
                    Money(
                        money, account: account, asset: AssetID.random(in: 0...1, using: &random),
                        amount: Amount.random(in: -10...200, using: &random) * 1_000_000_000_000_000_000,
                        reference: Text("m\(Int.random(in: 0..<n + 20, using: &random))")))
            case 93..<95:
                command = .transfer(
                    Transfer(
                        account: account, toAccount: 15 - account, toWallet: WalletID.random(in: 0...1, using: &random),
                        asset: 0, amount: Amount.random(in: 0...1_000_000_000, using: &random),
                        reference: Text("x\(Int.random(in: 0..<n + 20, using: &random))")))
            case 95 where n % 2 == 0:
                // Mostly of accounts that are flat still.
                let taker = Int.random(in: 0..<4, using: &random) == 0 ? account : AccountNumber.random(in: 20..<120, using: &random)
                command = .takeOver(
                    TakeOver(
                        account: taker, instrument: instrument, quantity: Bool.random(using: &random) ? quantity : -quantity,
                        price: price, reference: Text("p\(Int.random(in: 0..<n + 20, using: &random))")))
            case 95: command = .setMark(SetMark(instrument: instrument, price: price))
            case 96: command = .cancelAll(CancelAll(account: account, instrument: InstrumentID.random(in: -1...2, using: &random)))
            case 97:
                command = .define(.account(account, Int.random(in: 0..<4, using: &random) == 0 ? .suspended : .open))
            case 98:
                command = .closePosition(
                    ClosePosition(
                        account: account, instrument: instrument, price: max(price, 0),
                        clientID: Text("c\(n)")))
            default:
                let upTo = desk.with { shard in
                    Int64.random(in: 0...max(shard.highestSettled(to: 1), 0), using: &random)
                }
                var sent: Int64 = 0
                desk.with { $0.forEachUnsettled(target: 1) { transfer, _ in sent = transfer.sequence } }
                desk.emitting { shard, emit in
                    shard.settle(target: 1, upTo: max(upTo, sent), now: desk.now, emit: emit)
                }
                continue
            }
            let records = desk.log.count
            let checked = n % 199 == 0
            let before = checked ? desk.hash : 0
            let outcome = desk.run(command)
            if outcome.rejection != nil || outcome.isDuplicate {
                refused += 1
                #expect(desk.log.count == records, "a refused command was recorded")
                if checked { #expect(desk.hash == before, "a refused command changed the state") }
            }
            if n % 97 == 0 { _ = desk.emitting { shard, emit in shard.expire(now: desk.now, max: 10, emit: emit) } }
            if n % 1_000 == 0 { desk.check() }
            // From here on everything is decided by a state that was read: a difference shows in the next check at the latest.
            if n % 1_777 == 0 { try desk.reload() }
        }
        desk.check()
        // The test means something only if much was done and much refused.
        #expect(refused > commands / 10 && refused < commands * 9 / 10, "seed \(seed): \(refused) of \(commands) refused")
        #expect(desk.counts.remembered <= 1_004)
        let fills = desk.log.count { entry in
            if case .filled = entry.0 { return true }
            return false
        }
        #expect(fills > 500, "seed \(seed): only \(fills) fills")
        let takeOvers = desk.log.count { entry in
            if case .positionTakenOver = entry.0 { return true }
            return false
        }
        #expect(takeOvers > 30, "seed \(seed): only \(takeOvers) positions taken over")
    }

    @Test func `shard 0 and a copy: registry entries from 1`() {
        let desk = Desk()
        var copy = Shard(number: 1)
        desk.with { shard in
            for entry in 1...shard.registry.number {
                _ = copy.copyDefinition(number: entry, shard.definition(number: entry), now: 1) { _ in }
            }
            let (a, b) = (copy.registry.instruments.count, shard.registry.instruments.count)
            #expect(a == b)
            let (c, d) = (copy.registry.number, shard.registry.number)
            #expect(c == d)
        }
    }

    @Test func `window: a late fill keeps its order for that record, however old`() {
        let desk = Desk()
        desk.deposit("1000000")
        desk.new(.buy, "2", "1", id: "old", on: Desk.unit)
        desk.cancel("old", on: Desk.unit)
        desk.now += 25 * 3_600 * 1_000_000
        // The order and the deposit are both due at this very record.
        #expect(desk.fill("old", "1", "1", on: Desk.unit).view?.cumulative == 1)
        #expect(desk.order("old", on: Desk.unit) == "canceled 0 1")
        desk.deposit("1")
        #expect(desk.order("old", on: Desk.unit) == "none")
        desk.check()
    }

    @Test func `window: an id is forgotten by count, by time, and never while its order is open`() {
        let desk = Desk()
        desk.run(.define(.setting(.windowIDs, 1_000)))
        desk.deposit("1000000")
        desk.new(.buy, "1", "1", id: "open", on: Desk.unit)
        desk.new(.buy, "1", "1", id: "closed", on: Desk.unit)
        desk.cancel("closed", on: Desk.unit)
        for _ in 0..<999 { desk.deposit("1") }
        #expect(desk.new(.buy, "1", "1", id: "closed", on: Desk.unit).isDuplicate)
        for _ in 0..<10 { desk.deposit("1") }
        #expect(desk.order("closed", on: Desk.unit) == "none")
        #expect(desk.new(.buy, "1", "1", id: "open", on: Desk.unit).isDuplicate)
        #expect(desk.new(.buy, "1", "1", id: "closed", on: Desk.unit).isDuplicate == false)
        desk.now += 25 * 3_600 * 1_000_000
        for _ in 0..<400 { desk.deposit("1") }
        #expect(desk.counts.remembered <= 401)
        #expect(desk.new(.buy, "1", "1", id: "open", on: Desk.unit).isDuplicate)
        desk.check()
    }
}
