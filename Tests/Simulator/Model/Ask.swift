import Core

/// What a line asks for, with names resolved.
enum Ask {
    case shard(WalletID, Command)
    /// -1: every wallet.
    case cancelAll(WalletID, CancelAll)
    case define(Definition)
    /// INS of a known symbol: what is given, over the terms of the moment.
    case change(InstrumentID, TermsChange)
    case house(AccountStatus)
    /// DMS; 0: off.
    case deadMan(AccountNumber, seconds: Int64)
    case query(Query)
    case session(SessionAsk)
}

struct TermsChange {
    var tick: Price?
    var lot: Quantity?
    var minQuantity: Quantity?
    var maxQuantity: Quantity?
    var minNotional: Amount?
    var state: InstrumentState?
    var makerFee: Int32?
    var takerFee: Int32?

    func applied(to terms: InstrumentTerms) -> InstrumentTerms {
        InstrumentTerms(
            tick: tick ?? terms.tick, lot: lot ?? terms.lot, minQuantity: minQuantity ?? terms.minQuantity,
            maxQuantity: maxQuantity ?? terms.maxQuantity, minNotional: minNotional ?? terms.minNotional, state: state ?? terms.state,
            fees: FeeRates(maker: makerFee ?? terms.fees.maker, taker: takerFee ?? terms.fees.taker))
    }
}

enum SessionAsk: Equatable {
    case authenticate(name: String, cancelOnDisconnect: Bool)
    case ping, time, sync, quit, unsubscribe, help, status, sessions
    case subscribe(Subscription)
    case subscribeMarket(MarketData)
    case unsubscribeMarket(MarketData)

    /// -1: not meant.
    struct MarketData: Equatable {
        var book: InstrumentID = -1
        var trades: InstrumentID = -1
        var depth = 10
    }

    struct Subscription: Equatable {
        /// After this; `nil`: from now on. `event` `nil`: after the whole change.
        var from: UInt64?
        var event: Int?
        var account: AccountNumber
        var instrument: InstrumentID
        var kinds: Set<String>
    }
}

struct Query {
    enum Kind { case balances, positions, orders, trades, limits, deadMen, instruments, book, market, assets, wallets, venues, accounts, settings }
    enum Status { case open, closed, all }
    var kind: Kind
    var account: AccountNumber = 0
    var asset: AssetID = -1
    var instrument: InstrumentID = -1
    /// -1: all.
    var wallet: WalletID = -1
    var order: OrderReference?
    var status = Status.open
    var after: Int64 = 0
    var limit = Int.max
    var depth = 10
}

/// A line read against the registry of a moment: what it asks for, or all that is wrong with its values. Collects faults instead of stopping at the
/// first, because which of several the service names is its own affair.
struct Reading {
    let words: Words
    let names: Names
    /// The registry up to this entry.
    let number: Int64
    var faults: Set<String>
    private(set) var ask: Ask?

    init(_ words: Words, _ names: Names, at number: Int64) {
        self.words = words
        self.names = names
        self.number = number
        faults = words.faults
        if faults.isEmpty {
            _ = time("before")
            let made = read()
            ask = faults.isEmpty ? made : nil
        }
    }

    // MARK: Values

    mutating func fail<T>(_ code: String, _ value: T) -> T {
        faults.insert(code)
        return value
    }

    mutating func number(_ text: String, scale: Int, signed: Bool = false) -> Int128? {
        switch Decimals.parse(text, scale: scale, signed: signed) {
        case .success(let value): return value
        case .failure(let fault): return fail(fault.rawValue, nil)
        }
    }

    mutating func whole(_ text: String, _ allowed: ClosedRange<Int64>, _ absent: Int64 = 1) -> Int64 {
        guard let value = number(text, scale: 0) else { return absent }
        if value > Int128(Int64.max) { return fail("NUMBER_TOO_LARGE", absent) }
        if value > Int128(allowed.upperBound), allowed.upperBound == Registry.accountNumberMax { return fail("NUMBER_TOO_LARGE", absent) }
        return allowed.contains(Int64(value)) ? Int64(value) : fail("BAD_VALUE", absent)
    }

