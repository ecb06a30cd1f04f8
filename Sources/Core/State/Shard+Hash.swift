// A hash of the state's content, not of its layout: equal for equal state whatever slots, chunks or tables it lies in. Two shards with
// the same records have the same hash; live state against replay is compared by it.

extension Shard {
    /// Visits everything: for tests, `STAT hash=1` and verification, not for the hot path. Without `times`: what does not depend on when and
    /// by which session things were done, so that two runs of the same commands compare.
    public borrowing func stateHash(times: Bool = true) -> UInt64 {
        var sum = mix(UInt64(bitPattern: Int64(number)))
        func add(_ kind: UInt64, _ parts: UInt64...) {
            var value = mix(kind)
            for part in parts { value = mix(value ^ part) }
            // A sum does not depend on the order in which slots are visited.
            sum &+= value
        }
        func low(_ amount: Int128) -> UInt64 { UInt64(truncatingIfNeeded: amount) }
        func high(_ amount: Int128) -> UInt64 { UInt64(truncatingIfNeeded: amount >> 64) }
        func u(_ value: Int64) -> UInt64 { UInt64(bitPattern: value) }
        func u(_ value: Int32) -> UInt64 { UInt64(UInt32(bitPattern: value)) }
        func time(_ value: Timestamp) -> UInt64 { times ? u(value) : 0 }

        add(1, u(lastOrder), u(lastTrade), u(registry.number))
        for (index, asset) in registry.assets.enumerated() { add(2, UInt64(index), asset.name.hash, u(asset.decimals)) }
        for (index, wallet) in registry.wallets.enumerated() { add(3, UInt64(index), wallet.name.hash) }
        for (index, venue) in registry.venues.enumerated() {
            add(4, UInt64(index), venue.name.hash, UInt64(venue.kind.rawValue))
        }
        for (index, it) in registry.instruments.enumerated() {
            add(
                5, UInt64(index), it.symbol.hash, u(it.venue), u(it.wallet), u(it.base), u(it.quote), u(it.priceScale),
                u(it.quantityScale), UInt64(it.funds.rawValue))
            add(
                6, UInt64(index), u(it.terms.tick), u(it.terms.lot), u(it.terms.minQuantity), u(it.terms.maxQuantity),
                low(it.terms.minNotional), high(it.terms.minNotional), UInt64(it.terms.state.rawValue))
            if it.terms.fees != FeeRates() { add(23, UInt64(index), u(it.terms.fees.maker), u(it.terms.fees.taker)) }
            add(7, UInt64(index), u(markets[Int32(index)].mark))
        }
        for (index, value) in registry.settings.enumerated() {
            // A setting that a later version brought does not count until it is set: what was stored before keeps its hash.
            if index < 3 || value != Setting.allCases[index].defaultValue { add(8, UInt64(index), u(value)) }
        }
        for (index, totals) in totals.enumerated() {
            add(
                9, UInt64(index), low(totals.deposited), low(totals.withdrawn), low(totals.corrected),
                low(totals.transferredIn), low(totals.transferredOut), low(totals.feesCollected))
        }
        for index in 0..<owed.end { add(10, u(owed[index].venue), u(owed[index].asset), low(owed[index].amount), high(owed[index].amount)) }
        for (index, channel) in channels.enumerated() {
            add(11, UInt64(index), u(channel.sent), u(channel.settled), u(channel.received))
        }
        forEachUnsettled { transfer, target in
            add(
                12, u(target), u(transfer.sequence), u(transfer.account), u(transfer.fromAccount), u(transfer.asset),
                low(transfer.amount), high(transfer.amount), transfer.reference.hash)
        }
        for index in 0..<accounts.end {
            let account = registry.accounts[Int(index)]
            add(13, UInt64(index), u(account.number), UInt64(account.status.rawValue), u(accounts[index].openOrders))
            if accounts[index].limits != none { addLimits(u(account.number), .max, accounts[index].limits) }
            var balance = accounts[index].balances
            while balance != none {
                let it = balances[balance]
                add(
                    14, u(account.number), u(it.asset), low(it.available), high(it.available), low(it.reserved),
                    high(it.reserved), low(it.held), high(it.held), low(it.transit), high(it.transit))
                balance = it.next
            }
            var position = accounts[index].positions
            while position != none {
                addPosition(u(account.number), position)
                position = positions[position].next
            }
        }
        func addLimits(_ account: UInt64, _ instrument: UInt64, _ slot: Int32) {
            let it = limits[slot]
            add(
                15, account, instrument, low(it.maxQuantity), high(it.maxQuantity), low(it.maxNotional),
                high(it.maxNotional), low(it.maxPosition), high(it.maxPosition), u(it.maxOpenOrders), it.enabled ? 1 : 0)
            if it.isOfFirstKind { return }
            add(
                40, account, instrument, u(it.makerFee), u(it.takerFee), UInt64(it.selfTrade.rawValue), u(it.priceBand), u(it.maxOrderRate),
                u(it.maxCancelRate), low(it.maxDailyLoss), high(it.maxDailyLoss), it.mayShort ? 1 : 0, it.listedOnly ? 1 : 0)
            let arrived = arrivals[slot]
            if times, arrived.orders | arrived.cancels != 0 { add(41, account, instrument, u(arrived.orders), u(arrived.cancels)) }
        }
        addRisks()
        func addRisks() {
            if defaultLimits != none { addLimits(0, .max, defaultLimits) }
            for index in 0..<risks.end {
                let it = risks[index]
                let account = u(registry.accounts[Int(it.account)].number)
                if times, it.arrivals.orders | it.arrivals.cancels != 0 { add(42, account, u(it.arrivals.orders), u(it.arrivals.cancels)) }
                if it.deadline != 0 { add(43, account, time(it.deadline)) }
                var latch = it.latches
                while latch != none {
                    add(44, account, u(latches[latch].asset))
                    latch = latches[latch].next
                }
            }
            if !keepsDays { return }
            add(45)
            for index in 0..<markets.end where markets[index].day != Shard.noDay {
                add(46, u(index), u(Int32(times ? markets[index].day : 0)), u(markets[index].dayReference))
            }
        }
        func addPosition(_ account: UInt64, _ slot: Int32) {
            let it = positions[slot]
            let instrument = u(it.instrument)
            add(
                16, account, instrument, u(it.quantity), low(it.cost), high(it.cost), low(it.realized), high(it.realized),
                u(it.openBuy), u(it.openSell), u(it.openOrders), it.traded ? 1 : 0)
            if it.limits != none { addLimits(account, instrument, it.limits) }
            if it.dayBase != none {
                let base = dayBases[it.dayBase]
                add(47, account, instrument, low(base.profit), high(base.profit), u(Int32(times ? base.day : 0)))
            }
            var fee = it.fees
            while fee != none {
                add(17, account, instrument, u(fees[fee].asset), low(fees[fee].amount), high(fees[fee].amount))
                fee = fees[fee].next
            }
            for first in [it.openFirst, it.closedFirst] {
                var order = first
                while order != none {
                    addOrder(account, instrument, order)
                    order = orders[order].next
                }
            }
        }
        func addOrder(_ account: UInt64, _ instrument: UInt64, _ slot: Int32) {
            let order = orders[slot]
            let record = orderRecords[slot]
            let words = UInt64(order.side.rawValue) << 24 | UInt64(order.type.rawValue) << 16
                | UInt64(order.timeInForce.rawValue) << 8 | UInt64(order.status.rawValue)
            add(
                18, account, instrument, u(order.id), u(order.price), u(order.quantity), u(order.cumulative), words,
                low(record.cumulativeCost), high(record.cumulativeCost), record.clientID.hash, record.contentHash,
                time(record.created), time(record.updated), strategies[Int(record.strategy)].hash,
                UInt64(record.reason.rawValue))
            if record.extra != none {
                let extra = extras[record.extra]
                // An extra that says nothing more than the order itself is as good as none.
                if extra.max != 0 || extra.marketReserve != 0 || !extra.note.isEmpty || extra.expire != 0
                    || extra.largestQuantity != 0 || !extra.reason.isEmpty || times && extra.cancelOnDisconnect != 0
                {
                    add(
                        19, u(order.id), low(extra.max), high(extra.max), low(extra.marketReserve),
                        high(extra.marketReserve), extra.note.hash, extra.reason.hash, u(extra.expire), u(extra.largestQuantity),
                        times ? extra.cancelOnDisconnect : 0)
                }
            }
            if record.rates != 0 { add(24, u(order.id), u(feeRates[Int(record.rates)].maker), u(feeRates[Int(record.rates)].taker)) }
            if record.extra != none {
                let extra = extras[record.extra]
                let it = extra.instructions
                if !it.isPlain || extra.partner != none {
                    add(
                        25, u(order.id), u(it.stop), u(it.display), UInt64(it.trigger.rawValue), UInt64(it.triggerPrice.rawValue),
                        UInt64(it.selfTrade.rawValue), it.postOnly ? 1 : 0, it.reduceOnly ? 1 : 0, u(order.status.isOpen ? extra.shown : 0),
                        extra.partner == none ? 0 : u(orders[extra.partner].id), extra.isSecond ? 1 : 0, extra.isTriggered ? 1 : 0)
                }
            }
            var trade = record.trades
            while trade != none {
                let it = trades[trade]
                add(
                    20, u(order.id), u(it.id), u(it.quantity), u(it.price), low(it.fee), high(it.fee), u(it.feeAsset),
                    it.exec.hash, time(it.time), u(it.venueTime), UInt64(it.liquidity.rawValue))
                trade = it.olderOfOrder
            }
        }
        for index in 0..<books.books.end { addBook(index) }
        func addBook(_ index: Int32) {
            let book = books.books[index]
            let instrument = u(book.instrument)
            add(26, instrument, u(book.last), u(book.lastQuantity), time(book.lastTime), u(book.armed))
            for hour in books.hours[book.hours].hours.indices where times {
                let it = books.hours[book.hours].hours[hour]
                if it.trades > 0 { add(27, instrument, u(it.number), low(it.volume), low(it.turnover), high(it.turnover), u(it.high), u(it.low), u(it.trades)) }
            }
            for kind in 0..<LadderKind.count {
                let ladder = books.ladders[index * LadderKind.count + kind]
                ladder.forEachLevel(books.chunks) { level in
                    let it = books.levels[level]
                    add(28, instrument, UInt64(kind), u(it.price), low(it.quantity), u(it.orders))
                    var place: UInt64 = 0
                    var slot = it.first
                    while slot != none {
                        add(29, u(orders[slot].id), UInt64(kind), u(it.price), place)
                        place += 1
                        slot = orders[slot].bookNext
                    }
                    return true
                }
            }
        }
        // What is remembered, in the order in which it will be forgotten.
        var place: UInt64 = 0
        memory.forEach { entry in
            let value = Int32(bitPattern: UInt32(truncatingIfNeeded: entry))
            if value >= 0 {
                add(21, place, times ? entry >> 32 : 0, u(orders[value].id))
            } else {
                let it = references[~value]
                add(
                    22, place, times ? entry >> 32 : 0, it.text.hash, it.contentHash, u(it.sequence), u(it.account), u(it.asset),
                    u(it.target))
            }
            place += 1
        }
        return sum
    }

