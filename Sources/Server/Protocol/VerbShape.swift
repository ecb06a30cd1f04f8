/// What the parser knows of a verb's form; ``Help`` has the same for people, and a test compares the two.
package struct VerbShape {
    /// Positional arguments, at least and at most.
    package var argumentsMin: Int
    package var argumentsMax: Int
    /// Which positional argument names an order, so that `id=` may stand there; -1: none.
    package var orderIndex = -1
    package var keys: KeySet
    package var required = KeySet()

    init(_ arguments: ClosedRange<Int>, order: Int = -1, _ keys: KeySet = KeySet(), required: KeySet = KeySet()) {
        argumentsMin = arguments.lowerBound
        argumentsMax = arguments.upperBound
        orderIndex = order
        self.required = required
        self.keys = keys | required | .before
    }
}

extension Verb {
    package var shape: VerbShape {
        switch self {
        case .auth: VerbShape(1...1, KeySet(.session) | .hb | .cod)
        case .ping, .time, .sync, .quit, .sessions, .snapshot: VerbShape(0...0)
        case .help: VerbShape(0...1)
        case .stat: VerbShape(0...0, KeySet(.hash))
        case .subscribe: VerbShape(0...0, KeySet(.from) | .account | .symbol | .kind | .book | .trades | .depth)
        case .unsubscribe: VerbShape(0...0, KeySet(.book) | .trades)

        case .new:
            VerbShape(
                7...7, KeySet(.expire) | .max | .strategy | .note | Verb.instructions, required: KeySet(.id))
        case .replace: VerbShape(5...5, order: 2, KeySet(.max) | .stop)
        case .cancel: VerbShape(3...3, order: 2, KeySet(.reason))
        case .cancelAll: VerbShape(1...2, KeySet(.wallet))
        case .fill: VerbShape(5...5, order: 2, KeySet(.fee) | .feeasset | .liq | .time, required: KeySet(.exec))
        case .close: VerbShape(2...4, KeySet(.max) | .strategy | .note, required: KeySet(.id))

        case .deposit, .withdraw: VerbShape(3...3, KeySet(.wallet) | .note, required: KeySet(.ref))
        case .adjust: VerbShape(3...3, KeySet(.wallet), required: KeySet(.ref) | .reason)
        case .hold, .release: VerbShape(3...3, KeySet(.wallet) | .reason, required: KeySet(.ref))
        case .transfer: VerbShape(4...4, KeySet(.from) | .to | .note, required: KeySet(.ref))
        case .takeOver: VerbShape(4...4, KeySet(.note), required: KeySet(.ref))

        case .balances: VerbShape(1...2, KeySet(.wallet) | .limit)
        case .positions: VerbShape(1...2, KeySet(.limit))
        case .orders: VerbShape(1...3, order: 2, KeySet(.status) | .limit | .after)
        case .trades: VerbShape(1...3, order: 2, KeySet(.limit))
        case .book: VerbShape(1...1, KeySet(.depth))
        case .market: VerbShape(0...1, KeySet(.limit))

        case .assets: VerbShape(0...1, KeySet(.decimals) | .limit)
        case .wallets: VerbShape(0...1, KeySet(.limit))
        case .venues: VerbShape(0...1, KeySet(.kind) | .limit)
        case .instruments:
            VerbShape(
                0...1,
                KeySet(.venue) | .wallet | .base | .quote | .priceScale | .qtyScale | .funds | Verb.instrumentTerms | .limit)
        case .accounts: VerbShape(0...2, KeySet(.limit) | .after)
        case .limits: VerbShape(1...2, KeySet(.wallet) | Verb.limitValues | .limit)
        case .deadMan: VerbShape(0...2, KeySet(.limit))
        case .mark: VerbShape(2...2)
        case .settings: VerbShape(0...2, KeySet(.limit))

        case .acknowledge, .reject, .canceledByVenue, .replacedByVenue, .cancelRejected: VerbShape(0...0)
        }
    }

    /// The options of NEW that only internal venues know.
    static var instructions: KeySet { KeySet(.stop) | .take | .trigger | .display | .post | .reduce | .stp | .oco }

    /// What may change of an instrument.
    static var instrumentTerms: KeySet { KeySet(.tick) | .lot | .minQty | .maxQty | .minNotional | .state | .makerBps | .takerBps }

    /// The options that make of LIM a change and not a list.
    static var limitValues: KeySet {
        KeySet(.maxQty) | .maxNotional | .maxPosition | .maxOpen | .enabled | .priceBandBps | .maxOrderRate | .maxCancelRate | .maxDailyLoss
            | .short | .listed | .makerBps | .takerBps | .stp | .reset
    }
}
