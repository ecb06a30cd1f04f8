import Core
import Twin

/// One run of random commands, given to the twin and to Core in turn. Prices are few, quantities small and accounts few, so that what is rare elsewhere happens all the time here.
final class TwinStream {
    let number: Int
    let twin = Twin()
    let core = CoreVenue()
    var random: Generator
    /// Only what holds its funds: then nobody is ever below zero.
    let isPure: Bool
    /// Prices from 1 to 1,000 and more orders that rest, so that ladders grow long.
    let isDeep: Bool
    /// Everything is compared after every command, not only now and then.
    var isCareful = false
    var now: Timestamp = 1_700_000_000_000_000
    var coverage = Coverage()
    /// What differs; `nil`: nothing.
    var fault: String?
    private var recent: [Command] = []
    private var touched: Set<OrderID> = []
    private var made = 0

    static let tiny: InstrumentID = 0
    static let lots: InstrumentID = 1
    static let perp: InstrumentID = 2
    static let far: InstrumentID = 3
    static let wide: InstrumentID = 4
    static let manual: InstrumentID = 5
    static let accounts: [AccountNumber] = [1, 2, 3, 4, 5]

    init(seed: UInt64, number: Int) {
        self.number = number
        random = Generator(state: mix(seed ^ mix(UInt64(number))))
        isPure = number % 3 == 0
        isDeep = number % 10 == 7
        setUp()
    }

    func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
    func chance(_ percent: Int) -> Bool { pick(100) < percent }
    func one<T>(of choices: [T]) -> T { choices[pick(choices.count)] }

    private func setUp() {
        for name in ["TQ", "TB", "Q", "B", "HQ", "HB"] { both(.define(.asset(AssetInfo(name: Text(name), decimals: 2)))) }
        both(.define(.wallet(WalletInfo(name: Text("spot")))))
        both(.define(.venue(VenueInfo(name: Text("manual"), kind: .manual))))
        both(.define(.venue(VenueInfo(name: Text("book"), kind: .internal))))
        func define(
            _ name: String, venue: VenueID = 1, base: AssetID, quote: AssetID, scales: (Int32, Int32), funds: FundsCheck = .full, tick: Price = 1,
            lot: Quantity = 1, most: Quantity = 50, minNotional: Amount = 0
        ) {
            let rates = FeeRates(maker: Int32(pick(4) - 1) * 700, taker: Int32(pick(5) - 1) * 900)
            let terms = InstrumentTerms(
                tick: tick, lot: lot, minQuantity: lot, maxQuantity: most, minNotional: minNotional, fees: venue == 1 ? rates : FeeRates())
            both(
                .define(
                    .instrument(
                        InstrumentInfo(
                            symbol: Text(name), venue: venue, wallet: 0, base: base, quote: quote, priceScale: scales.0, quantityScale: scales.1,
                            funds: funds, terms: terms))))
        }
        // Fees are cut off in almost every trade here.
        define("TINY", base: 1, quote: 0, scales: (9, 9), minNotional: isDeep ? 0 : 97)
        define("LOTS", base: 3, quote: 2, scales: (2, 2), tick: 2, lot: 5, most: 60)
        define("PERP", base: 3, quote: 2, scales: (1, 1), funds: .none)
        // Positions leave the range of quantities here, and of amounts there.
        define("FAR", base: 5, quote: 4, scales: (9, 9), funds: .none)
        define("WIDE", base: 5, quote: 4, scales: (0, 0), funds: .none, lot: 100_000_000_000_000, most: 1 << 60)
        define("MAN", venue: 0, base: 3, quote: 2, scales: (2, 2))
        if number % 2 == 0 { both(.define(.setting(.windowIDs, 1_000))) }
        for account in TwinStream.accounts {
            both(.define(.account(account, .open)))
            let isPoor = account == 5 && !isDeep
            let many: Amount = isDeep ? 1_000 : 1
            for (asset, amount) in [
                (AssetID(0), isPoor ? 700 : 20_000 * many), (1, isPoor ? 4_000_000_000 : 200_000_000_000 * many),
                (2, isPoor ? 600_000_000_000_000_000 : 20_000_000_000_000_000_000), (3, isPoor ? 600_000_000_000_000_000 : 20_000_000_000_000_000_000),
            ] {
                both(.money(Money(.deposit, account: account, asset: asset, amount: amount, reference: Text("first-\(asset)"))))
            }
        }
        if !isPure {
            for (account, quantity) in [(AccountNumber(1), Quantity.max - 9), (2, -Quantity.max + 12)] {
                both(.takeOver(TakeOver(account: account, instrument: TwinStream.far, quantity: quantity, price: 100, reference: Text("far"))))
            }
        }
    }

