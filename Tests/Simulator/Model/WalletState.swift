import Core

struct Pair: Hashable {
    var account: AccountNumber
    /// Asset or instrument; -1: the account in the wallet.
    var other: Int32
}

struct NameKey: Hashable {
    /// Account, or order of an exec.
    var owner: Int64
    var text: String
}

struct BalanceState: Equatable {
    var available: Amount = 0
    var reserved: Amount = 0
    var held: Amount = 0
    var transit: Amount = 0
    var total: Amount { available + reserved + held }
}

struct PositionState: Equatable {
    var quantity: Quantity = 0
    var cost: Amount = 0
    var realized: Amount = 0
    var isListed = false
    var openBuy: Int128 = 0
    var openSell: Int128 = 0
    var openOrders = 0
    /// In assets that are neither base nor quote.
    var fees: [AssetID: Amount] = [:]
}

struct OrderState {
    var id: OrderID
    var account: AccountNumber
    var instrument: InstrumentID
    var side: Side
    var type: OrderType
    var timeInForce: TimeInForce
    var quantity: Quantity
    var price: Price
    var clientID: Text
    var expire: Timestamp
    var max: Amount
    /// What a market buy still holds.
    var marketReserve: Amount
    var strategy: Text
    var note: Text
    var session: UInt64
    var status = OrderStatus.new
    var cumulative: Quantity = 0
    /// Sum of LastPx x LastQty at price scale + quantity scale.
    var paid: Int128 = 0
    var largest: Quantity
    var created: Timestamp
    var updated: Timestamp
    /// Of the record that made it.
    var lsn: UInt64
    var reason = CancelReason.requested
    var reasonText = Text()
    /// Oldest first.
    var trades: [TradeID] = []
    // On an internal venue.
    var instructions = Instructions()
    var fees = FeeRates()
    /// The other leg of its pair; 0: none.
    var leg: OrderID = 0
    /// It came after the other leg.
    var isSecond = false
    var isArmed = false
    /// Within a price (or a stop) the lower one is the first.
    var rank = 0
    /// What others see of it.
    var shown: Quantity = 0

    /// Does it rest when nobody takes it?
    var mayRest: Bool { type == .limit && (timeInForce == .gtc || timeInForce == .gtd) }
    var leaves: Quantity { status.isOpen ? quantity - cumulative : 0 }
}

struct TradeState {
    var id: TradeID
    var order: OrderID
    var quantity: Quantity
    var price: Price
    var fee: Amount
    var feeAsset: AssetID
    var liquidity: Liquidity
    var exec: Text
    var time: Timestamp
    var venueTime: Timestamp
}

/// The newest trade of an instrument of an internal venue.
struct LastTrade: Equatable {
    var price: Price = 0
    var quantity: Quantity = 0
    var time: Timestamp = 0
}

/// What an id or ref stands for.
enum Holder: Equatable {
    case order(OrderID, content: String)
    /// `sequence` and `target`: of a transfer to another wallet.
    case reference(content: String, asset: AssetID, target: WalletID, sequence: Int64)
}

enum Remembered: Equatable {
    case order(OrderID)
    case reference(NameKey)
}

struct Sums {
    var deposited: Amount = 0
    var withdrawn: Amount = 0
    var corrected: Amount = 0
    var transferredIn: Amount = 0
    var transferredOut: Amount = 0
    var fees: Amount = 0
}

