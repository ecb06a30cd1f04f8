import Core
import Testing

/// A command's order is looked for first where it was when its memory was asked for. It may be gone since, forgotten, or another may be there.
@Suite struct GuessTests {
    private func order(_ id: String) -> NewOrder {
        NewOrder(
            account: 7, instrument: Desk.perp, side: .buy, type: .limit, timeInForce: .gtc, quantity: 5, price: 100, clientID: Text(id))
    }

    private func replace(_ id: String) -> Replace { Replace(account: 7, instrument: Desk.perp, order: .client(Text(id)), quantity: 4, price: 100) }

    /// A desk that remembers little, with one order, and where a replace of it finds it.
    private func desk(_ id: String) -> (Desk, Shard.Ahead) {
        let desk = Desk()
        desk.run(.define(.setting(.windowIDs, 1_000)))
        desk.run(.newOrder(order(id)))
        let ahead = desk.with { shard in
            var ahead = shard.ahead(of: replace(id))
            for _ in 0..<2 { shard.prefetch(&ahead) }
            return ahead
        }
        return (desk, ahead)
    }

    private func answer(_ desk: Desk, _ id: String, _ ahead: Shard.Ahead) -> Outcome {
        desk.emitting { shard, emit in
            shard.execute(replace(id), ahead: ahead, now: desk.now, emit: { emit(.orderReplaced(copy $0)) }, then: emit)
        }
    }

    private func isUnknown(_ outcome: Outcome) -> Bool {
        if case .rejected(.unknownOrder) = outcome { true } else { false }
    }

    private func cancel(_ desk: Desk, _ id: String) { desk.run(.cancel(Cancel(account: 7, instrument: Desk.perp, order: .client(Text(id))))) }

    /// Fills the window, so that what was closed before is forgotten; nothing is put where it was.
    private func forget(_ desk: Desk) {
        for index in 0..<1_002 { desk.run(.money(Money(.deposit, account: 8, asset: Desk.usd, amount: 10_000_000_000_000_000, reference: Text("d\(index)")))) }
    }

    @Test("a guess that holds: the order is replaced")
    func right() {
        let (desk, ahead) = desk("a")
        guard case .order(let view, false) = answer(desk, "a", ahead) else { Issue.record("refused"); return }
        #expect(view.leaves == 4)
        desk.check()
    }

    @Test("an order that is forgotten is unknown, though its slot still looks like it")
    func forgotten() {
        let (desk, ahead) = desk("a")
        cancel(desk, "a")
        forget(desk)
        #expect(isUnknown(answer(desk, "a", ahead)))
        desk.check()
    }

    @Test("another order where it was: that is left alone")
    func another() {
        let (desk, ahead) = desk("a")
        cancel(desk, "a")
        forget(desk)
        desk.run(.newOrder(order("b")))
        #expect(isUnknown(answer(desk, "a", ahead)))
        // The id anew, elsewhere: that one is meant.
        desk.run(.newOrder(order("a")))
        guard case .order(let view, false) = answer(desk, "a", ahead) else { Issue.record("refused"); return }
        #expect(view.leaves == 4)
        desk.check()
    }

    @Test("another account's order of the same id: that is left alone")
    func anotherAccount() {
        let (desk, ahead) = desk("a")
        var other = replace("a")
        other.account = 8
        let answer = desk.emitting { shard, emit in
            shard.execute(other, ahead: ahead, now: desk.now, emit: { emit(.orderReplaced(copy $0)) }, then: emit)
        }
        #expect(isUnknown(answer))
        desk.check()
    }
}
