import Core
import GRDB
import History
import Testing

@Suite struct OrderQueryTests {
    /// Orders of two accounts on instruments of different scales, all closed.
    private func fill(_ world: HistoryWorld) async throws {
        for account in [7, 8] {
            try await world.tell("DEP \(account) USD 1000000 ref=u", "DEP \(account) EUR 1000000 ref=e", "DEP \(account) BTC 100 ref=b", "DEP \(account) EX 1000 ref=x")
        }
        try await world.tell(
            "NEW 7 BTC-USD B LMT 0.50000000 64000.00 GTC id=a strategy=grid note=hello%20there",
            "FIL 7 BTC-USD id=a 0.20000000 63990.01 fee=1.2 exec=e1",
            "FIL 7 BTC-USD id=a 0.10000001 63990.02 exec=e2",
            "CXL 7 BTC-USD id=a reason=no%20more",
            "NEW 8 BTC-EUR S LMT 0.500 60000.5 IOC id=a strategy=grid",
            "FIL 8 BTC-EUR id=a 0.500 60000.5 exec=e1",
            "NEW 7 EX-USD B LMT 5 10.00 GTC id=%C3%A4%25", "CXA 7 EX-USD",
            "NEW 7 EX-USD S MKT 3 - FOK id=m strategy=other",
            "FIL 7 EX-USD id=m 3 10 exec=e",
            "NEW 8 EX-USD B MKT 1 - GTC id=max max=20.5", "CXL 8 EX-USD id=max",
            "NEW 7 BTC-USD B LMT 0.50000001 64000.00 GTC id=open")
        try await world.settle()
    }

    private func ids(_ world: HistoryWorld, _ change: (inout ClosedOrderFilter) -> Void) async throws -> [String] {
        var filter = ClosedOrderFilter()
        change(&filter)
        let page = try await world.history.orders(filter, limit: 100)
        #expect(page.total == page.rows.count)
        return page.rows.map { "\($0.account):\($0.clientID.string)" }
    }

    @Test func `rows: as ORD prints them`() async throws {
        try await withHistory { world in
            try await fill(world)
            for (account, symbol) in [(7, "BTC-USD"), (7, "EX-USD"), (8, "BTC-EUR"), (8, "EX-USD")] {
                let live = try await world.tell("ORD \(account) \(symbol) status=closed").rows
                #expect(!live.isEmpty)
                for row in live {
                    let id = try #require(OrderID(row.words[0]))
                    let it = try #require(try await world.history.order(id: id))
                    var text = OutputText()
                    text.add("symbol", it.symbol)
                    text.add("id", it.clientID)
                    text.add("side", it.side == .buy ? "B" : "S")
                    text.add("type", it.type == .limit ? "LMT" : "MKT")
                    text.add("tif", ["GTC", "IOC", "FOK", "GTD"][Int(it.timeInForce.rawValue)])
                    text.add("qty", it.quantity)
                    text.add("price", it.price ?? "-")
                    text.add("status", ["NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED"][Int(it.status.rawValue)])
                    text.add("leaves", it.leaves)
                    text.add("cum", it.cumulative)
                    text.add("avg", it.average)
                    text.add("created", String(it.created / 1_000))
                    text.add("updated", String(it.updated / 1_000))
                    text.add("strategy", it.strategy)
                    text.add("max", it.max)
                    text.add("note", it.note)
                    let words = ["requested", "all", "suspended", "disconnect"]
                    if let reason = it.reason {
                        if it.reasonText.isEmpty { text.add("reason", words[Int(reason.rawValue)]) } else { text.add("reason", it.reasonText) }
                    }
                    let expected = row.pairs.filter { $0.key != "reserved" }.map { "\($0.key)=\($0.value)" }
                    #expect(text.parts == expected)
                }
            }
        }
    }

    @Test func `orders: every filter, newest first`() async throws {
        try await withHistory { world in
            try await fill(world)
            #expect(try await ids(world) { _ in } == ["8:max", "7:m", "7:ä%", "8:a", "7:a"])
            #expect(try await ids(world) { $0.accounts = [7] } == ["7:m", "7:ä%", "7:a"])
            #expect(try await ids(world) { $0.accounts = [8, 7, 8] } == ["8:max", "7:m", "7:ä%", "8:a", "7:a"])
            #expect(try await ids(world) { $0.accounts = [] } == [])
            #expect(try await ids(world) { $0.symbol = Text("EX-USD") } == ["8:max", "7:m", "7:ä%"])
            #expect(try await ids(world) { $0.symbol = Text("NO-USD") } == [])
            #expect(try await ids(world) { $0.side = .sell } == ["7:m", "8:a"])
            #expect(try await ids(world) { $0.type = .market } == ["8:max", "7:m"])
            #expect(try await ids(world) { $0.statuses = [.filled] } == ["7:m", "8:a"])
            #expect(try await ids(world) { $0.statuses = [] } == [])
            #expect(try await ids(world) { $0.strategy = Text("grid") } == ["8:a", "7:a"])
            #expect(try await ids(world) { $0.strategy = Text("nobody") } == [])
            let middle = try #require(try await world.history.orders(account: 7, clientID: Text("ä%")).first).created
            #expect(try await ids(world) { $0.createdFrom = middle } == ["8:max", "7:m", "7:ä%"])
            #expect(try await ids(world) { $0.createdBefore = middle } == ["8:a", "7:a"])
        }
    }

