/// What a client asks of one wallet's shard. Names are resolved to numbers and numbers are at their instrument's scale
/// before a command reaches Core, so that a command is a plain value that travels between threads without a heap.
public enum Command: BitwiseCopyable, Sendable {
    case newOrder(NewOrder)
    case replace(Replace)
    case cancel(Cancel)
    case cancelAll(CancelAll)
    case fill(Fill)
    case closePosition(ClosePosition)
    case money(Money)
    case takeOver(TakeOver)
    case transfer(Transfer)
    case setLimits(SetLimits)
    case setMark(SetMark)
    case deadMan(DeadMan)
    /// A definition or setting; taken by shard 0 only, which numbers it.
    case define(Definition)
}

public typealias AccountNumber = Int64
/// Index into ``Registry/instruments``.
public typealias InstrumentID = Int32
/// Index into ``Registry/assets``.
public typealias AssetID = Int32
/// Index into ``Registry/wallets``, and the number of the wallet's shard.
public typealias WalletID = Int32
/// Index into ``Registry/venues``.
public typealias VenueID = Int32
/// shard x 2^40 + counter of the shard, from 1; below 2^53.
public typealias OrderID = Int64
public typealias TradeID = Int64

/// An amount of an asset in units of 10^-18.
public typealias Amount = Int128
/// A price at its instrument's price scale.
public typealias Price = Int64
/// A quantity at its instrument's quantity scale.
public typealias Quantity = Int64
/// Unix time in microseconds, UTC.
public typealias Timestamp = Int64

public enum Side: UInt8, BitwiseCopyable, Sendable { case buy = 0, sell = 1 }
public enum OrderType: UInt8, BitwiseCopyable, Sendable { case limit = 0, market = 1 }
public enum TimeInForce: UInt8, BitwiseCopyable, Sendable { case gtc = 0, ioc = 1, fok = 2, gtd = 3 }
public enum OrderStatus: UInt8, BitwiseCopyable, Sendable {
    case new = 0, partiallyFilled = 1, filled = 2, canceled = 3, expired = 4
    @inline(__always)
    public var isOpen: Bool { rawValue <= OrderStatus.partiallyFilled.rawValue }
}
/// Why an order was cancelled; printed as `reason=`.
public enum CancelReason: UInt8, BitwiseCopyable, Sendable {
    case requested = 0, all = 1, suspended = 2, disconnect = 3
    /// What did not trade at once of a market, IOC or triggered FOK order.
    case unfilled = 4
    /// A market buy has spent what it held.
    case funds = 5
    case selfTrade = 6, reduceOnly = 7
    /// The other leg of its pair traded, triggered or went.
    case oco = 8
    /// The account's dead-man timer ran out.
    case deadMan = 9
    /// A match would have left the range of numbers.
    case overflow = 10
}

/// What arms an order. FIX: StopPx with TriggerPriceDirection.
public enum Trigger: UInt8, BitwiseCopyable, Sendable { case none = 0, stop = 1, takeProfit = 2 }
/// The price that a trigger looks at. FIX: TriggerPriceType.
public enum TriggerPrice: UInt8, BitwiseCopyable, Sendable { case last = 0, mark = 1 }
/// What happens when an order meets one of its own account. `standard`: as the account's limits say, else `newest`.
public enum SelfTradePrevention: UInt8, BitwiseCopyable, Sendable { case standard = 0, newest = 1, oldest = 2, both = 3, decrement = 4 }

/// How an order behaves on an internal venue (docs/MATCHING.md). All zero: like any other.
public struct Instructions: BitwiseCopyable, Sendable, Equatable {
    /// StopPx at the price scale; 0: none.
    public var stop: Price = 0
    /// DisplayQty at the quantity scale; 0: all of it shows.
    public var display: Quantity = 0
    public var trigger = Trigger.none
    public var triggerPrice = TriggerPrice.last
    public var selfTrade = SelfTradePrevention.standard
    public var postOnly = false
    public var reduceOnly = false
    public init() {}

