import Core

/// A part of a longer list.
package struct HistoryPage<Row: Sendable>: Sendable {
    package var rows: [Row]
    /// How many the filter finds.
    package var total: Int
}

// Decimals are text as the line protocol prints them; times are microseconds since 1970 UTC.

/// A closed order.
package struct OrderRow: Sendable, Equatable {
    package var id: OrderID
    package var account: AccountNumber
    package var symbol: String
    package var base: String
    package var quote: String
    package var wallet: String
    package var clientID: Text
    package var side: Side
    package var type: OrderType
    package var timeInForce: TimeInForce
    package var quantity: String
    /// `nil`: a market order.
    package var price: String?
    package var options: OrderOptions
    package var status: OrderStatus
    /// Zero: the order is closed.
    package var leaves: String
    package var cumulative: String
    /// `nil`: nothing was filled.
    package var average: String?
    /// Sum of price x quantity of its fills, in the quote asset.
    package var value: String
    package var expire: Timestamp?
    package var max: String?
    /// Empty: none.
    package var strategy: Text
    package var note: Text
    package var created: Timestamp
    package var updated: Timestamp
    package var closed: Timestamp
    /// Of a cancelled order.
    package var reason: CancelReason?
    /// `reason=` of its CXL; empty: none.
    package var reasonText: Text
    package var cancelOnDisconnect: Bool
    /// 0: the service itself.
    package var enteredSession: UInt64
    package var closedSession: UInt64
    package var enteredLSN: UInt64
    package var closedLSN: UInt64
}

/// What an order of an internal venue asked for beyond its type.
package struct OrderOptions: Sendable, Equatable {
    package var trigger = Trigger.none
    package var triggerPrice = TriggerPrice.last
    /// `nil`: none.
    package var stop: String?
    package var display: String?
    package var postOnly = false
    package var reduceOnly = false
    package var selfTrade = SelfTradePrevention.standard
    /// The other leg of the pair that it was in.
    package var oco: OrderID?
    package init() {}
}

package struct TradeRow: Sendable, Equatable {
    package var id: TradeID
    package var order: OrderID
    package var account: AccountNumber
    package var symbol: String
    package var base: String
    package var quote: String
    package var wallet: String
    package var clientID: Text
    package var side: Side
    package var quantity: String
    package var price: String
    /// Price x quantity, in the quote asset.
    package var value: String
    /// Negative: a rebate.
    package var fee: String
    package var feeAsset: String
    package var liquidity: Liquidity
    /// Empty: a trade of an internal venue.
    package var exec: Text
    package var time: Timestamp
    package var venueTime: Timestamp?
    /// Empty: none.
    package var strategy: Text
    /// By how much it changed the position's realized PnL, fees included; in the quote asset.
    package var realized: String
    /// Whether it was against the position.
    package var isClosing: Bool
    package var session: UInt64
    package var lsn: UInt64
}

/// One change of a balance.
package struct LedgerRow: Sendable, Equatable {
    package var lsn: UInt64
    /// Which of the LSN's lines, from 1.
    package var k: Int
    package var time: Timestamp
    package var account: AccountNumber
    package var wallet: String
    package var asset: String
    package var kind: LedgerKind
    /// By how much it changed the total, or (HLD, RLS) what is held.
    package var amount: String
    /// The balance after it.
    package var total: String
    package var available: String
    package var held: String
    /// Empty: none.
    package var reference: Text
    package var order: OrderID?
    package var trade: TradeID?
    /// Note of DEP, WDR and XFR, reason of ADJ, HLD and RLS; empty: none.
    package var note: Text
    package var peerAccount: AccountNumber?
    package var peerWallet: String?
    package var session: UInt64
}

/// A definition, a change of an account's status or of limits, a setting, a position taken over.
package struct ActionRow: Sendable, Equatable {
    package var lsn: UInt64
    package var time: Timestamp
    package var session: UInt64
    /// `AST WLT VEN INS ACC SET LIM PTO`.
    package var kind: String
    package var account: AccountNumber?
    package var symbol: String?
    /// As the event prints it.
    package var text: String
}

/// Who caused records.
package struct SessionRow: Sendable, Equatable {
    package var number: UInt64
    package var subject: String
    package var roles: String
    package var peer: String
    /// Empty: none.
    package var name: String
    package var opened: Timestamp
}

package struct AuditRow: Sendable {
    package enum Event: Sendable {
        case entered(OrderRow)
        case closed(OrderRow)
        case trade(TradeRow)
        case ledger(LedgerRow)
        case action(ActionRow)
    }
    package var time: Timestamp
    package var lsn: UInt64
    /// `nil`: the service itself.
    package var session: SessionRow?
    package var event: Event
}
