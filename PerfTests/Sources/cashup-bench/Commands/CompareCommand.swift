import ArgumentParser
import Foundation
import Report

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Two reports, figure by figure: what changed beyond noise.",
        discussion: "A change is beyond noise when the ranges min..max of both runs' samples do not overlap and the medians differ by more than 5 %.")

    @Argument(help: "The report.json to compare with.")
    var base: String

    @Argument(help: "The report.json to judge.")
    var new: String

    @Option(help: "Exit with 1 if a figure got worse, beyond noise, by more than so many percent.")
    var failWorse: Double?

    func validate() throws {
        guard failWorse.map({ $0 >= 0 && $0.isFinite }) ?? true else { throw ValidationError("--fail-worse takes a percentage, 0 or more.") }
    }

    func run() throws {
        let comparison = Comparison(base: try Report.read(base), new: try Report.read(new))
        print(comparison.table())
        guard let failWorse else { return }
        let worse = comparison.worse(byMoreThanPercent: failWorse)
        for change in worse { print("worse by more than \(failWorse) %: \(change.new.id)") }
        if !worse.isEmpty { throw ExitCode(1) }
    }
}
