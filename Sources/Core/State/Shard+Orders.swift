// Orders: what NEW, RPL, CXL, CXA and CLS come to. Each `decide` is a ladder of checks; below its last rung nothing can fail.

extension Shard {
    // MARK: New

    mutating func decide(_ new: NewOrder, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) -> Outcome {
        guard let account = registry.account(new.account) else { return .rejected(.unknownAccount(new.account)) }
        guard let info = registry.instrumentInfo(new.instrument), info.wallet == number else {
            return .rejected(.unknownInstrument(new.instrument))
        }
        let hash = new.contentHash
        if let known = remembered(account, new.clientID) { return repeated(known, new.clientID, hash) }
        return accept(new, account, info, hash, now, emit)
    }

    /// A command whose id is known: the present state of what it stands for, or a refusal when it stands for something else.
    private func repeated(_ known: Int32, _ id: Text, _ hash: UInt64) -> Outcome {
        guard known >= 0, orderRecords[known].contentHash == hash else { return .rejected(.idReused(id)) }
        return .order(view(known), duplicate: true)
    }

    private mutating func accept(
        _ new: NewOrder, _ account: Int32, _ info: InstrumentInfo, _ hash: UInt64, wholePosition: Bool = false,
        _ now: Timestamp, _ emit: (borrowing Mutation) -> Void
    ) -> Outcome {
        if let late = tooLate(new.before, now) { return .rejected(late) }
        if registry.accounts[Int(account)].status != .open { return .rejected(.accountSuspended(new.account)) }
        if info.terms.state != .trading { return .rejected(.instrumentHalted(new.instrument)) }
        let venue = registry.venues[Int(info.venue)]
        guard venue.kind == .manual else { return .rejected(.notSupported(.venue)) }

        // What fills or a changed lot have made odd must still be possible to close.
        if let fault = termsFault(
            info, new.instrument, new.type, new.quantity, new.price, lot: !wholePosition, tick: true)
        {
            return .rejected(fault)
        }
        if new.timeInForce == .gtd {
            if new.expire <= now { return .rejected(.alreadyExpired(expire: new.expire, now: now)) }
        } else if new.expire != 0 {
            return .rejected(.badValue(.expire))
        }
        if new.max < 0 || new.max >= Balance.limit || new.max > 0 && (new.type != .market || new.side != .buy || info.funds == .none)
        {
            return .rejected(.badValue(.max))
        }
        guard let notional = notional(info, new.instrument, new.type, new.quantity, new.price, new.max) else {
            return .rejected(.overflow(.notional))
        }
        if let fault = notionalFault(info, new.instrument, new.type, notional) { return .rejected(fault) }
        let position = positionSlot(account, new.instrument)
        if let refused = riskRefusal(
            new.account, account, new.instrument, position, new.side, quantity: new.quantity, added: new.quantity,
            notional: notional, opens: true)
        {
            return .rejected(refused)
        }

        var marketReserve: Amount = 0
        if info.funds == .full {
            let need: Amount
            switch (new.side, new.type) {
            case (.sell, _):
                need = Int128(new.quantity) * Int128(markets[Int(new.instrument)].quantityUnit)
                if !Numbers.inRange(need) { return .rejected(.overflow(.reserve)) }
            case (.buy, .limit):
                need = notional
            case (.buy, .market):
                switch marketReserveOf(new.instrument, new.quantity, new.max, notional) {
                case .success(let amount): need = amount
                case .failure(let rejection): return .rejected(rejection)
                }
                marketReserve = need
            }
            let asset = new.side == .buy ? info.quote : info.base
            let available = balanceSlot(account, asset).map { balances[$0].available } ?? 0
            if available < need {
                return .rejected(.insufficientFunds(asset, number, need: need, available: available))
            }
        }
        if !canIntern(new.strategy) { return .rejected(.tableFull(.strategies, max: Shard.strategiesMax)) }
        if orders.end > Int32.max - 16_384 { return .rejected(.tableFull(.orders, max: Int64(Int32.max))) }

        let id = Int64(number) << 40 | (lastOrder + 1)
        apply(
            .orderAccepted(
                OrderAccepted(
                    id: id, account: new.account, instrument: new.instrument, side: new.side, type: new.type,
                    timeInForce: new.timeInForce, quantity: new.quantity, price: new.price, clientID: new.clientID,
                    expire: new.expire, max: new.max, marketReserve: marketReserve, strategy: new.strategy, note: new.note,
                    cancelOnDisconnect: new.cancelOnDisconnect, contentHash: hash)), now, emit)
        return .order(
            OrderView(
                id: id, instrument: new.instrument, status: .new, leaves: new.quantity, cumulative: 0, cumulativeCost: 0),
            duplicate: false)
    }

