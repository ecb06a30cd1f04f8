// What goes on when the disk is nearly full: the log keeps room for taking risk off and for facts.

extension Shard {
    /// Whether a command may be decided while only the log's reserve is left: it takes risk off, reports a fact, or
    /// repeats what was done (a repeat records nothing, and whoever retries must learn that it was done).
    public func isTakenInLittleRoom(_ command: borrowing Command) -> Bool {
        switch copy command {
        case .cancel, .cancelAll, .fill, .setLimits: return true
        case .replace(let replace): return isReduction(replace)
        case .newOrder(let order): return isRemembered(order.account, order.clientID)
        case .closePosition(let close): return isRemembered(close.account, close.clientID)
        case .money(let money): return money.kind == .release || isRemembered(money.account, money.reference)
        case .takeOver(let takeOver): return isRemembered(takeOver.account, takeOver.reference)
        case .transfer(let transfer): return isRemembered(transfer.account, transfer.reference)
        case .setMark: return false
        case .deadMan(let deadMan): return deadMan.deadline == 0
        case .define(let definition):
            if case .account = definition { return true }
            return false
        }
    }

    /// A replace that cannot raise the order's reserve: no more quantity, and for a purchase no higher price.
    private func isReduction(_ replace: Replace) -> Bool {
        guard let order = order(account: replace.account, instrument: replace.instrument, replace.order) else { return true }
        // In a book another price may trade.
        if hasBook(replace.instrument), replace.price != order.price || replace.stop != 0 { return false }
        return replace.quantity <= order.quantity && (order.side == .sell || replace.price <= order.price)
            && replace.max <= order.max
    }

    private func isRemembered(_ number: AccountNumber, _ id: Text) -> Bool {
        registry.account(number).map { remembered($0, id) != nil } ?? false
    }
}
