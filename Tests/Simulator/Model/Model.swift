import Core

/// What cannot be: a record of the log that does not follow from the records before it.
struct Fault: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

func require(_ isTrue: Bool, _ text: @autoclosure () -> String) throws(Fault) {
    if !isTrue { throw Fault(text()) }
}

/// What one record came to, for whoever waits for its answer.
struct Effect {
    var lsn: UInt64
    var shard: WalletID
    var mutation: Mutation
    var time: Timestamp
    var session: UInt64
    /// The answer, after the tag and without `lsn=`; `nil`: no answer names this record alone.
    var answer: String?
}

/// What a subscriber is told of a record.
struct Event {
    var kind: String
    /// 0: none.
    var account: AccountNumber
    /// -1: none.
    var instrument: InstrumentID
    /// From the kind on.
    var text: String
}

/// The reference model: what the state is after each record of the durable log, by docs/PROTOCOL.md and the design's arithmetic, with dictionaries
/// and without a thought for speed. Core is used for the types of mutations only.
final class Model {
    var names = Names()
    private(set) var wallets: [WalletState] = [WalletState(number: 0)]
    private(set) var lsn: UInt64 = 0
    /// Events of each record, from ``firstEvents`` on.
    private(set) var events: [[Event]] = []
    /// What the next order that CLS makes stands for: told by whoever knows its cause. Several, a line each, where that is not clear.
    var closing: String?
    /// What the next record brings with it: told by whoever knows its cause.
    var owing: [Mutation] = []

    func wallet(_ number: WalletID) -> WalletState {
        while wallets.count <= Int(number) { wallets.append(WalletState(number: WalletID(wallets.count))) }
        return wallets[Int(number)]
    }

    func events(of lsn: UInt64) -> [Event] { events[Int(lsn) - 1] }

    // MARK: Records

