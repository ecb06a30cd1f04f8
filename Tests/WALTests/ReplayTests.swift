import Core
import Testing
import WAL

/// Replaying through a window comes to the same as applying one record after the other.
@Suite struct ReplayTests {
    private struct Pair: ~Copyable {
        var even = Shard(number: 0)
        var odd = Shard(number: 1)

        mutating func with(_ number: WalletID, _ body: (inout Shard) -> Void) {
            if number == 0 { body(&even) } else { body(&odd) }
        }
    }

    /// What the records of a batch are, in order, of shard 0 and 1 by turns.
    private final class Recorder {
        let batch = Batch()
        var writer = RecordWriter()
        func note(_ mutation: borrowing Mutation, _ shard: WalletID, _ time: Timestamp) {
            writer.append(mutation, shard: shard, time: time, session: 0, to: batch)
        }
    }

    private static let definitions: [Definition] = [
        .asset(AssetInfo(name: Text("USD"), decimals: 2)), .asset(AssetInfo(name: Text("BTC"), decimals: 8)),
        .venue(VenueInfo(name: Text("manual"), kind: .manual)), .wallet(WalletInfo(name: Text("w0"))), .wallet(WalletInfo(name: Text("w1"))),
        .account(7, .open), .setting(.windowIDs, 1_000),
    ] + (WalletID(0)..<2).map { wallet in
        .instrument(
            InstrumentInfo(
                symbol: Text("I\(wallet)"), venue: 0, wallet: wallet, base: 1, quote: 0, priceScale: 4, quantityScale: 8,
                terms: InstrumentTerms(tick: 1, lot: 1, minQuantity: 1, maxQuantity: 1 << 40, minNotional: 0)))
    }

    @Test func `a window of records: the same state as record by record`() throws {
        var live = Pair()
        let recorder = Recorder()
        var time: Timestamp = 1_763_798_400_000_000
        func run(_ number: WalletID, _ command: Command, _ pair: inout Pair) {
            time += 1
            let now = time
            pair.with(number) { shard in
                let outcome = shard.execute(command, now: now) { recorder.note($0, number, now) }
                if case .rejected(let rejection) = outcome { Issue.record("\(rejection)") }
            }
        }
        for (index, definition) in ReplayTests.definitions.enumerated() {
            run(0, .define(definition), &live)
            live.with(1) { _ = $0.copyDefinition(number: Int64(index) + 1, definition, now: time) { recorder.note($0, 1, time) } }
        }
        for wallet in WalletID(0)..<2 {
            for asset in AssetID(0)..<2 {
                let amount = Amount(1_000_000) * 1_000_000_000_000_000_000
                run(wallet, .money(Money(.deposit, account: 7, asset: asset, amount: amount, reference: Text("f\(asset)"))), &live)
            }
        }
        // More closed ones than are remembered, orders cancelled in the window that makes them, runs of both shards within a window.
        for n in 0..<3_000 {
            let wallet = WalletID(n / 5 % 2)
            func id(_ number: Int) -> Text { Text("o-\(number)") }
            run(
                wallet,
                .newOrder(
                    NewOrder(
                        account: 7, instrument: wallet, side: n % 3 == 0 ? .sell : .buy, type: .limit, timeInForce: .gtc,
                        quantity: Quantity(n % 7 + 2), price: 10_000, clientID: id(n))), &live)
            if n % 4 == 0 {
                run(
                    wallet,
                    .replace(Replace(account: 7, instrument: wallet, order: .client(id(n)), quantity: Quantity(n % 7 + 3), price: 10_001)), &live)
            }
            if n % 6 == 0 {
                run(
                    wallet,
                    .fill(
                        Fill(
                            account: 7, instrument: wallet, order: .client(id(n)), quantity: 1, price: 10_000, exec: Text("x"), fee: 1,
                            feeAsset: 0)), &live)
            }
            if n % 10 != 9 { run(wallet, .cancel(Cancel(account: 7, instrument: wallet, order: .client(id(n)))), &live) }
        }

        var single = Pair()
        var reader = RecordReader(bytes: recorder.batch.bytes.bytes, count: recorder.batch.recordCount)
        while let record = try reader.next() { single.with(record.shard) { $0.evolve(record.mutation, at: record.time) } }

        var windowed = Pair()
        var window = ReplayWindow()
        var records = 0
        reader = RecordReader(bytes: recorder.batch.bytes.bytes, count: recorder.batch.recordCount)
        while try window.read(from: &reader) {
            window.evolve { windowed.with($0, $1) }
            records += window.count
            #expect(window.lastTime <= time)
        }
        #expect(records == recorder.batch.recordCount)
        let hashes = [live.even.stateHash(), single.even.stateHash(), windowed.even.stateHash()]
        #expect(Set(hashes).count == 1)
        let others = [live.odd.stateHash(), single.odd.stateHash(), windowed.odd.stateHash()]
        #expect(Set(others).count == 1)
    }
}
