import Core

extension Judge {
    // MARK: FIL

    func decide(_ fill: Fill) -> Verdict {
        if status(fill.account) == nil { return .refuse(["UNKNOWN_ACCOUNT account=\(fill.account)"]) }
        guard let order = wallet.order(fill.order, fill.account, fill.instrument, at) else { return unknown(fill.order) }
        if let id = wallet.execs[NameKey(owner: order.id, text: fill.exec.plain)]?.at(at), let trade = wallet.trades[id] {
            let isSame = trade.quantity == fill.quantity && trade.price == fill.price && trade.fee == fill.fee
                && trade.feeAsset == fill.feeAsset && trade.liquidity == fill.liquidity && trade.venueTime == fill.venueTime
            return isSame ? .repeated(telling.progress(order.id, trade: id)) : .refuse(["ID_REUSED id=\(fill.exec.plain)"])
        }
        var reasons = late(fill.before)
        if names.isInternal(order.instrument) { return .refuse(reasons + ["NOT_SUPPORTED what=venue"]) }
        if Int128(order.cumulative) + Int128(fill.quantity) > Int128(order.largest) {
            reasons.append(
                "OVERFILL max=\(telling.quantity(order.largest, of: order.instrument)) cum=\(telling.quantity(order.cumulative, of: order.instrument))")
        }
        let filled = Filled(
            trade: Int64(wallet.number) << 40 | (wallet.lastTrade + 1), order: order.id, quantity: fill.quantity, price: fill.price,
            exec: fill.exec, fee: fill.fee, feeAsset: fill.feeAsset, liquidity: fill.liquidity, venueTime: fill.venueTime)
        guard let result = model.result(of: filled, order, wallet, at) else { return .refuse(reasons + ["OVERFLOW what=position"]) }
        if !fits(fill, order, result) { reasons.append("OVERFLOW what=balance") }
        let (paid, overflow) = (order.paid + Int128(fill.price) * Int128(fill.quantity)).multipliedReportingOverflow(
            by: Int128(Numbers.powerOfTen(18 - info(order.instrument).priceScale - info(order.instrument).quantityScale)))
        if overflow || !isInRange(paid) { reasons.append("OVERFLOW what=cost") }
        if !reasons.isEmpty { return .refuse(reasons) }
        return .accept(.filled(filled))
    }

    /// Balances, and the sums by which all money of a wallet stays bounded, keep below 2^110.
    private func fits(_ fill: Fill, _ order: OrderState, _ result: FillResult) -> Bool {
        let info = info(order.instrument)
        let venue = Int64(info.venue)
        let owedBase = (wallet.owed[Pair(account: venue, other: info.base)] ?? 0) - result.base
        let owedQuote = (wallet.owed[Pair(account: venue, other: info.quote)] ?? 0) - result.quote
        guard isInRange(owedBase), isInRange(owedQuote), isInRange((wallet.sums[fill.feeAsset]?.fees ?? 0) + fill.fee) else { return false }
        func fits(_ asset: AssetID, _ change: Amount) -> Bool {
            let it = wallet.balance(order.account, asset, at)
            return isInRange(it.available + change) && isInRange(it.available + it.reserved + change)
                && isInRange(it.total + it.transit + change)
        }
        let (base, quote) = (fill.feeAsset == info.base ? fill.fee : 0, fill.feeAsset == info.quote ? fill.fee : 0)
        if !fits(info.base, result.base - base) || !fits(info.quote, result.quote - quote) { return false }
        if fill.feeAsset == info.base || fill.feeAsset == info.quote { return true }
        let paid = wallet.position(order.account, order.instrument, at).fees[fill.feeAsset] ?? 0
        return fits(fill.feeAsset, -fill.fee) && isInRange(paid + fill.fee)
    }

    // MARK: Money

    func decide(_ money: Money) -> Verdict {
        if status(money.account) == nil { return .refuse(["UNKNOWN_ACCOUNT account=\(money.account)"]) }
        if let verdict = known(money.account, money.reference, Model.content(money), {
            if case .reference = $0 { telling.available(money.account, money.asset) } else { nil }
        }) { return verdict }
        var reasons = late(money.before)
        let balance = wallet.balance(money.account, money.asset, at)
        switch money.kind {
        case .deposit, .adjust:
            let sums = wallet.sums[money.asset] ?? Sums()
            let paidIn = sums.deposited - sums.withdrawn + sums.corrected + money.amount
            if !isInRange(balance.total + balance.transit + money.amount) || !isInRange(balance.available + money.amount) || !isInRange(paidIn) {
                reasons.append("OVERFLOW what=balance")
            }
            if money.amount < 0, balance.available + money.amount < 0 {
                reasons.append(telling.funds("INSUFFICIENT_FUNDS", money.asset, need: -money.amount, "available", balance.available))
            }
        case .withdraw, .hold:
            if balance.available < money.amount {
                reasons.append(telling.funds("INSUFFICIENT_FUNDS", money.asset, need: money.amount, "available", balance.available))
            }
        case .release:
            if balance.held < money.amount {
                reasons.append(telling.funds("INSUFFICIENT_HELD", money.asset, need: money.amount, "held", balance.held))
            }
        }
        if !reasons.isEmpty { return .refuse(reasons) }
        return .accept(.moneyMoved(money))
    }

