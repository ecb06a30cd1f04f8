// The arrays of a shard. ARCHITECTURE.md has the table of all of them: element, stride, key.
// Links are arena indices; `none` ends a list.

/// "No slot".
let none: Int32 = -1

/// Hot part of an order: one cache line. `Shard.orders` and `Shard.orderRecords` share their indices.
struct Order: BitwiseCopyable {
    var id: OrderID
    /// Limit price at the price scale; 0 for a market order.
    var price: Price
    /// OrderQty.
    var quantity: Quantity
    /// CumQty.
    var cumulative: Quantity
    /// Slot of (account, instrument).
    var position: Int32
    /// In the position's list of open orders (ascending OrderID), or of closed ones (in order of closing).
    var next: Int32 = none
    var previous: Int32 = none
    /// Slot of the balance that holds the reserve: quote for a buy, base for a sale; `none` where nothing is reserved.
    var funds: Int32
    // On an internal venue: its neighbours in its level, and the level's slot; `none`: in no book.
    var bookNext: Int32 = none
    var bookPrevious: Int32 = none
    var level: Int32 = none
    var side: Side
    var type: OrderType
    var timeInForce: TimeInForce
    var status: OrderStatus = .new

    /// LeavesQty: 0 once closed.
    @inline(__always) var leaves: Quantity { status.isOpen ? quantity - cumulative : 0 }
}

/// Cold part of an order, parallel to ``Order``.
struct OrderRecord: BitwiseCopyable {
    /// Sum of LastPx x LastQty at price scale + quantity scale.
    var cumulativeCost: Int128 = 0
    var clientID: Text
    var contentHash: UInt64
    var created: Timestamp
    var updated: Timestamp
    /// Slot in ``Shard/extras``, for the few orders that need one.
    var extra: Int32 = none
    /// The order's trades, newest first.
    var trades: Int32 = none
    /// Index into ``Shard/feeRates``; 0: no fees. Room for all that there can be: a replay of the whole log knows more of them than a start from a snapshot.
    var rates: UInt32 = 0
    /// Index into ``Shard/strategies``; 0: none.
    var strategy: UInt16
    var reason: CancelReason = .requested
}

/// What only some orders have.
struct OrderExtra: HasHeapIndex {
    var max: Amount = 0
    /// What a market buy still reserves.
    var marketReserve: Amount = 0
    var note = Text()
    /// `reason=` of the CXL that closed it.
    var reason = Text()
    var expire: Timestamp = 0
    /// The largest OrderQty the order ever had; 0: the present one.
    var largestQuantity: Quantity = 0
    var cancelOnDisconnect: UInt64 = 0
    var instructions = Instructions()
    /// What an iceberg shows now.
    var shown: Quantity = 0
    /// Place in ``Shard/expiries``.
    var heapIndex: Int32 = none
    /// Slot of the pair's other leg; `none`: in no open pair.
    var partner: Int32 = none
    /// Of a pair's leg: did it come second? Then it holds only what it needs beyond the first.
    var isSecond = false
    var isTriggered = false
}

/// (account, instrument): the position, what is open there, and the lists of orders and trades.
struct Position: BitwiseCopyable {
    /// Of what is open, >= 0.
    var cost: Amount = 0
    var realized: Amount = 0
    /// Index into the registry's accounts.
    var account: Int32
    var instrument: InstrumentID
    /// Negative: short.
    var quantity: Quantity = 0
    /// Sum of LeavesQty of open buys, of open sales.
    var openBuy: Quantity = 0
    var openSell: Quantity = 0
    /// Slot in ``Shard/openParts``, where some of it does not count in full.
    var openParts: Int32 = none
    var openOrders: Int32 = 0
    var openFirst: Int32 = none
    var openLast: Int32 = none
    var closedFirst: Int32 = none
    var closedLast: Int32 = none
    /// Newest and oldest trade remembered.
    var tradesNewest: Int32 = none
    var tradesOldest: Int32 = none
    /// List of ``FeeRecord``.
    var fees: Int32 = none
    /// Slots of the account's balances of base and quote.
    var base: Int32
    var quote: Int32
    var limits: Int32 = none
    /// Slot in ``Shard/dayBases``, where losses by the day are limited.
    var dayBase: Int32 = none
    /// The account's next position, by ascending instrument.
    var next: Int32 = none
    /// Was there ever a fill, or was it taken over? Others are not listed.
    var traded = false
}

/// What an open order adds to where its position may go, if everything fills.
enum OpenPart { case whole, closing, nothing }

/// Of a position's open quantities what does not count in full.
struct OpenParts: BitwiseCopyable {
    /// LeavesQty of reduce-only orders: together they trade no more than the position.
    var closingBuy: Quantity = 0
    var closingSell: Quantity = 0
    /// LeavesQty of second legs of pairs: the first counts for both.
    var nothingBuy: Quantity = 0
    var nothingSell: Quantity = 0
}

struct FeeRecord: BitwiseCopyable {
    var amount: Amount
    var asset: AssetID
    var next: Int32
}

