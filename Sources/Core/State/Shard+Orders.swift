// Orders: what NEW, RPL, CXL, CXA and CLS come to. Each `decide` is a ladder of checks; below its last rung nothing can fail.

extension Shard {
    // MARK: New

    /// `then`: gets what follows the order, on an internal venue.
    mutating func decide(
        _ new: borrowing NewOrder, _ now: Timestamp, _ emit: (borrowing OrderAccepted) -> Void, _ then: (borrowing Mutation) -> Void
    ) -> Outcome {
        guard let account = registry.account(new.account) else { return .rejected(.unknownAccount(new.account)) }
        guard isHere(new.instrument) else { return .rejected(.unknownInstrument(new.instrument)) }
        let idHash = Shard.idHash(account, new.clientID)
        let hash = new.contentHash
        if let known = remembered(account, new.clientID, idHash) { return repeated(known, new.clientID, hash) }
        if markets[new.instrument].book != none { return acceptInBook(new, account, idHash, hash, wholePosition: false, now, emit, then) }
        return accept(new, account, idHash, hash, now, emit, then)
    }

    /// A command whose id is known: the present state of what it stands for, or a refusal when it stands for something else.
    private func repeated(_ known: Int32, _ id: Text, _ hash: UInt64) -> Outcome {
        guard known >= 0, orderRecords[known].contentHash == hash else { return .rejected(.idReused(id)) }
        return .order(view(known), duplicate: true)
    }

    private mutating func accept(
        _ new: borrowing NewOrder, _ account: Int32, _ idHash: UInt64, _ hash: UInt64, wholePosition: Bool = false,
        _ now: Timestamp, _ emit: (borrowing OrderAccepted) -> Void, _ then: (borrowing Mutation) -> Void
    ) -> Outcome {
        let instrument = new.instrument
        if let late = tooLate(new.before, now) { return .rejected(late) }
        if registry.accounts[Int(account)].status != .open { return .rejected(.accountSuspended(new.account)) }
        if markets[instrument].terms.state != .trading, let closed = closedRefusal(instrument) { return .rejected(closed) }
        guard markets[instrument].venueKind == .manual else { return .rejected(.notSupported(.venue)) }
        let hasOther = !new.oco.isEmpty
        if !new.instructions.isPlain || hasOther { return .rejected(.notSupported(.instructions)) }

        // What fills or a changed lot have made odd must still be possible to close.
        if let fault = termsFault(instrument, new.type, new.quantity, new.price, lot: !wholePosition, tick: true) {
            return .rejected(fault)
        }
        if let refused = expiryRefusal(new.timeInForce, new.expire, now) { return .rejected(refused) }
        if new.max != 0, !isAllowed(max: new.max, instrument, new.side, new.type) { return .rejected(.badValue(.max)) }
        guard let notional = notional(instrument, new.type, new.quantity, new.price, new.max) else {
            return .rejected(.overflow(.notional))
        }
        if let fault = notionalFault(instrument, new.type, notional) { return .rejected(fault) }
        let position = positionSlot(account, instrument)
        if let refused = riskRefusal(
            RiskAsk(
                number: new.account, account: account, instrument: instrument, position: position ?? none, side: new.side,
                quantity: new.quantity, added: new.quantity, price: new.price, stop: 0, notional: notional, opens: true,
                isDearer: true, counts: true, part: .whole), now, then)
        {
            return .rejected(refused)
        }

        var marketReserve: Amount = 0
        var need: Amount = 0
        if markets[instrument].funds == .full {
            switch reserve(instrument, new.side, new.type, new.quantity, new.max, notional) {
            case .success(let amount): need = amount
            case .failure(let rejection): return .rejected(rejection)
            }
            if new.type == .market, new.side == .buy { marketReserve = need }
            let side = new.side
            let asset = side == .buy ? markets[instrument].quote : markets[instrument].base
            let balance = position.map { side == .buy ? positions[$0].quote : positions[$0].base } ?? balanceSlot(account, asset)
            let available = balance.map { balances[$0].available } ?? 0
            if available < need {
                return .rejected(.insufficientFunds(asset, number, need: need, available: available))
            }
        }
        if let full = tableRefusal(new.strategy) { return .rejected(full) }

        let id = Int64(number) << 40 | (lastOrder + 1)
        let accepted = OrderAccepted(
            id: id, account: new.account, instrument: instrument, side: new.side, type: new.type,
            timeInForce: new.timeInForce, quantity: new.quantity, price: new.price, clientID: new.clientID,
            expire: new.expire, max: new.max, marketReserve: marketReserve, strategy: new.strategy, note: new.note,
            cancelOnDisconnect: new.cancelOnDisconnect, contentHash: hash)
        forgetOld(now, keeping: nil)
        evolve(accepted, at: OrderPlace(account: account, position: position ?? none, idHash: idHash, reserve: need), now)
        emit(accepted)
        return .order(
            OrderView(id: id, instrument: instrument, status: .new, leaves: new.quantity, cumulative: 0, cumulativeCost: 0),
            duplicate: false)
    }

