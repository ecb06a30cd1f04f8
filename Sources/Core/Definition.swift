/// What the registry consists of: one numbered entry per change. Shard 0 decides and numbers it, every other shard records its own copy
/// in number order (DESIGN: one wallet, one world).
public enum Definition: BitwiseCopyable, Sendable, Equatable {
    case asset(AssetInfo)
    case wallet(WalletInfo)
    case venue(VenueInfo)
    case instrument(InstrumentInfo)
    /// Changes what may change of a known instrument: tick, lot, bounds, state.
    case changeInstrument(InstrumentID, InstrumentTerms)
    case account(AccountNumber, AccountStatus)
    case setting(Setting, Int64)
}

public struct AssetInfo: BitwiseCopyable, Sendable, Equatable {
    public var name: Text
    /// Least decimals printed, 0...18.
    public var decimals: Int32
    public init(name: Text, decimals: Int32) {
        self.name = name
        self.decimals = decimals
    }
}

public struct WalletInfo: BitwiseCopyable, Sendable, Equatable {
    public var name: Text
    public init(name: Text) { self.name = name }
}

public enum VenueKind: UInt8, BitwiseCopyable, Sendable { case manual = 0, `internal` = 1, connector = 2 }

public struct VenueInfo: BitwiseCopyable, Sendable, Equatable {
    public var name: Text
    public var kind: VenueKind
    public init(name: Text, kind: VenueKind) {
        self.name = name
        self.kind = kind
    }
}

/// docs/MATCHING.md, section 8.
public enum InstrumentState: UInt8, BitwiseCopyable, Sendable, CaseIterable { case trading = 0, halted = 1, postOnly = 2, cancelOnly = 3 }
public enum FundsCheck: UInt8, BitwiseCopyable, Sendable { case full = 0, none = 1 }

/// What may change during an instrument's life.
public struct InstrumentTerms: BitwiseCopyable, Sendable, Equatable {
    /// Smallest price step, at the price scale; > 0.
    public var tick: Price
    /// Smallest quantity step, at the quantity scale; > 0.
    public var lot: Quantity
    public var minQuantity: Quantity
    public var maxQuantity: Quantity
    /// Smallest qty x price of an order with a price, in the quote asset.
    public var minNotional: Amount
    public var state: InstrumentState
    /// On an internal venue, unless the account's limits say otherwise.
    public var fees: FeeRates
    public init(
        tick: Price, lot: Quantity, minQuantity: Quantity, maxQuantity: Quantity, minNotional: Amount,
        state: InstrumentState = .trading, fees: FeeRates = FeeRates()
    ) {
        self.tick = tick
        self.lot = lot
        self.minQuantity = minQuantity
        self.maxQuantity = maxQuantity
        self.minNotional = minNotional
        self.state = state
        self.fees = fees
    }

    /// Do they say nothing that the first versions of the service could not?
    public var isOfFirstKind: Bool { fees == FeeRates() && (state == .trading || state == .halted) }
}

public struct InstrumentInfo: BitwiseCopyable, Sendable, Equatable {
    public var symbol: Text
    public var venue: VenueID
    public var wallet: WalletID
    public var base: AssetID
    public var quote: AssetID
    /// Decimals of a price; never changes.
    public var priceScale: Int32
    /// Decimals of a quantity; never changes. priceScale + quantityScale <= 18, so that price x quantity is exact at 10^-18.
    public var quantityScale: Int32
    public var funds: FundsCheck
    public var terms: InstrumentTerms
    public init(
        symbol: Text, venue: VenueID, wallet: WalletID, base: AssetID, quote: AssetID, priceScale: Int32,
        quantityScale: Int32, funds: FundsCheck = .full, terms: InstrumentTerms
    ) {
        self.symbol = symbol
        self.venue = venue
        self.wallet = wallet
        self.base = base
        self.quote = quote
        self.priceScale = priceScale
        self.quantityScale = quantityScale
        self.funds = funds
        self.terms = terms
    }
}

public enum AccountStatus: UInt8, BitwiseCopyable, Sendable { case open = 0, suspended = 1 }

/// A service setting that decisions or evictions depend on; therefore in the log, not in the configuration of the day.
public enum Setting: UInt8, BitwiseCopyable, Sendable, CaseIterable {
    /// Hours that closed orders and ids are remembered at least... or ``windowIDs``, whichever ends first.
    case windowHours = 0
    /// How many closed orders and used references a wallet remembers.
    case windowIDs = 1
    /// What a market buy without `max=` reserves above the mark price, in 1/100 of a percent.
    case marketMarginBps = 2
    /// When the day begins that losses are counted in, in minutes after midnight UTC.
    case dayStartMinutes = 3

    public var name: String {
        switch self {
        case .windowHours: "window_hours"
        case .windowIDs: "window_ids"
        case .marketMarginBps: "market_margin_bps"
        case .dayStartMinutes: "day_start_minutes"
        }
    }
    /// What holds until it is set.
    public var defaultValue: Int64 {
        switch self {
        case .windowHours: 24
        case .windowIDs: 10_000_000
        case .marketMarginBps: 500
        case .dayStartMinutes: 0
        }
    }
    public var allowed: ClosedRange<Int64> {
        switch self {
        case .windowHours: 1...8_760
        case .windowIDs: 1_000...100_000_000
        case .marketMarginBps: 0...100_000
        case .dayStartMinutes: 0...1_439
        }
    }
}