    /// Applies the next record.
    func apply(_ mutation: Mutation, shard: WalletID, time: Timestamp, session: UInt64, lsn: UInt64) throws(Fault) -> Effect {
        try require(lsn == self.lsn + 1, "the log jumps from LSN \(self.lsn) to \(lsn)")
        let wallet = wallet(shard)
        try require(time >= wallet.time.last, "time goes back from \(wallet.time.last) to \(time) in wallet \(shard)")
        let wasOwed = try takeOwed(mutation, wallet)
        if !wasOwed {
            wallet.due = owing
            owing = []
        }
        beginDay(wallet, time)
        self.lsn = lsn
        wallet.time.set(time, lsn)
        var effect = Effect(lsn: lsn, shard: shard, mutation: mutation, time: time, session: session)
        var events: [Event] = []
        let told = Telling(model: self, wallet: wallet, time: time)
        forgetOld(wallet, mutation, time)

        switch mutation {
        case .defined(let number, let definition):
            try apply(number, definition, wallet)
            if shard == 0 { events = [told.registry(definition)] }
        case .orderAccepted(let accepted):
            try apply(accepted, wallet, time)
            events = [told.order(accepted.id, "NEW")]
            effect.answer = told.progress(accepted.id)
        case .orderReplaced(let replaced):
            try apply(replaced, wallet, time)
            events = [told.order(replaced.order, "REPLACED")]
            effect.answer = told.progress(replaced.order)
        case .orderCanceled(let canceled):
            let leg = wallet.orders[canceled.order]?.last?.leg ?? 0
            if !wasOwed { try beforeCancel(canceled, wallet, time) }
            try close(canceled.order, .canceled, canceled.reason, canceled.note, wallet, time)
            if !wasOwed, leg != 0, wallet.due.isEmpty { wallet.due = [Model.ocoCancel(leg)] }
            events = [told.order(canceled.order, "CANCELED")]
            effect.answer = told.progress(canceled.order)
        case .orderExpired(let id):
            let expire = wallet.orders[id]?.last?.expire ?? 0
            try require(expire != 0 && expire <= time, "order \(id) expired at \(time), due at \(expire)")
            let leg = wallet.orders[id]?.last?.leg ?? 0
            try close(id, .expired, .requested, Text(), wallet, time)
            if leg != 0 { wallet.due = [Model.ocoCancel(leg)] }
            events = [told.order(id, "EXPIRED")]
        case .filled(let filled):
            try apply(filled, wallet, time)
            oweLatches([filled.order], wallet, time)
            events = told.fill(filled)
            effect.answer = told.progress(filled.order, trade: filled.trade)
        case .moneyMoved(let money):
            try apply(money, wallet, time)
            events = [told.money(money)]
            effect.answer = told.available(money.account, money.asset)
        case .transferredWithin(let transfer):
            try applyWithin(transfer, wallet, time)
            events = told.within(transfer)
            effect.answer = told.available(transfer.account, transfer.asset)
        case .transferSent(let transfer, let sequence):
            try applySent(transfer, sequence, wallet, time)
            events = [told.sent(transfer)]
        case .transferReceived(let received):
            effect.answer = try apply(received, wallet)
            events = [told.received(received)]
        case .transfersSettled(let target, let upTo):
            events = told.settled(try applySettled(target, upTo, wallet), target)
        case .limitsSet(let account, let instrument, let limits):
            try apply(account, instrument, limits, wallet, time)
            events = [told.limits(account, instrument, limits)]
            effect.answer = "OK"
        case .markSet(let instrument, let price):
            try here(instrument, wallet)
            try require(price > 0, "a mark of \(price)")
            wallet.marks[instrument, default: Versioned(0)].set(price, lsn)
            wallet.noteChange(0, lsn)
            events = [told.mark(instrument, price)]
            effect.answer = "OK"
        case .positionTakenOver(let takeOver):
            try apply(takeOver, wallet, time)
            events = [told.takeOver(takeOver)]
            effect.answer = "OK" + told.position(takeOver.account, takeOver.instrument)
        case .matched(let matched):
            try apply(matched, wallet, time)
            oweLatches([matched.maker, matched.taker], wallet, time)
            // The last price bears on what others have lost.
            if !wallet.risks.latches.isEmpty { wallet.noteChange(0, lsn) }
            events = told.match(matched)
        case .lossLatched(let account, let asset, let on):
            try applyLatch(account, asset, on, wallet, time)
            events = [told.latch(account, asset, on)]
            if !on { effect.answer = "OK" }
        case .deadManSet(let account, let deadline):
            try applyTimer(account, deadline, isByItself: session == 0 && !wasOwed, wallet, time)
        case .orderTriggered(let id):
            try applyTriggered(id, wallet, time)
            events = [told.order(id, "TRIGGERED")]
        }
        self.events.append(events)
        if wallet.due.isEmpty { wallet.rests.append(lsn) }
        return effect
    }

    static func ocoCancel(_ leg: OrderID) -> Mutation { .orderCanceled(OrderCanceled(order: leg, reason: .oco, note: Text())) }

    /// What a command brings about comes at once: nothing else of the wallet stands between. Returns whether the record was owed.
    private func takeOwed(_ mutation: Mutation, _ wallet: WalletState) throws(Fault) -> Bool {
        guard let next = wallet.due.first else {
            switch mutation {
            case .orderCanceled(let canceled) where canceled.reason.isOwed: throw Fault("order \(canceled.order) is cancelled (\(canceled.reason)), and nothing asks for that")
            case .matched, .orderTriggered: throw Fault("nothing asks for this match or trigger")
            default: return false
            }
        }
        try require(isSame(next, mutation), "another record of the wallet must come next:\n  \(next)")
        wallet.due.removeFirst()
        return true
    }