    // MARK: Replace

    mutating func decide(
        _ replace: borrowing Replace, _ guess: Int32, _ now: Timestamp, _ emit: (borrowing OrderReplaced) -> Void,
        _ then: (borrowing Mutation) -> Void
    ) -> Outcome {
        let instrument = replace.instrument
        let slot: Int32
        do { slot = try orderSlot(replace.order, of: replace.account, on: instrument, guess: guess) } catch { return .rejected(error) }
        let order = orders[slot]
        let account = positions[order.position].account
        let extra = orderRecords[slot].extra
        let max = spendingCap(replace, extra)
        let difference = (order.quantity ^ replace.quantity) | (order.price ^ replace.price)
        let stop = replace.stop
        let isSameStop = stop == 0 || extra != none && extras[extra].instructions.stop == stop
        let same = difference == 0 && (extra == none ? 0 : extras[extra].max) == max && isSameStop
        if same, order.status.isOpen || order.status == .filled { return .order(view(slot), duplicate: true) }
        if let late = tooLate(replace.before, now) { return .rejected(late) }
        guard order.status.isOpen else { return .rejected(.orderClosed(order.status)) }
        if markets[instrument].book != none {
            if let moved = move(replace, account, slot, now, emit) { return moved }
            return replaceInBook(replace, account, slot, now, emit, then)
        }
        if replace.stop != 0 { return .rejected(.notSupported(.instructions)) }
        if markets[instrument].terms.state != .trading, let closed = closedRefusal(instrument) { return .rejected(closed) }
        if registry.accounts[Int(account)].status != .open { return .rejected(.accountSuspended(replace.account)) }
        if let fault = termsFault(
            instrument, order.type, replace.quantity, replace.price, lot: replace.quantity != order.quantity,
            tick: replace.price != order.price)
        {
            return .rejected(fault)
        }
        if replace.quantity < order.cumulative {
            return .rejected(.belowCumulative(instrument, cumulative: order.cumulative))
        }
        if max != 0, !isAllowed(max: max, instrument, order.side, order.type) { return .rejected(.badValue(.max)) }
        guard let notional = notional(instrument, order.type, replace.quantity, replace.price, max) else {
            return .rejected(.overflow(.notional))
        }
        if let fault = notionalFault(instrument, order.type, notional) { return .rejected(fault) }

        let leaves = replace.quantity - order.cumulative
        var marketReserve: Amount = 0
        var change: Amount = 0
        if markets[instrument].funds == .full {
            let reserve: Amount
            if leaves > 0, max != 0, replace.max == 0 {
                // A bound that stays is not to be spent anew.
                reserve = reserved(slot)
            } else {
                switch reserveOfRest(instrument, order, leaves, replace.price, max) {
                case .success(let amount): reserve = amount
                case .failure(let rejection): return .rejected(rejection)
                }
            }
            if order.type == .market, order.side == .buy { marketReserve = reserve }
            change = reserve - reserved(slot)
            let available = balances[order.funds].available
            if change > 0, available < change {
                let asset = order.side == .buy ? markets[instrument].quote : markets[instrument].base
                return .rejected(.insufficientFunds(asset, number, need: change, available: available))
            }
        }
        let added = replace.quantity - order.quantity
        let isDearer = isDearer(order, replace.price)
        if let refused = riskRefusal(
            RiskAsk(
                number: replace.account, account: account, instrument: instrument, position: order.position, side: order.side,
                quantity: replace.quantity, added: Swift.max(added, 0), price: replace.price == order.price ? 0 : replace.price,
                stop: 0, notional: notional, opens: false, isDearer: added > 0 || change > 0 || isDearer,
                counts: counts(replace.quantity, replace.price, max, stop: 0, slot), part: .whole), now, then)
        {
            return .rejected(refused)
        }
        let replaced = OrderReplaced(
            order: order.id, quantity: replace.quantity, price: replace.price, max: max, marketReserve: marketReserve)
        forgetOld(now, keeping: nil)
        evolve(replaced, at: slot, change: change, now)
        emit(replaced)
        return .order(view(slot), duplicate: false)
    }