    func decide(_ takeOver: TakeOver) -> Verdict {
        if status(takeOver.account) == nil { return .refuse(["UNKNOWN_ACCOUNT account=\(takeOver.account)"]) }
        if let verdict = known(takeOver.account, takeOver.reference, Model.content(takeOver), {
            if case .reference = $0 { "OK" + telling.position(takeOver.account, takeOver.instrument) } else { nil }
        }) { return verdict }
        var reasons = late(takeOver.before)
        let held = wallet.position(takeOver.account, takeOver.instrument, at).quantity
        if held != 0 { reasons.append("POSITION_EXISTS qty=\(telling.quantity(held, of: takeOver.instrument))") }
        if model.worth(takeOver.instrument, takeOver.price, Quantity(clamping: takeOver.quantity.magnitude)) == nil {
            reasons.append("OVERFLOW what=cost")
        }
        if !reasons.isEmpty { return .refuse(reasons) }
        return .accept(.positionTakenOver(takeOver))
    }

    func decide(_ transfer: Transfer) -> Verdict {
        for account in [transfer.account, transfer.toAccount] where status(account) == nil { return .refuse(["UNKNOWN_ACCOUNT account=\(account)"]) }
        if let verdict = known(transfer.account, transfer.reference, Model.content(transfer), {
            if case .reference = $0 { telling.available(transfer.account, transfer.asset) } else { nil }
        }) { return verdict }
        var reasons = late(transfer.before)
        if status(transfer.account) != .open { reasons.append("ACCOUNT_SUSPENDED account=\(transfer.account)") }
        let available = wallet.balance(transfer.account, transfer.asset, at).available
        if available < transfer.amount {
            reasons.append(telling.funds("INSUFFICIENT_FUNDS", transfer.asset, need: transfer.amount, "available", available))
        }
        if transfer.toWallet == wallet.number {
            let target = wallet.balance(transfer.toAccount, transfer.asset, at)
            if !isInRange(target.total + target.transit + transfer.amount) { reasons.append("OVERFLOW what=balance") }
        }
        if !reasons.isEmpty { return .refuse(reasons) }
        if transfer.toWallet == wallet.number { return .accept(.transferredWithin(transfer)) }
        return .accept(.transferSent(transfer, sequence: (wallet.sent[transfer.toWallet] ?? 0) + 1))
    }

    // MARK: MRK

    func decide(_ mark: SetMark) -> Verdict {
        if wallet.mark(mark.instrument, at) == mark.price { return .repeated("OK") }
        let reasons = late(mark.before)
        if names.isInternal(mark.instrument) { return market(.setMark(mark), of: 0) }
        return reasons.isEmpty ? .accept(.markSet(instrument: mark.instrument, price: mark.price)) : .refuse(reasons)
    }

    // MARK: Definitions

    /// At entry `number` of the registry.
    func decide(_ definition: Definition, before: Timestamp, at number: Int64) -> Verdict {
        let done = Verdict.accept(.defined(number: number + 1, definition))
        let reasons = late(before)
        func unlessLate(_ verdict: Verdict) -> Verdict { reasons.isEmpty ? verdict : .refuse(reasons) }
        switch definition {
        case .asset(let info):
            guard let id = names.asset(info.name.plain, at: number) else { return unlessLate(done) }
            return names.assets[Int(id)] == info ? .repeated("OK") : .refuse(["ALREADY_EXISTS name=\(info.name.plain)"])
        case .wallet(let info):
            return names.wallet(info.name.plain, at: number) == nil ? unlessLate(done) : .repeated("OK")
        case .venue(let info):
            guard let id = names.venue(info.name.plain, at: number) else { return unlessLate(done) }
            return names.venues[Int(id)] == info ? .repeated("OK") : .refuse(["ALREADY_EXISTS name=\(info.name.plain)"])
        case .instrument(let info):
            guard let id = names.instrument(info.symbol.plain, at: number) else {
                return termsFault(info.terms, info.venue).map { .refuse([$0] + reasons) } ?? unlessLate(done)
            }
            return names.info(id, at: number) == info ? .repeated("OK") : .refuse(["ALREADY_EXISTS name=\(info.symbol.plain)"] + fixed(names.info(id, at: number), info))
        case .changeInstrument(let id, let terms):
            if names.terms(id, at: number) == terms { return .repeated("OK") }
            return termsFault(terms, names.instruments[Int(id)].venue).map { .refuse([$0] + reasons) } ?? unlessLate(done)
        case .account(let account, let status):
            let old = names.status(account, at: number)
            if old == status { return .repeated("OK status=\(status.word)") }
            if old == nil, status == .suspended { return .refuse(["UNKNOWN_ACCOUNT account=\(account)"]) }
            return unlessLate(done)
        case .setting(let setting, let value):
            return names.setting(setting, at: number) == value ? .repeated("OK") : unlessLate(done)
        }
    }

