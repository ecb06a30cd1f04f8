/// One wallet and everything that settles in it: balances, instruments, their orders, trades and positions. Shard 0 is also the registry.
///
/// `execute` decides a command and applies the mutations it comes to; `evolve` alone replays them. The state is a function of
/// the shard's own mutations and their times, nothing else: no clock, no random, no iteration over hash tables.
///
/// Owner: one thread at a time (the loop that hosts it). Stage 4 and 5 of the request path.
public struct Shard: ~Copyable {
    /// The wallet's number.
    public let number: WalletID
    /// This shard's own copy.
    public internal(set) var registry = Registry()

    // Orders: `orders` and `orderRecords` are parallel.
    var orders = Arena<Order>()
    var orderRecords = Arena<OrderRecord>()
    var extras = Arena<OrderExtra>()
    /// Counter of the OrderID -> order slot.
    var orderIDs = SlotIndex()
    /// (account, id or ref) -> order slot, or ~reference slot.
    var ids = IndexTable()
    var trades = Arena<Trade>()
    /// (order, exec) -> trade slot.
    var execs = IndexTable()
    var references = Arena<Reference>()
    /// Open GTD orders, by their extras' slots.
    var expiries = DueHeap()

    var positions = Arena<Position>()
    var positionKeys = IndexTable()
    var fees = Arena<FeeRecord>()
    var balances = Arena<Balance>()
    var balanceKeys = IndexTable()
    var limits = Arena<Limits>()
    /// Parallel to `limits`; of an account and instrument.
    var arrivals = Arena<Arrivals>()
    /// Of accounts without limits of their own; `none`: none.
    var defaultLimits = none
    var risks = Arena<AccountRisk>()
    var latches = Arena<LossLatch>()
    var dayBases = Arena<DayBase>()
    var openParts = Arena<OpenParts>()
    /// Dead-man timers that run, by their risks' slots.
    var deadlines = DueHeap()
    /// Were losses by the day ever limited here? Before, no day is kept.
    var keepsDays = false
    var accounts = Arena<AccountState>()
    var markets = Arena<Market>()
    var books = Books()

    var channels: [Channel] = []
    var outgoing = Arena<Outgoing>()
    var totals: [AssetTotals] = []
    var owed = Arena<Owed>()
    var owedKeys = IndexTable()

    /// Interned strategy names; index 0 is the empty one.
    var strategies: [Text] = [Text()]
    var strategyNames = IndexTable()

    /// Interned rates of fees; index 0 is no fees.
    var feeRates: [FeeRates] = [FeeRates()]
    var feeRateKeys = IndexTable()

    /// Closed orders (slot) and used references (~slot) in the order in which they are forgotten; Unix seconds in the high half.
    var memory = Fifo()

    /// Shard 0: every entry of the registry, for shards that lack some.
    var definitions: [Definition] = []

    /// Open orders of all accounts.
    var openOrders = 0

    /// Counters of OrderID and TradeID.
    var lastOrder: Int64 = 0
    var lastTrade: Int64 = 0

    /// Makes the shard a value that only has an address. Swift copies other structs into a temporary, this one's 1,200 bytes of them, for
    /// each call of a function that only reads `self` (Swift 6.3.1).
    private let addressOnly: Any? = nil

    public init(number: WalletID) {
        invariant(number >= 0 && number < 1 << 13, "shard number out of range")
        self.number = number
    }