/// (account, asset) in this wallet.
struct Balance: BitwiseCopyable {
    /// 2^110 x 10^-18, about 1.29 x 10^15 units: below this in magnitude are a balance (but for credits from other wallets, which are never
    /// refused), what was paid into a wallet net of what was paid out, what a venue owes it, and its fees, per asset. So all
    /// money of an asset in W wallets with V venues is below W x (V + 2) x 2^110, far from the 2^127 of its type.
    static var limit: Amount { 1 << 110 }

    /// May be negative after a fill that cost more than there was.
    var available: Amount = 0
    /// What open orders hold.
    var reserved: Amount = 0
    var held: Amount = 0
    /// Sent to another wallet and not yet credited there.
    var transit: Amount = 0
    var account: Int32
    var asset: AssetID
    /// The account's next balance, by ascending asset.
    var next: Int32 = none
}

struct Trade: BitwiseCopyable {
    var fee: Amount
    var id: TradeID
    var quantity: Quantity
    var price: Price
    var time: Timestamp
    var venueTime: Timestamp
    var exec: Text
    var order: Int32
    var feeAsset: AssetID
    /// The order's next older trade.
    var olderOfOrder: Int32
    /// In the position's list.
    var newer: Int32
    var older: Int32
    var liquidity: Liquidity
}

/// A used `ref=` of DEP, WDR, ADJ, HLD, RLS, XFR, PTO.
struct Reference: BitwiseCopyable {
    var text: Text
    var contentHash: UInt64
    /// Of a transfer to another wallet: its number; 0 otherwise.
    var sequence: Int64 = 0
    var account: Int32
    var asset: AssetID
    var target: WalletID = -1
}

/// A transfer sent and not yet settled.
struct Outgoing: BitwiseCopyable {
    var amount: Amount
    var sequence: Int64
    var toAccount: AccountNumber
    var reference: Text
    var account: Int32
    var asset: AssetID
    var next: Int32 = none
}

/// What this shard and another one have exchanged.
struct Channel: BitwiseCopyable {
    /// Number of the last transfer sent there.
    var sent: Int64 = 0
    /// All up to here are credited there.
    var settled: Int64 = 0
    /// Number of the last transfer from there that was credited here.
    var received: Int64 = 0
    var outgoingFirst: Int32 = none
    var outgoingLast: Int32 = none
}

/// What this wallet keeps of an account, at the account's index in the registry.
struct AccountState: BitwiseCopyable {
    var openOrders: Int32 = 0
    var positions: Int32 = none
    var balances: Int32 = none
    var limits: Int32 = none
    /// Slot in ``Shard/risks``, for the few accounts that need one.
    var risk: Int32 = none
}

/// How far the token buckets of ``Limits/maxOrderRate`` and ``Limits/maxCancelRate`` are used up: until when, in nanoseconds since 1970.
struct Arrivals: BitwiseCopyable {
    var orders: Int64 = 0
    var cancels: Int64 = 0
}

/// What only accounts with rates, losses or a timer have.
struct AccountRisk: HasHeapIndex {
    var arrivals = Arrivals()
    /// Of the dead-man timer; 0: off.
    var deadline: Timestamp = 0
    var account: Int32
    /// Place in ``Shard/deadlines``.
    var heapIndex: Int32 = none
    /// List of ``LossLatch``, by ascending asset.
    var latches: Int32 = none
}

/// An asset of which the account has lost too much.
struct LossLatch: BitwiseCopyable {
    var asset: AssetID
    var next: Int32
}

/// What a position was worth (``Shard/profit(of:at:)``) when `day` began, or its account's day was begun anew.
struct DayBase: BitwiseCopyable {
    var profit: Amount
    var day: Int32
}

/// What this wallet keeps of an instrument, at its id: its mark, and what every order asks of its definition.
struct Market: BitwiseCopyable {
    /// Index in ``Shard/books``; `none`: not matched here.
    var book: Int32 = none
    /// 0: none.
    var mark: Price = 0
    /// The reference price when `day` began; kept where losses by the day are limited. Before that `day` is ``Shard/noDay``.
    var dayReference: Price = 0
    var day: Int32 = Shard.noDay
    /// 10^(18 - priceScale - quantityScale): a product of price and quantity times this is an amount.
    var amountUnit: Int64
    /// 10^(18 - quantityScale).
    var quantityUnit: Int64
    var terms: InstrumentTerms
    var wallet: WalletID
    var venue: VenueID
    var base: AssetID
    var quote: AssetID
    var funds: FundsCheck
    var venueKind: VenueKind
}

/// Where an asset's money in this wallet came from and went. Wrapping sums: the conservation law holds modulo 2^128 too.
struct AssetTotals: BitwiseCopyable {
    var deposited: Int128 = 0
    var withdrawn: Int128 = 0
    var corrected: Int128 = 0
    var transferredIn: Int128 = 0
    var transferredOut: Int128 = 0
    var feesCollected: Int128 = 0
}

/// What an external venue owes in an asset; may be negative.
struct Owed: BitwiseCopyable {
    var amount: Int128 = 0
    var venue: VenueID
    var asset: AssetID
}
