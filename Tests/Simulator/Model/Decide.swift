import Core

/// What the model says of a command at a point of the log.
enum Verdict {
    /// It is done, by this record.
    case accept(Mutation)
    /// It is done, by these records of an internal venue.
    case run([Mutation])
    /// It is so already: the answer without `dup=1`.
    case repeated(String)
    /// Every reason to refuse it, as `CODE facts`; the service names one of them.
    case refuse([String])
}

/// Decides commands of one wallet at one point of the log. Unlike the service it does not stop at the first reason to refuse: which of several is
/// named is not promised.
struct Judge {
    let model: Model
    let wallet: WalletState
    var at: UInt64 = .max
    var now: Timestamp
    var moment = Moment.exact

    /// Of what was refused the time is known only to be `now` or later.
    enum Moment {
        case exact
        /// So late that all buckets have drained.
        case later
        /// And that another day has begun.
        case nextDay
    }

    var names: Names { model.names }
    var number: Int64 { wallet.registryNumber.at(at) }
    var telling: Telling { Telling(model: model, wallet: wallet, at: at) }
    func info(_ id: InstrumentID) -> InstrumentInfo { names.info(id, at: number) }
    func status(_ account: AccountNumber) -> AccountStatus? { names.status(account, at: number) }

    func late(_ before: Timestamp) -> [String] {
        before != 0 && now > before ? ["TOO_LATE before=\(before / 1_000) now=\(now / 1_000)"] : []
    }

    func decide(_ command: Command) -> Verdict {
        switch command {
        case .newOrder(let order): return new(order, content: Model.content(order), wholePosition: false)
        case .replace(let replace): return decide(replace)
        case .cancel(let cancel): return decide(cancel)
        case .fill(let fill): return decide(fill)
        case .closePosition(let close): return decide(close)
        case .money(let money): return decide(money)
        case .takeOver(let takeOver): return decide(takeOver)
        case .transfer(let transfer): return decide(transfer)
        case .setLimits(let limits): return decide(limits)
        case .setMark(let mark): return decide(mark)
        case .cancelAll, .define, .deadMan: return .refuse(["?"])
        }
    }

    /// What a known id leads to; `nil`: it is not known.
    func known(_ account: AccountNumber, _ id: Text, _ content: String, _ answer: (Holder) -> String?) -> Verdict? {
        guard let holder = wallet.holder(account, id, at) else { return nil }
        let held =
            switch holder {
            case .order(_, let content): content
            case .reference(let content, _, _, _): content
            }
        // Of a position's close the record may leave open which of several commands it was.
        let contents = held.split(separator: "\n").map(String.init)
        if contents.contains(content), let text = answer(holder) { return .repeated(text) }
        return .refuse(["ID_REUSED id=\(id.plain)"])
    }

    // MARK: NEW, CLS

    func new(_ order: NewOrder, content: String, wholePosition: Bool) -> Verdict {
        guard let status = status(order.account) else { return .refuse(["UNKNOWN_ACCOUNT account=\(order.account)"]) }
        if let verdict = known(order.account, order.clientID, content, {
            if case .order(let id, _) = $0 { telling.progress(id) } else { nil }
        }) { return verdict }
        if names.isInternal(order.instrument) { return market(.newOrder(order), of: order.account) }
        let info = info(order.instrument)
        let symbol = info.symbol.plain
        var reasons = late(order.before)
        if order.instructions != Instructions() || !order.oco.isEmpty { reasons.append("NOT_SUPPORTED what=instructions") }
        if status != .open { reasons.append("ACCOUNT_SUSPENDED account=\(order.account)") }
        if info.terms.state != .trading { reasons.append("INSTRUMENT_HALTED symbol=\(symbol)") }
        if !wholePosition { reasons += lotReasons(order.quantity, info) }
        reasons += tickReasons(order.price, info)
        if order.timeInForce == .gtd, order.expire <= now { reasons.append("ALREADY_EXPIRED expire=\(order.expire / 1_000) now=\(now / 1_000)") }
        let isMarketBuy = order.type == .market && order.side == .buy
        if order.max != 0, !isMarketBuy || info.funds == .none { reasons.append("BAD_VALUE argument=max") }
        guard let notional = notional(order.instrument, order.type, order.quantity, order.price, order.max) else {
            return .refuse(reasons + ["OVERFLOW what=notional"])
        }
        if notional < info.terms.minNotional, order.type == .limit || notional > 0 {
            reasons.append(telling.notionalTooSmall(order.instrument, notional))
        }
        reasons += limitReasons(
            order.account, order.instrument, order.side, quantity: order.quantity, added: order.quantity, notional: notional, opens: true)
        reasons += bandReasons(order.account, order.instrument, price: order.price)
        reasons += shortReasons(order.account, order.instrument, order.side, added: order.quantity)
        reasons += lossReasons(order.account, order.instrument, order.side, added: order.quantity)
        reasons += listReasons(order.account, order.instrument) + rateReasons("ORDER", \.orders, order.account, order.instrument)
        var marketReserve: Amount = 0
        if info.funds == .full {
            switch need(order.instrument, order.side, order.type, order.quantity, order.max, notional) {
            case .failure(let reason): reasons.append(reason.text)
            case .success(let need):
                if isMarketBuy { marketReserve = need }
                let asset = order.side == .buy ? info.quote : info.base
                let available = wallet.balance(order.account, asset, at).available
                if available < need { reasons.append(telling.funds("INSUFFICIENT_FUNDS", asset, need: need, "available", available)) }
            }
        }
        if !reasons.isEmpty { return .refuse(reasons) }
        return .accept(
            .orderAccepted(
                OrderAccepted(
                    id: Int64(wallet.number) << 40 | (wallet.lastOrder + 1), account: order.account, instrument: order.instrument,
                    side: order.side, type: order.type, timeInForce: order.timeInForce, quantity: order.quantity, price: order.price,
                    clientID: order.clientID, expire: order.expire, max: order.max, marketReserve: marketReserve, strategy: order.strategy,
                    note: order.note)))
    }

