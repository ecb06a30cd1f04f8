import Core
import NIOCore

// SUB book=, SUB trades= and UNS: market data, taken over from the follower's side when the connection has room for it.

extension Connection {
    func subscribe(_ request: SessionVerb.MarketData, tag: Text) {
        let market = self.market ?? MarketSubscriber(loop: loop, connection: id)
        // Everything that anybody has been told of is in the first lines.
        let lsn = loop.log.durableLSN
        let wallet = { [loop] (id: InstrumentID) in id < 0 ? WalletID(0) : loop.registry.instruments[Int(id)].wallet }
        switch market.add(request, wallets: (wallet(request.book), wallet(request.trades)), from: lsn) {
        case .isThere: return answer(refusal: .alreadySubscribed, tag: tag)
        case .tooMany: return answer(refusal: .tableFull("subscriptions", max: MarketSubscriber.feedsMax), tag: tag)
        case nil: break
        }
        if self.market == nil {
            self.market = market
            loop.service.follower.add(market, from: lsn)
        } else {
            loop.service.follower.askForMarkets()
        }
        loop.metrics.done(loop.row)
        // The answer stands before the first line: these come by way of this loop, later.
        AnswerWriter.ok(tag: tag, into: &loop.scratch)
    }

    func unsubscribe(_ request: SessionVerb.MarketData, tag: Text) {
        guard let market, market.remove(request) else { return answer(refusal: .notSubscribed, tag: tag) }
        // What was written of it stands before the answer, nothing after it.
        takeMarketText()
        if market.isEmpty { endMarket() }
        loop.metrics.done(loop.row)
        AnswerWriter.ok(tag: tag, into: &loop.scratch)
    }

    func endMarket() {
        market?.end()
        market = nil
    }

    /// Takes over what the follower has written, as far as there is room.
    func feedMarket() {
        guard market != nil, output.bytes < Connection.feedBytesMax else { return }
        takeMarketText()
    }

    private func takeMarketText() {
        guard let market else { return }
        flushScratch()
        let (isBehind, isFollowed) = market.drain { bytes in
            output.append(dependsOnState: false) { $0.writeBytes(bytes) }
        }
        if !output.isEmpty { loop.touch(self) }
        if !isFollowed {
            // The follower has failed and begins anew.
            loop.service.follower.add(market, from: loop.log.durableLSN)
        } else if isBehind {
            loop.service.follower.askForMarkets()
        }
    }
}
