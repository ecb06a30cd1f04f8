import Logging

/// Names of levels as settings, the REST edge and the signals know them.
package enum LogLevel {
    package static let expected = "trace, debug, info, notice, warning or error"

    /// Capitals and other programs' names are taken, too.
    package static func named(_ name: String) -> Logger.Level? {
        switch name.lowercased() {
        case "warn": .warning
        case "fatal": .critical
        default: Logger.Level(rawValue: name.lowercased())
        }
    }
}