    // MARK: Run

    func run(_ commands: Int) {
        for step in 1...commands where fault == nil {
            now += Int64(pick(1_500_000))
            if chance(3) {
                let max = chance(50) ? 1 : 100
                let (one, other) = (twin.expireDue(now: now, max: max), core.expireDue(now: now, max: max))
                if one.count != other.count { fault = "expired \(one.count), Core \(other.count)" }
                compare(one.events, other.events)
            } else {
                both(nextCommand())
            }
            if fault == nil, isCareful || step % 64 == 0, let found = difference() { fault = found + "\nafter\n" + recent.suffix(12).map(brief).joined(separator: "\n") }
        }
        if fault == nil { fault = difference(whole: true) ?? core.fault() }
        coverage.add(twin)
    }

    /// Gives the command to both; what differs is a fault.
    private func both(_ command: Command) {
        if fault != nil { return }
        coverage.commands += 1
        recent.append(command)
        if recent.count > 400 { recent.removeFirst(200) }
        let (one, other) = (twin.run(command, now: now), core.run(command, now: now))
        if case .rejected(let rejection) = one.answer { coverage.refusals["\(code(rejection))", default: 0] += 1 }
        if one.answer != other.answer { fault = "answer of the twin: \(one.answer)\nof Core: \(other.answer)" }
        compare(one.events, other.events)
        if fault == nil, case .rejected = one.answer, !other.events.isEmpty { fault = "a refused command was recorded" }
        guard fault != nil else { return }
        let near = recent.suffix(60).filter { instrument($0) == instrument(command) || instrument($0) < 0 }
        fault! += "\nafter\n" + near.suffix(12).map(brief).joined(separator: "\n")
    }

    /// Without what says nothing.
    private func brief(_ command: Command) -> String {
        var text = "\(command)"
        for word in ["Core.", ", before: 0", ", max: 0", ", expire: 0", ", strategy: ", ", note: ", ", cancelOnDisconnect: 0", "stop: 0, ", "display: 0, ",
            "trigger: Trigger.none, ", "triggerPrice: TriggerPrice.last, ", "selfTrade: SelfTradePrevention.standard", ", postOnly: false", ", reduceOnly: false"]
        {
            text = text.split(separator: word, omittingEmptySubsequences: false).joined()
        }
        return text
    }

    private func compare(_ events: [Mutation], _ others: [Mutation]) {
        if !events.elementsEqual(others, by: { digest($0) == digest($1) }) {
            fault = (fault.map { $0 + "\n" } ?? "") + "the twin recorded:\n  \(events.map { "\($0)" }.joined(separator: "\n  "))\nCore:\n  "
                + others.map { "\($0)" }.joined(separator: "\n  ")
        }
        for event in events {
            switch event {
            case .orderAccepted(let it): touched.insert(it.id)
            case .orderReplaced(let it): touched.insert(it.order)
            case .orderCanceled(let it): touched.insert(it.order)
            case .orderExpired(let order), .orderTriggered(let order): touched.insert(order)
            case .filled(let it): touched.insert(it.order)
            case .matched(let it):
                touched.insert(it.maker)
                touched.insert(it.taker)
            default: break
            }
        }
    }

