import Core

/// The venue once more: docs/MATCHING.md and docs/PROTOCOL.md done in the plainest way, to compare Core with. Written without a look at Sources/Core/Market.
///
/// Nothing here is clever: orders are objects in sorted arrays, what is reserved is summed up each time it is asked for, and every rule stands where it is used.
package final class Twin {
    package var wallet: WalletID = 0
    package var now: Timestamp = 0

    // Definitions.
    package var registryNumber: Int64 = 0
    package var assets: [AssetInfo] = []
    package var venues: [VenueInfo] = []
    package var wallets: [WalletInfo] = []
    package var markets: [TwinMarket] = []
    package var accounts: [TwinAccount] = []
    /// Of every account that has none of its own.
    package var defaultLimits: Limits?
    package var settings: [Int64] = Setting.allCases.map(\.defaultValue)

    /// Every order that is remembered.
    package var orders: [OrderID: TwinOrder] = [:]
    /// What the ids of NEW, CLS and the references of DEP ... stand for.
    package var ids: [TwinName: TwinKnown] = [:]
    /// What was closed or used, in the order in which it will be forgotten.
    package var memory: [(seconds: Int64, name: TwinName, order: OrderID)] = []
    package var forgotten = 0

    package var lastOrder: Int64 = 0
    package var lastTrade: Int64 = 0
    package var armings = 0

    /// What the present command has recorded.
    package var events: [Mutation] = []
    /// The lowest and highest price that the present command has traded at.
    package var low: Price?
    package var high: Price?

    /// What has been seen; kept by whoever asks.
    package var sights = [Int](repeating: 0, count: Sight.allCases.count)
    package var reasons: [UInt8: Int] = [:]

    package var feesCollected: [AssetID: Amount] = [:]
    package var paidIn: [AssetID: Amount] = [:]
    /// (venue, asset): what trades moved to and from accounts, with the sign of what the venue has to give.
    package var owed: [[Int32]: Amount] = [:]

    package init() {}

    package func execute(_ command: Command, now: Timestamp) -> Answer {
        begin(now)
        switch command {
        case .newOrder(let new): return decide(new)
        case .replace(let replace): return decide(replace)
        case .cancel(let cancel): return decide(cancel)
        case .cancelAll(let all): return decide(all)
        case .fill(let fill): return decide(fill)
        case .closePosition(let close): return decide(close)
        case .money(let money): return decide(money)
        case .takeOver(let takeOver): return decide(takeOver)
        case .setLimits(let limits): return decide(limits)
        case .setMark(let mark): return decide(mark)
        case .define(let definition): return decide(definition)
        case .transfer: fatalError("the twin has one wallet and no transfers")
        case .deadMan: fatalError("the twin has no timers of accounts")
        }
    }

    /// Expires GTD orders that are due, by time and then OrderID, at most `max` of them.
    package func expire(now: Timestamp, max: Int) -> Int {
        begin(now)
        var count = 0
        while count < max {
            let due = orders.values.filter { $0.isOpen && $0.expire != 0 && $0.expire <= now }
            guard let first = due.min(by: { ($0.expire, $0.id) < ($1.expire, $1.id) }) else { break }
            record(.orderExpired(order: first.id))
            saw(first.isArmed ? .expiredArmed : .expiredResting)
            close(first, .expired)
            cancelOtherLeg(of: first, .ocoByExpiry)
            count += 1
        }
        return count
    }

    private func begin(_ time: Timestamp) {
        now = time
        events = []
        low = nil
        high = nil
    }

    // MARK: Records and memory

    /// Every change begins with this: it is written down, and up to four old things are forgotten.
    package func record(_ mutation: Mutation, keeping order: OrderID = 0) {
        for _ in 0..<4 where forgotten < memory.count {
            let (seconds, name, closed) = memory[forgotten]
            let horizon = now / 1_000_000 - settings[Int(Setting.windowHours.rawValue)] * 3_600
            if seconds >= horizon, memory.count - forgotten <= Int(settings[Int(Setting.windowIDs.rawValue)]) { break }
            if closed != 0, closed == order { break }
            forgotten += 1
            saw(.forgotten)
            ids[name] = nil
            if closed != 0 { orders[closed] = nil }
        }
        events.append(mutation)
    }

    package func remember(_ name: TwinName, _ order: OrderID) {
        memory.append((now / 1_000_000, name, order))
    }

    // MARK: Look-up

    package func account(_ number: AccountNumber) -> TwinAccount? { accounts.first { $0.number == number } }

    package func market(_ instrument: InstrumentID) -> TwinMarket? {
        instrument >= 0 && Int(instrument) < markets.count && markets[Int(instrument)].info.wallet == wallet ? markets[Int(instrument)] : nil
    }

    package func find(_ reference: OrderReference, _ account: TwinAccount, _ market: TwinMarket) -> TwinOrder? {
        let found: TwinOrder?
        switch reference {
        case .order(let id): found = orders[id]
        case .client(let text):
            if case .order(let id, _)? = ids[TwinName(account.number, text)] { found = orders[id] } else { found = nil }
        }
        return found.flatMap { $0.account === account && $0.market === market ? $0 : nil }
    }

    package func tooLate(_ before: Timestamp) -> Rejection? {
        before != 0 && now > before ? .tooLate(before: before, now: now) : nil
    }

    // MARK: Balances

    /// What the account's open orders hold of an asset.
    package func reserved(_ account: TwinAccount, _ asset: AssetID) -> Amount {
        account.open.reduce(0) { $1.fundsAsset == asset ? $0 + $1.held : $0 }
    }

    /// What the account could spend.
    package func available(_ account: TwinAccount, _ asset: AssetID) -> Amount {
        let balance = account.balances[asset] ?? TwinBalance()
        return balance.owned - reserved(account, asset)
    }
}

