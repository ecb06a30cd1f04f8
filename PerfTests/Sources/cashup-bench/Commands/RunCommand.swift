import ArgumentParser
import Foundation
import Report

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "run", abstract: "Measure, print a table, write report.json and report.html.")

    @Option(help: "The cashup executable to measure.")
    var server = ".build/release/cashup"

    @Option(help: "Where data directories are made: the disk that is measured.")
    var directory = ".build/perf"

    @Option(help: "Where the report goes.")
    var output = ".build/perf"

    @Option(parsing: .upToNextOption, help: "Only these: \(Suite.allCases.map(\.rawValue).joined(separator: ", ")). Peers are left out unless named.")
    var only: [Suite] = []

    @Option(help: "Repetitions of each measurement; a figure is their median.")
    var repetitions = 3

    @Option(help: "Of core and workloads only what has this in its figure's id, of wal the sections with this in their ids.")
    var matching = ""

    @Option(help: "A venue's recorded order flow, as `cashup replay-orders` takes it; left out where it is not there.")
    var recordedFlow = "../shared/data/bitstamp-btcusd-2015-05-01-orders.csv.xz"

    @Flag(help: "Small numbers: shows that everything works, measures nothing.")
    var small = false

    func run() throws {
        let settings = Settings(small: small, directory: directory, server: server, repetitions: small ? 1 : repetitions, matching: matching,
            recordedFlow: FileManager.default.fileExists(atPath: recordedFlow) ? recordedFlow : nil)
        var report = Report(
            created: ISO8601DateFormatter().string(from: Date()), machine: .current(measuring: directory), commit: Source.commit, dirty: Source.isDirty,
            commands: [CommandLine.arguments.joined(separator: " ")], small: small)
        for suite in only.isEmpty ? Suite.usual : Suite.allCases.filter(only.contains) {
            FileHandle.standardError.write(Data("measuring: \(suite.rawValue)\n".utf8))
            report.sections += try suite.run(settings)
        }
        report.completeRatios()
        print(report.table())
        let folder = URL(fileURLWithPath: output)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try report.json().write(to: folder.appendingPathComponent("report.json"))
        try Data(report.page().utf8).write(to: folder.appendingPathComponent("report.html"))
        print("written: \(output)/report.json, \(output)/report.html")
    }
}
