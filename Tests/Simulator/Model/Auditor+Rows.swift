import Core

// Rows of queries, SUB's events, and what the session itself answers.

extension Auditor {
    // MARK: Rows

    func judgeRows(_ sent: Sent, _ query: Query, _ rows: [String], _ rest: String, _ item: Item) {
        if rest != "\(rows.count)" { return fail("`\(sent.line)` got \(rows.count) rows and then: \(item.line)") }
        if rows.count > query.limit { return fail("`\(sent.line)` got \(rows.count) rows") }
        let skip = 2 + sent.words.tag!.utf8.count
        let texts = rows.map { Decimals.normal(String($0.dropFirst(skip))) }
        switch query.kind {
        case .assets, .wallets, .venues, .accounts, .settings: return judgeRegistryRows(sent, query, texts, item)
        case .book: return judgeBook(sent, query, texts, item)
        default: break
        }
        let last = max(0, Int(model.wallet(0).registryNumber.at(item.durable) > 0 ? model.names.walletCount(at: names(at: item.durable)) - 1 : 0))
        let numbers = query.wallet >= 0 ? [Int(query.wallet)] : Array(0...last)
        var start = 0
        for number in numbers {
            if start == query.limit { break }
            // Rows of a wallet are of one moment.
            let wallet = model.wallet(WalletID(number))
            let mine = texts[start...].prefix { belongs($0, query, wallet) }.map { query.kind == .market ? withoutDay($0) : $0 }
            var seen: [[String]] = []
            var isRight = false
            for point in query.kind == .market || query.kind == .deadMen ? wallet.restPoints(sent.low, item.durable) : wallet.points(query.account, sent.low, item.durable) {
                let expected = self.rows(query, wallet, point, query.limit - start).map { Decimals.normal($0) }
                if expected == Array(mine) {
                    isRight = true
                    break
                }
                if !seen.contains(expected) { seen.append(expected) }
            }
            if !isRight {
                let lists = seen.map { $0.joined(separator: "\n    ") }.prefix(4).joined(separator: "\n  or\n    ")
                return fail("`\(sent.line)` tells of wallet \(number)\n    \(mine.joined(separator: "\n    "))\n  and it should be\n    \(lists)")
            }
            start += mine.count
        }
        if start != texts.count { fail("`\(sent.line)`: a row that belongs nowhere: \(rows[start])") }
    }

    private func belongs(_ row: String, _ query: Query, _ wallet: WalletState) -> Bool {
        let words = row.split(separator: " ").map(String.init)
        let symbol: String
        switch query.kind {
        case .balances: return words.count > 1 && words[1] == model.names.wallets[Int(wallet.number)].name.plain
        case .deadMen: return words.count > 1 && words[1].dropFirst(7) == model.names.wallets[Int(wallet.number)].name.plain
        case .limits:
            if words[1].hasPrefix("wallet=") { return words[1].dropFirst(7) == model.names.wallets[Int(wallet.number)].name.plain }
            symbol = String(words[1].dropFirst(7))
        case .positions, .instruments, .market: symbol = words[0]
        default: symbol = words.count > 1 ? String(words[1].dropFirst(7)) : ""
        }
        guard let id = model.names.instrument(symbol, at: .max) else { return false }
        return model.names.instruments[Int(id)].wallet == wallet.number
    }

