import ArgumentParser
import Foundation
import Report

@main
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cashup-bench", abstract: "Measures the service, its parts, its limits and its alternatives.")

    @Flag(help: "Small numbers: everything runs, nothing is measured.")
    var small = false

    @Option(help: "Which sections, comma-separated: core, wal. All unless given.")
    var only: String?

    @Option(help: "Where data directories are made: the disk that is measured. /tmp may be memory.")
    var directory = "."

    @Option(help: "The cashup executable to measure.")
    var server = ".build/release/cashup"

    func run() throws {
        let settings = Settings(small: small, directory: directory, server: server)
        let wanted = only.map { Set($0.split(separator: ",").map(String.init)) }
        let benches: [(String, (Settings) throws -> [Section])] = [("core", CoreBench.run), ("wal", WALBench.run)]
        for (name, bench) in benches where wanted?.contains(name) ?? true {
            for section in try bench(settings) {
                print(section.title)
                for figure in section.figures { print("  \(figure.name): \(figure.median) \(figure.unit)") }
            }
        }
    }
}
