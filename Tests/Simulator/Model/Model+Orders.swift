import Core

/// What a fill comes to, for the account's position and balances.
struct FillResult {
    var worth: Amount
    /// Changes of the available balances.
    var base: Amount
    var quote: Amount
    var position: PositionState
}

extension Model {
    func apply(_ accepted: OrderAccepted, _ wallet: WalletState, _ time: Timestamp) throws(Fault) {
        try known(accepted.account, wallet)
        try here(accepted.instrument, wallet)
        wallet.lastOrder += 1
        try require(accepted.id == Int64(wallet.number) << 40 | wallet.lastOrder, "OrderID \(accepted.id), expected counter \(wallet.lastOrder)")
        let isNew = accepted.oco != 0 || accepted.contentHash == accepted.contentHashOfNew
        try hold(accepted.account, accepted.clientID, .order(accepted.id, content: Model.content(accepted, isNew: isNew, model: self)), wallet)
        var order = OrderState(
            id: accepted.id, account: accepted.account, instrument: accepted.instrument, side: accepted.side, type: accepted.type,
            timeInForce: accepted.timeInForce, quantity: accepted.quantity, price: accepted.price, clientID: accepted.clientID,
            expire: accepted.expire, max: accepted.max, marketReserve: accepted.marketReserve, strategy: accepted.strategy, note: accepted.note,
            session: accepted.cancelOnDisconnect, largest: accepted.quantity, created: time, updated: time, lsn: lsn)
        order.instructions = accepted.instructions
        order.fees = accepted.fees
        var before: Amount = 0
        if names.isInternal(order.instrument) {
            order.isArmed = accepted.instructions.trigger != .none
            takePlace(&order, wallet)
            if accepted.oco != 0 {
                let leg = try open(accepted.oco, wallet)
                try require(leg.leg == 0 && leg.account == order.account && leg.instrument == order.instrument && leg.side == order.side, "no pair: \(leg.id)")
                before = holding([leg.id], wallet)
                (order.leg, order.isSecond) = (leg.id, true)
                wallet.changeOrder(leg.id, lsn) { $0.leg = order.id }
            }
        }
        wallet.orders[order.id] = Versioned(nil)
        wallet.orders[order.id]!.set(order, lsn)
        wallet.ordersOf[Pair(account: order.account, other: order.instrument), default: []].append(order.id)
        if order.expire != 0 { wallet.expiring[order.id] = order.expire }
        wallet.changePosition(order.account, order.instrument, lsn) {
            $0.openOrders += 1
            if order.side == .buy { $0.openBuy += Int128(order.quantity) } else { $0.openSell += Int128(order.quantity) }
        }
        // An order makes both balances, empty ones too: they are shown where they are named.
        let info = names.instruments[Int(order.instrument)]
        for asset in [info.base, info.quote] { wallet.change(order.account, asset, lsn) { _ in } }
        moveReserve([order.id, order.leg], from: before, wallet)
        count(\.orders, order.account, order.instrument, wallet, time)
    }

    /// It is the last at its price from now on.
    func takePlace(_ order: inout OrderState, _ wallet: WalletState) {
        wallet.ranks += 1
        order.rank = wallet.ranks
        order.shown = order.instructions.display > 0 ? min(order.instructions.display, order.leaves) : order.leaves
    }

    private func holding(_ ids: [OrderID], _ wallet: WalletState) -> Amount {
        ids.reduce(0) { $0 + (wallet.orders[$1]?.last.flatMap { reserve($0, wallet)?.amount } ?? 0) }
    }

    /// Of orders of one account, instrument and side.
    private func moveReserve(_ ids: [OrderID], from before: Amount, _ wallet: WalletState) {
        guard let order = wallet.orders[ids[0]]?.last, let asset = reserve(order, wallet)?.asset else { return }
        let amount = holding(ids, wallet)
        wallet.change(order.account, asset, lsn) {
            $0.available -= amount - before
            $0.reserved += amount - before
        }
    }

    func open(_ id: OrderID, _ wallet: WalletState) throws(Fault) -> OrderState {
        guard let order = wallet.orders[id]?.last else { throw Fault("order \(id) is not known") }
        try require(order.status.isOpen, "order \(id) is \(order.status) already")
        return order
    }

    func apply(_ replaced: OrderReplaced, _ wallet: WalletState, _ time: Timestamp) throws(Fault) {
        let old = try open(replaced.order, wallet)
        try require(replaced.quantity >= old.cumulative, "order \(old.id) is replaced to \(replaced.quantity), less than is filled")
        let before = holding([old.id], wallet)
        try require(old.leg == 0, "order \(old.id) of a pair is replaced")
        var order = old
        order.quantity = replaced.quantity
        order.price = replaced.price
        order.max = replaced.max
        order.marketReserve = replaced.marketReserve
        order.largest = max(order.largest, replaced.quantity)
        order.updated = time
        if order.quantity > old.quantity || order.price != old.price || order.max != old.max || replaced.stop != 0 {
            count(\.orders, order.account, order.instrument, wallet, time)
        }
        if order.quantity == order.cumulative { end(&order, .filled, wallet, time) }
        if names.isInternal(order.instrument) {
            try require(replaced.stop == 0 || old.isArmed, "order \(old.id) gets a stop and is not armed")
            if replaced.stop != 0 { order.instructions.stop = replaced.stop }
            let losesPlace = old.isArmed ? replaced.stop != 0 : replaced.price != old.price || replaced.quantity > old.quantity
            if losesPlace { takePlace(&order, wallet) } else { order.shown = min(order.shown, order.leaves) }
        }
        store(order, old, wallet)
        moveReserve([order.id], from: before, wallet)
    }