    /// Does it ask for anything?
    @inline(__always)
    public var isPlain: Bool {
        stop | display == 0 && trigger == .none && triggerPrice == .last && selfTrade == .standard && !postOnly && !reduceOnly
    }
}

/// Rates of an internal venue's fees, in 10^-6 of what a trade is worth; negative: a rebate.
public struct FeeRates: BitwiseCopyable, Sendable, Equatable {
    public var maker: Int32
    public var taker: Int32
    public init(maker: Int32 = 0, taker: Int32 = 0) {
        self.maker = maker
        self.taker = taker
    }
    public static var allowed: ClosedRange<Int32> { -1_000...10_000 }
    var hash: UInt64 { mix(UInt64(UInt32(bitPattern: maker)) << 32 | UInt64(UInt32(bitPattern: taker))) }
}
public enum Liquidity: UInt8, BitwiseCopyable, Sendable { case unknown = 0, maker = 1, taker = 2 }

/// An order named as in FIX: by OrderID, or by the ClOrdID it was made with.
public enum OrderReference: BitwiseCopyable, Sendable {
    case order(OrderID)
    case client(Text)
}

public struct NewOrder: BitwiseCopyable, Sendable {
    public var account: AccountNumber
    public var instrument: InstrumentID
    public var side: Side
    public var type: OrderType
    public var timeInForce: TimeInForce
    public var quantity: Quantity
    /// 0 for a market order.
    public var price: Price
    public var clientID: Text
    /// 0 unless GTD.
    public var expire: Timestamp
    /// Amount of the quote asset that a market buy reserves; 0: by mark price.
    public var max: Amount
    /// Empty: none.
    public var strategy: Text
    public var note: Text
    /// The latest time at which this may be decided; 0: any.
    public var before: Timestamp
    /// The number of the session whose end cancels the order; 0: none.
    public var cancelOnDisconnect: UInt64
    public var instructions: Instructions
    /// ClOrdID of the order that this one cancels and is cancelled by; empty: none.
    public var oco: Text

    public init(
        account: AccountNumber, instrument: InstrumentID, side: Side, type: OrderType, timeInForce: TimeInForce,
        quantity: Quantity, price: Price, clientID: Text, expire: Timestamp = 0, max: Amount = 0,
        strategy: Text = Text(), note: Text = Text(), before: Timestamp = 0, cancelOnDisconnect: UInt64 = 0,
        instructions: Instructions = Instructions(), oco: Text = Text()
    ) {
        self.account = account
        self.instrument = instrument
        self.side = side
        self.type = type
        self.timeInForce = timeInForce
        self.quantity = quantity
        self.price = price
        self.clientID = clientID
        self.expire = expire
        self.max = max
        self.strategy = strategy
        self.note = note
        self.before = before
        self.cancelOnDisconnect = cancelOnDisconnect
        self.instructions = instructions
        self.oco = oco
    }
}

public struct Replace: BitwiseCopyable, Sendable {
    public var account: AccountNumber
    public var instrument: InstrumentID
    public var order: OrderReference
    /// The new OrderQty: total, not leaves.
    public var quantity: Quantity
    /// 0 for a market order.
    public var price: Price
    public var max: Amount
    /// The new StopPx of an armed order; 0: as it is.
    public var stop: Price
    public var before: Timestamp

    public init(
        account: AccountNumber, instrument: InstrumentID, order: OrderReference, quantity: Quantity, price: Price,
        max: Amount = 0, stop: Price = 0, before: Timestamp = 0
    ) {
        self.account = account
        self.instrument = instrument
        self.order = order
        self.quantity = quantity
        self.price = price
        self.max = max
        self.stop = stop
        self.before = before
    }
}

public struct Cancel: BitwiseCopyable, Sendable {
    public var account: AccountNumber
    public var instrument: InstrumentID
    public var order: OrderReference
    /// Free text of the client; empty: none.
    public var note: Text
    public var before: Timestamp

