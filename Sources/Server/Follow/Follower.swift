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
        var position: UInt64 = 0
        var isStarted = false
        var isStopped = false
        var catchUps = 0
    }

    private let log: Log
    private let logger: Logger
    private let state = Mutex(State())
    private let bell = Bell()
    private let finished = DispatchSemaphore(value: 0)

    init(log: Log, logger: Logger) {
        self.log = log
        self.logger = logger
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
                if !state.isStarted {
                    state.isStarted = true
                    start { [self] in follow() }
                }
                return .live
            }
            if state.catchUps >= Follower.catchUpsMax { return .refused }
            state.catchUps += 1
            subscriber.state.withLock { $0.source = .catchUp }
            return .catchUp
        }
        switch way {
        case .live: bell.wake()
        case .catchUp: start { [self] in catchUp(subscriber) }
        case .refused: return false
        }
        return true
    }

    func stop() {
        let wasStarted = state.withLock { state in
            state.isStopped = true
            return state.isStarted
        }
        bell.wake()
        if wasStarted { finished.wait() }
    }

    private func start(_ body: @escaping @Sendable () -> Void) {
        DispatchQueue(label: "cashup.follow", qos: .utility).async(execute: body)
    }

    // MARK: The follower

    private func follow() {
        do {
            let replayer = try Replayer(directory: log.directory)
            while true {
                let (isStopped, hasWork) = state.withLock { ($0.isStopped, !$0.subscribers.isEmpty && $0.position < log.durableLSN) }
                if isStopped {
                    finished.signal()
                    return
                }
                guard hasWork else {
                    bell.sleep { state.withLock { $0.isStopped || (!$0.subscribers.isEmpty && $0.position < log.durableLSN) } }
                    continue
                }
                let fed = try state.withLock { state in
                    try advance(replayer, to: min(log.durableLSN, state.position + Follower.stepRecords), &state.subscribers)
                    state.position = replayer.position
                    return state.subscribers
                }
                for subscriber in fed { subscriber.wake() }
            }
        } catch {
            logger.critical("subscriptions stand still: the log cannot be followed: \(error)")
            // Each attempt reads the log from its begin: not at once again.
            usleep(Follower.retryMicros)
            let isStopped = state.withLock { state in
                // Their connections add them again, and the first of them starts anew.
                for subscriber in state.subscribers { subscriber.state.withLock { $0.source = .none } }
                state.subscribers.removeAll()
                state.position = 0
                state.isStarted = false
                return state.isStopped
            }
            if isStopped { finished.signal() }
        }
    }
    private static let retryMicros: UInt32 = 1_000_000
    /// Records per step, so that a newcomer does not wait long for the lock.
    private static let stepRecords: UInt64 = 16_384

    /// Brings the replayer forward and lets go of subscribers that are full or gone.
    private func advance(_ replayer: Replayer, to limit: UInt64, _ subscribers: inout [Subscriber]) throws {
        try replayer.advance(to: limit) { record, shard, lsn, writer in
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
            let replayer = try Replayer(directory: log.directory)
            while waitForRoom(subscriber) {
                let (isFollowed, target) = state.withLock { ($0.isStarted, $0.position) }
                // The follower has failed and begins anew: the connection adds the subscriber again.
                if !isFollowed || replayer.position > target { break }
                if replayer.position >= target {
                    // The follower stands still while its lock is held, so the two are compared and joined at one place.
                    let isJoined = state.withLock { state in
                        guard state.isStarted, state.position == replayer.position else { return false }
                        subscriber.state.withLock { $0.source = .follower }
                        state.subscribers.append(subscriber)
                        return true
                    }
                    if !isJoined { continue }
                    subscriber.wake()
                    return bell.wake()
                }
                try replayer.advance(to: min(target, replayer.position + Follower.stepRecords)) { record, shard, lsn, writer in
                    _ = subscriber.take(record, shard, lsn: lsn, &writer)
                }
                subscriber.wake()
            }
        } catch {
            logger.error("a subscription ends: the log cannot be read: \(error)")
        }
        subscriber.state.withLock { $0.source = .none }
        subscriber.wake()
    }

    /// False when the subscriber is gone, has read nothing for a second (others may want the place), or the service stops.
    private func waitForRoom(_ subscriber: Subscriber) -> Bool {
        for _ in 0..<200 {
            if state.withLock({ $0.isStopped }) { return false }
            let (isEnded, hasRoom) = subscriber.state.withLock { ($0.isEnded, $0.text.count < subscriber.bytesMax / 2) }
            if isEnded { return false }
            if hasRoom { return true }
            usleep(5_000)
        }
        return false
    }
}
