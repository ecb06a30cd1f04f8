import Core
import WAL

/// An order that has closed, or that got a fill after it.
struct PendingOrder: BitwiseCopyable {
    var order: OrderDetail
    /// Of what was filled, in the quote asset.
    var value: Amount
    var quoteDecimals: Int32
    /// 0: none.
    var strategy: Int64
    var entered: Entry
    var closed: Entry
    var closedAt: Timestamp
    /// The other leg of the pair it was in; 0: none.
    var oco: OrderID = 0
}

struct PendingTrade: BitwiseCopyable {
    var fill: Filled
    var account: AccountNumber
    var instrument: InstrumentID
    var side: Side
    var clientID: Text
    var strategy: Int64
    var feeDecimals: Int32
    /// By how much the fill changed the position's realized PnL.
    var realized: Amount
    var quoteDecimals: Int32
    /// Whether it was against the position.
    var isClosing: Bool
    var time: Timestamp
    var source: Entry
}

/// A balance after a change.
struct BalanceAfter: BitwiseCopyable {
    var asset: AssetID = 0
    var total: Amount = 0
    var available: Amount = 0
    var held: Amount = 0
}

/// One change of a balance.
struct PendingLine: BitwiseCopyable {
    var source = Entry()
    var k: Int64 = 1
    var time: Timestamp = 0
    var account: AccountNumber = 0
    var wallet: WalletID = 0
    var kind = LedgerKind.deposit
    var amount: Amount = 0
    var balance = BalanceAfter()
    var decimals: Int32 = 0
    var reference = Text()
    var order: OrderID = 0
    var trade: TradeID = 0
    var note = Text()
    /// 0: none.
    var peerAccount: AccountNumber = 0
    var peerWallet: WalletID = 0
}

struct PendingAction {
    var source: Entry
    var time: Timestamp
    var kind: String
    /// 0: none.
    var account: AccountNumber
    /// -1: none.
    var instrument: InstrumentID
    var text: String
}

enum PendingName {
    case asset(AssetID, AssetInfo)
    case wallet(WalletID, WalletInfo)
    case instrument(InstrumentID, InstrumentInfo, venue: Text)
    case terms(InstrumentID, InstrumentTerms)
    case strategy(Int64, Text)
}

/// What records have come to and is not written yet; written in one transaction, or again when that fails.
struct RowBatch {
    var sessions: [SessionInfo] = []
    var names: [PendingName] = []
    var orders: [PendingOrder] = []
    /// Late fills; written after the orders.
    var lateFills: [PendingOrder] = []
    var trades: [PendingTrade] = []
    var ledger: [PendingLine] = []
    var actions: [PendingAction] = []
    /// Everything up to here is in the database once this is written.
    var lsn: UInt64 = 0
    var place: (lsn: UInt64, chain: UInt64) = (0, 0)

    var rows: Int { sessions.count + names.count + orders.count + lateFills.count + trades.count + ledger.count + actions.count }

    mutating func removeAll() {
        sessions.removeAll(keepingCapacity: true)
        names.removeAll(keepingCapacity: true)
        orders.removeAll(keepingCapacity: true)
        lateFills.removeAll(keepingCapacity: true)
        trades.removeAll(keepingCapacity: true)
        ledger.removeAll(keepingCapacity: true)
        actions.removeAll(keepingCapacity: true)
    }
}