    // MARK: Replace

    mutating func decide(_ replace: Replace, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) -> Outcome {
        guard let account = registry.account(replace.account) else { return .rejected(.unknownAccount(replace.account)) }
        guard let info = registry.instrumentInfo(replace.instrument), info.wallet == number else {
            return .rejected(.unknownInstrument(replace.instrument))
        }
        guard let slot = orderSlot(replace.order, account, replace.instrument) else { return .rejected(.unknownOrder) }
        let order = orders[slot]
        let extra = orderRecords[slot].extra
        let same = order.quantity == replace.quantity && order.price == replace.price
            && (extra == none ? 0 : extras[extra].max) == replace.max
        if same, order.status.isOpen || order.status == .filled { return .order(view(slot), duplicate: true) }
        if let late = tooLate(replace.before, now) { return .rejected(late) }
        guard order.status.isOpen else { return .rejected(.orderClosed(order.status)) }
        if info.terms.state != .trading { return .rejected(.instrumentHalted(replace.instrument)) }
        if registry.accounts[Int(account)].status != .open { return .rejected(.accountSuspended(replace.account)) }
        if let fault = termsFault(
            info, replace.instrument, order.type, replace.quantity, replace.price, lot: replace.quantity != order.quantity,
            tick: replace.price != order.price)
        {
            return .rejected(fault)
        }
        if replace.quantity < order.cumulative {
            return .rejected(.belowCumulative(replace.instrument, cumulative: order.cumulative))
        }
        if replace.max < 0 || replace.max >= Balance.limit
            || replace.max > 0 && (order.type != .market || order.side != .buy || info.funds == .none)
        {
            return .rejected(.badValue(.max))
        }
        guard let notional = notional(info, replace.instrument, order.type, replace.quantity, replace.price, replace.max) else {
            return .rejected(.overflow(.notional))
        }
        if let fault = notionalFault(info, replace.instrument, order.type, notional) { return .rejected(fault) }

        let leaves = replace.quantity - order.cumulative
        var marketReserve: Amount = 0
        var change: Amount = 0
        if info.funds == .full {
            let reserve: Amount
            switch (order.side, order.type) {
            case (.sell, _):
                reserve = Int128(leaves) * Int128(markets[Int(replace.instrument)].quantityUnit)
            case (.buy, .limit):
                guard let amount = amount(replace.instrument, replace.price, leaves) else {
                    return .rejected(.overflow(.reserve))
                }
                reserve = amount
            case (.buy, .market):
                if leaves == 0 {
                    reserve = 0
                } else {
                    guard let rest = self.notional(info, replace.instrument, .market, leaves, 0, replace.max) else {
                        return .rejected(.overflow(.reserve))
                    }
                    switch marketReserveOf(replace.instrument, leaves, replace.max, rest) {
                    case .success(let amount): reserve = amount
                    case .failure(let rejection): return .rejected(rejection)
                    }
                }
                marketReserve = reserve
            }
            if !Numbers.inRange(reserve) { return .rejected(.overflow(.reserve)) }
            change = reserve - reserved(slot)
            let available = balances[order.funds].available
            if change > 0, available < change {
                let asset = order.side == .buy ? info.quote : info.base
                return .rejected(.insufficientFunds(asset, number, need: change, available: available))
            }
        }
        let added = replace.quantity - order.quantity
        if added > 0 || change > 0 || replace.price > order.price {
            if let refused = riskRefusal(
                replace.account, account, replace.instrument, order.position, order.side, quantity: replace.quantity,
                added: max(added, 0), notional: notional, opens: false)
            {
                return .rejected(refused)
            }
        }
        apply(
            .orderReplaced(
                OrderReplaced(
                    order: order.id, quantity: replace.quantity, price: replace.price, max: replace.max,
                    marketReserve: marketReserve)), now, emit)
        return .order(view(slot), duplicate: false)
    }

    // MARK: Cancel