    mutating func scaled(_ text: String, _ scale: Int32, signed: Bool = false, zero: Bool = false) -> Int64 {
        guard let value = number(text, scale: Int(scale), signed: signed) else { return 1 }
        guard let small = Int64(exactly: value) else { return fail("NUMBER_TOO_LARGE", 1) }
        return small == 0 && !zero ? fail("BAD_VALUE", 1) : small
    }

    mutating func amount(_ text: String, signed: Bool = false, zero: Bool = false) -> Amount {
        guard let value = number(text, scale: 18, signed: signed) else { return 1 }
        if !isInRange(value) { return fail("NUMBER_TOO_LARGE", 1) }
        return value == 0 && !zero ? fail("BAD_VALUE", 1) : value
    }

    /// Microseconds; 0: not given.
    mutating func time(_ key: String) -> Timestamp {
        words[key].map { whole($0, 1...Registry.accountNumberMax) * 1_000 } ?? 0
    }

    mutating func text(_ value: String) -> Text { decodedText(value) ?? fail("BAD_VALUE", Text()) }
    mutating func option(_ key: String) -> Text { words[key].map { text($0) } ?? Text() }

    mutating func name(_ value: String) -> String {
        let isGood = (1...24).contains(value.utf8.count)
            && value.utf8.allSatisfy { $0 >= 65 && $0 <= 90 || $0 >= 97 && $0 <= 122 || $0 >= 45 && $0 <= 58 || $0 == 95 }
        return isGood ? value : fail("BAD_VALUE", value)
    }

    mutating func account(_ value: String) -> AccountNumber { whole(value, 1...Registry.accountNumberMax) }
    mutating func instrument(_ value: String) -> InstrumentID? {
        names.instrument(name(value), at: number) ?? fail("UNKNOWN_INSTRUMENT", nil)
    }
    mutating func asset(_ value: String) -> AssetID { names.asset(name(value), at: number) ?? fail("UNKNOWN_ASSET", 0) }
    mutating func venue(_ value: String) -> VenueID { names.venue(name(value), at: number) ?? fail("UNKNOWN_VENUE", 0) }
    mutating func wallet(_ value: String) -> WalletID { names.wallet(name(value), at: number) ?? fail("UNKNOWN_WALLET", 0) }
    /// By default the first.
    mutating func wallet(option key: String) -> WalletID {
        if let value = words[key] { return wallet(value) }
        return names.walletCount(at: number) == 0 ? fail("UNKNOWN_WALLET", 0) : 0
    }
    mutating func order(_ value: String) -> OrderReference {
        value.hasPrefix("id=") ? .client(text(String(value.dropFirst(3)))) : .order(whole(value, 1...Registry.accountNumberMax))
    }
    mutating func flag(_ key: String) -> Bool {
        switch words[key] {
        case nil, "0"?: false
        case "1"?: true
        default: fail("BAD_VALUE", false)
        }
    }
    mutating func priceOrDash(_ value: String, _ scale: Int32) -> Price { value == "-" ? 0 : scaled(value, scale) }
    func has(_ key: String) -> Bool { words[key] != nil }
    var a: [String] { words.arguments }

    /// Faults of a line whose instrument is not known: what can be said without it.
    var info: (InstrumentID) -> InstrumentInfo { { names.info($0, at: number) } }

    // MARK: Verbs

    mutating func read() -> Ask? {
        switch words.verb {
        case "NEW": return new()
        case "RPL": return replace()
        case "CXL": return cancel()
        case "CXA": return cancelAll()
        case "FIL": return fill()
        case "CLS": return close()
        case "MRK":
            guard let id = instrument(a[0]) else { return nil }
            return .shard(
                info(id).wallet, .setMark(SetMark(instrument: id, price: scaled(a[1], info(id).priceScale), before: time("before"))))
        case "DEP": return money(.deposit)
        case "WDR": return money(.withdraw)
        case "ADJ": return money(.adjust)
        case "HLD": return money(.hold)
        case "RLS": return money(.release)
        case "XFR": return transfer()
        case "PTO": return takeOver()
        case "LIM": return limits()
        case "DMS": return deadMan()
        case "BAL", "POS", "ORD", "TRD": return query()
        case "BOOK": return book()
        case "MKT":
            guard let first = a.first else { return .query(Query(kind: .market, limit: limit(Int.max))) }
            guard let id = instrument(first) else { return nil }
            return .query(Query(kind: .market, instrument: id, wallet: info(id).wallet, limit: limit(Int.max)))
        case "AST", "WLT", "VEN", "INS", "ACC", "SET": return definition()
        default: return session()
        }
    }

