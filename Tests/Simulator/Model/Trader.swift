import Core

/// One client: makes lines, reads answers, repeats after a lost connection what it does not know the end of. What it knows of the service it has
/// from its answers, like any client.
///
/// A valid one sends what a desk would, a careless one what a tired programmer would, a hostile one anything.
package final class Trader {
    package enum Kind: Sendable { case valid, careless, hostile }

    package let id: Int
    package let kind: Kind
    let universe: Universe
    var random: Randomness
    var now: Timestamp = 0

    /// Sent and not answered.
    private var pending: [Pending] = []
    private var pendingHead = 0
    /// To be repeated first, now that there is a connection again.
    private var retries: [Pending] = []
    /// What an answer made necessary: money, an end of a suspension.
    var remedies: [String] = []
    private var window: Int
    private var isConnected = false
    private var tagCount = 0
    var idCount = 0
    var orders: [KnownOrder] = []
    var symbols: [Universe.Instrument]
    var wallets: [String]
    var accounts: [Int64]
    /// Lines with an id that were answered: for those who repeat things.
    var done: [String] = []
    var isSubscribed = false
    var lastLSN: UInt64 = 0

    struct KnownOrder {
        var account: Int64
        var instrument: Universe.Instrument
        var id: String
        /// 0: not told yet.
        var number: Int64
        var isBuy: Bool
        var isMarket: Bool
        /// In lots and ticks.
        var quantity: Int
        var price: Int
        var filled: Int
        var isOpen: Bool
        /// In ticks; 0: it was never armed.
        var stop = 0
    }

    struct Pending {
        var tag: String
        /// Without tag.
        var command: String
        /// The id of the order that it is about; empty: none.
        var about = ""
        /// It carries an id of its own, so that it may be repeated.
        var isSafe: Bool
    }

    package init(id: Int, kind: Kind, universe: Universe, random: Randomness) {
        self.id = id
        self.kind = kind
        self.universe = universe
        self.random = random
        symbols = universe.instruments
        wallets = universe.wallets
        accounts = universe.accounts
        window = 1
        window = self.random.pick(kind == .hostile ? [1, 8, 64, 512, 3_000] : [1, 1, 2, 4, 8, 16, 32, 64])
    }

    // MARK: Connection

    package func connected() {
        isConnected = true
        isSubscribed = false
        if random.chance(0.5) {
            var line = "AUTH -"
            if random.chance(0.6) { line += " session=s\(id)" }
            if random.chance(0.3) { line += " hb=\(random.next(in: 1...5))" }
            if random.chance(0.3) { line += " cod=\(random.next(below: 2))" }
            remedies.insert(line, at: 0)
        }
        if hasMarkets, random.chance(0.5) { remedies.append(marketSubscription().command) }
    }

    package func disconnected() {
        isConnected = false
        // All that has an id is asked again, in the same order; of the rest some.
        for it in pending[pendingHead...] where it.isSafe ? !random.chance(0.03) : random.chance(0.2) && !it.command.hasPrefix("QUIT") {
            retries.append(it)
        }
        pending = []
        pendingHead = 0
        if retries.count > 2_000 { retries.removeFirst(retries.count - 2_000) }
        remedies = []
    }

    private var inFlight: Int { pending.count - pendingHead }

    /// The next line to send; `nil`: nothing now.
    package func nextLine(now: Timestamp) -> String? {
        guard isConnected, inFlight < window else { return nil }
        self.now = now
        if !retries.isEmpty {
            var again = retries.removeFirst()
            again.tag = nextTag()
            return send(again)
        }
        if let remedy = remedies.first {
            remedies.removeFirst()
            return send(Pending(tag: nextTag(), command: remedy, isSafe: false))
        }
        switch kind {
        case .valid: return send(validCommand())
        case .careless: return random.chance(0.6) ? send(validCommand()) : send(carelessCommand())
        case .hostile:
            if random.chance(0.3) { return send(validCommand()) }
            let line = hostileLine()
            // It does not read what it gets for this, but the next answers must find their place.
            let words = Words(line)
            if !line.isEmpty, line != "\r" { pending.append(Pending(tag: words.tag ?? "?", command: "", isSafe: false)) }
            return line
        }
    }

    private func send(_ it: Pending) -> String {
        pending.append(it)
        return "\(it.tag) \(it.command)"
    }

    func nextTag() -> String {
        tagCount += 1
        return kind != .valid && random.chance(0.1) ? "x" : "\(tagCount % 100_000)"
    }

    func command(_ text: String, about: String = "", isSafe: Bool = false) -> Pending {
        var text = text
        // Now and then an old intent must not become a new trade.
        if !text.contains(" before="), random.chance(0.02) {
            text += " before=\(max(1, now / 1_000 + Int64(random.next(in: -50...5_000))))"
        }
        return Pending(tag: nextTag(), command: text, about: about, isSafe: isSafe)
    }

    // MARK: Answers

    package func received(_ line: String) {
        switch line.first {
        case "+", "-":
            guard pendingHead < pending.count else { return }
            let it = pending[pendingHead]
            pendingHead += 1
            if pendingHead > 512 {
                pending.removeFirst(pendingHead)
                pendingHead = 0
            }
            if line.first == "+" { learn(it, line) } else { learnRefusal(it, line) }
        case "*":
            if line.hasPrefix("* UNSUBSCRIBED") { isSubscribed = false }
        default: break
        }
    }

    func facts(_ line: String) -> [String: String] {
        var facts: [String: String] = [:]
        for word in line.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { facts[String(parts[0])] = String(parts[1]) }
        }
        return facts
    }

    private func learn(_ it: Pending, _ line: String) {
        let words = line.split(separator: " ").map(String.init)
        let facts = facts(line)
        if let lsn = facts["lsn"].flatMap(UInt64.init) { lastLSN = lsn }
        if it.isSafe {
            done.append(it.command)
            if done.count > 200 { done.removeFirst(100) }
        }
        if it.command.hasPrefix("SUB"), !it.command.contains(" book="), !it.command.contains(" trades=") { isSubscribed = true }
        if it.command == "UNS" { isSubscribed = false }
        if it.command.hasPrefix("INS "), it.command.contains("venue=") { learnInstrument(it.command) }
        if it.command.hasPrefix("WLT ") { wallets.append(String(it.command.split(separator: " ")[1])) }
        guard !it.about.isEmpty, let index = orders.lastIndex(where: { $0.id == it.about }), words.count > 2 else { return }
        orders[index].number = Int64(words[1]) ?? orders[index].number
        orders[index].isOpen = words[2] == "NEW" || words[2] == "PARTIALLY_FILLED"
        let lots = { (text: String?) in
            text.flatMap { try? Decimals.parse($0, scale: self.orders[index].instrument.lotDecimals).get() }.flatMap { Int(exactly: $0) } ?? 0
        }
        orders[index].filled = lots(facts["cum"])
        if orders[index].isOpen { orders[index].quantity = lots(facts["leaves"]) + orders[index].filled }
    }

    private func learnRefusal(_ it: Pending, _ line: String) {
        let words = line.split(separator: " ").map(String.init)
        let facts = facts(line)
        if let index = orders.lastIndex(where: { $0.id == it.about }) {
            if it.command.hasPrefix("NEW") || it.command.hasPrefix("CLS") { orders.remove(at: index) } else if words[1] == "ORDER_CLOSED" { orders[index].isOpen = false }
        }
        guard words.count > 1, remedies.count < 8 else { return }
        switch words[1] {
        case "ACCOUNT_SUSPENDED" where random.chance(0.2): remedies.append("ACC \(facts["account"] ?? "7") resume")
        case let code where code.hasPrefix("INSTRUMENT_") && random.chance(0.2): remedies.append("INS \(facts["symbol"] ?? "BTC-USD") state=trading")
        case "NO_MARK" where random.chance(0.3): remedies.append(markCommand(facts["symbol"]))
        case "INSUFFICIENT_FUNDS" where random.chance(0.2):
            guard let need = facts["need"], let asset = facts["asset"], let account = it.command.split(separator: " ").dropFirst().first else { return }
            idCount += 1
            remedies.append("DEP \(account) \(asset) \(need) ref=d\(id)-\(idCount) wallet=\(facts["wallet"] ?? "spot")")
        case let code where code.hasPrefix("LIMIT_") && random.chance(0.3):
            if let remedy = limitRemedy(code, facts) { remedies.append(remedy) }
        case "ALREADY_SUBSCRIBED": isSubscribed = true
        case "NOT_SUBSCRIBED": isSubscribed = false
        default: break
        }
    }

    private func learnInstrument(_ command: String) {
        let facts = facts(command)
        let symbol = String(command.split(separator: " ")[1])
        guard !symbols.contains(where: { $0.symbol == symbol }), let wallet = facts["wallet"], let base = facts["base"] else { return }
        symbols.append(
            Universe.Instrument(
                symbol: symbol, wallet: wallet, base: base, quote: "USD", tickDecimals: 2, lotDecimals: 4, priceTicks: 10_000, isFunded: true))
    }

    func markCommand(_ symbol: String? = nil) -> String {
        let instrument = symbols.first { $0.symbol == symbol } ?? random.pick(symbols)
        return "MRK \(instrument.symbol) \(price(instrument, around: instrument.priceTicks))"
    }

    func price(_ instrument: Universe.Instrument, around ticks: Int) -> String {
        let spread = max(1, ticks / 20)
        return decimal(max(1, ticks + random.next(in: -spread...spread)), instrument.tickDecimals)
    }

    func decimal(_ value: Int, _ scale: Int) -> String { Decimals.print(Int128(value), scale: scale) }
}
