import Core
import Testing

/// Random orders, fills, marks and limits over many days against rules that are written down a second time, without any cleverness: every
/// judgement on an order, every loss of the day, every latch.
@Suite struct RiskRandomTests {
    @Test(arguments: [UInt64(11), 12, 13, 14, 15, 16]) func `random flow: judged as the naive rules say`(seed: UInt64) throws {
        var random = Generator(state: seed)
        let desk = Desk()
        let naive = NaiveRisk(desk, dayStart: seed % 2 == 0 ? 0 : Int64.random(in: 1..<1_440, using: &random))
        for account in naive.accounts {
            desk.deposit("10000000", account: account)
            desk.deposit("1000000", Desk.btc, account: account)
        }
        var ids: [(Text, AccountNumber, InstrumentID)] = []
        var kinds: [String: Int] = [:]
        for n in 0..<12_000 {
            // Bursts within a second, pauses, nights.
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<60: desk.now += Int64.random(in: 0..<40_000, using: &random)
            case 60..<97: desk.now += Int64.random(in: 0..<3_000_000, using: &random)
            case 97..<99: desk.now += Int64.random(in: 0..<7_200_000_000, using: &random)
            default: desk.now += Int64.random(in: 0..<100_000_000_000, using: &random)
            }
            let account = naive.accounts.randomElement(using: &random)!
            let instrument: InstrumentID = Bool.random(using: &random) ? Desk.unit : Desk.perp
            let quantity = Quantity.random(in: 1...30, using: &random)
            let price = Price.random(in: 80...120, using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<45:
                let id = Text("i\(n)")
                let order = NewOrder(
                    account: account, instrument: instrument, side: Bool.random(using: &random) ? .buy : .sell, type: .limit,
                    timeInForce: .gtc, quantity: quantity, price: price, clientID: id)
                let expected = naive.violations(order)
                let outcome = desk.run(.newOrder(order))
                naive.judged(account, instrument)
                if let rejection = outcome.rejection {
                    try #require(expected.contains(rejection.kind), "seed \(seed), step \(n): \(rejection) not among \(expected)")
                    kinds[rejection.kind, default: 0] += 1
                } else {
                    try #require(expected.isEmpty, "seed \(seed), step \(n): accepted in spite of \(expected)")
                    naive.accepted(order)
                    ids.append((id, account, instrument))
                    kinds["accepted", default: 0] += 1
                }
            case 45..<65 where !ids.isEmpty:
                let (id, owner, where_) = ids[ids.count - 1 - Int.random(in: 0..<min(20, ids.count), using: &random)]
                let outcome = desk.run(
                    .fill(
                        Fill(
                            account: owner, instrument: where_, order: .client(id), quantity: Quantity.random(in: 1...20, using: &random),
                            price: price, exec: Text("e\(n)"), fee: Bool.random(using: &random) ? 0 : amount18("0.25"), feeAsset: Desk.usd)))
                naive.changed()
                if outcome.rejection == nil { naive.judged(owner, where_) }
            case 65..<78 where !ids.isEmpty:
                let (id, owner, where_) = ids[ids.count - 1 - Int.random(in: 0..<min(4, ids.count), using: &random)]
                let allowed = naive.mayCancel(owner, where_)
                let outcome = desk.run(.cancel(Cancel(account: owner, instrument: where_, order: .client(id))))
                switch outcome.rejection {
                case .limitCancelRate?:
                    #expect(!allowed, "seed \(seed), step \(n): a cancel was refused")
                    kinds["cancelRate", default: 0] += 1
                case nil where !outcome.isDuplicate:
                    #expect(allowed, "seed \(seed), step \(n): a cancel too many")
                    naive.canceled(owner, where_)
                default: break
                }
            case 78..<84:
                desk.run(.setMark(SetMark(instrument: instrument, price: price)))
                naive.changed()
            case 84..<86:
                let before = naive.profits()
                if desk.run(
                    .takeOver(
                        TakeOver(
                            account: account, instrument: instrument, quantity: Bool.random(using: &random) ? quantity : -quantity,
                            price: price, reference: Text("p\(n)"))
                    )
                ).rejection == nil {
                    naive.changed()
                    naive.tookOver(before)
                }
            case 86:
                desk.run(.cancelAll(CancelAll(account: account)))
            case 87..<89:
                desk.limit(-1, account: account) { $0.resetsLoss = true }
                naive.reset(account)
            default:
                // Account limits of 7 and 8; 9 lives with those of all.
                let whole = account == 9 ? 0 : account
                // Only 7 has any on the perpetual: so there is always something that is not listed.
                let scope = Bool.random(using: &random) ? -1 : account == 7 ? instrument : Desk.unit
                var change = LimitsChange()
                NaiveRisk.pick(&change, ofAccount: scope < 0, &random)
                naive.set(scope < 0 ? whole : account, scope, change)
            }
            for account in naive.accounts {
                let (loss, expected) = (desk.with { $0.lossToday(account: account, asset: Desk.usd, now: desk.now) }, naive.loss(account))
                if let expected { try #require(loss == expected, "seed \(seed), step \(n): account \(account) lost \(text(loss)), not \(text(expected))") }
                var latched = false
                desk.with { $0.forEachLatch(account: account) { _ in latched = true } }
                try #require(latched == naive.latched.contains(account), "seed \(seed), step \(n): latch of \(account)")
            }
            if n % 1_500 == 1_499 { desk.check() }
            if n % 777 == 776 { try desk.reload() }
        }
        desk.check()
        for kind in ["accepted", "quantity", "open", "position", "short", "listed", "disabled", "loss", "orderRate", "cancelRate"] {
            #expect(kinds[kind, default: 0] > 4, "seed \(seed): \(kind) only \(kinds[kind, default: 0]) times in \(kinds)")
        }
    }
}

