extension Report {
    /// All figures that have goals, from all sections; empty when there are none.
    func goalsTable(_ limits: Limits) -> String {
        var rows = ""
        var counts: [Verdict.Outcome: Int] = [:]
        for section in sections {
            for figure in section.figures {
                guard let verdict = figure.verdict else { continue }
                counts[verdict.outcome, default: 0] += 1
                let limit = figure.limit.map { _ in
                    "<span class=\"sub name\">\(HTML.escape(limits.name(figure)))</span>"
                } ?? ""
                rows += """
                    <tr><th scope="row">\(HTML.escape(figure.name))\(figure.column.map { ": " + HTML.escape($0) } ?? "")\
                    <span class="sub">\(HTML.escape(section.title))</span></th>\
                    <td class="n">\(figure.valueHTML)</td>\
                    <td class="n" data-name="limit">\(limits.find(figure)?.valueHTML ?? "")\(limit)</td>\
                    <td class="n" data-name="ratio">\(figure.ratioHTML)</td><td class="n" data-name="goal">\(figure.goalHTML)</td><td>\(verdict.badge)</td></tr>

                    """
            }
        }
        let total = counts.values.reduce(0, +)
        if total == 0 { return "" }
        let others = [(counts[.missed], "missed"), (counts[.unknown], "not known")].compactMap { count, what in count.map { ", \($0) \(what)" } }.joined()
        return """
            <section id="goals">
            <h2>Goals</h2>
            <p class="tally"><b>\(counts[.reached] ?? 0) of \(total) reached</b>\(others)</p>
            <div class="scroll"><table class="goals">
            <thead><tr><th>Figure</th><th class="n">Median</th><th class="n">Limit</th><th class="n">Ratio</th><th class="n">Goal</th><th>Against the goal</th></tr></thead>
            <tbody>
            \(rows)</tbody>
            </table></div>
            </section>
            """
    }
}

extension FigureRows {
    /// A figure a line, with all that is known of it.
    func singleTable(_ limits: Limits) -> String {
        let figures = rows.compactMap { $0.figures[0] }
        let (ranges, ratios, goals) = (figures.contains { $0.range != nil }, figures.contains { $0.limit != nil }, figures.contains { $0.goal != nil })
        var html = "<div class=\"scroll\"><table>\n<thead><tr><th>Figure</th><th class=\"n\">Median</th>"
        if ranges { html += "<th class=\"n\">Least to greatest</th>" }
        if ratios { html += "<th class=\"n\">Ratio to its limit</th>" }
        if goals { html += "<th class=\"n\">Goal</th><th>Against the goal</th>" }
        html += "</tr></thead>\n<tbody>\n"
        for figure in figures {
            html += "<tr><th scope=\"row\">\(HTML.escape(figure.name))</th><td class=\"n\"\(figure.samplesTitle)>\(figure.valueHTML)</td>"
            if ranges { html += "<td class=\"n\">\(figure.rangeHTML)</td>" }
            if ratios {
                let name = figure.limit == nil ? "" : "<span class=\"sub name\">\(HTML.escape(limits.name(figure)))</span>"
                html += "<td class=\"n\">\(figure.ratioHTML)\(name)</td>"
            }
            if goals { html += "<td class=\"n\">\(figure.goalHTML)</td><td>\(figure.verdict?.badge ?? "")</td>" }
            html += "</tr>\n"
        }
        return html + "</tbody>\n</table></div>"
    }

    /// A name a line and a figure a column; below each its spread, ratio and goal.
    func wideTable(_ limits: Limits) -> String {
        let units = columns.indices.map(unit(ofColumn:))
        var html = "<div class=\"scroll\"><table>\n<thead><tr><th></th>"
        for (column, unit) in zip(columns, units) {
            let below = unit == nil || unit == column ? "" : "<span class=\"sub\">\(HTML.unit(unit!))</span>"
            html += "<th class=\"n\">\(HTML.escape(column))\(below)</th>"
        }
        html += "</tr></thead>\n<tbody>\n"
        for row in rows {
            let names = row.figures.compactMap { $0 }.filter { $0.limit != nil }.map(limits.name).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
            let against = names.isEmpty ? "" : "<span class=\"sub\">against \(HTML.escape(names.joined(separator: ", ")))</span>"
            html += "<tr><th scope=\"row\">\(HTML.escape(row.name))\(against)</th>"
            for (figure, unit) in zip(row.figures, units) {
                guard let figure else {
                    html += "<td class=\"n\"></td>"
                    continue
                }
                html += "<td class=\"n\"\(figure.samplesTitle)>\(unit == nil ? figure.valueHTML : "<span class=\"value\">\(Format.number(figure.median))</span>")"
                html += "<span class=\"sub\">\(figure.spreadText)</span>"
                if figure.limit != nil { html += "<span class=\"sub\">\(figure.limit?.ratio == nil ? "limit " : "")\(figure.ratioHTML)\(figure.limit?.ratio == nil ? "" : " limit")</span>" }
                if let verdict = figure.verdict { html += "<span class=\"sub\">goal \(figure.goalHTML)</span>\(verdict.badge)" }
                html += "</td>"
            }
            html += "</tr>\n"
        }
        return html + "</tbody>\n</table></div>"
    }
}

extension Figure {
    fileprivate var valueHTML: String { "<span class=\"value\">\(Format.number(median))</span> <span class=\"unit\">\(HTML.unit(unit))</span>" }
    fileprivate var ratioHTML: String { ratioText.replacing(" x", with: " ×") }
    fileprivate var goalHTML: String { goalText.replacing(" x", with: " ×") }
    fileprivate var rangeHTML: String { rangeText.replacing("..", with: " – ") }

    /// All samples, in the order measured, for who points at the figure.
    fileprivate var samplesTitle: String {
        samples.count > 1 ? " title=\"\(samples.map(Format.number).joined(separator: ", "))\"" : ""
    }
}

extension Verdict {
    /// A sign beside the colour: not everyone sees red and green.
    fileprivate var badge: String {
        let (look, sign) =
            switch outcome {
            case .reached: ("reached", "✓")
            case .missed: ("missed", "✗")
            case .unknown: ("unknown", "?")
            }
        return "<span class=\"badge \(look)\">\(sign) \(text.lowercased().replacing("-", with: "−"))</span>"
    }
}
