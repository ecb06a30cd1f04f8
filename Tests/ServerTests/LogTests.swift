import Foundation
import Logging
import Server
import Testing

struct LogTests {
    static let token =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI3In0.UZbjNc7bttF3JQnXXhDzW1gR8UlC8QovgvYtIzQY66g"
    static let secret = "correct horse battery staple 42!"

    @Test(
        "redaction: tokens and the secret, nothing else",
        arguments: [
            ("AUTH \(token) session=a", "AUTH [token] session=a"), (token, "[token]"), ("x=\(token),y", "x=[token],y"),
            ("cut eyJhbGciOiJIUzI1NiIsInR5", "cut [token]"), ("Authorization: Bearer opaque-token-1", "Authorization: Bearer [token]"),
            ("authorization: bearer \(token)", "authorization: Bearer [token]"), ("key '\(secret)' bad", "key '[secret]' bad"),
            ("/orders?token=\(token)&x=1", "/orders?token=[token]&x=1"), ("eyJ is how they begin", "eyJ is how they begin"),
            ("the bearer of this", "the bearer of this"), ("nothing", "nothing"), ("", ""), ("\(secret)\(secret)", "[secret][secret]"),
        ])
    func redaction(_ text: String, _ expected: String) {
        #expect(Redactor(secrets: [LogTests.secret, "short"]).clean(text) == expected)
        #expect(Redactor(secrets: []).clean("short") == "short")
    }

    @Test("JSON line: escaped and read back")
    func json() throws {
        var line = JSONLine(Redactor(secrets: []))
        line.add("time", time: 1_763_798_400_123_456)
        let nasty = "a\"b\\c\nd\re\tf\u{1}\u{7F}\u{2028}ü😀"
        line.add("text", nasty)
        line.add("count", 42)
        line.add(field: "k\"ey", "v")
        line.add("none", optional: nil)
        #expect(!line.line.utf8.contains(UInt8(ascii: "\n")))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.line.utf8)) as? [String: Any])
        #expect(object["text"] as? String == nasty && object["count"] as? Int == 42 && object["k\"ey"] as? String == "v")
        #expect(object["time"] as? String == "2025-11-22T08:00:00.123Z" && object.count == 4)
        #expect(JSONLine(Redactor(secrets: [])).line == "{}")
    }

    private func withLogs(level: Logger.Level = .info, _ body: (ServiceLog, String) throws -> Void) throws {
        let directory = "/tmp/cashup-test-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var config = Configuration()
        config.logDirectory = directory
        config.logLevel = level
        let logs = try ServiceLog(config, secrets: [LogTests.secret])
        defer { logs.close() }
        try body(logs, directory)
    }

    private func objects(_ path: String) throws -> [[String: Any]] {
        try (text(path) ?? "").split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test("log files: all of it in app.log, warnings and errors in error.log too, no secret in any")
    func files() throws {
        try withLogs { logs, directory in
            let logger = logs.logger("test")
            logger.debug("not at this level")
            logger.info("hello", metadata: ["request_id": "r-1", "token": "\(LogTests.token)"])
            logger.warning("a secret: \(LogTests.secret)\nand a second line")
            logs.access.note(
                AccessEntry(
                    time: 1_763_798_400_123_456, requestID: "r-2", method: "GET", path: "/api/v1/orders?token=\(LogTests.token)", status: 200,
                    bytes: 10, microseconds: 845, peer: "127.0.0.1", subject: "7", account: 7))
            logs.flush()
            let app = try objects("\(directory)/app.log")
            #expect(app.map { $0["message"] as? String } == ["hello", "a secret: [secret]\nand a second line"])
            #expect(app[0]["level"] as? String == "info" && app[0]["logger"] as? String == "test" && app[0]["request_id"] as? String == "r-1")
            #expect(app[0]["token"] as? String == "[token]")
            #expect(try objects("\(directory)/error.log").map { $0["level"] as? String } == ["warning"])
            let access = try #require(try objects("\(directory)/access.log").first)
            #expect(access["path"] as? String == "/api/v1/orders?token=[token]" && access["status"] as? Int == 200)
            #expect(access["duration_us"] as? Int == 845 && access["account"] as? Int == 7 && access["code"] == nil)
            for name in ["app.log", "error.log", "access.log"] {
                let all = try #require(text("\(directory)/\(name)"))
                #expect(!all.contains(LogTests.secret) && !all.contains("eyJ"))
            }
        }
    }

    @Test("level: changed for all loggers at once, up and down, by name")
    func level() throws {
        try withLogs { logs, directory in
            let logger = logs.logger("test")
            #expect(logger.logLevel == .info)
            #expect(logs.change(talkative: true) == .debug && logger.logLevel == .debug)
            logger.debug("heard")
            for _ in 0..<10 { _ = logs.change(talkative: false) }
            #expect(logs.level == .critical)
            logger.error("not heard")
            for _ in 0..<10 { _ = logs.change(talkative: true) }
            #expect(logs.level == .trace)
            logs.flush()
            let heard = try objects("\(directory)/app.log")
            #expect(heard.map { $0["message"] as? String } == ["heard"])
        }
        #expect(LogLevel.named("WARN") == .warning && LogLevel.named("Info") == .info && LogLevel.named("loud") == nil)
    }
}