extension Rejection {
    var kind: String {
        switch self {
        case .limitDisabled: "disabled"
        case .limitQuantity: "quantity"
        case .limitNotional: "notional"
        case .limitPosition: "position"
        case .limitOpenOrders: "open"
        case .limitPriceBand: "band"
        case .limitOrderRate: "orderRate"
        case .limitCancelRate: "cancelRate"
        case .limitDailyLoss: "loss"
        case .limitShort: "short"
        case .limitNotListed: "listed"
        case .noMark: "noMark"
        default: "\(self)"
        }
    }
}

/// What risk control should say, from lists of what has happened.
private final class NaiveRisk {
    let desk: Desk
    let accounts: [AccountNumber] = [7, 8, 9]
    let instruments = [Desk.unit, Desk.perp]
    let dayStart: Int64
    var latched: Set<AccountNumber> = []
    private var whole: [AccountNumber: Limits] = [:]
    private var own: [String: Limits] = [:]
    /// Each key's accepted commands: a level that drains with time.
    private var meters: [String: (level: Int64, at: Timestamp)] = [:]
    /// What every position had won, whenever that could change.
    private var history: [(time: Timestamp, profits: [String: Amount])]
    /// Where in it the account's day was begun anew.
    private var begun: [AccountNumber: Int] = [:]
    /// What came with positions that were taken over.
    private var gifts: [(after: Int, key: String, amount: Amount)] = []

    init(_ desk: Desk, dayStart: Int64) {
        self.desk = desk
        self.dayStart = dayStart
        history = [(0, [:])]
        desk.run(.define(.account(9, .open)))
        if dayStart != 0 { desk.run(.define(.setting(.dayStartMinutes, dayStart))) }
    }

    private func key(_ account: AccountNumber, _ instrument: InstrumentID) -> String { "\(account)/\(instrument)" }

    // MARK: Limits