    /// The order is over: it holds nothing and is remembered from now on.
    private func end(_ order: inout OrderState, _ status: OrderStatus, _ wallet: WalletState, _ time: Timestamp) {
        order.status = status
        order.marketReserve = 0
        order.updated = time
        wallet.expiring[order.id] = nil
        remember(.order(order.id), wallet, time)
    }

    /// Keeps the order and what the position has open.
    private func store(_ order: OrderState, _ old: OrderState, _ wallet: WalletState) {
        wallet.changeOrder(order.id, lsn) { $0 = order }
        let change = Int128(order.leaves) - Int128(old.leaves)
        wallet.changePosition(order.account, order.instrument, lsn) {
            if order.side == .buy { $0.openBuy += change } else { $0.openSell += change }
            if old.status.isOpen, !order.status.isOpen { $0.openOrders -= 1 }
        }
    }

    func close(
        _ id: OrderID, _ status: OrderStatus, _ reason: CancelReason, _ text: Text, _ wallet: WalletState, _ time: Timestamp
    ) throws(Fault) {
        let old = try open(id, wallet)
        var order = old
        order.reason = reason
        order.reasonText = text
        let before = holding([id, old.leg], wallet)
        end(&order, status, wallet, time)
        (order.leg, order.isSecond) = (0, false)
        store(order, old, wallet)
        // A pair without one of its legs is none.
        if old.leg != 0 {
            wallet.changeOrder(old.leg, lsn) {
                $0.leg = 0
                $0.isSecond = false
            }
        }
        moveReserve([id, old.leg], from: before, wallet)
    }

    // MARK: Fills

    /// - Parameter isMatch: a side of a match, not an execution that somebody reported.
    func apply(_ filled: Filled, isMatch: Bool = false, _ wallet: WalletState, _ time: Timestamp) throws(Fault) {
        guard let old = wallet.orders[filled.order]?.last else { throw Fault("a fill of order \(filled.order), which is not known") }
        wallet.lastTrade += 1
        try require(filled.trade == Int64(wallet.number) << 40 | wallet.lastTrade, "TradeID \(filled.trade), expected counter \(wallet.lastTrade)")
        try require(filled.quantity > 0 && filled.price > 0, "a fill of \(filled.quantity) at \(filled.price)")
        try require(
            Int128(old.cumulative) + Int128(filled.quantity) <= Int128(old.largest),
            "order \(old.id) is overfilled: \(old.cumulative) + \(filled.quantity) of \(old.largest)")
        let key = NameKey(owner: old.id, text: filled.exec.plain)
        try require(isMatch || wallet.execs[key]?.last == nil, "execution \(key.text) of order \(old.id) is there twice")
        guard let result = result(of: filled, old, wallet, .max) else { throw Fault("the fill's position would not fit") }
        let info = names.instruments[Int(old.instrument)]

        var order = old
        order.cumulative += filled.quantity
        order.paid += Int128(filled.price) * Int128(filled.quantity)
        order.updated = time
        order.trades.append(filled.trade)
        let before = holding([old.id], wallet)
        if order.status.isOpen {
            if isMatch {
                if order.type == .market, order.side == .buy, info.funds == .full { order.marketReserve -= result.worth + max(filled.fee, 0) }
                try require(order.marketReserve >= 0, "market order \(order.id) spends more than it holds")
            } else {
                order.marketReserve -= min(order.marketReserve, result.worth)
            }
            order.status = .partiallyFilled
            if order.cumulative >= order.quantity { end(&order, .filled, wallet, time) }
        }
        if isMatch { keepPlace(&order, filled, wallet) }
        store(order, old, wallet)
        moveReserve([order.id], from: before, wallet)

        wallet.changePosition(order.account, order.instrument, lsn) {
            $0.isListed = true
            $0.quantity = result.position.quantity
            $0.cost = result.position.cost
            $0.realized = result.position.realized
            $0.fees = result.position.fees
        }
        wallet.change(order.account, info.base, lsn) { $0.available += result.base }
        wallet.change(order.account, info.quote, lsn) { $0.available += result.quote }
        if filled.fee != 0 {
            wallet.change(order.account, filled.feeAsset, lsn) { $0.available -= filled.fee }
            wallet.sums[filled.feeAsset, default: Sums()].fees += filled.fee
        }
        wallet.owed[Pair(account: Int64(info.venue), other: info.base), default: 0] -= result.base
        wallet.owed[Pair(account: Int64(info.venue), other: info.quote), default: 0] -= result.quote
        if !isMatch { wallet.execs[key, default: Versioned(nil)].set(filled.trade, lsn) }
        wallet.trades[filled.trade] = TradeState(
            id: filled.trade, order: order.id, quantity: filled.quantity, price: filled.price, fee: filled.fee, feeAsset: filled.feeAsset,
            liquidity: filled.liquidity, exec: filled.exec, time: time, venueTime: filled.venueTime)
    }

