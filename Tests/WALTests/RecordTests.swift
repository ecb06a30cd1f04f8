import Core
import Testing
import WAL

/// The record codec: every kind there and back, the golden bytes, and any bytes at all.
@Suite struct RecordTests {
    private static let time: Timestamp = 1_763_798_400_123_456

    private static var everyKind: [Mutation] {
        let terms = InstrumentTerms(
            tick: 100, lot: 1, minQuantity: 1, maxQuantity: .max, minNotional: 5_000_000_000_000_000_000, state: .halted)
        var limits = Limits()
        limits.maxNotional = 1_000_000_000_000_000_000_000
        limits.enabled = false
        let accepted = OrderAccepted(
            id: 3 << 40 | 1, account: 7, instrument: 2, side: .sell, type: .limit, timeInForce: .gtd, quantity: 50_000_000,
            price: 640_000_000, clientID: Text("grid-17"), expire: time + 5_000_000, strategy: Text("grid"),
            note: Text("a note"), cancelOnDisconnect: 1 << 32 | 4)
        var hashed = accepted
        hashed.contentHash = accepted.contentHashOfNew
        var closing = accepted
        closing.contentHash = 0x0123_4567_89AB_CDEF
        var market = OrderAccepted(
            id: 3 << 40 | 2, account: 7, instrument: 2, side: .buy, type: .market, timeInForce: .ioc, quantity: 1, price: 0,
            clientID: Text("grid-18"), max: 1, marketReserve: 12_345_678_901_234_567_890_123)
        market.contentHash = market.contentHashOfNew
        let transfer = Transfer(
            account: 7, toAccount: 8, toWallet: 2, asset: 1, amount: 500_000_000_000_000_000_000, reference: Text("mv-1"),
            note: Text("x"))
        return [
            .defined(number: 1, .asset(AssetInfo(name: Text("USD"), decimals: 2))),
            .defined(number: 2, .wallet(WalletInfo(name: Text("spot")))),
            .defined(number: 3, .venue(VenueInfo(name: Text("manual"), kind: .manual))),
            .defined(
                number: 4,
                .instrument(
                    InstrumentInfo(
                        symbol: Text("BTC-USD"), venue: 0, wallet: 0, base: 1, quote: 0, priceScale: 4, quantityScale: 8,
                        funds: .none, terms: terms))),
            .defined(number: 5, .changeInstrument(0, terms)),
            .defined(number: 6, .account(Registry.accountNumberMax, .suspended)),
            .defined(number: 7, .setting(.windowIDs, 1_000)),
            .orderAccepted(hashed), .orderAccepted(closing), .orderAccepted(market),
            .orderReplaced(OrderReplaced(order: 3 << 40 | 1, quantity: 9, price: 3, max: 0, marketReserve: 0)),
            .orderReplaced(OrderReplaced(order: 3 << 40 | 2, quantity: .max, price: 0, max: 7, marketReserve: 1 << 109)),
            .orderCanceled(OrderCanceled(order: 3 << 40 | 1, reason: .suspended, note: Text())),
            .orderCanceled(OrderCanceled(order: 3 << 40 | 2, reason: .requested, note: Text("why"))),
            .orderExpired(order: 3 << 40 | 1),
            .filled(
                Filled(
                    trade: 3 << 40 | 1, order: 3 << 40 | 1, quantity: 20_000_000, price: 639_900_000, exec: Text("bn-991"),
                    fee: -1_200_000_000_000_000_000, feeAsset: 1, liquidity: .maker, venueTime: time - 7)),
            .filled(
                Filled(
                    trade: 3 << 40 | 2, order: 3 << 40 | 1, quantity: 1, price: .max, exec: Text("bn-992"), fee: 0,
                    feeAsset: 0, liquidity: .unknown, venueTime: 0)),
            .moneyMoved(
                Money(.adjust, account: 7, asset: 0, amount: -1, reference: Text(String(repeating: "r", count: 36)), note: Text("n"))),
            .moneyMoved(Money(.deposit, account: 7, asset: 0, amount: (1 << 110) - 1, reference: Text("wire-5"))),
            .transferredWithin(transfer), .transferSent(transfer, sequence: 1 << 40),
            .transferReceived(
                TransferReceived(
                    source: 1, sequence: 9, account: 8, fromAccount: 7, asset: 1, amount: 10, reference: Text("mv-1"))),
            .transfersSettled(target: 4, upTo: 77), .limitsSet(account: 7, instrument: -1, limits),
            .limitsSet(account: 7, instrument: 12, Limits()), .markSet(instrument: 2, price: 640_000_001),
            .positionTakenOver(
                TakeOver(
                    account: 7, instrument: 2, quantity: -9_223_372_036_854_775_807, price: .max, reference: Text("mig-1"), note: Text("x"))),
            .positionTakenOver(TakeOver(account: 8, instrument: 0, quantity: 1, price: 1, reference: Text("mig-2"))),
        ] + ofVenue + ofRisk
    }

