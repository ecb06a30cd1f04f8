import SimulatorModel

/// A change of names that is not on the disk yet. What a rename does in two directories is one change.
final class NameChange {
    struct Place {
        var directory: SimulatedDirectory
        var name: String
    }
    let node: Int
    /// The name it gives to the node.
    let sets: Place?
    /// The name it takes away.
    let removes: Place?
    var isDone = false

    init(node: Int, sets: Place?, removes: Place?) {
        self.node = node
        self.sets = sets
        self.removes = removes
    }

    /// Only the part in `directory`, or all of it.
    func apply(in directory: SimulatedDirectory? = nil) {
        if let place = sets, directory == nil || place.directory === directory { place.directory.durable[place.name] = node }
        if let place = removes, directory == nil || place.directory === directory, place.directory.durable[place.name] == node {
            place.directory.durable[place.name] = nil
        }
    }
}

/// Names of a directory: those that processes see, and those on the disk.
final class SimulatedDirectory {
    let number: Int
    var seen: [String: Int] = [:]
    var durable: [String: Int] = [:]
    /// In the order in which they were made.
    var pending: [NameChange] = []

    init(number: Int) { self.number = number }

    /// fsync of the directory. A name that went to another directory is there, too, else it would be nowhere.
    func sync() {
        for change in pending where !change.isDone {
            if let place = change.sets, place.directory !== self {
                change.apply()
                change.isDone = true
            } else {
                change.apply(in: self)
                if change.removes.map({ $0.directory === self }) ?? true { change.isDone = true }
            }
        }
        pending.removeAll()
    }
}
