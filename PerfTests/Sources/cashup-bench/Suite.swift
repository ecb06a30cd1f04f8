import ArgumentParser
import Report

/// What can be measured, in the order of a full run. A suite gives the sections of the report.
enum Suite: String, CaseIterable, ExpressibleByArgument {
    case core, wal, limits, closed, open, workloads, peers

    /// `peers` needs other programs and installs them: only when it is asked for.
    static let usual: [Suite] = allCases.filter { $0 != .peers }

    func run(_ settings: Settings) throws -> [Section] {
        switch self {
        case .core: try CoreBench.run(settings)
        case .wal: try WALBench.run(settings)
        case .peers: try PeersBench.run(settings)
        case .limits, .closed, .open, .workloads: []
        }
    }
}
