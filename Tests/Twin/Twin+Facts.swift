import Core

/// What a trade or a reported fill does to its owner.
package struct TwinEffect {
    package var worth: Amount
    package var base: Amount
    package var quote: Amount
    package var fee: Amount
    package var feeAsset: AssetID
    package var quantity: Quantity
    package var cost: Amount
    package var realized: Amount

    package init(worth: Amount, base: Amount, quote: Amount, fee: Amount, feeAsset: AssetID, quantity: Quantity, cost: Amount, realized: Amount) {
        self.worth = worth
        self.base = base
        self.quote = quote
        self.fee = fee
        self.feeAsset = feeAsset
        self.quantity = quantity
        self.cost = cost
        self.realized = realized
    }
}

// Fills of manual venues, positions, money, marks, definitions.
extension Twin {
    /// The side of a match: its fee is in the quote asset. `nil`: it would leave the range of numbers.
    package func effect(_ order: TwinOrder, _ quantity: Quantity, _ price: Price, feeRate: Int32) -> TwinEffect? {
        guard let worth = order.market.worth(price, quantity) else { return nil }
        let quote = order.market.info.quote
        guard costFits(order, quantity, price), let effect = effect(order, quantity, price, fee: feeOf(worth, feeRate), quote) else { return nil }
        return fits(order, effect) ? effect : nil
    }

    /// All that an order trades is an amount of the quote asset.
    private func costFits(_ order: TwinOrder, _ quantity: Quantity, _ price: Price) -> Bool {
        let (cost, overflow) = (order.cumulativeCost + Int128(price) * Int128(quantity)).multipliedReportingOverflow(by: order.market.worthUnit)
        return !overflow && isInRange(cost)
    }

    /// Weighted average cost: docs/PROTOCOL.md, Positions.
    package func effect(_ order: TwinOrder, _ quantity: Quantity, _ price: Price, fee: Amount, _ feeAsset: AssetID) -> TwinEffect? {
        let (market, position) = (order.market, order.position)
        guard let worth = market.worth(price, quantity) else { return nil }
        let signed = order.side == .buy ? quantity : -quantity
        let (after, overflow) = position.quantity.addingReportingOverflow(signed)
        if overflow || after == .min { return nil }
        var (cost, gross) = (position.cost, Amount(0))
        if position.quantity == 0 || (position.quantity > 0) == (signed > 0) {
            cost += worth
        } else {
            let held = abs(position.quantity)
            let closed = min(held, quantity)
            let closedWorth = market.worth(price, closed)!
            let product = UInt128(cost).multipliedFullWidth(by: UInt128(closed))
            let removed = Amount(UInt128(held).dividingFullWidth(product).quotient)
            gross = position.quantity > 0 ? closedWorth - removed : removed - closedWorth
            cost = quantity > held ? worth - closedWorth : cost - removed
        }
        var realized = position.realized + gross
        if feeAsset == market.info.quote {
            realized -= fee
        } else if feeAsset == market.info.base {
            guard let value = feeInQuote(fee, price, market) else { return nil }
            realized -= value
        }
        guard isInRange(cost), isInRange(realized), isInRange(gross) else { return nil }
        var (base, quote) = (Amount(0), gross)
        if market.info.funds == .full {
            let moved = Int128(quantity) * market.quantityUnit
            guard isInRange(moved) else { return nil }
            base = order.side == .buy ? moved : -moved
            quote = order.side == .buy ? -worth : worth
        }
        return TwinEffect(
            worth: worth, base: base, quote: quote, fee: fee, feeAsset: feeAsset, quantity: after, cost: cost, realized: realized)
    }

    /// A fee in the base asset at the fill's price, rounded against the payer.
    private func feeInQuote(_ fee: Amount, _ price: Price, _ market: TwinMarket) -> Amount? {
        let (product, overflow) = fee.multipliedReportingOverflow(by: Int128(price))
        if overflow { return nil }
        let scale = market.power(market.info.priceScale)
        let value = fee > 0 ? (product + scale - 1) / scale : product / scale
        return isInRange(value) ? value : nil
    }

    /// Do the balances of the order's owner stay in range?
    package func fits(_ order: TwinOrder, _ effect: TwinEffect) -> Bool {
        func inRange(_ asset: AssetID, _ change: Amount) -> Bool {
            let balance = order.account.balances[asset] ?? TwinBalance()
            let available = available(order.account, asset)
            return isInRange(available + change) && isInRange(balance.owned + change) && isInRange(balance.owned + balance.held + change)
        }
        let info = order.market.info
        // What a venue owes and what it has collected are bounded, too.
        guard isInRange((owed[[info.venue, info.base]] ?? 0) - effect.base), isInRange((owed[[info.venue, info.quote]] ?? 0) - effect.quote),
            isInRange((feesCollected[effect.feeAsset] ?? 0) + effect.fee)
        else { return false }
        let onBase = effect.feeAsset == info.base ? effect.fee : 0
        let onQuote = effect.feeAsset == info.quote ? effect.fee : 0
        return inRange(info.base, effect.base - onBase) && inRange(info.quote, effect.quote - onQuote)
    }