/// One wallet: dictionaries, and of everything what it was at each LSN that somebody may still ask about.
final class WalletState {
    let number: WalletID
    var registryNumber = Versioned<Int64>(0)
    var time = Versioned<Timestamp>(0)
    var balances: [Pair: Versioned<BalanceState>] = [:]
    var positions: [Pair: Versioned<PositionState>] = [:]
    /// `nil`: not known any more.
    var orders: [OrderID: Versioned<OrderState?>] = [:]
    var ordersOf: [Pair: [OrderID]] = [:]
    var ids: [NameKey: Versioned<Holder?>] = [:]
    var execs: [NameKey: Versioned<TradeID?>] = [:]
    var trades: [TradeID: TradeState] = [:]
    /// Of its own; account 0: of all that have none.
    var limits: [Pair: Versioned<Limits?>] = [:]
    var risks = RiskState()
    var marks: [InstrumentID: Versioned<Price>] = [:]
    var sent: [WalletID: Int64] = [:]
    var received: [WalletID: Int64] = [:]
    var settled: [WalletID: Versioned<Int64>] = [:]
    /// By target, in order of the numbers.
    var outgoing: [WalletID: [Outgoing]] = [:]
    var sums: [AssetID: Sums] = [:]
    var owed: [Pair: Amount] = [:]
    var memory: [(second: Int64, what: Remembered)] = []
    var lastOrder: Int64 = 0
    var lastTrade: Int64 = 0
    /// LSNs that changed what concerns the account; 0: what concerns all.
    var changes: [AccountNumber: [UInt64]] = [:]
    var lasts: [InstrumentID: Versioned<LastTrade>] = [:]
    /// Of the newest turn in a queue.
    var ranks = 0
    /// What must be recorded next, before anything else of the wallet.
    var due: [Mutation] = []
    /// The records after which nothing was owed: between two commands.
    var rests: [UInt64] = []
    /// Orders that expire, with their time.
    var expiring: [OrderID: Timestamp] = [:]

    struct Outgoing {
        var sequence: Int64
        var transfer: Transfer
        var lsn: UInt64
        /// Of the source, after the debit: what the answer says.
        var available: Amount
    }

    init(number: WalletID) { self.number = number }

    // MARK: At a point of the log

    func balance(_ account: AccountNumber, _ asset: AssetID, _ at: UInt64) -> BalanceState {
        balances[Pair(account: account, other: asset)]?.at(at) ?? BalanceState()
    }
    func position(_ account: AccountNumber, _ instrument: InstrumentID, _ at: UInt64) -> PositionState {
        positions[Pair(account: account, other: instrument)]?.at(at) ?? PositionState()
    }
    func ownLimit(_ account: AccountNumber, _ instrument: InstrumentID, _ at: UInt64) -> Limits? {
        limits[Pair(account: account, other: instrument)]?.at(at) ?? nil
    }
    /// What holds: in the wallet (-1) its own, or those of all.
    func limit(_ account: AccountNumber, _ instrument: InstrumentID, _ at: UInt64) -> Limits? {
        ownLimit(account, instrument, at) ?? (instrument < 0 ? ownLimit(0, -1, at) : nil)
    }
    func mark(_ instrument: InstrumentID, _ at: UInt64) -> Price { marks[instrument]?.at(at) ?? 0 }
    func last(_ instrument: InstrumentID, _ at: UInt64) -> LastTrade { lasts[instrument]?.at(at) ?? LastTrade() }
    func holder(_ account: AccountNumber, _ id: Text, _ at: UInt64) -> Holder? {
        ids[NameKey(owner: account, text: id.plain)]?.at(at) ?? nil
    }
    func order(_ id: OrderID, _ at: UInt64) -> OrderState? { orders[id]?.at(at) ?? nil }

    /// The order that a reference names, if it is this account's (and of this instrument, unless that is -1).
    func order(_ reference: OrderReference, _ account: AccountNumber, _ instrument: InstrumentID, _ at: UInt64) -> OrderState? {
        var id: OrderID = 0
        switch reference {
        case .order(let number): id = number
        case .client(let text):
            guard case .order(let number, _)? = holder(account, text, at) else { return nil }
            id = number
        }
        guard let order = order(id, at), order.account == account, instrument < 0 || order.instrument == instrument else { return nil }
        return order
    }

    func openOrders(_ account: AccountNumber, _ at: UInt64) -> Int {
        positions.filter { $0.key.account == account }.reduce(0) { $0 + $1.value.at(at).openOrders }
    }

