/// One change of one shard's state: one log record, one LSN. `decide` makes it, `evolve` applies it and cannot fail, so that a replay of
/// mutations alone gives the state that was live. A mutation carries all that evolve needs beside the state: no limit, price
/// check or rule of `decide` is looked up again, and a later `decide` cannot break an old log.
public enum Mutation: BitwiseCopyable, Sendable {
    /// Entry `number` of the registry (1, 2, 3 ... in every shard).
    case defined(number: Int64, Definition)
    case orderAccepted(OrderAccepted)
    case orderReplaced(OrderReplaced)
    case orderCanceled(OrderCanceled)
    case orderExpired(order: OrderID)
    case filled(Filled)
    /// A trade of two orders on an internal venue.
    case matched(Matched)
    /// An armed order's price has come: it is a limit or market order from now on.
    case orderTriggered(order: OrderID)
    case moneyMoved(Money)
    /// A transfer between accounts of this wallet: debit and credit in one.
    case transferredWithin(Transfer)
    /// Debited and on its way: number `sequence` from this shard to `transfer.toWallet`.
    case transferSent(Transfer, sequence: Int64)
    /// Credited: number `sequence` from shard `source`.
    case transferReceived(TransferReceived)
    /// All transfers to shard `target` up to number `upTo` are credited there, durably.
    case transfersSettled(target: WalletID, upTo: Int64)
    /// Account 0: for every account without limits of its own in this wallet.
    case limitsSet(account: AccountNumber, instrument: InstrumentID, Limits)
    /// The account has lost more of the asset than it may in a day: only what takes risk off is accepted from now on. `on` false, asset -1: all
    /// of that is over, and the day's losses are counted from now.
    case lossLatched(account: AccountNumber, asset: AssetID, on: Bool)
    /// 0: the account's dead-man timer is off.
    case deadManSet(account: AccountNumber, deadline: Timestamp)
    case markSet(instrument: InstrumentID, price: Price)
    case positionTakenOver(TakeOver)
}

public struct OrderAccepted: BitwiseCopyable, Sendable {
    public var id: OrderID
    public var account: AccountNumber
    public var instrument: InstrumentID
    public var side: Side
    public var type: OrderType
    public var timeInForce: TimeInForce
    public var quantity: Quantity
    public var price: Price
    public var clientID: Text
    public var expire: Timestamp
    /// `max=` as given, for display; 0: none.
    public var max: Amount
    /// What a market buy reserves of the quote asset; 0 for every other order (theirs follows from price and leaves).
    public var marketReserve: Amount
    public var strategy: Text
    public var note: Text
    public var cancelOnDisconnect: UInt64
    /// Of the command's content, to tell a repeat from a reuse of its id.
    public var contentHash: UInt64
    public var instructions: Instructions
    /// The other leg; 0: none.
    public var oco: OrderID
    /// What its trades will be charged on an internal venue.
    public var fees: FeeRates

    public init(
        id: OrderID, account: AccountNumber, instrument: InstrumentID, side: Side, type: OrderType,
        timeInForce: TimeInForce, quantity: Quantity, price: Price, clientID: Text, expire: Timestamp = 0,
        max: Amount = 0, marketReserve: Amount = 0, strategy: Text = Text(), note: Text = Text(),
        cancelOnDisconnect: UInt64 = 0, contentHash: UInt64 = 0, instructions: Instructions = Instructions(), oco: OrderID = 0,
        fees: FeeRates = FeeRates()
    ) {
        self.id = id
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
        self.marketReserve = marketReserve
        self.strategy = strategy
        self.note = note
        self.cancelOnDisconnect = cancelOnDisconnect
        self.contentHash = contentHash
        self.instructions = instructions
        self.oco = oco
        self.fees = fees
    }
}

public struct OrderReplaced: BitwiseCopyable, Sendable {
    public var order: OrderID
    public var quantity: Quantity
    public var price: Price
    public var max: Amount
    public var marketReserve: Amount
    /// The new StopPx of an armed order; 0: as it was.
    public var stop: Price

    public init(order: OrderID, quantity: Quantity, price: Price, max: Amount, marketReserve: Amount, stop: Price = 0) {
        self.order = order
        self.quantity = quantity
        self.price = price
        self.max = max
        self.marketReserve = marketReserve
        self.stop = stop
    }
}

public struct OrderCanceled: BitwiseCopyable, Sendable {
    public var order: OrderID
    public var reason: CancelReason
    public var note: Text

    public init(order: OrderID, reason: CancelReason, note: Text) {
        self.order = order
        self.reason = reason
        self.note = note
    }
}

public struct Filled: BitwiseCopyable, Sendable {
    public var trade: TradeID
    public var order: OrderID
    public var quantity: Quantity
    public var price: Price
    public var exec: Text
    public var fee: Amount
    public var feeAsset: AssetID
    public var liquidity: Liquidity
    public var venueTime: Timestamp

    public init(
        trade: TradeID, order: OrderID, quantity: Quantity, price: Price, exec: Text, fee: Amount, feeAsset: AssetID,
        liquidity: Liquidity, venueTime: Timestamp
    ) {
        self.trade = trade
        self.order = order
        self.quantity = quantity
        self.price = price
        self.exec = exec
        self.fee = fee
        self.feeAsset = feeAsset
        self.liquidity = liquidity
        self.venueTime = venueTime
    }
}

