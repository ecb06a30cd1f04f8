import Foundation
import Limits
import Report

/// The disk alone: a write and an fdatasync, one after the other.
enum DiskBench {
    static func run(_ settings: Settings) throws -> [Section] {
        let directory = try Scratch.make(in: settings.directory, "disk")
        defer { Scratch.remove(directory) }
        var section = Section(
            id: "disk", title: "The disk: write + fdatasync",
            notes: ["Into a zero-filled file, one at a time, in C: what a commit costs whatever is in it."])
        for bytes in [128, 4_096, 65_536, 1 << 20] {
            let count = settings.small ? 50 : bytes > 100_000 ? 400 : 2_000
            var p50: [Double] = []
            var p99: [Double] = []
            for _ in 0..<settings.repetitions {
                var nanoseconds = [Int64](repeating: 0, count: count)
                let code = limits_sync(directory.appendingPathComponent("sync").path, 64 << 20, Int32(bytes), Int32(count), &nanoseconds)
                guard code == 0 else { throw BenchFailure("fdatasync: \(String(cString: strerror(-code)))") }
                nanoseconds.sort()
                p50.append(Double(nanoseconds[count / 2]) / 1_000)
                p99.append(Double(nanoseconds[count * 99 / 100]) / 1_000)
            }
            let name = bytes < 1_024 ? "\(bytes) B" : bytes < 1 << 20 ? "\(bytes >> 10) KiB" : "\(bytes >> 20) MiB"
            section.figures.append(Figure(id: "disk/\(bytes)/p50", name: name, column: "p50", unit: "us", better: .lower, samples: p50))
            section.figures.append(Figure(id: "disk/\(bytes)/p99", name: name, column: "p99", unit: "us", better: .lower, samples: p99))
        }
        return [section]
    }
}