    /// What a market buy may spend after a replace: as before unless it says so.
    @inline(__always)
    func spendingCap(_ replace: borrowing Replace, _ extra: Int32) -> Amount {
        replace.max != 0 || extra == none ? replace.max : extras[extra].max
    }

    /// Whether a new limit price asks for more: of a purchase a higher one; of a sale also a lower one, which is nearer to trading.
    func isDearer(_ order: Order, _ price: Price) -> Bool { order.side == .buy ? price > order.price : price != order.price }

    /// What the rest of an order holds after a replace; nothing once it is all filled.
    private func reserveOfRest(
        _ instrument: InstrumentID, _ order: Order, _ leaves: Quantity, _ price: Price, _ max: Amount
    ) -> Result<Amount, Rejection> {
        if leaves == 0 { return .success(0) }
        guard let notional = notional(instrument, order.type, leaves, price, max) else { return .failure(.overflow(.reserve)) }
        return reserve(instrument, order.side, order.type, leaves, max, notional)
    }

    // MARK: Cancel

    mutating func decide(
        _ cancel: borrowing Cancel, _ guess: Int32, _ now: Timestamp, _ emit: (borrowing OrderCanceled) -> Void
    ) -> Outcome {
        let slot: Int32
        do { slot = try orderSlot(cancel.order, of: cancel.account, on: cancel.instrument, guess: guess) } catch { return .rejected(error) }
        let order = orders[slot]
        let account = positions[order.position].account
        if order.status == .canceled { return .order(view(slot), duplicate: true) }
        if let late = tooLate(cancel.before, now) { return .rejected(late) }
        guard order.status.isOpen else { return .rejected(.orderClosed(order.status)) }
        if let refused = cancelRateRefusal(cancel.account, account, cancel.instrument, order.position, now) { return .rejected(refused) }
        cancelOrder(slot, .requested, cancel.note, now, emit)
        return .order(view(slot), duplicate: false)
    }

    mutating func decide(_ all: CancelAll, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) -> Outcome {
        if let late = tooLate(all.before, now) { return .rejected(late) }
        if all.account == 0 {
            var count: Int64 = 0
            for account in 0..<accounts.end {
                count += cancelOpen(account, -1, all.reason, all.session, now, emit)
            }
            return .canceled(count: count)
        }
        guard let account = registry.account(all.account) else { return .rejected(.unknownAccount(all.account)) }
        if all.instrument >= 0 {
            guard isHere(all.instrument) else { return .rejected(.unknownInstrument(all.instrument)) }
        }
        return .canceled(count: cancelOpen(account, all.instrument, all.reason, all.session, now, emit))
    }

    /// Cancels the account's open orders, by ascending instrument and OrderID; -1: of every instrument; `session` not 0: only those to be
    /// cancelled with that session. How many there were.
    mutating func cancelOpen(
        _ account: Int32, _ instrument: InstrumentID, _ reason: CancelReason, _ session: UInt64, _ now: Timestamp,
        _ emit: (borrowing Mutation) -> Void
    ) -> Int64 {
        cancelOpen(account, instrument, reason, now, emit) { session == 0 || $0 == session }
    }

    /// Cancels every open order whose session, one of an epoch before `epoch`, asked for it (a start does this: those
    /// sessions ended with the process). Session numbers are epoch << 32 | n.
    public mutating func cancelDisconnected(
        before epoch: UInt32, now: Timestamp, emit: (borrowing Mutation) -> Void
    ) -> Int64 {
        var count: Int64 = 0
        for account in 0..<accounts.end {
            count += cancelOpen(account, -1, .disconnect, now, emit) { $0 != 0 && $0 >> 32 < epoch }
        }
        return count
    }

