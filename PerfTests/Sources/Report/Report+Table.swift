extension Report {
    /// For a terminal, 150 columns at most unless figures alone need more. Ratios are worked out first.
    public func table() -> String {
        var report = self
        report.completeRatios()
        let limits = Limits(report)
        var parts = [report.heading]
        for section in report.sections { parts.append(section.text(limits)) }
        parts.append("Figures are medians; ± is half of min..max of the repetitions.")
        if let goals = report.goalSummary { parts.append(goals) }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private var heading: String {
        var grid = TextGrid([.left, .left])
        grid.append(["machine", machine.summary])
        grid.append(["swift", machine.swift])
        grid.append(["measured", created])
        grid.append(["commit", commit + (dirty ? "  DIRTY: with changes that are not committed" : "")])
        for (place, command) in commands.enumerated() { grid.append([place == 0 ? "command" : "", command]) }
        let text = grid.text(indent: "")
        return small ? Report.smallBanner + "\n\n" + text : text
    }

    static let smallBanner = """
        ******************************************************************************
        ***  SMALL RUN: shows that everything works. THESE FIGURES MEAN NOTHING.   ***
        ******************************************************************************
        """

    /// `Goals: 3 of 5 reached; missed: ...`; nil when there are none.
    private var goalSummary: String? {
        let figures = sections.flatMap(\.figures).filter { $0.goal != nil }
        if figures.isEmpty { return nil }
        func names(_ outcome: Verdict.Outcome) -> [String] { figures.filter { $0.verdict?.outcome == outcome }.map(\.id) }
        var text = "Goals: \(names(.reached).count) of \(figures.count) reached"
        if small { text += " (small run: means nothing)" }
        for (what, names) in [("missed", names(.missed)), ("not known", names(.unknown))] where !names.isEmpty {
            let line = "  \(what): " + names.joined(separator: ", ")
            text += "\n" + TextGrid.wrap(line, width: TextGrid.width).joined(separator: "\n")
        }
        return text
    }
}

extension Section {
    func text(_ limits: Limits) -> String {
        var blocks = [title + "\n" + String(repeating: "=", count: min(title.count, TextGrid.width))]
        if !notes.isEmpty {
            blocks.append(notes.flatMap { TextGrid.wrap($0, width: 110, hanging: "") }.map { "  " + $0 }.joined(separator: "\n"))
        }
        for rows in FigureRows.of(self) { blocks.append(rows.isSingle ? rows.singleText(limits) : rows.wideText(limits)) }
        for configuration in configurations {
            var grid = TextGrid([.left, .left])
            for setting in configuration.settings { grid.append([setting.name, setting.value]) }
            blocks.append("  \(configuration.title)\n" + grid.text(indent: "    "))
        }
        return blocks.joined(separator: "\n\n")
    }
}

extension FigureRows {
    /// A figure a line, with all that is known of it.
    func singleText(_ limits: Limits) -> String {
        var grid = TextGrid([.left, .right, .left, .right, .right, .left, .left, .left], wrapping: 5)
        let heads = ["", "median", "", "min..max", "ratio", "to limit", "goal", "goal reached?"]
        let figures = rows.compactMap { $0.figures[0] }
        // A head alone would keep an empty column.
        let some = [
            true, true, true, figures.contains { $0.range != nil }, figures.contains { $0.limit != nil }, figures.contains { $0.limit != nil },
            figures.contains { $0.goal != nil }, figures.contains { $0.goal != nil },
        ]
        grid.append(zip(heads, some).map { $1 ? $0 : "" })
        grid.rule()
        for figure in figures {
            grid.append([
                figure.name, Format.number(figure.median), figure.unit, figure.rangeText, figure.ratioText, limits.name(figure), figure.goalText,
                figure.verdict?.text ?? "",
            ])
        }
        return grid.text()
    }

    /// A name a line and a figure a column; ratios and goals on lines of their own below, where there are any.
    func wideText(_ limits: Limits) -> String {
        // Two columns each: the figure and its spread.
        var grid = TextGrid([.left] + columns.flatMap { _ in [TextGrid.Alignment.right, .left] })
        let units = columns.indices.map(unit(ofColumn:))
        grid.append([""] + columns.flatMap { [$0, ""] })
        if units.contains(where: { $0 != nil }) {
            let heads = zip(columns, units).map { column, unit in unit == nil || unit == column ? "" : unit! }
            if heads.contains(where: { !$0.isEmpty }) { grid.append([""] + heads.flatMap { [$0, ""] }) }
        }
        grid.rule()
        let hasMore = rows.contains { $0.figures.contains { $0?.limit != nil || $0?.goal != nil } }
        for (place, row) in rows.enumerated() {
            if hasMore, place > 0 { grid.space() }
            grid.append(
                [row.name]
                    + zip(row.figures, units).flatMap { figure, unit -> [String] in
                        guard let figure else { return ["", ""] }
                        return [Format.number(figure.median) + (unit == nil ? " " + figure.unit : ""), figure.spreadText]
                    })
            func below(_ title: String, _ text: (Figure) -> String) {
                let cells = row.figures.map { $0.map(text) ?? "" }
                if cells.contains(where: { !$0.isEmpty }) { grid.append(["    " + title] + cells.flatMap { [$0, ""] }) }
            }
            let names = row.figures.compactMap { $0 }.filter { $0.limit != nil }.map(limits.name)
            below("to " + names.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }.joined(separator: ", "), \.ratioText)
            below("goal", \.goalText)
            below("goal reached?") { $0.verdict?.text ?? "" }
        }
        return grid.text()
    }
}
