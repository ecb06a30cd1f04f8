/// Aligned columns for a terminal. Columns that are empty throughout are left out; where lines would be too long, texts are wrapped: those of the
/// first column, then those of `wrapping`.
struct TextGrid {
    enum Alignment { case left, right }
    private enum Line {
        case cells([String])
        case rule, space
    }
    static let width = 150
    private static let gap = "  "
    private static let narrowest = 30

    let alignments: [Alignment]
    let wrapping: Int?
    private var lines: [Line] = []

    init(_ alignments: [Alignment], wrapping: Int? = nil) {
        self.alignments = alignments
        self.wrapping = wrapping
    }

    mutating func append(_ cells: [String]) { lines.append(.cells(cells)) }
    mutating func rule() { lines.append(.rule) }
    mutating func space() { lines.append(.space) }

    func text(indent: String = "  ") -> String {
        let rows = lines.compactMap { if case .cells(let cells) = $0 { cells } else { nil } }
        var widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let shown = widths.indices.filter { widths[$0] > 0 }
        guard let first = shown.first else { return "" }
        func total() -> Int { shown.reduce(0) { $0 + widths[$1] } + TextGrid.gap.count * (shown.count - 1) }
        for column in [first] + (wrapping.map { [$0] } ?? []) {
            let excess = total() - (TextGrid.width - indent.count)
            if excess > 0 { widths[column] = max(min(widths[column], TextGrid.narrowest), widths[column] - excess) }
        }

        var output: [String] = []
        for line in lines {
            switch line {
            case .space: output.append("")
            case .rule: output.append(indent + String(repeating: "-", count: total()))
            case .cells(let cells):
                let parts = shown.map { TextGrid.wrap(cells[$0], width: widths[$0]) }
                for place in 0..<(parts.map(\.count).max() ?? 0) {
                    let texts = zip(shown, parts).map { column, parts in
                        TextGrid.pad(place < parts.count ? parts[place] : "", widths[column], alignments[column])
                    }
                    output.append(TextGrid.trimmed(indent + texts.joined(separator: TextGrid.gap)))
                }
            }
        }
        return output.joined(separator: "\n")
    }

    /// At spaces, further lines two places to the right of the first; a longer word is cut. Never empty.
    static func wrap(_ text: String, width: Int, hanging: String = "  ") -> [String] {
        if text.count <= width { return [text] }
        let leading = String(text.prefix { $0 == " " })
        var lines: [String] = []
        var line = leading
        var isEmpty = true
        func end() {
            lines.append(line)
            line = leading + hanging
            isEmpty = true
        }
        for word in text.split(separator: " ") {
            var word = word
            if !isEmpty, line.count + 1 + word.count > width { end() }
            while line.count + word.count > width, line.count < width {
                let part = word.prefix(width - line.count)
                line += part
                word.removeFirst(part.count)
                end()
            }
            if word.isEmpty { continue }
            line += isEmpty ? word : " " + word
            isEmpty = false
        }
        if !isEmpty { lines.append(line) }
        return lines
    }

    private static func pad(_ text: String, _ width: Int, _ alignment: Alignment) -> String {
        let space = String(repeating: " ", count: max(0, width - text.count))
        return alignment == .left ? text + space : space + text
    }

    private static func trimmed(_ text: String) -> String {
        var text = text
        while text.last == " " { text.removeLast() }
        return text
    }
}
