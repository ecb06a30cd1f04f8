import Core
import Twin

/// Core as a venue, with everything it recorded.
final class CoreVenue: Venue {
    struct Shards: ~Copyable { var live: Shard }
    var shards: Shards
    private(set) var log: [(mutation: Mutation, time: Timestamp)] = []
    private var firstGuesses: [String: Shard.Ahead] = [:]
    private var other = Shard.Ahead()
    private var guesses = 0

    init() { shards = Shards(live: Shard(number: 0)) }

    func run(_ command: Command, now: Timestamp) -> (answer: Answer, events: [Mutation]) {
        let start = log.count
        let outcome =
            switch command {
            case .cancel(let it):
                shards.live.execute(it, ahead: guess(it.order, it.account) { $0.ahead(of: it) }, now: now) {
                    log.append((.orderCanceled(copy $0), now))
                }
            case .replace(let it):
                shards.live.execute(
                    it, ahead: guess(it.order, it.account) { $0.ahead(of: it) }, now: now, emit: { log.append((.orderReplaced(copy $0), now)) },
                    then: { log.append((copy $0, now)) })
            case .fill(let it):
                shards.live.execute(
                    it, ahead: guess(it.order, it.account) { $0.ahead(of: it) }, now: now, emit: { log.append((.filled(copy $0), now)) },
                    then: { log.append((copy $0, now)) })
            default: shards.live.execute(command, now: now) { log.append((copy $0, now)) }
            }
        return (Answer(outcome), log[start...].map(\.mutation))
    }

    /// Where the command's order may be: as it is found now, as it was found when it was first named, or where another is. None may make a difference.
    private func guess(_ order: OrderReference, _ account: AccountNumber, _ ahead: (borrowing Shard) -> Shard.Ahead) -> Shard.Ahead {
        guard case .client(let id) = order else { return Shard.Ahead() }
        var guess = ahead(shards.live)
        for _ in 0..<2 { shards.live.prefetch(&guess) }
        let key = "\(account) \(id)"
        if firstGuesses[key] == nil { firstGuesses[key] = guess }
        guesses += 1
        if guesses % 4 == 0 { other = guess }
        switch guesses % 3 {
        case 0: return guess
        case 1: return firstGuesses[key]!
        default: return other
        }
    }

    func expireDue(now: Timestamp, max: Int) -> (count: Int, events: [Mutation]) {
        let start = log.count
        let count = shards.live.expire(now: now, max: max) { log.append((copy $0, now)) }
        return (count, log[start...].map(\.mutation))
    }

    /// Replays what was recorded into a new shard, and checks what must hold of both. What is wrong; `nil`: all well.
    func fault() -> String? {
        var replayed = Shard(number: 0)
        for (mutation, time) in log { replayed.evolve(mutation, at: time) }
        if replayed.stateHash() != shards.live.stateHash() { return "replay differs from live" }
        if let asset = shards.live.conservationFault() { return "money of asset \(asset) is not conserved" }
        return shards.live.reservesMatch() ? nil : "reserves do not match open orders"
    }

    func balance(_ account: AccountNumber, _ asset: AssetID) -> BalancePicture {
        guard let it = shards.live.balance(account: account, asset: asset) else { return BalancePicture() }
        return BalancePicture(available: it.available, reserved: it.reserved, held: it.held)
    }

    func position(_ account: AccountNumber, _ instrument: InstrumentID) -> PositionPicture? {
        shards.live.position(account: account, instrument: instrument).map { PositionPicture($0) }
    }

    func openOrders(_ account: AccountNumber) -> [OrderID] {
        var all: [OrderID] = []
        shards.live.forEachOrder(account: account, instrument: -1, status: .open, after: 0, limit: .max) { all.append($0.view.id) }
        return all
    }

    func detail(_ order: OrderID) -> DetailPicture? {
        guard let it = shards.live.order(id: order) else { return nil }
        return DetailPicture(
            order: OrderPicture(it.view), account: it.account, clientID: it.clientID, side: it.side, type: it.type, timeInForce: it.timeInForce,
            quantity: it.quantity, price: it.price, expire: it.expire, max: it.max, reserved: it.reserved, created: it.created,
            updated: it.updated, reason: it.reason, reasonText: it.reasonText)
    }

    func trades(_ order: OrderID) -> [TradePicture] {
        guard let account = shards.live.order(id: order)?.account else { return [] }
        var all: [TradePicture] = []
        shards.live.forEachTrade(account: account, instrument: -1, order: order, limit: .max) {
            all.append(
                TradePicture(
                    id: $0.id, order: $0.order, quantity: $0.quantity, price: $0.price, fee: $0.fee, feeAsset: $0.feeAsset,
                    liquidity: $0.liquidity, exec: $0.exec, time: $0.time))
        }
        return all
    }

    func book(_ instrument: InstrumentID, _ side: Side) -> [RestingPicture] {
        var all: [RestingPicture] = []
        var levels: [BookLevel] = []
        shards.live.forEachLevel(instrument, side) {
            levels.append($0)
            return true
        }
        for level in levels {
            let before = all.count
            var shown: Int128 = 0
            shards.live.forEachOrder(instrument, side, price: level.price) { order, visible in
                let leaves = shards.live.order(id: order)?.view.leaves ?? -1
                all.append(RestingPicture(order: order, price: level.price, leaves: leaves, shown: visible))
                shown += Int128(visible)
            }
            // A level whose sums are not its orders' is no level.
            if shown != level.quantity || all.count - before != Int(level.orders) {
                all.append(RestingPicture(order: -1, price: level.price, leaves: -1, shown: -1))
            }
        }
        return all
    }

    func last(_ instrument: InstrumentID) -> Price? {
        guard let last = shards.live.marketView(instrument, now: 0)?.last, last != 0 else { return nil }
        return last
    }
}