    /// - Parameter isMeant: of the session that the order is to be cancelled with, 0: none.
    private mutating func cancelOpen(
        _ account: Int32, _ instrument: InstrumentID, _ reason: CancelReason, _ now: Timestamp,
        _ emit: (borrowing Mutation) -> Void, _ isMeant: (UInt64) -> Bool
    ) -> Int64 {
        var count: Int64 = 0
        if accounts[account].openOrders == 0 { return 0 }
        var position = accounts[account].positions
        while position != none {
            if instrument < 0 || positions[position].instrument == instrument {
                var slot = positions[position].openFirst
                while slot != none {
                    var next = orders[slot].next
                    let extra = orderRecords[slot].extra
                    if isMeant(extra == none ? 0 : extras[extra].cancelOnDisconnect) {
                        // The other leg goes with it.
                        if next != none, next == partner(slot) { next = orders[next].next }
                        if partner(slot) != none { count += 1 }
                        cancelOrder(slot, reason, Text(), now) { emit(.orderCanceled(copy $0)) }
                        count += 1
                    }
                    slot = next
                }
            }
            position = positions[position].next
        }
        return count
    }

    /// Cancels an order, and with it the other leg of its pair.
    mutating func cancelOrder(
        _ slot: Int32, _ reason: CancelReason, _ note: Text, _ now: Timestamp, _ emit: (borrowing OrderCanceled) -> Void
    ) {
        // A leg that goes because the other trades or went takes nobody along.
        let other = reason == .oco ? none : partner(slot)
        let canceled = OrderCanceled(order: orders[slot].id, reason: reason, note: note)
        forgetOld(now, keeping: nil)
        evolve(canceled, at: slot, now)
        emit(canceled)
        if other != none { cancelOrder(other, .oco, Text(), now, emit) }
    }

    // MARK: Close position

    mutating func decide(
        _ close: ClosePosition, _ now: Timestamp, _ emit: (borrowing OrderAccepted) -> Void, _ then: (borrowing Mutation) -> Void
    ) -> Outcome {
        guard let account = registry.account(close.account) else { return .rejected(.unknownAccount(close.account)) }
        guard isHere(close.instrument) else { return .rejected(.unknownInstrument(close.instrument)) }
        let idHash = Shard.idHash(account, close.clientID)
        let hash = close.contentHash
        if let known = remembered(account, close.clientID, idHash) { return repeated(known, close.clientID, hash) }
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
        let wholePosition = order.quantity.magnitude == held.magnitude
        if markets[close.instrument].book != none {
            return acceptInBook(order, account, idHash, hash, wholePosition: wholePosition, now, emit, then)
        }
        return accept(order, account, idHash, hash, wholePosition: wholePosition, now, emit, then)
    }

    // MARK: Expiry

    /// When the next GTD order expires or the next dead-man timer runs out; `Timestamp.max`: never.
    public var nextExpiry: Timestamp {
        min(expiries.first?.time ?? .max, deadlines.first?.time ?? .max)
    }

    /// Does what dead-man timers that have run out ask for, and expires GTD orders that are due, by time and then OrderID, until it were at least
    /// `max` orders. How many.
    public mutating func expire(now: Timestamp, max: Int, emit: (borrowing Mutation) -> Void) -> Int {
        var count = cancelDead(now, max: max, emit)
        while count < max, let due = expiries.first, due.time <= now {
            let slot = due.value
            let other = partner(slot)
            apply(.orderExpired(order: orders[slot].id), now, emit)
            if other != none { cancelOrder(other, .oco, Text(), now) { emit(.orderCanceled(copy $0)) } }
            count += 1
        }
        return count
    }

    // MARK: Checks

    func tooLate(_ before: Timestamp, _ now: Timestamp) -> Rejection? {
        before != 0 && now > before ? .tooLate(before: before, now: now) : nil
    }

    @inline(__always)
    func expiryRefusal(_ timeInForce: TimeInForce, _ expire: Timestamp, _ now: Timestamp) -> Rejection? {
        if timeInForce == .gtd { return expire <= now ? .alreadyExpired(expire: expire, now: now) : nil }
        return expire == 0 ? nil : .badValue(.expire)
    }

    /// Price and quantity against the instrument's terms.
    @inline(__always)
    func termsFault(
        _ instrument: InstrumentID, _ type: OrderType, _ quantity: Quantity, _ price: Price, lot: Bool, tick: Bool
    ) -> Rejection? {
        if quantity <= 0 { return .badValue(.quantity) }
        if type == .limit ? price <= 0 : price != 0 { return .badValue(.price) }
        if lot {
            if !isMultiple(quantity, of: markets[instrument].terms.lot) { return .offLot(instrument) }
            if quantity < markets[instrument].terms.minQuantity || quantity > markets[instrument].terms.maxQuantity {
                return .quantityOutOfBounds(instrument)
            }
        }
        if tick, !isMultiple(price, of: markets[instrument].terms.tick) { return .offTick(instrument) }
        return nil
    }

