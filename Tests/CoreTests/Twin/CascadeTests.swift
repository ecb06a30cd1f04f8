import Core
import Testing
import Twin

/// What takes too many orders for a script.
@Suite struct CascadeTests {
    private func venue(_ venue: any Venue) -> (NewOrder) -> Answer {
        let definitions: [Definition] = [
            .asset(AssetInfo(name: Text("USD"), decimals: 2)), .asset(AssetInfo(name: Text("BTC"), decimals: 2)),
            .wallet(WalletInfo(name: Text("spot"))), .venue(VenueInfo(name: Text("book"), kind: .internal)),
            .instrument(
                InstrumentInfo(
                    symbol: Text("PERP"), venue: 0, wallet: 0, base: 1, quote: 0, priceScale: 0, quantityScale: 0, funds: .none,
                    terms: InstrumentTerms(tick: 1, lot: 1, minQuantity: 1, maxQuantity: 1 << 40, minNotional: 0))),
            .setting(.windowIDs, 1_000), .account(7, .open), .account(8, .open),
        ]
        for definition in definitions { _ = venue.run(.define(definition), now: 1) }
        return { venue.run(.newOrder($0), now: 2).answer }
    }

    private func order(_ account: AccountNumber, _ side: Side, _ quantity: Quantity, _ price: Price, _ id: String, stop: Price = 0) -> NewOrder {
        var new = NewOrder(
            account: account, instrument: 0, side: side, type: price == 0 ? .market : .limit, timeInForce: .gtc, quantity: quantity, price: price,
            clientID: Text(id))
        new.instructions.stop = stop
        if stop != 0 { new.instructions.trigger = .stop }
        return new
    }

    /// The window forgets four closed orders with each record, so the order of the command itself is forgotten before its cascade is through.
    @Test func `a cascade that closes more orders than the window remembers: the answer is of the command's own order`() {
        let core = CoreVenue()
        for (name, venue) in [("twin", Twin() as any Venue), ("Core", core)] {
            let new = self.venue(venue)
            _ = new(order(8, .sell, 1, 100, "first"))
            for step in 1...1_500 {
                _ = new(order(8, .sell, 1, 100 + Price(step), "s\(step)"))
                _ = new(order(7, .buy, 1, 0, "b\(step)", stop: 100 + Price(step) - 1))
            }
            guard case .order(let view, false) = new(order(7, .buy, 1, 100, "start")) else {
                Issue.record("\(name): not accepted")
                continue
            }
            #expect(view.status == .filled && view.cumulativeCost == 100, "\(name)")
            #expect(venue.last(0) == 1_600, "\(name)")
            #expect(venue.openOrders(7) == [] && venue.openOrders(8) == [], "\(name)")
            #expect(venue.position(7, 0)?.quantity == 1_501, "\(name)")
        }
        let fault = core.fault()
        #expect(fault == nil)
        #expect(core.detail(1) == nil, "the first order should be forgotten")
    }

    @Test func `an instrument takes 100,000 armed orders`() {
        let core = CoreVenue()
        let new = venue(core)
        for step in 0..<100_000 { _ = new(order(7, .buy, 1, 0, "b\(step)", stop: 1_000 + Price(step % 700))) }
        #expect(new(order(7, .buy, 1, 0, "one more", stop: 1_000)) == .rejected(.tableFull(.triggers, max: 100_000)))
        _ = core.run(.cancel(Cancel(account: 7, instrument: 0, order: .client(Text("b5")))), now: 3)
        guard case .order = new(order(7, .buy, 1, 0, "one more", stop: 1_000)) else {
            Issue.record("a place that is free is not given")
            return
        }
        let fault = core.fault()
        #expect(fault == nil)
    }
}
