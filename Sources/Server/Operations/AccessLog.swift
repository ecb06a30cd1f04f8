import Core

/// One request of the REST edge, as access.log tells it.
package struct AccessEntry: Sendable {
    /// Unix time of the request's begin, microseconds.
    package var time: Timestamp
    package var requestID: String
    package var method: String
    /// With its query.
    package var path: String
    package var status: Int
    /// Of the answer's body.
    package var bytes: Int
    package var microseconds: Int64
    package var peer: String
    /// `sub` of the token; `nil` without one.
    package var subject: String?
    package var account: UInt64?
    /// Of a refusal.
    package var code: String?
    package var userAgent: String?

    package init(
        time: Timestamp = LogTime.now(), requestID: String, method: String, path: String, status: Int, bytes: Int, microseconds: Int64,
        peer: String, subject: String? = nil, account: UInt64? = nil, code: String? = nil, userAgent: String? = nil
    ) {
        self.time = time
        self.requestID = requestID
        self.method = method
        self.path = path
        self.status = status
        self.bytes = bytes
        self.microseconds = microseconds
        self.peer = peer
        self.subject = subject
        self.account = account
        self.code = code
        self.userAgent = userAgent
    }
}

/// access.log: a line per request of the REST edge. Any thread.
package final class AccessLog: Sendable {
    private let file: RotatingFile?
    private let redactor: Redactor

    init(file: RotatingFile?, redactor: Redactor) {
        self.file = file
        self.redactor = redactor
    }

    /// Without it there is nobody to note for.
    package var isKept: Bool { file != nil }

    /// Never waits; without a log directory it does nothing.
    package func note(_ entry: @autoclosure () -> AccessEntry) {
        guard let file else { return }
        let entry = entry()
        var line = JSONLine(redactor)
        line.add("time", time: entry.time)
        line.add("request_id", entry.requestID)
        line.add("method", entry.method)
        line.add("path", entry.path)
        line.add("status", entry.status)
        line.add("bytes", entry.bytes)
        line.add("duration_us", entry.microseconds)
        line.add("peer", entry.peer)
        line.add("subject", optional: entry.subject)
        if let account = entry.account { line.add("account", account) }
        line.add("code", optional: entry.code)
        line.add("user_agent", optional: entry.userAgent)
        file.write(line: line.line)
    }
}
