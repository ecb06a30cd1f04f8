import Core
import Twin

// Limits, rates, losses by the day and dead-man timers: what records of them do, and what they oblige to.

extension Model {
    // MARK: LIM

    func apply(
        _ account: AccountNumber, _ instrument: InstrumentID, _ limits: Limits, _ wallet: WalletState, _ time: Timestamp
    ) throws(Fault) {
        if account != 0 { try known(account, wallet) } else { try require(instrument < 0, "limits of all on one instrument") }
        // Whose losses are limited now and were not.
        let whose = account != 0 ? [account] : names.accounts(at: wallet.registryNumber.last).filter { wallet.ownLimit($0, -1, .max) == nil }
        let were = instrument >= 0 ? [] : whose.filter { !isLimited($0, wallet) }
        wallet.limits[Pair(account: account, other: instrument), default: Versioned(nil)].set(limits, lsn)
        for account in were where isLimited(account, wallet) { beginDay(of: account, wallet, time) }
        if instrument >= 0 {
            // Limits of an instrument make its position and balances, empty ones.
            let info = names.instruments[Int(instrument)]
            for asset in [info.base, info.quote] { wallet.change(account, asset, lsn) { _ in } }
            // A bucket that is taken away there is not kept.
            let key = Pair(account: account, other: instrument)
            if var meters = wallet.risks.meters[key]?.last {
                if limits.maxOrderRate == Limits.unlimited { meters.orders = TwinMeter() }
                if limits.maxCancelRate == Limits.unlimited { meters.cancels = TwinMeter() }
                wallet.risks.meters[key]!.set(meters, lsn)
            }
        }
        wallet.noteChange(account, lsn)
    }

    private func isLimited(_ account: AccountNumber, _ wallet: WalletState) -> Bool {
        (wallet.limit(account, -1, .max)?.maxDailyLoss ?? Limits.none) != Limits.none
    }

    // MARK: Rates

    /// An order or a cancel was accepted.
    func count(
        _ which: WritableKeyPath<TwinMeters, TwinMeter>, _ account: AccountNumber, _ instrument: InstrumentID, _ wallet: WalletState, _ time: Timestamp
    ) {
        for scope in [-1, instrument] {
            guard let rate = wallet.limit(account, scope, .max)?.rate(which), rate != Limits.unlimited else { continue }
            let key = Pair(account: account, other: scope)
            var meters = wallet.risks.meters[key]?.last ?? TwinMeters()
            meters[keyPath: which].take(rate, time)
            wallet.risks.meters[key, default: Versioned(TwinMeters())].set(meters, lsn)
        }
    }

    // MARK: Losses by the day

    /// A begin after 10:00 UTC counts from the day before.
    func day(of time: Timestamp, _ wallet: WalletState, _ at: UInt64) -> Int64 {
        let start = names.setting(.dayStartMinutes, at: wallet.registryNumber.at(at))
        let since = time - (start > 600 ? start - 1_440 : start) * 60_000_000
        let day = since / 86_400_000_000
        return since < day * 86_400_000_000 ? day - 1 : day
    }

    /// Realized, and what it would win at the mark, else the last price; without one it is worth what it cost.
    func profit(_ account: AccountNumber, _ instrument: InstrumentID, _ wallet: WalletState, _ at: UInt64) -> Amount {
        let it = wallet.position(account, instrument, at)
        let mark = wallet.mark(instrument, at)
        let price = mark != 0 ? mark : wallet.last(instrument, at).price
        if it.quantity == 0 || price == 0 { return it.realized }
        let worth = worth(instrument, price, Quantity(clamping: it.quantity.magnitude)) ?? 1 << 110
        return it.quantity > 0 ? it.realized + worth - it.cost : it.realized + it.cost - worth
    }

    /// Before the first record of another day.
    func beginDay(_ wallet: WalletState, _ time: Timestamp) {
        let day = day(of: time, wallet, .max)
        // Days may begin later than they did: the one that has begun goes on until then.
        if day < wallet.risks.day.last.day { return wallet.risks.day.set(RiskState.DayState(day: day, profits: wallet.risks.day.last.profits), lsn + 1) }
        guard day > wallet.risks.day.last.day else { return }
        var state = RiskState.DayState(day: day)
        for key in wallet.positions.keys where wallet.position(key.account, key.other, .max).isListed {
            state.profits[key] = profit(key.account, key.other, wallet, .max)
        }
        // It is so before the record that comes: as it is known to have been after the one before it.
        wallet.risks.day.set(state, lsn + 1)
    }

