extension Report {
    /// Figures name the limit they are held against by its id; the ratios are worked out when all are there. Doing it again changes nothing.
    public mutating func completeRatios() {
        let figures = figuresByID
        for section in sections.indices {
            for place in sections[section].figures.indices {
                let figure = sections[section].figures[place]
                guard var limit = figure.limit else { continue }
                (limit.ratio, limit.paired) = figures[limit.figure].map { figure.ratio(to: $0) } ?? (nil, nil)
                sections[section].figures[place].limit = limit
            }
        }
    }

    /// Ids are unique; should two be the same, the first counts.
    var figuresByID: [String: Figure] {
        Dictionary(sections.flatMap(\.figures).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }
}

extension Figure {
    /// As many samples of both, and more than one: they were taken in pairs, one after the other. The machine drifts by more within minutes than
    /// what is to be seen, and a pair drifts together; so the ratio is the median of the pairs' ratios. Otherwise that of the medians.
    func ratio(to limit: Figure) -> (ratio: Double?, paired: Bool?) {
        let paired = samples.count == limit.samples.count && samples.count > 1
        let ratio = paired ? Figure.median(zip(samples, limit.samples).map { $0 / $1 }) : median / limit.median
        return ratio.isFinite ? (ratio, paired) : (nil, nil)
    }
}
