import Core
import Glibc
import Logging
import Synchronization
import WAL

/// Where the process's messages go: as text to the standard error, and, with a directory for them, as JSON lines to app.log (all of them) and
/// error.log (warnings and errors), with access.log for the REST edge. One level for all, changeable at any time.
///
/// Any thread.
package final class ServiceLog: Sendable {
    /// Levels from the most talkative on.
    private static let levels = Logger.Level.allCases.sorted()

    private let current: Atomic<Int>
    package let redactor: Redactor
    package let access: AccessLog
    private let app: RotatingFile?
    private let errors: RotatingFile?
    private let files: [RotatingFile]

    /// - Parameter secrets: values that must not be in any log.
    /// - Throws: ``StartFailure`` for files that cannot be written.
    package init(_ config: Configuration, secrets: [String]) throws {
        current = Atomic(ServiceLog.index(of: config.logLevel))
        let redactor = Redactor(secrets: secrets)
        self.redactor = redactor
        guard let directory = config.logDirectory else {
            access = AccessLog(file: nil, redactor: redactor)
            app = nil
            errors = nil
            files = []
            return
        }
        let code = SystemDisk().makeDirectory(directory)
        guard code >= 0 else {
            throw StartFailure(
                StartFailure.usage, "cannot make the log directory \(directory): \(String(cString: strerror(Int32(-code))))")
        }
        func file(_ name: String) throws -> RotatingFile {
            try RotatingFile(path: "\(directory)/\(name)", bytesMax: config.logFileBytes, kept: config.logFilesKept) { lost in
                var line = JSONLine(redactor)
                line.add("time", time: LogTime.now())
                line.add("level", "warning")
                line.add("message", "\(lost) lines lost: they came faster than the disk took them")
                return line.line
            }
        }
        let accessFile = try file("access.log")
        let app = try file("app.log")
        let errors = try file("error.log")
        access = AccessLog(file: accessFile, redactor: redactor)
        self.app = app
        self.errors = errors
        files = [app, errors, accessFile]
    }

    package func logger(_ label: String) -> Logger { Logger(label: label) { ServiceLogHandler(label: $0, log: self) } }

    // MARK: Level

    package var level: Logger.Level {
        get { ServiceLog.levels[current.load(ordering: .relaxed)] }
        set { current.store(ServiceLog.index(of: newValue), ordering: .relaxed) }
    }

    /// One level more talkative, or less. Returns the level then in force.
    package func change(talkative: Bool) -> Logger.Level {
        let index = current.load(ordering: .relaxed) + (talkative ? -1 : 1)
        level = ServiceLog.levels[max(0, min(ServiceLog.levels.count - 1, index))]
        return level
    }

    private static func index(of level: Logger.Level) -> Int { levels.firstIndex(of: level) ?? 0 }

    // MARK: Files

    /// After the files have been moved away.
    package func reopen() {
        for file in files { file.reopen() }
    }

    /// Lines lost, by file.
    package var dropped: [(path: String, lines: Int)] { files.map { ($0.path, $0.dropped) } }

    /// Returns when what was logged is with the operating system.
    package func flush() {
        for file in files { file.flush() }
    }

    /// Writes what is left. What comes later goes to the standard error alone.
    package func close() {
        for file in files { file.close() }
    }

    // MARK: Writing

    func write(_ label: String, _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) {
        let time = LogTime.now()
        let message = redactor.clean(message)
        let fields = metadata.sorted { $0.key < $1.key }.map { ($0.key, redactor.clean("\($0.value)")) }
        var text = "\(LogTime.text(time)) \(level.rawValue) \(label): \(ServiceLog.oneLine(message))"
        for (key, value) in fields { text += " \(key)=\(ServiceLog.oneLine(value))" }
        text += "\n"
        text.withUTF8 { bytes in
            // In one call, so that lines of two threads do not mix.
            _ = Glibc.write(2, bytes.baseAddress, bytes.count)
        }
        guard let app else { return }
        var line = JSONLine(redactor)
        line.add("time", time: time)
        line.add("level", level.rawValue)
        line.add("logger", label)
        line.add("message", message)
        for (key, value) in fields { line.add(field: key, value) }
        app.write(line: line.line)
        if level >= .warning { errors?.write(line: line.line) }
    }

    /// What a client sent must not begin a line of its own.
    private static func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }
}

/// swift-log's side of ``ServiceLog``.
struct ServiceLogHandler: LogHandler {
    let label: String
    let log: ServiceLog
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    /// Of this logger alone, where somebody sets it.
    private var own: Logger.Level?

    init(label: String, log: ServiceLog) {
        self.label = label
        self.log = log
    }

    var logLevel: Logger.Level {
        get { own ?? log.level }
        set { own = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { _, new in new } }
        if let given = event.metadata { fields.merge(given) { _, new in new } }
        log.write(label, event.level, "\(event.message)", fields)
    }
}
