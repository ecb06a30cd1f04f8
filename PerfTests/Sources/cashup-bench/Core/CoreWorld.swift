import Core
import Load

/// A shard with `openOrders` open orders, and commands for it that were made before the clock runs.
///
/// Accounts and instruments are drawn uniformly for each order, prices lie within 50 ticks, quantities are uniform in 1...10^6 lots, either
/// side; ids are `s<1-64>-<counter>`. A cancel, a replace or a fill takes any open order, not the newest.
struct CoreWorld: ~Copyable {
    struct Shape {
        var openOrders: Int
        var accounts: Int
        var instruments: Int
    }

    /// What is known of an order that is open.
    struct Open {
        var account: AccountNumber
        var instrument: InstrumentID
        var id: Text
        var side: Side
        var quantity: Quantity
        var price: Price
        var filled: Quantity = 0
    }

    var shard = Shard(number: 0)
    let shape: Shape
    private var random = SplitMix(seed: 7)
    private(set) var open: [Open] = []
    private var counter = 0
    private(set) var now: Timestamp = 1_763_798_400_000_000

    init(_ shape: Shape) {
        self.shape = shape
        define()
        open.reserveCapacity(shape.openOrders)
        for _ in 0..<shape.openOrders {
            let order = newOrder()
            invariantDone(shard.execute(order, now: now, emit: { _ in }, then: { _ in }))
        }
    }

    private mutating func define() {
        var definitions: [Definition] = [
            .wallet(WalletInfo(name: Text("spot"))), .venue(VenueInfo(name: Text("ext"), kind: .manual)),
            .asset(AssetInfo(name: Text("USD"), decimals: 2)),
            // The smallest window: the cost of forgetting is part of the cost of an operation.
            .setting(.windowIDs, 1_000),
        ]
        for number in 0..<assets {
            definitions.append(.asset(AssetInfo(name: Text("C\(number)"), decimals: 8)))
        }
        for number in 0..<shape.instruments {
            definitions.append(
                .instrument(
                    InstrumentInfo(
                        symbol: Text("I\(number)-USD"), venue: 0, wallet: 0, base: AssetID(number % assets + 1), quote: 0, priceScale: 4,
                        quantityScale: 8, funds: .full,
                        terms: InstrumentTerms(tick: 100, lot: 1, minQuantity: 0, maxQuantity: .max, minNotional: 0))))
        }
        for account in 1...shape.accounts { definitions.append(.account(AccountNumber(account), .open)) }
        for definition in definitions { invariantDone(shard.execute(.define(definition), now: now) { _ in }) }
        for account in 1...shape.accounts {
            for asset in 0...(hasSales ? assets : 0) {
                let deposit = Money(
                    .deposit, account: AccountNumber(account), asset: AssetID(asset), amount: 1_000_000_000 * 1_000_000_000_000_000_000,
                    reference: Text("f\(asset)"))
                invariantDone(shard.execute(.money(deposit), now: now) { _ in })
            }
        }
        if shape.accounts * shape.instruments <= 100_000 { openPositions() }
    }

    /// An account's first order in an instrument makes its position, once; so it is made before the clock runs.
    private mutating func openPositions() {
        for account in 1...shape.accounts {
            for instrument in 0..<shape.instruments {
                let id = Text("p\(instrument)")
                let order = NewOrder(
                    account: AccountNumber(account), instrument: InstrumentID(instrument), side: .buy, type: .limit, timeInForce: .gtc, quantity: 1,
                    price: 10_000_000, clientID: id)
                invariantDone(shard.execute(order, now: now, emit: { _ in }, then: { _ in }))
                let cancel = Cancel(account: AccountNumber(account), instrument: InstrumentID(instrument), order: .client(id))
                invariantDone(shard.execute(cancel, now: now) { _ in })
            }
        }
    }

    /// Bases; a few instruments may share one.
    private var assets: Int { min(shape.instruments, 100) }

    /// Sales need a balance of each asset in each account; where that is more than a million balances there are only purchases.
    private var hasSales: Bool { shape.accounts * assets <= 1_000_000 }

    /// A new order, noted as open.
    mutating func newOrder() -> NewOrder {
        counter += 1
        let word = random.next()
        let account = AccountNumber(random.next(below: UInt64(shape.accounts)) + 1)
        let instrument = InstrumentID(random.next(below: UInt64(shape.instruments)))
        let side: Side = word & 1 == 0 || !hasSales ? .buy : .sell
        let order = NewOrder(
            account: account, instrument: instrument, side: side, type: .limit, timeInForce: .gtc,
            quantity: Quantity(random.next(below: 1_000_000)) + 1, price: 10_000_000 + Price((word >> 8) % 101) * 100,
            clientID: Text("s\((word >> 16) % 64 + 1)-\(counter)"))
        open.append(
            Open(
                account: account, instrument: instrument, id: order.clientID, side: side, quantity: order.quantity, price: order.price))
        return order
    }

    /// Any open order; it is not noted as open any more.
    mutating func takeOpen() -> Open {
        let index = Int(random.next(below: UInt64(open.count)))
        let order = open[index]
        open[index] = open[open.count - 1]
        open.removeLast()
        return order
    }

    /// Any open order, which stays open.
    mutating func anyOpen() -> Int { Int(random.next(below: UInt64(open.count))) }

    mutating func change(_ index: Int, _ body: (inout Open) -> Void) { body(&open[index]) }

    mutating func draw(below bound: Int) -> Int { Int(random.next(below: UInt64(bound))) }

    mutating func execute(_ turn: borrowing Turn) { turn.execute(&shard, &now) }
}

/// A bench whose commands are refused measures refusals.
func invariantDone(_ outcome: borrowing Outcome) {
    if case .rejected(let rejection) = copy outcome { fatalError("a command of the bench was refused: \(rejection)") }
}
