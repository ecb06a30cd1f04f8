import Foundation
import Report

/// How a run measures; the same for every bench.
struct Settings {
    /// Small numbers: shows that everything works, measures nothing.
    var small = false
    /// Where data directories are made: the disk that is measured.
    var directory = "."
    /// The cashup executable.
    var server = ".build/release/cashup"
    /// Sources of peers that are programs of ours, and the Python that has their packages (`make peer-deps`).
    var peerSources = "PerfTests/Peers"
    var peerPython = ".venv-peers/bin/python"
    /// Repetitions of each measurement; a figure is their median.
    var repetitions = 3
    /// Measure only what has this in its figure's id, where a suite can leave things out; empty: everything.
    var matching = ""

    /// A venue's recorded order flow, as `cashup replay-orders` takes it. It belongs to the venue and is not part of the project.
    var recordedFlow: String? = nil

    func wants(_ id: String) -> Bool { matching.isEmpty || id.contains(matching) }
}

struct BenchFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