    /// Both not negative, the step above 0. Most steps and values fit 32 bits, where a division takes half the time; steps of 1 take none.
    @inline(__always)
    func isMultiple(_ value: Int64, of step: Int64) -> Bool {
        if step == 1 { return true }
        if (value | step) >> 32 == 0 { return UInt32(truncatingIfNeeded: value) % UInt32(truncatingIfNeeded: step) == 0 }
        return value % step == 0
    }

    /// `max=` bounds what a market buy reserves, and nothing else.
    func isAllowed(max: Amount, _ instrument: InstrumentID, _ side: Side, _ type: OrderType) -> Bool {
        max > 0 && max < Balance.limit && type == .market && side == .buy && markets[instrument].funds == .full
    }

    /// What an order is worth in the quote asset: at its price; a market order at the mark or its `max`, whichever is more, 0 without a mark
    /// (`max` bounds what is reserved, not what the fills will cost). `nil`: overflow.
    @inline(__always)
    func notional(
        _ instrument: InstrumentID, _ type: OrderType, _ quantity: Quantity, _ price: Price, _ max: Amount
    ) -> Amount? {
        notional(instrument, type, quantity, price, max, reference: markets[instrument].mark)
    }

    @inline(__always)
    func notional(
        _ instrument: InstrumentID, _ type: OrderType, _ quantity: Quantity, _ price: Price, _ max: Amount, reference: @autoclosure () -> Price
    ) -> Amount? {
        if type == .limit { return amount(instrument, price, quantity) }
        let reference = reference()
        if reference == 0 { return 0 }
        return amount(instrument, reference, quantity).map { Swift.max($0, max) }
    }

    @inline(__always)
    func notionalFault(_ instrument: InstrumentID, _ type: OrderType, _ notional: Amount) -> Rejection? {
        notional < markets[instrument].terms.minNotional && (type == .limit || notional > 0)
            ? .notionalTooSmall(instrument, notional: notional) : nil
    }

    /// What an order of this quantity holds: a sale its base; a limit buy what it is worth; a market buy `max`, or its worth at
    /// the mark and the configured margin, rounded up.
    @inline(__always)
    private func reserve(
        _ instrument: InstrumentID, _ side: Side, _ type: OrderType, _ quantity: Quantity, _ max: Amount, _ notional: Amount
    ) -> Result<Amount, Rejection> {
        if side == .buy, type == .market { return marketReserve(instrument, max, notional) }
        let amount = side == .buy ? notional : Int128(quantity) * Int128(markets[instrument].quantityUnit)
        return Numbers.inRange(amount) ? .success(amount) : .failure(.overflow(.reserve))
    }

    @inline(never)
    private func marketReserve(_ instrument: InstrumentID, _ max: Amount, _ notional: Amount) -> Result<Amount, Rejection> {
        if max > 0 { return .success(max) }
        if markets[instrument].mark == 0 { return .failure(.noMark(instrument)) }
        let amount = notional + (notional * Int128(registry.setting(.marketMarginBps)) + 9_999) / 10_000
        return Numbers.inRange(amount) ? .success(amount) : .failure(.overflow(.reserve))
    }

    /// price x quantity of an instrument, neither of them negative; `nil` when it reaches 2^110.
    @inline(__always)
    func amount(_ instrument: InstrumentID, _ price: Price, _ quantity: Quantity) -> Amount? {
        Numbers.product(price, quantity, markets[instrument].amountUnit)
    }

    static var strategiesMax: Int64 { 65_000 }

    func tableRefusal(_ strategy: Text) -> Rejection? {
        if !canIntern(strategy) { return .tableFull(.strategies, max: Shard.strategiesMax) }
        return orders.end > Int32.max - 16_384 ? .tableFull(.orders, max: Int64(Int32.max)) : nil
    }

    private func canIntern(_ strategy: Text) -> Bool {
        strategy.isEmpty || strategies.count <= Int(Shard.strategiesMax) || strategySlot(strategy) != nil
    }

    func strategySlot(_ name: Text) -> Int32? { strategyNames.find(name.hash) { strategies[Int($0)] == name } }
}

extension Rejection: Error {}
