import Core

/// Which closed orders are wanted; `nil`: any. Bounds are decimal text of at most 18 decimals, compared exactly.
package struct ClosedOrderFilter: Sendable {
    /// `nil`: all. Several are merged; an empty list finds nothing.
    package var accounts: [AccountNumber]?
    package var symbol: Text?
    package var side: Side?
    package var type: OrderType?
    /// `.none`: those that waited for no price.
    package var trigger: Trigger?
    package var statuses: [OrderStatus]?
    package var strategy: Text?
    /// Microseconds; from this time on.
    package var createdFrom: Timestamp?
    /// Before this time.
    package var createdBefore: Timestamp?
    package var minQuantity: String?
    package var maxQuantity: String?
    /// Market orders have no price and are never within bounds of it.
    package var minPrice: String?
    package var maxPrice: String?
    /// Only what had closed at this LSN: to join an answer of the live state, which has what was open there.
    package var closedUpTo: UInt64?

    package init(accounts: [AccountNumber]? = nil) { self.accounts = accounts }
}

/// Which trades are wanted; `nil`: any. Bounds as in ``ClosedOrderFilter``.
package struct TradeFilter: Sendable {
    package var accounts: [AccountNumber]?
    package var symbol: Text?
    package var base: Text?
    package var quote: Text?
    package var side: Side?
    package var order: OrderID?
    package var strategy: Text?
    package var liquidity: Liquidity?
    package var minQuantity: String?
    package var maxQuantity: String?
    package var minPrice: String?
    package var maxPrice: String?
    /// Price x quantity, in the quote asset.
    package var minValue: String?
    package var maxValue: String?
    /// Microseconds; from this time on.
    package var from: Timestamp?
    /// Before this time.
    package var before: Timestamp?

    package init(accounts: [AccountNumber]? = nil) { self.accounts = accounts }
}

package enum TradeSort: Sendable { case time, quantity, price, value }

/// Which ledger lines are wanted; `nil`: any.
package struct LedgerFilter: Sendable {
    package var accounts: [AccountNumber]?
    package var wallet: Text?
    package var asset: Text?
    package var kinds: [LedgerKind]?
    package var reference: Text?
    /// Microseconds; from this time on.
    package var from: Timestamp?
    /// Before this time.
    package var before: Timestamp?

    package init(accounts: [AccountNumber]? = nil) { self.accounts = accounts }
}

/// Which part of the past the audit is of.
package struct AuditRange: Sendable {
    /// `nil`: of all accounts, and what concerns none.
    package var accounts: [AccountNumber]?
    /// After this LSN.
    package var afterLSN: UInt64?
    /// Up to this LSN.
    package var upToLSN: UInt64?
    /// Microseconds; from this time on.
    package var from: Timestamp?
    /// Before this time.
    package var before: Timestamp?

    package init(accounts: [AccountNumber]? = nil) { self.accounts = accounts }
}
