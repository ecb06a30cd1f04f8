import Glibc
import Logging
import Server
import Synchronization
import WAL

/// A service in this process, on a directory of its own and a free port.
struct TestService {
    let directory: String
    var config: Configuration
    var secret: String?
    private(set) var service: Service?

    static let seed = [
        "AST USD decimals=2", "AST BTC decimals=8", "WLT spot", "WLT margin", "WLT futures", "WLT options", "WLT savings",
        "VEN manual kind=manual", "INS BTC-USD venue=manual wallet=spot base=BTC quote=USD tick=0.01 lot=0.00000001",
        "INS BTC-MARGIN venue=manual wallet=margin base=BTC quote=USD tick=0.01 lot=0.00000001",
        "INS BTC-PERP venue=manual wallet=futures base=BTC quote=USD tick=0.01 lot=0.001 funds=none",
        "INS BTC-OPT venue=manual wallet=options base=BTC quote=USD tick=0.01 lot=0.001 funds=none",
    ]
    static let quiet: Logger = {
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        return logger
    }()

    init(loops: Int) {
        var template = Array("/tmp/cashup-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("no temporary directory") }
        directory = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        config = Configuration()
        config.data = directory + "/data"
        config.port = 0
        config.loops = loops
        config.auth = .off
        config.seed = TestService.seed
    }

    mutating func start(beforeCommit: (@Sendable () -> Void)? = nil) async throws {
        var options = LogOptions()
        options.segmentBytes = 1 << 20
        service = try await Service.start(
            config, secret: secret, logOptions: options, beforeCommit: beforeCommit, logger: TestService.quiet)
    }

    mutating func stop() async {
        await service?.stop()
        service = nil
    }

    mutating func restart(loops: Int? = nil) async throws {
        await stop()
        if let loops { config.loops = loops }
        try await start()
    }

    func connect() throws -> Wire { try Wire(port: service!.port) }

    func remove() {
        for name in ["data"] { removeTree(directory + "/" + name) }
        rmdir(directory)
    }

    private func removeTree(_ path: String) {
        if let handle = opendir(path) {
            while let entry = readdir(handle) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != "..", unlink(path + "/" + name) != 0 { removeTree(path + "/" + name) }
            }
            closedir(handle)
        }
        rmdir(path)
    }
}

struct WireError: Error, CustomStringConvertible { var description: String }

/// The bare wire: bytes out, lines in. Blocks the test's thread.
final class Wire {
    private let socket: Int32
    private var buffer: [UInt8] = []
    private var start = 0
    private(set) var greeting = ""

    init(port: Int, receiveBytes: Int32? = nil) throws {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.socket = socket
        if var bytes = receiveBytes { setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, 4) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard code == 0 else { throw WireError(description: "connect: \(errno)") }
        var one: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        greeting = try line() ?? ""
    }

    deinit { close(socket) }

    func hangUp() { shutdown(socket, Int32(SHUT_RDWR)) }
    func endInput() { shutdown(socket, Int32(SHUT_WR)) }

    func send(_ text: String) throws { try send(bytes: Array(text.utf8)) }

    func send(bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.send(socket, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { throw WireError(description: "send: \(errno)") }
            sent += count
        }
    }

    /// The next line; `nil` when the server has closed.
    func line(milliseconds: Int32 = 10_000) throws -> String? {
        var scanned = start
        while true {
            if let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
                let text = String(decoding: buffer[start..<end], as: UTF8.self)
                start = end + 1
                if start > 1 << 20 {
                    buffer.removeFirst(start)
                    start = 0
                }
                return text
            }
            scanned = buffer.count
            guard try isReadable(milliseconds) else { throw WireError(description: "nothing came in \(milliseconds) ms") }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(socket, &chunk, chunk.count, 0)
            if count <= 0 { return nil }
            buffer.append(contentsOf: chunk[..<count])
        }
    }

    func isReadable(_ milliseconds: Int32) throws -> Bool {
        if buffer[start...].contains(UInt8(ascii: "\n")) { return true }
        var poller = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&poller, 1, milliseconds) > 0
    }

    /// Sends one command (without tag) and returns its answer: rows and the last line, without their first byte's tag.
    func ask(_ command: String) throws -> [String] {
        try send("t \(command)\n")
        return try answer()
    }

    /// One answer: its rows and its last line.
    func answer() throws -> [String] {
        var lines: [String] = []
        while let line = try line() {
            switch line.first {
            case "=": lines.append(line)
            case "+", "-":
                lines.append(line)
                return lines
            default: continue
            }
        }
        throw WireError(description: "closed before the answer; had \(lines)")
    }

    func rest() -> [String] {
        var lines: [String] = []
        while let line = try? line() { lines.append(line) }
        return lines
    }
}

/// Without the LSN, which depends on how loops interleave.
func bare(_ line: String) -> String {
    line.split(separator: " ", omittingEmptySubsequences: false).filter { !$0.hasPrefix("lsn=") }.joined(separator: " ")
}

func field(_ key: String, _ line: String) -> String? {
    line.split(separator: " ").first { $0.hasPrefix(key + "=") }.map { String($0.dropFirst(key.count + 1)) }
}
