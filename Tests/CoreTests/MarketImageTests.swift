import Core
import Testing

/// Images of shards with internal venues: read they are the same state, and go on like it; anything else is refused.
@Suite struct MarketImageTests {
    /// A wallet with two internal instruments and one of a manual venue, and random work on them: every kind of order, few prices, so that much meets.
    private final class Bazaar {
        struct Place: ~Copyable { var shard: Shard }
        private(set) var place: Place
        var now: Timestamp = 1_700_000_000_000_000
        var random: Generator
        private var made = 0

        init(seed: UInt64) {
            place = Place(shard: Shard(number: 0))
            random = Generator(state: seed)
            let fees = FeeRates(maker: -20, taker: 500)
            func terms(_ fees: FeeRates) -> InstrumentTerms {
                InstrumentTerms(tick: 100, lot: 10, minQuantity: 10, maxQuantity: 1 << 50, minNotional: 0, fees: fees)
            }
            func instrument(_ symbol: String, venue: VenueID, funds: FundsCheck = .full, _ terms: InstrumentTerms) -> Definition {
                .instrument(
                    InstrumentInfo(
                        symbol: Text(symbol), venue: venue, wallet: 0, base: 1, quote: 0, priceScale: 2, quantityScale: 4, funds: funds, terms: terms))
            }
            for definition: Definition in [
                .asset(AssetInfo(name: Text("USD"), decimals: 2)), .asset(AssetInfo(name: Text("BTC"), decimals: 8)),
                .wallet(WalletInfo(name: Text("spot"))), .venue(VenueInfo(name: Text("house"), kind: .internal)),
                .venue(VenueInfo(name: Text("street"), kind: .manual)), instrument("A", venue: 0, terms(fees)),
                instrument("B", venue: 0, funds: .none, terms(FeeRates())), instrument("C", venue: 1, terms(FeeRates())),
            ] + (1...4).map({ .account($0, .open) }) { run(.define(definition)) }
            for account: AccountNumber in 1...4 {
                for asset: AssetID in 0...1 {
                    run(.money(Money(.deposit, account: account, asset: asset, amount: amount18("100000"), reference: Text("d\(account)-\(asset)"))))
                }
            }
            var change = LimitsChange()
            change.takerFee = 100
            change.selfTrade = .decrement
            run(.setLimits(SetLimits(account: 2, change: change)))
        }

        var hash: UInt64 { place.shard.stateHash() }

        @discardableResult
        func run(_ command: Command) -> Outcome { place.shard.execute(command, now: now) { _ in } }

        private func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
        private func oneIn(_ n: Int) -> Bool { pick(1...n) == 1 }
        private func price() -> Price { Price(pick(95...105)) * 100 }

        /// One random step; what came of it.
        func step() -> String {
            now += Timestamp(oneIn(50) ? pick(1...7_200) * 1_000_000 : pick(0...2_000))
            let account = AccountNumber(pick(1...4))
            let instrument = InstrumentID(pick(0...20) == 0 ? 2 : pick(0...1))
            switch pick(0...19) {
            case 0...11: return "\(run(.newOrder(order(account, instrument))))"
            case 12...14:
                let reference = OrderReference.client(Text("o\(Swift.max(0, made - pick(0...60)))"))
                return "\(run(.cancel(Cancel(account: account, instrument: instrument, order: reference))))"
            case 15...16:
                var replace = Replace(
                    account: account, instrument: instrument, order: .client(Text("o\(Swift.max(0, made - pick(0...60)))")),
                    quantity: Quantity(pick(1...40)) * 10, price: price())
                if oneIn(3) { replace.stop = price() }
                return "\(run(.replace(replace)))"
            case 17: return "\(run(.setMark(SetMark(instrument: instrument, price: price()))))"
            case 18: return oneIn(4) ? "\(run(.cancelAll(CancelAll(account: account))))" : "-"
            default:
                let count = place.shard.expire(now: now, max: 10) { _ in }
                return "\(count) expired"
            }
        }

        private func order(_ account: AccountNumber, _ instrument: InstrumentID) -> NewOrder {
            made += 1
            let kinds: [TimeInForce] = [.gtc, .gtc, .gtc, .gtd, .ioc, .fok]
            var new = NewOrder(
                account: account, instrument: instrument, side: oneIn(2) ? .buy : .sell, type: oneIn(8) ? .market : .limit,
                timeInForce: kinds[pick(0...5)], quantity: Quantity(pick(1...40)) * 10, price: price(), clientID: Text("o\(made)"))
            if new.timeInForce == .gtd { new.expire = now + Timestamp(pick(1...3_600_000_000)) }
            if new.type == .market {
                new.price = 0
                new.timeInForce = .ioc
                if oneIn(2), new.side == .buy { new.max = amount18("50") }
            }
            if oneIn(6) { new.strategy = Text("s\(pick(1...5))") }
            if instrument == 2 { return new }
            if oneIn(4) { new.instructions.display = Quantity(pick(1...5)) * 10 }
            if oneIn(8) { new.instructions.postOnly = true }
            if oneIn(6) { new.instructions.reduceOnly = true }
            if oneIn(5) { new.instructions.selfTrade = SelfTradePrevention(rawValue: UInt8(pick(0...4)))! }
            if oneIn(4) {
                new.instructions.trigger = oneIn(2) ? .stop : .takeProfit
                new.instructions.triggerPrice = oneIn(2) ? .mark : .last
                new.instructions.stop = price()
            }
            if oneIn(5) {
                // The account's newest order that could be a first leg, if it is one.
                place.shard.forEachOrder(account: account, instrument: instrument, status: .open, after: 0, limit: 1_000) { it in
                    new.oco = it.clientID
                    new.side = it.side
                    new.quantity = it.quantity
                }
                new.instructions.display = 0
            }
            return new
        }

