import Core

/// `-TAG CODE facts`: what the edge refuses, and what a shard refuses.
extension AnswerWriter {
    /// An empty tag is printed as `?`.
    static func begin(refusal code: Code, _ tag: Text, _ out: inout OutputBuffer) {
        out.append(UInt8(ascii: "-"))
        if tag.isEmpty { out.append(UInt8(ascii: "?")) } else { out.append(tag) }
        out.append(UInt8(ascii: " "))
        out.append(code.name)
    }

    public static func write(_ refusal: borrowing Refusal, tag: Text, into out: inout OutputBuffer) {
        begin(refusal: refusal.code, tag, &out)
        switch copy refusal {
        case .badTag, .authRequired, .storageFull, .alreadySubscribed, .notSubscribed, .draining: break
        case .lineTooLong(let max): out.fact("max", Int64(max))
        case .badCharacter(let column): out.fact("at", Int64(column))
        case .unknownVerb(let verb): out.fact("verb", verb)
        case .missingArgument(let verb, let index):
            out.key("argument")
            out.append(string: Help.argument(verb, index))
        case .missingVerb: out.fact("argument", "verb")
        case .extraArgument(let value): out.fact("value", value)
        case .missingKey(let key): out.fact("key", key)
        case .unknownKey(let key), .repeatedKey(let key): out.fact("key", key)
        case .badValue(let argument, let value, let expected):
            out.fact("argument", argument)
            out.fact("value", value)
            out.fact("expected", expected)
        case .badNumber(let argument, let value):
            out.fact("argument", argument)
            out.fact("value", value)
        case .tooManyDecimals(let argument, let max):
            out.fact("argument", argument)
            out.fact("max", Int64(max))
        case .numberTooLarge(let argument): out.fact("argument", argument)
        case .badToken(let reason): out.fact("reason", reason)
        case .tokenExpired(let time): out.fact("expired", milliseconds: time)
        case .forbidden(let need, let account, let venue):
            out.fact("need", need)
            if account != 0 { out.fact("account", account) }
            if !venue.isEmpty { out.fact("venue", venue) }
        case .notSupported(let what): out.fact("what", what)
        case .unknownAccount(let account): out.fact("account", account)
        case .unknownAsset(let asset): out.fact("asset", asset)
        case .unknownWallet(let wallet): out.fact("wallet", wallet)
        case .unknownVenue(let venue): out.fact("venue", venue)
        case .unknownInstrument(let symbol): out.fact("symbol", symbol)
        case .unknownSetting(let setting): out.fact("setting", setting)
        case .fixed(let key): out.fact("key", key)
        case .accountExists(let account): out.fact("name", account)
        case .logGone(let oldest): out.fact("oldest", oldest)
        case .busy(let what): out.fact("what", what)
        case .snapshotFailed(let reason): out.fact("reason", reason)
        case .upgradeNeeded(let format, let need):
            out.fact("format", Int64(format))
            out.fact("need", Int64(need))
            out.fact("see", "cashup_upgrade_--commit")
        case .tableFull(let what, let max):
            out.fact("what", what)
            out.fact("max", Int64(max))
        }
        out.append(UInt8(ascii: "\n"))
    }

    public static func write(
        _ rejection: borrowing Rejection, tag: Text, about: About = .nothing, registry: borrowing Registry,
        into out: inout OutputBuffer
    ) {
        begin(refusal: rejection.code, tag, &out)
        facts(rejection, about, registry, &out)
        out.append(UInt8(ascii: "\n"))
    }

