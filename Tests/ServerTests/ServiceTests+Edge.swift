import Glibc
import Server
import Testing

/// What a hostile or a careless client does at the edges: floods, half-closes, lines at the bounds, a web page.
@Suite(.serialized)
struct ServiceEdgeTests {
    @Test("a client that pipelines thousands of big queries and does not read leaves others quick", arguments: [1, 4])
    func bigQueries(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let good = try test.connect()
        _ = try good.ask("DEP 7 USD 1000000 ref=d")
        try good.send((0..<1_000).map { "n NEW 7 BTC-USD B LMT 0.001 10.00 GTC id=o\($0)\n" }.joined())
        for _ in 0..<1_000 { _ = try good.answer() }
        // More connections than loops, so that each loop has one.
        var floods: [Wire] = []
        for _ in 0..<loops * 2 {
            let flood = try test.connect()
            try flood.send(String(repeating: "1 ORD 7 limit=1000\n", count: 3_000))
            floods.append(flood)
        }
        let clock = ContinuousClock()
        for _ in 0..<5 {
            let start = clock.now
            #expect(try good.ask("PING") == ["+t OK"])
            #expect(clock.now - start < .milliseconds(700))
        }
        floods.removeAll()
        // Within the bound everything is answered, and in order.
        let reader = try test.connect()
        try reader.send((0..<20).map { "\($0) ORD 7 limit=1000 status=\($0 % 2 == 0 ? "all" : "open")\n" }.joined())
        for number in 0..<20 {
            let answer = try reader.answer()
            #expect(answer.count == 1_001 && answer.last == "+\(number) 1000")
        }
        await test.stop()
    }

    @Test("closing: what was answered before arrives, however much it is and however late it is read", arguments: [1, 4])
    func closing(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let wire = try Wire(port: test.service!.port, receiveBytes: 8_192)
        _ = try wire.ask("DEP 7 USD 1000000 ref=d")
        try wire.send((0..<1_000).map { "n NEW 7 BTC-USD B LMT 0.001 10.00 GTC id=o\($0)\n" }.joined())
        for _ in 0..<1_000 { _ = try wire.answer() }
        try wire.send((0..<20).map { "\($0) ORD 7 limit=1000\n" }.joined() + "q QUIT\n")
        usleep(300_000)
        let lines = wire.rest()
        #expect(lines.count == 20 * 1_001 + 1)
        #expect(lines.last == "+q OK")
        // The same after a half-close.
        let half = try Wire(port: test.service!.port, receiveBytes: 8_192)
        try half.send((0..<20).map { "\($0) ORD 7 limit=1000 status=all\n" }.joined())
        half.endInput()
        usleep(300_000)
        #expect(half.rest().count == 20 * 1_001)
        await test.stop()
    }

    @Test("SYNC as the last line before a half-close is answered", arguments: [1, 4])
    func syncLast(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        for number in 0..<20 {
            let wire = try test.connect()
            try wire.send("1 DEP 7 USD 1 ref=r\(number)\n2 SYNC\n")
            wire.endInput()
            let lines = wire.rest()
            #expect(lines.count == 2 && lines.last?.hasPrefix("+2 OK lsn=") == true, "\(lines)")
        }
        await test.stop()
    }

    @Test("lines at the bound: AUTH of 8192 bytes, CR and LF apart; a longer one that waited is skipped")
    func bounds() async throws {
        var test = TestService(loops: 1)
        defer { test.remove() }
        try await test.start()
        let wire = try test.connect()
        let begin = "1 AUTH "
        try wire.send(begin + String(repeating: "x", count: 8_192 - begin.utf8.count) + "\r")
        usleep(50_000)
        try wire.send("\n2 PING\n")
        #expect(try wire.answer().first?.hasPrefix("+1 OK") == true)
        #expect(try wire.answer() == ["+2 OK"])
        // Behind a pause, in one piece with it.
        try wire.send("3 SYNC\n4 AUTH " + String(repeating: "x", count: 20_000))
        #expect(try wire.answer().first?.hasPrefix("+3 OK lsn=") == true)
        #expect(try wire.answer() == ["-4 LINE_TOO_LONG max=8192"])
        try wire.send("\n5 PING\n")
        #expect(try wire.answer() == ["+5 OK"])
        await test.stop()
    }

    @Test(
        "a web page's request ends the connection, and nothing in it is taken",
        arguments: [
            "POST / HTTP/1.1\r\n", "GET /x?y=1 HTTP/1.0\r\n", "OPTIONS * HTTP/1.1\n", "POST /\(String(repeating: "a", count: 3_000)) HTTP/1.1\r\n",
        ])
    func webPage(request: String) async throws {
        var test = TestService(loops: 1)
        defer { test.remove() }
        try await test.start()
        let page = try test.connect()
        try page.send(request + "Host: 127.0.0.1\r\n\r\n1 DEP 7 USD 1000 ref=page\n")
        #expect(page.rest() == ["* BYE reason=http"])
        #expect(try test.connect().ask("BAL 7").first?.hasPrefix("-t UNKNOWN_ACCOUNT") == true)
        await test.stop()
    }

    @Test("a suspension stands, whatever opens the account at the same time", arguments: [1, 4])
    func suspension(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let wires = try (0..<6).map { _ in try test.connect() }
        for account in 1...60 {
            _ = try wires[0].ask("ACC \(account) open")
            for (index, wire) in wires.enumerated() { try wire.send("1 ACC \(account) \(index == 2 ? "suspend" : "open")\n") }
            for wire in wires { _ = try wire.answer() }
            #expect(try wires[5].ask("ACC \(account)").first?.contains("suspended") == true)
        }
        #expect(try wires[0].ask("ACC 1 resume").map(bare).first?.hasPrefix("+t OK status=open") == true)
        await test.stop()
    }
}