    private func fixed(_ old: InstrumentInfo, _ new: InstrumentInfo) -> [String] {
        var keys: [String] = []
        if old.venue != new.venue { keys.append("venue") }
        if old.wallet != new.wallet { keys.append("wallet") }
        if old.base != new.base { keys.append("base") }
        if old.quote != new.quote { keys.append("quote") }
        if old.priceScale != new.priceScale { keys.append("price_scale") }
        if old.quantityScale != new.quantityScale { keys.append("qty_scale") }
        if old.funds != new.funds { keys.append("funds") }
        return keys.map { "FIXED key=\($0)" }
    }

    private func termsFault(_ terms: InstrumentTerms, _ venue: VenueID) -> String? {
        if terms.maxQuantity < terms.minQuantity { return "BAD_VALUE argument=max_qty" }
        if names.venues[Int(venue)].kind == .internal { return nil }
        if terms.fees != FeeRates() { return "NOT_SUPPORTED what=fee" }
        return terms.state == .postOnly || terms.state == .cancelOnly ? "NOT_SUPPORTED what=venue" : nil
    }
}

// MARK: Comparison

/// Whether two mutations do the same. The content's hash is the log's own affair.
func isSame(_ a: Mutation, _ b: Mutation) -> Bool {
    switch (a, b) {
    case (.defined(let number, let x), .defined(let other, let y)): return number == other && x == y
    case (.orderAccepted(let x), .orderAccepted(let y)):
        return x.id == y.id && x.account == y.account && x.instrument == y.instrument && x.side == y.side && x.type == y.type
            && x.timeInForce == y.timeInForce && x.quantity == y.quantity && x.price == y.price && x.clientID == y.clientID
            && x.expire == y.expire && x.max == y.max && x.marketReserve == y.marketReserve && x.strategy == y.strategy && x.note == y.note
            && x.instructions == y.instructions && x.oco == y.oco && x.fees == y.fees
    case (.orderReplaced(let x), .orderReplaced(let y)):
        return x.order == y.order && x.quantity == y.quantity && x.price == y.price && x.max == y.max && x.marketReserve == y.marketReserve
            && x.stop == y.stop
    case (.orderCanceled(let x), .orderCanceled(let y)): return x.order == y.order && x.reason == y.reason && x.note == y.note
    case (.orderTriggered(let x), .orderTriggered(let y)): return x == y
    case (.matched(let x), .matched(let y)):
        return x.trade == y.trade && x.maker == y.maker && x.taker == y.taker && x.quantity == y.quantity && x.price == y.price
            && x.makerFee == y.makerFee && x.takerFee == y.takerFee
    case (.filled(let x), .filled(let y)):
        return x.trade == y.trade && x.order == y.order && x.quantity == y.quantity && x.price == y.price && x.exec == y.exec
            && x.fee == y.fee && x.feeAsset == y.feeAsset && x.liquidity == y.liquidity && x.venueTime == y.venueTime
    case (.moneyMoved(let x), .moneyMoved(let y)):
        return x.kind == y.kind && x.account == y.account && x.asset == y.asset && x.amount == y.amount && x.reference == y.reference
            && x.note == y.note
    case (.transferredWithin(let x), .transferredWithin(let y)): return isSame(x, y)
    case (.transferSent(let x, let number), .transferSent(let y, let other)): return number == other && isSame(x, y)
    case (.limitsSet(let account, let instrument, let x), .limitsSet(let other, let another, let y)):
        return account == other && instrument == another && x == y
    case (.lossLatched(let account, let asset, let on), .lossLatched(let other, let another, let isOn)):
        return account == other && asset == another && on == isOn
    case (.deadManSet(let account, let deadline), .deadManSet(let other, let another)): return account == other && deadline == another
    case (.markSet(let instrument, let price), .markSet(let other, let another)): return instrument == other && price == another
    case (.positionTakenOver(let x), .positionTakenOver(let y)):
        return x.account == y.account && x.instrument == y.instrument && x.quantity == y.quantity && x.price == y.price
            && x.reference == y.reference && x.note == y.note
    default: return false
    }
}

private func isSame(_ x: Transfer, _ y: Transfer) -> Bool {
    x.account == y.account && x.toAccount == y.toAccount && x.toWallet == y.toWallet && x.asset == y.asset && x.amount == y.amount
        && x.reference == y.reference && x.note == y.note
}