    private static func facts(
        _ rejection: borrowing Rejection, _ about: About, _ registry: borrowing Registry, _ out: inout OutputBuffer
    ) {
        switch copy rejection {
        case .unknownAccount(let account), .accountSuspended(let account): out.fact("account", account)
        case .unknownAsset(let id): if let info = registry.assets.at(id) { out.fact("asset", info.name) }
        case .unknownWallet(let id): if let info = registry.wallets.at(id) { out.fact("wallet", info.name) }
        case .unknownInstrument(let id): if let info = registry.instruments.at(id) { out.fact("symbol", info.symbol) }
        case .unknownOrder:
            if case .order(.order(let id)) = about { out.fact("order", id) }
            if case .order(.client(let id)) = about { out.fact("id", id) }
        case .instrumentHalted(let id), .instrumentPostOnly(let id), .instrumentCancelOnly(let id), .noMark(let id): out.fact("symbol", registry.instruments[Int(id)].symbol)
        case .unfillable(let id, let available): out.fact("available", quantity: available, registry.instruments[Int(id)])
        case .wouldTake(let id, let price): out.fact("price", price: price, registry.instruments[Int(id)])
        case .wouldTrigger(let id, let stop, let price):
            out.fact("stop", price: stop, registry.instruments[Int(id)])
            out.fact("price", price: price, registry.instruments[Int(id)])
        case .reduceOnly(let id, let position): out.fact("position", quantity: position, registry.instruments[Int(id)])
        case .inPair(let order): out.fact("order", order)
        case .offTick(let id):
            let info = registry.instruments[Int(id)]
            out.fact("tick", price: info.terms.tick, info)
        case .offLot(let id):
            let info = registry.instruments[Int(id)]
            out.fact("lot", quantity: info.terms.lot, info)
        case .quantityOutOfBounds(let id):
            let info = registry.instruments[Int(id)]
            out.fact("min", quantity: info.terms.minQuantity, info)
            out.fact("max", quantity: info.terms.maxQuantity, info)
        case .notionalTooSmall(let id, let notional):
            let info = registry.instruments[Int(id)]
            let quote = registry.assets[Int(info.quote)]
            out.fact("min", amount: info.terms.minNotional, quote)
            out.fact("notional", amount: notional, quote)
        case .alreadyExpired(let expire, let now):
            out.fact("expire", milliseconds: expire)
            out.fact("now", milliseconds: now)
        case .tooLate(let before, let now):
            out.fact("before", milliseconds: before)
            out.fact("now", milliseconds: now)
        case .orderClosed(let status): out.fact("status", status.word)
        case .belowCumulative(let id, let cumulative): out.fact("cum", quantity: cumulative, registry.instruments[Int(id)])
        case .overfill(let id, let max, let cumulative):
            let info = registry.instruments[Int(id)]
            out.fact("max", quantity: max, info)
            out.fact("cum", quantity: cumulative, info)
        case .beyondLimit(let id, let price): out.fact("price", price: price, registry.instruments[Int(id)])
        case .noPosition(let id, let quantity), .positionExists(let id, let quantity):
            out.fact("qty", quantity: quantity, registry.instruments[Int(id)])
        case .insufficientFunds(let asset, let wallet, let need, let available):
            funds(asset, wallet, need, registry, &out)
            out.fact("available", amount: available, registry.assets[Int(asset)])
        case .insufficientHeld(let asset, let wallet, let need, let held):
            funds(asset, wallet, need, registry, &out)
            out.fact("held", amount: held, registry.assets[Int(asset)])
        case .limitDisabled(let scope): self.scope(scope, registry, &out)
        case .limitQuantity(let scope, let limit, let value), .limitPosition(let scope, let limit, let value):
            self.limit(limit, value, registry.limitDecimals(scope.instrument).base, &out)
            self.scope(scope, registry, &out)
        case .limitNotional(let scope, let quote, let limit, let value):
            self.limit(limit, value, Int(registry.assets[Int(quote)].decimals), &out)
            self.scope(scope, registry, &out)
        case .limitOpenOrders(let scope, let limit, let value):
            out.fact("limit", limit)
            out.fact("value", value)
            self.scope(scope, registry, &out)
        case .limitPriceBand(let scope, let id, let limit, let value, let reference):
            out.fact("limit", limit)
            out.fact("value", value)
            out.fact("reference", price: reference, registry.instruments[Int(id)])
            self.scope(scope, registry, &out)
        case .limitOrderRate(let scope, let limit, let retry), .limitCancelRate(let scope, let limit, let retry):
            out.fact("limit", limit)
            out.fact("retry", (retry + 999) / 1_000)
            self.scope(scope, registry, &out)
        case .limitDailyLoss(let scope, let asset, let limit, let value):
            let info = registry.assets[Int(asset)]
            out.fact("asset", info.name)
            if limit == Limits.none { out.fact("limit", "-") } else { out.fact("limit", amount: limit, info) }
            out.fact("value", amount: value, info)
            self.scope(scope, registry, &out)
        case .limitShort(let scope, let id, let value):
            out.key("value")
            out.append(value, least: registry.limitDecimals(id).base)
            self.scope(scope, registry, &out)
            if scope.instrument < 0 { out.fact("symbol", registry.instruments[Int(id)].symbol) }
        case .limitNotListed(let scope, let id):
            self.scope(scope, registry, &out)
            out.fact("symbol", registry.instruments[Int(id)].symbol)
        case .idReused(let id), .badPair(let id): out.fact("id", id)
        case .overflow(let what), .notSupported(let what): out.fact("what", what.word)
        case .fixed(let key): out.fact("key", key.word)
        case .alreadyExists(let name): out.fact("name", name)
        case .tableFull(let table, let max):
            out.fact("what", table.word)
            out.fact("max", max)
        case .badValue(let key): out.fact("argument", key.word)
        }
    }

