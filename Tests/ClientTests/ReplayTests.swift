import Client
import Foundation
import Testing
import cashup

@Suite struct ReplayPlanTests {
    @Test("plan: one command for each kind of event, and a reason for each event without one")
    func rules() throws {
        let plan = try plan(
            """
            101,1,1,236.47,200000000,created,bid
            101,1,1,236.47,178855669,changed,bid
            101,1,1,236.47,178855669,changed,bid
            101,1,1,236.50,100000000,changed,bid
            101,1,1,236.50,0,deleted,bid
            101,1,1,236.50,0,deleted,bid
            202,1,1,10.5,5,created,ask
            202,1,1,10.5,9,created,ask
            202,1,1,11,5,deleted,ask
            303,1,1,10.5,5,deleted,ask
            304,1,1,10.5,0,created,ask
            305,1,1,10.5,7,created,ask
            305,1,1,10.6,0,changed,ask
            305,1,1,10.5,0,changed,ask
            """)
        #expect(
            plan.commands.indices.map { String(decoding: plan.text(of: $0), as: UTF8.self) } == [
                "NEW 2 BTC-USD B LMT 2.00000000 236.47 GTC id=101",
                "FIL 2 BTC-USD id=101 0.21144331 236.47 fee=0 exec=101-3",
                "RPL 2 BTC-USD id=101 1.21144331 236.50",
                "FIL 2 BTC-USD id=101 1.00000000 236.50 fee=0 exec=101-6",
                "NEW 3 BTC-USD S LMT 0.00000005 10.50 GTC id=202",
                "CXL 3 BTC-USD id=202",
                "NEW 6 BTC-USD S LMT 0.00000007 10.50 GTC id=305",
                "FIL 6 BTC-USD id=305 0.00000007 10.50 fee=0 exec=305-15",
            ])
        #expect(plan.skipped == [.noDecrease: 1, .ended: 1, .createdTwice: 1, .unknownOrder: 1, .noVolume: 2])
        #expect(plan.counts == [3, 1, 3, 1])
        #expect(plan.openOrders.isEmpty)
    }

    @Test(
        "file: a line that is not understood is an error with its number",
        arguments: [
            "101,1,1,236.477,2,created,bid", "101,1,1,236.4,2.5,created,bid", "101,1,1,236.4,2,updated,bid", "101,1,1,236.4,2,created,buy",
            "-1,1,1,236.4,2,created,bid", "101,1,1,236.4,2", "101,1,1,1e3,2,created,bid", "101,1,1,236.4,99999999999999999999,created,bid",
        ])
    func badLine(line: String) {
        let error = #expect(throws: Failure.self) { try plan(line) }
        #expect(error?.description.hasPrefix("line 2: ") == true)
    }

    private static let recorded = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../shared/data/bitstamp-btcusd-2015-05-01-orders.csv.xz").standardizedFileURL.path

    @Test(
        "plan: the recorded five hours, where the file is there",
        .enabled(if: FileManager.default.fileExists(atPath: recorded), "no recorded order flow in ../shared/data"))
    func recordedFile() throws {
        let plan = ReplayPlan(events: try OrderFile.read(path: Self.recorded))
        #expect(plan.events == 50_414)
        #expect(plan.counts == [24_894, 36, 1_118, 24_153])
        #expect(plan.skipped == [.unknownOrder: 191, .ended: 22])
        #expect(plan.openOrders.count == 184)
    }

    @Test("decimals: parsing and printing at a scale")
    func decimals() {
        #expect(Decimals.parse("236.47", scale: 2) == 23647)
        #expect(Decimals.parse("236.4700", scale: 2) == 23647)
        #expect(Decimals.parse("236", scale: 2) == 23600)
        #expect(Decimals.parse("92233720368547758.07", scale: 2) == .max)
        for bad in ["", ".", "1.", ".5", "1.001", "1..0", "-1", "1e2", "92233720368547758.08"] { #expect(Decimals.parse(bad, scale: 2) == nil) }
        for (value, scale, text) in [(Int64(5), 8, "0.00000005"), (0, 2, "0.00"), (123_456, 2, "1234.56"), (.max, 0, "9223372036854775807")] {
            var bytes: [UInt8] = []
            Decimals.append(value, scale: scale, to: &bytes)
            #expect(String(decoding: bytes, as: UTF8.self) == text)
        }
    }

    @Test("resume: where several commands lead to one state, the latest counts")
    func latest() throws {
        let plan = try plan(
            """
            1,1,1,10,100,created,bid
            1,1,1,11,100,changed,bid
            1,1,1,10,100,changed,bid
            1,1,1,10,60,changed,bid
            1,1,1,10,60,deleted,bid
            """)
        let states = plan.commands.map(\.after)
        #expect(states.map { ReplayResume.lastDone(of: plan.orders[0], state: $0, in: plan) } == [2, 1, 2, 3, 4])
        var foreign = states[0]
        foreign.quantity += 1
        #expect(ReplayResume.lastDone(of: plan.orders[0], state: foreign, in: plan) == nil)
    }

    private func plan(_ lines: String) throws -> ReplayPlan {
        let header = "id,timestamp,exchange.timestamp,price,volume,action,direction\n"
        return ReplayPlan(events: try OrderFile.parse(Data((header + lines + "\n").utf8)))
    }
}

