import Core
import Testing

@Suite struct MoneyTests {
    @discardableResult
    private func move(
        _ desk: Desk, _ kind: Money.Kind, _ amount: String, ref: String, asset: AssetID = Desk.usd
    ) -> Outcome {
        desk.run(.money(Money(kind, account: 7, asset: asset, amount: amount18(amount), reference: Text(ref))))
    }

    @Test func `deposit, withdraw, correct, hold, release`() {
        let desk = Desk()
        move(desk, .deposit, "100.5", ref: "1")
        move(desk, .withdraw, "0.5", ref: "2")
        move(desk, .adjust, "-10", ref: "3")
        move(desk, .adjust, "1", ref: "4")
        move(desk, .hold, "41", ref: "5")
        move(desk, .release, "1", ref: "6")
        #expect(desk.balance() == "51 0 40 0")
        #expect(move(desk, .withdraw, "51.01", ref: "7").rejection
            == .insufficientFunds(Desk.usd, 0, need: amount18("51.01"), available: amount18("51")))
        #expect(move(desk, .hold, "52", ref: "8").rejection
            == .insufficientFunds(Desk.usd, 0, need: amount18("52"), available: amount18("51")))
        #expect(move(desk, .adjust, "-52", ref: "9").rejection
            == .insufficientFunds(Desk.usd, 0, need: amount18("52"), available: amount18("51")))
        #expect(move(desk, .release, "41", ref: "10").rejection
            == .insufficientHeld(Desk.usd, 0, need: amount18("41"), held: amount18("40")))
        #expect(move(desk, .deposit, "0", ref: "11").rejection == .badValue(.amount))
        #expect(move(desk, .deposit, "-1", ref: "12").rejection == .badValue(.amount))
        desk.check()
    }

    @Test func `a repeated reference changes nothing, other content is refused`() {
        let desk = Desk()
        move(desk, .deposit, "100", ref: "1")
        #expect(move(desk, .deposit, "100.00", ref: "1").isDuplicate)
        #expect(move(desk, .deposit, "101", ref: "1").rejection == .idReused(Text("1")))
        #expect(move(desk, .withdraw, "100", ref: "1").rejection == .idReused(Text("1")))
        #expect(desk.new(.buy, "1", "1", id: "1").rejection == .idReused(Text("1")))
        #expect(desk.balance() == "100 0 0 0")
        desk.check()
    }

    @Test func `the largest balance: 2^110 is refused, one less is not`() {
        let desk = Desk()
        let limit: Amount = 1 << 110
        func deposit(_ amount: Amount, _ ref: String) -> Outcome {
            desk.run(.money(Money(.deposit, account: 7, asset: 0, amount: amount, reference: Text(ref))))
        }
        #expect(deposit(limit, "a").rejection == .overflow(.balance))
        #expect(deposit(limit - 1, "b").rejection == nil)
        #expect(deposit(1, "c").rejection == .overflow(.balance))
        desk.check()
    }

    @Test func `transfer inside the wallet: both accounts at once`() {
        let desk = Desk()
        desk.deposit("100")
        let transfer = Transfer(account: 7, toAccount: 8, toWallet: 0, asset: 0, amount: amount18("30"), reference: Text("t"))
        #expect(desk.run(.transfer(transfer)).rejection == nil)
        #expect(desk.run(.transfer(transfer)).isDuplicate)
        #expect(desk.balance() == "70 0 0 0")
        #expect(desk.balance(account: 8) == "30 0 0 0")
        let itself = Transfer(account: 7, toAccount: 7, toWallet: 0, asset: 0, amount: 1, reference: Text("u"))
        #expect(desk.run(.transfer(itself)).rejection == .badValue(.wallet))
        desk.check()
    }

    @Test func `transfer to another wallet: in transit until settled, credited once`() {
        let source = Desk()
        let target = Desk(shard: 1)
        source.deposit("100")
        let transfer = Transfer(account: 7, toAccount: 8, toWallet: 1, asset: 0, amount: amount18("30"), reference: Text("t"))
        guard case .transferring(1, 1, 0, _, false) = source.run(.transfer(transfer)) else {
            Issue.record("not sent")
            return
        }
        #expect(source.balance() == "70 0 0 30")
        guard case .transferring(1, 1, 0, _, true) = source.run(.transfer(transfer)) else {
            Issue.record("a repeat of one in flight is not recognised")
            return
        }
        var messages: [TransferReceived] = []
        source.with { $0.forEachUnsettled { message, wallet in
            #expect(wallet == 1)
            messages.append(message)
        } }
        #expect(messages.count == 1)
        for _ in 0..<3 {
            let highest = target.emitting { shard, emit in shard.receive(messages[0], now: target.now, emit: emit) }
            #expect(highest == 1)
        }
        #expect(target.balance(account: 8) == "30 0 0 0")
        for _ in 0..<2 { source.emitting { shard, emit in shard.settle(target: 1, upTo: 1, now: source.now, emit: emit) } }
        #expect(source.balance() == "70 0 0 0")
        guard case .balance(_, _, true) = source.run(.transfer(transfer)) else {
            Issue.record("a repeat of a finished one is not recognised")
            return
        }
        source.check()
        target.check()
    }

    @Test func `transfer: a suspended account sends none, but is credited`() {
        let desk = Desk()
        desk.deposit("100")
        desk.deposit("100", account: 8)
        desk.run(.define(.account(7, .suspended)))
        func transfer(_ from: AccountNumber, _ to: AccountNumber, _ ref: String) -> Outcome {
            desk.run(.transfer(Transfer(account: from, toAccount: to, toWallet: 0, asset: 0, amount: 1, reference: Text(ref))))
        }
        #expect(transfer(7, 8, "a").rejection == .accountSuspended(7))
        #expect(transfer(8, 7, "b").rejection == nil)
        desk.check()
    }

    @Test func `no sum of money can overflow: deposits of a wallet and transfers inside it are bounded`() {
        let desk = Desk()
        let most: Amount = (1 << 110) - 1
        func deposit(_ account: AccountNumber, _ amount: Amount, _ ref: String) -> Outcome {
            desk.run(.money(Money(.deposit, account: account, asset: 0, amount: amount, reference: Text(ref))))
        }
        #expect(deposit(7, most, "a").rejection == nil)
        #expect(deposit(8, 1, "b").rejection == .overflow(.balance))
        desk.run(.transfer(Transfer(account: 7, toAccount: 8, toWallet: 0, asset: 0, amount: most, reference: Text("t"))))
        #expect(deposit(7, 1, "c").rejection == .overflow(.balance))
        desk.run(.money(Money(.withdraw, account: 8, asset: 0, amount: 5, reference: Text("w"))))
        #expect(deposit(7, 5, "d").rejection == nil)
        desk.check()
    }
}
