import Foundation

/// Directories of a run: below ``Settings/directory``, so on the disk that is measured; removed at the end, also by Ctrl-C, and by the next run when
/// this one was killed.
enum Scratch {
    private static let prefix = "cashup-bench-"
    nonisolated(unsafe) private static var made: [URL] = []
    private static let lock = NSLock()
    nonisolated(unsafe) private static var signals: [any DispatchSourceSignal] = []

    static func make(in parent: String, _ name: String) throws -> URL {
        let base = URL(fileURLWithPath: parent)
        lock.lock()
        defer { lock.unlock() }
        if made.isEmpty {
            try FileManager.default.createDirectory(at: base, withIntermediateDirectories: true)
            removeStale(in: base)
            removeAtSignals()
        }
        let url = base.appendingPathComponent("\(prefix)\(getpid())-\(made.count)-\(name)")
        made.append(url)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    static func remove(_ url: URL) { try? FileManager.default.removeItem(at: url) }

    static func removeAll() {
        lock.lock()
        defer { lock.unlock() }
        for url in made { try? FileManager.default.removeItem(at: url) }
    }

    private static func removeStale(in base: URL) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: base.path)) ?? [] where name.hasPrefix(prefix) {
            guard let process = Int32(name.dropFirst(prefix.count).prefix { $0 != "-" }), kill(process, 0) != 0, errno == ESRCH else { continue }
            try? FileManager.default.removeItem(at: base.appendingPathComponent(name))
        }
    }

    /// The children die with this process by themselves (see ``ChildProcess``).
    private static func removeAtSignals() {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                removeAll()
                _exit(128 + number)
            }
            source.resume()
            signals.append(source)
        }
    }
}