    /// Decides `command` at time `now` (microseconds; never less than at the call before) and applies what it comes to. `emit` is called once
    /// for each mutation, after it was applied, in order. A rejected command has changed nothing and emitted nothing, but for one thing: an order
    /// that is judged when its account has lost too much today notes that (``Mutation/lossLatched(account:asset:on:)``), refused or not.
    public mutating func execute(
        _ command: borrowing Command, now: Timestamp, emit: (borrowing Mutation) -> Void
    ) -> Outcome {
        switch copy command {
        case .newOrder(let order): return decide(order, now, { emit(.orderAccepted(copy $0)) }, emit)
        case .replace(let replace): return decide(replace, none, now, { emit(.orderReplaced(copy $0)) }, emit)
        case .cancel(let cancel): return decide(cancel, none, now) { emit(.orderCanceled(copy $0)) }
        case .cancelAll(let cancelAll): return decide(cancelAll, now, emit)
        case .fill(let fill): return decide(fill, none, now, { emit(.filled(copy $0)) }, emit)
        case .closePosition(let close): return decide(close, now, { emit(.orderAccepted(copy $0)) }, emit)
        case .money(let money): return decide(money, now, emit)
        case .takeOver(let takeOver): return decide(takeOver, now, emit)
        case .transfer(let transfer): return decide(transfer, now, emit)
        case .setLimits(let limits): return decide(limits, now, emit)
        case .setMark(let mark): return decide(mark, now, emit)
        case .deadMan(let deadMan): return decide(deadMan, now, emit)
        case .define(let definition): return decide(definition, now, emit)
        }
    }

    // The frequent ones without a command around them, and what they come to without a mutation around it: neither is copied to be looked at.
    // `then` takes what comes of some of them beside that: what follows on an internal venue, and that an account has lost too much.

    public mutating func execute(
        _ order: borrowing NewOrder, now: Timestamp, emit: (borrowing OrderAccepted) -> Void, then: (borrowing Mutation) -> Void
    ) -> Outcome {
        decide(order, now, emit, then)
    }

    public mutating func execute(
        _ replace: borrowing Replace, ahead: Ahead = Ahead(), now: Timestamp, emit: (borrowing OrderReplaced) -> Void,
        then: (borrowing Mutation) -> Void
    ) -> Outcome {
        decide(replace, ahead.order, now, emit, then)
    }

    public mutating func execute(
        _ cancel: borrowing Cancel, ahead: Ahead = Ahead(), now: Timestamp, emit: (borrowing OrderCanceled) -> Void
    ) -> Outcome {
        decide(cancel, ahead.order, now, emit)
    }

    public mutating func execute(
        _ fill: borrowing Fill, ahead: Ahead = Ahead(), now: Timestamp, emit: (borrowing Filled) -> Void, then: (borrowing Mutation) -> Void
    ) -> Outcome {
        decide(fill, ahead.order, now, emit, then)
    }

    /// Applies one mutation, recorded at `time`. Cannot fail: what a mutation needs was checked when it was decided; a mutation that
    /// does not fit the state (a log that is not this shard's) stops the process.
    public mutating func evolve(_ mutation: borrowing Mutation, at time: Timestamp) {
        switch copy mutation {
        case .orderAccepted(let accepted): evolve(accepted, at: time)
        case .orderReplaced(let replaced): evolve(replaced, at: time)
        case .orderCanceled(let canceled): evolve(canceled, at: time)
        case .filled(let filled): evolve(filled, at: time)
        case .matched(let matched): evolve(matched, at: time)
        case .orderExpired(let order):
            forgetOld(time, keeping: nil)
            evolveClosed(knownSlot(order), .expired, .requested, Text(), time)
        default:
            forgetOld(time, keeping: nil)
            evolveRare(mutation, time)
        }
    }

    // The frequent ones without a mutation around them. Each has an `evolve` that is told where things are: decide has found them already, a
    // replay finds them here.

    public mutating func evolve(_ accepted: borrowing OrderAccepted, at time: Timestamp) {
        forgetOld(time, keeping: nil)
        evolve(accepted, at: place(of: accepted), time)
    }

    public mutating func evolve(_ replaced: borrowing OrderReplaced, at time: Timestamp) {
        forgetOld(time, keeping: nil)
        evolve(replaced, at: knownSlot(replaced.order), time)
    }

