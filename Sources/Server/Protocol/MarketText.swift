import Core

/// `key=value` pairs and market numbers as answers, rows and events print them.
extension OutputBuffer {
    /// Appends " key=".
    @inline(__always)
    mutating func key(_ key: StaticString) {
        append(UInt8(ascii: " "))
        append(key)
        append(UInt8(ascii: "="))
    }

    mutating func fact(_ key: StaticString, _ value: Int64) {
        self.key(key)
        append(value)
    }

    mutating func fact(_ key: StaticString, _ value: Text) {
        self.key(key)
        append(value)
    }

    /// The value as it is: it has no blank and no byte to escape.
    mutating func fact(_ key: StaticString, _ value: StaticString) {
        self.key(key)
        append(value)
    }

    /// Microseconds, printed as Unix milliseconds.
    mutating func fact(_ key: StaticString, milliseconds time: Timestamp) { fact(key, time / 1_000) }

    mutating func fact(_ key: StaticString, price: Price, _ info: InstrumentInfo) {
        self.key(key)
        append(price, scale: Int(info.priceScale), least: DecimalText.decimals(of: info.terms.tick, scale: Int(info.priceScale)))
    }

    mutating func fact(_ key: StaticString, quantity: Quantity, _ info: InstrumentInfo) {
        self.key(key)
        append(
            quantity, scale: Int(info.quantityScale),
            least: DecimalText.decimals(of: info.terms.lot, scale: Int(info.quantityScale)))
    }

    mutating func fact(_ key: StaticString, amount: Amount, _ asset: AssetInfo) {
        self.key(key)
        append(amount, least: Int(asset.decimals))
    }

    /// A rate in 10^-6 as basis points.
    mutating func fact(_ key: StaticString, basisPoints rate: Int32) {
        self.key(key)
        append(Int64(rate), scale: 2, least: 0)
    }

    /// ` px= qty= orders=` of a price level: what shows of it.
    mutating func level(_ level: BookLevel, _ info: InstrumentInfo) {
        fact("px", price: level.price, info)
        fact("qty", wide: level.quantity, info)
        fact("orders", Int64(level.orders))
    }

    /// A sum of quantities.
    mutating func fact(_ key: StaticString, wide quantity: Int128, _ info: InstrumentInfo) {
        self.key(key)
        append(
            quantity, scale: Int(info.quantityScale),
            least: DecimalText.decimals(of: info.terms.lot, scale: Int(info.quantityScale)))
    }

    /// What an order asks of an internal venue, where it asks for anything.
    mutating func instructions(_ order: OrderDetail, _ info: InstrumentInfo) {
        let it = order.instructions
        if it.trigger != .none {
            fact("stop", price: it.stop, info)
            if it.trigger == .takeProfit { fact("take", "1") }
            fact("trigger", it.triggerPrice.word)
            if order.isArmed { fact("armed", "1") }
        }
        if it.display != 0 { fact("display", quantity: it.display, info) }
        if it.postOnly { fact("post", "1") }
        if it.reduceOnly { fact("reduce", "1") }
        if it.selfTrade != .standard { fact("stp", it.selfTrade.word) }
        if order.oco != 0 { fact("oco", order.oco) }
    }

    /// `leaves= cum=`, and `avg=` as soon as something is filled.
    mutating func progress(_ view: OrderView, _ info: InstrumentInfo) {
        fact("leaves", quantity: view.leaves, info)
        fact("cum", quantity: view.cumulative, info)
        if view.cumulative != 0 {
            fact("avg", price: Numbers.averagePrice(cost: view.cumulativeCost, quantity: Int128(view.cumulative)), info)
        }
    }

    /// ` qty= avg= cost= realized=` of a position; a flat one has no average.
    mutating func position(_ position: PositionView, _ info: InstrumentInfo, _ quote: AssetInfo) {
        fact("qty", quantity: position.quantity, info)
        if position.quantity != 0 {
            fact("avg", price: Numbers.averagePrice(cost: position.cost, position: position.quantity, of: info), info)
        }
        fact("cost", amount: position.cost, quote)
        fact("realized", amount: position.realized, quote)
    }

    /// ` id= side= type= tif= qty= price=`: what an order was made as.
    mutating func identity(_ order: OrderDetail, _ info: InstrumentInfo) {
        fact("id", order.clientID)
        fact("side", order.side.word)
        fact("type", order.type.word)
        fact("tif", order.timeInForce.word)
        fact("qty", quantity: order.quantity, info)
        if order.type == .market { fact("price", "-") } else { fact("price", price: order.price, info) }
    }

    /// ` fee= feeasset= [liq=]` of a trade.
    mutating func execution(_ fee: Amount, _ asset: AssetInfo, _ liquidity: Liquidity) {
        fact("fee", amount: fee, asset)
        fact("feeasset", asset.name)
        if liquidity != .unknown { fact("liq", liquidity.word) }
    }

    /// ` symbol=`, or ` wallet=` for -1.
    mutating func scope(_ instrument: InstrumentID, wallet: WalletID, _ registry: borrowing Registry) {
        if instrument >= 0 {
            fact("symbol", registry.instruments[Int(instrument)].symbol)
        } else {
            fact("wallet", registry.wallets[Int(wallet)].name)
        }
    }

