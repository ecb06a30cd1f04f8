/// Two reports, figure by figure, by id.
public struct Comparison: Sendable {
    /// Medians that differ by no more than this are called the same, whatever the ranges: the machine alone drifts by as much.
    public static let noisePart = 0.05
    /// The same where one side has a single sample, so that there is no range to judge by: shared machines drift by as much within minutes.
    public static let noisePartOfSingles = 0.25

    public enum Judgement: Sendable, Equatable {
        case better, worse
        /// The ranges min..max overlap, or the medians differ by no more than `noisePart`.
        case noise
        /// A single sample on either side, and a difference that is more than `noisePart` but may be drift; or no number at all.
        case notJudged
        /// Another unit or another direction: another figure by the same id.
        case notComparable
    }

    public struct Change: Sendable {
        public var base: Figure
        public var new: Figure
        public var judgement: Judgement
        /// new / base, of the medians; nil when that is no number.
        public var ratio: Double?

        /// By how much the new median is worse, as a part of the base's; negative when it is better.
        public var worsening: Double? { ratio.map { new.better == .lower ? $0 - 1 : 1 - $0 } }
    }

    public struct Group: Sendable {
        public var title: String
        public var changes: [Change]
    }

    public private(set) var groups: [Group] = []
    /// Figures that only one of the two has.
    public private(set) var onlyBase: [Figure] = []
    public private(set) var onlyNew: [Figure] = []
    /// Why the comparison may mean little.
    public private(set) var warnings: [String] = []
    let base: Report
    let new: Report

    public init(base: Report, new: Report) {
        var (base, new) = (base, new)
        base.completeRatios()
        new.completeRatios()
        self.base = base
        self.new = new
        let before = base.figuresByID
        let after = new.figuresByID
        var seen: Set<String> = []
        for section in new.sections {
            var group = Group(title: section.title, changes: [])
            for figure in section.figures where seen.insert(figure.id).inserted {
                guard let old = before[figure.id] else {
                    onlyNew.append(figure)
                    continue
                }
                group.changes.append(Comparison.change(from: old, to: figure))
            }
            if !group.changes.isEmpty { groups.append(group) }
        }
        onlyBase = base.sections.flatMap(\.figures).filter { after[$0.id] == nil }
        warnings = Comparison.warnings(base, new)
    }

    public var changes: [Change] { groups.flatMap(\.changes) }

    /// Figures that got worse, beyond noise, by more than so many percent of the base's median.
    public func worse(byMoreThanPercent percent: Double) -> [Change] {
        changes.filter { $0.judgement == .worse && ($0.worsening ?? 0) * 100 > percent }
    }

    private static func change(from base: Figure, to new: Figure) -> Change {
        let ratio = new.median / base.median
        var change = Change(base: base, new: new, judgement: .notComparable, ratio: ratio.isFinite ? ratio : nil)
        guard base.unit == new.unit, base.better == new.better else {
            change.ratio = nil
            return change
        }
        guard let worsening = change.worsening else {
            change.judgement = .notJudged
            return change
        }
        let changed: Judgement = worsening > 0 ? .worse : .better
        if abs(worsening) <= noisePart {
            change.judgement = .noise
        } else if let before = base.range, let after = new.range {
            change.judgement = before.overlaps(after) ? .noise : changed
        } else {
            change.judgement = abs(worsening) > noisePartOfSingles ? changed : .notJudged
        }
        return change
    }

    private static func warnings(_ base: Report, _ new: Report) -> [String] {
        var warnings: [String] = []
        for (report, name) in [(base, "base"), (new, "new")] {
            if report.small { warnings.append("\(name) is a SMALL RUN: its figures mean nothing") }
            if report.dirty { warnings.append("\(name) was measured with changes that were not committed (\(report.commit), dirty)") }
            let ids = report.sections.flatMap(\.figures).map(\.id)
            let twice = Set(ids.filter { id in ids.count { $0 == id } > 1 }).sorted()
            if !twice.isEmpty { warnings.append("\(name) has figures of the same id, of which the first counts: \(twice.joined(separator: ", "))") }
        }
        let facts: [(String, (Machine) -> String)] = [
            ("processor", \.processor), ("cores", { "\($0.cores)" }), ("memory", { Format.gibibytes($0.memoryBytes) }), ("kernel", \.kernel),
            ("file system", \.filesystem), ("Swift", \.swift),
        ]
        for (name, fact) in facts where fact(base.machine) != fact(new.machine) {
            warnings.append("another machine, \(name): \(fact(base.machine)) -> \(fact(new.machine))")
        }
        return warnings
    }
}