    /// What the query shows of one wallet at a point of the log.
    private func rows(_ query: Query, _ wallet: WalletState, _ at: UInt64, _ limit: Int) -> [String] {
        let telling = Telling(model: model, wallet: wallet, at: at)
        let account = query.account
        var found: [String] = []
        switch query.kind {
        case .balances:
            for asset in model.names.assets.indices.map({ AssetID($0) }) where query.asset < 0 || query.asset == asset {
                guard wallet.balances[Pair(account: account, other: asset)]?.isThere(at) ?? false else { continue }
                if query.asset < 0, wallet.balance(account, asset, at) == BalanceState() { continue }
                found.append(telling.balanceRow(account, asset))
            }
        case .positions:
            for id in model.names.instruments.indices.map({ InstrumentID($0) }) where query.instrument < 0 || query.instrument == id {
                if wallet.position(account, id, at).isListed { found.append(telling.positionRow(account, id)) }
            }
        case .orders:
            if let reference = query.order {
                return wallet.order(reference, account, query.instrument, at).map { [telling.row($0)] } ?? []
            }
            for order in wallet.orders(account, query.instrument, at) where order.id > query.after {
                if query.status == .all || order.status.isOpen == (query.status == .open) { found.append(telling.row(order)) }
            }
        case .trades:
            var orders = wallet.orders(account, query.instrument, at)
            if let reference = query.order { orders = wallet.order(reference, account, query.instrument, at).map { [$0] } ?? [] }
            let trades = orders.flatMap { order in order.trades.compactMap { id in wallet.trades[id].map { ($0, order) } } }
            found = trades.sorted { $0.0.id > $1.0.id }.map { telling.row($0.0, $0.1) }
        case .limits:
            if query.instrument >= 0 {
                return ["\(account)" + telling.limitsText(query.instrument, wallet.ownLimit(account, query.instrument, at) ?? Limits())]
            }
            found = ([-1] + model.names.instruments.indices.map { InstrumentID($0) }).compactMap { telling.limitsRow(account, $0) }
        case .deadMen:
            let accounts = account != 0 ? [account] : model.names.accounts(at: wallet.registryNumber.at(at))
            found = accounts.compactMap { telling.timerRow($0) }
        case .market:
            let number = wallet.registryNumber.at(at)
            for id in model.names.instruments.indices.map({ InstrumentID($0) }) where query.instrument < 0 || query.instrument == id {
                let info = model.names.instruments[Int(id)]
                guard info.wallet == wallet.number, model.names.instrument(info.symbol.plain, at: number) != nil else { continue }
                found.append(telling.marketRow(id))
            }
        case .instruments:
            let number = wallet.registryNumber.at(at)
            for id in model.names.instruments.indices.map({ InstrumentID($0) }) where query.instrument < 0 || query.instrument == id {
                let info = model.names.instruments[Int(id)]
                guard info.wallet == wallet.number, model.names.instrument(info.symbol.plain, at: number) != nil else { continue }
                let mark = wallet.mark(id, at)
                found.append(telling.instrumentText(id) + (mark == 0 ? "" : " mark=\(telling.price(mark, of: id))"))
            }
        default: break
        }
        return Array(found.prefix(limit))
    }

    private func judgeRegistryRows(_ sent: Sent, _ query: Query, _ texts: [String], _ item: Item) {
        let names = model.names
        let high = self.names(at: item.durable)
        var seen: [String] = []
        for number in (max(min(sent.lowNumber, high), high - 200)...high).reversed() {
            var found: [String] = []
            switch query.kind {
            case .assets: found = names.assets.filter { names.asset($0.name.plain, at: number) != nil }.map { "\($0.name.plain) decimals=\($0.decimals)" }
            case .wallets: found = names.wallets.filter { names.wallet($0.name.plain, at: number) != nil }.map { $0.name.plain }
            case .venues: found = names.venues.filter { names.venue($0.name.plain, at: number) != nil }.map { "\($0.name.plain) kind=\($0.kind)" }
            case .settings: found = Setting.allCases.map { "\($0.name) value=\(names.setting($0, at: number))" }
            default:
                var accounts = names.accounts(at: number)
                if query.account != 0 { accounts = accounts.filter { $0 == query.account } }
                if query.after != 0 { accounts = Array(accounts.drop { $0 != query.after }.dropFirst()) }
                found = accounts.map { "\($0) status=\(names.status($0, at: number)!.word)" }
            }
            found = found.prefix(query.limit).map { Decimals.normal($0) }
            if found == texts { return }
            seen = found
        }
        fail("`\(sent.line)` tells\n    \(texts.joined(separator: "\n    "))\n  and it should be\n    \(seen.joined(separator: "\n    "))")
    }

    // MARK: Sessions

    func judgeSession(_ sent: Sent, _ verb: SessionAsk, _ rows: [String], _ rest: String, _ item: Item) {
        func expect(_ isRight: Bool, _ what: String) {
            if !isRight { fail("`\(sent.line)` was answered \(item.line), expected \(what)") }
        }
        switch verb {
        case .help, .status, .sessions: expect(rest == "\(rows.count)", "\(rows.count)")
        default: expect(rows.isEmpty, "no rows")
        }
        for row in rows {
            if verb == .status, let durable = number("durable", in: row), durable > item.durable { fail("told that LSN \(durable) is durable: \(row)") }
        }
        switch verb {
        case .ping, .quit: expect(rest == "OK", "OK")
        case .unsubscribe:
            expect(rest == "OK", "OK")
            connections[item.key]?.subscription = nil
            connections[item.key]?.books = [:]
            connections[item.key]?.trades = [:]
        case .subscribeMarket(let request):
            expect(rest == "OK", "OK")
            subscribe(sent, request, item)
        case .unsubscribeMarket(let request):
            expect(rest == "OK", "OK")
            connections[item.key]?.books[request.book] = nil
            connections[item.key]?.trades[request.trades] = nil
        case .time:
            let time = number("time", in: item.line).map { Int64($0) } ?? -1
            expect(time >= connections[item.key]?.lastTime ?? 0, "a time that does not go back")
            connections[item.key]?.lastTime = time
        case .sync:
            // The number is cut off; it is checked against the durable log where it is received.
            expect(rest == "OK" && (number("lsn", in: item.line) ?? 0) >= sent.low, "an LSN of \(sent.low) or more")
        case .authenticate(let name, let cancelOnDisconnect):
            expect(rest.hasPrefix("OK roles=") && rest.contains(" accounts=*"), "OK roles=... accounts=*")
            expect(name.isEmpty || rest.hasSuffix(" session=\(Decimals.normal(name))"), "the session's name")
            if cancelOnDisconnect { connections[item.key]?.cancelsOnDisconnect = true }
        case .subscribe(let request): subscribe(sent, request, rest, item)
        case .help, .status, .sessions: break
        }
    }

