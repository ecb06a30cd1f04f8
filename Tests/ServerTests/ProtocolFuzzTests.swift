import Core
import Server
import Testing

/// Millions of mutated lines through the parser. What it accepts must pass a second, independent reading of the grammar: plain splitting and
/// the shapes of docs/PROTOCOL.md written down again as strings.
@Suite struct ProtocolFuzzTests {
    static let corpus = [
        "1 NEW 7 BTC-USD B LMT 0.50000000 64000.00 GTC id=grid-17 strategy=grid note=a%20b", "2 NEW 7 BTC-USD B MKT 1 - IOC id=x max=100.5",
        "3 NEW 7 BTC-USD S LMT 1 1.00 GTD id=y expire=1763798400123 before=1763798400999", "4 RPL 7 BTC-USD id=grid-17 0.4 63900.00 max=5",
        "5 CXL 7 BTC-USD id=grid-17 reason=enough", "5 CXL 7 BTC-USD 1099511627777", "6 CXA 7 BTC-USD wallet=spot",
        "7 FIL 7 BTC-USD id=grid-17 0.2 63990.00 fee=-1.2 feeasset=USD liq=M time=1763798400123 exec=bn-991",
        "8 CLS 7 BTC-USD - 64000 id=c strategy=s note=n", "9 DEP 7 USD 1000.00 ref=wire-5 wallet=spot note=n", "a WDR 7 USD 0.01 ref=w",
        "b ADJ 7 USD -5.5 ref=r reason=why", "c HLD 7 USD 1 ref=h", "d RLS 7 USD 1 ref=i reason=x",
        "e XFR 7 8 USD 500.00 ref=mv-1 from=spot to=futures", "e PTO 7 BTC-USD -0.5 64000 ref=p note=n", "f BAL 7 USD wallet=spot limit=5", "g POS 7 BTC-USD",
        "h ORD 7 BTC-USD id=x status=all limit=10 after=99", "i TRD 7 BTC-USD 5 limit=1000", "j INS BTC-USD tick=0.05 state=halted",
        "k INS ETH-USD venue=manual wallet=spot base=BTC quote=USD tick=0.1 lot=0.1 price_scale=3 qty_scale=4 funds=none", "l AST EUR decimals=2",
        "m WLT margin", "n VEN x kind=manual", "o ACC 7 suspend", "o ACC * suspend", "o ACC after=7 limit=5", "o SES", "o SNP", "p LIM 7 BTC-USD max_qty=- max_notional=5 max_position=1 max_open=3 enabled=0",
        "p LIM * price_band_bps=100 max_order_rate=5 max_cancel_rate=6 max_daily_loss=7.5 short=0 listed=1 maker_bps=-0.5 taker_bps=2 stp=both",
        "p LIM 7 reset=loss wallet=spot", "p DMS 7 30", "p DMS 7 -",
        "q MRK BTC-USD 64000", "r SET window_hours 48", "s SUB from=81274.1 account=7 symbol=BTC-USD kind=ORDER,TRADE", "t UNS",
        "u AUTH eyJhbGciOiJIUzI1NiJ9.e30.abc session=grid hb=10 cod=1", "v HELP NEW", "w STAT hash=1", "x PING before=5",
        "y NEW 7 BTC-USDT S LMT 1 2 GTC id=a stop=2.5 take=1 trigger=mark display=0.25 post=1 reduce=1 oco=b stp=both",
        "y RPL 7 BTC-USDT id=a 1 - stop=7", "y BOOK BTC-USDT depth=5", "y MKT BTC-USDT limit=3", "y SUB book=BTC-USDT trades=BTC-USDT depth=20",
        "y UNS book=BTC-USDT trades=BTC-USDT", "y VEN x kind=internal", "y INS BTC-USDT state=post_only maker_bps=-0.5 taker_bps=2.25", "z BOOK BTC-USD",
    ].map { Array($0.utf8) }

    static let fragments = [
        " ", "  ", "=", "-", ".", "0", "9", "%", "%41", "%4", "\t", "\r", "id=", "max=", "limit=", "before=1", "BTC-USD", "USD", "LMT", "7",
        "99999999999999999999", "0.0000000000000000001", "170141183460469231731687303715884105728", "NaN", "1e5", "\u{e9}", "\0", "stop=1", "post=1", "book=BTC-USDT",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "from=spot", "kind=manual", "-1", "+1",
    ].map { Array($0.utf8) }

