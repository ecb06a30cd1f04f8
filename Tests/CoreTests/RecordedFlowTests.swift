import Core
import Testing

/// What two venues recorded, on an internal instrument.
@Suite(.enabled(if: RecordedFlow.areThere, "no recorded order flow in ../shared/data"))
struct RecordedFlowTests {
    @Test("recorded flow, AAPL: as resting orders it gives the book that plain dictionaries give; nothing in it crosses")
    func aapl() throws {
        let found = try rest(RecordedFlow.aapl())
        #expect(found.crossing == 0)
        #expect(found.unknown == 9)
        #expect(found.resting == 38)
    }

    /// 333 of the 24,894 orders came to take: the file has them like all others. Here they are refused, and what became of them is of an unknown order.
    @Test("recorded flow, Bitstamp: as resting orders it gives the book that plain dictionaries give")
    func bitstamp() throws {
        let found = try rest(RecordedFlow.bitstamp())
        #expect(found.crossing == 333)
        #expect(found.resting == 184)
    }

    @Test("recorded flow with aggressive orders mixed in: what a replay of the mutations gives is what was live", arguments: [1, 2] as [UInt64])
    func aggressive(seed: UInt64) throws {
        for flow in [try RecordedFlow.aapl(), try RecordedFlow.bitstamp()] {
            let market = RecordedMarket(flow)
            var random = Generator(state: seed)
            for event in flow.events {
                // Refusals are part of it: an order may be gone by the time it is changed.
                _ = market.apply(event, postOnly: false)
                if random.next() % 4 == 0 { market.attack(&random) }
                market.checkUncrossed()
            }
            #expect(market.matches > flow.events.count / 20, "nothing traded")
            market.check()
        }
    }

    private func rest(_ flow: RecordedFlow) throws -> (crossing: Int, unknown: Int, resting: Int) {
        var plain = PlainBook()
        let market = RecordedMarket(flow)
        var (crossing, unknown) = (0, 0)
        for event in flow.events {
            plain.apply(event)
            switch market.apply(event, postOnly: true) {
            case .rejected(.wouldTake): crossing += 1
            case .rejected(.unknownOrder): unknown += 1
            case .rejected(let why): Issue.record("\(why)")
            // The file tells the end of some orders twice; to cancel a cancelled order is a repeat.
            case .order(let view, duplicate: true): if view.status == .canceled { unknown += 1 }
            default: break
            }
        }
        for side in [Side.buy, .sell] { #expect(market.levels(side) == plain.levels(side)) }
        #expect(crossing == plain.crossing)
        #expect(unknown == plain.unknown)
        #expect(market.matches == 0)
        market.check()
        return (crossing, unknown, plain.orders.count)
    }
}

/// An internal instrument that recorded orders come to, and all that it recorded itself.
private final class RecordedMarket {
    private struct Shards: ~Copyable { var live = Shard(number: 0) }
    private var shards = Shards()
    private var log: [(mutation: Mutation, time: Timestamp)] = []
    private(set) var matches = 0
    private var now: Timestamp = 1_430_438_400_000_000
    private var attacks = 0
    private static let accounts: AccountNumber = 8
    private static let attackers: AccountNumber = 3

    init(_ flow: RecordedFlow) {
        var commands: [Command] = [
            .define(.asset(AssetInfo(name: Text("USD"), decimals: 2))), .define(.asset(AssetInfo(name: Text("BASE"), decimals: 8))),
            .define(.wallet(WalletInfo(name: Text("spot")))), .define(.venue(VenueInfo(name: Text("book"), kind: .internal))),
            .define(
                .instrument(
                    InstrumentInfo(
                        symbol: Text("BASE-USD"), venue: 0, wallet: 0, base: 1, quote: 0, priceScale: flow.priceScale, quantityScale: flow.quantityScale,
                        terms: InstrumentTerms(
                            tick: 1, lot: 1, minQuantity: 1, maxQuantity: .max, minNotional: 0, fees: FeeRates(maker: -50, taker: 1_000))))),
        ]
        for account in 1...RecordedMarket.accounts + RecordedMarket.attackers {
            commands.append(.define(.account(account, .open)))
            for asset in AssetID(0)...1 {
                let amount: Amount = 100_000_000_000 * 1_000_000_000_000_000_000
                commands.append(.money(Money(.deposit, account: account, asset: asset, amount: amount, reference: Text("d\(asset)"))))
            }
        }
        for command in commands { if case .rejected(let why) = run(command) { Issue.record("\(why)") } }
    }

