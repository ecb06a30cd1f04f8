import Core

// Sections 1 to 7 and 9 of docs/MATCHING.md.
extension Twin {
    /// An order that is in no book (new, triggered, or taken out by a replace) trades with what is there; then it rests or goes.
    package func enter(_ order: TwinOrder) {
        match(order)
        guard order.isOpen else { return }
        if order.type == .market || order.new.timeInForce == .ioc || order.new.timeInForce == .fok {
            cancel(order, .unfilled)
        } else {
            order.shown = order.display > 0 ? min(order.display, order.leaves) : order.leaves
            order.market.insert(order)
        }
    }

    package func crosses(_ side: Side, _ type: OrderType, _ price: Price, _ maker: TwinOrder) -> Bool {
        type == .market || (side == .buy ? maker.price <= price : maker.price >= price)
    }

    private func match(_ taker: TwinOrder) {
        let market = taker.market
        while taker.isOpen, let maker = market.others(of: taker.side).first,
            crosses(taker.side, taker.type, taker.price, maker)
        {
            if taker.new.instructions.reduceOnly, taker.closable == 0 {
                saw(.reduceOnlyTakerGone)
                cancel(taker, .reduceOnly)
                return
            }
            if maker.account === taker.account {
                preventSelfTrade(taker, maker)
                continue
            }
            if maker.new.instructions.reduceOnly, maker.closable == 0 {
                saw(.reduceOnlyMakerGone)
                cancel(maker, .reduceOnly)
                continue
            }
            var quantity = min(taker.leaves, maker.shown)
            if taker.new.instructions.reduceOnly, taker.closable < quantity {
                saw(.reduceOnlyTakerCut)
                quantity = taker.closable
            }
            if maker.new.instructions.reduceOnly, maker.closable < quantity {
                saw(.reduceOnlyMakerCut)
                quantity = maker.closable
            }
            if taker.isMarketBuy, market.info.funds == .full {
                let affordable = affordable(taker, maker.price, quantity)
                if affordable < quantity { saw(affordable == 0 ? .fundsNone : .fundsPart) }
                quantity = affordable
                if quantity == 0 {
                    cancel(taker, .funds)
                    return
                }
            }
            guard let makerSide = effect(maker, quantity, maker.price, feeRate: maker.rates.maker) else {
                saw(.overflowMaker)
                cancel(maker, .overflow)
                continue
            }
            guard let takerSide = effect(taker, quantity, maker.price, feeRate: taker.rates.taker) else {
                saw(.overflowTaker)
                cancel(taker, .overflow)
                return
            }
            cancelOtherLeg(of: maker, .ocoByMakerTrade)
            cancelOtherLeg(of: taker, .ocoByTakerTrade)
            trade(maker, makerSide, taker, takerSide, quantity)
        }
    }

    /// As much of it as what the market buy still holds pays for.
    private func affordable(_ taker: TwinOrder, _ price: Price, _ quantity: Quantity) -> Quantity {
        let (market, rate) = (taker.market, max(taker.rates.taker, 0))
        if let worth = market.worth(price, quantity), worth + feeOf(worth, rate) <= taker.hold { return quantity }
        let product = UInt128(taker.hold).multipliedFullWidth(by: 1_000_000)
        let spendable = UInt128(1_000_000 + Int128(rate)).dividingFullWidth(product).quotient
        let lots = spendable / (UInt128(price) * UInt128(market.worthUnit) * UInt128(market.terms.lot))
        return min(quantity, Quantity(clamping: lots * UInt128(market.terms.lot)))
    }

    // MARK: Self-trade prevention

    package func selfTrade(_ asked: SelfTradePrevention, _ account: TwinAccount, _ market: TwinMarket) -> SelfTradePrevention {
        for mode in [asked, account.positions[market.id]?.limits?.selfTrade ?? .standard, limits(of: account)?.selfTrade ?? .standard]
        where mode != .standard {
            return mode
        }
        return .newest
    }

    private func preventSelfTrade(_ taker: TwinOrder, _ maker: TwinOrder) {
        switch selfTrade(taker.new.instructions.selfTrade, taker.account, taker.market) {
        case .standard, .newest:
            saw(.selfNewest)
            cancel(taker, .selfTrade)
        case .oldest:
            saw(.selfOldest)
            cancel(maker, .selfTrade)
        case .both:
            saw(.selfBoth)
            cancel(maker, .selfTrade)
            cancel(taker, .selfTrade)
        case .decrement:
            let (makerLeaves, takerLeaves) = (maker.leaves, taker.leaves)
            saw(makerLeaves < takerLeaves ? .selfDecrementMakerGone : makerLeaves > takerLeaves ? .selfDecrementTakerGone : .selfDecrementBothGone)
            if makerLeaves <= takerLeaves { cancel(maker, .selfTrade) } else { decrement(maker, takerLeaves) }
            if takerLeaves <= makerLeaves { cancel(taker, .selfTrade) } else { decrement(taker, makerLeaves) }
        }
    }