    /// ` account=`; 0: `*`, all that have no limits of their own.
    mutating func account(_ account: AccountNumber) { if account == 0 { fact("account", "*") } else { fact("account", account) } }

    /// ` max_qty= ... enabled=`; `-` where there is no limit. Quantities have the asset's decimals at least.
    mutating func limits(_ limits: Limits, base: Int, quote: Int) {
        limit("max_qty", limits.maxQuantity, base)
        limit("max_notional", limits.maxNotional, quote)
        limit("max_position", limits.maxPosition, base)
        if limits.maxOpenOrders == .max { fact("max_open", "-") } else { fact("max_open", limits.maxOpenOrders) }
        fact("enabled", limits.enabled ? "1" : "0")
        // Only what is set: there is too much of it for a line that says nothing.
        if limits.isOfFirstKind { return }
        if limits.priceBand != Limits.unlimited { fact("price_band_bps", Int64(limits.priceBand)) }
        if limits.maxOrderRate != Limits.unlimited { fact("max_order_rate", Int64(limits.maxOrderRate)) }
        if limits.maxCancelRate != Limits.unlimited { fact("max_cancel_rate", Int64(limits.maxCancelRate)) }
        if limits.maxDailyLoss != Limits.none { limit("max_daily_loss", limits.maxDailyLoss, 0) }
        if !limits.mayShort { fact("short", "0") }
        if limits.listedOnly { fact("listed", "1") }
        if limits.makerFee != Limits.noRate { fact("maker_bps", basisPoints: limits.makerFee) }
        if limits.takerFee != Limits.noRate { fact("taker_bps", basisPoints: limits.takerFee) }
        if limits.selfTrade != .standard { fact("stp", limits.selfTrade.word) }
    }

    private mutating func limit(_ key: StaticString, _ limit: Amount, _ decimals: Int) {
        if limit == Limits.none { return fact(key, "-") }
        self.key(key)
        append(limit, least: decimals)
    }
}

extension Registry {
    /// The account's limits are in many assets, so they print without padding; an instrument's have the decimals of its assets.
    func limitDecimals(_ instrument: InstrumentID) -> (base: Int, quote: Int) {
        guard instrument >= 0 else { return (0, 0) }
        let info = instruments[Int(instrument)]
        return (Int(assets[Int(info.base)].decimals), Int(assets[Int(info.quote)].decimals))
    }
}

// The words of the protocol for Core's values.

extension OrderStatus {
    package var word: StaticString {
        switch self {
        case .new: "NEW"
        case .partiallyFilled: "PARTIALLY_FILLED"
        case .filled: "FILLED"
        case .canceled: "CANCELED"
        case .expired: "EXPIRED"
        }
    }
}

extension Side {
    package var word: StaticString { self == .buy ? "B" : "S" }
}

extension OrderType {
    package var word: StaticString { self == .limit ? "LMT" : "MKT" }
}

extension TimeInForce {
    package var word: StaticString {
        switch self {
        case .gtc: "GTC"
        case .ioc: "IOC"
        case .fok: "FOK"
        case .gtd: "GTD"
        }
    }
}

extension CancelReason {
    package var word: StaticString {
        switch self {
        case .requested: "requested"
        case .all: "all"
        case .suspended: "suspended"
        case .disconnect: "disconnect"
        case .unfilled: "unfilled"
        case .funds: "funds"
        case .selfTrade: "self_trade"
        case .reduceOnly: "reduce_only"
        case .oco: "oco"
        case .deadMan: "dead_man"
        case .overflow: "overflow"
        }
    }

    /// Nobody asked for it: the venue's rules did it, so answers say why.
    var isByRule: Bool {
        switch self {
        case .requested, .all, .suspended, .disconnect: false
        case .unfilled, .funds, .selfTrade, .reduceOnly, .oco, .deadMan, .overflow: true
        }
    }
}

extension TriggerPrice {
    package var word: StaticString { self == .last ? "last" : "mark" }
}

extension SelfTradePrevention {
    package var word: StaticString {
        switch self {
        case .standard: "-"
        case .newest: "newest"
        case .oldest: "oldest"
        case .both: "both"
        case .decrement: "decrement"
        }
    }
}

extension InstrumentState {
    package var word: StaticString {
        switch self {
        case .trading: "trading"
        case .halted: "halted"
        case .postOnly: "post_only"
        case .cancelOnly: "cancel_only"
        }
    }
}

extension Liquidity {
    /// Empty where it was not told.
    package var word: StaticString {
        switch self {
        case .unknown: ""
        case .maker: "M"
        case .taker: "T"
        }
    }
}

extension AccountStatus {
    var word: StaticString { self == .open ? "open" : "suspended" }
}

extension VenueKind {
    var word: StaticString {
        switch self {
        case .manual: "manual"
        case .internal: "internal"
        case .connector: "connector"
        }
    }
}

extension Money.Kind {
    var word: StaticString {
        switch self {
        case .deposit: "DEP"
        case .withdraw: "WDR"
        case .adjust: "ADJ"
        case .hold: "HLD"
        case .release: "RLS"
        }
    }
}