    /// Everything that can be asked, of both.
    private func difference(whole: Bool = false) -> String? {
        for market in twin.markets {
            for side in [Side.buy, .sell] {
                let (one, other) = (twin.book(market.id, side), core.book(market.id, side))
                if one != other { return "book \(market.info.symbol) \(side)\n\(one)\nCore\n\(other)" }
            }
            if twin.last(market.id) != core.last(market.id) { return "last of \(market.info.symbol)" }
            if let bid = market.bids.first, let ask = market.asks.first, bid.price >= ask.price { return "crossed at rest" }
        }
        for account in TwinStream.accounts {
            for asset in twin.assets.indices {
                let (one, other) = (twin.balance(account, AssetID(asset)), core.balance(account, AssetID(asset)))
                if one != other { return "balance \(asset) of \(account)\n\(one)\nCore\n\(other)" }
                if isPure, one.available < 0 { return "\(account) has \(one.available) of \(asset)" }
            }
            for market in twin.markets {
                let (one, other) = (twin.position(account, market.id), core.position(account, market.id))
                if one != other { return "position \(market.info.symbol) of \(account)\n\(String(describing: one))\nCore\n\(String(describing: other))" }
            }
            let open = core.openOrders(account)
            if twin.openOrders(account) != open { return "open orders of \(account)" }
            touched.formUnion(open)
        }
        for order in whole ? Set(twin.orders.keys).union(touched) : touched {
            let (one, other) = (twin.detail(order), core.detail(order))
            if one != other { return "order \(order)\n\(String(describing: one))\nCore\n\(String(describing: other))" }
            if let one, one.order.status.isOpen, one.order.leaves + one.order.cumulative != one.quantity || one.order.leaves <= 0 { return "leaves of \(order)" }
            if twin.trades(order) != core.trades(order) { return "trades of \(order)\n\(twin.trades(order))\nCore\n\(core.trades(order))" }
        }
        touched = []
        return moneyFault()
    }

    /// Balances, fees and what venues owe come to what was paid in.
    private func moneyFault() -> String? {
        for asset in twin.assets.indices.map({ AssetID($0) }) {
            var sum = twin.feesCollected[asset] ?? 0
            for account in twin.accounts { sum &+= (account.balances[asset].map { $0.owned + $0.held }) ?? 0 }
            for venue in twin.venues.indices { sum &+= twin.owed[[VenueID(venue), asset]] ?? 0 }
            if sum != twin.paidIn[asset] ?? 0 { return "money of \(asset) is not conserved" }
        }
        if core.shards.live.conservationFault() != nil { return "money is not conserved in Core" }
        return core.shards.live.reservesMatch() ? nil : "reserves of Core"
    }

    private func instrument(_ command: Command) -> InstrumentID {
        switch command {
        case .newOrder(let it): it.instrument
        case .replace(let it): it.instrument
        case .cancel(let it): it.instrument
        case .cancelAll(let it): it.instrument
        case .fill(let it): it.instrument
        case .closePosition(let it): it.instrument
        case .takeOver(let it): it.instrument
        case .setLimits(let it): it.instrument
        case .setMark(let it): it.instrument
        default: -1
        }
    }

    // MARK: Commands

