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
    private let target: Int
    private var random = SplitMix(seed: 23)
    private var resting: [Resting] = []
    /// OrderID's counter -> index in `resting`; -1: gone.
    private var places: [Int32] = [-1]
    private var indices: [OrderID] = []
    private var counter = 0

    init(resting target: Int) {
        shard = MatchWorld.market(now: now)
        self.target = target
    }

    /// A shard with one internal instrument and rich accounts.
    static func market(now: Timestamp) -> Shard {
        var shard = Shard(number: 0)
        var definitions: [Definition] = [
            .wallet(WalletInfo(name: Text("spot"))), .venue(VenueInfo(name: Text("internal"), kind: .internal)),
            .asset(AssetInfo(name: Text("USDT"), decimals: 2)), .asset(AssetInfo(name: Text("BTC"), decimals: 8)),
            .setting(.windowIDs, 1_000),
            .instrument(
                InstrumentInfo(
                    symbol: Text("BTC-USDT"), venue: 0, wallet: 0, base: 1, quote: 0, priceScale: 4, quantityScale: 5,
                    terms: InstrumentTerms(
                        tick: tick, lot: 1, minQuantity: 0, maxQuantity: .max, minNotional: 0, fees: FeeRates(maker: 100, taker: 200)))),
        ]
        for account in 1...accounts { definitions.append(.account(AccountNumber(account), .open)) }
        for definition in definitions { invariantDone(shard.execute(.define(definition), now: now) { _ in }) }
        for account in 1...accounts {
            for asset in 0...1 {
                let deposit = Money(
                    .deposit, account: AccountNumber(account), asset: AssetID(asset), amount: 1_000_000_000 * 1_000_000_000_000_000_000,
                    reference: Text("f\(asset)"))
                invariantDone(shard.execute(.money(deposit), now: now) { _ in })
            }
            // Its position is made before the clock runs.
            let order = NewOrder(
                account: AccountNumber(account), instrument: 0, side: .buy, type: .limit, timeInForce: .gtc, quantity: 1, price: tick, clientID: Text("p"))
            invariantDone(shard.execute(.newOrder(order), now: now) { _ in })
            invariantDone(shard.execute(.cancel(Cancel(account: AccountNumber(account), instrument: 0, order: .client(Text("p")))), now: now) { _ in })
        }
        return shard
    }

    // MARK: Commands

    /// The next of the mix.
    mutating func next() -> Command {
        now += 1
        let draw = resting.count < target ? 0 : random.next(below: 100)
        switch draw {
        // What comes balances what goes; should the book grow all the same, more of it trades.
        case 0..<9: return add(.gtc, resting.count > target * 21 / 20)
        case 9..<12: return add(.ioc, true)
        case 12..<18: return cancel()
        default: return move()
        }
    }

    /// A passive order; for filling a book.
    mutating func rest() -> Command {
        now += 1
        return add(.gtc, false)
    }

    private mutating func add(_ timeInForce: TimeInForce, _ crosses: Bool) -> Command {
        counter += 1
        let side: Side = random.next() & 1 == 0 ? .buy : .sell
        let distance = crosses ? -Int64(random.next(below: 8)) - 1 : Int64(random.next(below: UInt64(spread))) + 1
        let price = MatchWorld.middle + (side == .buy ? -distance : distance) * MatchWorld.tick
        let order = NewOrder(
            account: AccountNumber(random.next(below: UInt64(MatchWorld.accounts)) + 1), instrument: 0, side: side, type: .limit,
            timeInForce: timeInForce, quantity: Quantity(random.next(below: 100)) + 1, price: price, clientID: Text("x-\(counter)"))
        return run(.newOrder(order))
    }

    /// Half the width of the book in ticks: with it about three quarters as many levels as orders are occupied.
    private var spread: Int { max(8, target * 85 / 100) }

    private mutating func cancel() -> Command {
        let it = resting[Int(random.next(below: UInt64(resting.count)))]
        return run(.cancel(Cancel(account: it.account, instrument: 0, order: .client(it.id))))
    }

    /// To another price up to eight ticks away, within the book; one in fifty goes to the other side's prices and trades there.
    private mutating func move() -> Command {
        let place = Int(random.next(below: UInt64(resting.count)))
        let it = resting[place]
        let sign: Int64 = it.side == .buy ? -1 : 1
        let distance = (it.price - MatchWorld.middle) * sign / MatchWorld.tick
        let step = Int64(random.next(below: 16)) - 8
        var moved = distance + (step >= 0 ? step + 1 : step)
        if moved < 1 || moved > Int64(spread) { moved = distance - (step >= 0 ? step + 1 : step) }
        if random.next(below: 50) == 0 { moved = -Int64(random.next(below: 8)) - 1 }
        let price = MatchWorld.middle + moved * sign * MatchWorld.tick
        resting[place].price = price
        return run(.replace(Replace(account: it.account, instrument: 0, order: .client(it.id), quantity: it.quantity, price: price)))
    }

    /// Executes a command here and notes what became of the orders.
    private mutating func run(_ command: Command) -> Command {
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
    /// Levels there are, of both sides.
    var levelCount: Int {
        var count = 0
        for side in [Side.buy, .sell] {
            shard.forEachLevel(0, side) { _ in
                count += 1
                return true
            }
        }
        return count
    }
}