        func image() throws -> [UInt8] {
            var bytes: [UInt8] = []
            var out = ImageWriter { bytes += $0 }
            try place.shard.write(to: &out)
            try out.flush()
            return bytes
        }

        func load(_ bytes: [UInt8]) throws -> Place {
            var loaded = Place(shard: Shard(number: 0))
            for number in 1...place.shard.registry.number {
                loaded.shard.evolve(.defined(number: number, place.shard.definition(number: number)), at: 0)
            }
            try bytes.withUnsafeBytes { raw in
                var isGiven = false
                var source = ImageReader {
                    defer { isGiven = true }
                    return isGiven ? nil : raw
                }
                try loaded.shard.read(from: &source)
                try source.finish()
            }
            return loaded
        }

        func take(_ other: consuming Place) { place = other }
    }

    /// What a random state must have had for the tests below to mean anything.
    private struct Seen {
        var armed = 0, pairs = 0, icebergs = 0, triggered = 0, rates = 0, resting = 0
        var reasons: Set<CancelReason> = []

        mutating func look(_ shard: borrowing Shard) {
            for account: AccountNumber in 1...4 {
                shard.forEachOrder(account: account, instrument: -1, status: .all, after: 0, limit: 1_000_000) { it in
                    if it.view.status.isOpen {
                        resting += 1
                        if it.isArmed { armed += 1 }
                        if it.oco != 0 { pairs += 1 }
                        if it.instructions.display != 0 { icebergs += 1 }
                    } else if it.view.status == .canceled {
                        reasons.insert(it.reason)
                    }
                }
            }
        }
    }

    @Test(arguments: [UInt64(1), 2, 3, 4]) func `random venues: an image is the same state, and goes on like it`(seed: UInt64) throws {
        let (live, read) = (Bazaar(seed: seed), Bazaar(seed: seed))
        var seen = Seen()
        for step in 0..<6_000 {
            let (a, b) = (live.step(), read.step())
            #expect(a == b, "step \(step)")
            if step % 50 == 49 {
                seen.look(read.place.shard)
                read.take(try read.load(read.image()))
                let (x, y) = (live.hash, read.hash)
                #expect(x == y, "after an image at step \(step) it is another state")
                let holds = read.place.shard.reservesMatch()
                let fault = read.place.shard.conservationFault()
                #expect(holds && fault == nil)
                if x != y { return }
            }
        }
        #expect(seen.armed > 10 && seen.pairs > 10 && seen.icebergs > 10 && seen.resting > 100, "\(seen)")
        #expect(seen.reasons.isSuperset(of: [.unfilled, .selfTrade, .reduceOnly, .oco]), "\(seen.reasons)")
    }

    @Test func `cut anywhere, or longer: refused`() throws {
        let world = Bazaar(seed: 5)
        for _ in 0..<400 { _ = world.step() }
        let whole = try world.image()
        _ = try world.load(whole)
        for count in 0..<whole.count {
            #expect(throws: ImageError.self, "cut after \(count) of \(whole.count) bytes") { _ = try world.load(Array(whole[..<count])) }
        }
        #expect(throws: ImageError.self) { _ = try world.load(whole + [0]) }
    }

    @Test(arguments: [UInt64(1), 2]) func `changed bytes: refused, or a state that holds its laws`(seed: UInt64) throws {
        let world = Bazaar(seed: seed &+ 100)
        for _ in 0..<600 { _ = world.step() }
        let whole = try world.image()
        var random = Generator(state: seed)
        var refused = 0
        let tries = 20_000
        for _ in 0..<tries {
            let bytes = damaged(whole, places: 1...3, &random)
            do {
                let loaded = try world.load(bytes)
                let holds = loaded.shard.reservesMatch()
                #expect(holds, "an image was taken whose reserves are not what its orders hold")
            } catch is ImageError {
                refused += 1
            }
        }
        #expect(refused > tries / 4 && refused < tries)
    }

    @Test func `without an internal venue an image has none of its parts`() throws {
        let desk = Desk()
        desk.deposit("1000")
        desk.new(.buy, "0.5", "640", id: "open")
        let bytes = try Array(desk.image().joined())
        // lastOrder, lastTrade, open; strategies; three marks: nothing follows what is remembered, a deposit.
        #expect(bytes.starts(with: [2, 0, 2, 0, 0, 0, 0]))
        let blocks = try desk.image()
        #expect(throws: ImageError("a part that is not known")) { _ = try desk.load([blocks[0] + [77]]) }
        #expect(throws: ImageError.self) { _ = try desk.load([blocks[0] + [2, 2]]) }
    }
}
