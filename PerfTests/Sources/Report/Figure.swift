/// One number that was measured: several times, against a limit where there is one, with a goal where there is one.
public struct Figure: Codable, Sendable {
    public enum Better: String, Codable, Sendable { case higher, lower }

    /// Stable across runs, unique in the report: `core/new-cancel/100000`. Comparison goes by it.
    public var id: String
    /// For a person: `new + cancel by ClOrdID, 100,000 open orders`.
    public var name: String
    /// What of it this is, where one measurement gives several figures: `orders/s`, `p50`, `p99`. Figures of a section with one name are one row.
    public var column: String?
    /// As printed: `operations/s`, `ns`, `us`, `B`, `records/s`.
    public var unit: String
    public var better: Better
    /// One value a repetition, in the order measured; the figure is their median.
    public var samples: [Double]
    /// The limit of the same run this is held against.
    public var limit: Limit?
    /// The number to reach (DESIGN section 10), in this figure's unit or as a ratio to its limit.
    public var goal: Goal?

    public struct Limit: Codable, Sendable {
        /// The id of a figure of the same report.
        public var figure: String
        /// value / limit, as `completeRatios()` finds it; nil when the limit is not in the report, or is nothing to divide by.
        public var ratio: Double?
        /// The ratio is the median of the repetitions' ratios, not the ratio of the medians.
        public var paired: Bool?

        public init(figure: String, ratio: Double? = nil) {
            self.figure = figure
            self.ratio = ratio
        }
    }

    /// In JSON: `{"value": 200}`, `{"ratio": 0.5}`. At least or at most that, as `better` says.
    public enum Goal: Sendable, Equatable {
        case value(Double)
        case ratio(Double)
    }

    public init(
        id: String, name: String, column: String? = nil, unit: String, better: Better, samples: [Double], limit: Limit? = nil, goal: Goal? = nil
    ) {
        self.id = id
        self.name = name
        self.column = column
        self.unit = unit
        self.better = better
        self.samples = samples
        self.limit = limit
        self.goal = goal
    }

    /// NaN when nothing was measured.
    public var median: Double { Figure.median(samples) }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        if sorted.isEmpty { return .nan }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// Least to greatest sample; nil with fewer than two, when there is no spread to speak of.
    var range: ClosedRange<Double>? {
        guard samples.count > 1, samples.allSatisfy(\.isFinite) else { return nil }
        return samples.min()!...samples.max()!
    }
}

extension Figure.Goal: Codable {
    private enum CodingKeys: String, CodingKey { case value, ratio }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let value = try container.decodeIfPresent(Double.self, forKey: .value) {
            self = .value(value)
        } else {
            self = .ratio(try container.decode(Double.self, forKey: .ratio))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .value(let value): try container.encode(value, forKey: .value)
        case .ratio(let ratio): try container.encode(ratio, forKey: .ratio)
        }
    }
}
