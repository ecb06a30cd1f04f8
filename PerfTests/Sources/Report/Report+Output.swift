import Foundation

extension Report {
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    /// For a terminal.
    public func table() -> String {
        sections.map { section in
            "\n\(section.title)\n" + section.figures.map { "  \($0.name) \($0.column ?? ""): \($0.median) \($0.unit)" }.joined(separator: "\n")
        }.joined(separator: "\n")
    }

    /// Self-contained HTML.
    public func page() -> String { "" }

    /// Figures name the limit they are held against by its id; the ratio is worked out when all are there.
    public mutating func completeRatios() {
        var medians: [String: Double] = [:]
        for figure in sections.flatMap(\.figures) { medians[figure.id] = figure.median }
        for section in sections.indices {
            for place in sections[section].figures.indices {
                guard let limit = sections[section].figures[place].limit, let median = medians[limit.figure] else { continue }
                let ratio = sections[section].figures[place].median / median
                sections[section].figures[place].limit?.ratio = ratio
            }
        }
    }
}