    /// Money is conserved: per asset, balances (with what is in transit out of here counted as gone) + fees + what venues owe equals
    /// deposits - withdrawals + corrections + transfers in - transfers out. The first asset for which it is not so; `nil`: all well.
    public borrowing func conservationFault() -> AssetID? {
        for asset in registry.assets.indices {
            var sum: Int128 = 0
            for slot in 0..<balances.end where Int(balances[slot].asset) == asset {
                sum &+= balances[slot].available &+ balances[slot].reserved &+ balances[slot].held
            }
            for slot in 0..<owed.end where Int(owed[slot].asset) == asset { sum &+= owed[slot].amount }
            let it = totals[asset]
            sum &+= it.feesCollected
            if sum != it.deposited &- it.withdrawn &+ it.corrected &+ it.transferredIn &- it.transferredOut {
                return AssetID(asset)
            }
        }
        return nil
    }

    /// What went out to other shards less what came in from them. Over all shards it is what is in transit.
    package borrowing func transferredNet(_ asset: Int) -> Int128 { totals[asset].transferredOut &- totals[asset].transferredIn }

    /// Every reserve is exactly what open orders hold, every count what its list holds. `false`: state is broken. For tests and verification.
    public borrowing func reservesMatch() -> Bool {
        var reservedBy = [Amount](repeating: 0, count: Int(balances.end))
        var openInAll = 0
        for account in 0..<accounts.end {
            var open: Int32 = 0
            var position = accounts[account].positions
            while position != none {
                let it = positions[position]
                var (buy, sell, count): (Quantity, Quantity, Int32) = (0, 0, 0)
                var (closing, nothing): (Int128, Int128) = (0, 0)
                var slot = it.openFirst
                while slot != none {
                    let order = orders[slot]
                    guard order.status.isOpen, order.leaves > 0, order.leaves + order.cumulative == order.quantity else {
                        return false
                    }
                    if order.side == .buy { buy += order.leaves } else { sell += order.leaves }
                    switch openPart(slot) {
                    case .whole: break
                    case .closing: closing += Int128(order.leaves)
                    case .nothing: nothing += Int128(order.leaves)
                    }
                    if order.funds != none { reservedBy[Int(order.funds)] += reserved(slot) }
                    count += 1
                    slot = order.next
                }
                guard buy == it.openBuy, sell == it.openSell, count == it.openOrders else { return false }
                let parts = it.openParts == none ? OpenParts() : openParts[it.openParts]
                guard closing == Int128(parts.closingBuy) + Int128(parts.closingSell), nothing == Int128(parts.nothingBuy) + Int128(parts.nothingSell)
                else { return false }
                open += count
                position = it.next
            }
            guard open == accounts[account].openOrders else { return false }
            openInAll += Int(open)
        }
        guard openInAll == openOrders else { return false }
        for slot in 0..<balances.end where balances[slot].reserved != reservedBy[Int(slot)] { return false }
        return true
    }
}