    mutating func new() -> Ask? {
        let account = account(a[0])
        let id = instrument(a[1])
        if a[2] != "B", a[2] != "S" { faults.insert("BAD_VALUE") }
        let isMarket = a[3] == "MKT"
        if ["STP", "STL", "TPM", "TPL"].contains(a[3]) { faults.insert("NOT_SUPPORTED") } else if !isMarket, a[3] != "LMT" { faults.insert("BAD_VALUE") }
        let tifs: [String: TimeInForce] = ["GTC": .gtc, "IOC": .ioc, "FOK": .fok, "GTD": .gtd]
        if tifs[a[6]] == nil { faults.insert("BAD_VALUE") }
        if a[6] == "GTD", !has("expire") { faults.insert("MISSING_KEY") }
        if a[6] != "GTD", has("expire") { faults.insert("BAD_VALUE") }
        if isMarket ? a[5] != "-" : a[5] == "-" { faults.insert("BAD_VALUE") }
        if has("max"), !isMarket || a[2] != "B" { faults.insert("BAD_VALUE") }
        let max = words["max"].map { amount($0) } ?? 0
        let (client, strategy, note, expire) = (option("id"), option("strategy"), option("note"), time("expire"))
        guard let id else { return nil }
        let quantity = scaled(a[4], info(id).quantityScale)
        let price = priceOrDash(a[5], info(id).priceScale)
        let instructions = instructions(id)
        let oco = option("oco")
        return .shard(
            info(id).wallet,
            .newOrder(
                NewOrder(
                    account: account, instrument: id, side: a[2] == "B" ? .buy : .sell, type: isMarket ? .market : .limit,
                    timeInForce: tifs[a[6]] ?? .gtc, quantity: quantity, price: price, clientID: client, expire: expire, max: max,
                    strategy: strategy, note: note, before: time("before"), instructions: instructions, oco: oco)))
    }

    mutating func instructions(_ id: InstrumentID) -> Instructions {
        var it = Instructions()
        if let stop = words["stop"] {
            it.stop = scaled(stop, info(id).priceScale)
            it.trigger = flag("take") ? .takeProfit : .stop
            switch words["trigger"] {
            case nil, "last"?: break
            case "mark"?: it.triggerPrice = .mark
            default: faults.insert("BAD_VALUE")
            }
        } else if has("take") || has("trigger") {
            faults.insert("MISSING_KEY")
        }
        if let display = words["display"] { it.display = scaled(display, info(id).quantityScale) }
        (it.postOnly, it.reduceOnly) = (flag("post"), flag("reduce"))
        if let word = words["stp"] { it.selfTrade = selfTrade(word) }
        return it
    }

    mutating func selfTrade(_ word: String) -> SelfTradePrevention {
        let all: [String: SelfTradePrevention] = ["newest": .newest, "oldest": .oldest, "both": .both, "decrement": .decrement]
        return all[word] ?? fail("BAD_VALUE", .standard)
    }

    mutating func replace() -> Ask? {
        let (account, id, order) = (account(a[0]), instrument(a[1]), order(a[2]))
        let max = words["max"].map { amount($0) } ?? 0
        guard let id else { return nil }
        return .shard(
            info(id).wallet,
            .replace(
                Replace(
                    account: account, instrument: id, order: order, quantity: scaled(a[3], info(id).quantityScale),
                    price: priceOrDash(a[4], info(id).priceScale), max: max,
                    stop: words["stop"].map { scaled($0, info(id).priceScale) } ?? 0, before: time("before"))))
    }

    mutating func cancel() -> Ask? {
        let (account, id, order, note) = (account(a[0]), instrument(a[1]), order(a[2]), option("reason"))
        guard let id else { return nil }
        return .shard(info(id).wallet, .cancel(Cancel(account: account, instrument: id, order: order, note: note, before: time("before"))))
    }

