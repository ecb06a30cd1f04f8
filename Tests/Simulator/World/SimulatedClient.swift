import NIOCore
import SimulatorModel

/// A client and its end of the connection: bytes on their way in both directions.
final class SimulatedClient {
    let index: Int
    let trader: Trader
    var link: Link?
    /// It reads nothing for a while.
    var isStalled = false

    init(index: Int, trader: Trader) {
        self.index = index
        self.trader = trader
    }

    /// One connection, from the client's connect to the moment it knows that it is over.
    final class Link {
        let number: Int
        let channel: SimulatedChannel
        /// From the client, not yet arrived.
        var toService: [UInt8] = []
        var hasHalfClosed = false
        /// From the service, not yet arrived.
        var toClient: [UInt8] = []
        /// What the client has of a line without its end.
        var partial: [UInt8] = []
        /// The same for bytes that have just left the service, and what was durable when its first byte did.
        var leaving: [UInt8] = []
        var leavingSince: UInt64 = 0

        init(number: Int, channel: SimulatedChannel) {
            self.number = number
            self.channel = channel
        }
    }
}
