import Glibc
import Yams

/// What the command line gives; `nil`: not given. Each is a configuration key too, and an environment variable.
public struct ServeOptions: Sendable {
    /// Path of the configuration file; `nil`: `CASHUP_CONFIG`, else the built-in defaults.
    public var config: String?
    public var data: String?
    /// HOST:PORT
    public var listen: String?
    /// HOST:PORT or `off`
    public var http: String?
    /// `on` or `off`
    public var history: String?
    public var loops: Int?
    /// `jwt` or `off`
    public var auth: String?
    public var logLevel: String?
    /// Go on at the log's time when the clock is behind it.
    public var acceptClock = false
    public init() {}
}

extension Configuration {
    static let environmentPrefix = "CASHUP_"

    /// Flag before environment before file before default.
    /// - Throws: ``StartFailure`` with ``StartFailure/usage``, which names the place.
    package static func resolve(_ options: ServeOptions, environment: [String: String]) throws -> Configuration {
        var config = Configuration()
        try config.read(yaml: DefaultConfiguration.text, name: DefaultConfiguration.name)
        if let path = options.config ?? environment[environmentPrefix + "CONFIG"] {
            try config.read(yaml: try contents(of: path), name: path)
        }
        for key in keys {
            let own = environmentPrefix + key.name.uppercased()
            // An original name that is set to nothing is not set: container files often list all of them.
            let original = key.original.flatMap { environment[$0]?.isEmpty == false ? $0 : nil }
            guard let variable = environment[own] == nil ? original : own, let value = environment[variable] else { continue }
            if let expected = key.set(&config, value) {
                throw StartFailure(StartFailure.usage, "environment variable \(variable)=\(value): expected \(expected)")
            }
        }
        let flags: [(String, String, String?)] = [
            ("data", "--data", options.data), ("listen", "--listen", options.listen), ("http", "--http", options.http),
            ("history", "--history", options.history),
            ("loops", "--loops", options.loops.map(String.init)), ("auth", "--auth", options.auth),
            ("log_level", "--log-level", options.logLevel),
        ]
        for (name, flag, value) in flags {
            guard let value, let key = keys.first(where: { $0.name == name }) else { continue }
            if let expected = key.set(&config, value) {
                throw StartFailure(StartFailure.usage, "\(flag) \(value): expected \(expected)")
            }
        }
        return config
    }

    /// Takes a file's keys over the present values.
    package mutating func read(yaml: String, name: String) throws {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw StartFailure(StartFailure.usage, "\(name): not YAML: \(error)")
        }
        guard let root else { return }
        guard case .mapping(let mapping) = root else {
            throw StartFailure(StartFailure.usage, "\(name):1: expected `key: value` lines")
        }
        for (keyNode, value) in mapping {
            let place = "\(name):\(keyNode.mark?.line ?? 0)"
            let keyName = keyNode.string ?? "?"
            if keyName == "seed" {
                seed = try Configuration.lines(value, place: place, name: name)
                seedSource = name == DefaultConfiguration.name ? "the built-in defaults" : name
                continue
            }
            guard let key = Configuration.keys.first(where: { $0.name == keyName }) else {
                let known = Configuration.keys.map(\.name) + ["seed"]
                let hint = Configuration.nearest(to: keyName, among: known).map { "; did you mean `\($0)`?" }
                throw StartFailure(
                    StartFailure.usage,
                    "\(place): unknown key `\(keyName)`" + (hint ?? "; known keys: \(known.joined(separator: ", "))"))
            }
            guard case .scalar(let scalar) = value else {
                throw StartFailure(StartFailure.usage, "\(place): `\(keyName)` takes one value")
            }
            if let expected = key.set(&self, scalar.string) {
                throw StartFailure(StartFailure.usage, "\(place): \(keyName): \(scalar.string): expected \(expected)")
            }
        }
    }

    private static func lines(_ node: Node, place: String, name: String) throws -> [String] {
        if case .scalar(let scalar) = node, scalar.string.isEmpty || scalar.string == "~" || scalar.string == "null" { return [] }
        guard case .sequence(let sequence) = node else {
            throw StartFailure(StartFailure.usage, "\(place): `seed` is a list of commands, one per `- ` line")
        }
        return try sequence.map { item in
            guard let line = item.string else {
                throw StartFailure(StartFailure.usage, "\(name):\(item.mark?.line ?? 0): expected a command as text")
            }
            return line
        }
    }

    package static func contents(of path: String) throws -> String {
        guard let file = fopen(path, "r") else {
            throw StartFailure(StartFailure.usage, "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            // A directory opens, and says so only when it is read.
            if count == 0, ferror(file) != 0 {
                throw StartFailure(StartFailure.usage, "cannot read \(path): \(String(cString: strerror(errno)))")
            }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