    /// Each of the later limits alone and all together, latches, timers.
    private static var ofRisk: [Mutation] {
        var all = Limits()
        let changes: [(inout Limits) -> Void] = [
            { $0.priceBand = 1 }, { $0.maxOrderRate = 1_000_000 }, { $0.maxCancelRate = 7 }, { $0.maxDailyLoss = 50_000_000_000_000_000_000 },
            { $0.mayShort = false }, { $0.listedOnly = true }, { $0.makerFee = -1_000 }, { $0.takerFee = 10_000 }, { $0.selfTrade = .both },
        ]
        var mutations: [Mutation] = changes.map { change in
            var limits = Limits()
            change(&limits)
            return .limitsSet(account: 7, instrument: -1, limits)
        }
        for change in changes { change(&all) }
        all.enabled = false
        mutations += [.limitsSet(account: 0, instrument: -1, all), .limitsSet(account: 7, instrument: 3, all)]
        return mutations + [
            .lossLatched(account: 7, asset: 2, on: true), .lossLatched(account: (1 << 53) - 1, asset: -1, on: false),
            .deadManSet(account: 7, deadline: time + 10_000_000), .deadManSet(account: 7, deadline: time - 10), .deadManSet(account: 8, deadline: 0),
        ]
    }

    @Test func `limits of the first versions: the bytes they always had`() {
        var limits = Limits()
        limits.maxQuantity = 5_000_000_000_000_000_000
        limits.maxOpenOrders = 3
        limits.enabled = false
        let batch = Batch()
        var writer = RecordWriter()
        writer.append(.limitsSet(account: 7, instrument: 2, limits), shard: 0, time: 0, session: 0, to: batch)
        var expected: [UInt8] = [11, 7, 4, 19, 5]
        // 2^127 - 1, twice: no zeros to take away.
        let none: [UInt8] = [1] + [UInt8](repeating: 0xFF, count: 18) + [1]
        expected += none + none + [3, 0]
        let bytes = [UInt8](batch.bytes.bytes)
        #expect(bytes == expected)
    }

    /// What internal venues add.
    private static var ofVenue: [Mutation] {
        let terms = InstrumentTerms(
            tick: 100, lot: 1, minQuantity: 1, maxQuantity: .max, minNotional: 5, state: .postOnly, fees: FeeRates(maker: -1_000, taker: 10_000))
        var closed = terms
        closed.fees = FeeRates()
        closed.state = .cancelOnly
        var charged = terms
        charged.state = .trading
        var order = OrderAccepted(
            id: 3 << 40 | 3, account: 7, instrument: 2, side: .sell, type: .limit, timeInForce: .gtc, quantity: 50_000_000,
            price: 640_000_000, clientID: Text("grid-17"), oco: 3 << 40 | 1, fees: FeeRates(maker: -20, taker: 500))
        order.instructions.stop = 639_999_999
        order.instructions.display = 10_000_000
        order.instructions.trigger = .stop
        order.instructions.triggerPrice = .mark
        order.instructions.selfTrade = .decrement
        order.instructions.postOnly = true
        order.instructions.reduceOnly = true
        order.contentHash = order.contentHashOfNew
        var all: [Mutation] = [
            .defined(number: 8, .venue(VenueInfo(name: Text("house"), kind: .internal))), .defined(number: 9, .changeInstrument(0, terms)),
            .defined(number: 10, .changeInstrument(0, closed)), .defined(number: 11, .changeInstrument(0, charged)),
            .defined(
                number: 12,
                .instrument(
                    InstrumentInfo(
                        symbol: Text("ETH-USD"), venue: 1, wallet: 0, base: 1, quote: 0, priceScale: 4, quantityScale: 8, terms: charged))),
            .orderAccepted(order),
        ]
        // Rates as before, with and without instructions; other rates; each instruction alone.
        order.oco = 3 << 40 | 9_000
        order.instructions = Instructions()
        all.append(.orderAccepted(order))
        for change in [
            { $0.instructions.postOnly = true }, { $0.instructions.reduceOnly = true }, { $0.instructions.display = .max },
            { $0.instructions.triggerPrice = .mark }, { $0.instructions.selfTrade = .newest }, { $0.fees = FeeRates(maker: 0, taker: 500) },
            { $0.fees = FeeRates() }, { $0.oco = 1 },
            {
                $0.instructions.trigger = .takeProfit
                $0.instructions.stop = .max
                $0.type = .market
                $0.price = 0
            },
        ] as [(inout OrderAccepted) -> Void] {
            var other = order
            other.id += 1
            other.oco = 0
            change(&other)
            other.contentHash = other.contentHashOfNew
            all.append(.orderAccepted(other))
        }
        let match = Matched(
            trade: 3 << 40 | 7, maker: 3 << 40 | 1, taker: 3 << 40 | 4, quantity: 20_000_000, price: 640_000_000, makerFee: 0, takerFee: 0)
        var rebate = match
        rebate.trade += 2
        rebate.makerFee = -1_280_000_000_000_000
        rebate.takerFee = (1 << 110) - 1
        var other = match
        other.taker = 3 << 40 | 1
        other.maker = 3 << 40 | 4
        other.quantity = .max
        other.price = 1
        other.takerFee = 1
        for reason: CancelReason in [.unfilled, .funds, .selfTrade, .reduceOnly, .oco, .deadMan, .overflow] {
            all.append(.orderCanceled(OrderCanceled(order: 3 << 40 | 4, reason: reason, note: Text())))
        }
        var limits = Limits()
        limits.takerFee = -1_000
        var wide = limits
        wide.makerFee = 10_000
        wide.selfTrade = .both
        wide.enabled = false
        return all + [
            .matched(match), .matched(rebate), .matched(other), .orderTriggered(order: 3 << 40 | 4), .matched(match),
            .orderReplaced(OrderReplaced(order: 3 << 40 | 3, quantity: 9, price: 3, max: 0, marketReserve: 0, stop: 77)),
            .orderReplaced(OrderReplaced(order: 3 << 40 | 3, quantity: 9, price: 0, max: 5, marketReserve: 6, stop: .max)),
            .limitsSet(account: 7, instrument: 1, limits), .limitsSet(account: 7, instrument: 1, wide),
        ]
    }

