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
