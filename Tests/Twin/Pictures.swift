import Core

// What the twin and Core are compared by, as plain values.

package struct OrderPicture: Equatable {
    package var id: OrderID
    package var instrument: InstrumentID
    package var status: OrderStatus
    package var leaves: Quantity
    package var cumulative: Quantity
    package var cumulativeCost: Int128

    package init(_ view: OrderView) {
        (id, instrument, status) = (view.id, view.instrument, view.status)
        (leaves, cumulative, cumulativeCost) = (view.leaves, view.cumulative, view.cumulativeCost)
    }

    package init(_ order: TwinOrder) {
        (id, instrument, status) = (order.id, order.market.id, order.status)
        (leaves, cumulative, cumulativeCost) = (order.leaves, order.cumulative, order.cumulativeCost)
    }
}

package struct PositionPicture: Equatable {
    package var instrument: InstrumentID
    package var quantity: Quantity
    package var cost: Amount
    package var realized: Amount
    package var openBuy: Quantity
    package var openSell: Quantity

    package init(instrument: InstrumentID, quantity: Quantity, cost: Amount, realized: Amount, openBuy: Quantity, openSell: Quantity) {
        (self.instrument, self.quantity, self.cost) = (instrument, quantity, cost)
        (self.realized, self.openBuy, self.openSell) = (realized, openBuy, openSell)
    }

    package init(_ view: PositionView) {
        self.init(
            instrument: view.instrument, quantity: view.quantity, cost: view.cost, realized: view.realized, openBuy: view.openBuy,
            openSell: view.openSell)
    }
}

package struct BalancePicture: Equatable {
    package var available: Amount = 0
    package var reserved: Amount = 0
    package var held: Amount = 0

    package init(available: Amount = 0, reserved: Amount = 0, held: Amount = 0) {
        self.available = available
        self.reserved = reserved
        self.held = held
    }
}

/// An order in a book, the first to trade first.
package struct RestingPicture: Equatable {
    package var order: OrderID
    package var price: Price
    package var leaves: Quantity
    package var shown: Quantity

    package init(order: OrderID, price: Price, leaves: Quantity, shown: Quantity) {
        self.order = order
        self.price = price
        self.leaves = leaves
        self.shown = shown
    }
}

package struct TradePicture: Equatable {
    package var id: TradeID
    package var order: OrderID
    package var quantity: Quantity
    package var price: Price
    package var fee: Amount
    package var feeAsset: AssetID
    package var liquidity: Liquidity
    package var exec: Text
    package var time: Timestamp

    package init(id: TradeID, order: OrderID, quantity: Quantity, price: Price, fee: Amount, feeAsset: AssetID, liquidity: Liquidity, exec: Text, time: Timestamp) {
        self.id = id
        self.order = order
        self.quantity = quantity
        self.price = price
        self.fee = fee
        self.feeAsset = feeAsset
        self.liquidity = liquidity
        self.exec = exec
        self.time = time
    }
}

/// All that is asked of an order.
package struct DetailPicture: Equatable {
    package var order: OrderPicture
    package var account: AccountNumber
    package var clientID: Text
    package var side: Side
    package var type: OrderType
    package var timeInForce: TimeInForce
    package var quantity: Quantity
    package var price: Price
    package var expire: Timestamp
    package var max: Amount
    package var reserved: Amount
    package var created: Timestamp
    package var updated: Timestamp
    package var reason: CancelReason
    package var reasonText: Text

    package init(order: OrderPicture, account: AccountNumber, clientID: Text, side: Side, type: OrderType, timeInForce: TimeInForce, quantity: Quantity, price: Price, expire: Timestamp, max: Amount, reserved: Amount, created: Timestamp, updated: Timestamp, reason: CancelReason, reasonText: Text) {
        self.order = order
        self.account = account
        self.clientID = clientID
        self.side = side
        self.type = type
        self.timeInForce = timeInForce
        self.quantity = quantity
        self.price = price
        self.expire = expire
        self.max = max
        self.reserved = reserved
        self.created = created
        self.updated = updated
        self.reason = reason
        self.reasonText = reasonText
    }
}

package enum Answer: Equatable {
    case rejected(Rejection)
    case order(OrderPicture, duplicate: Bool)
    case filled(OrderPicture, trade: TradeID, duplicate: Bool)
    case balance(available: Amount, asset: AssetID, duplicate: Bool)
    case position(PositionPicture, duplicate: Bool)
    case canceled(count: Int64)
    case done(duplicate: Bool)
    case defined(number: Int64, canceled: Int64, duplicate: Bool)

    package init(_ outcome: Outcome) {
        switch outcome {
        case .rejected(let it): self = .rejected(it)
        case .order(let view, let duplicate): self = .order(OrderPicture(view), duplicate: duplicate)
        case .filled(let view, let trade, let duplicate): self = .filled(OrderPicture(view), trade: trade, duplicate: duplicate)
        case .balance(let available, let asset, let duplicate): self = .balance(available: available, asset: asset, duplicate: duplicate)
        case .position(let view, let duplicate): self = .position(PositionPicture(view), duplicate: duplicate)
        case .canceled(let count): self = .canceled(count: count)
        case .done(let duplicate): self = .done(duplicate: duplicate)
        case .defined(let number, let canceled, let duplicate): self = .defined(number: number, canceled: canceled, duplicate: duplicate)
        case .transferring: fatalError("no transfers here")
        }
    }
}