    private func encode(_ mutations: [Mutation], shard: WalletID = 3) -> Batch {
        let batch = Batch()
        var writer = RecordWriter()
        for (index, mutation) in mutations.enumerated() {
            writer.append(
                mutation, shard: index % 5 == 4 ? 0 : shard, time: RecordTests.time + Int64(index / 3),
                session: index % 7 == 0 ? 1 << 32 | 5 : 0, to: batch)
        }
        return batch
    }

    private func decode(_ bytes: UnsafeRawBufferPointer, _ count: Int) throws -> [RecordReader.Record] {
        var reader = RecordReader(bytes: bytes, count: count)
        var all: [RecordReader.Record] = []
        while let record = try reader.next() { all.append(record) }
        return all
    }

    @Test func `every kind: there and back`() throws {
        let mutations = RecordTests.everyKind
        let batch = encode(mutations)
        #expect(batch.recordCount == mutations.count)
        let records = try decode(batch.bytes.bytes, batch.recordCount)
        #expect(records.count == mutations.count)
        for (index, record) in records.enumerated() {
            #expect(String(describing: record.mutation) == String(describing: mutations[index]))
            #expect(record.shard == (index % 5 == 4 ? 0 : 3))
            #expect(record.time == RecordTests.time + Int64(index / 3))
            #expect(record.session == (index % 7 == 0 ? 1 << 32 | 5 : 0))
        }
    }

    @Test func `read into one place: nothing is left of the record before`() throws {
        let mutations = RecordTests.everyKind + RecordTests.everyKind.reversed()
        let batch = encode(mutations)
        var reader = RecordReader(bytes: batch.bytes.bytes, count: batch.recordCount)
        var record = RecordReader.Record()
        for mutation in mutations {
            #expect(try reader.next(into: &record))
            #expect(String(describing: record.mutation) == String(describing: mutation))
        }
        #expect(try !reader.next(into: &record))
    }