    private static func funds(
        _ asset: AssetID, _ wallet: WalletID, _ need: Amount, _ registry: borrowing Registry, _ out: inout OutputBuffer
    ) {
        let info = registry.assets[Int(asset)]
        out.fact("asset", info.name)
        out.fact("wallet", registry.wallets[Int(wallet)].name)
        out.fact("need", amount: need, info)
    }

    private static func limit(_ limit: Amount, _ value: Amount, _ decimals: Int, _ out: inout OutputBuffer) {
        out.key("limit")
        out.append(limit, least: decimals)
        out.key("value")
        out.append(value, least: decimals)
    }

    private static func scope(_ scope: LimitScope, _ registry: borrowing Registry, _ out: inout OutputBuffer) {
        out.fact("account", scope.account)
        out.scope(scope.instrument, wallet: scope.wallet, registry)
    }
}

extension Array {
    /// The element of that number; `nil` where a shard was handed a number nobody has.
    fileprivate func at(_ id: Int32) -> Element? { id >= 0 && Int(id) < count ? self[Int(id)] : nil }
}

extension Rejection {
    public var code: Code {
        switch self {
        case .unknownAccount: .unknownAccount
        case .unknownAsset: .unknownAsset
        case .unknownWallet: .unknownWallet
        case .unknownInstrument: .unknownInstrument
        case .unknownOrder: .unknownOrder
        case .accountSuspended: .accountSuspended
        case .instrumentHalted: .instrumentHalted
        case .instrumentPostOnly: .instrumentPostOnly
        case .instrumentCancelOnly: .instrumentCancelOnly
        case .unfillable: .unfillable
        case .wouldTake: .wouldTake
        case .wouldTrigger: .wouldTrigger
        case .reduceOnly: .reduceOnly
        case .badPair: .badPair
        case .inPair: .inPair
        case .offTick: .offTick
        case .offLot: .offLot
        case .quantityOutOfBounds: .quantityOutOfBounds
        case .notionalTooSmall: .notionalTooSmall
        case .noMark: .noMark
        case .alreadyExpired: .alreadyExpired
        case .tooLate: .tooLate
        case .orderClosed: .orderClosed
        case .belowCumulative: .belowCumulative
        case .overfill: .overfill
        case .beyondLimit: .beyondLimit
        case .noPosition: .noPosition
        case .positionExists: .positionExists
        case .insufficientFunds: .insufficientFunds
        case .insufficientHeld: .insufficientHeld
        case .limitDisabled: .limitDisabled
        case .limitQuantity: .limitQuantity
        case .limitNotional: .limitNotional
        case .limitPosition: .limitPosition
        case .limitOpenOrders: .limitOpenOrders
        case .limitPriceBand: .limitPriceBand
        case .limitOrderRate: .limitOrderRate
        case .limitCancelRate: .limitCancelRate
        case .limitDailyLoss: .limitDailyLoss
        case .limitShort: .limitShort
        case .limitNotListed: .limitNotListed
        case .idReused: .idReused
        case .overflow: .overflow
        case .fixed: .fixed
        case .alreadyExists: .alreadyExists
        case .tableFull: .tableFull
        case .badValue: .badValue
        case .notSupported: .notSupported
        }
    }
}

extension Rejection.What {
    var word: StaticString {
        switch self {
        case .notional: "notional"
        case .balance: "balance"
        case .position: "position"
        case .reserve: "reserve"
        case .cost: "cost"
        case .venue: "venue"
        case .fee: "fee"
        case .instructions: "instructions"
        }
    }
}

extension Rejection.Key {
    var word: StaticString {
        switch self {
        case .venue: "venue"
        case .wallet: "wallet"
        case .base: "base"
        case .quote: "quote"
        case .priceScale: "price_scale"
        case .quantityScale: "qty_scale"
        case .funds: "funds"
        case .decimals: "decimals"
        case .kind: "kind"
        case .price: "price"
        case .quantity: "qty"
        case .expire: "expire"
        case .max: "max"
        case .tick: "tick"
        case .lot: "lot"
        case .minQuantity: "min_qty"
        case .maxQuantity: "max_qty"
        case .minNotional: "min_notional"
        case .value: "value"
        case .amount: "amount"
        case .account: "account"
        case .fee: "fee"
        case .stop: "stop"
        case .trigger: "trigger"
        case .display: "display"
        case .post: "post"
        case .reduce: "reduce"
        case .oco: "oco"
        case .timeInForce: "tif"
        case .makerFee: "maker_bps"
        case .takerFee: "taker_bps"
        }
    }
}

extension Rejection.Table {
    var word: StaticString {
        switch self {
        case .strategies: "strategies"
        case .assets: "assets"
        case .wallets: "wallets"
        case .venues: "venues"
        case .instruments: "instruments"
        case .accounts: "accounts"
        case .orders: "orders"
        case .triggers: "triggers"
        }
    }
}