    // MARK: FIL

    package func decide(_ fill: Fill) -> Answer {
        guard let account = account(fill.account) else { return .rejected(.unknownAccount(fill.account)) }
        guard let market = market(fill.instrument) else { return .rejected(.unknownInstrument(fill.instrument)) }
        guard let order = find(fill.order, account, market) else { return .rejected(.unknownOrder) }
        if !market.isInternal, let known = order.trades.first(where: { $0.exec == fill.exec }) {
            let isSame = known.quantity == fill.quantity && known.price == fill.price && known.fee == fill.fee && known.feeAsset == fill.feeAsset
                && known.liquidity == fill.liquidity && known.venueTime == fill.venueTime
            return isSame ? .filled(OrderPicture(order), trade: known.id, duplicate: true) : .rejected(.idReused(fill.exec))
        }
        if let late = tooLate(fill.before) { return .rejected(late) }
        if market.isInternal { return .rejected(.notSupported(.venue)) }
        if fill.quantity <= 0 { return .rejected(.badValue(.quantity)) }
        if fill.price <= 0 { return .rejected(.badValue(.price)) }
        if fill.feeAsset < 0 || Int(fill.feeAsset) >= assets.count { return .rejected(.unknownAsset(fill.feeAsset)) }
        if fill.quantity > order.largest - order.cumulative {
            return .rejected(.overfill(market.id, max: order.largest, cumulative: order.cumulative))
        }
        if fill.withinLimit {
            let isBeyond = order.side == .buy ? fill.price > order.price : fill.price < order.price
            if order.type == .limit, isBeyond { return .rejected(.beyondLimit(market.id, price: order.price)) }
            if fill.fee < 0 { return .rejected(.badValue(.fee)) }
        }
        if !isInRange(fill.fee) { return .rejected(.overflow(.fee)) }
        guard let effect = effect(order, fill.quantity, fill.price, fee: fill.fee, fill.feeAsset) else { return .rejected(.overflow(.position)) }
        if !costFits(order, fill.quantity, fill.price) { return .rejected(.overflow(.cost)) }
        if !fits(order, effect) { return .rejected(.overflow(.balance)) }
        record(
            .filled(
                Filled(
                    trade: Int64(wallet) << 40 | (lastTrade + 1), order: order.id, quantity: fill.quantity, price: fill.price, exec: fill.exec,
                    fee: fill.fee, feeAsset: fill.feeAsset, liquidity: fill.liquidity, venueTime: fill.venueTime)), keeping: order.id)
        lastTrade += 1
        order.trades.append(
            TwinTrade(
                id: Int64(wallet) << 40 | lastTrade, quantity: fill.quantity, price: fill.price, fee: fill.fee, feeAsset: fill.feeAsset,
                liquidity: fill.liquidity, exec: fill.exec, time: now, venueTime: fill.venueTime))
        if order.isOpen, order.isMarketBuy { order.hold -= min(order.hold, effect.worth) }
        apply(effect, of: order, fill.quantity, fill.price)
        return .filled(OrderPicture(order), trade: Int64(wallet) << 40 | lastTrade, duplicate: false)
    }

    // MARK: Money and positions from elsewhere

    package func decide(_ money: Money) -> Answer {
        guard let account = account(money.account) else { return .rejected(.unknownAccount(money.account)) }
        guard money.asset >= 0, Int(money.asset) < assets.count else { return .rejected(.unknownAsset(money.asset)) }
        let available = available(account, money.asset)
        if let known = ids[TwinName(account.number, money.reference)] {
            guard case .reference(let content) = known, haveSameContent(content, .money(money)) else { return .rejected(.idReused(money.reference)) }
            return .balance(available: available, asset: money.asset, duplicate: true)
        }
        if let late = tooLate(money.before) { return .rejected(late) }
        if money.kind == .adjust ? money.amount == 0 : money.amount <= 0 { return .rejected(.badValue(.amount)) }
        if !isInRange(money.amount) { return .rejected(.overflow(.balance)) }
        var balance = account.balances[money.asset] ?? TwinBalance()
        switch money.kind {
        case .deposit, .adjust:
            guard isInRange(balance.owned + balance.held + money.amount), isInRange(available + money.amount),
                isInRange((paidIn[money.asset] ?? 0) + money.amount)
            else { return .rejected(.overflow(.balance)) }
            if money.amount < 0, available + money.amount < 0 {
                return .rejected(.insufficientFunds(money.asset, wallet, need: -money.amount, available: available))
            }
        case .withdraw, .hold:
            if available < money.amount {
                return .rejected(.insufficientFunds(money.asset, wallet, need: money.amount, available: available))
            }
        case .release:
            if balance.held < money.amount {
                return .rejected(.insufficientHeld(money.asset, wallet, need: money.amount, held: balance.held))
            }
        }
        record(.moneyMoved(money))
        switch money.kind {
        case .deposit, .adjust: balance.owned += money.amount
        case .withdraw: balance.owned -= money.amount
        case .hold:
            balance.owned -= money.amount
            balance.held += money.amount
        case .release:
            balance.owned += money.amount
            balance.held -= money.amount
        }
        if money.kind == .withdraw { paidIn[money.asset, default: 0] -= money.amount }
        if money.kind == .deposit || money.kind == .adjust { paidIn[money.asset, default: 0] += money.amount }
        account.balances[money.asset] = balance
        use(TwinName(account.number, money.reference), .money(money))
        return .balance(available: self.available(account, money.asset), asset: money.asset, duplicate: false)
    }

