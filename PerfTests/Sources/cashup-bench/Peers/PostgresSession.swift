import Load

/// One blocking exchange after the other: what is said before and after a run.
struct PostgresSession {
    static let user = "postgres"

    /// The fields of an ErrorResponse: a byte of type and a text each, ended by zeros.
    struct Fault: Error, CustomStringConvertible {
        private(set) var code = "?"
        private(set) var message = "?"

        init(_ body: [UInt8]) {
            for field in body.split(separator: 0) {
                if field.first == UInt8(ascii: "C") { code = String(decoding: field.dropFirst(), as: UTF8.self) }
                if field.first == UInt8(ascii: "M") { message = String(decoding: field.dropFirst(), as: UTF8.self) }
            }
        }
        var description: String { "\(code) \(message)" }
    }

    /// Logs in. The password travels as it is: it is of this run and stays on loopback, and no time goes by with it before a run.
    func start(_ socket: borrowing Socket) throws {
        let body = network(196_608) + zeroEnded("user") + zeroEnded(Self.user) + zeroEnded("database") + zeroEnded("postgres") + [0]
        try send(socket, network(body.count + 4) + body)
        try _ = answer(socket)
    }

    private static let passwordAsText = 3

    func prepare(_ socket: borrowing Socket, _ name: String, _ sql: String) throws {
        let sync = message("S", [])
        try send(socket, message("P", zeroEnded(name) + zeroEnded(sql) + [0, 0]) + sync)
        try _ = answer(socket)
    }

    /// The simple protocol: one or several statements; the rows of all, as text.
    @discardableResult
    func query(_ socket: borrowing Socket, _ sql: String) throws -> [[String]] {
        try send(socket, message("Q", zeroEnded(sql)))
        return try answer(socket)
    }

    /// All up to ReadyForQuery.
    private func answer(_ socket: borrowing Socket) throws -> [[String]] {
        var rows: [[String]] = []
        var fault: Fault?
        var input: [UInt8] = []
        var start = 0
        while true {
            while input.count - start < 5 || input.count - start < 1 + number(input, start + 1) { input += try socket.receive() }
            let end = start + 1 + number(input, start + 1)
            let body = Array(input[start + 5..<end])
            switch input[start] {
            case UInt8(ascii: "E"):
                fault = Fault(body)
                // Refused at the door: nothing follows.
                if fault?.code.hasPrefix("28") == true || fault?.code.hasPrefix("57") == true { throw fault! }
            case UInt8(ascii: "D"): rows.append(row(body))
            case UInt8(ascii: "R") where number(body, 0) == Self.passwordAsText: try send(socket, message("p", zeroEnded(PeerTool.password)))
            case UInt8(ascii: "R") where number(body, 0) != 0: throw LoadError("PostgreSQL asks for authentication \(number(body, 0))")
            case UInt8(ascii: "Z"):
                if let fault { throw fault }
                return rows
            default: break
            }
            start = end
        }
    }

    private func row(_ body: [UInt8]) -> [String] {
        var place = 2
        return (0..<(Int(body[0]) << 8 | Int(body[1]))).map { _ in
            let length = Int(Int32(truncatingIfNeeded: number(body, place)))
            defer { place += 4 + max(0, length) }
            return length < 0 ? "" : String(decoding: body[place + 4..<place + 4 + length], as: UTF8.self)
        }
    }

    private func message(_ type: Unicode.Scalar, _ body: [UInt8]) -> [UInt8] { [UInt8(ascii: type)] + network(body.count + 4) + body }
    private func zeroEnded(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }
    private func network(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }
    private func number(_ bytes: [UInt8], _ place: Int) -> Int { (0..<4).reduce(0) { $0 << 8 | Int(bytes[place + $1]) } }
    private func send(_ socket: borrowing Socket, _ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try socket.send($0) } }
}
