import Core

/// A wallet as plain values, for whoever keeps the state himself and asks the twin what a command comes to.
package struct TwinStart {
    package struct Holding {
        package var account: AccountNumber
        package var asset: AssetID
        /// Available and reserved.
        package var owned: Amount
        package var held: Amount
        package init(account: AccountNumber, asset: AssetID, owned: Amount, held: Amount) {
            (self.account, self.asset, self.owned, self.held) = (account, asset, owned, held)
        }
    }

    package struct Position {
        package var account: AccountNumber
        package var instrument: InstrumentID
        package var quantity: Quantity
        package var cost: Amount
        package var realized: Amount
        package var isTraded: Bool
        package init(account: AccountNumber, instrument: InstrumentID, quantity: Quantity, cost: Amount, realized: Amount, isTraded: Bool) {
            (self.account, self.instrument, self.quantity) = (account, instrument, quantity)
            (self.cost, self.realized, self.isTraded) = (cost, realized, isTraded)
        }
    }

    /// An open order.
    package struct Order {
        package var id: OrderID
        package var new: NewOrder
        package var rates: FeeRates
        package var quantity: Quantity
        package var price: Price
        package var max: Amount
        package var stop: Price
        package var cumulative: Quantity
        package var paid: Int128
        package var hold: Amount
        package var isArmed: Bool
        /// Whoever has the lower one came first.
        package var rank: Int
        package var shown: Quantity
        /// 0: none.
        package var leg: OrderID
        package var isSecond: Bool
        package var largest: Quantity
        package init(
            id: OrderID, new: NewOrder, rates: FeeRates, quantity: Quantity, price: Price, max: Amount, stop: Price, cumulative: Quantity,
            paid: Int128, hold: Amount, isArmed: Bool, rank: Int, shown: Quantity, leg: OrderID, isSecond: Bool, largest: Quantity
        ) {
            (self.id, self.new, self.rates, self.quantity, self.price, self.max) = (id, new, rates, quantity, price, max)
            (self.stop, self.cumulative, self.paid, self.hold, self.isArmed) = (stop, cumulative, paid, hold, isArmed)
            (self.rank, self.shown, self.leg, self.isSecond, self.largest) = (rank, shown, leg, isSecond, largest)
        }
    }

    package var wallet: WalletID
    package var assets: [AssetInfo] = []
    package var venues: [VenueInfo] = []
    /// With the terms of the moment, those of other wallets too.
    package var instruments: [InstrumentInfo] = []
    package var settings: [Int64] = []
    package var accounts: [(number: AccountNumber, status: AccountStatus)] = []
    package var marks: [InstrumentID: Price] = [:]
    package var lasts: [InstrumentID: Price] = [:]
    package var holdings: [Holding] = []
    package var positions: [Position] = []
    /// Instrument -1: of the account; account 0: of all that have none.
    package var limits: [(account: AccountNumber, instrument: InstrumentID, limits: Limits)] = []
    /// How full the buckets are; instrument -1: the account's.
    package var meters: [(account: AccountNumber, instrument: InstrumentID, meters: TwinMeters)] = []
    /// Lost today.
    package var losses: [(account: AccountNumber, asset: AssetID, amount: Amount)] = []
    /// Too much of it.
    package var latches: [(account: AccountNumber, asset: AssetID)] = []
    package var orders: [Order] = []
    package var lastOrder: Int64 = 0
    package var lastTrade: Int64 = 0

    package init(wallet: WalletID) { self.wallet = wallet }
}

package enum TwinVerdict {
    /// `after`: what is recorded all the same.
    case refused(Rejection, after: [Mutation])
    /// Nothing changes.
    case repeated
    /// All that is recorded, in order.
    case done([Mutation])
}

extension TwinStart {
    package func decide(_ command: Command, now: Timestamp) -> TwinVerdict {
        let twin = Twin(self)
        switch twin.execute(command, now: now) {
        case .rejected(let rejection): return .refused(rejection, after: twin.events)
        case .order(_, true), .filled(_, _, true), .balance(_, _, true), .position(_, true), .done(true), .defined(_, _, true): return .repeated
        default: return .done(twin.events)
        }
    }
}

extension Twin {
    fileprivate convenience init(_ start: TwinStart) {
        self.init()
        wallet = start.wallet
        assets = start.assets
        venues = start.venues
        settings = start.settings
        lastOrder = start.lastOrder
        lastTrade = start.lastTrade
        for (index, info) in start.instruments.enumerated() {
            let id = InstrumentID(index)
            let market = TwinMarket(id: id, info: info, isInternal: start.venues[Int(info.venue)].kind == .internal)
            market.mark = start.marks[id]
            market.last = start.lasts[id]
            markets.append(market)
        }
        var known: [AccountNumber: TwinAccount] = [:]
        for (number, status) in start.accounts {
            let account = TwinAccount(number: number)
            account.status = status
            accounts.append(account)
            known[number] = account
        }
        for it in start.holdings { known[it.account]?.balances[it.asset] = TwinBalance(owned: it.owned, held: it.held) }
        for it in start.positions {
            var position = TwinPosition()
            (position.quantity, position.cost, position.realized, position.traded) = (it.quantity, it.cost, it.realized, it.isTraded)
            known[it.account]?.positions[it.instrument] = position
        }
        for (number, instrument, limits) in start.limits {
            if number == 0 { defaultLimits = limits }
            if instrument < 0 { known[number]?.limits = limits } else { known[number]?.positions[instrument, default: TwinPosition()].limits = limits }
        }
        for (number, instrument, meters) in start.meters {
            if instrument < 0 { known[number]?.meters = meters } else { known[number]?.positions[instrument, default: TwinPosition()].meters = meters }
        }
        for (number, asset, amount) in start.losses { known[number]?.losses[asset] = amount }
        for (number, asset) in start.latches { known[number]?.latched.insert(asset) }
        add(start.orders, known)
    }

    private func add(_ all: [TwinStart.Order], _ known: [AccountNumber: TwinAccount]) {
        for it in all.sorted(by: { $0.id < $1.id }) {
            guard let account = known[it.new.account] else { continue }
            let order = TwinOrder(
                id: it.id, account: account, market: markets[Int(it.new.instrument)], new: it.new, rates: it.rates, now: 0)
            (order.quantity, order.price, order.max, order.stop) = (it.quantity, it.price, it.max, it.stop)
            (order.cumulative, order.cumulativeCost, order.hold) = (it.cumulative, it.paid, it.hold)
            (order.isArmed, order.isSecond, order.shown, order.largest) = (it.isArmed, it.isSecond, it.shown, it.largest)
            if it.cumulative > 0 { order.status = .partiallyFilled }
            orders[it.id] = order
            ids[TwinName(account.number, it.new.clientID)] = .order(it.id, content: .newOrder(it.new))
            account.open.append(order)
        }
        for it in all where it.leg != 0 { orders[it.id]?.leg = orders[it.leg] }
        for it in all.sorted(by: { $0.rank < $1.rank }) {
            guard let order = orders[it.id], order.market.isInternal else { continue }
            if it.isArmed { order.market.armed.append(order) } else { order.market.insert(order) }
        }
    }
}
