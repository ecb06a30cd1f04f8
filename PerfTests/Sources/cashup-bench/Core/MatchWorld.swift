import Core
import Load

/// A book in motion: about `resting` orders in three quarters as many levels, and the commands of exchange-core's published mix for it: 9 % GTC, 3 % IOC,
/// 6 % cancel, 82 % move. The commands are made on a shard of their own, ahead of the one that is measured, so that what they name is still open there.
struct MatchWorld: ~Copyable {
    static let accounts = 1_000
    static let middle: Price = 10_000_000
    static let tick: Price = 100

    /// An order that rests.
    private struct Resting {
        var account: AccountNumber
        var id: Text
        var side: Side
        var quantity: Quantity
        var filled: Quantity = 0
        var price: Price
    }

    private var shard: Shard
    private(set) var now: Timestamp = 1_763_798_400_000_000
    /// So many rest, but for what a command in between has changed.
    let target: Int
    /// Quantities are 1 to this many lots.
    private let lots: UInt64
    /// Ticks between the middle and the best price of either side.
    private let gap: Int
    private var random = SplitMix(seed: 23)
    private var resting: [Resting] = []
    /// OrderID's counter -> index in `resting`; -1: gone.
    private var places: [Int32] = [-1]
    private var indices: [OrderID] = []
    private var counter = 0

    init(resting target: Int, lots: Int = 100, gap: Int = 0) {
        shard = MatchWorld.market(now: now)
        self.target = target
        self.lots = UInt64(lots)
        self.gap = gap
    }

    /// A shard with one internal instrument and rich accounts.
    static func market(now: Timestamp) -> Shard {
        var shard = Shard(number: 0)
        for command in setUp() { invariantDone(shard.execute(command, now: now) { _ in }) }
        return shard
    }

    /// What makes the market, as commands.
    static func setUp() -> [Command] {
        let terms = InstrumentTerms(tick: tick, lot: 1, minQuantity: 0, maxQuantity: .max, minNotional: 0, fees: FeeRates(maker: 100, taker: 200))
        var definitions: [Definition] = [
            .wallet(WalletInfo(name: Text("spot"))), .venue(VenueInfo(name: Text("internal"), kind: .internal)),
            .asset(AssetInfo(name: Text("USDT"), decimals: 2)), .asset(AssetInfo(name: Text("BTC"), decimals: 8)),
            // The smallest window: the cost of forgetting is part of the cost of an operation.
            .setting(.windowIDs, 1_000),
            .instrument(
                InstrumentInfo(
                    symbol: Text("BTC-USDT"), venue: 0, wallet: 0, base: 1, quote: 0, priceScale: 4, quantityScale: 5, terms: terms)),
        ]
        for account in 1...accounts { definitions.append(.account(AccountNumber(account), .open)) }
        var commands = definitions.map(Command.define)
        for account in AccountNumber(1)...AccountNumber(accounts) {
            for asset in AssetID(0)...1 {
                commands.append(
                    .money(
                        Money(
                            .deposit, account: account, asset: asset, amount: 1_000_000_000 * 1_000_000_000_000_000_000, reference: Text("f\(asset)"))))
            }
            // An account's first order makes its position, once; so it is made before the clock runs.
            commands.append(
                .newOrder(
                    NewOrder(
                        account: account, instrument: 0, side: .buy, type: .limit, timeInForce: .gtc, quantity: 1, price: tick, clientID: Text("p"))))
            commands.append(.cancel(Cancel(account: account, instrument: 0, order: .client(Text("p")))))
        }
        return commands
    }

    // MARK: Commands

    /// The next of the mix.
    mutating func next() -> Command {
        let draw = resting.count < target ? 0 : random.next(below: 100)
        switch draw {
        // What comes balances what goes; should the book grow all the same, more of it trades.
        case 0..<9: return add(.gtc, crossing: resting.count > target * 21 / 20)
        case 9..<12: return add(.ioc, crossing: true)
        case 12..<18: return cancel()
        default: return move(crossing: true)
        }
    }

    /// A passive order.
    mutating func rest() -> Command {
        add(.gtc, crossing: false)
    }

    /// One of a level of makers in front of the book, `place` ticks from the middle, one lot, of the first half of the accounts.
    mutating func makerInFront(_ side: Side, place: Int) -> Command {
        add(.gtc, side, place, quantity: 1, accounts: 0..<MatchWorld.accounts / 2)
    }

    /// An IOC order of the other half for exactly the `makers` of the best level, there.
    mutating func takerOfLevel(_ side: Side, place: Int, makers: Int) -> Command {
        add(.ioc, side, -place, quantity: Quantity(makers), accounts: MatchWorld.accounts / 2..<MatchWorld.accounts)
    }