    private func run(_ command: Command) -> Outcome {
        now += 1_000
        return shards.live.execute(command, now: now) {
            log.append((copy $0, now))
            if case .matched = copy $0 { matches += 1 }
        }
    }

    // MARK: Events

    func apply(_ event: FlowEvent, postOnly: Bool) -> Outcome {
        switch event {
        case .add(let id, let side, let price, let quantity):
            var options = Instructions()
            options.postOnly = postOnly
            return run(
                .newOrder(
                    NewOrder(
                        account: account(id), instrument: 0, side: side, type: .limit, timeInForce: .gtc, quantity: quantity, price: price,
                        clientID: name(id), instructions: options)))
        case .change(let id, let price, let left): return replace(id, price, left)
        case .less(let id, let quantity):
            guard let order = order(id) else { return remove(id) }
            return order.view.leaves > quantity ? replace(id, order.price, order.view.leaves - quantity) : remove(id)
        case .remove(let id): return remove(id)
        }
    }

    private func account(_ id: Int64) -> AccountNumber { id % RecordedMarket.accounts + 1 }
    private func name(_ id: Int64) -> Text { Text("r\(id)") }
    private func order(_ id: Int64) -> OrderDetail? { shards.live.order(account: account(id), instrument: 0, .client(name(id))) }

    /// So much is left of it from now on.
    private func replace(_ id: Int64, _ price: Price, _ left: Quantity) -> Outcome {
        let traded = order(id)?.view.cumulative ?? 0
        return run(.replace(Replace(account: account(id), instrument: 0, order: .client(name(id)), quantity: traded + left, price: price)))
    }

    private func remove(_ id: Int64) -> Outcome { run(.cancel(Cancel(account: account(id), instrument: 0, order: .client(name(id))))) }

    /// An order that takes up to two and a half of the first level, or, one in eight, a market order.
    func attack(_ random: inout Generator) {
        let side: Side = random.next() % 2 == 0 ? .buy : .sell
        guard let best = bestLevel(side == .buy ? .sell : .buy) else { return }
        attacks += 1
        let quantity = Swift.max(1, Quantity(best.quantity) * Quantity(random.next() % 5 + 1) / 2)
        let isMarket = random.next() % 8 == 0
        let slip = Price(random.next() % 3) * (side == .buy ? 1 : -1)
        let timeInForce: [TimeInForce] = [.ioc, .gtc, .fok]
        _ = run(
            .newOrder(
                NewOrder(
                    account: RecordedMarket.accounts + AccountNumber(random.next() % UInt64(RecordedMarket.attackers)) + 1, instrument: 0, side: side,
                    type: isMarket ? .market : .limit, timeInForce: isMarket ? .ioc : timeInForce[Int(random.next() % 3)], quantity: quantity,
                    price: isMarket ? 0 : best.price + slip, clientID: Text("a\(attacks)"))))
    }

    // MARK: Reads

    private func bestLevel(_ side: Side) -> BookLevel? {
        let market = shards.live.marketView(0, now: now)
        return side == .buy ? market?.bid : market?.ask
    }

    func levels(_ side: Side) -> [PlainBook.Level] {
        var all: [PlainBook.Level] = []
        shards.live.forEachLevel(0, side) { level in
            all.append(PlainBook.Level(price: level.price, quantity: level.quantity, ids: []))
            return true
        }
        for index in all.indices {
            shards.live.forEachOrder(0, side, price: all[index].price) { id, _ in
                all[index].ids.append(Int64(shards.live.order(id: id)!.clientID.string.dropFirst())!)
            }
        }
        return all
    }

    func checkUncrossed() {
        guard let bid = bestLevel(.buy), let ask = bestLevel(.sell) else { return }
        #expect(bid.price < ask.price)
    }

    /// Replay, money, reserves.
    func check() {
        var replayed = Shard(number: 0)
        for (mutation, time) in log { replayed.evolve(mutation, at: time) }
        #expect(replayed.stateHash() == shards.live.stateHash(), "replay differs from live")
        let (fault, reservesMatch) = (shards.live.conservationFault(), shards.live.reservesMatch())
        #expect(fault == nil)
        #expect(reservesMatch)
    }
}
