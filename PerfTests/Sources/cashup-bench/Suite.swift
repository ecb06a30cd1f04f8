import ArgumentParser
import Report

/// What can be measured, in the order of a full run. A suite gives the sections of the report.
enum Suite: String, CaseIterable, ExpressibleByArgument {
    case core, match, wal, disk, closed, open, workloads, rest, history, peers

    /// `peers` needs other programs and installs them: only when it is asked for.
    static let usual: [Suite] = allCases.filter { $0 != .peers }

    func run(_ settings: Settings) throws -> [Section] {
        switch self {
        case .core: try CoreBench.run(settings)
        case .match: try MatchBench.run(settings)
        case .wal: try WALBench.run(settings)
        case .disk: try DiskBench.run(settings)
        case .closed: try ClosedBench.run(settings)
        case .open: try OpenBench.run(settings)
        case .workloads: try WorkloadBench.run(settings)
        case .rest: try RestBench.run(settings)
        case .history: try HistoryBench.run(settings)
        case .peers: try PeersBench.run(settings)
        }
    }
}