    public mutating func evolve(_ canceled: borrowing OrderCanceled, at time: Timestamp) {
        forgetOld(time, keeping: nil)
        evolve(canceled, at: knownSlot(canceled.order), time)
    }

    public mutating func evolve(_ filled: borrowing Filled, at time: Timestamp) {
        let slot = knownSlot(filled.order)
        forgetOld(time, keeping: slot)
        evolve(filled, at: slot, time)
    }

    public mutating func evolve(_ matched: borrowing Matched, at time: Timestamp) {
        let (maker, taker) = (knownSlot(matched.maker), knownSlot(matched.taker))
        forgetOld(time, keeping: nil)
        evolve(matched, maker, taker, time)
    }

    @inline(never)
    private mutating func evolveRare(_ mutation: borrowing Mutation, _ time: Timestamp) {
        switch copy mutation {
        case .defined(let number, let definition): evolveDefined(number, definition)
        case .moneyMoved(let money): evolve(money, time)
        case .transferredWithin(let transfer): evolveWithin(transfer, time)
        case .transferSent(let transfer, let sequence): evolveSent(transfer, sequence, time)
        case .transferReceived(let received): evolve(received)
        case .transfersSettled(let target, let upTo): evolveSettled(target, upTo)
        case .limitsSet(let account, let instrument, let limits): evolveLimits(account, instrument, limits, time)
        case .lossLatched(let account, let asset, let on): evolveLatch(account, asset, on, time)
        case .deadManSet(let account, let deadline): evolveDeadMan(account, deadline)
        case .markSet(let instrument, let price):
            keepDayReference(instrument, time)
            markets[instrument].mark = price
        case .orderTriggered(let order): evolveTriggered(knownSlot(order), time)
        case .positionTakenOver(let takeOver): evolve(takeOver, time)
        case .orderAccepted, .orderReplaced, .orderCanceled, .orderExpired, .filled, .matched:
            invariantFailure("a mutation of an order is not rare")
        }
    }

    private func knownSlot(_ order: OrderID) -> Int32 {
        guard let slot = orderSlot(order) else { invariantFailure("a mutation of an unknown order") }
        return slot
    }

    @inline(__always)
    mutating func apply(_ mutation: Mutation, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) {
        evolve(mutation, at: now)
        emit(mutation)
    }

    // MARK: Slots

    /// The account's balance of the asset, if it has one.
    @inline(__always)
    func balanceSlot(_ account: Int32, _ asset: AssetID) -> Int32? {
        balanceKeys.find(Shard.pairHash(account, asset)) { balances[$0].account == account && balances[$0].asset == asset }
    }

    /// The same, made when missing. Part of evolve.
    mutating func makeBalance(_ account: Int32, _ asset: AssetID) -> Int32 {
        if let slot = balanceSlot(account, asset) { return slot }
        let slot = balances.insert(Balance(account: account, asset: asset))
        balanceKeys.insert(Shard.pairHash(account, asset), slot)
        var before = none
        var after = accounts[account].balances
        while after != none, balances[after].asset < asset {
            before = after
            after = balances[after].next
        }
        balances[slot].next = after
        if before == none { accounts[account].balances = slot } else { balances[before].next = slot }
        return slot
    }

    /// Whether the instrument settles in this wallet.
    @inline(__always)
    func isHere(_ instrument: InstrumentID) -> Bool {
        instrument >= 0 && instrument < markets.end && markets[instrument].wallet == number
    }

    @inline(__always)
    func positionSlot(_ account: Int32, _ instrument: InstrumentID) -> Int32? {
        positionKeys.find(Shard.pairHash(account, instrument)) {
            positions[$0].account == account && positions[$0].instrument == instrument
        }
    }

