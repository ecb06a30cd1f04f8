import CLoad
import Foundation

/// A program of this run's own. It dies with the bench, however that ends: it is started through `cashup-bench child`, which asks the kernel for it.
final class ChildProcess {
    private let process = Process()
    private let output: URL

    /// Start it on the main thread: the kernel ends it when the thread that started it does.
    /// - Parameters:
    ///   - environment: added to the bench's own.
    ///   - output: what it prints goes there.
    init(_ executable: String, _ arguments: [String], environment: [String: String] = [:], output: URL) throws {
        self.output = output
        process.executableURL = URL(fileURLWithPath: Self.ownPath)
        process.arguments = ["child", "\(getpid())", executable] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        try Data().write(to: output)
        let handle = try FileHandle(forWritingTo: output)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
    }

    static let ownPath = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]

    var identifier: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var printed: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

    /// SIGTERM, and SIGKILL when that does not end it in time. Returns the exit status.
    @discardableResult
    func stop(signal: Int32 = SIGTERM, patienceSeconds: Double = 20) -> Int32 {
        if process.isRunning { kill(process.processIdentifier, signal) }
        let deadline = ContinuousClock.now + .seconds(patienceSeconds)
        while process.isRunning, ContinuousClock.now < deadline { usleep(2_000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        return process.terminationStatus
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// Processor seconds so far, from /proc.
    func processorTime() -> ProcessorTime { Self.processorTime(of: identifier) }

    /// The same of it and of all processes that it started, as far as they run.
    func processorTimeOfTree() -> ProcessorTime {
        let processes = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }
        let children = Dictionary(grouping: processes) { Int32(Self.stat($0).dropFirst().first ?? "") ?? 0 }
        var sum = ProcessorTime()
        var open = [identifier]
        while let next = open.popLast() {
            sum = sum + Self.processorTime(of: next)
            open += children[next] ?? []
        }
        return sum
    }

    /// From the third field on: state, parent ...; empty when there is no such process.
    private static func stat(_ identifier: Int32) -> [Substring] {
        guard let text = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8), let name = text.lastIndex(of: ")") else { return [] }
        return text[name...].dropFirst(2).split(separator: " ")
    }

    private static func processorTime(of identifier: Int32) -> ProcessorTime {
        // utime is the 14th field of all, stime the 15th.
        let fields = stat(identifier)
        guard fields.count > 12 else { return ProcessorTime() }
        let tick = Double(sysconf(Int32(_SC_CLK_TCK)))
        return ProcessorTime(user: (Double(fields[11]) ?? 0) / tick, system: (Double(fields[12]) ?? 0) / tick)
    }

    /// Resident memory, bytes.
    func residentBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(identifier)/statm", encoding: .utf8)) ?? ""
        let fields = text.split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}

struct ProcessorTime {
    var user = 0.0
    var system = 0.0

    static func - (a: ProcessorTime, b: ProcessorTime) -> ProcessorTime {
        ProcessorTime(user: a.user - b.user, system: a.system - b.system)
    }
    static func + (a: ProcessorTime, b: ProcessorTime) -> ProcessorTime {
        ProcessorTime(user: a.user + b.user, system: a.system + b.system)
    }
    var sum: Double { user + system }
}