    private func beginDay(of account: AccountNumber, _ wallet: WalletState, _ time: Timestamp) {
        var state = RiskState.DayState(day: day(of: time, wallet, .max))
        for key in wallet.positions.keys where key.account == account && wallet.position(account, key.other, .max).isListed {
            state.profits[key] = profit(account, key.other, wallet, .max)
        }
        wallet.risks.begun[account, default: Versioned(RiskState.DayState(day: .min))].set(state, lsn)
    }

    /// What the account has lost today of an asset, at `now`; negative: won.
    func loss(_ account: AccountNumber, _ asset: AssetID, _ wallet: WalletState, _ at: UInt64, _ now: Timestamp) -> Amount {
        let day = day(of: now, wallet, at)
        var loss: Amount = 0
        for id in names.instruments.indices.map({ InstrumentID($0) }) where names.instruments[Int(id)].quote == asset {
            guard wallet.position(account, id, at).isListed, let base = wallet.risks.base(account, id, day: day, at) else { continue }
            loss += base - profit(account, id, wallet, at)
        }
        return loss
    }

    func owesLatch(_ account: AccountNumber, _ asset: AssetID, _ wallet: WalletState, _ at: UInt64, _ now: Timestamp) -> Bool {
        let most = wallet.limit(account, -1, at)?.maxDailyLoss ?? Limits.none
        return most != Limits.none && !wallet.risks.latched(account, at).contains(asset) && loss(account, asset, wallet, at, now) > most
    }

    /// After trades of these orders.
    func oweLatches(_ orders: [OrderID], _ wallet: WalletState, _ time: Timestamp) {
        let latches: [Mutation] = orders.compactMap { id in
            guard let order = wallet.order(id, .max) else { return nil }
            let asset = names.instruments[Int(order.instrument)].quote
            guard owesLatch(order.account, asset, wallet, .max, time) else { return nil }
            return .lossLatched(account: order.account, asset: asset, on: true)
        }
        wallet.due = latches + wallet.due
    }

    func applyLatch(_ account: AccountNumber, _ asset: AssetID, _ on: Bool, _ wallet: WalletState, _ time: Timestamp) throws(Fault) {
        try known(account, wallet)
        if on {
            let lost = loss(account, asset, wallet, .max, time)
            try require(owesLatch(account, asset, wallet, .max, time), "account \(account) is latched, and has lost \(lost)")
            wallet.risks.latches[account, default: Versioned([])].set(wallet.risks.latched(account, .max).union([asset]), lsn)
        } else {
            try require(asset == -1, "a reset of asset \(asset)")
            wallet.risks.latches[account, default: Versioned([])].set([], lsn)
            beginDay(of: account, wallet, time)
        }
        wallet.noteChange(account, lsn)
    }

    // MARK: Dead-man timers

    /// A cancel that nothing owed: a timer's is the first of all that the account has open, and in the end the timer is off.
    func beforeCancel(_ canceled: OrderCanceled, _ wallet: WalletState, _ time: Timestamp) throws(Fault) {
        guard let order = wallet.order(canceled.order, .max) else { return }
        if canceled.reason == .requested { count(\.cancels, order.account, order.instrument, wallet, time) }
        guard canceled.reason == .deadMan else { return }
        try requireDue(order.account, wallet, time)
        let all = cancels(of: openOrders(of: order.account, -1, wallet), .deadMan, wallet)
        try require(isSame(all[0], .orderCanceled(canceled)), "a timer cancels order \(order.id) first, should be \(all[0])")
        wallet.due = all.dropFirst() + [.deadManSet(account: order.account, deadline: 0)]
    }

    private func requireDue(_ account: AccountNumber, _ wallet: WalletState, _ time: Timestamp) throws(Fault) {
        let deadline = wallet.risks.deadline(account, .max)
        try require(deadline != 0 && deadline <= time, "the timer of account \(account) has run out at \(time), due at \(deadline)")
    }

    func applyTimer(
        _ account: AccountNumber, _ deadline: Timestamp, isByItself: Bool, _ wallet: WalletState, _ time: Timestamp
    ) throws(Fault) {
        try known(account, wallet)
        if isByItself {
            try requireDue(account, wallet, time)
            try require(deadline == 0, "a timer sets itself")
            let open = openOrders(of: account, -1, wallet)
            try require(open.isEmpty, "the timer of account \(account) has run out, and orders \(open) are open")
        }
        wallet.risks.deadlines[account, default: Versioned(0)].set(deadline, lsn)
        wallet.noteChange(account, lsn)
    }

    /// Timers that should have run out by now.
    func overdue(_ wallet: WalletState) -> String? {
        let now = wallets.map(\.time.last).max()!
        for (account, deadline) in wallet.risks.deadlines.sorted(by: { $0.key < $1.key }) where deadline.last != 0 && deadline.last + 2_000_000 < now {
            return "the timer of account \(account) in wallet \(wallet.number) was due at \(deadline.last), and it is \(now)"
        }
        return nil
    }
}
