import Core
import Dispatch
import Glibc
import Logging
import Synchronization
import WAL

/// Feeds subscriptions from the durable log, on threads of its own: never ahead of the durable LSN, never slowing the log down.
///
/// One follower keeps shards of its own at the log's end and writes events for all live subscribers. Who asks for an older place,
/// or has read too slowly and was let go, is served by a catch-up: a second replay from the log's begin that hands the subscriber to the
/// follower when it has come up to it, without gap or repeat. At most ``catchUpsMax`` at a time, as each holds the whole state once more.
///
/// With no subscriber the follower sleeps where it is; with none ever it does not exist.
final class Follower: Sendable {
    static let catchUpsMax = 2

    private struct State {
        var subscribers: [Subscriber] = []
        var markets: [MarketSubscriber] = []
        var position: UInt64 = 0
        var isStarted = false
        var isStopped = false
        var catchUps = 0
    }

    private let log: Log
    private let logger: Logger
    /// In place of threads; `nil` where there are some.
    private let steps: FollowerSteps?
    private let state = Mutex(State())
    /// Of the markets somebody has asked for more, or has room for it again.
    private let isAsked = Atomic<Bool>(false)
    private let bell = Bell()
    private let finished = DispatchSemaphore(value: 0)

    init(log: Log, background: LogOptions.Background, logger: Logger) {
        self.log = log
        self.logger = logger
        steps = background == .stepped ? FollowerSteps() : nil
    }

    /// Any thread, after the durable LSN has moved.
    func ring() { bell.ring() }

    /// Takes a subscriber on. Returns false when it needs a catch-up and too many are under way.
    func add(_ subscriber: Subscriber) -> Bool {
        let lsn = subscriber.state.withLock { $0.lsn }
        enum Way { case live, catchUp, refused }
        let way: Way = state.withLock { state in
            if lsn >= state.position {
                subscriber.state.withLock { $0.source = .follower }
                state.subscribers.append(subscriber)
                begin(&state, at: lsn)
                return .live
            }
            if state.catchUps >= Follower.catchUpsMax { return .refused }
            state.catchUps += 1
            subscriber.state.withLock { $0.source = .catchUp }
            return .catchUp
        }
        switch way {
        case .live: bell.wake()
        case .catchUp:
            if let steps { steps.catchUps.append((subscriber, nil)) } else { start { [self] in catchUp(subscriber) } }
        case .refused: return false
        }
        return true
    }

    /// Takes on a connection's market data, which begins with what is after change `lsn`, a durable one.
    func add(_ market: MarketSubscriber, from lsn: UInt64) {
        market.follow(from: lsn)
        state.withLock { state in
            state.markets.append(market)
            begin(&state, at: lsn)
        }
        askForMarkets()
    }

    /// Any thread: there is a new subscription to market data, or room for what was left out. Waits for nothing.
    func askForMarkets() {
        isAsked.store(true, ordering: .sequentiallyConsistent)
        bell.ring()
    }

    private func begin(_ state: inout State, at lsn: UInt64) {
        if state.isStarted { return }
        state.isStarted = true
        // Where it will begin: who comes meanwhile and wants more is fed from the log.
        state.position = log.snapshotLSN(upTo: lsn)
        if let steps { steps.isFollowing = true } else { start { [self] in follow() } }
    }

    func stop() {
        let wasStarted = state.withLock { state in
            state.isStopped = true
            return state.isStarted
        }
        bell.wake()
        if wasStarted, steps == nil { finished.wait() }
    }

    private func start(_ body: @escaping @Sendable () -> Void) {
        DispatchQueue(label: "cashup.follow", qos: .utility).async(execute: body)
    }

    // MARK: The follower

    private func follow() {
        while true {
            do {
                let replayer = try replayer()
                while true {
                    if state.withLock({ $0.isStopped }) {
                        finished.signal()
                        return
                    }
                    if try !followOn(replayer) {
                        bell.sleep { state.withLock { $0.isStopped || hasWork($0) } }
                    }
                }
            } catch {
                logger.critical("subscriptions stand still: the log cannot be followed: \(error)")
                // Each attempt reads the log from its begin: not at once again.
                usleep(Follower.retryMicros)
                let (isStopped, goesOn) = beginAnew(after: error)
                if isStopped { finished.signal() }
                if isStopped || !goesOn { return }
            }
        }
    }

