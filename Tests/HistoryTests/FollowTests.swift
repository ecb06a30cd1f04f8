import Core
import Foundation
import GRDB
import History
import Testing

@Suite struct FollowTests {
    @Test func `wait: true once it is there, false in time when it is not`() async throws {
        try await withHistory { world in
            try await world.settle()
            #expect(world.history.lagRecords == 0)
            let next = world.history.appliedLSN + 1
            #expect(await world.history.wait(for: next, timeout: .milliseconds(50)) == false)
            async let waited = world.history.wait(for: next, timeout: .seconds(20))
            try await world.tell("DEP 7 USD 1 ref=a")
            #expect(await waited)
            let task = Task { await world.history.wait(for: .max, timeout: .seconds(60)) }
            task.cancel()
            #expect(await task.value == false)
        }
    }

    @Test func `stop: who waits is told`() async throws {
        let world = try await HistoryWorld.start()
        async let waited = world.history.wait(for: .max, timeout: .seconds(60))
        try await Task.sleep(for: .milliseconds(50))
        await world.history.stop()
        #expect(await waited == false)
        await #expect(throws: HistoryError.self) { try await world.history.order(id: 1) }
        await world.stop()
    }

    /// What was open in a live answer, and what history has as closed once it is past that answer: every order is in one of them; in both is only
    /// what has closed since.
    @Test(arguments: [1, 4]) func `the seam: live and closed orders without gap, while orders come and close`(loops: Int) async throws {
        try await withHistory(loops: loops) { world in
            try await world.tell("DEP 7 USD 1000000 ref=u")
            let storm = Task {
                for first in stride(from: 1, through: 3_600, by: 90) {
                    var commands: [String] = []
                    for number in first..<first + 90 {
                        commands.append("NEW 7 EX-USD B LMT 1 1.00 GTC id=o\(number)")
                        // Two thirds close at once, most of the others later; some hundreds stay.
                        if number % 3 != 0 { commands.append("CXL 7 EX-USD id=o\(number)") }
                        if number % 9 == 0, number > 300 { commands.append("CXL 7 EX-USD id=o\(number - 300)") }
                    }
                    try await world.tell(commands)
                }
            }
            var looks = 0
            while true {
                let before = try await world.connection.send("SYNC")
                let live = try await world.connection.send("ORD 7 status=open limit=1000")
                let after = try #require(UInt64(try await world.connection.send("SYNC")["lsn"] ?? ""))
                #expect(await world.history.wait(for: after, timeout: .seconds(20)))
                var closed: [OrderID: UInt64] = [:]
                var offset = 0
                while true {
                    // Newer ones come in front meanwhile: a page then begins with rows that are known, and none is passed over.
                    let page = try await world.history.orders(ClosedOrderFilter(accounts: [7]), offset: offset, limit: 1_000)
                    for row in page.rows { closed[row.id] = row.closedLSN }
                    offset += page.rows.count
                    if page.rows.count < 1_000 { break }
                }
                let open = Set(live.rows.map { OrderID($0.words[0])! })
                if let newest = open.max() {
                    #expect((1...newest).allSatisfy { open.contains($0) || closed[$0] != nil }, "an order is in neither")
                    let known = try #require(UInt64(before["lsn"] ?? ""))
                    #expect(open.allSatisfy { closed[$0].map { $0 > known } ?? true }, "an order is in both that had closed before")
                }
                looks += 1
                if closed.count >= 2_600 { break }
            }
            try await storm.value
            // On a slow machine the orders come faster than the looks.
            #expect(looks > 1)
        }
    }

    @Test func `queries end when they take too long`() async throws {
        var options = HistoryOptions()
        options.querySecondsMax = 0
        try await withHistory(options: options) { world in
            try await world.tell("DEP 7 USD 1000000 ref=u")
            try await world.tell((1...3_000).flatMap { ["NEW 7 EX-USD B LMT 1 1.00 GTC id=o\($0)", "CXL 7 EX-USD id=o\($0)"] })
            try await world.settle()
            var filter = ClosedOrderFilter()
            filter.minQuantity = "2"
            await #expect(throws: HistoryError.busy) { try await world.history.orders(filter, limit: 10) }
            // The connection is good for the next one.
            #expect(try await world.history.order(id: 1)?.status == .canceled)
        }
    }

    /// Another program holds SQLite's write lock for longer than history waits for it.
    @Test func `SQLite refuses for a while: the service goes on, then every row is there once`() async throws {
        var options = HistoryOptions()
        options.busySeconds = 0.05
        options.retryMilliseconds = 50
        try await withHistory(options: options) { world in
            try await world.settle()
            var unsafe = GRDB.Configuration()
            unsafe.allowsUnsafeTransactions = true
            let blocker = try DatabaseQueue(path: world.directory + "/history.sqlite", configuration: unsafe)
            try await blocker.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
            try await world.tell("DEP 7 USD 1 ref=a", "DEP 7 USD 2 ref=b")
            for _ in 0..<200 {
                if case .failed = world.history.state { break }
                try await Task.sleep(for: .milliseconds(20))
            }
            guard case .failed(let reason) = world.history.state else {
                Issue.record("still \(world.history.state)")
                return
            }
            #expect(reason.hasPrefix("its database cannot be written"))
            try await world.tell("DEP 7 USD 3 ref=c")
            #expect(world.history.lagRecords >= 3)
            // Reading goes on.
            #expect(try await world.history.ledger(LedgerFilter(accounts: [7]), limit: 10).rows.isEmpty)
            try await blocker.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
            try await world.settle()
            #expect(world.history.state == .ready || world.history.state == .catchingUp)
            let rows = try await world.history.ledger(LedgerFilter(accounts: [7]), limit: 10).rows
            #expect(rows.map(\.amount) == ["3.00", "2.00", "1.00"] && rows.map(\.total) == ["6.00", "3.00", "1.00"])
        }
    }
}