    static func pick(_ change: inout LimitsChange, ofAccount: Bool, _ random: inout Generator) {
        func amount(_ values: [String]) -> Amount {
            Int.random(in: 0..<3, using: &random) > 0 ? Limits.none : amount18(values.randomElement(using: &random)!)
        }
        func rate(_ values: [Int32]) -> Int32 {
            Int.random(in: 0..<3, using: &random) > 0 ? Limits.unlimited : values.randomElement(using: &random)!
        }
        switch Int.random(in: 0..<11, using: &random) {
        case 0: change.maxQuantity = amount(["20", "25", "0.2"])
        case 1: change.maxNotional = amount(["2500", "25"])
        case 2: change.maxPosition = amount(["40", "100", "0.5"])
        case 3: change.maxOpenOrders = Int.random(in: 0..<3, using: &random) > 0 ? .max : Int64.random(in: 5...20, using: &random)
        case 4: change.enabled = Int.random(in: 0..<8, using: &random) > 0
        case 5: change.priceBand = rate([1_000, 2_000, 4_000])
        case 6: change.maxOrderRate = rate([1, 3, 1_000])
        case 7: change.maxCancelRate = rate([1, 1, 1_000])
        case 8: change.mayShort = Int.random(in: 0..<3, using: &random) > 0
        case 9 where ofAccount: change.listedOnly = Int.random(in: 0..<3, using: &random) == 0
        case 10 where ofAccount: change.maxDailyLoss = amount(["100", "300", "1000"])
        default:
            change.enabled = true
            change.maxOpenOrders = .max
        }
    }

    private func limits(_ account: AccountNumber) -> Limits { whole[account] ?? whole[0] ?? Limits() }

    func set(_ account: AccountNumber, _ instrument: InstrumentID, _ change: LimitsChange) {
        let before = accounts.map { limits($0).maxDailyLoss }
        if instrument >= 0 {
            let new = (own[key(account, instrument)] ?? Limits()).changed(by: change)
            // What says nothing is not there until something is said.
            if new != (own[key(account, instrument)] ?? Limits()) { own[key(account, instrument)] = new }
        } else {
            let old = account == 0 ? whole[0] ?? Limits() : limits(account)
            if old.changed(by: change) != old { whole[account] = old.changed(by: change) }
        }
        desk.run(.setLimits(SetLimits(account: account, instrument: instrument, change: change)))
        for (account, before) in zip(accounts, before) where before == Limits.none && limits(account).maxDailyLoss != Limits.none {
            beginDay(account)
        }
    }

    // MARK: Losses

    private func profit(_ account: AccountNumber, _ instrument: InstrumentID) -> Amount {
        desk.with { shard in
            guard let it = shard.position(account: account, instrument: instrument) else { return 0 }
            return it.realized + (shard.unrealized(it) ?? 0)
        }
    }

    func profits() -> [String: Amount] {
        var all: [String: Amount] = [:]
        for account in accounts { for instrument in instruments { all[key(account, instrument)] = profit(account, instrument) } }
        return all
    }

    func changed() { history.append((desk.now, profits())) }

    func tookOver(_ before: [String: Amount]) {
        for (key, amount) in history.last!.profits where amount != before[key]! { gifts.append((history.count - 1, key, amount - before[key]!)) }
    }

    private func beginDay(_ account: AccountNumber) {
        changed()
        begun[account] = history.count - 1
    }

    func reset(_ account: AccountNumber) {
        guard limits(account).maxDailyLoss != Limits.none || latched.contains(account) else { return }
        latched.remove(account)
        beginDay(account)
    }

    /// `nil`: nobody keeps it.
    func loss(_ account: AccountNumber) -> Amount? {
        if limits(account).maxDailyLoss == Limits.none { return nil }
        let day: Int64 = 86_400_000_000
        let begin = (desk.now - dayStart * 60_000_000) / day * day + dayStart * 60_000_000
        // All that was before the day.
        var base = history.count - 1
        while history[base].time >= begin { base -= 1 }
        base = max(base, begun[account] ?? 0)
        var loss: Amount = 0
        for instrument in instruments {
            let key = key(account, instrument)
            loss += (history[base].profits[key] ?? 0) - profit(account, instrument)
            for gift in gifts where gift.after > base && gift.key == key { loss += gift.amount }
        }
        return loss
    }

    func judged(_ account: AccountNumber, _ instrument: InstrumentID) {
        if let loss = loss(account), loss > limits(account).maxDailyLoss { latched.insert(account) }
    }

    // MARK: Rates