// MARK: What there is

package struct TwinName: Hashable {
    package var account: AccountNumber
    package var text: Text
    package init(_ account: AccountNumber, _ text: Text) {
        self.account = account
        self.text = text
    }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(account)
        hasher.combine(text.hash)
    }
}

/// What an id stands for, with the content that it was first given with.
package enum TwinKnown {
    case order(OrderID, content: Command)
    case reference(content: Command)
}

package struct TwinBalance {
    /// Available and reserved.
    package var owned: Amount = 0
    package var held: Amount = 0

    package init(owned: Amount = 0, held: Amount = 0) {
        self.owned = owned
        self.held = held
    }
}

package struct TwinPosition {
    package var quantity: Quantity = 0
    package var cost: Amount = 0
    package var realized: Amount = 0
    package var traded = false
    package var fees: [AssetID: Amount] = [:]
    package var limits: Limits?
    package var meters = TwinMeters()
}

package final class TwinAccount {
    package let number: AccountNumber
    package var status = AccountStatus.open
    package var balances: [AssetID: TwinBalance] = [:]
    package var positions: [InstrumentID: TwinPosition] = [:]
    /// Its own.
    package var limits: Limits?
    package var meters = TwinMeters()
    /// What it has lost today and of which assets it has lost too much: told by whoever asks, the twin keeps no days.
    package var losses: [AssetID: Amount] = [:]
    package var latched: Set<AssetID> = []
    /// Open orders by ascending OrderID.
    package var open: [TwinOrder] = []
    package init(number: AccountNumber) { self.number = number }
}

package final class TwinMarket {
    package let id: InstrumentID
    package let info: InstrumentInfo
    package let isInternal: Bool
    package var terms: InstrumentTerms
    package var mark: Price?
    package var last: Price?
    /// Each the first to trade first.
    package var bids: [TwinOrder] = []
    package var asks: [TwinOrder] = []
    /// Armed orders, whoever was armed first first.
    package var armed: [TwinOrder] = []

    package init(id: InstrumentID, info: InstrumentInfo, isInternal: Bool) {
        self.id = id
        self.info = info
        self.isInternal = isInternal
        terms = info.terms
    }

    package func power(_ exponent: Int32) -> Int128 { (0..<exponent).reduce(Int128(1)) { product, _ in product * 10 } }
    lazy var worthUnit = power(18 - info.priceScale - info.quantityScale)
    package lazy var quantityUnit = power(18 - info.quantityScale)

    /// Price x quantity, `nil` from 2^110.
    package func worth(_ price: Price, _ quantity: Quantity) -> Amount? {
        let (result, overflow) = (Int128(price) * Int128(quantity)).multipliedReportingOverflow(by: worthUnit)
        return overflow || !isInRange(result) ? nil : result
    }

    /// The orders that one of this side would trade with.
    package func others(of side: Side) -> [TwinOrder] { side == .buy ? asks : bids }

    /// Behind all that are as good or better.
    package func insert(_ order: TwinOrder) {
        if order.side == .buy {
            bids.insert(order, at: bids.firstIndex { $0.price < order.price } ?? bids.count)
        } else {
            asks.insert(order, at: asks.firstIndex { $0.price > order.price } ?? asks.count)
        }
    }

    package func remove(_ order: TwinOrder) {
        bids.removeAll { $0 === order }
        asks.removeAll { $0 === order }
        armed.removeAll { $0 === order }
    }
}