    private func decide(_ close: ClosePosition) -> Verdict {
        if status(close.account) == nil { return .refuse(["UNKNOWN_ACCOUNT account=\(close.account)"]) }
        if let verdict = known(close.account, close.clientID, Model.content(close), {
            if case .order(let id, _) = $0 { telling.progress(id) } else { nil }
        }) { return verdict }
        if names.isInternal(close.instrument) { return market(.closePosition(close), of: close.account) }
        let held = wallet.position(close.account, close.instrument, at).quantity
        if held == 0 || held.magnitude < close.quantity.magnitude {
            return .refuse(["NO_POSITION qty=\(telling.quantity(held, of: close.instrument))"] + late(close.before))
        }
        let quantity = close.quantity == 0 ? Quantity(held.magnitude) : close.quantity
        let order = NewOrder(
            account: close.account, instrument: close.instrument, side: held > 0 ? .sell : .buy, type: close.price == 0 ? .market : .limit,
            timeInForce: .gtc, quantity: quantity, price: close.price, clientID: close.clientID, max: close.max, strategy: close.strategy,
            note: close.note, before: close.before)
        return new(order, content: Model.content(close), wholePosition: quantity.magnitude == held.magnitude)
    }

    private func lotReasons(_ quantity: Quantity, _ info: InstrumentInfo) -> [String] {
        var reasons: [String] = []
        let print = { Decimals.print(Int128($0 as Quantity), scale: Int(info.quantityScale)) }
        if quantity % info.terms.lot != 0 { reasons.append("OFF_LOT lot=\(print(info.terms.lot))") }
        if quantity < info.terms.minQuantity || quantity > info.terms.maxQuantity {
            reasons.append("QTY_OUT_OF_BOUNDS min=\(print(info.terms.minQuantity)) max=\(print(info.terms.maxQuantity))")
        }
        return reasons
    }

    private func tickReasons(_ price: Price, _ info: InstrumentInfo) -> [String] {
        price % info.terms.tick == 0 ? [] : ["OFF_TICK tick=\(Decimals.print(Int128(info.terms.tick), scale: Int(info.priceScale)))"]
    }

    /// What limits look at: a market order at the mark or its `max`, whichever is more; 0 without a mark. `nil`: too much.
    private func notional(_ instrument: InstrumentID, _ type: OrderType, _ quantity: Quantity, _ price: Price, _ max: Amount) -> Amount? {
        if type == .limit { return model.worth(instrument, price, quantity) }
        let mark = wallet.mark(instrument, at)
        return mark == 0 ? 0 : model.worth(instrument, mark, quantity).map { Swift.max($0, max) }
    }

    private struct Reason: Error { var text: String }

    /// What an order must hold.
    private func need(
        _ instrument: InstrumentID, _ side: Side, _ type: OrderType, _ quantity: Quantity, _ max: Amount, _ notional: Amount
    ) -> Result<Amount, Reason> {
        let amount: Amount
        if side == .sell {
            amount = model.units(instrument, quantity)
        } else if type == .limit {
            amount = notional
        } else if max > 0 {
            return .success(max)
        } else if wallet.mark(instrument, at) == 0 {
            return .failure(Reason(text: "NO_MARK symbol=\(info(instrument).symbol.plain)"))
        } else {
            // The margin is rounded up.
            let margin = notional * Int128(names.setting(.marketMarginBps, at: number))
            amount = notional + margin / 10_000 + (margin % 10_000 == 0 ? 0 : 1)
        }
        return isInRange(amount) ? .success(amount) : .failure(Reason(text: "OVERFLOW what=reserve"))
    }

    // MARK: RPL, CXL

    func unknown(_ reference: OrderReference) -> Verdict {
        switch reference {
        case .order(let id): .refuse(["UNKNOWN_ORDER order=\(id)"])
        case .client(let id): .refuse(["UNKNOWN_ORDER id=\(id.plain)"])
        }
    }