    private func subscribe(_ sent: Sent, _ request: SessionAsk.Subscription, _ rest: String, _ item: Item) {
        let text = String(item.line.split(separator: " ").last?.dropFirst(5) ?? "")
        if connections[item.key]?.subscription != nil { return fail("`\(sent.line)`: subscribed twice") }
        var state = ConnectionState.Subscription(request: request, lsn: 0, event: .max)
        if let from = request.from {
            let expected = "\(from)" + (request.event.map { ".\($0)" } ?? "")
            if text != expected { fail("`\(sent.line)` was answered \(item.line)") }
            state.lsn = from
            state.event = request.event ?? .max
        } else {
            guard let lsn = UInt64(text), lsn >= sent.low, lsn <= item.durable else {
                return fail("`\(sent.line)` was answered \(item.line), expected from \(sent.low) to \(item.durable)")
            }
            state.lsn = lsn
        }
        connections[item.key]?.subscription = state
    }

    // MARK: Events

    func judgeEvent(_ item: Item) {
        let words = item.line.split(separator: " ", maxSplits: 2).map(String.init)
        let position = words.count == 3 ? words[1].split(separator: ".").map { UInt64($0) ?? 0 } : []
        guard position.count == 2, position[0] > 0, position[1] > 0 else { return fail("an event of no form: \(item.line)") }
        let (lsn, event) = (position[0], Int(position[1]))
        if lsn > item.durable { return fail("an event of LSN \(lsn), of which \(item.durable) are durable: \(item.line)") }
        guard let subscription = connections[item.key]?.subscription else { return fail("an event for nobody: \(item.line)") }
        if lsn < subscription.lsn || lsn == subscription.lsn && event <= subscription.event {
            return fail("an event again, after \(subscription.lsn).\(subscription.event): \(item.line)")
        }
        let events = model.events(of: lsn)
        guard event <= events.count else { return fail("LSN \(lsn) has \(events.count) events: \(item.line)") }
        if let missing = firstMissing(subscription, before: lsn, event) { return fail("an event is missing: \(missing)\n  before \(item.line)") }
        let expected = events[event - 1]
        if !subscription.passes(expected) { return fail("an event that was not asked for: \(item.line)") }
        if Decimals.normal(expected.text) != Decimals.normal(words[2]) { return fail("an event is not so\n  \(item.line)\n  \(expected.text)") }
        connections[item.key]!.subscription!.lsn = lsn
        connections[item.key]!.subscription!.event = event
    }

    /// The first event after what was told and before that one which should have been told.
    private func firstMissing(_ subscription: ConnectionState.Subscription, before lsn: UInt64, _ event: Int) -> String? {
        var at = max(subscription.lsn, 1)
        while at <= min(lsn, model.lsn) {
            for (index, it) in model.events(of: at).enumerated() {
                if at == subscription.lsn, index + 1 <= subscription.event { continue }
                if at == lsn, index + 1 >= event { break }
                if subscription.passes(it) { return "\(at).\(index + 1) \(it.text)" }
            }
            at += 1
        }
        return nil
    }

    func judgeHeartbeat(_ item: Item) {
        guard let lsn = number("lsn", in: item.line), let subscription = connections[item.key]?.subscription, lsn > subscription.lsn else { return }
        if let missing = firstMissing(subscription, before: lsn, .max) { return fail("an event is missing: \(missing)\n  before \(item.line)") }
        connections[item.key]!.subscription!.lsn = lsn
        connections[item.key]!.subscription!.event = .max
    }
}

extension Versioned where Value == BalanceState {
    /// Whether there was a balance, be it an empty one.
    func isThere(_ at: UInt64) -> Bool { first <= at }
}
