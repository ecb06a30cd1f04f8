import Core

/// NEW, RPL, CXL, CXA, FIL, CLS, MRK.
extension LineParser {
    static func newOrder(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let account = try a.account(a[0])
        let instrument = try a.instrument(a[1], registry)
        let info = registry.instruments[Int(instrument)]
        let side = try side(a)
        let type = try type(a)
        let quantity = try a.positive(a[4], "qty", scale: info.quantityScale)
        let price = try price(a, 5, type: type, info)
        let tif = try timeInForce(a)
        if (tif == .gtd) != a.has(.expire) {
            if tif == .gtd { throw .missingKey("expire") }
            throw .badValue(argument: "expire", value: Text(cut: a.bytes(.expire)), expected: "only_with_GTD")
        }
        if a.has(.max), type != .market || side != .buy {
            throw .badValue(argument: "max", value: Text(cut: a.bytes(.max)), expected: "only_for_a_market_buy")
        }
        // Field by field, where it stays.
        parsed.order.account = account
        parsed.order.instrument = instrument
        parsed.order.side = side
        parsed.order.type = type
        parsed.order.timeInForce = tif
        parsed.order.quantity = quantity
        parsed.order.price = price
        parsed.order.clientID = try a.text(.id)
        parsed.order.expire = try a.time(.expire)
        parsed.order.max = try reserve(a)
        parsed.order.strategy = try a.text(.strategy)
        parsed.order.note = try a.text(.note)
        parsed.order.before = parsed.before
        parsed.order.cancelOnDisconnect = 0
        parsed.request = .newOrder(info.wallet)
        parsed.requires = Requires(.trade, account: account)
    }

    private static func side(_ a: Arguments) throws(Refusal) -> Side {
        let bytes = a[2]
        if bytes.count == 1 {
            if bytes[0] == UInt8(ascii: "B") { return .buy }
            if bytes[0] == UInt8(ascii: "S") { return .sell }
        }
        throw .badValue(argument: "side", value: Text(cut: bytes), expected: "B|S")
    }

    private static func type(_ a: Arguments) throws(Refusal) -> OrderType {
        let bytes = a[3]
        if a.isWord(bytes, "LMT") { return .limit }
        if a.isWord(bytes, "MKT") { return .market }
        if a.isWord(bytes, "STP") { throw .notSupported("STP") }
        if a.isWord(bytes, "STL") { throw .notSupported("STL") }
        if a.isWord(bytes, "TPM") { throw .notSupported("TPM") }
        if a.isWord(bytes, "TPL") { throw .notSupported("TPL") }
        throw .badValue(argument: "type", value: Text(cut: bytes), expected: "LMT|MKT")
    }

    private static func timeInForce(_ a: Arguments) throws(Refusal) -> TimeInForce {
        let bytes = a[6]
        if a.isWord(bytes, "GTC") { return .gtc }
        if a.isWord(bytes, "IOC") { return .ioc }
        if a.isWord(bytes, "FOK") { return .fok }
        if a.isWord(bytes, "GTD") { return .gtd }
        throw .badValue(argument: "tif", value: Text(cut: bytes), expected: "GTC|IOC|FOK|GTD")
    }

    private static func price(_ a: Arguments, _ index: Int, type: OrderType, _ info: InstrumentInfo) throws(Refusal) -> Price {
        let bytes = a[index]
        if a.isDash(bytes) {
            if type == .market { return 0 }
            throw .badValue(argument: "price", value: Text(cut: bytes), expected: "a_price")
        }
        let price = try a.positive(bytes, "price", scale: info.priceScale)
        if type == .market { throw .badValue(argument: "price", value: Text(cut: bytes), expected: "-") }
        return price
    }

    /// `max=`, an amount of the quote asset; 0: not given.
    private static func reserve(_ a: Arguments) throws(Refusal) -> Amount {
        a.has(.max) ? try a.nonzeroAmount(a.bytes(.max), "max") : 0
    }

    /// A price, or 0 for `-`.
    private static func priceOrDash(_ a: Arguments, _ index: Int, _ info: InstrumentInfo) throws(Refusal) -> Price {
        let bytes = a[index]
        return a.isDash(bytes) ? 0 : try a.positive(bytes, "price", scale: info.priceScale)
    }