    private func nextCommand() -> Command {
        // What would stop everything does not last.
        if let closed = twin.accounts.first(where: { $0.status != .open }), chance(15) { return .define(.account(closed.number, .open)) }
        if let market = twin.markets.first(where: { $0.terms.state != .trading }), chance(15) {
            var terms = market.terms
            terms.state = .trading
            return .define(.changeInstrument(market.id, terms))
        }
        made += 1
        switch pick(1_000) {
        case 0..<560: return .newOrder(newOrder())
        case 560..<710: return .replace(replace())
        case 710..<770: return cancel()
        case 770..<779:
            return .cancelAll(CancelAll(account: account(), instrument: chance(50) ? -1 : market().id))
        case 779..<784: return .cancelAll(CancelAll(account: 0, reason: .disconnect, session: 1 << 32 | UInt64(pick(3) + 1)))
        case 784..<815:
            return .closePosition(
                ClosePosition(
                    account: account(), instrument: market().id, quantity: chance(60) ? 0 : Quantity(pick(8)), price: chance(50) ? 0 : price(market()),
                    clientID: Text("c\(made)")))
        case 815..<860: return money()
        case 860..<885: return .setLimits(limits())
        case 885..<930:
            let market = market()
            return .setMark(SetMark(instrument: market.id, price: price(market)))
        case 930..<945: return change()
        case 945..<975 where !isPure: return fill()
        case 975..<980: return .define(.account(account(), .suspended))
        case 980..<983 where !isPure:
            return .takeOver(
                TakeOver(
                    account: account(), instrument: market().id, quantity: Quantity(pick(9) - 4), price: 100, reference: Text("p\(made)")))
        default: return again()
        }
    }

    func account() -> AccountNumber { TwinStream.accounts[pick(5)] }

    func market() -> TwinMarket {
        if isPure { return twin.markets[Int(chance(70) ? TwinStream.tiny : TwinStream.lots)] }
        let roll = pick(100)
        return twin.markets[roll < 45 ? 0 : roll < 65 ? 1 : roll < 80 ? 2 : roll < 87 ? 3 : roll < 93 ? 4 : 5]
    }

    func price(_ market: TwinMarket) -> Price {
        if chance(1) { return Price(pick(3) - 1) }
        switch market.id {
        case TwinStream.wide: return Price(pick(3) + 1)
        case TwinStream.lots: return Price(94 + 2 * pick(7)) + (chance(2) ? 1 : 0)
        default: return isDeep && chance(80) ? 2 * Price(1 + pick(500)) : Price(95 + pick(11))
        }
    }

    func quantity(_ market: TwinMarket) -> Quantity {
        let count = chance(2) ? Quantity(pick(80)) - 10 : Quantity(1 + pick(chance(80) ? 5 : 12))
        return count * market.terms.lot + (market.id == TwinStream.lots && chance(2) ? 1 : 0)
    }

