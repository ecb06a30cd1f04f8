import Core

/// NEW, RPL, CXL, CXA, FIL, CLS, MRK.
extension LineParser {
    static func newOrder(_ a: borrowing Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let account = try a.account(a[0])
        let instrument = try a.instrument(a[1], registry)
        let side = try side(a)
        let type = try type(a)
        // Fields one by one: a copy of the instrument would cost more than the rest of the line.
        let quantity = try a.positive(a[4], "qty", scale: registry.instruments[Int(instrument)].quantityScale)
        let price = try price(a, 5, type: type, scale: registry.instruments[Int(instrument)].priceScale)
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
        try instructions(a, registry, &parsed.order)
        parsed.become(.new, registry.instruments[Int(instrument)].wallet, Requires(.trade, account: account))
    }

    private static func side(_ a: borrowing Arguments) throws(Refusal) -> Side {
        let bytes = a[2]
        if bytes.count == 1 {
            if bytes[0] == UInt8(ascii: "B") { return .buy }
            if bytes[0] == UInt8(ascii: "S") { return .sell }
        }
        throw .badValue(argument: "side", value: Text(cut: bytes), expected: "B|S")
    }

    private static func type(_ a: borrowing Arguments) throws(Refusal) -> OrderType {
        let bytes = a[3]
        if a.isWord(bytes, "LMT") { return .limit }
        if a.isWord(bytes, "MKT") { return .market }
        if a.isWord(bytes, "STP") { throw .notSupported("STP") }
        if a.isWord(bytes, "STL") { throw .notSupported("STL") }
        if a.isWord(bytes, "TPM") { throw .notSupported("TPM") }
        if a.isWord(bytes, "TPL") { throw .notSupported("TPL") }
        throw .badValue(argument: "type", value: Text(cut: bytes), expected: "LMT|MKT")
    }

    private static func timeInForce(_ a: borrowing Arguments) throws(Refusal) -> TimeInForce {
        let bytes = a[6]
        if a.isWord(bytes, "GTC") { return .gtc }
        if a.isWord(bytes, "IOC") { return .ioc }
        if a.isWord(bytes, "FOK") { return .fok }
        if a.isWord(bytes, "GTD") { return .gtd }
        throw .badValue(argument: "tif", value: Text(cut: bytes), expected: "GTC|IOC|FOK|GTD")
    }

    private static func price(_ a: borrowing Arguments, _ index: Int, type: OrderType, scale: Int32) throws(Refusal) -> Price {
        let bytes = a[index]
        if a.isDash(bytes) {
            if type == .market { return 0 }
            throw .badValue(argument: "price", value: Text(cut: bytes), expected: "a_price")
        }
        let price = try a.positive(bytes, "price", scale: scale)
        if type == .market { throw .badValue(argument: "price", value: Text(cut: bytes), expected: "-") }
        return price
    }

    /// `max=`, an amount of the quote asset; 0: not given.
    private static func reserve(_ a: borrowing Arguments) throws(Refusal) -> Amount {
        a.has(.max) ? try a.nonzeroAmount(a.bytes(.max), "max") : 0
    }

    /// A price, or 0 for `-`.
    private static func priceOrDash(_ a: borrowing Arguments, _ index: Int, scale: Int32) throws(Refusal) -> Price {
        let bytes = a[index]
        return a.isDash(bytes) ? 0 : try a.positive(bytes, "price", scale: scale)
    }

    static func replace(_ a: borrowing Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let account = try a.account(a[0])
        let instrument = try a.instrument(a[1], registry)
        parsed.replace.account = account
        parsed.replace.instrument = instrument
        parsed.replace.order = try a.order(2)
        parsed.replace.quantity = try a.positive(a[3], "qty", scale: registry.instruments[Int(instrument)].quantityScale)
        parsed.replace.price = try priceOrDash(a, 4, scale: registry.instruments[Int(instrument)].priceScale)
        parsed.replace.max = try reserve(a)
        parsed.replace.stop =
            a.has(.stop) ? try a.positive(a.bytes(.stop), "stop", scale: registry.instruments[Int(instrument)].priceScale) : 0
        parsed.replace.before = parsed.before
        parsed.become(.replace, registry.instruments[Int(instrument)].wallet, Requires(.trade, account: account))
    }

    static func cancel(_ a: borrowing Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let account = try a.account(a[0])
        let instrument = try a.instrument(a[1], registry)
        parsed.cancel.account = account
        parsed.cancel.instrument = instrument
        parsed.cancel.order = try a.order(2)
        parsed.cancel.note = try a.text(.reason)
        parsed.cancel.before = parsed.before
        parsed.become(.cancel, registry.instruments[Int(instrument)].wallet, Requires(.trade, account: account))
    }

    static func cancelAll(_ a: borrowing Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let account = try a.account(a[0])
        let instrument = a.count > 1 ? try a.instrument(a[1], registry) : -1
        let wallet = try scope(a, instrument: instrument, registry)
        parsed.request = .cancelAll(
            wallet: wallet, CancelAll(account: account, instrument: instrument, before: parsed.before))
        parsed.requires = Requires(.trade, account: account)
    }

    /// The wallet that an instrument or `wallet=` names (they may not contradict each other); -1: all.
    static func scope(_ a: borrowing Arguments, instrument: InstrumentID, _ registry: borrowing Registry) throws(Refusal) -> WalletID {
        let named = a.has(.wallet) ? try a.wallet(a.bytes(.wallet), "wallet", registry) : -1
        if instrument < 0 { return named }
        let settles = registry.instruments[Int(instrument)].wallet
        if named >= 0, named != settles {
            throw .badValue(argument: "wallet", value: Text(cut: a.bytes(.wallet)), expected: "the_wallet_of_the_symbol")
        }
        return settles
    }

    static func fill(_ a: borrowing Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let account = try a.account(a[0])
        let instrument = try a.instrument(a[1], registry)
        parsed.fill.account = account
        parsed.fill.instrument = instrument
        parsed.fill.order = try a.order(2)
        parsed.fill.quantity = try a.positive(a[3], "qty", scale: registry.instruments[Int(instrument)].quantityScale)
        parsed.fill.price = try a.positive(a[4], "price", scale: registry.instruments[Int(instrument)].priceScale)
        parsed.fill.exec = try a.text(.exec)
        parsed.fill.fee = a.has(.fee) ? try a.amount(a.bytes(.fee), "fee", signed: true) : 0
        parsed.fill.feeAsset =
            a.has(.feeasset) ? try a.asset(a.bytes(.feeasset), "feeasset", registry) : registry.instruments[Int(instrument)].quote
        parsed.fill.liquidity = try liquidity(a)
        parsed.fill.venueTime = try a.time(.time)
        parsed.fill.before = parsed.before
        parsed.fill.withinLimit = false
        let venue = registry.instruments[Int(instrument)].venue
        parsed.become(.fill, registry.instruments[Int(instrument)].wallet, Requires(.fill, account: account, venue: venue))
    }

    private static func liquidity(_ a: borrowing Arguments) throws(Refusal) -> Liquidity {
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
                    price: a.count < 4 ? 0 : try priceOrDash(a, 3, scale: info.priceScale), clientID: try a.text(.id), max: try reserve(a),
                    strategy: try a.text(.strategy), note: try a.text(.note), before: parsed.before)))
        parsed.requires = Requires(.trade, account: account)
    }

    static func mark(_ a: borrowing Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
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