    /// The wallet of a symbol or of `wallet=`, which may not contradict each other; -1: all.
    mutating func scope(_ id: InstrumentID?) -> WalletID {
        let named = words["wallet"].map { wallet($0) } ?? -1
        guard let id else { return named }
        if named >= 0, named != info(id).wallet { faults.insert("BAD_VALUE") }
        return info(id).wallet
    }

    mutating func cancelAll() -> Ask? {
        let account = account(a[0])
        let id = a.count > 1 ? instrument(a[1]) : nil
        let all = CancelAll(account: account, instrument: id ?? -1, before: time("before"))
        return .cancelAll(scope(id), all)
    }

    mutating func fill() -> Ask? {
        let (account, id, order, exec) = (account(a[0]), instrument(a[1]), order(a[2]), option("exec"))
        let fee = words["fee"].map { amount($0, signed: true, zero: true) } ?? 0
        let feeAsset = words["feeasset"].map { asset($0) }
        if let liq = words["liq"], liq != "M", liq != "T" { faults.insert("BAD_VALUE") }
        let venueTime = time("time")
        guard let id else { return nil }
        return .shard(
            info(id).wallet,
            .fill(
                Fill(
                    account: account, instrument: id, order: order, quantity: scaled(a[3], info(id).quantityScale),
                    price: scaled(a[4], info(id).priceScale), exec: exec, fee: fee, feeAsset: feeAsset ?? info(id).quote,
                    liquidity: words["liq"] == "M" ? .maker : words["liq"] == "T" ? .taker : .unknown, venueTime: venueTime,
                    before: time("before"))))
    }

    mutating func close() -> Ask? {
        let (account, id, client) = (account(a[0]), instrument(a[1]), option("id"))
        let max = words["max"].map { amount($0) } ?? 0
        let (strategy, note) = (option("strategy"), option("note"))
        guard let id else { return nil }
        return .shard(
            info(id).wallet,
            .closePosition(
                ClosePosition(
                    account: account, instrument: id, quantity: a.count < 3 || a[2] == "-" ? 0 : scaled(a[2], info(id).quantityScale),
                    price: a.count < 4 ? 0 : priceOrDash(a[3], info(id).priceScale), clientID: client, max: max, strategy: strategy, note: note,
                    before: time("before"))))
    }

    mutating func money(_ kind: Money.Kind) -> Ask? {
        let (account, asset, amount) = (account(a[0]), asset(a[1]), amount(a[2], signed: kind == .adjust))
        let (reference, note) = (option("ref"), option(has("reason") ? "reason" : "note"))
        return .shard(
            wallet(option: "wallet"),
            .money(Money(kind, account: account, asset: asset, amount: amount, reference: reference, note: note, before: time("before"))))
    }

    mutating func transfer() -> Ask? {
        let (from, to, asset, amount) = (account(a[0]), account(a[1]), asset(a[2]), amount(a[3]))
        let (source, target) = (wallet(option: "from"), wallet(option: "to"))
        if from == to, source == target { faults.insert("BAD_VALUE") }
        let (reference, note) = (option("ref"), option("note"))
        return .shard(
            source,
            .transfer(
                Transfer(
                    account: from, toAccount: to, toWallet: target, asset: asset, amount: amount, reference: reference, note: note,
                    before: time("before"))))
    }

    mutating func takeOver() -> Ask? {
        let (account, id, reference, note) = (account(a[0]), instrument(a[1]), option("ref"), option("note"))
        guard let id else { return nil }
        return .shard(
            info(id).wallet,
            .takeOver(
                TakeOver(
                    account: account, instrument: id, quantity: scaled(a[2], info(id).quantityScale, signed: true),
                    price: scaled(a[3], info(id).priceScale), reference: reference, note: note, before: time("before"))))
    }

    mutating func limit(_ absent: Int) -> Int { words["limit"].map { Int(whole($0, 1...1_000)) } ?? absent }

    // MARK: Queries and sessions

