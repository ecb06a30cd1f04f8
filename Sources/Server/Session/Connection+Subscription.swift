import Core
import NIOCore

// SUB and UNS: events are taken over from the follower's side when the connection has room for them.

extension Connection {
    /// While so much waits to be sent, events stay with the subscriber.
    static let feedBytesMax = 256 << 10
    /// Events that wait for one subscriber, before it is let go and fed from the log again.
    private static let subscriberBytesMax = 4 << 20

    func subscribe(_ request: SessionVerb.Subscription, tag: Text) {
        if subscription != nil { return answer(refusal: .alreadySubscribed, tag: tag) }
        if session.grant.roles.isDisjoint(with: [.viewer, .trader, .admin]) {
            return answer(refusal: .forbidden(need: "viewer", account: 0, venue: Text()), tag: tag)
        }
        let durable = loop.log.durableLSN
        var lsn = durable
        var events = 0
        if let from = request.from {
            guard from.lsn >= 0, UInt64(from.lsn) <= durable else {
                return answer(
                    refusal: .badValue(argument: "from", value: Text(cut: "\(from.lsn)"), expected: "a_durable_LSN"), tag: tag)
            }
            lsn = UInt64(from.lsn)
            if let event = from.event, lsn > 0 {
                lsn -= 1
                events = event
            }
            let oldest = loop.log.oldestFollowed
            if lsn + 1 < oldest { return answer(refusal: .logGone(oldest: Int64(oldest)), tag: tag) }
        }
        let subscriber = Subscriber(
            filter: EventFilter(
                visible: session.grant.visible, account: request.account, instrument: request.instrument, kinds: request.kinds),
            lsn: lsn, events: events, loop: loop, connection: id,
            bytesMax: min(Connection.subscriberBytesMax, loop.service.eventBufferBytes))
        // The answer stands before the first event: these come by way of this loop, later.
        guard loop.service.follower.add(subscriber) else { return answer(refusal: .busy("subscribers"), tag: tag) }
        subscription = subscriber
        position = lsn
        loop.metrics.done(loop.row)
        AnswerWriter.begin(tag, &loop.scratch)
        let from = request.from.map { from in from.event.map { "\(from.lsn).\($0)" } ?? "\(from.lsn)" } ?? "\(lsn)"
        loop.scratch.append(string: "OK from=\(from)\n")
    }

    func unsubscribe(tag: Text) {
        guard isSubscribed else { return answer(refusal: .notSubscribed, tag: tag) }
        subscription?.end()
        subscription = nil
        endMarket()
        loop.metrics.done(loop.row)
        AnswerWriter.ok(tag: tag, into: &loop.scratch)
    }

    /// To events or to market data.
    var isSubscribed: Bool { subscription != nil || market != nil }

    /// Whether the follower has written something for this connection.
    var hasNews: Bool {
        if let subscription, subscription.state.withLock({ !$0.text.isEmpty || $0.source == .none }) { return true }
        return market?.hasNews ?? false
    }

    /// Takes over what the follower has written, as far as there is room.
    func feed() {
        feedEvents()
        feedMarket()
    }

    private func feedEvents() {
        guard let subscription, output.bytes < Connection.feedBytesMax else { return }
        flushScratch()
        let (lsn, isBehind, failure) = subscription.drain { bytes in
            output.append(dependsOnState: false) { $0.writeBytes(bytes) }
        }
        position = lsn
        if !output.isEmpty { loop.touch(self) }
        if let failure {
            subscription.end()
            self.subscription = nil
            return append(information: "UNSUBSCRIBED", [("reason", failure.description)])
        }
        // Let go because it read too slowly: the log has the rest. When all catch-ups are taken the next tick tries again.
        if isBehind { _ = loop.service.follower.add(subscription) }
    }
}

extension Text {
    /// At most what fits.
    init(cut string: String) {
        var copy = string
        self = copy.withUTF8 { Text(cut: UnsafeRawBufferPointer($0)) }
    }
}