    @Test func `golden bytes of an order and a cancel`() {
        var order = OrderAccepted(
            id: 1, account: 7, instrument: 0, side: .buy, type: .limit, timeInForce: .gtc, quantity: 50_000_000,
            price: 640_000_000, clientID: Text("grid-17"))
        order.contentHash = order.contentHashOfNew
        let batch = Batch()
        var writer = RecordWriter()
        writer.append(.orderAccepted(order), shard: 0, time: 1_000_000, session: 0, to: batch)
        var second = order
        second.id = 2
        second.clientID = Text("grid-18")
        second.price += 100
        second.contentHash = second.contentHashOfNew
        writer.append(.orderAccepted(second), shard: 0, time: 1_000_000, session: 0, to: batch)
        writer.append(
            .orderCanceled(OrderCanceled(order: 1, reason: .requested, note: Text())), shard: 0, time: 1_000_000, session: 0,
            to: batch)
        let hex = batch.bytes.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(
            // head, time; flags, account; quantity; price step in hundreds; id: shares 0, 7 bytes more
            hex == "8180897a" + "1007" + "80e1eb17" + "80a08d06" + "0007677269642d3137"
                // head; flags: account and instrument as before; quantity; one tick up; id counted up by one
                + "01" + "00" + "80e1eb17" + "02" + "41"
                // head; one OrderID back; reason
                + "03" + "01" + "00")
    }

    @Test func `golden bytes of a position taken over`() {
        let batch = Batch()
        var writer = RecordWriter()
        let takeOver = TakeOver(account: 7, instrument: 2, quantity: -50_000_000, price: 640_000_000, reference: Text("mig-1"), note: Text("x"))
        writer.append(.positionTakenOver(takeOver), shard: 0, time: 1_000_000, session: 0, to: batch)
        let hex = batch.bytes.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        // head, time; account; instrument; quantity, zigzag; price; ref; note
        #expect(hex == "8d80897a" + "07" + "02" + "ffc1d72f" + "80c096b102" + "056d69672d31" + "0178")
    }

