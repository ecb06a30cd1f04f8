import ArgumentParser
import Foundation
import Load
import Report

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "run", abstract: "Measure.")

    @Option(help: "The cashup executable to measure.")
    var server = ".build/release/cashup"

    func run() throws {
        let settings = Settings(small: false, directory: ".build/perf", server: server)
        for kind in EchoProcess.Kind.allCases {
            let echo = try EchoProcess(kind, settings)
            for (c, w) in [(1, 1), (8, 64), (8, 64), (32, 512)] {
                var population = Population()
                let before = echo.processorTime()
                let r = try ClosedLoop(connections: c, window: w, seconds: 1).run(port: echo.port, workload: &population)
                let cpu = echo.processorTime() - before
                print(kind, c, w, Int(r.perSecond), r.latencies.microseconds(percentile: 50), r.latencies.microseconds(percentile: 99), "client", r.clientNanosecondsPerAnswer, "server", cpu.sum / Double(r.answeredInAll) * 1e9, r.fault ?? "")
            }
        }
        let server = try ServerProcess(settings)
        try server.configure(Population.funding())
        var population = Population()
        for (c, w) in [(1, 1), (8, 64), (8, 64), (32, 512)] {
            let before = server.processorTime()
            let r = try ClosedLoop(connections: c, window: w, seconds: 1).run(port: server.port, workload: &population)
            let cpu = server.processorTime() - before
            print("service", c, w, Int(r.perSecond), r.latencies.microseconds(percentile: 50), r.latencies.microseconds(percentile: 99), "client", r.clientNanosecondsPerAnswer, "server", cpu.sum / Double(r.answeredInAll) * 1e9, r.fault ?? "")
        }
        server.stop()
    }
}