    public init(
        account: AccountNumber, instrument: InstrumentID, order: OrderReference, note: Text = Text(), before: Timestamp = 0
    ) {
        self.account = account
        self.instrument = instrument
        self.order = order
        self.note = note
        self.before = before
    }
}

public struct CancelAll: BitwiseCopyable, Sendable {
    /// 0: every account (only for ``CancelReason/disconnect``).
    public var account: AccountNumber
    /// -1: every instrument of the wallet.
    public var instrument: InstrumentID
    public var reason: CancelReason
    /// With ``CancelReason/disconnect``: only orders that this session entered with cancel-on-disconnect.
    public var session: UInt64
    public var before: Timestamp

    public init(
        account: AccountNumber, instrument: InstrumentID = -1, reason: CancelReason = .all, session: UInt64 = 0,
        before: Timestamp = 0
    ) {
        self.account = account
        self.instrument = instrument
        self.reason = reason
        self.session = session
        self.before = before
    }
}

public struct Fill: BitwiseCopyable, Sendable {
    public var account: AccountNumber
    public var instrument: InstrumentID
    public var order: OrderReference
    /// LastQty.
    public var quantity: Quantity
    /// LastPx.
    public var price: Price
    /// ExecID of the venue; unique per order.
    public var exec: Text
    /// What the account pays, in `feeAsset`; negative: a rebate.
    public var fee: Amount
    public var feeAsset: AssetID
    public var liquidity: Liquidity
    /// The venue's time; 0: not given. Carried, not interpreted.
    public var venueTime: Timestamp
    /// Whoever reports is only a trader: not beyond the order's limit price.
    public var withinLimit: Bool
    public var before: Timestamp

    public init(
        account: AccountNumber, instrument: InstrumentID, order: OrderReference, quantity: Quantity, price: Price,
        exec: Text, fee: Amount, feeAsset: AssetID, liquidity: Liquidity = .unknown, venueTime: Timestamp = 0,
        withinLimit: Bool = false, before: Timestamp = 0
    ) {
        self.account = account
        self.instrument = instrument
        self.order = order
        self.quantity = quantity
        self.price = price
        self.exec = exec
        self.fee = fee
        self.feeAsset = feeAsset
        self.liquidity = liquidity
        self.venueTime = venueTime
        self.withinLimit = withinLimit
        self.before = before
    }
}

public struct ClosePosition: BitwiseCopyable, Sendable {
    public var account: AccountNumber
    public var instrument: InstrumentID
    /// 0: all of it.
    public var quantity: Quantity
    /// 0: at the market.
    public var price: Price
    public var clientID: Text
    public var max: Amount
    public var strategy: Text
    public var note: Text
    public var before: Timestamp
    public var cancelOnDisconnect: UInt64

    public init(
        account: AccountNumber, instrument: InstrumentID, quantity: Quantity = 0, price: Price = 0, clientID: Text,
        max: Amount = 0, strategy: Text = Text(), note: Text = Text(), before: Timestamp = 0,
        cancelOnDisconnect: UInt64 = 0
    ) {
        self.account = account
        self.instrument = instrument
        self.quantity = quantity
        self.price = price
        self.clientID = clientID
        self.max = max
        self.strategy = strategy
        self.note = note
        self.before = before
        self.cancelOnDisconnect = cancelOnDisconnect
    }
}

/// One of the five changes of a balance that stay within one account and wallet.
public struct Money: BitwiseCopyable, Sendable {
    public enum Kind: UInt8, BitwiseCopyable, Sendable { case deposit = 0, withdraw = 1, adjust = 2, hold = 3, release = 4 }
    public var kind: Kind
    public var account: AccountNumber
    public var asset: AssetID
    /// Positive, except that an adjustment is signed.
    public var amount: Amount
    public var reference: Text
    /// `reason=` or `note=`; empty: none.
    public var note: Text
    public var before: Timestamp