    mutating func decide(_ cancel: Cancel, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) -> Outcome {
        guard let account = registry.account(cancel.account) else { return .rejected(.unknownAccount(cancel.account)) }
        guard let info = registry.instrumentInfo(cancel.instrument), info.wallet == number else {
            return .rejected(.unknownInstrument(cancel.instrument))
        }
        guard let slot = orderSlot(cancel.order, account, cancel.instrument) else { return .rejected(.unknownOrder) }
        let order = orders[slot]
        if order.status == .canceled { return .order(view(slot), duplicate: true) }
        if let late = tooLate(cancel.before, now) { return .rejected(late) }
        guard order.status.isOpen else { return .rejected(.orderClosed(order.status)) }
        apply(
            .orderCanceled(OrderCanceled(order: order.id, reason: .requested, note: cancel.note)), now, emit)
        return .order(view(slot), duplicate: false)
    }

    mutating func decide(_ all: CancelAll, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) -> Outcome {
        if let late = tooLate(all.before, now) { return .rejected(late) }
        if all.account == 0 {
            var count: Int64 = 0
            for account in accounts.indices {
                count += cancelOpen(Int32(account), -1, all.reason, all.session, now, emit)
            }
            return .canceled(count: count)
        }
        guard let account = registry.account(all.account) else { return .rejected(.unknownAccount(all.account)) }
        if all.instrument >= 0 {
            guard let info = registry.instrumentInfo(all.instrument), info.wallet == number else {
                return .rejected(.unknownInstrument(all.instrument))
            }
        }
        return .canceled(count: cancelOpen(account, all.instrument, all.reason, all.session, now, emit))
    }

    /// Cancels the account's open orders, by ascending instrument and OrderID; -1: of every instrument; `session` not 0: only those to be
    /// cancelled with that session. How many there were.
    mutating func cancelOpen(
        _ account: Int32, _ instrument: InstrumentID, _ reason: CancelReason, _ session: UInt64, _ now: Timestamp,
        _ emit: (borrowing Mutation) -> Void
    ) -> Int64 {
        var count: Int64 = 0
        if accounts[Int(account)].openOrders == 0 { return 0 }
        var position = accounts[Int(account)].positions
        while position != none {
            if instrument < 0 || positions[position].instrument == instrument {
                var slot = positions[position].openFirst
                while slot != none {
                    let next = orders[slot].next
                    let extra = orderRecords[slot].extra
                    if session == 0 || extra != none && extras[extra].cancelOnDisconnect == session {
                        apply(.orderCanceled(OrderCanceled(order: orders[slot].id, reason: reason, note: Text())), now, emit)
                        count += 1
                    }
                    slot = next
                }
            }
            position = positions[position].next
        }
        return count
    }

    /// Cancels every open order whose session, one of an epoch before `epoch`, asked for it (a start does this: those
    /// sessions ended with the process). Session numbers are epoch << 32 | n.
    public mutating func cancelDisconnected(
        before epoch: UInt32, now: Timestamp, emit: (borrowing Mutation) -> Void
    ) -> Int64 {
        var count: Int64 = 0
        for account in accounts.indices where accounts[account].openOrders > 0 {
            var position = accounts[account].positions
            while position != none {
                var slot = positions[position].openFirst
                while slot != none {
                    let next = orders[slot].next
                    let extra = orderRecords[slot].extra
                    if extra != none, extras[extra].cancelOnDisconnect != 0, extras[extra].cancelOnDisconnect >> 32 < epoch {
                        apply(
                            .orderCanceled(OrderCanceled(order: orders[slot].id, reason: .disconnect, note: Text())), now, emit)
                        count += 1
                    }
                    slot = next
                }
                position = positions[position].next
            }
        }
        return count
    }

    // MARK: Close position

    mutating func decide(_ close: ClosePosition, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) -> Outcome {
        guard let account = registry.account(close.account) else { return .rejected(.unknownAccount(close.account)) }
        guard let info = registry.instrumentInfo(close.instrument), info.wallet == number else {
            return .rejected(.unknownInstrument(close.instrument))
        }
        let hash = close.contentHash
        if let known = remembered(account, close.clientID) { return repeated(known, close.clientID, hash) }
        let held = positionSlot(account, close.instrument).map { positions[$0].quantity } ?? 0
        guard held != 0, held.magnitude >= close.quantity.magnitude, held != .min else {
            return .rejected(.noPosition(close.instrument, quantity: held))
        }
        let order = NewOrder(
            account: close.account, instrument: close.instrument, side: held > 0 ? .sell : .buy,
            type: close.price == 0 ? .market : .limit, timeInForce: .gtc,
            quantity: close.quantity == 0 ? Quantity(held.magnitude) : close.quantity, price: close.price,
            clientID: close.clientID, max: close.max, strategy: close.strategy, note: close.note, before: close.before,
            cancelOnDisconnect: close.cancelOnDisconnect)
        return accept(
            order, account, info, hash, wholePosition: order.quantity.magnitude == held.magnitude, now, emit)
    }

