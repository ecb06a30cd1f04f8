import Glibc
import Server
import Testing

@Suite(.serialized)
struct SessionTests {
    static let secret = "0123456789abcdef0123456789abcdef"

    private func token(_ roles: [TokenClaims.Role], _ accounts: [UInt64], seconds: Int64 = 60, sub: String = "7", secret: String = secret)
        async throws -> String
    {
        try await TokenKey(secret: secret).sign(
            TokenClaims(sub: sub, exp: Int64(time(nil)) + seconds, roles: roles, accounts: .only(accounts)))
    }

    private func jwtService(loops: Int) async throws -> TestService {
        var test = TestService(loops: loops)
        test.config.auth = .jwt
        test.secret = SessionTests.secret
        test.config.seed = TestService.seed + ["DEP 7 USD 1000 ref=seed", "DEP 8 USD 1000 ref=seed"]
        try await test.start()
        return test
    }

    @Test("auth: what a token allows, and what nothing allows", arguments: [1, 4])
    func auth(loops: Int) async throws {
        var test = try await jwtService(loops: loops)
        defer { test.remove() }
        let wire = try test.connect()
        #expect(try wire.ask("BAL 7") == ["-t AUTH_REQUIRED"])
        #expect(try wire.ask("PING") == ["+t OK"])
        #expect(try wire.ask("AUTH nonsense").first?.hasPrefix("-t BAD_TOKEN reason=") == true)
        #expect(try wire.ask("AUTH \(await token([.trader], [7], secret: "another secret of thirty-two byte"))") == ["-t BAD_TOKEN reason=signature"])
        #expect(try wire.ask("AUTH \(await token([.trader], [7], seconds: -5))").first?.hasPrefix("-t TOKEN_EXPIRED") == true)
        let answer = try wire.ask("AUTH \(await token([.trader], [7])) session=grid")
        #expect(answer.first?.hasPrefix("+t OK sub=7 roles=trader accounts=7 session=grid expires=") == true)
        #expect(try wire.ask("BAL 7").last == "+t 1")
        #expect(try wire.ask("BAL 8") == ["-t FORBIDDEN need=viewer account=8"])
        #expect(try wire.ask("DEP 7 USD 1 ref=x").first?.hasPrefix("-t FORBIDDEN") == true)
        #expect(try wire.ask("NEW 7 BTC-USD B LMT 1 10.00 GTC id=o").first?.contains(" NEW ") == true)
        // A trader's fill may not be beyond the limit.
        #expect(try wire.ask("FIL 7 BTC-USD id=o 1 10.01 exec=e").first?.hasPrefix("-t BEYOND_LIMIT") == true)
        #expect(try wire.ask("FIL 7 BTC-USD id=o 1 9.99 exec=e").first?.contains(" FILLED ") == true)
        await test.stop()
    }

    @Test("auth again: a subscription goes on with the same accounts and ends with others", arguments: [1, 4])
    func narrower(loops: Int) async throws {
        var test = try await jwtService(loops: loops)
        defer { test.remove() }
        let wire = try test.connect()
        _ = try wire.ask("AUTH \(await token([.trader], [7, 8]))")
        _ = try wire.ask("SUB")
        _ = try wire.ask("AUTH \(await token([.trader], [8, 7]))")
        #expect(try wire.ask("SUB") == ["-t ALREADY_SUBSCRIBED"])
        try wire.send("t AUTH \(await token([.trader], [7]))\n")
        var lines: [String] = []
        for _ in 0..<2 { lines.append(try wire.line() ?? "") }
        #expect(lines.contains("* UNSUBSCRIBED reason=auth") && lines.contains { $0.hasPrefix("+t OK") })
        #expect(try wire.ask("SUB").first?.hasPrefix("+t OK from=") == true)
        await test.stop()
    }

    @Test("session: many that claim one name again and again never wait for each other for ever")
    func mutualReplacement() async throws {
        var test = TestService(loops: 4)
        defer { test.remove() }
        try await test.start()
        for _ in 0..<20 {
            let wires = try (0..<8).map { _ in try test.connect() }
            for wire in wires { try? wire.send(String(repeating: "t AUTH - session=grid\n", count: 4)) }
            // One is left, the others have been told.
            usleep(30_000)
            for wire in wires { try? wire.send("q QUIT\n") }
            for wire in wires {
                let last = wire.rest().last
                #expect(last == "+q OK" || last == "* BYE reason=replaced", "\(last ?? "nothing")")
            }
        }
        await test.stop()
    }

    @Test("auth: a token's end leaves cancels and queries, then the connection is closed")
    func expiry() async throws {
        var test = try await jwtService(loops: 1)
        test.config.tokenGraceSeconds = 1
        defer { test.remove() }
        try await test.restart()
        let wire = try test.connect()
        _ = try wire.ask("AUTH \(await token([.trader], [7], seconds: 2))")
        _ = try wire.ask("NEW 7 BTC-USD B LMT 1 10.00 GTC id=o")
        while let line = try wire.line(), line != "* EXPIRED grace=1" {}
        #expect(try wire.ask("NEW 7 BTC-USD B LMT 1 10.00 GTC id=p").first?.hasPrefix("-t TOKEN_EXPIRED") == true)
        #expect(try wire.ask("CXL 7 BTC-USD id=o").first?.contains("CANCELED") == true)
        #expect(wire.rest().last == "* BYE reason=token_expired")
        await test.stop()
    }