/// What a mutation says, as numbers: the same for the same event. Only the hash of the command's content is left out.
package func digest(_ mutation: Mutation) -> UInt64 {
    var sum: UInt64 = 0
    func add(_ parts: Int128...) {
        for part in parts { sum = mix(sum ^ UInt64(truncatingIfNeeded: part) ^ mix(UInt64(truncatingIfNeeded: part >> 64))) }
    }
    func number(_ text: Text) -> Int128 { Int128(text.hash) }
    switch mutation {
    case .orderAccepted(let it):
        let how = it.instructions
        add(1, Int128(it.id), Int128(it.account), Int128(it.instrument), Int128(it.side.rawValue), Int128(it.type.rawValue))
        add(Int128(it.timeInForce.rawValue), Int128(it.quantity), Int128(it.price), number(it.clientID), Int128(it.expire), it.max)
        add(it.marketReserve, number(it.strategy), number(it.note), Int128(it.cancelOnDisconnect), Int128(it.oco))
        add(Int128(it.fees.maker), Int128(it.fees.taker), Int128(how.stop), Int128(how.display), Int128(how.trigger.rawValue))
        add(Int128(how.triggerPrice.rawValue), Int128(how.selfTrade.rawValue), how.postOnly ? 1 : 0, how.reduceOnly ? 1 : 0)
    case .orderReplaced(let it):
        add(2, Int128(it.order), Int128(it.quantity), Int128(it.price), it.max, it.marketReserve, Int128(it.stop))
    case .orderCanceled(let it): add(3, Int128(it.order), Int128(it.reason.rawValue), number(it.note))
    case .orderExpired(let order): add(4, Int128(order))
    case .filled(let it):
        add(5, Int128(it.trade), Int128(it.order), Int128(it.quantity), Int128(it.price), number(it.exec), it.fee, Int128(it.feeAsset))
    case .matched(let it):
        add(6, Int128(it.trade), Int128(it.maker), Int128(it.taker), Int128(it.quantity), Int128(it.price), it.makerFee, it.takerFee)
    case .orderTriggered(let order): add(7, Int128(order))
    case .moneyMoved(let it):
        add(8, Int128(it.kind.rawValue), Int128(it.account), Int128(it.asset), it.amount, number(it.reference), number(it.note))
    case .limitsSet(let account, let instrument, let it):
        add(9, Int128(account), Int128(instrument), it.maxQuantity, it.maxNotional, it.maxPosition, Int128(it.maxOpenOrders), it.enabled ? 1 : 0)
        add(Int128(it.makerFee), Int128(it.takerFee), Int128(it.selfTrade.rawValue))
    case .markSet(let instrument, let price): add(10, Int128(instrument), Int128(price))
    case .defined(let number, _): add(11, Int128(number))
    case .positionTakenOver(let it): add(12, Int128(it.account), Int128(it.instrument), Int128(it.quantity), Int128(it.price), number(it.reference))
    default: add(13)
    }
    return sum
}

/// What scripts and comparisons may ask of a venue, whichever it is.
package protocol Venue: AnyObject {
    func run(_ command: Command, now: Timestamp) -> (answer: Answer, events: [Mutation])
    func expireDue(now: Timestamp, max: Int) -> (count: Int, events: [Mutation])
    func book(_ instrument: InstrumentID, _ side: Side) -> [RestingPicture]
    func balance(_ account: AccountNumber, _ asset: AssetID) -> BalancePicture
    func position(_ account: AccountNumber, _ instrument: InstrumentID) -> PositionPicture?
    func openOrders(_ account: AccountNumber) -> [OrderID]
    func detail(_ order: OrderID) -> DetailPicture?
    func trades(_ order: OrderID) -> [TradePicture]
    func last(_ instrument: InstrumentID) -> Price?
}

extension Twin: Venue {
    package func run(_ command: Command, now: Timestamp) -> (answer: Answer, events: [Mutation]) {
        let answer = execute(command, now: now)
        return (answer, events)
    }

    package func expireDue(now: Timestamp, max: Int) -> (count: Int, events: [Mutation]) {
        let count = expire(now: now, max: max)
        return (count, events)
    }

    package func book(_ instrument: InstrumentID, _ side: Side) -> [RestingPicture] {
        let market = markets[Int(instrument)]
        return (side == .buy ? market.bids : market.asks).map {
            RestingPicture(order: $0.id, price: $0.price, leaves: $0.leaves, shown: $0.shown)
        }
    }

    package func balance(_ account: AccountNumber, _ asset: AssetID) -> BalancePicture {
        let account = self.account(account)!
        let balance = account.balances[asset] ?? TwinBalance()
        let reserved = reserved(account, asset)
        return BalancePicture(available: balance.owned - reserved, reserved: reserved, held: balance.held)
    }

    package func position(_ account: AccountNumber, _ instrument: InstrumentID) -> PositionPicture? {
        position(self.account(account)!, markets[Int(instrument)])
    }

    package func openOrders(_ account: AccountNumber) -> [OrderID] { self.account(account)!.open.map(\.id).sorted() }

    package func detail(_ order: OrderID) -> DetailPicture? {
        guard let it = orders[order] else { return nil }
        return DetailPicture(
            order: OrderPicture(it), account: it.account.number, clientID: it.new.clientID, side: it.side, type: it.type,
            timeInForce: it.new.timeInForce, quantity: it.quantity, price: it.price, expire: it.expire, max: it.max, reserved: it.held,
            created: it.created, updated: it.updated, reason: it.reason, reasonText: it.reasonText)
    }

    package func trades(_ order: OrderID) -> [TradePicture] {
        (orders[order]?.trades ?? []).reversed().map {
            TradePicture(
                id: $0.id, order: order, quantity: $0.quantity, price: $0.price, fee: $0.fee, feeAsset: $0.feeAsset, liquidity: $0.liquidity,
                exec: $0.exec, time: $0.time)
        }
    }

    package func last(_ instrument: InstrumentID) -> Price? { markets[Int(instrument)].last }
}
