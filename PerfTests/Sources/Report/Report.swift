/// What one run of the harness found: the JSON that is written, that the page and the table are drawn from, and that two runs are compared by.
public struct Report: Codable, Sendable {
    /// Version of this format.
    public var version = 1
    /// ISO 8601, UTC.
    public var created: String
    public var machine: Machine
    /// Of the product that was measured; `dirty` when the tree held changes that were not committed.
    public var commit: String
    public var dirty: Bool
    /// What to type to repeat it.
    public var commands: [String]
    /// Run with small numbers, to see that everything works: its figures mean nothing.
    public var small: Bool
    public var sections: [Section]

    public init(
        created: String, machine: Machine, commit: String, dirty: Bool, commands: [String], small: Bool, sections: [Section] = []
    ) {
        self.created = created
        self.machine = machine
        self.commit = commit
        self.dirty = dirty
        self.commands = commands
        self.small = small
        self.sections = sections
    }
}

public struct Machine: Codable, Sendable {
    public var processor: String
    public var cores: Int
    public var memoryBytes: Int64
    public var kernel: String
    /// Of the directory that is measured.
    public var filesystem: String
    public var swift: String

    public init(processor: String, cores: Int, memoryBytes: Int64, kernel: String, filesystem: String, swift: String) {
        self.processor = processor
        self.cores = cores
        self.memoryBytes = memoryBytes
        self.kernel = kernel
        self.filesystem = filesystem
        self.swift = swift
    }
}

/// One group of figures that were measured the same way.
public struct Section: Codable, Sendable {
    /// Stable: `core`, `wal`, `limits`, `closed`, `open`, ...
    public var id: String
    public var title: String
    /// What the population was, how it was measured, what is excluded.
    public var notes: [String]
    public var figures: [Figure]
    public var plots: [Plot]

    public init(id: String, title: String, notes: [String], figures: [Figure] = [], plots: [Plot] = []) {
        self.id = id
        self.title = title
        self.notes = notes
        self.figures = figures
        self.plots = plots
    }
}

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
    /// The limit of the same run this is held against, and value / limit (medians).
    public var limit: Limit?
    /// The number to reach (DESIGN section 10), in this figure's unit or as a ratio to its limit.
    public var goal: Goal?

    public struct Limit: Codable, Sendable {
        public var figure: String
        public var ratio: Double
        public init(figure: String, ratio: Double) {
            self.figure = figure
            self.ratio = ratio
        }
    }
    public enum Goal: Codable, Sendable {
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

    public var median: Double {
        let sorted = samples.sorted()
        if sorted.isEmpty { return .nan }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}

public struct Plot: Codable, Sendable {
    public enum Scale: String, Codable, Sendable { case linear, logarithmic, percentile }
    public struct Axis: Codable, Sendable {
        public var title: String
        public var unit: String
        public var scale: Scale
        public init(title: String, unit: String, scale: Scale) {
            self.title = title
            self.unit = unit
            self.scale = scale
        }
    }
    public struct Line: Codable, Sendable {
        public var name: String
        /// (x, y)
        public var points: [[Double]]
        public init(name: String, points: [[Double]]) {
            self.name = name
            self.points = points
        }
    }
    public var id: String
    public var title: String
    public var x: Axis
    public var y: Axis
    public var lines: [Line]

    public init(id: String, title: String, x: Axis, y: Axis, lines: [Line]) {
        self.id = id
        self.title = title
        self.x = x
        self.y = y
        self.lines = lines
    }
}
