import Core
import Glibc
import Logging
import Server
import Synchronization
import Testing

/// The audit of refused commands: form, rotation, loss, and reading backwards.
@Suite struct AuditTests {
    private static let time: Timestamp = 1_763_798_400_123_456

    /// A directory of its own, and what the audit says to the log.
    private final class Place: Sendable {
        let directory: String
        let said = Mutex<[String]>([])

        init() {
            var template = Array("/tmp/cashup-audit-XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { fatalError("no temporary directory") }
            directory = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) } + "/audit"
        }

        deinit {
            for name in names() { unlink(directory + "/" + name) }
            rmdir(directory)
            rmdir(directory.replacing("/audit", with: ""))
        }

        func open(bytesMax: Int = 1 << 20, filesMax: Int = 10, mayWrite: @escaping @Sendable () -> Bool = { true }) -> AuditTrail {
            let said = Recorder(self)
            return AuditTrail(
                directory: directory, bytesMax: bytesMax, filesMax: filesMax, mayWrite: mayWrite, now: { AuditTests.time },
                logger: Logger(label: "audit") { _ in said })
        }

        func names() -> [String] {
            guard let stream = opendir(directory) else { return [] }
            defer { closedir(stream) }
            var names: [String] = []
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                if name != ".", name != ".." { names.append(name) }
            }
            return names.sorted()
        }

        func text(_ name: String) -> String {
            guard let file = fopen(directory + "/" + name, "r") else { return "" }
            defer { fclose(file) }
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
            return String(decoding: bytes, as: UTF8.self)
        }

        var lines: [String] { names().flatMap { text($0).split(separator: "\n").map(String.init) } }
    }

    private final class Flag: Sendable {
        private let state: Mutex<Bool>
        init(_ value: Bool) { state = Mutex(value) }
        var value: Bool {
            get { state.withLock { $0 } }
            set { state.withLock { $0 = newValue } }
        }
    }

    private struct Recorder: LogHandler {
        let place: Place
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        init(_ place: Place) { self.place = place }
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) { place.said.withLock { $0.append("\(event.level) \(event.message)") } }
    }

    private func note(
        _ audit: AuditTrail, _ command: String, _ code: String = "BAD_TAG", _ facts: String = "", subject: String = "ops", time: Timestamp = time
    ) {
        audit.note(
            time: time, session: 1 << 32 | 5, subject: subject, roles: "viewer,trader", peer: "127.0.0.1:50412", name: Text("grid"),
            command: command, code: code, facts: facts)
    }

    /// `command` and what follows it of the only line.
    private func written(_ command: String, _ code: String, _ facts: String = "") -> String {
        let place = Place()
        let audit = place.open()
        note(audit, command, code, facts)
        audit.close()
        let text = place.lines.first ?? ""
        return text.range(of: "\"command\":").map { String(text[$0.lowerBound...]) } ?? text
    }

    @Test func aLineHasWhoWhatAndWhy() {
        let place = Place()
        let audit = place.open()
        note(audit, "3 NEW 7 BTC-USD B LMT 9 64000.00 GTC id=grid-18", "INSUFFICIENT_FUNDS", "asset=USD wallet=spot need=576000.00 available=1.00")
        audit.close()
        #expect(place.names() == ["refused-000001.jsonl"])
        #expect(
            place.lines == [
                #"{"time":"2025-11-22T08:00:00.123Z","session":4294967301,"sub":"ops","roles":["viewer","trader"],"peer":"127.0.0.1:50412","name":"grid","command":"3 NEW 7 BTC-USD B LMT 9 64000.00 GTC id=grid-18","account":7,"code":"INSUFFICIENT_FUNDS","facts":{"asset":"USD","wallet":"spot","need":"576000.00","available":"1.00"}}"#
            ])
    }

    @Test func noTokenIsWritten() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl"
        let lines: [(String, String, String)] = [
            ("1 AUTH \(token) session=grid hb=5", "BAD_TOKEN", "reason=expired"), ("1 auth \(token)", "UNKNOWN_VERB", "verb=auth"),
            ("AUTH \(token)", "UNKNOWN_VERB", "verb=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0"), ("AUTH s3cr3t", "UNKNOWN_VERB", "verb=s3cr3t"),
            ("1 AUTH s3cr3t", "BAD_TOKEN", "reason=malformed"), ("1 AUTH - s3cr3t", "EXTRA_ARGUMENT", "value=s3cr3t"),
            ("1 AUTH - s3cr3t=1", "UNKNOWN_KEY", "key=s3cr3t"), ("1 BAL \(token)", "BAD_NUMBER", "argument=account value=eyJhbGciOiJIUzI1NiJ9.eyJz"),
            ("\(token) AUTH x", "BAD_TAG", ""), ("1 AUTH - session=\(token)", "BAD_VALUE", "argument=session value=\(token)"),
            ("1 CXL 7 BTC-USD id=a\(token)", "UNKNOWN_ORDER", "id=a\(token)"), ("Authorization: Bearer \(token)", "BAD_TAG", ""),
        ]
        for (command, code, facts) in lines {
            let text = written(command, code, facts)
            #expect(text.contains("***"), "\(text)")
            for part in ["eyJ", "s3cr3t", "c2lnbmF0dXJl"] { #expect(!text.contains(part), "\(text)") }
        }
        #expect(written("1 AUTH \(token) session=grid hb=5", "BAD_TOKEN") == #""command":"1 AUTH *** session=grid hb=5","code":"BAD_TOKEN","facts":{}}"#)
        // A tag may be called that.
        #expect(written("auth BAL 7", "UNKNOWN_ACCOUNT", "account=7") == #""command":"auth BAL 7","account":7,"code":"UNKNOWN_ACCOUNT","facts":{"account":"7"}}"#)
    }

    @Test func anyBytes() {
        #expect(written("1 B\"L\\ \u{1}\u{7f}\u{e9}", "BAD_CHARACTER", "at=4") == #""command":"1 B\"L\\ \u0001\u007f\u00c3\u00a9","code":"BAD_CHARACTER","facts":{"at":"4"}}"#)
        let long = written("1 XXX " + String(repeating: "x", count: 2_000), "LINE_TOO_LONG", "max=1024")
        #expect(long == #""command":"1 XXX "# + String(repeating: "x", count: 1_018) + #"","cut":true,"code":"LINE_TOO_LONG","facts":{"max":"1024"}}"#)
        #expect(written("", "BAD_TAG") == #""command":"","code":"BAD_TAG","facts":{}}"#)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_399_999_999, "2000-02-28T23:59:59.999Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
        (951_868_800_000_000, "2000-03-01T00:00:00.000Z"), (1_767_225_599_000_000, "2025-12-31T23:59:59.000Z"),
        (4_107_542_400_000_000, "2100-03-01T00:00:00.000Z"), (Timestamp.max, "9999-12-31"),
    ])
    func times(_ time: Timestamp, _ text: String) {
        let place = Place()
        let audit = place.open()
        note(audit, "1 X", time: time)
        audit.close()
        #expect(place.lines.first?.hasPrefix("{\"time\":\"" + text) == true)
    }

    @Test func rotationKeepsTheNewest() {
        let place = Place()
        var audit = place.open(bytesMax: 70_000, filesMax: 3)
        for n in 0..<2_000 { note(audit, "\(n) BAL 7", time: AuditTests.time + Timestamp(n) * 1_000) }
        audit.close()
        let names = place.names()
        #expect(names.count == 3)
        for name in names { #expect(place.text(name).utf8.count <= 70_000) }
        #expect(place.lines.last?.contains("\"1999 BAL 7\"") == true)
        // Goes on where it was, behind half a line of a process that died.
        let file = fopen(place.directory + "/" + names.last!, "a")!
        fputs("{\"time\":\"2025", file)
        fclose(file)
        audit = place.open(bytesMax: 70_000, filesMax: 3)
        note(audit, "again BAL 7", time: AuditTests.time + 9_000_000)
        audit.close()
        #expect(place.lines.suffix(2).first == "{\"time\":\"2025")
        #expect(place.lines.last?.contains("again BAL 7") == true)
        #expect(AuditReader.newest(in: place.directory, AuditQuery()).entries.prefix(2).map(\.command) == ["again BAL 7", "1999 BAL 7"])
    }

    @Test func newestFirstFilteredAndBounded() {
        let place = Place()
        let audit = place.open(bytesMax: 100_000, filesMax: 100)
        for n in 0..<3_000 {
            note(
                audit, "\(n) BAL \(n % 3 + 7)", n % 10 == 0 ? "FORBIDDEN" : "UNKNOWN_ACCOUNT", "account=\(n % 3 + 7)", subject: n % 2 == 0 ? "even" : "odd",
                time: AuditTests.time + Timestamp(n) * 1_000)
        }
        audit.close()
        #expect(place.names().count > 5)
        func find(_ change: (inout AuditQuery) -> Void) -> AuditPage {
            var query = AuditQuery()
            query.limit = 10_000
            change(&query)
            return AuditReader.newest(in: place.directory, query)
        }
        func numbers(_ page: AuditPage) -> [Int] { page.entries.compactMap { $0.command.flatMap { Int($0.split(separator: " ")[0]) } } }
        #expect(numbers(find { _ in }) == Array((0..<3_000).reversed()))
        #expect(find { _ in }.isComplete)
        #expect(numbers(find { $0.limit = 5 }) == [2_999, 2_998, 2_997, 2_996, 2_995])
        #expect(!find { $0.limit = 5 }.isComplete)
        #expect(find { $0.limit = 3_000 }.isComplete)
        #expect(numbers(find { $0.subject = "even" }) == (0..<3_000).filter { $0 % 2 == 0 }.reversed())
        #expect(numbers(find { $0.account = 8 }) == (0..<3_000).filter { $0 % 3 == 1 }.reversed())
        #expect(numbers(find { $0.account = 80 }) == [])
        #expect(numbers(find { $0.code = "FORBIDDEN"; $0.subject = "odd" }) == [])
        #expect(numbers(find { $0.from = AuditTests.time + 2_990_000; $0.until = AuditTests.time + 2_995_000 }) == [2_994, 2_993, 2_992, 2_991, 2_990])
        #expect(numbers(find { $0.passes = { $0.facts?["account"] == "9" }; $0.limit = 2 }) == [2_999, 2_996])
        let bounded = find { $0.bytesMax = 100_000 }
        #expect(!bounded.isComplete && bounded.entries.count > 300 && bounded.entries.count < 900)
        #expect(AuditReader.newest(in: place.directory + "/nowhere", AuditQuery()).entries.isEmpty)
        let first = find { $0.limit = 1 }.entries[0]
        #expect(first.sub == "odd" && first.session == 1 << 32 | 5 && first.roles == ["viewer", "trader"] && first.peer == "127.0.0.1:50412")
        #expect(first.account == 9 && first.code == "UNKNOWN_ACCOUNT" && first.time == "2025-11-22T08:00:03.122Z" && first.dropped == nil)
    }

    @Test func aStormIsCountedNotKept() {
        let place = Place()
        let gate = Flag(false)
        let audit = place.open(
            bytesMax: 1 << 30,
            mayWrite: {
                while !gate.value { usleep(1_000) }
                return true
            })
        let total = 100_000
        for n in 0..<total { note(audit, "\(n) NEW 7 BTC-USD B LMT 1 1.00 GTC id=\(n)", "INSUFFICIENT_FUNDS", "asset=USD") }
        gate.value = true
        audit.close()
        let entries = AuditReader.newest(in: place.directory, { var it = AuditQuery(); it.limit = total; return it }()).entries
        let dropped = entries.reduce(0) { $0 + ($1.dropped ?? 0) }
        #expect(dropped > 10_000 && entries.count { $0.dropped == nil } + dropped == total)
        #expect(place.said.withLock { $0 } == [])
    }

    @Test func aDiskThatRefusesIsSaidOnceAndTheLossIsCounted() {
        let place = Place()
        let isFull = Flag(true)
        let audit = place.open(mayWrite: { !isFull.value })
        for n in 0..<50 {
            note(audit, "\(n) BAL 7")
            if n % 10 == 0 { usleep(2_000) }
        }
        usleep(50_000)
        isFull.value = false
        note(audit, "last BAL 7")
        audit.close()
        let lines = place.lines
        #expect(lines.count == 2 && lines[0].contains("last BAL 7") && lines[1].hasSuffix("\"dropped\":50}"), "\(lines)")
        let said = place.said.withLock { $0 }
        #expect(said.count == 2 && said[0].hasPrefix("error refused commands are not in the audit") && said[1].contains("50 of them are lost"), "\(said)")
    }

    @Test func aDirectoryThatCannotBeThere() {
        let place = Place()
        let file = place.directory
        fclose(fopen(file, "w")!)
        let audit = place.open()
        note(audit, "1 BAL 7")
        audit.close()
        #expect(place.said.withLock { $0 }.count == 1)
        unlink(file)
    }
}
