// What somebody sends who wants to see the service fall.

extension Trader {
    /// Any text but a line's end.
    func hostileLine() -> String {
        let instrument = random.pick(symbols)
        let account = account()
        let huge = random.pick([
            "9223372036854775807", "9223372036854775808", "99999999999999999999999999999999999999999", "170141183460469231731687303715884105727",
            "1298074214633706.9", "0.000000000000000000000000001", "92233720368.54775807", "1e5", "-1", "+1", "NaN", "Infinity", "0x10", ".5", "5.", "00.5", "",
        ])
        let tag = random.pick(["h", "t-1", "A_b-9", "", "*", "=", "+1", "-1", "!", "tag.with.dots", "123456789012345678901", "x y"])
        switch random.next(below: 22) {
        case 0: return garbage(random.next(in: 1...80))
        case 1: return garbage(random.next(in: 900...3_000))
        case 2: return "1 NEW \(account) \(instrument.symbol) B LMT 1 1 GTC id=" + String(repeating: "x", count: random.next(in: 30...1_100))
        case 3: return "1 AUTH " + String(repeating: "A", count: random.next(in: 1...9_000))
        case 4: return "1 NEW \(account) \(instrument.symbol) B LMT \(huge) \(huge) GTC id=\(nextID("h"))"
        case 5: return "1 NEW \(account) \(instrument.symbol) S LMT 0.01 92233720368547758.07 GTC id=\(nextID("h"))"
        case 6: return "1 DEP \(account) USD \(huge) ref=\(nextID("h"))"
        case 7: return "1 ADJ \(account) USD -\(huge) ref=\(nextID("h")) reason=x"
        case 8: return "\(tag) PING"
        case 9: return "1 PING extra"
        case 10: return "1  PING"
        case 11: return random.pick([" ", "\r", "", "1", "1 ", " 1 PING", "\t", "1 \u{1b}[2J", "1 PING\r", "1 ping", "1 PING before=0", "1 PING before=1"])
        case 12: return "1 NEW \(account) \(instrument.symbol) B LMT 1 1 GTC id=%zz"
        case 13: return "1 NEW \(account) \(instrument.symbol) B LMT 1 1 GTC id=%0A%00%FF note=%20"
        case 14: return "1 " + (0..<random.next(in: 30...60)).map { "a\($0)" }.joined(separator: " ")
        case 15: return "1 \(random.pick(["NEW", "RPL", "CXL", "FIL", "SUB", "LIM", "DMS", "INS", "ACC", "XFR"])) " + (0..<random.next(below: 9)).map { _ in garbageWord() }.joined(separator: " ")
        case 16: return "1 FIL \(account) \(instrument.symbol) \(huge) \(huge) \(huge) exec=\(nextID("h")) fee=\(huge)"
        case 17: return random.pick(["1 LIM \(account) max_qty=\(huge) max_open=\(huge)", "1 LIM * max_daily_loss=\(huge) max_order_rate=\(huge)", "1 DMS \(account) \(huge)"])
        case 18: return "1 BAL \(huge)"
        case 19: return "1 SUB from=\(huge)"
        case 20: return random.pick(["1 ORD \(account) - 9007199254740991", "1 ORD \(account) status=open limit=0", "1 ORD \(account) after=9007199254740992", "1 TRD \(account) - 5", "1 XFR \(account) \(account) USD 1 ref=same", "1 ACC * open", "1 MRK \(instrument.symbol) 0", "1 MRK \(instrument.symbol) 92233720368547.7"])
        default:
            if random.chance(0.05) { return random.pick(["GET / HTTP/1.1", "1 QUIT"]) }
            // A right line with one byte of it changed.
            var bytes = Array("1 \(validCommand().command)".utf8)
            bytes[random.next(below: bytes.count)] = UInt8(random.next(in: 32...126))
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private func garbage(_ count: Int) -> String {
        var text = ""
        while text.utf8.count < count {
            let value = random.chance(0.7) ? random.next(in: 32...126) : random.next(in: 1...0x24F)
            if value == 10 || value == 13 { continue }
            if let scalar = Unicode.Scalar(UInt32(value)) { text.unicodeScalars.append(scalar) }
        }
        return text
    }

    private func garbageWord() -> String {
        random.pick(["7", "id=x", "id=", "=", "-", "BTC-USD", "B", "LMT", "1", "0", "GTC", "exec=e", "ref=r", "before=", "wallet=spot", "*", "open", "%41", "a=b=c", "from=1.2.3", "kind=ORDER,,TRADE", "max=1"])
    }
}