    mutating func query() -> Ask? {
        let kinds: [String: Query.Kind] = ["BAL": .balances, "POS": .positions, "ORD": .orders, "TRD": .trades]
        var query = Query(kind: kinds[words.verb]!)
        query.account = account(a[0])
        if query.kind == .balances {
            if a.count > 1 { query.asset = asset(a[1]) }
            query.wallet = scope(nil)
        } else if query.kind == .orders, a.count > 2, a[1] == "-" {
            query.order = order(a[2])
            if case .order(let id)? = query.order { query.wallet = Int(id >> 40) < names.walletCount(at: number) ? WalletID(id >> 40) : 0 }
        } else {
            if a.count > 1 {
                guard let id = instrument(a[1]) else { return nil }
                query.instrument = id
                query.wallet = info(id).wallet
            }
            if a.count > 2 { query.order = order(a[2]) }
        }
        if let status = words["status"] {
            let all: [String: Query.Status] = ["open": .open, "closed": .closed, "all": .all]
            query.status = all[status] ?? fail("BAD_VALUE", .open)
        }
        if let after = words["after"] { query.after = whole(after, 0...Registry.accountNumberMax) }
        query.limit = limit(query.kind == .orders || query.kind == .trades ? 100 : Int.max)
        return .query(query)
    }

    mutating func session() -> Ask? {
        switch words.verb {
        case "AUTH":
            let name = words["session"].map { text($0).plain } ?? ""
            if let hb = words["hb"] { _ = whole(hb, 1...3_600) }
            return .session(.authenticate(name: name, cancelOnDisconnect: flag("cod")))
        case "PING": return .session(.ping)
        case "TIME": return .session(.time)
        case "SYNC": return .session(.sync)
        case "QUIT": return .session(.quit)
        case "UNS":
            guard has("book") || has("trades") else { return .session(.unsubscribe) }
            var request = SessionAsk.MarketData()
            if let book = words["book"] { request.book = instrument(book) ?? -1 }
            if let trades = words["trades"] { request.trades = instrument(trades) ?? -1 }
            return .session(.unsubscribeMarket(request))
        case "SES": return .session(.sessions)
        case "STAT":
            _ = flag("hash")
            return .session(.status)
        case "HELP":
            if let verb = a.first, Form.all[verb] == nil, !Form.reserved.contains(verb) { faults.insert("UNKNOWN_VERB") }
            return .session(.help)
        default: break
        }
        if has("book") || has("trades") || has("depth") { return marketData() }
        var request = SessionAsk.Subscription(account: 0, instrument: -1, kinds: Reading.kinds)
        if let from = words["from"] {
            let parts = from.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            request.from = UInt64(scaled(parts[0], 0, zero: true))
            if parts.count > 1 { request.event = Int(scaled(parts[1], 0, zero: true)) }
        }
        if let account = words["account"] { request.account = self.account(account) }
        if let symbol = words["symbol"] {
            guard let id = instrument(symbol) else { return nil }
            request.instrument = id
        }
        if let kinds = words["kind"] {
            let list = kinds.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            request.kinds = Set(list)
            if request.kinds.count != list.count || !request.kinds.isSubset(of: Reading.kinds) { faults.insert("BAD_VALUE") }
        }
        return .session(.subscribe(request))
    }

    /// An instrument that has a book.
    mutating func market(_ value: String) -> InstrumentID {
        guard let id = instrument(value) else { return -1 }
        if !names.isInternal(id) { faults.insert("NOT_SUPPORTED") }
        return id
    }

    mutating func depth() -> Int { words["depth"].map { Int(whole($0, 1...1_000)) } ?? 10 }

    mutating func marketData() -> Ask? {
        for key in ["from", "account", "symbol", "kind"] where has(key) { faults.insert("UNKNOWN_KEY") }
        if has("depth"), !has("book") { faults.insert("UNKNOWN_KEY") }
        var request = SessionAsk.MarketData()
        if let book = words["book"] { request.book = market(book) }
        if let trades = words["trades"] { request.trades = market(trades) }
        request.depth = depth()
        return .session(.subscribeMarket(request))
    }

    mutating func book() -> Ask? {
        let id = market(a[0])
        if id < 0 { return nil }
        var query = Query(kind: .book, instrument: id, wallet: info(id).wallet)
        query.depth = depth()
        return .query(query)
    }

    static let kinds: Set = ["ORDER", "TRADE", "POSITION", "BALANCE", "LIMIT", "MARK", "REGISTRY"]
}

extension Text {
    /// The string, or as much of it as a text holds; for names that were found too long already.
    init(cut string: String) {
        self = Array(string.utf8.prefix(Text.bytesMax)).withUnsafeBytes { Text(bytes: $0) } ?? Text()
    }
}
