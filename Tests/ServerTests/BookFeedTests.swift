import Core
import Server
import Testing

/// What a subscriber of a book makes of its lines, for clients that see few levels or many and read often or seldom: always the book's best
/// levels, whole after each step.
@Suite struct BookFeedTests {
    /// A client: its levels by side and price, as the lines say.
    private struct Client {
        var feed: BookFeed
        let depth: Int
        let patience: Double
        var levels: [String: [String: String]] = ["bid": [:], "ask": [:]]
        var sequence = 0
        var lines = 0

        init(depth: Int, patience: Double) {
            self.depth = depth
            self.patience = patience
            feed = BookFeed(instrument: 0, wallet: 0, depth: depth, from: 1)
        }

        mutating func take(_ text: String) {
            var isWhole = true
            for line in text.split(separator: "\n") {
                var keys: [String: String] = [:]
                for field in line.split(separator: " ") {
                    let parts = field.split(separator: "=", maxSplits: 1)
                    if parts.count == 2 { keys[String(parts[0])] = String(parts[1]) }
                }
                sequence += 1
                lines += 1
                #expect(keys["seq"] == "\(sequence)" && line.utf8.count <= 1_024)
                isWhole = keys["lsn"] != nil
                if keys["type"] == "snapshot" {
                    levels = ["bid": [:], "ask": [:]]
                } else if keys["qty"] == "0" {
                    #expect(levels[keys["side"]!]!.removeValue(forKey: keys["px"]!) != nil, "a level has gone that was not there")
                } else {
                    levels[keys["side"]!]![keys["px"]!] = "\(keys["qty"]!) \(keys["orders"]!)"
                }
            }
            #expect(isWhole, "the last line of a step has no lsn")
        }
    }

    private func best(_ shard: borrowing Shard, _ side: Side, _ depth: Int) -> [String: String] {
        let info = shard.registry.instruments[0]
        var found: [String: String] = [:]
        var out = OutputBuffer()
        shard.forEachLevel(0, side) { level in
            out.removeAll()
            out.append(level.price, scale: Int(info.priceScale), least: 2)
            out.append(UInt8(ascii: " "))
            out.append(level.quantity, scale: Int(info.quantityScale), least: 5)
            let text = out.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }.split(separator: " ")
            found[String(text[0])] = "\(text[1]) \(level.orders)"
            return found.count < depth
        }
        return found
    }

    @Test func clientsOfAllKindsHaveTheBook() {
        var random = SeededGenerator(seed: fuzzSeed("book feeds"))
        var shard = Shard(number: 0)
        var now: Timestamp = 1_763_798_400_123_000
        open(&shard, now)
        shard.notesLevels = true
        var clients = [1, 2, 5, 1_000].flatMap { depth in [0.9, 0.02].map { Client(depth: depth, patience: $0) } }
        var out = OutputBuffer()
        var center = 10_000
        for round in 1...6_000 {
            now += 1_000
            center += Int.random(in: -2...2, using: &random)
            let account = Bool.random(using: &random) ? 7 : 8
            let price = "\(center + Int.random(in: -15...15, using: &random)).\(Bool.random(using: &random) ? "00" : "50")"
            let quantity = "0.0000\(Int.random(in: 1...9, using: &random))"
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                let options = ["", " display=0.00001", " stp=oldest", " stp=decrement"].randomElement(using: &random)!
                send("n NEW \(account) BTC-USDT \(Bool.random(using: &random) ? "B" : "S") LMT \(quantity) \(price) GTC id=o\(round)\(options)", &shard, now)
            case 6: send("c CXA \(account) BTC-USDT", &shard, now)
            case 7: send("r RPL \(account) BTC-USDT id=o\(Int.random(in: max(1, round - 50)...round, using: &random)) \(quantity) \(price)", &shard, now)
            default: send("c CXL \(account) BTC-USDT id=o\(Int.random(in: max(1, round - 50)...round, using: &random))", &shard, now)
            }
            var touched = TouchedBook()
            var isTouched = false
            shard.takeTouchedLevels { _, side, price in
                touched.note(side, price)
                isTouched = true
            }
            for index in clients.indices {
                if isTouched { clients[index].feed.note(touched) }
                if clients[index].feed.isDue {
                    // Room for its lines comes now and then.
                    guard Double.random(in: 0..<1, using: &random) < clients[index].patience else { continue }
                    if Int.random(in: 0..<500, using: &random) == 0 { clients[index].feed.beginAnew(from: 1) }
                    out.removeAll()
                    clients[index].feed.write(shard, lsn: UInt64(round), into: &out)
                    if !out.isEmpty { clients[index].take(out.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }) }
                }
                // Nothing is due: it has what there is.
                let depth = clients[index].depth
                #expect(clients[index].levels["bid"] == best(shard, .buy, depth), "round \(round), depth \(depth)")
                #expect(clients[index].levels["ask"] == best(shard, .sell, depth), "round \(round), depth \(depth)")
            }
        }
        // Who reads seldom gets fewer lines.
        for pair in stride(from: 0, to: clients.count, by: 2) { #expect(clients[pair + 1].lines * 2 < clients[pair].lines) }
    }

    @Test func tradesComeOnceAlsoFromAFollowerThatBeginsAnew() {
        var shard = Shard(number: 0)
        let now: Timestamp = 1_763_798_400_123_000
        open(&shard, now)
        var matches: [Matched] = []
        send("a NEW 7 BTC-USDT S LMT 1 100 GTC id=a", &shard, now)
        send("b NEW 8 BTC-USDT B LMT 1 100 GTC id=b", &shard, now) { if case .matched(let matched) = copy $0 { matches.append(matched) } }
        let trade = PublicTrade(matches[0], shard, time: now)
        var feed = TradeFeed(instrument: 0, from: 10)
        var out = OutputBuffer()
        // The second time 11 and 12 come from the log again; for 12 there was no room.
        for lsn: UInt64 in [10, 11, 12, 11, 12, 13] { feed.write(trade, lsn: lsn, hasRoom: lsn != 12, into: &out) }
        let lines = out.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }.split(separator: "\n")
        #expect(lines.map { $0.split(separator: " ")[3] } == ["seq=1", "seq=3"])
    }

    private func open(_ shard: inout Shard, _ now: Timestamp) {
        for line in [
            "s AST USDT decimals=2", "s AST BTC decimals=8", "s WLT spot", "s VEN inside kind=internal",
            "s INS BTC-USDT venue=inside wallet=spot base=BTC quote=USDT tick=0.01 lot=0.00001", "s ACC 7 open", "s ACC 8 open",
            "s DEP 7 USDT 1000000000 ref=d1", "s DEP 7 BTC 100000 ref=d2", "s DEP 8 USDT 1000000000 ref=d1", "s DEP 8 BTC 100000 ref=d2",
        ] { send(line, &shard, now) }
    }

    private func send(_ line: String, _ shard: inout Shard, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void = { _ in }) {
        let parsed = Parsed()
        var bytes = line
        bytes.withUTF8 { LineParser.parse(UnsafeRawBufferPointer($0), registry: shard.registry, into: &parsed.line) }
        switch parsed.request {
        case .define(let definition): _ = shard.execute(.define(definition), now: now) { _ in }
        case .cancelAll(_, let cancelAll): _ = shard.execute(.cancelAll(cancelAll), now: now) { _ in }
        default:
            guard let (_, command) = parsed.command else {
                Issue.record("\(line)")
                return
            }
            _ = shard.execute(command, now: now, emit: emit)
        }
    }
}