    private func use(_ name: TwinName, _ content: Command) {
        ids[name] = .reference(content: content)
        remember(name, 0)
    }

    package func decide(_ takeOver: TakeOver) -> Answer {
        guard let account = account(takeOver.account) else { return .rejected(.unknownAccount(takeOver.account)) }
        guard let market = market(takeOver.instrument) else { return .rejected(.unknownInstrument(takeOver.instrument)) }
        if let known = ids[TwinName(account.number, takeOver.reference)] {
            guard case .reference(let content) = known, haveSameContent(content, .takeOver(takeOver)) else {
                return .rejected(.idReused(takeOver.reference))
            }
            return .position(position(account, market)!, duplicate: true)
        }
        if let late = tooLate(takeOver.before) { return .rejected(late) }
        if takeOver.quantity == 0 || takeOver.quantity == .min { return .rejected(.badValue(.quantity)) }
        if takeOver.price <= 0 { return .rejected(.badValue(.price)) }
        var held = account.positions[market.id] ?? TwinPosition()
        if held.quantity != 0 { return .rejected(.positionExists(market.id, quantity: held.quantity)) }
        guard let cost = market.worth(takeOver.price, abs(takeOver.quantity)) else { return .rejected(.overflow(.cost)) }
        record(.positionTakenOver(takeOver))
        held.traded = true
        held.quantity = takeOver.quantity
        held.cost = cost
        account.positions[market.id] = held
        use(TwinName(account.number, takeOver.reference), .takeOver(takeOver))
        return .position(position(account, market)!, duplicate: false)
    }

    /// As queries show it: only if it was ever traded or taken over.
    package func position(_ account: TwinAccount, _ market: TwinMarket) -> PositionPicture? {
        guard let it = account.positions[market.id], it.traded else { return nil }
        func open(_ side: Side) -> Quantity { account.open.reduce(0) { $1.market === market && $1.side == side ? $0 + $1.leaves : $0 } }
        return PositionPicture(
            instrument: market.id, quantity: it.quantity, cost: it.cost, realized: it.realized, openBuy: open(.buy), openSell: open(.sell))
    }

    // MARK: Marks, definitions

    package func decide(_ set: SetMark) -> Answer {
        guard let market = market(set.instrument) else { return .rejected(.unknownInstrument(set.instrument)) }
        if set.price <= 0 { return .rejected(.badValue(.price)) }
        if market.mark == set.price { return .done(duplicate: true) }
        if let late = tooLate(set.before) { return .rejected(late) }
        record(.markSet(instrument: set.instrument, price: set.price))
        market.mark = set.price
        cascade(market, isMark: true)
        return .done(duplicate: false)
    }

    /// The tests define only what is in order, but for repeats and rates out of bounds.
    package func decide(_ definition: Definition) -> Answer {
        var suspended: TwinAccount?
        switch definition {
        case .changeInstrument(let id, let terms):
            if markets[Int(id)].terms == terms { return .defined(number: 0, canceled: 0, duplicate: true) }
            if !FeeRates.allowed.contains(terms.fees.maker) { return .rejected(.badValue(.makerFee)) }
            if !FeeRates.allowed.contains(terms.fees.taker) { return .rejected(.badValue(.takerFee)) }
        case .account(let number, let status):
            if let known = account(number) {
                if known.status == status { return .defined(number: 0, canceled: 0, duplicate: true) }
                if status == .suspended { suspended = known }
            }
        case .setting(let setting, let value):
            if settings[Int(setting.rawValue)] == value { return .defined(number: 0, canceled: 0, duplicate: true) }
        default: break
        }
        registryNumber += 1
        record(.defined(number: registryNumber, definition))
        switch definition {
        case .asset(let info): assets.append(info)
        case .wallet(let info): wallets.append(info)
        case .venue(let info): venues.append(info)
        case .instrument(let info):
            markets.append(TwinMarket(id: InstrumentID(markets.count), info: info, isInternal: venues[Int(info.venue)].kind == .internal))
        case .changeInstrument(let id, let terms): markets[Int(id)].terms = terms
        case .account(let number, let status):
            if account(number) == nil { accounts.append(TwinAccount(number: number)) }
            account(number)!.status = status
        case .setting(let setting, let value): settings[Int(setting.rawValue)] = value
        }
        let canceled = suspended.map { cancelOpen($0, -1, .suspended) } ?? 0
        return .defined(number: registryNumber, canceled: canceled, duplicate: false)
    }
}