    /// Nothing is left half done: at a quiet moment.
    func unfinished() -> String? {
        for wallet in wallets {
            if !wallet.due.isEmpty { return "wallet \(wallet.number): not recorded are \(wallet.due)" }
            if wallet.registryNumber.last != names.count { return "wallet \(wallet.number) has \(wallet.registryNumber.last) of \(names.count) definitions" }
            for (target, list) in wallet.outgoing.sorted(by: { $0.key < $1.key }) where !list.isEmpty {
                return "wallet \(wallet.number) has \(list.count) transfers to \(target) that are not settled"
            }
        }
        return nil
    }

    func known(_ account: AccountNumber, _ wallet: WalletState) throws(Fault) {
        try require(names.status(account, at: wallet.registryNumber.last) != nil, "account \(account) is not known in wallet \(wallet.number)")
    }

    func here(_ instrument: InstrumentID, _ wallet: WalletState) throws(Fault) {
        let isKnown = instrument >= 0 && Int(instrument) < names.instruments.count
        try require(isKnown && names.instruments[Int(instrument)].wallet == wallet.number, "instrument \(instrument) is not of wallet \(wallet.number)")
    }

    // MARK: Registry

    private func apply(_ number: Int64, _ definition: Definition, _ wallet: WalletState) throws(Fault) {
        try require(number == wallet.registryNumber.last + 1, "definition \(number) after \(wallet.registryNumber.last) in wallet \(wallet.number)")
        if wallet.number == 0 {
            names.append(definition)
        } else {
            try require(
                number <= names.count && names.entries[Int(number) - 1] == definition,
                "wallet \(wallet.number) has another definition \(number) than wallet 0")
        }
        wallet.registryNumber.set(number, lsn)
        wallet.noteChange(0, lsn)
        if case .wallet = definition { _ = self.wallet(WalletID(names.wallets.count - 1)) }
        guard case .account(let account, .suspended) = definition else { return }
        wallet.due = cancels(of: openOrders(of: account, -1, wallet), .suspended, wallet)
    }

    /// Each with the other leg of its pair.
    func cancels(of orders: [OrderID], _ reason: CancelReason, _ wallet: WalletState) -> [Mutation] {
        var gone: Set<OrderID> = []
        var all: [Mutation] = []
        for id in orders where gone.insert(id).inserted {
            all.append(.orderCanceled(OrderCanceled(order: id, reason: reason, note: Text())))
            guard let leg = wallet.orders[id]?.last?.leg, leg != 0, gone.insert(leg).inserted else { continue }
            all.append(Model.ocoCancel(leg))
        }
        return all
    }

    /// By ascending instrument and OrderID.
    func openOrders(of account: AccountNumber, _ instrument: InstrumentID, _ wallet: WalletState) -> [OrderID] {
        wallet.orders(account, instrument, .max).filter { $0.status.isOpen }.sorted { ($0.instrument, $0.id) < ($1.instrument, $1.id) }.map(\.id)
    }

    // MARK: Memory

    /// Closed orders and used references are remembered for the window, then forgotten, oldest first, at most four with each record of the wallet; an
    /// order that is filled late is kept by that.
    private func forgetOld(_ wallet: WalletState, _ mutation: Mutation, _ time: Timestamp) {
        var kept: Remembered?
        if case .filled(let filled) = mutation { kept = .order(filled.order) }
        let number = wallet.registryNumber.last
        let horizon = time / 1_000_000 - names.setting(.windowHours, at: number) * 3_600
        for _ in 0..<4 {
            guard let first = wallet.memory.first, first.second < horizon || wallet.memory.count > Int(names.setting(.windowIDs, at: number)),
                first.what != kept
            else { return }
            wallet.memory.removeFirst()
            switch first.what {
            case .order(let id):
                guard let order = wallet.orders[id]?.last else { continue }
                for trade in order.trades {
                    wallet.execs[NameKey(owner: id, text: wallet.trades[trade]!.exec.plain)]?.set(nil, lsn)
                }
                wallet.ids[NameKey(owner: order.account, text: order.clientID.plain)]?.set(nil, lsn)
                wallet.orders[id]!.set(nil, lsn)
                wallet.noteChange(order.account, lsn)
            case .reference(let key):
                wallet.ids[key]?.set(nil, lsn)
                wallet.noteChange(key.owner, lsn)
            }
        }
    }

