import Core

/// The twin for benches, which are a package of their own: what a plain implementation of the same rules costs.
public final class NaiveVenue {
    private let twin = Twin()
    public init() {}

    /// False: refused.
    public func execute(_ command: Command, now: Timestamp) -> Bool {
        if case .rejected = twin.execute(command, now: now) { return false }
        return true
    }
}