    private mutating func add(_ timeInForce: TimeInForce, crossing: Bool) -> Command {
        let side: Side = random.next() & 1 == 0 ? .buy : .sell
        let distance = crossing ? -Int(random.next(below: 8)) - 1 - gap : Int(random.next(below: UInt64(spread))) + 1 + gap
        return add(timeInForce, side, distance, quantity: Quantity(random.next(below: lots)) + 1, accounts: 0..<MatchWorld.accounts)
    }

    private mutating func add(_ timeInForce: TimeInForce, _ side: Side, _ distance: Int, quantity: Quantity, accounts: Range<Int>) -> Command {
        counter += 1
        let account = AccountNumber(accounts.lowerBound + Int(random.next(below: UInt64(accounts.count))) + 1)
        return run(
            .newOrder(
                NewOrder(
                    account: account, instrument: 0, side: side, type: .limit, timeInForce: timeInForce, quantity: quantity,
                    price: price(side, distance), clientID: Text("x-\(counter)"))))
    }

    /// So many ticks away from the middle, on the side's own half; negative: on the other.
    private func price(_ side: Side, _ distance: Int) -> Price {
        MatchWorld.middle + Price(side == .buy ? -distance : distance) * MatchWorld.tick
    }

    /// Half the width of the book in ticks: with it about three quarters as many levels as orders are occupied.
    private var spread: Int { max(8, target * 85 / 100) }

    mutating func cancel() -> Command {
        let it = resting[Int(random.next(below: UInt64(resting.count)))]
        return run(.cancel(Cancel(account: it.account, instrument: 0, order: .client(it.id))))
    }

    /// To another price up to eight ticks away, within the book; with `crossing` one in fifty goes to the other side's prices and trades there.
    mutating func move(crossing: Bool) -> Command {
        let place = Int(random.next(below: UInt64(resting.count)))
        let it = resting[place]
        let distance = Int((it.side == .buy ? MatchWorld.middle - it.price : it.price - MatchWorld.middle) / MatchWorld.tick) - gap
        let draw = Int(random.next(below: 16)) - 8
        let step = draw >= 0 ? draw + 1 : draw
        var moved = (1...spread).contains(distance + step) ? distance + step : distance - step
        if crossing, random.next(below: 50) == 0 { moved = -Int(random.next(below: 8)) - 1 - 2 * gap }
        resting[place].price = price(it.side, moved + gap)
        return run(
            .replace(Replace(account: it.account, instrument: 0, order: .client(it.id), quantity: it.quantity, price: resting[place].price)))
    }

    /// A lot less of an order that has more than one left, in place.
    mutating func reduce() -> Command {
        var place: Int
        repeat { place = Int(random.next(below: UInt64(resting.count))) } while resting[place].quantity - resting[place].filled < 2
        resting[place].quantity -= 1
        let it = resting[place]
        return run(.replace(Replace(account: it.account, instrument: 0, order: .client(it.id), quantity: it.quantity, price: it.price)))
    }

    /// Executes a command here and notes what became of the orders.
    private mutating func run(_ command: Command) -> Command {
        now += 1
        var mutations: [Mutation] = []
        invariantDone(shard.execute(command, now: now) { mutations.append(copy $0) })
        for mutation in mutations {
            switch mutation {
            case .orderAccepted(let it):
                while places.count <= Int(it.id & 0xFF_FFFF_FFFF) { places.append(-1) }
                places[Int(it.id & 0xFF_FFFF_FFFF)] = Int32(resting.count)
                resting.append(Resting(account: it.account, id: it.clientID, side: it.side, quantity: it.quantity, price: it.price))
                indices.append(it.id)
            case .orderCanceled(let it): remove(it.order)
            case .matched(let it):
                fill(it.maker, it.quantity)
                fill(it.taker, it.quantity)
            default: break
            }
        }
        return command
    }

    private mutating func fill(_ order: OrderID, _ quantity: Quantity) {
        let place = Int(places[Int(order & 0xFF_FFFF_FFFF)])
        resting[place].filled += quantity
        if resting[place].filled == resting[place].quantity { remove(order) }
    }

    private mutating func remove(_ order: OrderID) {
        let place = Int(places[Int(order & 0xFF_FFFF_FFFF)])
        places[Int(order & 0xFF_FFFF_FFFF)] = -1
        let last = resting.count - 1
        if place != last {
            resting[place] = resting[last]
            indices[place] = indices[last]
            places[Int(indices[place] & 0xFF_FFFF_FFFF)] = Int32(place)
        }
        resting.removeLast()
        indices.removeLast()
    }

    var restingCount: Int { resting.count }
    /// Whether the other shard has the same book, level by level.
    func isSame(_ other: borrowing Shard) -> Bool { MatchWorld.book(shard) == MatchWorld.book(other) }

    private static func book(_ shard: borrowing Shard) -> [BookLevel] {
        var levels: [BookLevel] = []
        for side in [Side.buy, .sell] {
            shard.forEachLevel(0, side) {
                levels.append($0)
                return true
            }
        }
        return levels
    }

    /// Levels there are, of both sides.
    var levelCount: Int { MatchWorld.book(shard).count }
}