    static func replace(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let account = try a.account(a[0])
        let instrument = try a.instrument(a[1], registry)
        let info = registry.instruments[Int(instrument)]
        parsed.request = .shard(
            info.wallet,
            .replace(
                Replace(
                    account: account, instrument: instrument, order: try a.order(2),
                    quantity: try a.positive(a[3], "qty", scale: info.quantityScale), price: try priceOrDash(a, 4, info),
                    max: try reserve(a), before: parsed.before)))
        parsed.requires = Requires(.trade, account: account)
    }

    static func cancel(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let account = try a.account(a[0])
        let instrument = try a.instrument(a[1], registry)
        parsed.request = .shard(
            registry.instruments[Int(instrument)].wallet,
            .cancel(
                Cancel(
                    account: account, instrument: instrument, order: try a.order(2), note: try a.text(.reason),
                    before: parsed.before)))
        parsed.requires = Requires(.trade, account: account)
    }

    static func cancelAll(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let account = try a.account(a[0])
        let instrument = a.count > 1 ? try a.instrument(a[1], registry) : -1
        let wallet = try scope(a, instrument: instrument, registry)
        parsed.request = .cancelAll(
            wallet: wallet, CancelAll(account: account, instrument: instrument, before: parsed.before))
        parsed.requires = Requires(.trade, account: account)
    }

    /// The wallet that an instrument or `wallet=` names (they may not contradict each other); -1: all.
    static func scope(_ a: Arguments, instrument: InstrumentID, _ registry: borrowing Registry) throws(Refusal) -> WalletID {
        let named = a.has(.wallet) ? try a.wallet(a.bytes(.wallet), "wallet", registry) : -1
        if instrument < 0 { return named }
        let settles = registry.instruments[Int(instrument)].wallet
        if named >= 0, named != settles {
            throw .badValue(argument: "wallet", value: Text(cut: a.bytes(.wallet)), expected: "the_wallet_of_the_symbol")
        }
        return settles
    }

    static func fill(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let account = try a.account(a[0])
        let instrument = try a.instrument(a[1], registry)
        let info = registry.instruments[Int(instrument)]
        parsed.request = .shard(
            info.wallet,
            .fill(
                Fill(
                    account: account, instrument: instrument, order: try a.order(2),
                    quantity: try a.positive(a[3], "qty", scale: info.quantityScale),
                    price: try a.positive(a[4], "price", scale: info.priceScale), exec: try a.text(.exec),
                    fee: a.has(.fee) ? try a.amount(a.bytes(.fee), "fee", signed: true) : 0,
                    feeAsset: a.has(.feeasset) ? try a.asset(a.bytes(.feeasset), "feeasset", registry) : info.quote,
                    liquidity: try liquidity(a), venueTime: try a.time(.time), before: parsed.before)))
        parsed.requires = Requires(.fill, account: account, venue: info.venue)
    }

    private static func liquidity(_ a: Arguments) throws(Refusal) -> Liquidity {
        guard a.has(.liq) else { return .unknown }
        let bytes = a.bytes(.liq)
        if a.isWord(bytes, "M") { return .maker }
        if a.isWord(bytes, "T") { return .taker }
        throw .badValue(argument: "liq", value: Text(cut: bytes), expected: "M|T")
    }

    static func closePosition(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let account = try a.account(a[0])
        let instrument = try a.instrument(a[1], registry)
        let info = registry.instruments[Int(instrument)]
        let whole = a.count < 3 || a.isDash(a[2])
        parsed.request = .shard(
            info.wallet,
            .closePosition(
                ClosePosition(
                    account: account, instrument: instrument,
                    quantity: whole ? 0 : try a.positive(a[2], "qty", scale: info.quantityScale),
                    price: a.count < 4 ? 0 : try priceOrDash(a, 3, info), clientID: try a.text(.id), max: try reserve(a),
                    strategy: try a.text(.strategy), note: try a.text(.note), before: parsed.before)))
        parsed.requires = Requires(.trade, account: account)
    }

    static func mark(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let instrument = try a.instrument(a[0], registry)
        let info = registry.instruments[Int(instrument)]
        parsed.request = .shard(
            info.wallet,
            .setMark(
                SetMark(
                    instrument: instrument, price: try a.positive(a[1], "price", scale: info.priceScale),
                    before: parsed.before)))
        parsed.requires = Requires(.mark, venue: info.venue)
    }
}
