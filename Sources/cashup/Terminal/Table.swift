import Client

/// Rows of an answer, aligned for reading.
struct Table {
    /// What the words before the options are, by verb. Verbs that are not here have rows of other forms, printed as they are.
    private static let wordNames: [String: [String]] = [
        "BAL": ["asset", "wallet"], "POS": ["symbol"], "ORD": ["order"], "TRD": ["trade"], "INS": ["symbol"], "AST": ["asset"],
        "WLT": ["wallet"], "VEN": ["venue"], "ACC": ["account"], "LIM": ["account"], "BOOK": ["side"], "MKT": ["symbol"],
    ]

    private let header: [String]
    private let cells: [[String]]

    /// nil if rows of this verb are no table.
    init?(verb: String, rows: [Fields]) {
        guard let names = Self.wordNames[verb], !rows.isEmpty else { return nil }
        let wordCount = rows.map(\.words.count).max() ?? 0
        var keys: [String] = []
        for row in rows {
            for pair in row.pairs where !keys.contains(pair.key) { keys.append(pair.key) }
        }
        header = (0..<wordCount).map { $0 < names.count ? names[$0] : "" } + keys
        cells = rows.map { row in
            (0..<wordCount).map { $0 < row.words.count ? row.words[$0] : "" } + keys.map { row[$0] ?? "" }
        }
    }

    /// Lines of a table; where it is wider than the terminal and short, one block a row instead.
    func lines(columnsMax: Int, style: Style) -> [String] {
        let widths = header.indices.map { column in
            max(header[column].count, cells.map { $0[column].count }.max() ?? 0)
        }
        if widths.reduce(0, +) + 2 * (widths.count - 1) > columnsMax, cells.count <= 3 { return blocks(style: style) }
        let rightAligned = header.indices.map { column in cells.allSatisfy { Self.isNumber($0[column]) } }
        func line(_ row: [String]) -> String {
            let padded = row.indices.map { column in
                let blanks = String(repeating: " ", count: widths[column] - row[column].count)
                return rightAligned[column] ? blanks + row[column] : row[column] + blanks
            }
            var text = padded.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            return text
        }
        return [style.bold(line(header))] + cells.map(line)
    }

    private func blocks(style: Style) -> [String] {
        let width = header.map(\.count).max() ?? 0
        return cells.flatMap { row in
            header.indices.filter { !row[$0].isEmpty }.map { column in
                style.bold(header[column] + String(repeating: " ", count: width - header[column].count)) + "  " + row[column]
            }
        }
    }

    private static func isNumber(_ text: String) -> Bool {
        text.utf8.allSatisfy { ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }
}

/// Colours, on terminals only.
struct Style: Sendable {
    let isColoured: Bool

    func bold(_ text: String) -> String { wrap(text, "1") }
    func red(_ text: String) -> String { wrap(text, "31") }
    func cyan(_ text: String) -> String { wrap(text, "36") }
    func dim(_ text: String) -> String { wrap(text, "2") }

    private func wrap(_ text: String, _ code: String) -> String { isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}
