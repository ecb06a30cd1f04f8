extension Report {
    /// One HTML file that needs nothing else, not even a network: style, script and drawings are in it. Ratios are worked out first.
    public func page() -> String {
        var report = self
        report.completeRatios()
        return report.completedPage()
    }

    private func completedPage() -> String {
        let limits = Limits(self)
        let goals = goalsTable(limits)
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
            <title>CashUp: what was measured, \(HTML.escape(created)), \(HTML.escape(commit))</title>
            <style>
            \(PageStyle.sheet)
            </style>
            </head>
            <body>
            <main>
            <header>
            <h1>CashUp: what was measured</h1>
            \(small ? Report.smallAlarm : "")
            \(facts)
            \(contents(withGoals: !goals.isEmpty))
            </header>
            \(goals)
            \(sections.map { $0.html(limits) }.joined(separator: "\n"))
            <footer>
            <p>Figures are medians of the repetitions. ± is half of the range from least to greatest, as a part of the median. A ratio to a limit is the median
            of the repetitions' ratios where both were measured in pairs, else the ratio of the medians. A percentage beside a goal is by how much the figure
            is above or below it.</p>
            </footer>
            </main>
            <script>
            \(PageScript.source)
            </script>
            </body>
            </html>

            """
    }

    private static let smallAlarm = """
        <p class="alarm" role="alert">Small run: it shows that everything works. These figures mean nothing.</p>
        """

    private var facts: String {
        var facts = [
            ("Measured", HTML.escape(created)),
            ("Commit", "<code>\(HTML.escape(commit))</code>" + (dirty ? " <span class=\"flag\">dirty: with changes that are not committed</span>" : "")),
            ("Machine", HTML.escape(machine.summary)),
            ("Swift", HTML.escape(machine.swift)),
        ]
        if !commands.isEmpty { facts.append(("To repeat", commands.map { "<code>\(HTML.escape($0))</code>" }.joined(separator: "<br>"))) }
        return "<dl class=\"facts\">\n" + facts.map { "<dt>\($0)</dt><dd>\($1)</dd>" }.joined(separator: "\n") + "\n</dl>"
    }

    private func contents(withGoals: Bool) -> String {
        guard sections.count + (withGoals ? 1 : 0) > 1 else { return "" }
        let entries = (withGoals ? [("goals", "Goals")] : []) + sections.map { ($0.anchor, $0.title) }
        return "<nav>" + entries.map { "<a href=\"#\($0)\">\(HTML.escape($1))</a>" }.joined(separator: "\n") + "</nav>"
    }
}

extension Section {
    fileprivate var anchor: String { "section-" + HTML.escape(id) }

    func html(_ limits: Limits) -> String {
        var parts = ["<section id=\"\(anchor)\">", "<h2>\(HTML.escape(title))</h2>"]
        if !notes.isEmpty { parts.append("<div class=\"notes\">" + notes.map { "<p>\(HTML.prose($0))</p>" }.joined(separator: "\n") + "</div>") }
        for rows in FigureRows.of(self) { parts.append(rows.isSingle ? rows.singleTable(limits) : rows.wideTable(limits)) }
        if !configurations.isEmpty {
            parts.append("<div class=\"settings\">" + configurations.map { $0.html }.joined(separator: "\n") + "</div>")
        }
        parts += plots.map(\.html)
        parts.append("</section>")
        return parts.joined(separator: "\n")
    }
}

extension Section.Configuration {
    fileprivate var html: String {
        let entries = settings.map { "<dt><code>\(HTML.escape($0.name))</code></dt><dd><code>\(HTML.escape($0.value))</code></dd>" }
        return "<div><h3>\(HTML.escape(title))</h3><dl>\(entries.joined(separator: "\n"))</dl></div>"
    }
}

extension Plot {
    fileprivate var html: String {
        let drawing = PlotDrawing(self)
        // A plot of nothing is said to be one: a frame without lines looks like a broken page.
        if drawing.isEmpty { return "<div class=\"scroll\"><p class=\"faint\" style=\"padding: 8px 14px; margin: 0\">\(HTML.escape(title)): no points</p></div>" }
        return """
            <figure id="plot-\(HTML.escape(id))">
            <figcaption>\(HTML.escape(title))</figcaption>
            <div class="drawing"><div>\(drawing.svg(.wide))\(drawing.svg(.narrow))</div>\(drawing.legend())</div>
            <script type="application/json">\(drawing.data())</script>
            </figure>
            """
    }
}
