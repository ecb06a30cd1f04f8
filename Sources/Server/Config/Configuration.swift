import Logging
import WAL

/// How one process serves. What decisions depend on is not here but in the log (`SET`), so that a changed file cannot change what a
/// replay comes to.
package struct Configuration: Sendable {
    package enum Auth: String, Sendable, CaseIterable { case jwt, off }

    package var data = "./data"
    package var host = "127.0.0.1"
    /// 0: any free one (tests).
    package var port = 7070
    /// Of the REST edge; `nil`: none.
    package var http: Endpoint? = Endpoint(host: "127.0.0.1", port: 8000)
    /// Whether closed orders, trades and the ledger are kept in a database beside the log.
    package var history = true
    /// 0: as many as fit the machine, see ``loopCount(cores:)``.
    package var loops = 0
    package var auth = Auth.jwt
    package var jwtAlgorithm = TokenAlgorithm.hs256
    /// PEM file of the key that verifies RS256 and ES256; `nil`: none named.
    package var jwtPublicKeyFile: String?
    /// PEM files of the certificate chain and its key, for both ports; `nil`: no TLS.
    package var tlsCertificate: String?
    package var tlsKey: String?
    /// Values of the Host header that the REST edge answers, without port; `nil`: any.
    package var allowedHosts: [String]? = ["localhost", "127.0.0.1", "[::1]"]
    /// Origins whose web pages may call the REST edge (CORS); `nil`: any.
    package var corsOrigins: [String]? = []
    /// For development: the REST edge takes any Host header and tells more about its own errors.
    package var debug = false
    /// Requests per second and token; 0: no limit.
    package var httpRateLimit = 0
    /// Requests that may come at once; 0: as many as in one second.
    package var httpRateBurst = 0
    package var httpBodyBytes = 1 << 20
    /// Readiness says no when history is further behind the log than either.
    package var historyLagSeconds = 30
    package var historyLagRecords = 100_000
    /// Directory of app.log, error.log and access.log; `nil`: the standard error alone.
    package var logDirectory: String?
    /// Bytes of a log file after which it is put aside, and how many of these are kept.
    package var logFileBytes = 10 << 20
    package var logFilesKept = 5
    package var maxConnections = 4_096
    package var maxUnsentBytes = 8 << 20
    /// A connection that sends nothing for so long is closed; 0: never.
    package var idleSeconds = 600
    /// A client that takes nothing for so long, with ``maxUnsentBytes`` waiting, is closed.
    package var slowSeconds = 30
    /// After a token's end: so long cancels and queries go on.
    package var tokenGraceSeconds = 60
    /// Recent events kept in memory for subscribers; who is behind them is fed from the log.
    package var eventBufferBytes = 16 << 20
    /// Size of a segment of the log.
    package var segmentBytes = 64 << 20
    package var snapshots = SnapshotSchedule(records: 5_000_000, bytes: 256 << 20, seconds: 3_600)
    /// Whether segments that no snapshot needs are kept, in an archive.
    package var keepsSegments = true
    package var audit = Audit.inData
    /// Of one of its files, and how many are kept.
    package var auditBytes = 64 << 20
    package var auditFiles = 10
    package var logLevel = Logger.Level.info
    /// Limits that an empty log begins with in every wallet, of accounts without their own; `nil`: none.
    package var maxOrderSize: String?
    package var maxPositionSize: String?
    package var maxDailyLoss: String?
    package var riskCheckEnabled = true
    /// The day that losses are counted in begins at its midnight; `nil`: as `SET day_start_minutes` says.
    package var timeZone: String?
    /// Commands that fill an empty log, in order.
    package var seed: [String] = []
    /// Where the seed came from, for messages.
    package var seedSource = "the built-in defaults"

    package init() {}

    /// Where refused commands are kept.
    package enum Audit: Sendable, Equatable { case off, inData, directory(String) }

    package var logOptions: LogOptions {
        var options = LogOptions()
        options.segmentBytes = UInt64(segmentBytes)
        return options
    }

    /// `nil`: refused commands are not kept.
    package var auditDirectory: String? {
        switch audit {
        case .off: nil
        case .inData: data + "/audit"
        case .directory(let path): path
        }
    }

    package struct Endpoint: Sendable, Equatable {
        package var host: String
        /// 0: any free one (tests).
        package var port: Int
        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
        package var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
    }

    /// One loop below four cores: a wake-up across cores costs more than a durable order does on one.
    package func loopCount(cores: Int) -> Int { loops > 0 ? loops : cores < 4 ? 1 : max(2, cores / 2) }

    package var isLoopback: Bool { Endpoint(host: host, port: port).isLoopback }
    /// Whether nothing is offered beyond this machine.
    package var isLoopbackOnly: Bool { isLoopback && http?.isLoopback ?? true }
    package var hasTLS: Bool { tlsCertificate != nil }

    /// Every key: its name in the file; the environment variable is `CASHUP_` and the name in capitals.
    struct Key {
        var name: String
        /// The environment variable of the original trading service that means the same.
        var original: String?
        /// Sets the value; returns what was expected when the text is not that.
        var set: @Sendable (inout Configuration, String) -> String?
    }

    static let keys: [Key] = [
        Key(name: "data") { config, text in
            config.data = text
            return text.isEmpty ? "a directory" : nil
        },
        Key(name: "listen") { config, text in
            guard let (host, port) = endpoint(text) else { return "HOST:PORT" }
            config.host = host
            config.port = port
            return nil
        },
        Key(name: "http") { config, text in
            if text == "off" {
                config.http = nil
                return nil
            }
            guard let (host, port) = endpoint(text) else { return "HOST:PORT or off" }
            config.http = Endpoint(host: host, port: port)
            return nil
        },
        Key(name: "history") { config, text in
            guard text == "on" || text == "off" else { return "on or off" }
            config.history = text == "on"
            return nil
        },
        Key(name: "loops") { config, text in
            if text == "auto" {
                config.loops = 0
                return nil
            }
            return whole(text, 1...256, "auto or 1 to 256") { config.loops = $0 }
        },
        Key(name: "auth") { config, text in
            // YAML reads a bare `off` as a boolean; both spellings arrive here as written.
            guard let auth = Auth(rawValue: text) else { return "jwt or off" }
            config.auth = auth
            return nil
        },
        Key(name: "jwt_algorithm", original: "JWT_ALGORITHM") { config, text in
            guard let algorithm = TokenAlgorithm(name: text) else { return "HS256, RS256 or ES256" }
            config.jwtAlgorithm = algorithm
            return nil
        },
        Key(name: "jwt_public_key_file", original: "JWT_PUBLIC_KEY_FILE") { config, text in path(text) { config.jwtPublicKeyFile = $0 } },
        Key(name: "tls_certificate") { config, text in path(text) { config.tlsCertificate = $0 } },
        Key(name: "tls_key") { config, text in path(text) { config.tlsKey = $0 } },
        Key(name: "allowed_hosts", original: "ALLOWED_HOSTS") { config, text in list(text) { config.allowedHosts = $0 } },
        Key(name: "cors_origins") { config, text in list(text) { config.corsOrigins = $0 } },
        Key(name: "debug", original: "DEBUG") { config, text in
            flag(text) { config.debug = $0 }
        },
        Key(name: "http_rate_limit") { config, text in whole(text, 0...1_000_000) { config.httpRateLimit = $0 } },
        Key(name: "http_rate_burst") { config, text in whole(text, 0...1_000_000) { config.httpRateBurst = $0 } },
        Key(name: "http_body_bytes") { config, text in whole(text, 1_024...(64 << 20)) { config.httpBodyBytes = $0 } },
        Key(name: "history_lag_seconds") { config, text in whole(text, 1...86_400) { config.historyLagSeconds = $0 } },
        Key(name: "history_lag_records") { config, text in whole(text, 1...1_000_000_000) { config.historyLagRecords = $0 } },
        Key(name: "max_connections") { config, text in whole(text, 1...100_000) { config.maxConnections = $0 } },
        Key(name: "max_unsent_bytes") { config, text in whole(text, 65_536...(1 << 30)) { config.maxUnsentBytes = $0 } },
        Key(name: "idle_seconds") { config, text in whole(text, 0...86_400) { config.idleSeconds = $0 } },
        Key(name: "slow_seconds") { config, text in whole(text, 1...3_600) { config.slowSeconds = $0 } },
        Key(name: "token_grace_seconds") { config, text in whole(text, 0...3_600) { config.tokenGraceSeconds = $0 } },
        Key(name: "event_buffer_bytes") { config, text in whole(text, 65_536...(1 << 30)) { config.eventBufferBytes = $0 } },
        Key(name: "segment_bytes") { config, text in
            // Whole blocks, or frames could not go past the page cache.
            whole(text, 65_536...(1 << 32)) { config.segmentBytes = ($0 + 4_095) & ~4_095 }
        },
        Key(name: "snapshot_records") { config, text in whole(text, 0...(1 << 50)) { config.snapshots.records = UInt64($0) } },
        Key(name: "snapshot_bytes") { config, text in whole(text, 0...(1 << 50)) { config.snapshots.bytes = UInt64($0) } },
        Key(name: "snapshot_seconds") { config, text in whole(text, 0...31_536_000) { config.snapshots.seconds = Int64($0) } },
        Key(name: "archive") { config, text in
            guard text == "keep" || text == "remove" else { return "keep or remove" }
            config.keepsSegments = text == "keep"
            return nil
        },
        Key(name: "audit") { config, text in
            config.audit = text == "off" ? .off : text == "on" ? .inData : .directory(text)
            return text.isEmpty ? "on, off or a directory" : nil
        },
        Key(name: "audit_bytes") { config, text in whole(text, 65_536...(1 << 40)) { config.auditBytes = $0 } },
        Key(name: "audit_files") { config, text in whole(text, 1...100_000) { config.auditFiles = $0 } },
        Key(name: "risk_check_enabled", original: "RISK_CHECK_ENABLED") { config, text in flag(text) { config.riskCheckEnabled = $0 } },
        Key(name: "max_order_size", original: "MAX_ORDER_SIZE") { config, text in limit(text) { config.maxOrderSize = $0 } },
        Key(name: "max_position_size", original: "MAX_POSITION_SIZE") { config, text in limit(text) { config.maxPositionSize = $0 } },
        Key(name: "max_daily_loss", original: "MAX_DAILY_LOSS") { config, text in limit(text) { config.maxDailyLoss = $0 } },
        Key(name: "time_zone") { config, text in
            if !text.isEmpty, DayStart(zone: text) == nil { return "an IANA name of a time zone, UTC or nothing" }
            config.timeZone = text.isEmpty ? nil : text
            return nil
        },
        Key(name: "log_level", original: "LOG_LEVEL") { config, text in
            guard let level = LogLevel.named(text) else { return LogLevel.expected }
            config.logLevel = level
            return nil
        },
        Key(name: "log_dir", original: "LOG_DIR") { config, text in path(text) { config.logDirectory = $0 } },
        Key(name: "log_file_bytes") { config, text in whole(text, 4_096...(1 << 40)) { config.logFileBytes = $0 } },
        Key(name: "log_files_kept") { config, text in whole(text, 0...1_000) { config.logFilesKept = $0 } },
    ]

    /// An empty text: none.
    private static func path(_ text: String, _ set: (String?) -> Void) -> String? {
        set(text.isEmpty ? nil : text)
        return nil
    }

    private static func flag(_ text: String, _ set: (Bool) -> Void) -> String? {
        switch text.lowercased() {
        case "on", "true", "yes", "1": set(true)
        case "off", "false", "no", "0", "": set(false)
        default: return "on or off"
        }
        return nil
    }

    /// A decimal number above 0, kept as it is written; nothing: none.
    private static func limit(_ text: String, _ set: (String?) -> Void) -> String? {
        var digits = text
        let value = digits.withUTF8 { try? DecimalText.int128(UnsafeRawBufferPointer($0), scale: 18) }
        guard text.isEmpty || (value ?? 0) > 0 && value! < LineParser.amountBound else { return "a number above 0, or nothing" }
        set(text.isEmpty ? nil : text)
        return nil
    }

    /// Of LIM; none: no limits to begin with.
    package var defaultLimits: String? {
        guard riskCheckEnabled else { return nil }
        let all = [("max_qty", maxOrderSize), ("max_position", maxPositionSize), ("max_daily_loss", maxDailyLoss)]
        let given = all.compactMap { key, value in value.map { "\(key)=\($0)" } }
        return given.isEmpty ? nil : given.joined(separator: " ")
    }

    /// Values between commas; `*` for any. The original service took a JSON list: its brackets and quotes are taken, too.
    private static func list(_ text: String, _ set: ([String]?) -> Void) -> String? {
        var text = text[...]
        if text.hasPrefix("[\""), text.hasSuffix("\"]") { text = text.dropFirst().dropLast() }
        let values = text.split(separator: ",").map { String($0.filter { !$0.isWhitespace && $0 != "\"" }) }.filter { !$0.isEmpty }
        set(values.contains("*") ? nil : values)
        return nil
    }

    private static func whole(
        _ text: String, _ range: ClosedRange<Int>, _ expected: String? = nil, _ set: (Int) -> Void
    ) -> String? {
        guard let value = Int(text.filter { $0 != "_" }), range.contains(value) else {
            return expected ?? "a whole number, \(range.lowerBound) to \(range.upperBound)"
        }
        set(value)
        return nil
    }

    private static func endpoint(_ text: String) -> (String, Int)? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return (host.isEmpty ? "0.0.0.0" : host, port)
    }

    /// The known name that is nearest to a misspelt one, when it is near enough to be meant.
    static func nearest(to name: String, among names: [String]) -> String? {
        let best = names.min { distance($0, name) < distance($1, name) }
        guard let best, distance(best, name) <= max(2, name.count / 3) else { return nil }
        return best
    }

    private static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a.utf8)
        let b = Array(b.utf8)
        var row = Array(0...b.count)
        for i in 0..<a.count {
            var diagonal = row[0]
            row[0] = i + 1
            for j in 0..<b.count {
                let substituted = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[b.count]
    }
}
