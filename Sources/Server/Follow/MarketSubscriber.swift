import Core
import NIOCore
import Synchronization
import WAL

/// The market data of one connection: the books and trades it has asked for, and text on its way to it. Filled by the thread that follows the log, from
/// its shards and so never ahead of what is durable; emptied by the connection's loop. While the text is full, books wait, and go on with one step from
/// what was sent last to what is then.
final class MarketSubscriber: Sendable {
    /// Subscriptions of one connection, books and trades.
    static let feedsMax = 256
    /// Text beyond which nothing more is written until it is taken.
    private static let textBytesMax = 1 << 20

    struct State: ~Copyable {
        var text = OutputBuffer(capacity: 4 << 10)
        var books: [BookFeed] = []
        var trades: [TradeFeed] = []
        /// The follower has it.
        var isFollowed = false
        /// A book was left as it is: for want of room, or because another was removed.
        var isBehind = false
        var isEnded = false
        var wakeIsUnderWay = false
    }

    let loop: Loop
    let connection: ConnectionID
    let state = Mutex(State())

    init(loop: Loop, connection: ConnectionID) {
        self.loop = loop
        self.connection = connection
    }

    // MARK: Loop

    /// Why a subscription is not taken.
    enum Fault { case isThere, tooMany }

    func add(_ request: SessionVerb.MarketData, wallets: (book: WalletID, trades: WalletID), from lsn: UInt64) -> Fault? {
        state.withLock { state in
            if state.books.contains(where: { $0.instrument == request.book }) { return .isThere }
            if state.trades.contains(where: { $0.instrument == request.trades }) { return .isThere }
            let wanted = (request.book >= 0 ? 1 : 0) + (request.trades >= 0 ? 1 : 0)
            if state.books.count + state.trades.count + wanted > MarketSubscriber.feedsMax { return .tooMany }
            if request.book >= 0 {
                state.books.append(BookFeed(instrument: request.book, wallet: wallets.book, depth: request.depth, from: lsn))
            }
            if request.trades >= 0 { state.trades.append(TradeFeed(instrument: request.trades, from: lsn)) }
            return nil
        }
    }

    /// Ends what the request names; false, and nothing is ended, where something of it is not there.
    func remove(_ request: SessionVerb.MarketData) -> Bool {
        state.withLock { state in
            let book = state.books.firstIndex { $0.instrument == request.book }
            let trades = state.trades.firstIndex { $0.instrument == request.trades }
            guard request.book < 0 || book != nil, request.trades < 0 || trades != nil else { return false }
            if let book {
                state.books.remove(at: book)
                // Others have moved to other places, perhaps while the follower was going through them.
                state.isBehind = true
            }
            if let trades { state.trades.remove(at: trades) }
            return true
        }
    }

    var isEmpty: Bool { state.withLock { $0.books.isEmpty && $0.trades.isEmpty } }

    /// Whether there is something to do for the loop.
    var hasNews: Bool { state.withLock { !$0.text.isEmpty || !$0.isFollowed } }

    /// Moves the text out. Returns whether books wait for the room there is now, and whether the follower has let go.
    func drain(into write: (UnsafeRawBufferPointer) -> Void) -> (isBehind: Bool, isFollowed: Bool) {
        state.withLock { state in
            state.wakeIsUnderWay = false
            if !state.text.isEmpty {
                state.text.withUnsafeBytes { write($0) }
                state.text.removeAll()
            }
            let isBehind = state.isBehind
            state.isBehind = false
            return (isBehind, state.isFollowed)
        }
    }

    func end() { state.withLock { $0.isEnded = true } }

    // MARK: Follower

    /// It is this follower's from now on. Where it was another's before, books begin anew; trades go on.
    func follow(from lsn: UInt64) {
        state.withLock { state in
            state.isFollowed = true
            for index in state.books.indices { state.books[index].beginAnew(from: lsn) }
        }
    }

    func letGo() { state.withLock { $0.isFollowed = false } }

    func take(_ trade: PublicTrade, lsn: UInt64) {
        state.withLock { state in
            guard let index = state.trades.firstIndex(where: { $0.instrument == trade.instrument }) else { return }
            let hasRoom = state.text.count < MarketSubscriber.textBytesMax
            state.trades[index].write(trade, lsn: lsn, hasRoom: hasRoom, into: &state.text)
        }
    }

    /// After a step of the follower, which ended at `lsn`. Returns false when the connection is gone.
    func take(_ touched: [InstrumentID: TouchedBook], _ replayer: Replayer, lsn: UInt64) -> Bool {
        let (isEnded, count) = state.withLock { state in
            if state.isEnded { return (true, 0) }
            for index in state.books.indices {
                if let touched = touched[state.books[index].instrument] { state.books[index].note(touched) }
            }
            return (false, state.books.contains(where: \.isDue) ? state.books.count : 0)
        }
        // One at a time, as the connection's loop may wait for the lock. Where it has removed some meanwhile, the rest is looked at again.
        for index in 0..<count {
            state.withLock { state in
                guard index < state.books.count, state.books[index].isDue else { return }
                guard state.text.count < MarketSubscriber.textBytesMax else { return state.isBehind = true }
                if let box = replayer.box(state.books[index].wallet) { state.books[index].write(box.shard, lsn: lsn, into: &state.text) }
            }
        }
        return !isEnded
    }

    /// Wakes the loop once if there is something new for it.
    func wake() {
        let needed = state.withLock { state in
            if state.wakeIsUnderWay || state.isEnded || (state.text.isEmpty && state.isFollowed) { return false }
            state.wakeIsUnderWay = true
            return true
        }
        guard needed else { return }
        loop.eventLoop.execute { [loop, connection] in
            loop.enter()
            loop.connection(connection)?.feedMarket()
        }
    }
}
