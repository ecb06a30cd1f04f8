import Load

/// One request and its answer, blocking: what is said before a run.
struct HTTPExchange {
    var status: Int
    var body: String

    static func send(_ request: String, _ socket: borrowing Socket) throws -> HTTPExchange {
        try socket.send(request)
        var wire = HTTPWire()
        var input: [UInt8] = []
        while true {
            input += try socket.receive()
            let step = input.withUnsafeBytes { wire.next($0) }
            guard step.kind == .done || step.kind == .refused else { continue }
            let text = String(decoding: input[..<step.length], as: UTF8.self)
            guard let status = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }), let head = text.firstRange(of: "\r\n\r\n") else {
                throw LoadError("not HTTP: \(text)")
            }
            return HTTPExchange(status: status, body: String(text[head.upperBound...]))
        }
    }
}
