import Load

/// A store that a desk could use instead of the service, set up for the one job that is compared: a process and a directory of its own.
/// Made anew for every run, so that no run inherits what another one left.
protocol Peer: AnyObject {
    /// As in ids of figures.
    static var id: String { get }
    static var name: String { get }

    /// Fails, and says what to install, when it is not.
    static func checkInstalled(_ settings: Settings) throws

    init(_ settings: Settings, overriding: [PeerSetting]) throws

    /// As it says it itself.
    var version: String { get }
    /// What a reader needs to repeat or to doubt it: every setting that is not the default, and the code of the job.
    var notes: [String] { get }

    /// Fails unless the running server says that what it acknowledges is on the disk.
    func checkDurability() throws
    func load(_ loop: ClosedLoop) throws -> LoadResult
    /// Fails unless exactly `acknowledged` orders are stored and each balance reserves exactly what its orders take.
    func check(acknowledged: Int) throws
    /// Syncs so far, where it counts them.
    func syncs() throws -> Int?
    /// Of all its processes so far.
    func processorTime() -> ProcessorTime
    func stop()
}

/// One line of a peer's configuration.
struct PeerSetting: Sendable {
    var name: String
    var value: String

    init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension [PeerSetting] {
    func overridden(by others: [PeerSetting]) -> [PeerSetting] {
        var all = self
        for other in others {
            if let place = all.firstIndex(where: { $0.name == other.name }) { all[place] = other } else { all.append(other) }
        }
        return all
    }
}

extension Peer {
    /// One measured run, checked.
    func measure(_ loop: ClosedLoop) throws -> LoadResult {
        try checkDurability()
        let result = try load(loop).checked(Self.id)
        guard result.answered > 0 else { throw BenchFailure("\(Self.id): no order was answered in \(loop.seconds) s") }
        try check(acknowledged: result.answeredInAll)
        return result
    }
}
