extension Comparison {
    /// For a terminal.
    public func table() -> String {
        var parts: [String] = []
        if !warnings.isEmpty { parts.append(warnings.map { "WARNING: " + $0 }.joined(separator: "\n")) }
        var heading = TextGrid([.left, .left, .left])
        for (name, report) in [("base", base), ("new", new)] {
            heading.append([name, report.commit + (report.dirty ? " (dirty)" : ""), report.created])
        }
        parts.append(heading.text(indent: ""))
        parts.append(Comparison.rule)
        for group in groups { parts.append(group.title + "\n" + text(group.changes)) }
        parts += [("Only in base", onlyBase), ("Only in new", onlyNew)].filter { !$0.1.isEmpty }.map { title, figures in
            "\(title):\n" + figures.map { "  \($0.id)  \(Format.number($0.median)) \($0.unit)" }.joined(separator: "\n")
        }
        parts.append(summary)
        return parts.joined(separator: "\n\n") + "\n"
    }

    private static let rule = """
        BETTER, WORSE: beyond noise, that is the ranges min..max of both do not overlap and the medians differ by more than \(Format.percent(noisePart)).
        A single sample on either side gives no range: BETTER, WORSE from a difference of more than \(Format.percent(noisePartOfSingles)) on, else not judged.
        same: within noise. Machines drift between runs; ratios to a limit of the same run drift less.
        """

    private func text(_ changes: [Change]) -> String {
        var grid = TextGrid([.left, .right, .right, .left, .right, .right, .left, .left], wrapping: 7)
        let hasRatios = changes.contains { $0.base.limit?.ratio != nil && $0.new.limit?.ratio != nil }
        grid.append(["", "base", "new", "", "new/base", "change", "judged", hasRatios ? "ratio to limit" : ""])
        grid.rule()
        for change in changes {
            let (base, new) = (change.base, change.new)
            var ratios = ""
            if let before = base.limit?.ratio, let after = new.limit?.ratio { ratios = "\(Format.ratio(before)) -> \(Format.ratio(after))" }
            grid.append([
                new.name + (new.column.map { ": " + $0 } ?? ""), Format.number(base.median), Format.number(new.median),
                base.unit == new.unit ? new.unit : "\(base.unit) -> \(new.unit)", change.ratio.map(Format.ratio) ?? "-",
                change.ratio.map { Format.signedPercent($0 - 1) } ?? "-", change.judgement.text, ratios,
            ])
        }
        return grid.text()
    }

    /// `2 better, 1 worse, 14 same, 3 not judged`
    private var summary: String {
        let counts = changes.reduce(into: [Judgement: Int]()) { $0[$1.judgement, default: 0] += 1 }
        var text = "\(counts[.better] ?? 0) better, \(counts[.worse] ?? 0) worse, \(counts[.noise] ?? 0) same"
        if let count = counts[.notJudged] { text += ", \(count) not judged" }
        if let count = counts[.notComparable] { text += ", \(count) not comparable" }
        return text
    }
}

extension Comparison.Judgement: Hashable {
    public var text: String {
        switch self {
        case .better: "BETTER"
        case .worse: "WORSE"
        case .noise: "same"
        case .notJudged: "not judged"
        case .notComparable: "not comparable"
        }
    }
}