    private func mutate(_ line: inout [UInt8], _ random: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let position = line.isEmpty ? 0 : Int(random.next() % UInt64(line.count))
            switch random.next() % 7 {
            case 0 where !line.isEmpty: line[position] = UInt8(truncatingIfNeeded: random.next())
            case 1 where !line.isEmpty: line[position] = UInt8(0x20 + random.next() % 95)
            case 2 where !line.isEmpty: line.remove(at: position)
            case 3: line.insert(contentsOf: Self.fragments[Int(random.next() % UInt64(Self.fragments.count))], at: position)
            case 4: line.removeSubrange(position...)
            case 5:
                let other = Self.corpus[Int(random.next() % UInt64(Self.corpus.count))]
                line.replaceSubrange(position..., with: other.suffix(Int(random.next() % UInt64(other.count))))
            default:
                // A field twice.
                if let blank = line[position...].firstIndex(of: 0x20) { line.append(contentsOf: line[blank...].prefix(40)) }
            }
        }
    }

    /// Verb -> fewest and most positional arguments, and the keys, `!` before a required one.
    static let forms: [String: (Int, Int, [String])] = [
        "AUTH": (1, 1, ["session", "hb", "cod"]), "PING": (0, 0, []), "TIME": (0, 0, []), "SYNC": (0, 0, []), "HELP": (0, 1, []),
        "STAT": (0, 0, ["hash"]), "QUIT": (0, 0, []), "SUB": (0, 0, ["from", "account", "symbol", "kind", "book", "trades", "depth"]), "UNS": (0, 0, ["book", "trades"]), "SNP": (0, 0, []),
        "NEW": (7, 7, ["!id", "expire", "max", "strategy", "note", "stop", "take", "trigger", "display", "post", "reduce", "oco", "stp"]), "RPL": (5, 5, ["max", "stop"]), "CXL": (3, 3, ["reason"]),
        "CXA": (1, 2, ["wallet"]), "FIL": (5, 5, ["!exec", "fee", "feeasset", "liq", "time"]),
        "CLS": (2, 4, ["!id", "max", "strategy", "note"]), "DEP": (3, 3, ["!ref", "wallet", "note"]), "WDR": (3, 3, ["!ref", "wallet", "note"]),
        "ADJ": (3, 3, ["!ref", "!reason", "wallet"]), "HLD": (3, 3, ["!ref", "wallet", "reason"]), "RLS": (3, 3, ["!ref", "wallet", "reason"]),
        "XFR": (4, 4, ["!ref", "from", "to", "note"]), "PTO": (4, 4, ["!ref", "note"]), "BAL": (1, 2, ["wallet", "limit"]), "POS": (1, 2, ["limit"]),
        "ORD": (1, 3, ["status", "limit", "after"]), "TRD": (1, 3, ["limit"]), "BOOK": (1, 1, ["depth"]), "MKT": (0, 1, ["limit"]), "AST": (0, 1, ["decimals", "limit"]), "WLT": (0, 1, ["limit"]),
        "VEN": (0, 1, ["kind", "limit"]), "ACC": (0, 2, ["limit", "after"]), "SES": (0, 0, []), "MRK": (2, 2, []), "SET": (0, 2, ["limit"]),
        "LIM": (1, 2, [
            "wallet", "max_qty", "max_notional", "max_position", "max_open", "enabled", "price_band_bps", "max_order_rate", "max_cancel_rate",
            "max_daily_loss", "short", "listed", "maker_bps", "taker_bps", "stp", "reset", "limit",
        ]),
        "DMS": (0, 2, ["limit"]),
        "INS": (0, 1, ["venue", "wallet", "base", "quote", "tick", "lot", "price_scale", "qty_scale", "min_qty", "max_qty", "min_notional", "funds", "state", "maker_bps", "taker_bps", "limit"]),
    ]

    /// Nil: the reference accepts the line; otherwise why not.
    private func fault(_ line: [UInt8]) -> String? {
        guard line.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return "bytes" }
        let fields = String(decoding: line, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard fields.count >= 2, fields.allSatisfy({ !$0.isEmpty }) else { return "fields" }
        guard fields[0].count <= 20, fields[0].utf8.allSatisfy({ Self.tagBytes.contains($0) }) else { return "tag" }
        guard let form = Self.forms[fields[1]], line.count <= (fields[1] == "AUTH" ? 8_192 : 1_024) else { return "verb" }
        var positional: [String] = []
        var options: [String: String] = [:]
        for field in fields.dropFirst(2) {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let orderPlace = ["RPL", "CXL", "FIL", "ORD", "TRD"].contains(fields[1]) && positional.count == 2 && options.isEmpty && parts[0] == "id"
            if parts.count == 2, !orderPlace {
                guard options.updateValue(parts[1], forKey: parts[0]) == nil else { return "repeated" }
            } else {
                guard options.isEmpty else { return "order" }
                positional.append(field)
            }
        }
        guard (form.0...form.1).contains(positional.count) else { return "count" }
        for key in options.keys where key != "before" && !form.2.contains(key) && !form.2.contains("!" + key) { return "key" }
        for key in form.2 where key.hasPrefix("!") && options[String(key.dropFirst())] == nil { return "required" }
        for key in ["max", "tick", "lot", "min_qty", "min_notional", "before", "expire", "time", "limit", "after", "decimals", "hb", "stop", "display", "depth"] {
            if let value = options[key], !isNumber(value) { return key }
        }
        for key in ["id", "ref", "exec", "strategy", "note", "reason", "session", "oco"] {
            if let value = options[key], !isText(value) { return key }
        }
        for key in ["fee", "maker_bps", "taker_bps"] {
            // LIM takes a rate away with `-`.
            if let value = options[key], fields[1] != "LIM" || value != "-", !isNumber(value.hasPrefix("-") ? String(value.dropFirst()) : value) { return key }
        }
        for key in ["take", "post", "reduce", "cod", "hash", "enabled", "short", "listed"] {
            if let value = options[key], value != "0", value != "1" { return key }
        }
        if fields[1] == "NEW", options["stop"] == nil, options["take"] != nil || options["trigger"] != nil { return "stop" }
        if fields[1] == "SUB", options["book"] != nil || options["trades"] != nil || options["depth"] != nil {
            for key in ["from", "account", "symbol", "kind"] where options[key] != nil { return key }
            if options["book"] == nil, options["depth"] != nil { return "depth" }
        }
        if ["NEW", "RPL", "FIL"].contains(fields[1]) {
            let quantity = positional[fields[1] == "NEW" ? 4 : 3]
            if !isNumber(quantity) || (quantity.split(separator: ".").dropFirst().first?.count ?? 0) > 8 { return "quantity" }
        }
        if ["DEP", "WDR", "HLD", "RLS"].contains(fields[1]), !isNumber(positional[2]) { return "amount" }
        if fields[1] != "HELP", fields[1] != "AUTH", let first = positional.first, ["BAL", "POS", "ORD", "NEW", "DEP", "LIM", "ACC", "DMS"].contains(fields[1]),
            !isNumber(first) || first.contains("."), !(first == "*" && (fields[1] == "LIM" || fields[1] == "ACC" && positional.count == 2))
        { return "account" }
        if fields[1] == "PTO", !isNumber(positional[2].hasPrefix("-") ? String(positional[2].dropFirst()) : positional[2]) { return "quantity" }
        return nil
    }

    static let tagBytes = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-".utf8)

    private func isNumber(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0 >= 48 && $0 <= 57 } }) else { return false }
        return parts[0].count == 1 || parts[0].first != UInt8(ascii: "0")
    }

    private func isText(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        var length = 0
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%") {
                guard index + 2 < bytes.count, "0123456789ABCDEF".utf8.contains(bytes[index + 1]), "0123456789ABCDEF".utf8.contains(bytes[index + 2])
                else { return false }
                index += 2
            }
            index += 1
            length += 1
        }
        return (1...36).contains(length)
    }

    @Test func mutatedLines() {
        let world = ProtocolWorld(hasInternalVenue: true)
        var random = SeededGenerator(seed: fuzzSeed("mutated lines"))
        var out = OutputBuffer()
        var accepted = 0
        var codes = Set<String>()
        let clock = ContinuousClock()
        let start = clock.now
        let total = 1_500_000
        for round in 0..<total {
            var line = Self.corpus[round % Self.corpus.count]
            mutate(&line, &random)
            let parsed = world.parse(line)
            if case .refused(let refusal) = parsed.request {
                out.removeAll()
                AnswerWriter.write(refusal, tag: parsed.tag, into: &out)
                let whole = out.withUnsafeBytes { $0.last == 0x0A && $0.first == UInt8(ascii: "-") && !$0.dropLast().contains { $0 < 0x20 || $0 > 0x7E } }
                if !whole || out.count > 400 { Issue.record("answer to \(line)") }
                if round % 64 == 0 { codes.insert(refusal.code.name.description) }
            } else {
                accepted += 1
                if let fault = fault(line) { Issue.record("accepted although \(fault): \(String(decoding: line, as: UTF8.self))") }
            }
        }
        let elapsed = clock.now - start
        print("\(total) lines in \(elapsed), accepted \(accepted), codes seen \(codes.count)")
        #expect(accepted > total / 100)
        #expect(codes.count >= 15)
        // Alone it takes a few seconds; the bound leaves room for a machine that does other things too.
        #expect(elapsed < .seconds(60))
    }

    @Test func corpusIsAccepted() {
        let world = ProtocolWorld(hasInternalVenue: true)
        for line in Self.corpus.dropLast() {
            let parsed = world.parse(line)
            if case .refused(let refusal) = parsed.request { Issue.record("\(String(decoding: line, as: UTF8.self)): \(refusal)") }
            #expect(fault(line) == nil)
        }
    }
}
