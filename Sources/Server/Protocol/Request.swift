import Core

/// What one line asks for, with names resolved and numbers at scale. A plain value: making one allocates nothing.
public enum Request: BitwiseCopyable, Sendable {
    /// NEW, RPL, CXL or FIL, for the shard of ``ParsedLine/wallet``. They are large and frequent, so each has its place in the line and is neither
    /// copied nor looked for in this enum: see ``ParsedLine/orderCommand``.
    case order
    /// Every other command of one wallet, for its shard.
    case shard(WalletID, Command)
    /// CXA: for the shard of `wallet`, or for all shards when that is -1.
    case cancelAll(wallet: WalletID, CancelAll)
    /// DMS: for all shards; 0: off.
    case deadMan(AccountNumber, seconds: Int64)
    /// For shard 0, then for every shard's copy.
    case define(Definition)
    /// `ACC * suspend`, `ACC * resume`: a definition for each account that is not so yet.
    case house(AccountStatus)
    case query(Query)
    case session(SessionVerb)
    case refused(Refusal)
}

/// One parsed line.
public struct ParsedLine: ~Copyable, Sendable {
    /// Empty when it could not be read: the answer then says `?`.
    public var tag: Text
    /// `nil` when the line was refused before its verb was known.
    public var verb: Verb?
    public var request: Request
    /// Which of the four below it is, if ``request`` is ``Request/order``; the others are left over from lines before.
    public var orderCommand = OrderCommand.none
    /// Of that command.
    public var wallet: WalletID = 0
    public var order = NewOrder(
        account: 0, instrument: 0, side: .buy, type: .limit, timeInForce: .gtc, quantity: 0, price: 0, clientID: Text())
    public var replace = Replace(account: 0, instrument: 0, order: .order(0), quantity: 0, price: 0)
    public var cancel = Cancel(account: 0, instrument: 0, order: .order(0))
    public var fill = Fill(account: 0, instrument: 0, order: .order(0), quantity: 0, price: 0, exec: Text(), fee: 0, feeAsset: 0)
    /// What is known of that command before its turn, if it came with others.
    var ahead = Shard.Ahead()
    public var requires: Requires
    /// `before=`, microseconds; 0: not given. Commands for shards carry it too, for their shard to check.
    public var before: Timestamp
    /// DEP names an account the registry does not know: the session opens it first (`Definition.account(n, .open)`).
    public var opensAccount: Bool
    /// `ACC n resume`: what the definition has in common with `open` does not say that it may lift a suspension.
    public var resumes = false
    /// INS of a known symbol: the keys that it gives, the others are only what the reader knew. Of other lines left over.
    package var named = KeySet()

    public init() {
        tag = Text()
        verb = nil
        request = .refused(.badTag)
        requires = Requires(.nothing)
        before = 0
        opensAccount = false
    }

    /// The command for one wallet's shard as one value; for where speed does not matter.
    public var command: (wallet: WalletID, command: Command)? {
        switch orderCommand {
        case .new: return (wallet, .newOrder(order))
        case .replace: return (wallet, .replace(replace))
        case .cancel: return (wallet, .cancel(cancel))
        case .fill: return (wallet, .fill(fill))
        case .none: break
        }
        guard case .shard(let wallet, let command) = request else { return nil }
        return (wallet, command)
    }

    /// It is one of the four; the parser calls this when all of it is in place.
    @inline(__always)
    mutating func become(_ command: OrderCommand, _ wallet: WalletID, _ requires: Requires) {
        orderCommand = command
        self.wallet = wallet
        self.requires = requires
        request = .order
    }

    /// Everything but tag and request, which each line sets.
    @inline(__always)
    mutating func begin() {
        verb = nil
        orderCommand = .none
        requires = Requires(.nothing)
        before = 0
        opensAccount = false
        resumes = false
    }
}

/// The commands of a line that have a place of their own in it.
public enum OrderCommand: UInt8, BitwiseCopyable, Sendable {
    case none, new, replace, cancel, fill
}

