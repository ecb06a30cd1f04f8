import Load

/// One blocking command after the other: what is said before and after a run.
struct RedisSession: ~Copyable {
    private let socket: Socket
    private var input: [UInt8] = []
    private var start = 0

    private init(socket: consuming Socket) { self.socket = socket }

    static func open(port: Int) throws -> RedisSession {
        var session = RedisSession(socket: try Socket(port: port))
        try session.command(["AUTH", PeerTool.password])
        return session
    }

    /// The answer's strings, in order, however they were nested. An error is thrown.
    @discardableResult
    mutating func command(_ words: [String]) throws -> [String] {
        try socket.send("*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined())
        var strings: [String] = []
        try answer(into: &strings)
        input.removeSubrange(..<start)
        start = 0
        return strings
    }

    private mutating func answer(into strings: inout [String]) throws {
        let line = try line()
        switch line.first {
        case "-": throw LoadError(String(line.dropFirst()))
        case "+", ":": strings.append(String(line.dropFirst()))
        case "$":
            let length = Int(line.dropFirst()) ?? 0
            if length < 0 { return strings.append("") }
            while input.count - start < length + 2 { input += try socket.receive() }
            strings.append(String(decoding: input[start..<start + length], as: UTF8.self))
            start += length + 2
        case "*": for _ in 0..<max(0, Int(line.dropFirst()) ?? 0) { try answer(into: &strings) }
        default: throw LoadError("Redis answered \(line)")
        }
    }

    private mutating func line() throws -> String {
        var end = start
        while true {
            while end + 1 < input.count {
                if input[end] == 0x0D, input[end + 1] == 0x0A {
                    defer { start = end + 2 }
                    return String(decoding: input[start..<end], as: UTF8.self)
                }
                end += 1
            }
            input += try socket.receive()
        }
    }
}
