import Core

// Internal venues: what a match and a trigger do, and what the book is then. What is to come of a command says the twin (Decide+Market.swift);
// here each record is checked by itself, too.

/// A price of a book and what shows there.
struct LevelState: Equatable {
    var price: Price
    var shown: Int128
    var orders: Int
}

extension Model {
    func apply(_ matched: Matched, _ wallet: WalletState, _ time: Timestamp) throws(Fault) {
        let (maker, taker) = (try open(matched.maker, wallet), try open(matched.taker, wallet))
        let id = maker.instrument
        try require(names.isInternal(id) && taker.instrument == id, "a match of two instruments or of a manual venue")
        try require(maker.side != taker.side, "two orders of one side are matched")
        try require(maker.account != taker.account, "account \(maker.account) trades with itself")
        try require(!maker.isArmed && !taker.isArmed, "an armed order is matched")
        try require(maker.leg == 0 && taker.leg == 0, "an order of a pair is matched, and the other leg is open")
        try require(book(id, maker.side, wallet, .max).first?.id == maker.id, "order \(maker.id) is matched, and it is not its turn")
        try require(matched.price == maker.price, "a match at \(matched.price), the maker's price is \(maker.price)")
        let crosses = taker.type == .market || (taker.side == .buy ? taker.price >= maker.price : taker.price <= maker.price)
        try require(crosses, "order \(taker.id) does not want to trade at \(maker.price)")
        try require(
            matched.quantity > 0 && matched.quantity <= maker.shown && matched.quantity <= taker.leaves,
            "a match of \(matched.quantity): \(maker.shown) shows, \(taker.leaves) are wanted")
        guard let worth = worth(id, matched.price, matched.quantity) else { throw Fault("a match is worth too much") }
        try require(
            matched.makerFee == worth * Int128(maker.fees.maker) / 1_000_000 && matched.takerFee == worth * Int128(taker.fees.taker) / 1_000_000,
            "fees of \(matched.makerFee) and \(matched.takerFee) of \(worth)")
        let quote = names.instruments[Int(id)].quote
        for (trade, order, fee, liquidity) in [
            (matched.trade, maker, matched.makerFee, Liquidity.maker), (matched.trade + 1, taker, matched.takerFee, .taker),
        ] {
            try apply(
                Filled(
                    trade: trade, order: order.id, quantity: matched.quantity, price: matched.price, exec: Text(), fee: fee, feeAsset: quote,
                    liquidity: liquidity, venueTime: 0), isMatch: true, wallet, time)
        }
        wallet.lasts[id, default: Versioned(LastTrade())].set(LastTrade(price: matched.price, quantity: matched.quantity, time: time), lsn)
    }

    /// What shows of an order after one of its trades, and its turn.
    func keepPlace(_ order: inout OrderState, _ filled: Filled, _ wallet: WalletState) {
        guard order.status.isOpen, filled.liquidity == .maker else {
            order.shown = min(order.shown, order.leaves)
            return
        }
        order.shown -= filled.quantity
        // The next slice comes last.
        if order.shown == 0 { takePlace(&order, wallet) }
    }

    func applyTriggered(_ id: OrderID, _ wallet: WalletState, _ time: Timestamp) throws(Fault) {
        var order = try open(id, wallet)
        try require(order.isArmed, "order \(id) is triggered and was not armed")
        try require(order.leg == 0, "order \(id) of a pair is triggered, and the other leg is open")
        order.isArmed = false
        order.updated = time
        takePlace(&order, wallet)
        wallet.changeOrder(id, lsn) { $0 = order }
    }

    /// What rests on a side, the first to trade first.
    func book(_ instrument: InstrumentID, _ side: Side, _ wallet: WalletState, _ at: UInt64) -> [OrderState] {
        var found: [OrderState] = []
        for (pair, ids) in wallet.ordersOf where pair.other == instrument {
            for id in ids {
                guard let order = wallet.order(id, at), order.side == side, order.status.isOpen, !order.isArmed, order.mayRest else { continue }
                found.append(order)
            }
        }
        return found.sorted { ($0.price, $0.rank) != ($1.price, $1.rank) && ($0.price == $1.price ? $0.rank < $1.rank : ($0.price > $1.price) == (side == .buy)) }
    }

    func levels(_ instrument: InstrumentID, _ side: Side, _ wallet: WalletState, _ at: UInt64, depth: Int = .max) -> [LevelState] {
        var levels: [LevelState] = []
        for order in book(instrument, side, wallet, at) {
            if levels.last?.price == order.price {
                levels[levels.count - 1].shown += Int128(order.shown)
                levels[levels.count - 1].orders += 1
            } else {
                if levels.count == depth { break }
                levels.append(LevelState(price: order.price, shown: Int128(order.shown), orders: 1))
            }
        }
        return levels
    }

    /// Between two commands no buyer and seller stand there that would trade.
    func crossed(_ wallet: WalletState) -> String? {
        for id in names.instruments.indices.map({ InstrumentID($0) }) where names.instruments[Int(id)].wallet == wallet.number && names.isInternal(id) {
            if let bid = book(id, .buy, wallet, .max).first, let ask = book(id, .sell, wallet, .max).first, bid.price >= ask.price {
                return "the book of \(names.instruments[Int(id)].symbol.plain) is crossed: orders \(bid.id) and \(ask.id)"
            }
            for (pair, ids) in wallet.ordersOf where pair.other == id {
                for order in ids.compactMap({ wallet.order($0, .max) }) where order.status.isOpen && !order.isArmed && !order.mayRest {
                    return "order \(order.id) rests, and it must not"
                }
            }
        }
        return nil
    }
}
