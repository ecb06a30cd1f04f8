import Core
import Testing
import Twin

/// A small language to tell what happens on a market: a command per line, and under it, each after `>`, what comes of it.
///
///     7 B 5 @ 100 id=a post        account, side, quantity, price (`mkt`: market); options as in NEW: ioc fok gtd=SECONDS post reduce display= stop= mark take oco= stp= max=
///     7 RPL a 5 @ 101 stop=        8 CXL a        8 CXA        7 CLS [quantity] [@ price]      suspend 7      resume 7
///     on UNIT                      the instrument from here on: UNIT (whole numbers), PERP (whole numbers, funds none), FINE (a price has 4 decimals, a quantity 8), LOT5 (lot 5)
///     mark 105    state post_only    fees -2.5 5 (basis points)    lim 7 maker= taker= stp=     dep 7 USD 5    wdr 7 USD 5    wait 60 (seconds)
///     book        bal 7            pos 7          ord 7 a         trades 7 a
///
/// Accounts 1 to 9 begin with 100,000 USD and 1,000 BTC each.
struct MarketScript {
    let venue: any Venue
    private var now: Timestamp = 1_700_000_000_000_000
    private var instrument: InstrumentID = 0
    private var counter = 0
    private var names: [OrderID: String] = [:]
    private var terms: [InstrumentTerms] = []

    static let symbols = ["UNIT", "PERP", "FINE", "LOT5"]
    static let scales: [(price: Int, quantity: Int)] = [(0, 0), (0, 0), (4, 8), (0, 0)]

    init(_ venue: any Venue) {
        self.venue = venue
        for name in ["USD", "BTC"] { define(.asset(AssetInfo(name: Text(name), decimals: 2))) }
        define(.wallet(WalletInfo(name: Text("spot"))))
        define(.venue(VenueInfo(name: Text("book"), kind: .internal)))
        for (index, symbol) in MarketScript.symbols.enumerated() {
            let lot: Quantity = symbol == "LOT5" ? 5 : 1
            terms.append(InstrumentTerms(tick: 1, lot: lot, minQuantity: lot, maxQuantity: 1 << 50, minNotional: 0))
            define(
                .instrument(
                    InstrumentInfo(
                        symbol: Text(symbol), venue: 0, wallet: 0, base: 1, quote: 0, priceScale: Int32(MarketScript.scales[index].price),
                        quantityScale: Int32(MarketScript.scales[index].quantity), funds: symbol == "PERP" ? .none : .full, terms: terms[index])))
        }
        for account in AccountNumber(1)...9 {
            define(.account(account, .open))
            for (asset, amount) in [(AssetID(0), "100000"), (1, "1000")] { money(.deposit, account, asset, amount) }
        }
    }

    private func define(_ definition: Definition) {
        if case .rejected(let why) = venue.run(.define(definition), now: now).answer { Issue.record("\(why)") }
    }

    private mutating func money(_ kind: Money.Kind, _ account: AccountNumber, _ asset: AssetID, _ amount: String) {
        counter += 1
        let command = Command.money(Money(kind, account: account, asset: asset, amount: amount18(amount), reference: Text("money\(counter)")))
        if case .rejected(let why) = venue.run(command, now: now).answer { Issue.record("\(why)") }
    }

    /// Runs the script and tells it again, with what came of each line under it.
    mutating func told(_ script: String) -> String {
        var lines: [String] = []
        for line in script.split(separator: "\n").map({ $0.trimmingCharacters(" ") }) where !line.hasPrefix(">") {
            lines.append(line)
            if line.isEmpty || line.hasPrefix("#") { continue }
            now += 1_000
            for said in run(line.split(separator: " ").map(String.init)) { lines.append("> " + said) }
        }
        return lines.joined(separator: "\n")
    }

    private func quantity(_ text: String) -> Quantity { int64(text, MarketScript.scales[Int(instrument)].quantity) }
    private func price(_ text: String) -> Price { int64(text, MarketScript.scales[Int(instrument)].price) }
    private func said(quantity: Quantity) -> String { text(Int128(quantity), scale: MarketScript.scales[Int(instrument)].quantity) }
    private func said(price: Price) -> String { text(Int128(price), scale: MarketScript.scales[Int(instrument)].price) }
    private func asset(_ name: String) -> AssetID { name == "USD" ? 0 : 1 }