    private func decide(_ replace: Replace) -> Verdict {
        guard let status = status(replace.account) else { return .refuse(["UNKNOWN_ACCOUNT account=\(replace.account)"]) }
        guard let order = wallet.order(replace.order, replace.account, replace.instrument, at) else { return unknown(replace.order) }
        let isInternal = names.isInternal(order.instrument)
        let most = replace.max == 0 ? order.max : replace.max
        if order.quantity == replace.quantity, order.price == replace.price, order.max == most,
            replace.stop == 0 || replace.stop == order.instructions.stop,
            order.status.isOpen || order.status == .filled
        {
            return .repeated(telling.progress(order.id))
        }
        var reasons = late(replace.before)
        if !order.status.isOpen { return .refuse(reasons + ["ORDER_CLOSED status=\(order.status.word)"]) }
        if isInternal { return market(.replace(replace), of: order.account) }
        if replace.stop != 0 { reasons.append("BAD_VALUE argument=stop") }
        let info = info(order.instrument)
        if info.terms.state != .trading { reasons.append("INSTRUMENT_HALTED symbol=\(info.symbol.plain)") }
        if status != .open { reasons.append("ACCOUNT_SUSPENDED account=\(replace.account)") }
        if (order.type == .market) != (replace.price == 0) { return .refuse(reasons + ["BAD_VALUE argument=price"]) }
        if replace.quantity != order.quantity { reasons += lotReasons(replace.quantity, info) }
        if replace.price != order.price { reasons += tickReasons(replace.price, info) }
        if replace.quantity < order.cumulative {
            let cum = telling.quantity(order.cumulative, of: order.instrument)
            return .refuse(reasons + ["BELOW_CUM cum=\(cum)"])
        }
        let isMarketBuy = order.type == .market && order.side == .buy
        if most != 0, !isMarketBuy || info.funds == .none { reasons.append("BAD_VALUE argument=max") }
        guard let notional = notional(order.instrument, order.type, replace.quantity, replace.price, most) else {
            return .refuse(reasons + ["OVERFLOW what=notional"])
        }
        if notional < info.terms.minNotional, order.type == .limit || notional > 0 {
            reasons.append(telling.notionalTooSmall(order.instrument, notional))
        }
        var (marketReserve, change): (Amount, Amount) = (0, 0)
        if info.funds == .full {
            let leaves = replace.quantity - order.cumulative
            var reserve: Amount = 0
            if leaves > 0, most != 0, replace.max == 0 {
                reserve = order.marketReserve
            } else if leaves > 0 {
                let rest = self.notional(order.instrument, order.type, leaves, replace.price, most)
                switch rest.map({ need(order.instrument, order.side, order.type, leaves, most, $0) }) {
                case nil: reasons.append("OVERFLOW what=reserve")
                case .failure(let reason)?: reasons.append(reason.text)
                case .success(let amount)?: reserve = amount
                }
            }
            if isMarketBuy { marketReserve = reserve }
            change = reserve - (model.reserve(order, wallet, at)?.amount ?? 0)
            let asset = order.side == .buy ? info.quote : info.base
            let available = wallet.balance(order.account, asset, at).available
            if change > 0, available < change { reasons.append(telling.funds("INSUFFICIENT_FUNDS", asset, need: change, "available", available)) }
        }
        let added = replace.quantity - order.quantity
        if replace.price != order.price { reasons += bandReasons(order.account, order.instrument, price: replace.price) }
        reasons += shortReasons(order.account, order.instrument, order.side, added: added)
        let asksMore = order.side == .sell ? replace.price != order.price : replace.price > order.price
        if added > 0 || change > 0 || asksMore {
            reasons += limitReasons(
                order.account, order.instrument, order.side, quantity: replace.quantity, added: max(added, 0), notional: notional, opens: false)
            reasons += lossReasons(order.account, order.instrument, order.side, added: max(added, 0))
            reasons += listReasons(order.account, order.instrument)
        }
        reasons += latchReasons(order.account, order.instrument)
        if added > 0 || replace.price != order.price || most != order.max {
            reasons += rateReasons("ORDER", \.orders, order.account, order.instrument)
        }
        if !reasons.isEmpty { return .refuse(reasons) }
        return .accept(
            .orderReplaced(
                OrderReplaced(
                    order: order.id, quantity: replace.quantity, price: replace.price, max: most, marketReserve: marketReserve)))
    }

    private func decide(_ cancel: Cancel) -> Verdict {
        if status(cancel.account) == nil { return .refuse(["UNKNOWN_ACCOUNT account=\(cancel.account)"]) }
        guard let order = wallet.order(cancel.order, cancel.account, cancel.instrument, at) else { return unknown(cancel.order) }
        if order.status == .canceled { return .repeated(telling.progress(order.id)) }
        var reasons = late(cancel.before)
        if !order.status.isOpen { reasons.append("ORDER_CLOSED status=\(order.status.word)") }
        reasons += rateReasons("CANCEL", \.cancels, order.account, order.instrument)
        if !reasons.isEmpty { return .refuse(reasons) }
        return .accept(.orderCanceled(OrderCanceled(order: order.id, reason: .requested, note: cancel.note)))
    }
}