    private func decrement(_ order: TwinOrder, _ quantity: Quantity) {
        cancelOtherLeg(of: order, .ocoByDecrement)
        let market = order.type == .market ? order.hold : 0
        record(.orderReplaced(OrderReplaced(order: order.id, quantity: order.quantity - quantity, price: order.price, max: order.max, marketReserve: market)))
        order.quantity -= quantity
        order.shown = min(order.shown, order.leaves)
        order.updated = now
    }

    // MARK: A trade

    private func trade(_ maker: TwinOrder, _ makerSide: TwinEffect, _ taker: TwinOrder, _ takerSide: TwinEffect, _ quantity: Quantity) {
        let market = maker.market
        let price = maker.price
        record(
            .matched(
                Matched(
                    trade: Int64(wallet) << 40 | (lastTrade + 1), maker: maker.id, taker: taker.id, quantity: quantity, price: price,
                    makerFee: makerSide.fee, takerFee: takerSide.fee)))
        for (order, effect, liquidity) in [(maker, makerSide, Liquidity.maker), (taker, takerSide, .taker)] {
            lastTrade += 1
            if order.isMarketBuy, market.info.funds == .full { order.hold -= effect.worth + max(effect.fee, 0) }
            order.trades.append(
                TwinTrade(
                    id: Int64(wallet) << 40 | lastTrade, quantity: quantity, price: price, fee: effect.fee, feeAsset: market.info.quote,
                    liquidity: liquidity, exec: Text(), time: now, venueTime: 0))
            apply(effect, of: order, quantity, price)
        }
        saw(quantity == 0 ? .never : taker.isOpen ? (maker.isOpen ? .tradeOfSlice : .makerDone) : maker.isOpen ? .takerDone : .bothDone)
        if taker.type == .limit, taker.price != price { saw(.priceImprovement) }
        market.last = price
        low = min(low ?? price, price)
        high = max(high ?? price, price)
        guard maker.isOpen else { return }
        maker.shown -= quantity
        if maker.shown == 0 {
            saw(.icebergSlice)
            maker.shown = min(maker.display, maker.leaves)
            market.remove(maker)
            market.insert(maker)
        }
    }

    /// Moves quantity, money and position; an order that is all filled is closed.
    package func apply(_ effect: TwinEffect, of order: TwinOrder, _ quantity: Quantity, _ price: Price) {
        let (account, market) = (order.account, order.market)
        order.cumulative += quantity
        order.cumulativeCost += Int128(price) * Int128(quantity)
        order.updated = now
        if order.isOpen {
            if order.cumulative >= order.quantity { close(order, .filled) } else { order.status = .partiallyFilled }
        }
        account.balances[market.info.base, default: TwinBalance()].owned += effect.base
        account.balances[market.info.quote, default: TwinBalance()].owned += effect.quote
        if effect.fee != 0 {
            account.balances[effect.feeAsset, default: TwinBalance()].owned -= effect.fee
            feesCollected[effect.feeAsset, default: 0] += effect.fee
        }
        owed[[market.info.venue, market.info.base], default: 0] -= effect.base
        owed[[market.info.venue, market.info.quote], default: 0] -= effect.quote
        var position = order.position
        if position.quantity != 0, (position.quantity > 0) != (effect.quantity > 0), effect.quantity != 0 { saw(.positionFlipped) }
        if market.isInternal, effect.fee < 0 { saw(.rebate) }
        position.traded = true
        position.quantity = effect.quantity
        position.cost = effect.cost
        position.realized = effect.realized
        if effect.fee != 0, effect.feeAsset != market.info.base, effect.feeAsset != market.info.quote {
            position.fees[effect.feeAsset, default: 0] += effect.fee
        }
        account.positions[market.id] = position
    }

    // MARK: Ends

    package func cancel(_ order: TwinOrder, _ reason: CancelReason, _ text: Text = Text()) {
        record(.orderCanceled(OrderCanceled(order: order.id, reason: reason, note: text)))
        close(order, .canceled)
        order.reason = reason
        order.reasonText = text
        reasons[reason.rawValue, default: 0] += 1
        cancelOtherLeg(of: order, .ocoByCancel)
    }