    mutating func makePosition(_ account: Int32, _ instrument: InstrumentID) -> Int32 {
        if let slot = positionSlot(account, instrument) { return slot }
        let (base, quote) = (markets[instrument].base, markets[instrument].quote)
        let slot = positions.insert(
            Position(
                account: account, instrument: instrument, base: makeBalance(account, base), quote: makeBalance(account, quote)))
        positionKeys.insert(Shard.pairHash(account, instrument), slot)
        var before = none
        var after = accounts[account].positions
        while after != none, positions[after].instrument < instrument {
            before = after
            after = positions[after].next
        }
        positions[slot].next = after
        if before == none { accounts[account].positions = slot } else { positions[before].next = slot }
        return slot
    }

    @inline(__always)
    static func pairHash(_ a: Int32, _ b: Int32) -> UInt64 {
        mix(UInt64(UInt32(bitPattern: a)) << 32 | UInt64(UInt32(bitPattern: b)))
    }

    @inline(__always)
    static func idHash(_ account: Int32, _ id: Text) -> UInt64 { mix(id.hash ^ UInt64(UInt32(bitPattern: account))) }

    @inline(__always)
    static func execHash(_ order: OrderID, _ exec: Text) -> UInt64 { execHash(order, exec.hash) }

    @inline(__always)
    static func execHash(_ order: OrderID, _ hash: UInt64) -> UInt64 { mix(hash ^ UInt64(bitPattern: order)) }

    /// What an id of this account stands for: an order slot, or ~reference slot.
    @inline(__always)
    func remembered(_ account: Int32, _ id: Text) -> Int32? { remembered(account, id, Shard.idHash(account, id)) }

    @inline(__always)
    func remembered(_ account: Int32, _ id: Text, _ hash: UInt64) -> Int32? {
        ids.find(hash) { value in
            if value >= 0 {
                return orderRecords[value].clientID == id && positions[orders[value].position].account == account
            }
            return references[~value].text == id && references[~value].account == account
        }
    }

    @inline(__always)
    func orderSlot(_ id: OrderID) -> Int32? {
        id >> 40 == Int64(number) ? orderIDs[id & SlotIndex.counterMax] : nil
    }

    /// The order a command names. `guess`: where it may be.
    @inline(__always)
    func orderSlot(
        _ reference: OrderReference, of number: AccountNumber, on instrument: InstrumentID, guess: Int32
    ) throws(Rejection) -> Int32 {
        if guess != none, isOpen(guess, reference, number, instrument) { return guess }
        guard let account = registry.account(number) else { throw .unknownAccount(number) }
        guard isHere(instrument) else { throw .unknownInstrument(instrument) }
        guard let slot = orderSlot(reference, account, instrument) else { throw .unknownOrder }
        return slot
    }

    /// Whether this very order is in that slot, and open: closed ones may be forgotten.
    @inline(__always)
    private func isOpen(_ slot: Int32, _ reference: OrderReference, _ number: AccountNumber, _ instrument: InstrumentID) -> Bool {
        guard case .client(let id) = reference, slot < orders.end, orders[slot].status.isOpen, orderRecords[slot].clientID == id else { return false }
        let position = positions.pointer(orders[slot].position)
        return position.pointee.instrument == instrument && registry.accounts[Int(position.pointee.account)].number == number
    }

    /// The order a command names, if it is this account's and on this instrument.
    @inline(__always)
    func orderSlot(_ reference: OrderReference, _ account: Int32, _ instrument: InstrumentID) -> Int32? {
        guard let slot = orderSlot(reference, account), positions[orders[slot].position].instrument == instrument else { return nil }
        return slot
    }

    /// The order that a reference names, if it is this account's, on whatever instrument.
    @inline(__always)
    func orderSlot(_ reference: OrderReference, _ account: Int32) -> Int32? {
        let found: Int32?
        switch reference {
        case .order(let id): found = orderSlot(id)
        case .client(let id): found = remembered(account, id)
        }
        guard let slot = found, slot >= 0, positions[orders[slot].position].account == account else { return nil }
        return slot
    }
}
