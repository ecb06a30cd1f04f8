import Glibc
import Server
import Synchronization
import Testing

@Suite(.serialized)
struct ServiceTests {
    @Test("thin thread: an order's life", arguments: [1, 4])
    func thinThread(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let wire = try test.connect()
        #expect(bare(wire.greeting) == "* CASHUP 1 auth=off maxline=1024 state=ready")
        #expect(try wire.ask("DEP 7 USD 50000.00 ref=wire-5").map(bare) == ["+t OK available=50000.00"])
        #expect(try wire.ask("NEW 7 BTC-USD B LMT 0.50000000 64000.00 GTC id=grid-17").map(bare) == ["+t 1 NEW leaves=0.50000000 cum=0.00000000"])
        #expect(
            try wire.ask("NEW 7 BTC-USD B LMT 9 64000.00 GTC id=grid-18") == [
                "-t INSUFFICIENT_FUNDS asset=USD wallet=spot need=576000.00 available=18000.00"
            ])
        #expect(
            try wire.ask("FIL 7 BTC-USD id=grid-17 0.2 63990.00 fee=1.2 liq=M exec=bn-991").map(bare) == [
                "+t 1 PARTIALLY_FILLED trade=1 leaves=0.30000000 cum=0.20000000 avg=63990.00"
            ])
        #expect(
            try wire.ask("BAL 7") == [
                "=t USD spot total=37200.80 available=18000.80 reserved=19200.00 held=0.00 transit=0.00",
                "=t BTC spot total=0.20000000 available=0.20000000 reserved=0.00000000 held=0.00000000 transit=0.00000000", "+t 2",
            ])
        #expect(try wire.ask("POS 7") == ["=t BTC-USD qty=0.20000000 avg=63990.00 cost=12798.00 realized=-1.20 openbuy=0.30000000", "+t 1"])
        #expect(try wire.ask("CXL 7 BTC-USD id=grid-17").map(bare) == ["+t 1 CANCELED leaves=0.00000000 cum=0.20000000 avg=63990.00"])
        #expect(try wire.ask("NEW 7 BTC-USD B LMT 0.50000000 64000.00 GTC id=grid-17").map(bare) == ["+t 1 CANCELED leaves=0.00000000 cum=0.20000000 avg=63990.00 dup=1"])
        #expect(try wire.ask("PING") == ["+t OK"])
        #expect(try wire.ask("QUIT") == ["+t OK"])
        #expect(try wire.line() == nil)
        await test.stop()
    }

    @Test("LSNs in answers: each is the change's own, whatever the loops do", arguments: [1, 4])
    func lsns(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let wires = try (0..<4).map { _ in try test.connect() }
        for account in 1...4 { _ = try wires[0].ask("DEP \(account) USD 1000000 ref=a") }
        // Four connections, each pipelining to its own account; every LSN must be given once.
        for (index, wire) in wires.enumerated() {
            try wire.send((0..<500).map { "\($0) NEW \(index + 1) BTC-\(["USD", "PERP", "OPT", "USD"][$0 % 4]) B LMT 0.001 10.00 GTC id=o\($0)\n" }.joined())
        }
        var seen = Set<Int>()
        for wire in wires {
            for number in 0..<500 {
                let line = try #require(try wire.answer().last)
                #expect(line.hasPrefix("+\(number) "))
                let lsn = try #require(field("lsn", line).flatMap { Int($0) })
                #expect(seen.insert(lsn).inserted, "LSN \(lsn) twice")
            }
        }
        // The log agrees: the events carry the same LSNs.
        let reader = wires[0]
        try reader.send("s SUB from=0 kind=ORDER\n")
        #expect(try reader.answer() == ["+s OK from=0"])
        var events = Set<Int>()
        while events.count < 2_000 {
            let line = try #require(try reader.line())
            guard line.hasPrefix("! ") else { continue }
            let position = line.split(separator: " ")[1].split(separator: ".")[0]
            events.insert(try #require(Int(position)))
        }
        #expect(events == seen)
        await test.stop()
    }

    @Test("pipelining: answers come in the order of the commands, holes and errors included", arguments: [1, 4])
    func order(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let wire = try test.connect()
        for wallet in ["spot", "margin", "futures", "options"] { _ = try wire.ask("DEP 7 USD 1000000 wallet=\(wallet) ref=d-\(wallet)") }
        let symbols = ["BTC-USD", "BTC-MARGIN", "BTC-PERP", "BTC-OPT"]
        var text = ""
        for number in 0..<3_000 {
            switch number % 6 {
            case 4: text += "\(number) PING\n"
            case 5: text += number % 12 == 5 ? "\(number) NEW 7 NOPE B LMT 1 1 GTC id=x\n" : "\(number) BAL 7 USD\n"
            default: text += "\(number) NEW 7 \(symbols[number % 4]) B LMT 0.001 100.00 GTC id=n\(number)\n"
            }
        }
        try wire.send(text)
        for number in 0..<3_000 {
            let answer = try wire.answer()
            let last = try #require(answer.last)
            #expect(last.dropFirst().hasPrefix("\(number) "), "\(last)")
            switch number % 6 {
            case 4: #expect(last == "+\(number) OK")
            case 5: #expect(number % 12 == 5 ? last == "-\(number) UNKNOWN_INSTRUMENT symbol=NOPE" : answer.count == 5)
            default: #expect(last.contains(" NEW leaves=0.001"))
            }
        }
        #expect(try wire.ask("CXA 7").map(bare) == ["+t OK canceled=2000"])
        let sync = try wire.ask("SYNC")
        #expect(sync.count == 1 && sync[0].hasPrefix("+t OK lsn="))
        await test.stop()
    }

    @Test("input: half lines, CRLF, empty lines, over-long lines, bad bytes", arguments: [1, 4])
    func input(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let wire = try test.connect()
        for byte in "1 PING\r\n\n\r\n2 DEP 7 USD 1.00 ref=a\n".utf8 { try wire.send(bytes: [byte]) }
        #expect(try wire.answer() == ["+1 OK"])
        #expect(try wire.answer().map(bare) == ["+2 OK available=1.00"])
        try wire.send("3 PING " + String(repeating: "x", count: 1_100) + "\n4 PING\n")
        #expect(try wire.answer() == ["-3 LINE_TOO_LONG max=1024"])
        #expect(try wire.answer() == ["+4 OK"])
        try wire.send("5 PING " + String(repeating: "x", count: 100_000))
        #expect(try wire.answer() == ["-5 LINE_TOO_LONG max=1024"])
        try wire.send(String(repeating: "y", count: 100_000) + "\n6 PING\n\u{1}\n7 \u{e9}\n8 PING\n")
        #expect(try wire.answer() == ["+6 OK"])
        #expect(try wire.answer().first?.hasPrefix("-? ") == true)
        #expect(try wire.answer() == ["-7 BAD_CHARACTER at=3"])
        #expect(try wire.answer() == ["+8 OK"])
        // A client that closes its side still gets its answers.
        try wire.send("9 BAL 7\n10 DEP 7 USD 1.00 ref=b\n11 half")
        wire.endInput()
        let rest = wire.rest()
        #expect(rest.map(bare) == ["=9 USD spot total=1.00 available=1.00 reserved=0.00 held=0.00 transit=0.00", "+9 1", "+10 OK available=2.00"])
        await test.stop()
    }

    @Test("random bytes and hang-ups leave the service and other clients unharmed", arguments: [1, 4])
    func noise(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let good = try test.connect()
        var generator = SystemRandomNumberGenerator()
        for round in 0..<60 {
            let bad = try test.connect()
            var bytes = (0..<2_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if round % 3 == 0 { bytes = bytes.map { $0 % 7 == 0 ? 10 : 32 + $0 % 95 } }
            try? bad.send(bytes: bytes)
            if round % 2 == 0 { bad.hangUp() }
            #expect(try good.ask("PING") == ["+t OK"])
        }
        await test.stop()
    }

    @Test("registry: a new wallet and instrument are there for every connection once answered", arguments: [1, 4])
    func registry(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let wires = try (0..<8).map { _ in try test.connect() }
        for number in 0..<10 {
            let maker = wires[number % 8]
            #expect(try maker.ask("WLT extra\(number)").map(bare) == ["+t OK"])
            #expect(try maker.ask("WLT extra\(number)") == ["+t OK dup=1"])
            #expect(try maker.ask("INS X\(number) venue=manual wallet=extra\(number) base=BTC quote=USD tick=0.01 lot=0.001").map(bare) == ["+t OK"])
            for (index, wire) in wires.enumerated() {
                let answer = try wire.ask("DEP \(100 * number + index + 1) USD 10.00 wallet=extra\(number) ref=a").map(bare)
                #expect(answer == ["+t OK available=10.00"])
                #expect(try wire.ask("NEW \(100 * number + index + 1) X\(number) B LMT 0.001 100.00 GTC id=o").last?.contains(" NEW ") == true)
            }
        }
        // Suspension is known everywhere when answered, and has cancelled everywhere.
        _ = try wires[0].ask("NEW 1 BTC-PERP B LMT 0.001 100.00 GTC id=p")
        #expect(try wires[3].ask("ACC 1 suspend").map(bare) == ["+t OK status=suspended canceled=2"])
        for wire in wires { #expect(try wire.ask("NEW 1 X0 B LMT 0.001 1.00 GTC id=b") == ["-t ACCOUNT_SUSPENDED account=1"]) }
        let hashes = try wires[0].ask("STAT hash=1").compactMap { field("hash", $0) }
        #expect(hashes.count == 15)
        try await test.restart(loops: loops == 1 ? 3 : 1)
        #expect(try test.connect().ask("STAT hash=1").compactMap { field("hash", $0) } == hashes)
        await test.stop()
    }

    @Test("transfers: once each, exact, whatever loops host the wallets", arguments: [1, 2, 4])
    func transfers(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let wire = try test.connect()
        let wallets = ["spot", "margin", "futures", "options", "savings"]
        for account in 1...3 { _ = try wire.ask("DEP \(account) USD 10000 ref=d") }
        var text = ""
        for number in 0..<600 {
            let from = number < 200 ? "spot" : wallets[number % 5]
            let command = "XFR \(1 + number % 3) \(1 + (number / 3) % 3) USD 1.50 from=\(from) to=\(wallets[(number + 1) % 5]) ref=x\(number)"
            text += "\(number) \(command)\n"
            // A repeat, at once: it waits for the first and changes nothing.
            if number % 10 == 0 { text += "\(number)r \(command)\n" }
        }
        try wire.send(text)
        for number in 0..<600 {
            let first = try #require(try wire.answer().last)
            #expect(first.dropFirst().hasPrefix("\(number) "))
            if number % 10 == 0 {
                let again = try #require(try wire.answer().last)
                #expect(again.hasPrefix("+\(number)r OK") == first.hasPrefix("+"), "\(first) / \(again)")
                if first.hasPrefix("+") { #expect(again.hasSuffix("dup=1")) }
            }
        }
        usleep(20_000)
        func total() throws -> (Double, Double) {
            var total = 0.0
            var transit = 0.0
            let wire = try test.connect()
            for account in 1...3 {
                for row in try wire.ask("BAL \(account)").dropLast() {
                    total += Double(field("total", row)!)!
                    transit += Double(field("transit", row)!)!
                }
            }
            return (total, transit)
        }
        #expect(try total() == (30_000, 0))
        let hashes = try wire.ask("STAT hash=1").compactMap { field("hash", $0) }
        try await test.restart(loops: loops == 1 ? 4 : 1)
        #expect(try total() == (30_000, 0))
        #expect(try test.connect().ask("STAT hash=1").compactMap { field("hash", $0) } == hashes)
        await test.stop()
    }

    @Test("durable before answered: nothing leaves while the commit has not happened", arguments: [1, 4])
    func durable(loops: Int) async throws {
        let gate = Gate()
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start(beforeCommit: { gate.pass() })
        let wire = try test.connect()
        _ = try wire.ask("DEP 7 USD 1000 ref=a")
        // The log's own thread passes no gate. On a slow machine it may come late from the deposit, and take an order with it.
        var isHeld = false
        for attempt in 1...3 where !isHeld {
            gate.shut()
            try wire.send("1 NEW 7 BTC-USD B LMT 1 10.00 GTC id=o\(attempt)\n2 BAL 7\n")
            isHeld = try !wire.isReadable(150)
            gate.open()
            #expect(try wire.answer().map(bare) == ["+1 \(attempt) NEW leaves=1.00000000 cum=0.00000000"])
            #expect(try wire.answer().count == 2)
        }
        #expect(isHeld)
        await test.stop()
    }

    @Test("back-pressure: a client that does not read is bounded, others are served, and it gets all its answers when it reads", arguments: [1, 4])
    func slowReader(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        test.config.maxUnsentBytes = 65_536
        try await test.start()
        let slow = try Wire(port: test.service!.port, receiveBytes: 8_192)
        let good = try test.connect()
        let count = 20_000
        // Sent from a thread of its own: the server stops reading, so this blocks.
        let sender = Task.detached { [slow = Unchecked(slow)] in
            for start in stride(from: 0, to: count, by: 500) {
                try? slow.value.send((start..<start + 500).map { "\($0) INS\n" }.joined())
            }
        }
        try await Task.sleep(for: .milliseconds(300))
        #expect(try good.ask("PING") == ["+t OK"])
        for number in 0..<count {
            let answer = try slow.answer()
            if answer.last != "+\(number) 4" {
                Issue.record("\(answer.last ?? "") instead of \(number)")
                break
            }
        }
        await sender.value
        await test.stop()
    }

    @Test("back-pressure: a client that takes nothing is closed")
    func neverReads() async throws {
        var test = TestService(loops: 1)
        defer { test.remove() }
        test.config.maxUnsentBytes = 65_536
        test.config.slowSeconds = 1
        try await test.start()
        let slow = try Wire(port: test.service!.port, receiveBytes: 4_096)
        let sender = Task.detached { [slow = Unchecked(slow)] in
            for _ in 0..<200 { try? slow.value.send(String(repeating: "1 INS\n", count: 500)) }
        }
        let good = try test.connect()
        var connections: String?
        for _ in 0..<50 where connections != "1" {
            try await Task.sleep(for: .milliseconds(100))
            connections = try good.ask("STAT").first.flatMap { field("connections", $0) }
        }
        #expect(connections == "1")
        await sender.value
        await test.stop()
    }

    @Test("drain: what was received is answered, everybody is told, the rest is refused", arguments: [1, 4])
    func drain(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let wire = try test.connect()
        _ = try wire.ask("DEP 7 USD 1000000 ref=a")
        try wire.send((0..<2_000).map { "\($0) NEW 7 BTC-USD B LMT 0.001 100.00 GTC id=n\($0)\n" }.joined())
        await test.stop()
        let lines = wire.rest()
        #expect(lines.contains("* DRAINING"))
        #expect(lines.last == "* BYE reason=shutdown")
        let accepted = lines.count { $0.hasPrefix("+") }
        #expect(lines.allSatisfy { $0.hasPrefix("+") || $0.hasPrefix("* ") || $0.hasSuffix(" DRAINING") })
        try await test.start()
        #expect(try test.connect().ask("CXA 7").map(bare) == ["+t OK canceled=\(accepted)"])
        await test.stop()
    }

    @Test("expiry: a GTD order expires by itself", arguments: [1, 4])
    func expiry(loops: Int) async throws {
        var test = TestService(loops: loops)
        defer { test.remove() }
        try await test.start()
        let wire = try test.connect()
        _ = try wire.ask("DEP 7 USD 1000 ref=a")
        let time = try #require(try wire.ask("TIME").last.flatMap { field("time", $0) }.flatMap { Int($0) })
        _ = try wire.ask("NEW 7 BTC-USD B LMT 1 10.00 GTD id=o expire=\(time + 60)")
        try await Task.sleep(for: .milliseconds(120))
        #expect(try wire.ask("ORD 7 BTC-USD id=o").first.flatMap { field("status", $0) } == "EXPIRED")
        await test.stop()
    }
}

/// Lets through while open.
final class Gate: Sendable {
    private let isShut = Atomic<Bool>(false)
    func shut() { isShut.store(true, ordering: .sequentiallyConsistent) }
    func open() { isShut.store(false, ordering: .sequentiallyConsistent) }
    func pass() { while isShut.load(ordering: .sequentiallyConsistent) { usleep(1_000) } }
}

struct Unchecked<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
