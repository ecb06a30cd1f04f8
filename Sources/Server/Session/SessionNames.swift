import Core
import Synchronization

/// The sessions that have names: one of each name and token subject, over all loops. Used when sessions begin and end, never per command.
/// Any thread.
final class SessionNames: Sendable {
    struct Key: Hashable, Sendable {
        var subject: String
        var name: String
    }
    struct Holder: Sendable, Equatable {
        var loop: Int
        var connection: ConnectionID
    }
    private let holders = Mutex<[Key: Holder]>([:])

    /// Takes the name; returns who had it until now, other than the new holder itself.
    func claim(_ key: Key, _ holder: Holder) -> Holder? {
        holders.withLock { holders in
            let old = holders.updateValue(holder, forKey: key)
            return old == holder ? nil : old
        }
    }

    /// Gives the name back, unless someone else has it by now.
    func release(_ key: Key, _ holder: Holder) {
        holders.withLock { if $0[key] == holder { $0[key] = nil } }
    }
}
