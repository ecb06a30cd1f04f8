/// What became of a command: a value that the edge turns into an answer.
public enum Outcome: BitwiseCopyable, Sendable {
    case rejected(Rejection)
    /// NEW, RPL, CXL, CLS: the order as it is now. `duplicate`: nothing was changed.
    case order(OrderView, duplicate: Bool)
    /// FIL: the order as it is now and the trade.
    case filled(OrderView, trade: TradeID, duplicate: Bool)
    /// DEP, WDR, ADJ, HLD, RLS and a transfer inside the wallet: the available balance after it, of the (source) account.
    case balance(available: Amount, asset: AssetID, duplicate: Bool)
    /// The transfer is on its way (or was, already): the answer waits until the target wallet has credited number `sequence`.
    case transferring(target: WalletID, sequence: Int64, asset: AssetID, available: Amount, duplicate: Bool)
    /// PTO: the position as it is now.
    case position(PositionView, duplicate: Bool)
    case canceled(count: Int64)
    /// LIM, MRK, DMS.
    case done(duplicate: Bool)
    /// A definition: `number` is what the other shards must have recorded before the answer leaves; 0: nothing changed.
    case defined(number: Int64, canceled: Int64, duplicate: Bool)
}

/// An order as answers show it.
public struct OrderView: BitwiseCopyable, Sendable {
    public var id: OrderID
    public var instrument: InstrumentID
    public var status: OrderStatus
    public var leaves: Quantity
    public var cumulative: Quantity
    /// Sum of LastPx x LastQty at price scale + quantity scale; AvgPx is this divided by `cumulative`.
    public var cumulativeCost: Int128
    /// Of a cancelled order.
    public var reason = CancelReason.requested
}

/// Why nothing was done: a stable code with the facts to mend it. See docs/PROTOCOL.md, section 10.
public enum Rejection: BitwiseCopyable, Sendable, Equatable {
    case unknownAccount(AccountNumber)
    case unknownAsset(AssetID)
    case unknownWallet(WalletID)
    case unknownInstrument(InstrumentID)
    case unknownOrder
    case accountSuspended(AccountNumber)
    case instrumentHalted(InstrumentID)
    case instrumentPostOnly(InstrumentID)
    case instrumentCancelOnly(InstrumentID)
    /// FOK: so much could be filled at once.
    case unfillable(InstrumentID, available: Quantity)
    /// Post-only: the price on the other side that it would trade at.
    case wouldTake(InstrumentID, price: Price)
    /// The trigger's condition holds already.
    case wouldTrigger(InstrumentID, stop: Price, price: Price)
    case reduceOnly(InstrumentID, position: Quantity)
    /// `oco=` names no open order that could be the other leg.
    case badPair(Text)
    /// RPL of an order in an OCO pair.
    case inPair(OrderID)
    case offTick(InstrumentID)
    case offLot(InstrumentID)
    case quantityOutOfBounds(InstrumentID)
    case notionalTooSmall(InstrumentID, notional: Amount)
    case noMark(InstrumentID)
    case alreadyExpired(expire: Timestamp, now: Timestamp)
    case tooLate(before: Timestamp, now: Timestamp)
    case orderClosed(OrderStatus)
    case belowCumulative(InstrumentID, cumulative: Quantity)
    case overfill(InstrumentID, max: Quantity, cumulative: Quantity)
    case beyondLimit(InstrumentID, price: Price)
    case noPosition(InstrumentID, quantity: Quantity)
    /// PTO where the account is not flat.
    case positionExists(InstrumentID, quantity: Quantity)
    case insufficientFunds(AssetID, WalletID, need: Amount, available: Amount)
    case insufficientHeld(AssetID, WalletID, need: Amount, held: Amount)
    case limitDisabled(LimitScope)
    case limitQuantity(LimitScope, limit: Amount, value: Amount)
    case limitNotional(LimitScope, quote: AssetID, limit: Amount, value: Amount)
    case limitPosition(LimitScope, limit: Amount, value: Amount)
    case limitOpenOrders(LimitScope, limit: Int64, value: Int64)
    /// In 1/100 of a percent of `reference`; `value` is rounded up.
    case limitPriceBand(LimitScope, InstrumentID, limit: Int64, value: Int64, reference: Price)
    /// `retry`: microseconds after which one more would be taken.
    case limitOrderRate(LimitScope, limit: Int64, retry: Int64)
    case limitCancelRate(LimitScope, limit: Int64, retry: Int64)
    case limitDailyLoss(LimitScope, AssetID, limit: Amount, value: Amount)
    /// `value`: where the position could go.
    case limitShort(LimitScope, InstrumentID, value: Int128)
    case limitNotListed(LimitScope, InstrumentID)
    case idReused(Text)
    case overflow(What)
    case fixed(Key)
    case alreadyExists(Text)
    case tableFull(Table, max: Int64)
    /// A price that must or must not be there, a replaced market order with a price, and the like.
    case badValue(Key)
    case notSupported(What)

    /// What could not be held or is not there yet; printed as `what=`.
    public enum What: UInt8, BitwiseCopyable, Sendable {
        case notional, balance, position, reserve, cost, venue, fee
        /// An option of NEW that only internal venues know.
        case instructions
    }
    /// Which argument; printed as `key=` or `argument=`.
    public enum Key: UInt8, BitwiseCopyable, Sendable {
        case venue, wallet, base, quote, priceScale, quantityScale, funds, decimals, kind, price, quantity, expire, max,
            tick, lot, minQuantity, maxQuantity, minNotional, value, amount, account, fee, stop, trigger, display, post, reduce, oco, timeInForce,
            makerFee, takerFee
    }
    public enum Table: UInt8, BitwiseCopyable, Sendable {
        case strategies, assets, wallets, venues, instruments, accounts, orders, triggers
    }
}

public struct LimitScope: BitwiseCopyable, Sendable, Equatable {
    public var account: AccountNumber
    /// -1: the account in the wallet.
    public var instrument: InstrumentID
    public var wallet: WalletID
    public init(account: AccountNumber, instrument: InstrumentID, wallet: WalletID) {
        self.account = account
        self.instrument = instrument
        self.wallet = wallet
    }
}
