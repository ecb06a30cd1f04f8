import Core
import NIOCore
import Synchronization

/// A connection of a loop: its slot, and a generation so that an answer for one that has gone does not reach its successor.
struct ConnectionID: BitwiseCopyable, Hashable, Sendable {
    var slot: UInt32
    var generation: UInt32
}

/// Where an answer belongs: a hole in the output of a connection of a loop.
struct ReplyAddress: BitwiseCopyable, Sendable {
    var loop: Int
    var connection: ConnectionID
    var ticket: UInt64
    /// What a person calls the answer.
    var tag: Text
}

/// What loops say to each other.
///
/// Queues between loops cannot deadlock: handing over takes one short lock, never waits for room and never waits for the receiver,
/// so no loop ever waits for another one. They are bounded all the same: each message is owed to a command of a connection, of which at
/// most ``Connection/commandsInFlightMax`` are under way, or to an obligation in some shard's state.
enum Message: Sendable {
    /// One command for one shard of the receiver.
    case command(ReplyAddress, WalletID, Command, session: UInt64)
    /// The same, where what comes before it is done already.
    case admitted(ReplyAddress, WalletID, Command, session: UInt64)
    /// A share of a request that spans shards.
    case part(PartRequest)
    /// The answer to a command: a range of the parcel's text. Waits until the parcel's ``Parcel/sealedLSN`` is durable.
    case answer(ReplyAddress, start: Int, end: Int)
    case partDone(PartAnswer)

    /// For loop 0: decide a definition.
    case define(DefinitionRequest)
    /// For loop 0: the same status for all accounts.
    case defineHouse(ReplyAddress, AccountStatus, session: UInt64)
    /// From loop 0: entry `number` of the registry. `history`: entries 1...number, when the entry is a wallet whose shard is the receiver's.
    case record(number: Int64, Definition, history: [Definition])
    /// For loop 0: this loop's shards have it; `canceled` orders of a suspended account went with it.
    case recorded(number: Int64, canceled: Int64)
    /// The account that a deposit names is open now (or was refused).
    case opened(ReplyAddress, Rejection?)

    /// Money on its way to a shard of the receiver.
    case transfer(TransferReceived, target: WalletID)
    /// It is credited: the record's LSN is `lsn`.
    case credited(source: WalletID, target: WalletID, sequence: Int64, lsn: UInt64)

    /// Cancel the orders that this session entered with cancel-on-disconnect.
    case cancelOrders(session: UInt64, of: ConnectionID, loop: Int)
    case ordersCanceled(ConnectionID)
    /// A session of the same name has come: end this one, and say so when what it had sent is decided.
    case replace(ConnectionID, by: ReplyAddress)
    case replaced(ReplyAddress)
}

/// A share of CXA, of DMS or of a query, for one shard, or for the connections of one loop.
struct PartRequest: Sendable {
    enum Work: Sendable {
        case cancelAll(CancelAll)
        case deadMan(DeadMan)
        case query(Query)
        case status(hash: Bool)
        /// Of the loop with the wallet's number.
        case sessions
    }
    var gathering: UInt64
    var index: Int
    var loop: Int
    var tag: Text
    var wallet: WalletID
    var work: Work
    var session: UInt64
}

struct PartAnswer: Sendable {
    var gathering: UInt64
    var index: Int
    /// Rows in the text, or orders cancelled.
    var count: Int64
    var start: Int
    var end: Int
    var rejection: Rejection?
    /// Whether it recorded something.
    var changed: Bool
    /// How many records its turn had when it was done.
    var records = 0
}

struct DefinitionRequest: Sendable {
    var address: ReplyAddress
    var definition: Definition
    var session: UInt64
    /// Opens the account of a deposit, which goes on when it is open.
    var opensAccount: Bool
    /// `ACC n resume`: nothing else lifts a suspension.
    var resumes: Bool
    /// A change of an instrument: the bits of the keys that it names.
    var named: UInt64
}

/// All that one turn of a loop has to say to another one. Leaves after the turn's batch is in the log's queue, so any
/// prefix of the log is a consistent cut: no effect of a message can be durable without its cause.
struct Parcel: Sendable {
    var from: Int
    var messages: [Message] = []
    /// Text of answers.
    var text = ByteBuffer()
    /// Everything the sender's turn saw is in the log up to here.
    var sealedLSN: UInt64 = 0
    /// What stood before the turn's first record in the log; of a turn without any, ``sealedLSN``.
    var baseLSN: UInt64 = 0
    /// The last record of the sender's turn, or 0.
    var lastLSN: UInt64 = 0
    /// The sender's registry: names in the messages mean nothing to a loop that has not come so far.
    var registryNumber: Int64 = 0
}

/// Parcels for one loop. Any loop puts, the owner takes.
final class Mailbox: Sendable {
    private let parcels = Mutex<[Parcel]>([])

    /// Returns whether the owner has to be woken.
    func put(_ parcel: Parcel) -> Bool {
        parcels.withLock {
            $0.append(parcel)
            return $0.count == 1
        }
    }

    var count: Int { parcels.withLock { $0.count } }

    func take() -> [Parcel] {
        parcels.withLock { parcels in
            var taken: [Parcel] = []
            swap(&taken, &parcels)
            return taken
        }
    }
}