package func isInRange(_ amount: Amount) -> Bool { amount < 1 << 110 && amount > -(1 << 110) }

package struct TwinTrade {
    package var id: TradeID
    package var quantity: Quantity
    package var price: Price
    package var fee: Amount
    package var feeAsset: AssetID
    package var liquidity: Liquidity
    package var exec: Text
    package var time: Timestamp
    package var venueTime: Timestamp

    package init(id: TradeID, quantity: Quantity, price: Price, fee: Amount, feeAsset: AssetID, liquidity: Liquidity, exec: Text, time: Timestamp, venueTime: Timestamp) {
        self.id = id
        self.quantity = quantity
        self.price = price
        self.fee = fee
        self.feeAsset = feeAsset
        self.liquidity = liquidity
        self.exec = exec
        self.time = time
        self.venueTime = venueTime
    }
}

package final class TwinOrder {
    package let id: OrderID
    package let account: TwinAccount
    package let market: TwinMarket
    package let new: NewOrder
    package let created: Timestamp
    package let rates: FeeRates
    package var quantity: Quantity
    package var price: Price
    package var max: Amount
    package var stop: Price
    package var status = OrderStatus.new
    package var cumulative: Quantity = 0
    package var cumulativeCost: Int128 = 0
    /// What a market buy holds.
    package var hold: Amount = 0
    package var isArmed = false
    /// The other leg, and whether this is the one that came second.
    package var leg: TwinOrder?
    package var isSecond = false
    /// What others see of it in the book.
    package var shown: Quantity = 0
    package var reason = CancelReason.requested
    package var reasonText = Text()
    package var updated: Timestamp
    package var largest: Quantity
    /// Newest last.
    package var trades: [TwinTrade] = []

    package init(id: OrderID, account: TwinAccount, market: TwinMarket, new: NewOrder, rates: FeeRates, now: Timestamp) {
        self.id = id
        self.account = account
        self.market = market
        self.new = new
        self.rates = rates
        created = now
        updated = now
        quantity = new.quantity
        largest = new.quantity
        price = new.price
        max = new.max
        stop = new.instructions.stop
    }

    package var side: Side { new.side }
    package var type: OrderType { new.type }
    package var isMarketBuy: Bool { type == .market && side == .buy }
    package var expire: Timestamp { new.expire }
    package var isOpen: Bool { status.isOpen }
    package var leaves: Quantity { isOpen ? quantity - cumulative : 0 }
    package var display: Quantity { new.instructions.display }
    package var position: TwinPosition { account.positions[market.id] ?? TwinPosition() }
    package var fundsAsset: AssetID { side == .buy ? market.info.quote : market.info.base }

    /// What it would hold if it were alone.
    package var need: Amount {
        if market.info.funds == .none || !isOpen { return 0 }
        if side == .sell { return Int128(leaves) * market.quantityUnit }
        if type == .market { return hold }
        let worth = market.worth(price, leaves)!
        return worth + feeHeld(worth, rates)
    }

    /// What it holds: the leg that came second only what the first does not hold already.
    package var held: Amount {
        guard let leg, isSecond else { return need }
        return Swift.max(0, need - leg.need)
    }

    /// Trades of a reduce-only order are at most this.
    package var closable: Quantity {
        let quantity = position.quantity
        return side == .buy ? Swift.max(0, -quantity) : Swift.max(0, quantity)
    }

}

/// Of a trade: cut off towards zero.
package func feeOf(_ worth: Amount, _ rate: Int32) -> Amount { worth * Int128(rate) / 1_000_000 }
/// Of a purchase that is not done yet: rounded up, at the dearer of the two rates.
package func feeHeld(_ worth: Amount, _ rates: FeeRates) -> Amount {
    (worth * Int128(max(rates.maker, rates.taker, 0)) + 999_999) / 1_000_000
}
