import Client
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct LineConnectionTests {
    @Test("connect: the greeting is parsed")
    func greeting() async throws {
        let (exchange, connection) = try await connected()
        #expect(connection.greeting.version == 1)
        #expect(connection.greeting.lsn == 38)
        #expect(!connection.greeting.authRequired)
        #expect(connection.greeting.lineBytesMax == 1024)
        #expect(connection.greeting.state == "ready")
        await connection.close()
        await exchange.stop()
    }

    @Test("send: done, refused and rows")
    func answers() async throws {
        let (exchange, connection) = try await connected()
        let done = try await connection.send("DEP 7 USD 5.00 ref=a")
        #expect(done.isDone)
        #expect(done.fields.words == ["OK"])
        #expect(done["available"] == "5.00")
        let refused = try await connection.send("NOPE")
        #expect(refused.outcome == .refused(code: "UNKNOWN_VERB"))
        #expect(refused["verb"] == "NOPE")
        let rows = try await connection.send("ROWS 3")
        #expect(rows.rows.map { $0["n"] } == ["0", "1", "2"])
        #expect(rows.rows[0].text == "row n=0")
        #expect(try await connection.send("ROWS 0").rows.isEmpty)
        await connection.close()
        await exchange.stop()
    }

    @Test("submit: ten thousand commands through a window of 64 are answered in order")
    func window() async throws {
        let (exchange, connection) = try await connected(window: 64)
        let answers = (0..<10_000).map { connection.submit("DEP \($0) USD \($0).00 ref=r") }
        for (index, answer) in answers.enumerated() { #expect(try await answer.get()["available"] == "\(index).00") }
        await connection.close()
        await exchange.stop()
    }

    @Test("notices: events and information come as a stream, beside the answers")
    func notices() async throws {
        let (exchange, connection) = try await connected()
        #expect(try await connection.send("EVENT").isDone)
        await connection.close()
        var notices: [Notice] = []
        for await notice in connection.notices { notices.append(notice) }
        #expect(notices.map(\.kind) == [.event, .information])
        #expect(notices[0].fields.words == ["5.1", "TRADE"])
        #expect(notices[0].fields["account"] == "7")
        await exchange.stop()
    }

    @Test("disconnect: exactly the commands without an answer fail, with the server's reason")
    func disconnect() async throws {
        let (exchange, connection) = try await connected()
        let first = connection.submit("PING")
        #expect(try await first.get().isDone)
        let silent = connection.submit("SILENCE")
        let last = connection.submit("BYE")
        for lost in [silent, last] {
            await #expect(throws: ClientError.disconnected(bye: "replaced", reason: "connection closed")) { try await lost.get() }
        }
        await #expect(throws: ClientError.self) { try await connection.send("PING") }
        await exchange.stop()
    }

    @Test("protocol violations: another tag or a line of no kind closes the connection", arguments: ["WRONGTAG", "GARBAGE"])
    func violation(command: String) async throws {
        let (exchange, connection) = try await connected()
        let error = await #expect(throws: ClientError.self) { try await connection.send(command) }
        if case .protocolViolation = error {} else { Issue.record("\(String(describing: error))") }
        await exchange.stop()
    }

    @Test("unsendable lines are refused here and the connection goes on", arguments: ["", "PING\nPING", "PING\r", "9000 bytes"])
    func unsendable(what: String) async throws {
        let line = what == "9000 bytes" ? String(repeating: "x", count: 9000) : what
        let (exchange, connection) = try await connected()
        await #expect(throws: ClientError.self) { try await connection.send(line) }
        #expect(try await connection.send("PING").isDone)
        await connection.close()
        await exchange.stop()
    }

    @Test("connect: nobody there")
    func unreachable() async throws {
        let error = await #expect(throws: ClientError.self) { try await LineConnection.connect(to: Endpoint(host: "127.0.0.1", port: 1)) }
        if case .unreachable = error {} else { Issue.record("\(String(describing: error))") }
    }

    @Test("pipeline: each command gets its own answer; on a disconnect it is known which have none")
    func pipeline() async throws {
        let (exchange, connection) = try await connected()
        var end = await connection.pipeline(PingDriver(count: 1000), window: 16)
        #expect(end.error == nil)
        #expect(end.sent == 1000 && end.answered == 1000)
        #expect(end.driver.seen == Array(0..<1000))
        #expect(end.driver.deepest == 16)
        // The connection is as before afterwards.
        #expect(try await connection.send("PING").isDone)
        exchange.lives.withLock { $0 = [100] }
        end = await connection.pipeline(PingDriver(count: 1000), window: 16)
        #expect(end.error == .disconnected(bye: nil, reason: "connection closed"))
        #expect(end.answered <= 100 && end.sent <= end.answered + 16 && end.sent > 100)
        await exchange.stop()
    }

    private func connected(window: Int = 512) async throws -> (FakeExchange, LineConnection) {
        let exchange = FakeExchange()
        let endpoint = try await exchange.start()
        return (exchange, try await LineConnection.connect(to: endpoint, window: window))
    }
}

private struct PingDriver: PipelineDriver {
    let count: Int
    var sent = 0
    var seen: [Int] = []
    var deepest = 0

    init(count: Int) { self.count = count }

    mutating func next(into buffer: inout ByteBuffer) -> PipelineStep {
        guard sent < count else { return .done }
        buffer.writeString("PING")
        sent += 1
        deepest = max(deepest, sent - seen.count)
        return .command
    }
    mutating func answer(_ line: RawSpan, index: Int, nanoseconds: UInt64) {
        if line.text == "+\(index + 1) OK" || line.text.hasSuffix(" OK") { seen.append(index) }
    }
}

@Suite struct FieldsTests {
    @Test("fields: words, options, the first = separates, unknown ones are kept")
    func fields() {
        let fields = Fields("USD spot total=5.00 note=a=b =x")
        #expect(fields.words == ["USD", "spot", "=x"])
        #expect(fields["total"] == "5.00")
        #expect(fields["note"] == "a=b")
        #expect(fields["absent"] == nil)
    }

    @Test("dup=1 counts only as a whole field")
    func isRepeat() {
        func isRepeat(_ text: String) -> Bool { Array(text.utf8).span.bytes.isRepeat }
        #expect(isRepeat("+1 OK dup=1"))
        #expect(isRepeat("+1 OK dup=1 lsn=4"))
        #expect(!isRepeat("+1 OK dup=10"))
        #expect(!isRepeat("+1 OK xdup=1"))
        #expect(!isRepeat(""))
    }

    @Test("endpoints: HOST:PORT, IPv6 in brackets")
    func endpoints() {
        #expect(Endpoint("localhost:7070") == Endpoint(host: "localhost", port: 7070))
        #expect(Endpoint("[::1]:1") == Endpoint(host: "::1", port: 1))
        for bad in ["", "localhost", ":1", "h:0", "h:65536", "h:x", "::1:5"] { #expect(Endpoint(bad) == nil) }
    }

    @Test("latencies: nearest-rank percentiles")
    func latencies() {
        var latencies = Latencies()
        #expect(latencies.percentile(50) == nil)
        for value in (1...1000).reversed() { latencies.record(nanoseconds: UInt64(value)) }
        #expect(latencies.percentile(50) == 500)
        #expect(latencies.percentile(99.9) == 999)
        #expect(latencies.percentile(100) == 1000)
        #expect(latencies.percentile(0) == 1)
    }
}