@Suite(.timeLimit(.minutes(1)))
struct ReplayTests {
    @Test("replay: however often the server dies, the final state is that of an undisturbed run", arguments: [1, 2, 3, 4] as [UInt64])
    func deaths(seed: UInt64) async throws {
        let plan = ReplayPlan(events: randomEvents(seed: seed, count: 4_000))
        let undisturbed = try await finalState(plan, lives: [])
        #expect(undisturbed.result.connections == 1)
        #expect(undisturbed.result.figures.answered == plan.commands.count)
        #expect(undisturbed.result.stillOpen == plan.openOrders.count)

        var random = Sequence64(seed: seed)
        let disturbed = try await finalState(plan, lives: (0..<20).map { _ in Int(random.next() % 700) })
        #expect(disturbed.result.connections > 3)
        #expect(disturbed.state.orders == undisturbed.state.orders)
        #expect(disturbed.state.fills == undisturbed.state.fills)
        #expect(disturbed.state.deposits == undisturbed.state.deposits)
        #expect(disturbed.result.openOrdersAgree)
        #expect(disturbed.result.figures.refusalCount == 0)
    }

    @Test("replay: a second run with the same file sends nothing again")
    func secondRun() async throws {
        let plan = ReplayPlan(events: randomEvents(seed: 7, count: 2_000))
        let exchange = FakeExchange()
        var options = Replay.Options()
        options.endpoint = try await exchange.start()
        _ = try await Replay(plan: plan, options: options).run()
        let before = exchange.state.withLock { $0 }
        let again = try await Replay(plan: plan, options: options).run()
        #expect(again.figures.answered == 0)
        #expect(again.doneBefore == plan.commands.count)
        #expect(exchange.state.withLock { $0 } == before)
        await exchange.stop()
    }

    @Test("replay: an unexpected refusal ends it, and once the cause is gone a new run fills the hole")
    func refusal() async throws {
        let plan = ReplayPlan(events: randomEvents(seed: 8, count: 2_000))
        let undisturbed = try await finalState(plan, lives: [])
        let exchange = FakeExchange()
        var options = Replay.Options()
        options.endpoint = try await exchange.start()
        let order = plan.orders[plan.orders.count / 2]
        exchange.refusing.withLock { $0 = String(decoding: plan.text(of: Int(order.first)), as: UTF8.self) }
        let refused = try await Replay(plan: plan, options: options).run()
        #expect(refused.figures.refusalCount >= 1)
        #expect(refused.figures.refusals[0].contains("LIMIT_QTY"))
        #expect(refused.figures.answered < plan.commands.count)
        exchange.refusing.withLock { $0 = nil }
        let finished = try await Replay(plan: plan, options: options).run()
        #expect(finished.figures.refusalCount == 0)
        let state = exchange.state.withLock { $0 }
        #expect(state.orders == undisturbed.state.orders && state.fills == undisturbed.state.fills)
        await exchange.stop()
    }

    @Test("replay: an order of another making stops it before anything is sent")
    func foreignState() async throws {
        let plan = ReplayPlan(events: randomEvents(seed: 9, count: 100))
        let exchange = FakeExchange()
        var options = Replay.Options()
        options.endpoint = try await exchange.start()
        let first = plan.orders[0]
        exchange.state.withLock { $0.deposits["\(first.account) other"] = "USD 1.00" }
        exchange.state.withLock { $0.orders["\(first.account) \(first.id)"] = FakeExchange.Order(quantity: "7.00000000", price: "1.00") }
        await #expect(throws: Failure.self) { try await Replay(plan: plan, options: options).run() }
        #expect(exchange.state.withLock { $0.orders.count } == 1)
        await exchange.stop()
    }

    private func finalState(_ plan: ReplayPlan, lives: [Int]) async throws -> (state: FakeExchange.State, result: Replay.Result) {
        let exchange = FakeExchange(lives: lives)
        var options = Replay.Options()
        options.endpoint = try await exchange.start()
        options.window = 128
        let result = try await Replay(plan: plan, options: options).run()
        await exchange.stop()
        return (exchange.state.withLock { $0 }, result)
    }

    /// A feed with many replaces back and forth and fills in between, so that repeating an old replace would show.
    private func randomEvents(seed: UInt64, count: Int) -> [OrderEvent] {
        var random = Sequence64(seed: seed)
        var live: [(id: UInt64, price: Int64, volume: Int64)] = []
        var events: [OrderEvent] = []
        for line in 0..<count {
            let choice = random.next() % 10
            let action: OrderEvent.Action
            if live.count < 20 || choice < 2 {
                live.append((UInt64(1000 + line), Int64(23_000 + random.next() % 2), Int64(1000 + random.next() % 1000)))
                action = .created
            } else {
                live.swapAt(Int(random.next() % UInt64(live.count)), live.count - 1)
                switch choice {
                case 2..<6:
                    live[live.count - 1].price = 46_001 - live[live.count - 1].price
                    action = .changed
                case 6..<8:
                    live[live.count - 1].volume -= Int64(random.next() % 100)
                    action = .changed
                default:
                    if choice == 8 { live[live.count - 1].volume = 0 }
                    action = .deleted
                }
            }
            let order = live[live.count - 1]
            events.append(
                OrderEvent(id: order.id, price: order.price, volume: max(0, order.volume), action: action, isBid: order.id % 2 == 0, line: line + 2))
            if action == .deleted || order.volume <= 0 { live.removeLast() }
        }
        return events
    }
}

/// SplitMix64: a seed gives the same numbers everywhere.
private struct Sequence64 {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return (z ^ (z >> 31)) >> 1
    }
}