    /// The account's orders by ascending OrderID; `instrument` -1: all.
    func orders(_ account: AccountNumber, _ instrument: InstrumentID, _ at: UInt64) -> [OrderState] {
        var found: [OrderState] = []
        for (pair, ids) in ordersOf where pair.account == account && (instrument < 0 || pair.other == instrument) {
            for id in ids { if let order = order(id, at) { found.append(order) } }
        }
        return found.sorted { $0.id < $1.id }
    }

    // MARK: Changes

    func noteChange(_ account: AccountNumber, _ lsn: UInt64) {
        if changes[account]?.last != lsn { changes[account, default: []].append(lsn) }
    }

    /// The points at which what the account sees may differ, from `low` to `high`, newest first.
    func points(_ account: AccountNumber, _ low: UInt64, _ high: UInt64) -> [UInt64] {
        var found: Set<UInt64> = [low]
        for list in [changes[account] ?? [], changes[0] ?? []] {
            for lsn in list.reversed() {
                if lsn <= low { break }
                if lsn <= high { found.insert(lsn) }
            }
        }
        return found.sorted(by: >)
    }

    /// The points between two commands at which something may have been decided, from `low` to `high`, newest first.
    func restPoints(_ low: UInt64, _ high: UInt64) -> [UInt64] {
        var found: [UInt64] = []
        for lsn in rests.reversed() where lsn <= high {
            found.append(lsn)
            if lsn <= low { break }
        }
        return found.isEmpty ? [low] : found
    }

    func change(_ account: AccountNumber, _ asset: AssetID, _ lsn: UInt64, _ body: (inout BalanceState) -> Void) {
        let key = Pair(account: account, other: asset)
        var state = balances[key]?.last ?? BalanceState()
        body(&state)
        balances[key, default: Versioned(BalanceState())].set(state, lsn)
        noteChange(account, lsn)
    }

    func changePosition(_ account: AccountNumber, _ instrument: InstrumentID, _ lsn: UInt64, _ body: (inout PositionState) -> Void) {
        let key = Pair(account: account, other: instrument)
        var state = positions[key]?.last ?? PositionState()
        body(&state)
        positions[key, default: Versioned(PositionState())].set(state, lsn)
        noteChange(account, lsn)
    }

    func changeOrder(_ id: OrderID, _ lsn: UInt64, _ body: (inout OrderState) -> Void) {
        guard var state = orders[id]?.last else { return }
        body(&state)
        orders[id]!.set(state, lsn)
        noteChange(state.account, lsn)
    }

    /// Forgets what nobody can ask for any more.
    func forget(before point: UInt64) {
        registryNumber.forget(before: point)
        time.forget(before: point)
        for key in balances.keys where balances[key]!.count > 1 { balances[key]!.forget(before: point) }
        for key in positions.keys where positions[key]!.count > 1 { positions[key]!.forget(before: point) }
        for key in orders.keys {
            if orders[key]!.count > 1 { orders[key]!.forget(before: point) }
            if orders[key]!.count == 1, orders[key]!.last == nil { orders[key] = nil }
        }
        for key in ordersOf.keys { ordersOf[key]!.removeAll { orders[$0] == nil } }
        for key in ids.keys {
            if ids[key]!.count > 1 { ids[key]!.forget(before: point) }
            if ids[key]!.count == 1, ids[key]!.last == nil { ids[key] = nil }
        }
        for key in execs.keys {
            if execs[key]!.count > 1 { execs[key]!.forget(before: point) }
            if execs[key]!.count == 1, execs[key]!.last == nil { execs[key] = nil }
        }
        for key in limits.keys { limits[key]!.forget(before: point) }
        risks.forget(before: point)
        for key in marks.keys { marks[key]!.forget(before: point) }
        for key in lasts.keys { lasts[key]!.forget(before: point) }
        if let first = rests.lastIndex(where: { $0 <= point }), first > 0 { rests.removeFirst(first) }
        for key in settled.keys { settled[key]!.forget(before: point) }
        for key in changes.keys {
            let list = changes[key]!
            if let first = list.first, first <= point { changes[key] = list.filter { $0 > point } }
        }
    }
}
