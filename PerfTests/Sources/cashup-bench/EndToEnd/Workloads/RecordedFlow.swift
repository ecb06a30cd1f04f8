import Foundation
import Load

/// Commands that were recorded, with the moment of each: what `cashup replay-orders FILE --print` says of a venue's file.
struct RecordedFlow {
    /// Nanoseconds from the first, ascending.
    private(set) var times: [Int64] = []
    private(set) var lines: [String] = []

    init(server: String, file: String) throws {
        guard let text = Output.of(URL(fileURLWithPath: server).path, ["replay-orders", file, "--print"]) else {
            throw BenchFailure("`\(server) replay-orders \(file) --print` failed")
        }
        var first: Int64?
        for line in text.split(separator: "\n") {
            guard let blank = line.firstIndex(of: " "), let milliseconds = Int64(line[..<blank]) else { throw BenchFailure("not a recorded command: \(line)") }
            first = first ?? milliseconds
            // A venue's clock may step back; commands keep their order.
            times.append(max(times.last ?? 0, (milliseconds - first!) * 1_000_000))
            lines.append(String(line[line.index(after: blank)...]))
        }
        guard !lines.isEmpty else { throw BenchFailure("\(file) holds no commands") }
    }

    /// At a multiple of the recorded speed. `run` goes into the ids, so that the same orders can be entered again.
    func workload(run: Int) -> Script { Script(lines.map { $0.replacingOccurrences(of: " id=", with: " id=\(run).") }) }

    func schedule(speed: Double) -> RecordedSchedule { RecordedSchedule(nanoseconds: times.map { Int64(Double($0) / speed) }) }

    var seconds: Double { Double(times.last ?? 0) / 1e9 }
    var funding: [String] { (1...50).flatMap { ["DEP \($0) USD 100000000 ref=flow", "DEP \($0) BTC 1000000 ref=flow-b"] } }
}
