import Core
import NIOCore
import Synchronization
import WAL

/// One subscription: a filter, a place in the log, and text on its way to the connection. Filled by the thread that follows the log,
/// emptied by the connection's loop; bounded: when it is full the follower lets go of it, and a catch-up goes on from the log later.
final class Subscriber: Sendable {
    /// Who brings it forward.
    enum Source: Sendable { case follower, catchUp, none }

    struct State: ~Copyable {
        var text = OutputBuffer(capacity: 4 << 10)
        /// All events up to here are in the text or sent.
        var lsn: UInt64
        /// Events of the change after `lsn` that the client has already.
        var events: Int
        var source = Source.none
        /// Why it cannot be brought forward any more.
        var failure: StaticString?
        var isEnded = false
        var wakeIsUnderWay = false
    }

    let filter: EventFilter
    let loop: Loop
    let connection: ConnectionID
    let bytesMax: Int
    let state: Mutex<State>

    /// - Parameters:
    ///   - lsn: events after this change are wanted,
    ///   - events: of the change after it those after this number.
    init(filter: EventFilter, lsn: UInt64, events: Int, loop: Loop, connection: ConnectionID, bytesMax: Int) {
        self.filter = filter
        self.loop = loop
        self.connection = connection
        self.bytesMax = bytesMax
        state = Mutex(State(lsn: lsn, events: events))
    }

    /// Follower: writes a mutation's events. Returns whether there is room for more.
    func take(_ record: RecordReader.Record, _ shard: borrowing Shard, lsn: UInt64, _ writer: inout EventWriter) -> Bool {
        state.withLock { state in
            if state.isEnded { return false }
            if lsn <= state.lsn { return true }
            let after = lsn == state.lsn + 1 ? state.events : 0
            writer.write(
                record.mutation, shard: shard, lsn: Int64(lsn), time: record.time, after: after, filter: filter,
                into: &state.text)
            state.lsn = lsn
            state.events = 0
            return state.text.count < bytesMax
        }
    }

    /// Follower: wakes the loop once if there is something new for it.
    func wake() {
        let needed = state.withLock { state in
            if state.wakeIsUnderWay || state.isEnded { return false }
            state.wakeIsUnderWay = true
            return true
        }
        guard needed else { return }
        loop.eventLoop.execute { [loop, connection] in
            loop.enter()
            loop.connection(connection)?.feed()
        }
    }

    /// Loop: moves the text out. Returns the position it reaches, and whether nobody brings the subscriber forward any more.
    func drain(into write: (UnsafeRawBufferPointer) -> Void) -> (lsn: UInt64, isBehind: Bool, failure: StaticString?) {
        state.withLock { state in
            state.wakeIsUnderWay = false
            if !state.text.isEmpty {
                state.text.withUnsafeBytes { write($0) }
                state.text.removeAll()
            }
            return (state.lsn, state.source == .none, state.failure)
        }
    }

    func end() { state.withLock { $0.isEnded = true } }
}
