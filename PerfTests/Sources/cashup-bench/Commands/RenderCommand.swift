import ArgumentParser
import Foundation
import Report

struct RenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "render", abstract: "Print a report's table and write its report.html again.")

    @Argument(help: "A report.json of an earlier run.")
    var report: String

    @Option(help: "The directory report.html goes to; beside the report if not given.")
    var output: String?

    func run() throws {
        let contents = try Report.read(report)
        print(contents.table())
        let folder = output.map { URL(fileURLWithPath: $0) } ?? URL(fileURLWithPath: report).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(contents.page().utf8).write(to: folder.appendingPathComponent("report.html"))
        print("written: \(folder.appendingPathComponent("report.html").relativePath)")
    }
}

extension Report {
    /// Says what is wrong and exits: 64 (usage) when the file cannot be read, 65 (data) when it is no report of this version.
    static func read(_ file: String) throws -> Report {
        do {
            return try Report(file: file)
        } catch {
            FileHandle.standardError.write(Data("Error: \(error)\n".utf8))
            throw ExitCode(error.cause == .file ? EX_USAGE : EX_DATAERR)
        }
    }
}