/// What a role check needs to know of a request; ``Permissions`` decides.
public struct Requires: BitwiseCopyable, Sendable {
    public enum Access: UInt8, BitwiseCopyable, Sendable {
        /// No role at all: AUTH, PING, TIME, HELP, QUIT and refused lines.
        case nothing
        /// Any authenticated session: lists without an account, SYNC, STAT, SUB.
        case session
        /// To see the account; without one, to see accounts at all.
        case view
        /// To trade for the account, and for `second` where there is one.
        case trade
        /// FIL: connector of the venue, or trader of the account on a manual venue (then within the order's limit).
        case fill
        /// MRK: connector of the venue.
        case mark
        case admin
    }
    public var access: Access
    /// 0: none.
    public var account: AccountNumber
    /// XFR's receiving account; 0: none.
    public var second: AccountNumber
    /// -1: none.
    public var venue: VenueID

    public init(_ access: Access, account: AccountNumber = 0, second: AccountNumber = 0, venue: VenueID = -1) {
        self.access = access
        self.account = account
        self.second = second
        self.venue = venue
    }
}

public struct Query: BitwiseCopyable, Sendable {
    public enum Kind: UInt8, BitwiseCopyable, Sendable {
        case balances, positions, orders, trades, limits, instruments, book, market, deadMen
        // Answered from any copy of the registry.
        case assets, wallets, venues, accounts, settings
    }
    public enum Scope: BitwiseCopyable, Sendable, Equatable {
        case shard(WalletID)
        /// Every shard, in ascending order; `limit` counts over all of them.
        case allShards
        case registry
    }

    public static let limitDefault = 100
    public static let limitMax = 1_000
    /// Price levels of a side of a book.
    public static let depthDefault = 10
    public static let depthMax = 1_000

    public var kind: Kind
    /// 0: none.
    public var account: AccountNumber = 0
    /// -1: all.
    public var asset: AssetID = -1
    /// -1: all.
    public var instrument: InstrumentID = -1
    /// -1: all.
    public var wallet: WalletID = -1
    public var order: OrderReference?
    public var status: OrderFilter = .open
    /// Orders above this OrderID; accounts that were opened after this one. 0: from the first on.
    public var after: Int64 = 0
    /// Most rows of the whole answer, 1...``limitMax``.
    public var limit = Query.limitDefault
    /// Of BOOK: most price levels of a side.
    public var depth = Query.depthDefault

    public init(_ kind: Kind) { self.kind = kind }

    public var scope: Scope {
        switch kind {
        case .balances, .positions, .orders, .trades, .limits, .instruments, .book, .market, .deadMen: wallet >= 0 ? .shard(wallet) : .allShards
        case .assets, .wallets, .venues, .accounts, .settings: .registry
        }
    }
}

/// What the session itself answers.
public enum SessionVerb: BitwiseCopyable, Sendable {
    case authenticate(Authentication)
    case ping, time, sync, quit, unsubscribe
    /// `nil`: all verbs.
    case help(Verb?)
    case status(hash: Bool)
    case sessions
    case snapshot
    case subscribe(Subscription)
    case subscribeMarket(MarketData)
    case unsubscribeMarket(MarketData)

    /// Public market data: of which instruments; -1: none.
    public struct MarketData: BitwiseCopyable, Sendable {
        public var book: InstrumentID = -1
        public var trades: InstrumentID = -1
        /// Most price levels of a side of the book.
        public var depth = Query.depthDefault
    }

    public struct Authentication: BitwiseCopyable, Sendable {
        /// Where in the line the token is; both 0 for `-`.
        public var tokenStart: Int
        public var tokenEnd: Int
        /// Empty: not given.
        public var session: Text
        /// `hb=`, seconds; 0: not given.
        public var heartbeatSeconds: Int
        public var cancelOnDisconnect: Bool
        public var hasToken: Bool { tokenEnd > tokenStart }
    }

    public struct Subscription: BitwiseCopyable, Sendable {
        /// `nil`: from now on.
        public var from: Position?
        /// 0: every account the session may see.
        public var account: AccountNumber
        /// -1: every instrument.
        public var instrument: InstrumentID
        public var kinds: EventKinds

        /// After event `event` of change `lsn`; without one, after the whole change.
        public struct Position: BitwiseCopyable, Sendable, Equatable {
            public var lsn: Int64
            public var event: Int?
            public init(lsn: Int64, event: Int?) {
                self.lsn = lsn
                self.event = event
            }
        }
    }
}