    private mutating func run(_ words: [String]) -> [String] {
        let options = words.filter { $0.contains("=") }.reduce(into: [String: String]()) { all, word in
            let parts = word.split(separator: "=").map(String.init)
            all[parts[0]] = parts[1]
        }
        switch words[0] {
        case "on":
            instrument = InstrumentID(MarketScript.symbols.firstIndex(of: words[1])!)
            return []
        case "book": return book()
        case "bal":
            return [AssetID(0), 1].map { asset in
                let it = venue.balance(AccountNumber(words[1])!, asset)
                return (asset == 0 ? "USD " : "BTC ") + text(it.available) + (it.reserved == 0 ? "" : " +" + text(it.reserved))
            }
        case "pos":
            guard let it = venue.position(AccountNumber(words[1])!, instrument) else { return ["flat"] }
            return ["\(said(quantity: it.quantity)) cost \(text(it.cost)) realized \(text(it.realized))"]
        case "ord":
            guard let id = names.first(where: { $0.value == words[2] })?.key, let it = venue.detail(id) else { return ["none"] }
            let reason = it.order.status == .canceled ? " \(it.reason)" : ""
            return ["\(it.order.status)\(reason) \(said(quantity: it.order.cumulative)) of \(said(quantity: it.quantity)) holds \(text(it.reserved))"]
        case "trades":
            guard let id = names.first(where: { $0.value == words[2] })?.key else { return ["none"] }
            return venue.trades(id).map { "\($0.id): \(said(quantity: $0.quantity)) @ \(said(price: $0.price)) \($0.liquidity) fee \(text($0.fee))" }
        case "dep": money(.deposit, AccountNumber(words[1])!, asset(words[2]), words[3])
        case "wdr": money(.withdraw, AccountNumber(words[1])!, asset(words[2]), words[3])
        case "wait":
            now += Int64(words[1])! * 1_000_000
            return venue.expireDue(now: now, max: 1_000).events.compactMap { tell($0) }
        case "mark": return give(.setMark(SetMark(instrument: instrument, price: price(words[1]))))
        case "state":
            terms[Int(instrument)].state = ["trading": .trading, "halted": .halted, "post_only": .postOnly, "cancel_only": .cancelOnly][words[1]]!
            return give(.define(.changeInstrument(instrument, terms[Int(instrument)])))
        case "fees":
            terms[Int(instrument)].fees = FeeRates(maker: Int32(int64(words[1], 2)), taker: Int32(int64(words[2], 2)))
            return give(.define(.changeInstrument(instrument, terms[Int(instrument)])))
        case "lim":
            var change = LimitsChange()
            change.makerFee = options["maker"].map { Int32(int64($0, 2)) }
            change.takerFee = options["taker"].map { Int32(int64($0, 2)) }
            change.selfTrade = options["stp"].map(mode)
            return give(.setLimits(SetLimits(account: AccountNumber(words[1])!, instrument: words.contains("all") ? -1 : instrument, change: change)))
        case "suspend": return give(.define(.account(AccountNumber(words[1])!, .suspended)))
        case "resume": return give(.define(.account(AccountNumber(words[1])!, .open)))
        default: return trade(words, options)
        }
        return []
    }

    private func mode(_ name: String) -> SelfTradePrevention {
        ["newest": .newest, "oldest": .oldest, "both": .both, "decrement": .decrement][name]!
    }

    private mutating func trade(_ words: [String], _ options: [String: String]) -> [String] {
        let account = AccountNumber(words[0])!
        let at = words.firstIndex(of: "@").map { words[$0 + 1] } ?? "mkt"
        counter += 1
        switch words[1] {
        case "CXA": return give(.cancelAll(CancelAll(account: account)))
        case "CXL": return give(.cancel(Cancel(account: account, instrument: instrument, order: .client(Text(words[2])))))
        case "RPL":
            return give(
                .replace(
                    Replace(
                        account: account, instrument: instrument, order: .client(Text(words[2])), quantity: quantity(words[3]),
                        price: at == "mkt" ? 0 : price(at), max: options["max"].map(amount18) ?? 0, stop: options["stop"].map(price) ?? 0)))
        case "CLS":
            let whole = words.count == 2 || words[2] == "@"
            return give(
                .closePosition(
                    ClosePosition(
                        account: account, instrument: instrument, quantity: whole ? 0 : quantity(words[2]), price: at == "mkt" ? 0 : price(at),
                        clientID: Text("close\(counter)"))))
        default:
            let tif: TimeInForce = words.contains("ioc") ? .ioc : words.contains("fok") ? .fok : options["gtd"] != nil ? .gtd : .gtc
            var new = NewOrder(
                account: account, instrument: instrument, side: words[1] == "B" ? .buy : .sell, type: at == "mkt" ? .market : .limit,
                timeInForce: tif, quantity: quantity(words[2]), price: at == "mkt" ? 0 : price(at),
                clientID: Text(options["id"] ?? "o\(counter)"), max: options["max"].map(amount18) ?? 0)
            if let seconds = options["gtd"] { new.expire = now + Int64(seconds)! * 1_000_000 }
            new.instructions.postOnly = words.contains("post")
            new.instructions.reduceOnly = words.contains("reduce")
            new.instructions.display = options["display"].map(quantity) ?? 0
            new.instructions.selfTrade = options["stp"].map(mode) ?? .standard
            if let stop = options["stop"] {
                new.instructions.stop = price(stop)
                new.instructions.trigger = words.contains("take") ? .takeProfit : .stop
                new.instructions.triggerPrice = words.contains("mark") ? .mark : .last
            }
            if let first = options["oco"] { new.oco = Text(first) }
            return give(.newOrder(new))
        }
    }

