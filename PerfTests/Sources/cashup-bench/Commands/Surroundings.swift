import Foundation
import Report

// What stands in a report beside its figures: the machine and the source.

extension Machine {
    /// - Parameter directory: whose file system is named; its parents, if it is not there yet.
    static func current(measuring directory: String) -> Machine {
        var system = utsname()
        uname(&system)
        return Machine(
            processor: line(of: "/proc/cpuinfo", startingWith: "model name") ?? "unknown", cores: ProcessInfo.processInfo.activeProcessorCount,
            memoryBytes: Int64(ProcessInfo.processInfo.physicalMemory),
            kernel: withUnsafeBytes(of: &system.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) },
            filesystem: Output.of("/usr/bin/env", ["sh", "-c", "d=\"$0\"; until [ -e \"$d\" ]; do d=$(dirname \"$d\"); done; stat -f -c %T \"$d\"", directory]) ?? "unknown",
            swift: Output.of("/usr/bin/env", ["swift", "--version"])?.split(separator: "\n").first.map(String.init) ?? "unknown")
    }

    private static func line(of file: String, startingWith key: String) -> String? {
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").first { $0.hasPrefix(key) }?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
    }
}

/// The product's source, as git has it.
enum Source {
    static var commit: String { Output.of("/usr/bin/env", ["git", "rev-parse", "--short=12", "HEAD"]) ?? "unknown" }
    static var isDirty: Bool { Output.of("/usr/bin/env", ["git", "status", "--porcelain"]).map { !$0.isEmpty } ?? true }
}

enum Output {
    /// What a short program prints; nil when it fails.
    static func of(_ executable: String, _ arguments: [String]) -> String? {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