    @Test func `bounds: exact over instruments of different scales`() async throws {
        try await withHistory { world in
            try await fill(world)
            #expect(try await ids(world) { $0.minQuantity = "0.5"; $0.maxQuantity = "0.500" } == ["8:a", "7:a"])
            #expect(try await ids(world) { $0.minQuantity = "0.500000000000000001" } == ["8:max", "7:m", "7:ä%"])
            #expect(try await ids(world) { $0.maxQuantity = "0.499999999999999999" } == [])
            #expect(try await ids(world) { $0.minPrice = "60000.5" } == ["8:a", "7:a"])
            #expect(try await ids(world) { $0.minPrice = "60000.500000000000000001" } == ["7:a"])
            #expect(try await ids(world) { $0.maxPrice = "10" } == ["7:ä%"])
            for bad in ["", "x", "-1", "1e3", "0.1234567890123456789", "99999999999999999999999999999999999999"] {
                await #expect(throws: HistoryError.badValue(argument: "min_quantity", expected: "a decimal number with at most 18 decimals")) {
                    try await ids(world) { $0.minQuantity = bad }
                }
            }
        }
    }

    @Test func `pages: offset and limit over one account and over several`() async throws {
        try await withHistory { world in
            try await world.tell((1...3).flatMap { ["DEP \($0) USD 1000 ref=u"] })
            var commands: [String] = []
            for number in 1...60 {
                commands += ["NEW \(1 + number % 3) EX-USD B LMT 1 1.00 GTC id=o\(number)", "CXL \(1 + number % 3) EX-USD id=o\(number)"]
            }
            try await world.tell(commands)
            try await world.settle()
            for accounts in [nil, [1, 2, 3], [2]] as [[AccountNumber]?] {
                let all = try await world.history.orders(ClosedOrderFilter(accounts: accounts), limit: 1_000)
                #expect(all.total == (accounts?.count == 1 ? 20 : 60) && all.rows.count == all.total)
                #expect(all.rows.map(\.id) == all.rows.map(\.id).sorted(by: >))
                for (offset, limit) in [(0, 7), (7, 7), (18, 7), (59, 7), (60, 1), (0, 0), (-3, 5)] {
                    let page = try await world.history.orders(ClosedOrderFilter(accounts: accounts), offset: offset, limit: limit)
                    #expect(page.total == all.total)
                    #expect(page.rows == Array(all.rows.dropFirst(max(offset, 0)).prefix(limit)))
                }
            }
            let seen = try await world.history.orders(ClosedOrderFilter(accounts: [2]), limit: 1_000).rows
            var filter = ClosedOrderFilter(accounts: [2])
            filter.closedUpTo = seen[5].closedLSN
            #expect(try await world.history.orders(filter, limit: 1_000).rows == Array(seen[5...]))
        }
    }

    @Test func `summary: counts, sums per instrument, time to fill`() async throws {
        try await withHistory { world in
            try await fill(world)
            let summary = try await world.history.orderSummary(accounts: nil, since: 0)
            #expect(summary.orders == 5 && summary.byStatus == [.canceled: 3, .filled: 2])
            #expect(summary.filled.map { "\($0.symbol) \($0.quote) \($0.orders) \($0.volume) \($0.value)" } == [
                "BTC-EUR EUR 1 0.500 30000.25", "BTC-USD USD 1 0.30000001 19197.0046399002", "EX-USD USD 1 3 30.00",
            ])
            #expect(try #require(summary.averageMicrosecondsToFill) > 0)
            #expect(try await world.history.orderSummary(accounts: [99], since: 0).orders == 0)
            #expect(try await world.history.orderSummary(accounts: nil, since: .max).orders == 0)
        }
    }

    /// What the collector writes for an order of an earlier version's log whose fills are worth more than 128 bits.
    @Test func `a value that did not fit: shown as the most that fits, without an average, and sums over it are refused`() async throws {
        try await withHistory { world in
            try await fill(world)
            let most = "170141183460469231731.687303715884105727"
            let file = try DatabaseQueue(path: world.directory + "/history.sqlite")
            try await file.write { db in try db.execute(sql: "UPDATE orders SET value = ? WHERE value IS NOT NULL", arguments: [most]) }
            let rows = try await world.history.orders(ClosedOrderFilter(), limit: 100).rows.filter { $0.value == most }
            #expect(rows.count == 3 && rows.allSatisfy { $0.average == nil })
            let one = try await world.history.orderSummary(accounts: nil, since: 0)
            #expect(one.filled.map(\.value) == [most, most, most])
            try await file.write { db in try db.execute(sql: "UPDATE orders SET instrument = 0") }
            await #expect(throws: HistoryError.overflow) { try await world.history.orderSummary(accounts: nil, since: 0) }
        }
    }
}

/// `key=value` texts as the protocol escapes them.
private struct OutputText {
    private(set) var parts: [String] = []
    mutating func add(_ key: String, _ value: String?) { if let value { parts.append("\(key)=\(value)") } }
    mutating func add(_ key: String, _ value: Text) {
        if value.isEmpty { return }
        let escaped = value.withBytes { bytes in
            bytes.map { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "%") ? String(UnicodeScalar($0)) : "%" + hex($0) }.joined()
        }
        parts.append("\(key)=\(escaped)")
    }
    private func hex(_ byte: UInt8) -> String { String(byte >> 4, radix: 16, uppercase: true) + String(byte & 15, radix: 16, uppercase: true) }
}
