/// Why the service did not start or had to stop: a message for a person and the exit code (sysexits.h).
public struct StartFailure: Error, Sendable, CustomStringConvertible {
    /// Command line or configuration.
    public static let usage: Int32 = 64
    /// The log is corrupt.
    public static let dataError: Int32 = 65
    /// The address cannot be listened on.
    public static let unavailable: Int32 = 69
    public static let software: Int32 = 70
    /// Another process has the data directory.
    public static let locked: Int32 = 75

    public var exitCode: Int32
    public var description: String

    public init(_ exitCode: Int32, _ description: String) {
        self.exitCode = exitCode
        self.description = description
    }
}
