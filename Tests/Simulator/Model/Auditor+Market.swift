import Core

// Books and trades as everybody may see them: BOOK, SUB book=, SUB trades=.

extension Auditor {
    /// BOOK: the book as it was after the change that the answer names.
    func judgeBook(_ sent: Sent, _ query: Query, _ texts: [String], _ item: Item) {
        guard let lsn = number("lsn", in: item.line), lsn >= sent.low else {
            return fail("`\(sent.line)` was answered \(item.line), expected an LSN of \(sent.low) or more")
        }
        let wallet = model.wallet(query.wallet)
        let telling = Telling(model: model, wallet: wallet, at: lsn)
        let expected = [Side.buy, .sell].flatMap { side in
            model.levels(query.instrument, side, wallet, lsn, depth: query.depth).map { telling.levelText($0, side, query.instrument) }
        }.map { Decimals.normal($0) }
        if expected != texts {
            fail("`\(sent.line)` tells of LSN \(lsn)\n    \(texts.joined(separator: "\n    "))\n  and it should be\n    \(expected.joined(separator: "\n    "))")
        }
    }

    /// Without what is of the last 24 hours.
    func withoutDay(_ row: String) -> String {
        let words = row.split(separator: " ")
        let day: Set<Substring> = ["high", "low", "volume", "turnover", "trades"]
        return words.filter { !day.contains($0.prefix { $0 != "=" }) }.joined(separator: " ")
    }

    func subscribe(_ sent: Sent, _ request: SessionAsk.MarketData, _ item: Item) {
        guard var state = connections[item.key] else { return }
        if request.book >= 0 {
            if state.books[request.book] != nil { return fail("`\(sent.line)`: subscribed twice") }
            state.books[request.book] = ConnectionState.BookKnown(depth: request.depth, low: sent.low)
        }
        if request.trades >= 0 {
            if state.trades[request.trades] != nil { return fail("`\(sent.line)`: subscribed twice") }
            state.trades[request.trades] = ConnectionState.TradesKnown(low: sent.low, high: item.durable)
        }
        connections[item.key] = state
    }

    func judgeMarket(_ item: Item) {
        var facts: [String: String] = [:]
        for word in item.line.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { facts[String(parts[0])] = String(parts[1]) }
        }
        guard let id = facts["symbol"].flatMap({ model.names.instrument($0, at: .max) }), let sequence = facts["seq"].flatMap({ UInt64($0) }) else {
            return fail("market data of no form: \(item.line)")
        }
        counts.market += 1
        if item.line.hasPrefix("! BOOK") { judgeBookLine(id, sequence, facts, item) } else { judgeTradeLine(id, sequence, facts, item) }
    }

    private func judgeBookLine(_ id: InstrumentID, _ sequence: UInt64, _ facts: [String: String], _ item: Item) {
        guard var book = connections[item.key]?.books[id] else { return fail("a book for nobody: \(item.line)") }
        if sequence != book.sequence + 1 { return fail("a line of a book after \(book.sequence): \(item.line)") }
        book.sequence = sequence
        let info = model.names.instruments[Int(id)]
        if facts["type"] == "snapshot" {
            if book.toCome > 0 { return fail("\(book.toCome) levels are still to come: \(item.line)") }
            (book.bids, book.asks) = ([:], [:])
            book.toCome = facts["levels"].flatMap { Int($0) } ?? -1
            if facts["depth"] != "\(book.depth)" || book.toCome < 0 { return fail("a snapshot of depth \(book.depth) was asked for: \(item.line)") }
        } else {
            guard let px = facts["px"], let qty = facts["qty"], case .success(let price) = Decimals.parse(px, scale: Int(info.priceScale)),
                case .success(let shown) = Decimals.parse(qty, scale: Int(info.quantityScale)), book.toCome >= 0
            else { return fail("a level of no form, or before the snapshot: \(item.line)") }
            if book.toCome > 0 { book.toCome -= 1 }
            let level = shown == 0 ? nil : LevelState(price: Price(price), shown: shown, orders: facts["orders"].flatMap { Int($0) } ?? -1)
            if facts["side"] == "bid" { book.bids[Price(price)] = level } else { book.asks[Price(price)] = level }
        }
        if let lsn = facts["lsn"].flatMap({ UInt64($0) }) {
            if book.toCome > 0 { fail("a step ends, and \(book.toCome) levels are to come: \(item.line)") }
            if lsn < book.lsn || lsn < book.low { fail("a book goes back from LSN \(max(book.lsn, book.low)): \(item.line)") }
            book.lsn = lsn
            let wallet = model.wallet(info.wallet)
            let mine = [book.bids.values.sorted { $0.price > $1.price }, book.asks.values.sorted { $0.price < $1.price }]
            let there = [Side.buy, .sell].map { model.levels(id, $0, wallet, lsn, depth: book.depth) }
            if mine != there {
                fail("the book that a client has of \(info.symbol.plain) after \(item.line)\n  is \(mine)\n  and should be \(there)")
            }
            if let bid = mine[0].first, let ask = mine[1].first, bid.price >= ask.price { fail("a client is shown a crossed book: \(item.line)") }
        }
        connections[item.key]!.books[id] = book
    }

    private func judgeTradeLine(_ id: InstrumentID, _ sequence: UInt64, _ facts: [String: String], _ item: Item) {
        guard var known = connections[item.key]?.trades[id] else { return fail("a trade for nobody: \(item.line)") }
        let wallet = model.wallet(model.names.instruments[Int(id)].wallet)
        guard let trade = facts["trade"].flatMap({ TradeID($0) }), let found = wallet.trades[trade], let taker = wallet.trades[trade + 1],
            let order = wallet.order(taker.order, .max)
        else {
            // Its order may be forgotten.
            if let trade = facts["trade"].flatMap({ TradeID($0) }), trade & 0xFF_FFFF_FFFF <= wallet.lastTrade { return }
            return fail("a trade that is none: \(item.line)")
        }
        let telling = Telling(model: model, wallet: wallet)
        let expected = "! MTRADE symbol=\(model.names.instruments[Int(id)].symbol.plain) seq=\(sequence) px=\(telling.price(found.price, of: id))"
            + " qty=\(telling.quantity(found.quantity, of: id)) side=\(order.side.word) trade=\(trade) time=\(found.time / 1_000)"
        if Decimals.normal(expected) != Decimals.normal(item.line) { return fail("a trade is not so\n  \(item.line)\n  \(expected)") }
        if found.liquidity != .maker || order.instrument != id { return fail("not a maker's trade of the instrument: \(item.line)") }
        if trade <= known.trade || sequence <= known.sequence { return fail("a trade again, after \(known.trade): \(item.line)") }
        // Between the one told last and this one as many were left out as its number says.
        if known.trade != 0 {
            let between = wallet.trades.values.count {
                $0.id > known.trade && $0.id < trade && $0.liquidity == .maker && $0.exec.isEmpty && wallet.order($0.order, .max)?.instrument == id
            }
            if UInt64(between) > sequence - known.sequence - 1 { return fail("\(between) trades after \(known.trade) were not told: \(item.line)") }
        }
        (known.trade, known.sequence) = (trade, sequence)
        connections[item.key]!.trades[id] = known
    }
}
