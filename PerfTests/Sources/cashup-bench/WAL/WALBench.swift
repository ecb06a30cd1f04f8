import Core
import Report
import WAL

/// The log alone: encoding, commits, recovery; and core and log together in one process.
enum WALBench {
    static func run(_ settings: Settings) throws -> [Section] { [] }
}