    public init(
        _ kind: Kind, account: AccountNumber, asset: AssetID, amount: Amount, reference: Text, note: Text = Text(),
        before: Timestamp = 0
    ) {
        self.kind = kind
        self.account = account
        self.asset = asset
        self.amount = amount
        self.reference = reference
        self.note = note
        self.before = before
    }
}

/// PTO: a position that was built elsewhere becomes the account's here. A fact like a fill, without an order and without money: balances are
/// deposited by themselves.
public struct TakeOver: BitwiseCopyable, Sendable {
    public var account: AccountNumber
    public var instrument: InstrumentID
    /// At the instrument's quantity scale; negative: short; never 0.
    public var quantity: Quantity
    /// Average entry price at the instrument's price scale; > 0. The cost is |quantity| x price.
    public var price: Price
    public var reference: Text
    /// Empty: none.
    public var note: Text
    public var before: Timestamp

    public init(
        account: AccountNumber, instrument: InstrumentID, quantity: Quantity, price: Price, reference: Text, note: Text = Text(),
        before: Timestamp = 0
    ) {
        self.account = account
        self.instrument = instrument
        self.quantity = quantity
        self.price = price
        self.reference = reference
        self.note = note
        self.before = before
    }
}

/// A transfer, decided by the shard of the source wallet.
public struct Transfer: BitwiseCopyable, Sendable {
    public var account: AccountNumber
    public var toAccount: AccountNumber
    public var toWallet: WalletID
    public var asset: AssetID
    public var amount: Amount
    public var reference: Text
    public var note: Text
    public var before: Timestamp

    public init(
        account: AccountNumber, toAccount: AccountNumber, toWallet: WalletID, asset: AssetID, amount: Amount,
        reference: Text, note: Text = Text(), before: Timestamp = 0
    ) {
        self.account = account
        self.toAccount = toAccount
        self.toWallet = toWallet
        self.asset = asset
        self.amount = amount
        self.reference = reference
        self.note = note
        self.before = before
    }
}

/// A change of limits: a `nil` field stays as it is, `.some(noLimit)` removes the limit.
public struct SetLimits: BitwiseCopyable, Sendable {
    /// 0: what holds for every account that has no limits of its own in this wallet.
    public var account: AccountNumber
    /// -1: the account in this wallet.
    public var instrument: InstrumentID
    public var change: LimitsChange
    public var before: Timestamp

    public init(account: AccountNumber, instrument: InstrumentID = -1, change: LimitsChange, before: Timestamp = 0) {
        self.account = account
        self.instrument = instrument
        self.change = change
        self.before = before
    }
}

public struct LimitsChange: BitwiseCopyable, Sendable, Equatable {
    public var maxQuantity: Amount?
    public var maxNotional: Amount?
    public var maxPosition: Amount?
    public var maxOpenOrders: Int64?
    public var enabled: Bool?
    /// In 10^-6; ``Limits/noRate``: the instrument's.
    public var makerFee: Int32?
    public var takerFee: Int32?
    public var selfTrade: SelfTradePrevention?
    public var priceBand: Int32?
    public var maxOrderRate: Int32?
    public var maxCancelRate: Int32?
    public var maxDailyLoss: Amount?
    public var mayShort: Bool?
    public var listedOnly: Bool?
    /// LIM `reset=loss`: the account may trade again, and its day begins anew.
    public var resetsLoss = false
    public init() {}
}

/// DMS: without another one by `deadline` everything the account has open in this wallet is cancelled.
public struct DeadMan: BitwiseCopyable, Sendable {
    public var account: AccountNumber
    /// 0: off.
    public var deadline: Timestamp
    public var before: Timestamp

    public init(account: AccountNumber, deadline: Timestamp, before: Timestamp = 0) {
        self.account = account
        self.deadline = deadline
        self.before = before
    }
}

public struct SetMark: BitwiseCopyable, Sendable {
    public var instrument: InstrumentID
    public var price: Price
    public var before: Timestamp
    public init(instrument: InstrumentID, price: Price, before: Timestamp = 0) {
        self.instrument = instrument
        self.price = price
        self.before = before
    }
}
