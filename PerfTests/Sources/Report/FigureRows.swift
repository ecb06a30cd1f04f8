/// A section's figures as rows and columns, for the terminal and the page alike.
struct FigureRows {
    struct Row {
        var name: String
        /// One a column, in the order of `columns`; nil where this row has none.
        var figures: [Figure?]
    }
    /// Titles; one without a title when each row is a single figure.
    var columns: [String]
    var rows: [Row]

    var isSingle: Bool { columns == [""] }

    /// The unit that all figures of a column share; nil when they differ.
    func unit(ofColumn column: Int) -> String? {
        let units = Set(rows.compactMap { $0.figures[column]?.unit })
        return units.count == 1 ? units.first : nil
    }

    /// Figures with a column become one table, those without another: one wide, one with room for a range, a limit and a goal beside each figure.
    static func of(_ section: Section) -> [FigureRows] {
        let wide = FigureRows(section.figures.filter { $0.column != nil })
        let single = FigureRows(section.figures.filter { $0.column == nil })
        let all = section.figures.first?.column == nil ? [single, wide] : [wide, single]
        return all.filter { !$0.rows.isEmpty }
    }

    private init(_ figures: [Figure]) {
        columns = []
        rows = []
        for figure in figures where !columns.contains(figure.column ?? "") { columns.append(figure.column ?? "") }
        var places: [String: Int] = [:]
        for figure in figures {
            let column = columns.firstIndex(of: figure.column ?? "")!
            // A second figure of the same name and column gets a row of its own: nothing that was measured is dropped.
            if let place = places[figure.name], rows[place].figures[column] == nil {
                rows[place].figures[column] = figure
            } else {
                places[figure.name] = rows.count
                var row = Row(name: figure.name, figures: Array(repeating: nil, count: columns.count))
                row.figures[column] = figure
                rows.append(row)
            }
        }
    }
}

/// What figures are held against, by name.
struct Limits {
    private let figures: [String: Figure]

    init(_ report: Report) { figures = report.figuresByID }

    func find(_ figure: Figure) -> Figure? { figure.limit.flatMap { figures[$0.figure] } }

    /// For a person; of one that is not in the report, its id.
    func name(_ figure: Figure) -> String {
        guard let limit = figure.limit else { return "" }
        return figures[limit.figure]?.name ?? limit.figure
    }
}
