/// A figure against its goal.
struct Verdict {
    enum Outcome {
        case reached, missed
        /// Nothing was measured, or the limit that the goal is a ratio to is not there.
        case unknown
    }
    var outcome: Outcome
    /// (value - goal) / goal; nil when that is no number.
    var difference: Double?

    /// `reached, +24 %`: by how much the value is above or below the goal, not how much better it is.
    var text: String {
        switch outcome {
        case .reached: "reached" + (difference.map { ", " + Format.signedPercent($0) } ?? "")
        case .missed: "MISSED" + (difference.map { ", " + Format.signedPercent($0) } ?? "")
        case .unknown: "not known"
        }
    }
}

extension Figure {
    /// nil without a goal. Judged by the numbers as measured, not as rounded for print.
    var verdict: Verdict? {
        guard let goal else { return nil }
        let (value, target): (Double?, Double) =
            switch goal {
            case .value(let target): (median, target)
            case .ratio(let target): (limit?.ratio, target)
            }
        guard let value, value.isFinite else { return Verdict(outcome: .unknown, difference: nil) }
        let reached = better == .higher ? value >= target : value <= target
        let difference = (value - target) / target
        return Verdict(outcome: reached ? .reached : .missed, difference: difference.isFinite ? difference : nil)
    }
}
