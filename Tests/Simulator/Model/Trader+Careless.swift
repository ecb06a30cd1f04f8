// What nobody should send, and many do.

extension Trader {
    func carelessCommand() -> Pending {
        let instrument = random.pick(symbols)
        let account = account()
        let old = orders.isEmpty ? nil : random.pick(orders)
        let price = price(instrument, around: instrument.priceTicks)
        switch random.next(below: 28) {
        case 0:
            // The same again, as it was answered already.
            return again()
        case 1:
            // The same id for something else.
            guard let old else { return again() }
            return command("NEW \(account) \(instrument.symbol) B LMT 1 \(price) GTC id=\(old.id)", isSafe: true)
        case 2:
            // While the first is still under way: two in a row with the same content.
            let it = newOrder()
            remedies.insert(it.command, at: 0)
            return it
        case 3: return command("NEW \(account) \(instrument.symbol) B LMT 0.123456789123 \(price) GTC id=\(nextID())", isSafe: true)
        case 4: return command("NEW \(account) \(instrument.symbol) B LMT 1 0.00001 GTC id=\(nextID())", isSafe: true)
        case 5: return command("NEW \(account) \(instrument.symbol) B LMT 80000 \(price) GTC id=\(nextID())", isSafe: true)
        case 6: return command("NEW \(account) \(instrument.symbol) S LMT 99999999 \(price) GTC id=\(nextID())", isSafe: true)
        case 7: return command("NEW \(account) \(instrument.symbol) B LMT 1 \(price)1 GTC id=\(nextID())", isSafe: true)
        case 8: return command("NEW \(account) \(instrument.symbol) B LMT 1 \(price) GTD id=\(nextID()) expire=\(max(1, now / 1_000 - 1_000))", isSafe: true)
        case 9: return command("NEW \(account) \(instrument.symbol) B LMT 1 \(price) GTC id=\(nextID()) before=\(max(1, now / 1_000 - 100))", isSafe: true)
        case 10:
            guard let old else { return again() }
            return command("FIL \(old.account) \(old.instrument.symbol) id=\(old.id) 50 \(price) exec=\(nextID("e"))", about: old.id, isSafe: true)
        case 11:
            guard let old else { return again() }
            return command("RPL \(old.account) \(old.instrument.symbol) id=\(old.id) 0.01 \(price)", about: old.id)
        case 12:
            guard let old else { return again() }
            return command("CXL \(account) \(old.instrument.symbol) id=\(old.id)")
        case 13: return command("CXL \(account) \(instrument.symbol) \(random.next(in: 1...100_000))")
        case 14: return command("WDR \(account) USD 99999999 ref=\(nextID("r"))", isSafe: true)
        case 15: return command("RLS \(account) USD 99999999 ref=\(nextID("r"))", isSafe: true)
        case 16: return command("XFR \(account) 999999 USD 1 ref=\(nextID("x"))", isSafe: true)
        case 17: return command("NEW \(random.next(in: 900...910)) \(instrument.symbol) B LMT 1 \(price) GTC id=\(nextID())", isSafe: true)
        case 18: return command(random.pick(["BAL 999999", "POS \(account) NOPE-USD", "ORD \(account) \(instrument.symbol) id=nothing", "BAL \(account) XYZ", "BAL \(account) wallet=nowhere"]))
        case 19: return command(random.pick(["NEW \(account)", "NEW", "CXL \(account) \(instrument.symbol)", "DEP \(account) USD 1", "FIL 7 8 9 10 11", "RPL"]))
        case 20: return command(random.pick(["NEW \(account) \(instrument.symbol) B LMT 1 \(price) GTC id=a id=b", "BAL \(account) colour=red", "CXL \(account) \(instrument.symbol) 5 6 7", "BUY 1", "SUB from=99999999999", "UNS"]))
        case 21: return command("NEW \(account) \(instrument.symbol) B MKT 1 - GTC id=\(nextID())" + random.pick(["", " max=5"]), isSafe: true)
        case 22: return command(random.pick(["ACC \(account) open", "AST USD decimals=3", "INS \(instrument.symbol) base=BNB", "INS \(instrument.symbol) max_qty=0.0000001 min_qty=5", "SET window_ids 5", "SET nothing 1", "BOOK \(instrument.symbol)", "NEW \(account) \(instrument.symbol) B STP 1 - GTC id=z"]))
        case 23: return command("PTO \(account) \(instrument.symbol) 1 \(price) ref=\(nextID("p"))", isSafe: true)
        case 25, 26: return command(carelessLimit(account, instrument.symbol))
        case 24: return command("CLS \(account) \(instrument.symbol) 40000 id=\(nextID("c"))", isSafe: true)
        default:
            guard let old else { return again() }
            return command("RPL \(old.account) \(old.instrument.symbol) id=\(old.id) \(decimal(max(1, old.quantity), old.instrument.lotDecimals)) \(old.isMarket ? "-" : decimal(max(1, old.price), old.instrument.tickDecimals))", about: old.id)
        }
    }

    private func again() -> Pending {
        if done.isEmpty { return newOrder() }
        return command(random.pick(done), isSafe: true)
    }
}