    @Test("session: one of each name; the old one's orders are decided, and cancelled if it asked for that", arguments: [1, 4])
    func replacement(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        for round in 0..<8 {
            let old = try test.connect()
            let account = 10 + round
            #expect(try old.ask("AUTH - session=grid cod=1").first?.contains("session=grid") == true)
            for wallet in ["spot", "margin"] { _ = try old.ask("DEP \(account) USD 1000 wallet=\(wallet) ref=\(wallet)") }
            _ = try old.ask("NEW \(account) BTC-USD B LMT 1 10.00 GTC id=a")
            try old.send((0..<50).map { "\($0) NEW \(account) \($0 % 2 == 0 ? "BTC-USD" : "BTC-MARGIN") B LMT 0.1 10.00 GTC id=n\($0)\n" }.joined())
            let new = try test.connect()
            #expect(try new.ask("AUTH - session=grid").first?.contains("session=grid") == true)
            #expect(try new.ask("ORD \(account)").last == "+t 0")
            #expect(old.rest().last == "* BYE reason=replaced")
        }
        await test.stop()
    }

    @Test("cancel on disconnect: in all wallets, and only what the session entered", arguments: [1, 4])
    func cancelOnDisconnect(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let other = try test.connect()
        _ = try other.ask("DEP 7 USD 1000 ref=d")
        _ = try other.ask("NEW 7 BTC-USD B LMT 1 10.00 GTC id=stays")
        let wire = try test.connect()
        _ = try wire.ask("AUTH - cod=1")
        _ = try wire.ask("NEW 7 BTC-USD B LMT 1 10.00 GTC id=goes")
        _ = try wire.ask("NEW 7 BTC-PERP B LMT 1 10.00 GTC id=goes-too")
        wire.hangUp()
        usleep(100_000)
        #expect(try other.ask("ORD 7").last == "+t 1")
        #expect(try other.ask("ORD 7 BTC-USD id=goes").first?.contains("reason=disconnect") == true)
        await test.stop()
    }

    @Test("heartbeats and idle connections")
    func heartbeats() async throws {
        var test = TestService(loops: 1)
        defer { test.remove() }
        test.config.idleSeconds = 1
        try await test.start()
        let idle = try test.connect()
        let alive = try test.connect()
        _ = try alive.ask("AUTH - hb=1")
        #expect(idle.rest() == ["* BYE reason=idle"])
        #expect(try alive.line()?.hasPrefix("* HB lsn=") == true)
        #expect(try alive.ask("PING") == ["+t OK"])
        await test.stop()
    }

    @Test("events: every subscriber sees every change once, from where it asked, live, and when slow", arguments: [1, 4])
    func events(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let wire = try test.connect()
        _ = try wire.ask("DEP 7 USD 1000000 ref=d")
        let first = try test.connect()
        #expect(try first.ask("SUB from=0 account=7 kind=ORDER,TRADE") == ["+t OK from=0"])
        #expect(try first.ask("SUB") == ["-t ALREADY_SUBSCRIBED"])
        var text = ""
        for number in 0..<400 {
            text += "n NEW 7 BTC-USD B LMT 0.001 10.00 GTC id=o\(number)\nf FIL 7 BTC-USD id=o\(number) 0.001 10.00 exec=e\n"
        }
        try wire.send(text)
        for _ in 0..<800 { _ = try wire.answer() }
        func events(_ wire: Wire, _ count: Int) throws -> [String] {
            var lines: [String] = []
            while lines.count < count, let line = try wire.line() { if line.hasPrefix("! ") { lines.append(line) } }
            return lines
        }
        let all = try events(first, 800)
        #expect(all.count == 800)
        // From the middle of a change on: a private catch-up that joins the live ones.
        let middle = all[399].split(separator: " ")[1]
        let second = try test.connect()
        #expect(try second.ask("SUB from=\(middle) account=7 kind=ORDER,TRADE") == ["+t OK from=\(middle)"])
        #expect(try events(second, 400) == Array(all[400...]))
        _ = try wire.ask("NEW 7 BTC-USD B LMT 0.001 10.00 GTC id=last")
        let last = try events(first, 1)
        #expect(last.first?.contains("id=last") == true)
        #expect(try events(second, 1) == last)
        #expect(try second.ask("UNS") == ["+t OK"])
        #expect(try second.ask("UNS") == ["-t NOT_SUBSCRIBED"])
        #expect(try second.ask("SUB from=99999999").first?.hasPrefix("-t BAD_VALUE argument=from") == true)
        await test.stop()
    }
}