    private func replayer(upTo lsn: UInt64) throws -> Replayer { try Replayer(directory: log.directory, upTo: lsn, disk: log.disk) }

    /// The follower's own.
    private func replayer() throws -> Replayer { try replayer(upTo: state.withLock { $0.position }) }

    private func replayer(for subscriber: Subscriber) throws -> Replayer { try replayer(upTo: subscriber.state.withLock { $0.lsn }) }

    private func hasWork(_ state: borrowing State) -> Bool {
        if !state.subscribers.isEmpty || !state.markets.isEmpty, state.position < log.durableLSN { return true }
        return !state.markets.isEmpty && isAsked.load(ordering: .sequentiallyConsistent)
    }

    /// Feeds the subscribers a piece of the log; returns whether there was one, or somebody who had asked.
    ///
    /// No lock is held meanwhile: loops take it when somebody subscribes, and this may be long. Who comes then is in `state` for the next piece, which
    /// begins where this one ends, at `state.position` at the latest.
    private func followOn(_ replayer: Replayer) throws -> Bool {
        var subscribers: [Subscriber] = []
        var markets: [MarketSubscriber] = []
        let limit: UInt64? = state.withLock { state in
            guard hasWork(state) else { return nil }
            // Before looking at them: who asks from now on is looked at again.
            isAsked.store(false, ordering: .sequentiallyConsistent)
            swap(&subscribers, &state.subscribers)
            swap(&markets, &state.markets)
            let durable = log.durableLSN
            let limit = min(durable, state.position + Follower.stepRecords)
            // A frame is read to its end, which may be past the limit.
            state.position = durable
            return limit
        }
        guard let limit else { return false }
        defer {
            state.withLock { state in
                state.subscribers += subscribers
                state.markets += markets
                state.position = replayer.position
            }
        }
        if replayer.notesLevels != !markets.isEmpty { replayer.notesLevels = !markets.isEmpty }
        try advance(replayer, to: limit, &subscribers, markets)
        if !markets.isEmpty {
            // A step ends with a turn's last record, so no command is half done and no book is crossed.
            let touched = replayer.takeTouchedBooks()
            markets.removeAll { !$0.take(touched, replayer, lsn: replayer.position) }
        }
        for subscriber in subscribers { subscriber.wake() }
        for market in markets { market.wake() }
        return true
    }

    /// After a failure: the connections of subscribers to events add them again, and the first of them starts anew. Those to market data stay, and
    /// go on from where they were, so that no trade is lost to them; but where that is gone, they are added again, too. Returns whether the
    /// service stops, and whether the follower goes on.
    private func beginAnew(after error: any Error) -> (isStopped: Bool, goesOn: Bool) {
        var isGone = false
        if case LogError.refused? = error as? LogError { isGone = true }
        return state.withLock { state in
            for subscriber in state.subscribers { subscriber.state.withLock { $0.source = .none } }
            state.subscribers.removeAll()
            if !state.markets.isEmpty, !isGone {
                for market in state.markets { market.follow(from: state.position) }
                state.position = log.snapshotLSN(upTo: state.position)
                return (state.isStopped, true)
            }
            for market in state.markets {
                market.letGo()
                market.wake()
            }
            state.markets.removeAll()
            state.position = 0
            state.isStarted = false
            return (state.isStopped, false)
        }
    }
    private static let retryMicros: UInt32 = 1_000_000
    /// Records per step, so that a newcomer does not wait long for its turn.
    private static let stepRecords: UInt64 = 16_384

    /// Brings the replayer forward and lets go of subscribers that are full or gone.
    private func advance(
        _ replayer: Replayer, to limit: UInt64, _ subscribers: inout [Subscriber], _ markets: [MarketSubscriber]
    ) throws {
        try replayer.advance(to: limit) { record, shard, lsn, writer in
            if !markets.isEmpty, case .matched(let matched) = record.mutation {
                let trade = PublicTrade(matched, shard, time: record.time)
                for market in markets { market.take(trade, lsn: lsn) }
            }
            var position = 0
            while position < subscribers.count {
                if subscribers[position].take(record, shard, lsn: lsn, &writer) {
                    position += 1
                } else {
                    let full = subscribers.remove(at: position)
                    full.state.withLock { $0.source = .none }
                    full.wake()
                }
            }
        }
    }

    // MARK: Catching up