    private func newOrder() -> NewOrder {
        let market = market()
        let account = account()
        let side: Side = chance(50) ? .buy : .sell
        let type: OrderType = chance(15) ? .market : .limit
        let roll = pick(100)
        let tif: TimeInForce = roll < 62 ? .gtc : roll < 72 ? .ioc : roll < 86 ? .fok : .gtd
        var new = NewOrder(
            account: account, instrument: market.id, side: side, type: type, timeInForce: tif, quantity: quantity(market),
            price: type == .market ? (chance(1) ? 100 : 0) : price(market), clientID: Text("o\(made)"))
        if tif == .gtd || chance(1) { new.expire = now + Int64(pick(60_000_000)) - 200_000 }
        if chance(1) { new.before = now - Int64(pick(3)) + 1 }
        if chance(5) { new.strategy = Text("s\(pick(3))") }
        if chance(10) { new.cancelOnDisconnect = 1 << 32 | UInt64(pick(3) + 1) }
        if type == .market && side == .buy ? chance(40) : chance(1) {
            new.max = (market.worth(Price(95 + pick(8)), new.quantity > 0 ? new.quantity : 1) ?? 5) * Amount(60 + pick(50)) / 100
        }
        if !market.isInternal, chance(97) { return new }
        let isResting = type == .limit && (tif == .gtc || tif == .gtd)
        if isResting ? chance(12) : chance(1) { new.instructions.postOnly = true }
        if isResting ? chance(25) && new.quantity > market.terms.lot : chance(1) {
            new.instructions.display = market.terms.lot * Quantity(1 + pick(3)) - (chance(2) ? 1 : 0)
        }
        if chance(20) { new.instructions.selfTrade = SelfTradePrevention(rawValue: UInt8(pick(5)))! }
        let position = twin.account(account)?.positions[market.id]?.quantity ?? 0
        if chance(12) {
            new.instructions.reduceOnly = true
            if position != 0, chance(92) {
                new.side = position > 0 ? .sell : .buy
                if new.side == .sell { new.max = 0 }
                if new.quantity > abs(position), chance(90) { new.quantity = abs(position) }
            }
        }
        if chance(28), !new.instructions.postOnly || chance(5) {
            new.instructions.trigger = chance(60) ? .stop : .takeProfit
            new.instructions.triggerPrice = chance(50) ? .last : .mark
            let reference = (new.instructions.triggerPrice == .last ? market.last : market.mark) ?? price(market)
            let rises = (new.side == .buy) == (new.instructions.trigger == .stop)
            let step = Price(1 + pick(4)) * market.terms.tick
            new.instructions.stop = chance(85) ? (rises ? reference + step : max(1, reference - step)) : price(market)
        }
        if isDeep, new.type == .limit, market.id != TwinStream.wide, chance(90) {
            new.price = 2 * Price(1 + pick(250)) + (new.side == .sell ? 500 : 0)
            if new.instructions.trigger != .none, let reference = new.instructions.triggerPrice == .last ? market.last : market.mark {
                let rises = (new.side == .buy) == (new.instructions.trigger == .stop)
                new.instructions.stop = max(2, reference + 2 * Price(pick(250)) * (rises ? 1 : -1))
            } else if chance(60) {
                new.timeInForce = .gtc
                new.expire = 0
            }
        }
        if chance(1) { new.instructions.stop = Price(pick(3) - 1) }
        if chance(1) { new.instructions.triggerPrice = .mark }
        if chance(16), let leg = one(of: twin.account(account)!.open.filter { $0.market === market && $0.leg == nil }, or: nil) {
            new.oco = leg.new.clientID
            if chance(95) {
                new.side = leg.side
                new.quantity = leg.quantity
                if new.side == .sell { new.max = 0 }
            }
        } else if chance(1) {
            new.oco = Text("o\(pick(made + 2))")
        }
        return new
    }

    private func one<T>(of choices: [T], or other: T?) -> T? { choices.isEmpty ? other : choices[pick(choices.count)] }

    /// Mostly an open one; now and then a closed one or another's.
    private func order() -> TwinOrder? {
        let open = twin.accounts.flatMap(\.open)
        if !open.isEmpty, chance(92) { return open[pick(open.count)] }
        let id = twin.lastOrder - Int64(pick(60))
        return twin.orders[id]
    }

    private func reference(_ order: TwinOrder) -> OrderReference { chance(50) ? .order(order.id) : .client(order.new.clientID) }

    private func replace() -> Replace {
        guard let order = order() else {
            return Replace(account: account(), instrument: market().id, order: .order(Int64(pick(50))), quantity: 1, price: 100)
        }
        let market = order.market
        var replace = Replace(
            account: chance(98) ? order.account.number : account(), instrument: market.id, order: reference(order), quantity: order.quantity,
            price: order.price, max: order.max)
        let steps = market.terms.lot
        // A position as large as they get is closed by an order that no larger one can replace.
        if chance(60) { replace.quantity = replace.quantity.addingReportingOverflow(steps * Quantity(pick(9) - 4)).partialValue }
        if chance(5) { replace.quantity = order.cumulative }
        if isDeep, order.type == .limit, chance(30) { replace.price = 2 * Price(1 + pick(500)) }
        if chance(50), order.type == .limit { replace.price = max(0, replace.price + market.terms.tick * Price(pick(9) - 4)) }
        if order.isArmed ? chance(50) : chance(1) { replace.stop = order.stop + market.terms.tick * Price(pick(7) - 3) }
        if order.isMarketBuy, chance(30) { replace.max = chance(50) ? 0 : order.max + 17 }
        if chance(1) { replace.before = now - 1 }
        return replace
    }

