/// What queries and events show of a shard's state: plain values, no pointers into it.

public struct BalanceView: BitwiseCopyable, Sendable, Equatable {
    public var asset: AssetID
    public var available: Amount
    public var reserved: Amount
    public var held: Amount
    /// Outgoing and not yet credited; outside `total`.
    public var transit: Amount
    public var total: Amount { available + reserved + held }
}

public struct PositionView: BitwiseCopyable, Sendable, Equatable {
    public var instrument: InstrumentID
    /// Negative: short.
    public var quantity: Quantity
    /// Of what is open, in the quote asset, never negative.
    public var cost: Amount
    public var realized: Amount
    /// Sum of LeavesQty of the open buys, of the open sales.
    public var openBuy: Quantity
    public var openSell: Quantity
}

/// Fees of a position in an asset that is neither base nor quote.
public struct FeeTotal: BitwiseCopyable, Sendable, Equatable {
    public var asset: AssetID
    public var amount: Amount
}

public struct OrderDetail: BitwiseCopyable, Sendable {
    public var view: OrderView
    public var account: AccountNumber
    public var clientID: Text
    public var side: Side
    public var type: OrderType
    public var timeInForce: TimeInForce
    public var quantity: Quantity
    public var price: Price
    public var expire: Timestamp
    public var max: Amount
    public var strategy: Text
    public var note: Text
    /// Base asset for a sale, quote asset for a buy.
    public var reserved: Amount
    public var created: Timestamp
    public var updated: Timestamp
    /// Of a cancelled order.
    public var reason: CancelReason
    /// `reason=` of its CXL; empty: none.
    public var reasonText: Text
    public var cancelOnDisconnect: UInt64
    public var instructions: Instructions
    /// Waits for its trigger's price.
    public var isArmed: Bool
    /// The other leg of its pair; 0: it is in none, or not any more.
    public var oco: OrderID
}

public struct TradeView: BitwiseCopyable, Sendable {
    public var id: TradeID
    public var order: OrderID
    public var instrument: InstrumentID
    public var clientID: Text
    public var side: Side
    public var quantity: Quantity
    public var price: Price
    public var fee: Amount
    public var feeAsset: AssetID
    public var liquidity: Liquidity
    public var exec: Text
    public var time: Timestamp
    public var venueTime: Timestamp
}

public struct ShardCounts: BitwiseCopyable, Sendable {
    public var openOrders: Int
    /// Closed orders and used references still remembered.
    public var remembered: Int
    public var trades: Int
    public var balances: Int
    public var positions: Int
}
