import Foundation

/// What a finished replay prints: one name and its figures a line.
struct ReplayReport {
    let file: String
    let plan: ReplayPlan
    let result: Replay.Result
    let window: Int

    var text: String {
        var result = result
        var lines: [(String, String)] = [
            ("file", "\(URL(fileURLWithPath: file).lastPathComponent)"),
            ("events", "\(plan.events)"),
            ("orders", "\(plan.counts[ReplayPlan.Kind.new.rawValue])"),
            ("replaces", "\(plan.counts[ReplayPlan.Kind.replace.rawValue])"),
            ("fills", "\(plan.counts[ReplayPlan.Kind.fill.rawValue])"),
            ("cancels", "\(plan.counts[ReplayPlan.Kind.cancel.rawValue])"),
            ("skipped", "\(plan.skipped.values.reduce(0, +))"),
        ]
        for reason in ReplayPlan.Skip.allCases {
            lines.append(("", "\(plan.skipped[reason] ?? 0) \(reason.rawValue)"))
        }
        let sent = result.figures
        lines += [
            ("still open", "\(result.stillOpen) as the service shows, \(plan.openOrders.count) by the file"),
            ("sent", "\(sent.answered) commands answered now, \(result.doneBefore) done before, \(sent.repeats) repeats, \(sent.refusalCount) refused"),
            ("connections", "\(result.connections)"),
            ("elapsed", String(format: "%.3f s", result.elapsedSeconds)),
        ]
        if result.elapsedSeconds > 0 {
            lines.append(("orders/s", String(format: "%.0f", Double(sent.newOrders) / result.elapsedSeconds)))
            lines.append(("commands/s", String(format: "%.0f", Double(sent.answered) / result.elapsedSeconds)))
        }
        let percentiles = [50, 90, 99, 99.9, 100].compactMap { percent in
            result.figures.latencies.percentile(percent).map { nanoseconds in
                (percent == 100 ? "max" : String(format: "p%g", percent)) + String(format: " %.3f ms", Double(nanoseconds) / 1e6)
            }
        }
        if !percentiles.isEmpty { lines.append(("latency", percentiles.joined(separator: ", ") + "; window \(window)")) }
        return lines.map { $0.0.padding(toLength: 12, withPad: " ", startingAt: 0) + $0.1 }.joined(separator: "\n")
    }
}