    private func cancel() -> Command {
        guard let order = order() else { return .cancel(Cancel(account: account(), instrument: market().id, order: .order(1))) }
        return .cancel(
            Cancel(
                account: order.account.number, instrument: order.market.id, order: reference(order), note: chance(20) ? Text("why") : Text(),
                before: chance(1) ? now - 1 : 0))
    }

    private func money() -> Command {
        let asset = AssetID(pick(4))
        let amount: Amount = [300, 3_000_000_000, 500_000_000_000_000_000, 500_000_000_000_000_000][Int(asset)] * Amount(pick(9)) / 3
        let kind = Money.Kind(rawValue: UInt8(pick(5)))!
        return .money(
            Money(kind, account: account(), asset: asset, amount: kind == .adjust && chance(50) ? -amount : amount, reference: Text("m\(made)")))
    }

    private func limits() -> SetLimits {
        let market = market()
        var change = LimitsChange()
        let unit = market.quantityUnit * Int128(market.terms.lot)
        if chance(55) {
            change.maxQuantity = Limits.none
            change.maxNotional = Limits.none
            change.maxPosition = Limits.none
            change.maxOpenOrders = .max
            change.enabled = true
        } else {
            switch pick(5) {
            case 0: change.maxQuantity = unit * Int128(3 + pick(4))
            case 1: change.maxNotional = (market.worth(100, market.terms.lot) ?? 100) * Int128(4 + pick(4))
            case 2: change.maxPosition = unit * Int128(5 + pick(20))
            case 3: change.maxOpenOrders = Int64(3 + pick(8))
            default: change.enabled = chance(50)
            }
        }
        if chance(30) { change.makerFee = chance(25) ? Limits.noRate : Int32(pick(13_000)) - 1_500 }
        if chance(30) { change.takerFee = chance(25) ? Limits.noRate : Int32(pick(13_000)) - 1_500 }
        if chance(40) { change.selfTrade = SelfTradePrevention(rawValue: UInt8(pick(5)))! }
        return SetLimits(account: account(), instrument: chance(50) ? -1 : market.id, change: change)
    }

    private func change() -> Command {
        let market = market()
        var terms = market.terms
        if market.isInternal, chance(50) { terms.fees = FeeRates(maker: Int32(pick(12_000)) - 1_100, taker: Int32(pick(12_000)) - 1_100) }
        if market.id == TwinStream.tiny, chance(20) { terms.lot = Quantity(1 + pick(2)) }
        if chance(60) { terms.state = market.isInternal ? InstrumentState(rawValue: UInt8(pick(4)))! : chance(50) ? .halted : .trading }
        return .define(.changeInstrument(market.id, terms))
    }

    private func fill() -> Command {
        let open = twin.accounts.flatMap(\.open).filter { !$0.market.isInternal || chance(2) }
        guard let order = one(of: open, or: order()) else { return .setMark(SetMark(instrument: 0, price: 100)) }
        return .fill(
            Fill(
                account: order.account.number, instrument: order.market.id, order: reference(order), quantity: Quantity(pick(4)),
                price: order.price == 0 ? 100 : order.price + Price(pick(3) - 1), exec: Text("e\(chance(90) ? made : pick(made))"),
                fee: chance(50) ? 0 : Amount(pick(1_000_000)), feeAsset: AssetID(pick(4)), liquidity: .maker, withinLimit: chance(20)))
    }

    /// A command of before, as it was or with something else in it.
    private func again() -> Command {
        var command = recent[recent.count - 1 - pick(min(recent.count, 60))]
        if case .newOrder(var new) = command, chance(30) {
            new.instructions.postOnly.toggle()
            command = .newOrder(new)
        }
        if case .define = command { return .setMark(SetMark(instrument: 1, price: 100)) }
        return command
    }
}