    private mutating func give(_ command: Command) -> [String] {
        let (answer, events) = venue.run(command, now: now)
        if case .rejected(let why) = answer { return ["refused: \(why)".replacing("Core.Rejection.", "").replacing("Core.", "")] }
        var replaced: OrderID?
        if case .replace(let it) = command, case .client(let id) = it.order { replaced = names.first { $0.value == id.string }?.key }
        for case .orderAccepted(let it) in events { names[it.id] = it.clientID.string }
        return events.compactMap { event in
            // What RPL itself does need not be said.
            if case .orderReplaced(let it) = event, it.order == replaced { return nil }
            return tell(event)
        }
    }

    private func tell(_ event: Mutation) -> String? {
        func name(_ order: OrderID) -> String { names[order] ?? "?" }
        switch event {
        case .matched(let it):
            let fees = it.makerFee == 0 && it.takerFee == 0 ? "" : " fees \(text(it.makerFee)) \(text(it.takerFee))"
            return "\(name(it.taker)) takes \(said(quantity: it.quantity)) of \(name(it.maker)) @ \(said(price: it.price))\(fees)"
        case .orderCanceled(let it): return "\(name(it.order)) cancelled: \(it.reason)"
        case .orderExpired(let order): return "\(name(order)) expires"
        case .orderTriggered(let order): return "\(name(order)) triggers"
        case .orderReplaced(let it): return "\(name(it.order)) is now \(said(quantity: it.quantity))"
        default: return nil
        }
    }

    /// Best first: price, and who stands there with what shows (and what does not).
    private func book() -> [String] {
        [Side.buy, .sell].compactMap { side in
            let orders = venue.book(instrument, side)
            if orders.isEmpty { return nil }
            var said = side == .buy ? "bids" : "asks"
            var level: Price?
            for order in orders {
                if order.price != level { said += " | \(self.said(price: order.price)):" }
                level = order.price
                said += " \(names[order.order] ?? "?") \(self.said(quantity: order.shown))"
                if order.leaves != order.shown { said += "(+\(self.said(quantity: order.leaves - order.shown)))" }
            }
            return said
        }
    }
}

extension String {
    fileprivate func replacing(_ part: String, _ other: String) -> String {
        var (result, rest) = ("", self[...])
        while let range = rest.firstRange(of: part) {
            result += rest[..<range.lowerBound] + other
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}

extension StringProtocol {
    fileprivate func trimmingCharacters(_ character: Character) -> String {
        String(drop { $0 == character }.reversed().drop { $0 == character }.reversed())
    }
}

/// Runs a script on both venues; each must tell it as it is written.
func check(_ script: String, _ location: SourceLocation = #_sourceLocation) {
    let written = script.split(separator: "\n").map { $0.trimmingCharacters(" ") }.joined(separator: "\n")
    let core = CoreVenue()
    for (name, venue) in [("twin", Twin() as any Venue), ("Core", core)] {
        var play = MarketScript(venue)
        let told = play.told(script)
        if told != written {
            let (a, b) = (told.split(separator: "\n"), written.split(separator: "\n"))
            let first = zip(a, b).prefix { $0 == $1 }.count
            let context = a[max(0, first - 8)..<min(a.count, first + 6)].joined(separator: "\n")
            Issue.record("\(name) tells from line \(first + 1):\n\(context)\nwritten:\n\(first < b.count ? String(b[first]) : "(the end)")", sourceLocation: location)
        }
    }
    let fault = core.fault()
    #expect(fault == nil, sourceLocation: location)
}