    /// Weighted average cost. `nil`: something would reach 2^110, or the quantity its type's end.
    func result(of filled: Filled, _ order: OrderState, _ wallet: WalletState, _ at: UInt64) -> FillResult? {
        let info = names.instruments[Int(order.instrument)]
        guard let worth = worth(order.instrument, filled.price, filled.quantity) else { return nil }
        var position = wallet.position(order.account, order.instrument, at)
        guard let gross = Model.fill(&position, order.side, filled.quantity, worth: worth, closing: {
            self.worth(order.instrument, filled.price, $0)
        }) else { return nil }
        if filled.feeAsset == info.quote {
            position.realized -= filled.fee
        } else if filled.feeAsset == info.base {
            guard let fee = Decimals.worth(ofBaseFee: filled.fee, price: filled.price, priceScale: Int(info.priceScale)) else { return nil }
            position.realized -= fee
        } else if filled.fee != 0 {
            position.fees[filled.feeAsset, default: 0] += filled.fee
        }
        guard isInRange(position.cost), isInRange(position.realized), isInRange(gross) else { return nil }
        // Without a check of funds only what is earned moves.
        if info.funds == .none { return FillResult(worth: worth, base: 0, quote: gross, position: position) }
        let moved = units(order.instrument, filled.quantity)
        guard isInRange(moved) else { return nil }
        return FillResult(
            worth: worth, base: order.side == .buy ? moved : -moved, quote: order.side == .buy ? -worth : worth, position: position)
    }

    /// Takes a fill into a position, without fees; returns what it earns.
    static func fill(
        _ position: inout PositionState, _ side: Side, _ quantity: Quantity, worth: Amount, closing: (Quantity) -> Amount?
    ) -> Amount? {
        let old = Int128(position.quantity)
        let signed = side == .buy ? Int128(quantity) : -Int128(quantity)
        guard let new = Int64(exactly: old + signed), new != .min else { return nil }
        position.quantity = new
        if old == 0 || (old > 0) == (signed > 0) {
            position.cost += worth
            return 0
        }
        let closed = min(old.magnitude, signed.magnitude)
        guard let closedWorth = closing(Quantity(closed)) else { return nil }
        let removed = Decimals.share(position.cost, Int128(closed), of: Int128(old.magnitude))
        let gross = old > 0 ? closedWorth - removed : removed - closedWorth
        // What is left over of the fill opens at its price.
        position.cost = closed == signed.magnitude ? position.cost - removed : worth - closedWorth
        position.realized += gross
        return gross
    }

    // MARK: Content

    static func content(_ order: NewOrder) -> String {
        "NEW|\(order.instrument)|\(order.side)|\(order.type)|\(order.timeInForce)|\(order.quantity)|\(order.price)|\(order.expire)|\(order.max)|\(order.strategy.plain)|\(order.note.plain)"
            + content(order.instructions) + (order.oco.isEmpty ? "" : "|oco \(order.oco.plain)")
    }

    private static func content(_ it: Instructions) -> String {
        it == Instructions() ? "" : "|\(it.stop)|\(it.display)|\(it.trigger)|\(it.triggerPrice)|\(it.selfTrade)|\(it.postOnly)|\(it.reduceOnly)"
    }

    /// What the command was that made the order. Of a CLS the record does not say whether its quantity was given: its cause does.
    static func content(_ order: OrderAccepted, isNew: Bool, model: Model) -> String {
        if !isNew { return model.closing ?? "CLS|?" }
        let leg = order.oco == 0 ? "" : "|oco \(model.wallet(WalletID(order.id >> 40)).orders[order.oco]?.last?.clientID.plain ?? "?")"
        return "NEW|\(order.instrument)|\(order.side)|\(order.type)|\(order.timeInForce)|\(order.quantity)|\(order.price)|\(order.expire)|\(order.max)|\(order.strategy.plain)|\(order.note.plain)"
            + content(order.instructions) + leg
    }

    static func content(_ close: ClosePosition) -> String {
        "CLS|\(close.instrument)|\(close.quantity)|\(close.price)|\(close.max)|\(close.strategy.plain)|\(close.note.plain)"
    }
    static func content(_ money: Money) -> String { "\(money.kind)|\(money.asset)|\(money.amount)|\(money.note.plain)" }
    static func content(_ transfer: Transfer) -> String {
        "XFR|\(transfer.toAccount)|\(transfer.toWallet)|\(transfer.asset)|\(transfer.amount)|\(transfer.note.plain)"
    }
    static func content(_ takeOver: TakeOver) -> String {
        "PTO|\(takeOver.instrument)|\(takeOver.quantity)|\(takeOver.price)|\(takeOver.note.plain)"
    }
}