    // MARK: Expiry

    /// When the next GTD order expires; `Timestamp.max`: none.
    public var nextExpiry: Timestamp {
        guard let slot = expiries.first else { return .max }
        return extras[orderRecords[slot].extra].expire
    }

    /// Expires GTD orders that are due, by time and then OrderID, at most `max` of them. How many.
    public mutating func expire(now: Timestamp, max: Int, emit: (borrowing Mutation) -> Void) -> Int {
        var count = 0
        while count < max, let slot = expiries.first, extras[orderRecords[slot].extra].expire <= now {
            apply(.orderExpired(order: orders[slot].id), now, emit)
            count += 1
        }
        return count
    }

    // MARK: Checks

    func tooLate(_ before: Timestamp, _ now: Timestamp) -> Rejection? {
        before != 0 && now > before ? .tooLate(before: before, now: now) : nil
    }

    /// Price and quantity against the instrument's terms.
    private func termsFault(
        _ info: InstrumentInfo, _ instrument: InstrumentID, _ type: OrderType, _ quantity: Quantity, _ price: Price,
        lot: Bool, tick: Bool
    ) -> Rejection? {
        if quantity <= 0 { return .badValue(.quantity) }
        if type == .limit ? price <= 0 : price != 0 { return .badValue(.price) }
        if lot {
            if quantity % info.terms.lot != 0 { return .offLot(instrument) }
            if quantity < info.terms.minQuantity || quantity > info.terms.maxQuantity {
                return .quantityOutOfBounds(instrument)
            }
        }
        if tick, price % info.terms.tick != 0 { return .offTick(instrument) }
        return nil
    }

    /// What an order is worth in the quote asset: at its price; a market order at the mark or its `max`, whichever is more, 0 without a mark
    /// (`max` bounds what is reserved, not what the fills will cost). `nil`: overflow.
    private func notional(
        _ info: InstrumentInfo, _ instrument: InstrumentID, _ type: OrderType, _ quantity: Quantity, _ price: Price,
        _ max: Amount
    ) -> Amount? {
        if type == .limit { return amount(instrument, price, quantity) }
        let mark = markets[Int(instrument)].mark
        if mark == 0 { return 0 }
        return amount(instrument, mark, quantity).map { Swift.max($0, max) }
    }

    private func notionalFault(
        _ info: InstrumentInfo, _ instrument: InstrumentID, _ type: OrderType, _ notional: Amount
    ) -> Rejection? {
        notional < info.terms.minNotional && (type == .limit || notional > 0)
            ? .notionalTooSmall(instrument, notional: notional) : nil
    }

    /// What a market buy reserves: `max`, or the worth at the mark and the configured margin, rounded up.
    private func marketReserveOf(
        _ instrument: InstrumentID, _ quantity: Quantity, _ max: Amount, _ notional: Amount
    ) -> Result<Amount, Rejection> {
        if max > 0 { return .success(max) }
        if markets[Int(instrument)].mark == 0 { return .failure(.noMark(instrument)) }
        let margin = Int128(registry.setting(.marketMarginBps))
        let reserve = notional + (notional * margin + 9_999) / 10_000
        return Numbers.inRange(reserve) ? .success(reserve) : .failure(.overflow(.reserve))
    }

    /// price x quantity of an instrument; `nil` when it reaches 2^110.
    @inline(__always)
    func amount(_ instrument: InstrumentID, _ price: Price, _ quantity: Quantity) -> Amount? {
        Numbers.scaled(Int128(price) * Int128(quantity), markets[Int(instrument)].amountUnit)
    }

    static var strategiesMax: Int64 { 65_000 }

    private func canIntern(_ strategy: Text) -> Bool {
        strategy.isEmpty || strategies.count <= Int(Shard.strategiesMax) || strategySlot(strategy) != nil
    }

    func strategySlot(_ name: Text) -> Int32? { strategyNames.find(name.hash) { strategies[Int($0)] == name } }
}

extension Rejection: Error {}