    private func catchUp(_ subscriber: Subscriber) {
        defer { state.withLock { $0.catchUps -= 1 } }
        do {
            let replayer = try replayer(for: subscriber)
            catching: while waitForRoom(subscriber) {
                switch try catchUp(subscriber, replayer) {
                case .isOnItsWay: continue
                case .isThere: return
                case .isOver: break catching
                }
            }
        } catch {
            fail(subscriber, error)
        }
        letGo(subscriber)
    }

    private enum CatchUp { case isOnItsWay, isThere, isOver }

    /// Feeds the subscriber a piece of the log, or hands it to the follower.
    private func catchUp(_ subscriber: Subscriber, _ replayer: Replayer) throws -> CatchUp {
        let (isFollowed, target) = state.withLock { ($0.isStarted, $0.position) }
        // The follower has failed and begins anew: the connection adds the subscriber again.
        if !isFollowed { return .isOver }
        if replayer.position >= target {
            // What it has already it is not given again, so it may be ahead of where the follower's next piece begins.
            let isJoined = state.withLock { state in
                guard state.isStarted, state.position <= replayer.position else { return false }
                subscriber.state.withLock { $0.source = .follower }
                state.subscribers.append(subscriber)
                return true
            }
            if !isJoined { return .isOnItsWay }
            subscriber.wake()
            bell.wake()
            return .isThere
        }
        try replayer.advance(to: min(target, replayer.position + Follower.stepRecords)) { record, shard, lsn, writer in
            _ = subscriber.take(record, shard, lsn: lsn, &writer)
        }
        subscriber.wake()
        return .isOnItsWay
    }

    /// Its client is told, and may subscribe again from where the log is.
    private func fail(_ subscriber: Subscriber, _ error: any Error) {
        logger.error("a subscription ends: the log cannot be read: \(error)")
        var isGone = false
        if case LogError.refused? = error as? LogError { isGone = true }
        subscriber.state.withLock { $0.failure = isGone ? "log_gone" : "log_unreadable" }
    }

    private func letGo(_ subscriber: Subscriber) {
        subscriber.state.withLock { $0.source = .none }
        subscriber.wake()
    }

    /// False when the subscriber is gone, has read nothing for a second (others may want the place), or the service stops.
    private func waitForRoom(_ subscriber: Subscriber) -> Bool {
        for _ in 0..<200 {
            if let hasRoom = hasRoom(subscriber) {
                if hasRoom { return true }
            } else {
                return false
            }
            usleep(5_000)
        }
        return false
    }

    /// `nil`: it is gone, or the service stops.
    private func hasRoom(_ subscriber: Subscriber) -> Bool? {
        if state.withLock({ $0.isStopped }) { return nil }
        return subscriber.state.withLock { $0.isEnded ? nil : $0.text.count < subscriber.bytesMax / 2 }
    }
}

// MARK: Without threads

/// The follower's work where somebody else's thread does it piece by piece. Owner: that thread.
private final class FollowerSteps: @unchecked Sendable {
    var isFollowing = false
    var follower: Replayer?
    var catchUps: [(subscriber: Subscriber, replayer: Replayer?)] = []
}

extension Follower {
    /// One piece of the follower's work and one of each catch-up's; returns whether there was something to do.
    func step() -> Bool {
        guard let steps else { return false }
        var hasWorked = false
        if steps.isFollowing {
            do {
                if steps.follower == nil { steps.follower = try replayer() }
                hasWorked = try followOn(steps.follower!)
            } catch {
                logger.critical("subscriptions stand still: the log cannot be followed: \(error)")
                steps.follower = nil
                steps.isFollowing = beginAnew(after: error).goesOn
            }
        }
        var kept: [(subscriber: Subscriber, replayer: Replayer?)] = []
        for (subscriber, begun) in steps.catchUps {
            let room = hasRoom(subscriber)
            if room == false {
                kept.append((subscriber, begun))
                continue
            }
            hasWorked = true
            do {
                let replayer = try begun ?? replayer(for: subscriber)
                let progress = room == nil ? .isOver : try catchUp(subscriber, replayer)
                if progress == .isOnItsWay { kept.append((subscriber, replayer)) } else { state.withLock { $0.catchUps -= 1 } }
                if progress == .isOver { letGo(subscriber) }
            } catch {
                fail(subscriber, error)
                state.withLock { $0.catchUps -= 1 }
                letGo(subscriber)
            }
        }
        steps.catchUps = kept
        return hasWorked
    }
}