    /// The pair is none any more, and the other leg goes.
    package func cancelOtherLeg(of order: TwinOrder, _ sight: Sight) {
        guard let other = order.leg else { return }
        saw(sight)
        if sight == .ocoByCancel, order.isArmed { saw(.ocoByCancelOfArmed) }
        order.leg = nil
        other.leg = nil
        order.isSecond = false
        other.isSecond = false
        cancel(other, .oco)
    }

    package func close(_ order: TwinOrder, _ status: OrderStatus) {
        order.status = status
        order.updated = now
        order.hold = 0
        order.market.remove(order)
        order.account.open.removeAll { $0 === order }
        remember(TwinName(order.account.number, order.new.clientID), order.id)
    }

    // MARK: Triggers

    /// A buy stop and a sale's take-profit trigger when the price rises, the others when it falls.
    package func isRising(_ order: TwinOrder) -> Bool { (order.side == .buy) == (order.new.instructions.trigger == .stop) }

    /// After a command that traded or set the mark.
    package func cascade(_ market: TwinMarket, isMark: Bool = false) {
        guard market.isInternal, market.terms.state == .trading, isMark || high != nil else { return }
        var count = 0
        while let order = nextDue(market) {
            count += 1
            if count == 2 { saw(.cascadeOfTwo) }
            if count == 4 { saw(.cascadeOfFour) }
            sawTrigger(order)
            cancelOtherLeg(of: order, .ocoByTrigger)
            record(.orderTriggered(order: order.id))
            order.isArmed = false
            order.updated = now
            market.remove(order)
            enter(order)
            saw(order.type == .market ? .triggeredMarket : !order.isOpen ? .triggeredLimitDone : order.cumulative > 0 ? .triggeredLimitPart : .triggeredLimitRests)
        }
    }

    private func nextDue(_ market: TwinMarket) -> TwinOrder? {
        for (price, rising, top) in [(TriggerPrice.last, true, high), (.last, false, low), (.mark, true, market.mark), (.mark, false, market.mark)] {
            guard let top else { continue }
            let due = market.armed.filter {
                $0.new.instructions.triggerPrice == price && isRising($0) == rising && (rising ? $0.stop <= top : $0.stop >= top)
            }
            // The first of those with the lowest, or the highest stop; `armed` is in the order of arming.
            guard let stop = rising ? due.map(\.stop).min() : due.map(\.stop).max() else { continue }
            let same = due.filter { $0.stop == stop }
            if same.count > 1 { saw(.triggersAtOnePrice) }
            if due.count > same.count { saw(.triggersAtMorePrices) }
            return same.first
        }
        return nil
    }

    // MARK: FOK

    /// How much of an FOK order could be filled at once, and what that is worth.
    package func fillable(
        _ new: NewOrder, _ quantity: Quantity, _ price: Price, _ account: TwinAccount, _ market: TwinMarket, _ rates: FeeRates, _ budget: Amount?
    ) -> (quantity: Quantity, worth: Amount) {
        let mode = selfTrade(new.instructions.selfTrade, account, market)
        var (sum, worth): (Quantity, Amount) = (0, 0)
        var counted: [TwinOrder] = []
        var rest = market.others(of: new.side)
        while let best = rest.first, sum < quantity, crosses(new.side, new.type, price, best) {
            let level = rest.prefix { $0.price == best.price }
            rest.removeFirst(level.count)
            if mode != .oldest, level.contains(where: { $0.account === account }) {
                saw(.fokStoppedByOwn)
                break
            }
            var there: Quantity = 0
            for maker in level where maker.account !== account {
                if let leg = maker.leg, counted.contains(where: { $0 === leg }) {
                    saw(.fokLegLeftOut)
                    continue
                }
                counted.append(maker)
                if maker.new.instructions.reduceOnly { continue }
                there += min(maker.leaves, quantity - sum - there)
            }
            guard let partWorth = market.worth(best.price, there) else { break }
            if let budget, worth + partWorth + feeOf(worth + partWorth, max(rates.taker, 0)) > budget {
                saw(.fokStoppedByMax)
                break
            }
            worth += partWorth
            sum += there
        }
        return (sum, worth)
    }

    /// What the book asks for a market buy now, own orders left out.
    package func asked(_ new: NewOrder, _ account: TwinAccount, _ market: TwinMarket) -> Amount? {
        var (left, worth) = (new.quantity, Amount(0))
        for maker in market.asks where maker.account !== account && left > 0 {
            let part = min(maker.leaves, left)
            guard let partWorth = market.worth(maker.price, part) else { return nil }
            worth += partWorth
            left -= part
            if !isInRange(worth) { return nil }
        }
        return worth
    }
}