    private func isFull(_ key: String, _ rate: Int32) -> Bool {
        if rate == Limits.unlimited { return false }
        let step = (1_000_000_000 + Int64(rate) - 1) / Int64(rate)
        return level(key) > step * Int64(rate - 1)
    }
    private func level(_ key: String) -> Int64 {
        guard let meter = meters[key] else { return 0 }
        return max(0, meter.level - (desk.now - meter.at) * 1_000)
    }
    private func fill(_ key: String, _ rate: Int32) {
        if rate == Limits.unlimited { return }
        meters[key] = (level(key) + (1_000_000_000 + Int64(rate) - 1) / Int64(rate), desk.now)
    }
    private func on(_ account: AccountNumber, _ instrument: InstrumentID) -> Limits { own[key(account, instrument)] ?? Limits() }

    func accepted(_ order: NewOrder) {
        fill("o\(order.account)", limits(order.account).maxOrderRate)
        fill("o\(key(order.account, order.instrument))", on(order.account, order.instrument).maxOrderRate)
    }
    func mayCancel(_ account: AccountNumber, _ instrument: InstrumentID) -> Bool {
        !isFull("c\(account)", limits(account).maxCancelRate)
            && !isFull("c\(key(account, instrument))", on(account, instrument).maxCancelRate)
    }
    func canceled(_ account: AccountNumber, _ instrument: InstrumentID) {
        fill("c\(account)", limits(account).maxCancelRate)
        fill("c\(key(account, instrument))", on(account, instrument).maxCancelRate)
    }

    // MARK: Judgement

    /// Every rule that a new limit order breaks.
    func violations(_ order: NewOrder) -> Set<String> {
        var broken: Set<String> = []
        let scale = order.instrument == Desk.unit ? 0 : 2
        let unit = amount18("1") / (scale == 0 ? 1 : 100)
        let quantity = Int128(order.quantity) * unit
        let notional = Int128(order.price) * Int128(order.quantity) * amount18("1") / (scale == 0 ? 1 : 10_000)
        let (position, mark) = desk.with { ($0.position(account: order.account, instrument: order.instrument), $0.mark(order.instrument)) }
        var (openHere, openAll, side): (Int64, Int64, Int64) = (0, 0, 0)
        desk.with { shard in
            shard.forEachOrder(account: order.account, instrument: -1, status: .open, after: 0, limit: 1_000_000) {
                openAll += 1
                if $0.view.instrument == order.instrument {
                    openHere += 1
                    if $0.side == order.side { side += $0.view.leaves }
                }
            }
        }
        let held = Int128(position?.quantity ?? 0) * unit
        let after = held + (order.side == .buy ? 1 : -1) * Int128(side + order.quantity) * unit
        for (limits, open) in [(limits(order.account), openAll), (on(order.account, order.instrument), openHere)] {
            if !limits.enabled { broken.insert("disabled") }
            if quantity > limits.maxQuantity { broken.insert("quantity") }
            if notional > limits.maxNotional { broken.insert("notional") }
            if open + 1 > limits.maxOpenOrders { broken.insert("open") }
            // Worst in the order's own direction: what the other way makes of it is the other orders' business.
            if (order.side == .buy ? after : -after) > limits.maxPosition { broken.insert("position") }
            if !limits.mayShort, order.side == .sell, after < 0 { broken.insert("short") }
            if limits.priceBand != Limits.unlimited {
                if let mark {
                    let distance = order.price > mark ? order.price - mark : mark - order.price
                    if distance * 10_000 > mark * Int64(limits.priceBand) { broken.insert("band") }
                } else {
                    broken.insert("noMark")
                }
            }
        }
        if limits(order.account).listedOnly, own[key(order.account, order.instrument)] == nil { broken.insert("listed") }
        var isLatched = latched.contains(order.account)
        if let loss = loss(order.account), loss > limits(order.account).maxDailyLoss { isLatched = true }
        let isAgainst = held > 0 && order.side == .sell && after >= 0 || held < 0 && order.side == .buy && after <= 0
        if isLatched, !isAgainst { broken.insert("loss") }
        if isFull("o\(order.account)", limits(order.account).maxOrderRate)
            || isFull("o\(key(order.account, order.instrument))", on(order.account, order.instrument).maxOrderRate)
        {
            broken.insert("orderRate")
        }
        return broken
    }
}