    @Test func `golden bytes of a match: the taker is the order just accepted, and the next match follows it`() {
        let batch = Batch()
        var writer = RecordWriter()
        func append(_ mutation: Mutation) { writer.append(mutation, shard: 0, time: 1_000_000, session: 0, to: batch) }
        var order = OrderAccepted(
            id: 300, account: 7, instrument: 0, side: .buy, type: .limit, timeInForce: .gtc, quantity: 50_000_000, price: 640_000_000,
            clientID: Text("grid-17"), fees: FeeRates(maker: -20, taker: 500))
        order.instructions.postOnly = true
        order.instructions.display = 1_000_000
        order.contentHash = order.contentHashOfNew
        append(.orderAccepted(order))
        let before = batch.bytes.bytes.count
        let match = Matched(trade: 1, maker: 299, taker: 300, quantity: 20_000_000, price: 639_999_900, makerFee: 0, takerFee: 0)
        append(.matched(match))
        append(
            .matched(
                Matched(
                    trade: 3, maker: 100, taker: 300, quantity: 30_000_000, price: 640_000_000, makerFee: -3_840_000_000_000_000,
                    takerFee: 96_000_000_000_000_000)))
        append(.orderTriggered(order: 7))
        append(.matched(Matched(trade: 5, maker: 100, taker: 7, quantity: 1, price: 640_000_001, makerFee: 0, takerFee: 0)))
        append(.matched(Matched(trade: 100, maker: 100, taker: 8, quantity: 1, price: 640_000_001, makerFee: 0, takerFee: 0)))
        let hex = batch.bytes.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(
            // head, time; flags, id; account; quantity; price; id; instructions: post-only and display; rates
            hex.prefix(before * 2)
                == ["8180897a", "9081", "0a", "d604", "07", "80e1eb17", "80a08d06", "0007677269642d3137", "11", "c0843d", "27", "e807"].joined())
        #expect(
            hex.dropFirst(before * 2)
                == [
                    // head; one OrderID back; flags; quantity; one tick down
                    "0e", "01", "00", "80dac409", "01",
                    // head; 199 OrderIDs back; flags: both fees; quantity; one tick up; fees
                    "0e", "8d03", "0c", "8087a70e", "02", "4e8003", "1060",
                    // head; 93 OrderIDs back
                    "0f", "b901",
                    // head; 93 on; flags: price not in hundreds; quantity; price step
                    "0e", "ba01", "10", "01", "02",
                    // head; the same maker; flags: trade and taker; quantity; price; trade, 95 on; taker, one on
                    "0e", "00", "03", "01", "00", "ba01", "01",
                ].joined())
    }

    @Test func `a record with nothing of an internal venue has the bytes it had before`() {
        var order = OrderAccepted(
            id: 1, account: 7, instrument: 0, side: .buy, type: .limit, timeInForce: .gtc, quantity: 1, price: 100, clientID: Text("a"))
        order.contentHash = order.contentHashOfNew
        let terms = InstrumentTerms(tick: 100, lot: 1, minQuantity: 1, maxQuantity: 9, minNotional: 0, state: .halted)
        let mutations: [Mutation] = [
            .orderAccepted(order), .orderReplaced(OrderReplaced(order: 1, quantity: 2, price: 200, max: 0, marketReserve: 0)),
            .defined(number: 1, .changeInstrument(0, terms)), .limitsSet(account: 7, instrument: -1, Limits()),
        ]
        let batch = Batch()
        var writer = RecordWriter()
        for mutation in mutations { writer.append(mutation, shard: 0, time: 0, session: 0, to: batch) }
        let hex = batch.bytes.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let none = "01" + String(repeating: "ff", count: 18) + "01"
        #expect(
            hex
                == [
                    "01", "10", "07", "01", "02", "000161", "02", "00", "00", "02", "02", "00", "02", "04", "00", "64", "01", "01", "09", "00", "01",
                    "0b", "07", "01", none, none, none, "ffffffffffffffff7f", "01",
                ].joined())
    }

    @Test func `states, rates and words that nobody defined: refused`() {
        func refused(_ mutation: Mutation, _ change: (inout [UInt8]) -> Void) -> Bool {
            let batch = Batch()
            var writer = RecordWriter()
            writer.append(mutation, shard: 0, time: 0, session: 0, to: batch)
            var bytes = Array(batch.bytes.bytes)
            change(&bytes)
            return bytes.withUnsafeBytes { raw in
                do {
                    _ = try decode(raw, 1)
                    return false
                } catch { return true }
            }
        }
        let terms = InstrumentTerms(
            tick: 1, lot: 1, minQuantity: 1, maxQuantity: 9, minNotional: 0, state: .postOnly, fees: FeeRates(maker: 1, taker: 1))
        let change = Mutation.defined(number: 1, .changeInstrument(0, terms))
        // head, number, form, id, four sizes, notional, state, two rates
        #expect(!refused(change) { _ in })
        #expect(refused(change) { $0[9] = 4 })
        #expect(!refused(change) { $0[9] = 3 })
        #expect(refused(change) { $0.replaceSubrange(10...10, with: [0xD1, 0x0F]) })  // -1001
        #expect(!refused(change) { $0.replaceSubrange(10...10, with: [0xCF, 0x0F]) })  // -1000
        #expect(refused(change) { $0.replaceSubrange(11...11, with: [0xA2, 0x9C, 0x01]) })  // 10001
        #expect(!refused(change) { $0.replaceSubrange(11...11, with: [0xA0, 0x9C, 0x01]) })
        // The old form knows no new state.
        #expect(
            refused(change) {
                $0[2] = 4
                $0.removeLast(2)
            })
        #expect(
            !refused(change) {
                $0[2] = 4
                $0[9] = 1
                $0.removeLast(2)
            })
        var order = OrderAccepted(
            id: 1, account: 0, instrument: 0, side: .buy, type: .limit, timeInForce: .gtc, quantity: 1, price: 0, clientID: Text("a"))
        order.instructions.triggerPrice = .mark
        order.contentHash = order.contentHashOfNew
        // head, three flags, quantity, price, three of id, instructions
        #expect(!refused(.orderAccepted(order)) { _ in })
        #expect(refused(.orderAccepted(order)) { $0[9] = 3 << 5 })
        #expect(!refused(.orderAccepted(order)) { $0[9] = 2 << 5 })
        #expect(refused(.orderAccepted(order)) { $0.replaceSubrange(9...9, with: [0x80, 0x05]) })
        #expect(!refused(.orderAccepted(order)) { $0.replaceSubrange(9...9, with: [0x80, 0x04]) })
        #expect(refused(.orderAccepted(order)) { $0[3] |= 1 << 4 })
    }

    @Test func `cut anywhere: refused`() {
        let batch = encode(RecordTests.everyKind)
        let bytes = batch.bytes.bytes
        for length in 0..<bytes.count {
            #expect(throws: RecordError.self) {
                _ = try decode(UnsafeRawBufferPointer(rebasing: bytes[0..<length]), batch.recordCount)
            }
        }
    }

    @Test func `any bytes: refused or read, never a crash`() {
        var state: UInt64 = 42
        func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            return mix(state)
        }
        let batch = encode(RecordTests.everyKind)
        let good = Array(batch.bytes.bytes)
        var refused = 0
        for _ in 0..<200_000 {
            var bytes = good
            for _ in 0..<1 + next() % 4 { bytes[Int(next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: next()) }
            bytes.withUnsafeBytes { raw in
                do { _ = try decode(raw, batch.recordCount) } catch { refused += 1 }
            }
        }
        #expect(refused > 10_000)
    }
}