    func remember(_ what: Remembered, _ wallet: WalletState, _ time: Timestamp) {
        wallet.memory.append((min(max(time / 1_000_000, 0), Int64(UInt32.max)), what))
    }

    func hold(_ account: AccountNumber, _ id: Text, _ holder: Holder, _ wallet: WalletState) throws(Fault) {
        let key = NameKey(owner: account, text: id.plain)
        if let old = wallet.ids[key]?.last { throw Fault("id \(key.text) of account \(account) is used twice: \(old), \(holder)") }
        wallet.ids[key, default: Versioned(nil)].set(holder, lsn)
    }

    func holdReference(
        _ account: AccountNumber, _ text: Text, _ content: String, _ asset: AssetID, target: WalletID = -1, sequence: Int64 = 0,
        _ wallet: WalletState, _ time: Timestamp
    ) throws(Fault) {
        try hold(account, text, .reference(content: content, asset: asset, target: target, sequence: sequence), wallet)
        remember(.reference(NameKey(owner: account, text: text.plain)), wallet, time)
    }

    /// Gives up what was before `point`: nobody asks for it any more.
    func forget(before point: UInt64) {
        for wallet in wallets {
            wallet.forget(before: point)
            wallet.trades = wallet.trades.filter { wallet.orders[$0.value.order] != nil }
        }
    }

    // MARK: Amounts

    /// price x quantity in the quote asset; `nil`: 2^110 or more.
    func worth(_ instrument: InstrumentID, _ price: Price, _ quantity: Quantity) -> Amount? {
        let info = names.instruments[Int(instrument)]
        let unit = powerOfTen(18 - Int(info.priceScale) - Int(info.quantityScale))
        let (product, overflow) = (Int128(price) * Int128(quantity)).multipliedReportingOverflow(by: unit)
        return overflow || !isInRange(product) ? nil : product
    }

    func units(_ instrument: InstrumentID, _ quantity: Quantity) -> Amount {
        Int128(quantity) * powerOfTen(18 - Int(names.instruments[Int(instrument)].quantityScale))
    }

    /// What an open order holds, and of which asset; `nil`: nothing, where funds are not checked. The leg of a pair that came second holds only what
    /// the first does not hold already.
    func reserve(_ order: OrderState, _ wallet: WalletState, _ at: UInt64 = .max) -> (asset: AssetID, amount: Amount)? {
        let info = names.instruments[Int(order.instrument)]
        guard info.funds == .full else { return nil }
        var amount = need(order, info)
        if order.leg != 0, order.isSecond, let leg = wallet.order(order.leg, at) { amount = max(0, amount - need(leg, info)) }
        return (order.side == .sell ? info.base : info.quote, amount)
    }

    private func need(_ order: OrderState, _ info: InstrumentInfo) -> Amount {
        if !order.status.isOpen { return 0 }
        if order.side == .sell { return units(order.instrument, order.leaves) }
        if order.type == .market { return order.marketReserve }
        let worth = worth(order.instrument, order.price, order.leaves) ?? 0
        // The fee at the dearer rate, rounded up.
        let rate = Int128(max(order.fees.maker, order.fees.taker, 0))
        let (fee, rest) = (worth * rate).quotientAndRemainder(dividingBy: 1_000_000)
        return worth + fee + (rest == 0 ? 0 : 1)
    }
}

extension CancelReason {
    /// Something that was recorded before makes it necessary.
    var isOwed: Bool {
        switch self {
        case .suspended, .unfilled, .funds, .selfTrade, .reduceOnly, .oco, .overflow: true
        case .requested, .all, .disconnect, .deadMan: false
        }
    }
}