/// One match. The price is the maker's; both fees are in the quote asset.
public struct Matched: BitwiseCopyable, Sendable {
    /// Of the maker's side; the taker's is the next.
    public var trade: TradeID
    public var maker: OrderID
    public var taker: OrderID
    public var quantity: Quantity
    public var price: Price
    public var makerFee: Amount
    public var takerFee: Amount

    public init(
        trade: TradeID, maker: OrderID, taker: OrderID, quantity: Quantity, price: Price, makerFee: Amount, takerFee: Amount
    ) {
        self.trade = trade
        self.maker = maker
        self.taker = taker
        self.quantity = quantity
        self.price = price
        self.makerFee = makerFee
        self.takerFee = takerFee
    }

    /// What the match is to the maker's order; `fee` is the quote asset.
    public func makerSide(fee: AssetID) -> Filled {
        Filled(
            trade: trade, order: maker, quantity: quantity, price: price, exec: Text(), fee: makerFee, feeAsset: fee, liquidity: .maker,
            venueTime: 0)
    }

    public func takerSide(fee: AssetID) -> Filled {
        Filled(
            trade: trade + 1, order: taker, quantity: quantity, price: price, exec: Text(), fee: takerFee, feeAsset: fee, liquidity: .taker,
            venueTime: 0)
    }
}

public struct TransferReceived: BitwiseCopyable, Sendable {
    public var source: WalletID
    public var sequence: Int64
    public var account: AccountNumber
    public var fromAccount: AccountNumber
    public var asset: AssetID
    public var amount: Amount
    public var reference: Text

    public init(
        source: WalletID, sequence: Int64, account: AccountNumber, fromAccount: AccountNumber, asset: AssetID,
        amount: Amount, reference: Text
    ) {
        self.source = source
        self.sequence = sequence
        self.account = account
        self.fromAccount = fromAccount
        self.asset = asset
        self.amount = amount
        self.reference = reference
    }
}

/// Limits in force; ``Limits/none`` where there is no limit.
public struct Limits: BitwiseCopyable, Sendable, Equatable {
    /// "No limit".
    public static var none: Amount { .max }
    /// Of one order, in base asset at 10^-18.
    public var maxQuantity: Amount = Limits.none
    /// Of one order, in quote asset at 10^-18.
    public var maxNotional: Amount = Limits.none
    /// Absolute position after all open orders of one side fill, in base asset at 10^-18.
    public var maxPosition: Amount = Limits.none
    public var maxOpenOrders: Int64 = .max
    public var enabled = true
    /// Rates of fees on internal venues in place of the instrument's; ``Limits/noRate``: the instrument's.
    public var makerFee = Limits.noRate
    public var takerFee = Limits.noRate
    public var selfTrade = SelfTradePrevention.standard
    public static var noRate: Int32 { .min }
    /// How far a limit price may be from the reference price, in 1/100 of a percent; ``Limits/unlimited``: as far as it likes.
    public var priceBand = Limits.unlimited
    /// NEW, CLS and RPL per second; CXL per second.
    public var maxOrderRate = Limits.unlimited
    public var maxCancelRate = Limits.unlimited
    /// Of each quote asset, realized and not; of an account only.
    public var maxDailyLoss: Amount = Limits.none
    public var mayShort = true
    /// Of an account only: instruments without limits of the account's own are not for it.
    public var listedOnly = false
    public static var unlimited: Int32 { .max }
    public static var priceBandsAllowed: ClosedRange<Int32> { 1...1_000_000 }
    public static var ratesAllowed: ClosedRange<Int32> { 1...1_000_000 }
    public init() {}

    /// Do they say nothing that the first versions of the service could not?
    public var isOfFirstKind: Bool {
        makerFee == Limits.noRate && takerFee == Limits.noRate && selfTrade == .standard && priceBand == Limits.unlimited
            && maxOrderRate == Limits.unlimited && maxCancelRate == Limits.unlimited && maxDailyLoss == Limits.none && mayShort && !listedOnly
    }

    public func changed(by change: LimitsChange) -> Limits {
        var new = self
        if let value = change.maxQuantity { new.maxQuantity = value }
        if let value = change.maxNotional { new.maxNotional = value }
        if let value = change.maxPosition { new.maxPosition = value }
        if let value = change.maxOpenOrders { new.maxOpenOrders = value }
        if let value = change.enabled { new.enabled = value }
        if let value = change.makerFee { new.makerFee = value }
        if let value = change.takerFee { new.takerFee = value }
        if let value = change.selfTrade { new.selfTrade = value }
        if let value = change.priceBand { new.priceBand = value }
        if let value = change.maxOrderRate { new.maxOrderRate = value }
        if let value = change.maxCancelRate { new.maxCancelRate = value }
        if let value = change.maxDailyLoss { new.maxDailyLoss = value }
        if let value = change.mayShort { new.mayShort = value }
        if let value = change.listedOnly { new.listedOnly = value }
        return new
    }
}
