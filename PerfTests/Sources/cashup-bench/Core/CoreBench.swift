import Core
import Report

/// The state machine alone, one thread, no log, no network.
enum CoreBench {
    static func run(_ settings: Settings) throws -> [Section] { [] }
}
