import Core
import History
import Testing

@Suite struct LedgerQueryTests {
    private func fill(_ world: HistoryWorld) async throws {
        try await world.tell(
            "DEP 7 USD 1000.00 ref=wire-1 note=first", "DEP 8 USD 5 ref=d", "HLD 7 USD 100 ref=h reason=why", "RLS 7 USD 40 ref=r",
            "XFR 7 8 USD 50 ref=gift note=for%20you", "XFR 7 7 USD 25 from=spot to=futures ref=mv",
            "NEW 7 EX-USD B LMT 2 10.00 GTC id=a", "FIL 7 EX-USD id=a 2 9.50 fee=0.10 exec=e",
            "LIM 7 EX-USD max_qty=5", "ACC 8 suspend")
        try await world.settle()
    }

    private func lines(_ world: HistoryWorld, _ change: (inout LedgerFilter) -> Void) async throws -> [String] {
        var filter = LedgerFilter()
        change(&filter)
        let page = try await world.history.ledger(filter, limit: 100)
        #expect(page.total == page.rows.count)
        return page.rows.map { "\($0.kind.word) \($0.amount) \($0.asset) -> \($0.total) \($0.available) \($0.held)" }
    }

    @Test func `ledger: each change of a balance, what came of it, newest first`() async throws {
        try await withHistory { world in
            try await fill(world)
            #expect(try await lines(world) { $0.accounts = [7]; $0.wallet = Text("spot") } == [
                "FEE -0.10 USD -> 905.90 845.90 60.00", "TRADE -19.00 USD -> 906.00 846.00 60.00", "TRADE 2 EX -> 2 2 0",
                "XFR_OUT -25.00 USD -> 925.00 865.00 60.00", "XFR_OUT -50.00 USD -> 950.00 890.00 60.00",
                "RLS -40.00 USD -> 1000.00 940.00 60.00", "HLD 100.00 USD -> 1000.00 900.00 100.00", "DEP 1000.00 USD -> 1000.00 1000.00 0.00",
            ])
            #expect(try await lines(world) { $0.accounts = [7]; $0.wallet = Text("futures") } == ["XFR_IN 25.00 USD -> 25.00 25.00 0.00"])
            #expect(try await lines(world) { $0.accounts = [8, 9] } == ["XFR_IN 50.00 USD -> 55.00 55.00 0.00", "DEP 5.00 USD -> 5.00 5.00 0.00"])
            #expect(try await lines(world) { $0.asset = Text("EX") } == ["TRADE 2 EX -> 2 2 0"])
            #expect(try await lines(world) { $0.kinds = [.fee, .hold] }.count == 2)
            #expect(try await lines(world) { $0.reference = Text("gift") }.count == 2)
            #expect(try await lines(world) { $0.reference = Text("gi") } == [])
            #expect(try await lines(world) { $0.wallet = Text("none") } == [])
            let gift = try await world.history.ledger(filter { $0.reference = Text("gift") }, limit: 1).rows[0]
            #expect(gift.peerAccount == 7 && gift.peerWallet == "spot" && gift.k == 2 && gift.account == 8)
            let fee = try await world.history.ledger(filter { $0.kinds = [.fee] }, limit: 1).rows[0]
            #expect(fee.order == 1 && fee.trade == 1 && fee.k == 3)
            #expect(try await lines(world) { $0.from = fee.time } .count == 3)
            #expect(try await lines(world) { $0.before = fee.time; $0.accounts = [7] } .count == 6)
        }
    }

    private func filter(_ change: (inout LedgerFilter) -> Void) -> LedgerFilter {
        var filter = LedgerFilter()
        change(&filter)
        return filter
    }

    @Test func `audit: who did what, newest first, of an account or of all`() async throws {
        try await withHistory { world in
            try await fill(world)
            func kinds(_ range: AuditRange, limit: Int = 100) async throws -> [String] {
                try await world.history.audit(range, limit: limit).map { row in
                    switch row.event {
                    case .entered(let order): "entered \(order.clientID)"
                    case .closed(let order): "closed \(order.clientID)"
                    case .trade(let trade): "trade \(trade.exec)"
                    case .ledger(let line): "ledger \(line.kind.word)"
                    case .action(let action): "\(action.kind) \(action.text)"
                    }
                }
            }
            let all = try await kinds(AuditRange())
            #expect(all.prefix(8) == [
                "ACC 8 status=suspended",
                "LIM account=7 symbol=EX-USD max_qty=5 max_notional=- max_position=- max_open=- enabled=1",
                "closed a", "trade e", "entered a", "ledger XFR_IN", "ledger XFR_OUT", "ledger XFR_IN",
            ])
            #expect(all.contains("AST USD decimals=2"))
            #expect(try await kinds(AuditRange(accounts: [8])) == ["ACC 8 status=suspended", "ledger XFR_IN", "ledger DEP", "ACC 8 status=open"])
            #expect(try await kinds(AuditRange(), limit: 2) == Array(all.prefix(2)))
            let rows = try await world.history.audit(AuditRange(), limit: 100)
            var range = AuditRange()
            range.upToLSN = rows[2].lsn
            #expect(try await kinds(range) == Array(all[2...]))
            range = AuditRange()
            range.afterLSN = rows[2].lsn
            #expect(try await kinds(range) == Array(all[..<2]))
            #expect(rows[0].session?.subject == "local" && rows.last?.session == nil)
            #expect(rows.map(\.lsn) == rows.map(\.lsn).sorted(by: >))
            let actions = try await world.history.actions(limit: 2)
            #expect(actions.rows.map(\.kind) == ["ACC", "LIM"] && actions.total > 10)
            #expect(actions.rows[0].account == 8 && actions.rows[1].symbol == "EX-USD")
        }
    }
}
