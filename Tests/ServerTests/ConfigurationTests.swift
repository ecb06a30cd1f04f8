import Glibc
import Server
import Testing

struct ConfigurationTests {
    private func failure(_ body: () throws -> Void) -> StartFailure? {
        do {
            try body()
            return nil
        } catch { return error as? StartFailure }
    }

    @Test("the built-in text is config/cashup.yaml")
    func defaultText() throws {
        let path = #filePath.replacing("Tests/ServerTests/ConfigurationTests.swift", with: "config/cashup.yaml")
        let file = try #require(fopen(path, "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        #expect(DefaultConfiguration.text == String(decoding: bytes[..<count], as: UTF8.self))
    }

    @Test("unknown keys and bad values: file, line and what was meant")
    func mistakes() {
        var config = Configuration()
        let unknown = failure { try config.read(yaml: "data: x\nlistn: 127.0.0.1:1\n", name: "c.yaml") }
        #expect(unknown?.exitCode == 64)
        #expect(unknown?.description == "c.yaml:2: unknown key `listn`; did you mean `listen`?")
        let value = failure { try config.read(yaml: "loops: many\n", name: "c.yaml") }
        #expect(value?.description == "c.yaml:1: loops: many: expected auto or 1 to 256")
        #expect(failure { try config.read(yaml: "auth: off\n", name: "c.yaml") } == nil)
        #expect(config.auth == .off)
    }

    @Test("precedence: flag before environment before file before default")
    func precedence() throws {
        var options = ServeOptions()
        let environment = ["CASHUP_LISTEN": "127.0.0.1:7171", "CASHUP_DATA": "/e"]
        #expect(try Configuration.resolve(options, environment: environment).port == 7171)
        options.listen = "127.0.0.1:7272"
        let config = try Configuration.resolve(options, environment: environment)
        #expect(config.port == 7272 && config.data == "/e" && config.auth == .jwt && config.seed.count == 23)
        #expect(failure { _ = try Configuration.resolve(options, environment: ["CASHUP_AUTH": "maybe"]) }?.exitCode == 64)
    }

    @Test("a directory is no configuration file")
    func directory() {
        var options = ServeOptions()
        options.config = "/tmp"
        let refusal = failure { _ = try Configuration.resolve(options, environment: [:]) }
        #expect(refusal?.exitCode == 64)
        #expect(refusal?.description == "cannot read /tmp: Is a directory")
    }

    @Test("size of a segment: whole blocks")
    func segmentBytes() throws {
        var config = Configuration()
        #expect(config.logOptions.segmentBytes == 64 << 20)
        try config.read(yaml: "segment_bytes: 65537\n", name: "c.yaml")
        #expect(config.logOptions.segmentBytes == 69_632)
        #expect(failure { try config.read(yaml: "segment_bytes: 4096\n", name: "c.yaml") }?.description
            == "c.yaml:1: segment_bytes: 4096: expected a whole number, 65536 to 4294967296")
    }

    @Test("connections: no more than there may be open files")
    func connectionRoom() {
        var config = Configuration()
        config.loops = 4
        #expect(config.connectionRoom(files: 1_024, cores: 4) == 948)
        #expect(config.connectionRoom(files: 1 << 20, cores: 4) == 4_096)
        #expect(config.connectionRoom(files: 10, cores: 4) == 1)
    }

    @Test("auth: off is for loopback only, a secret is needed and long enough")
    func authRefusals() async throws {
        var test = TestService(loops: 1)
        defer { test.remove() }
        test.config.host = "0.0.0.0"
        await #expect(throws: StartFailure.self) { try await test.start() }
        test.config.auth = .jwt
        test.secret = "short"
        await #expect(throws: StartFailure.self) { try await test.start() }
    }

    @Test("start: a taken port and a taken directory are told apart")
    func taken() async throws {
        var test = TestService(loops: 1)
        defer { test.remove() }
        try await test.start()
        var other = TestService(loops: 1)
        defer { other.remove() }
        other.config.port = test.service!.port
        do {
            try await other.start()
            Issue.record("started on a taken port")
        } catch { #expect((error as? StartFailure)?.exitCode == 69) }
        other.config.port = 0
        other.config.data = test.config.data
        await #expect(throws: (any Error).self) { try await other.start() }
        await test.stop()
    }

    @Test("clock: never back, slewed by 0.1 % at most, alarm when far off")
    func clock() {
        let times = Times()
        let clock = ServiceClock(source: .init(wall: { times.wall }, monotonic: { times.monotonic }))
        #expect(clock.now() == 1_000_000_000)
        times.wall += 1_500_000  // half a second ahead of monotonic time
        times.monotonic += 1_000_000
        #expect(clock.now() == 1_001_000_000)
        times.wall += 1_000_000
        times.monotonic += 1_000_000
        #expect(clock.now() == 1_002_001_000)
        #expect(clock.alarm == nil)
        times.wall -= 86_400_000_000
        times.monotonic += 1_000_000
        let before = clock.now()
        #expect(before > 1_003_000_000 && before < 1_003_010_000)
        times.monotonic += 1_000_000
        #expect(clock.now() > before)
        #expect(clock.alarm != nil)
    }

    private final class Times: @unchecked Sendable {
        var wall: Int64 = 1_000_000_000
        var monotonic: Int64 = 5
    }
}
