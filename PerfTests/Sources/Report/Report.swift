/// What one run of the harness found: the JSON that is written, that the page and the table are drawn from, and that two runs are compared by.
public struct Report: Codable, Sendable {
    /// Of the format this build reads and writes.
    public static let currentVersion = 1

    /// Version of this format.
    public var version = Report.currentVersion
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

public struct Machine: Codable, Sendable, Equatable {
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
    /// What the population was, how it was measured, what is excluded. A paragraph each.
    public var notes: [String]
    /// How what was measured was set up, where that is a list: a peer's settings that matter.
    public var configurations: [Configuration]
    public var figures: [Figure]
    public var plots: [Plot]

    /// One program's settings, in the order to print them.
    public struct Configuration: Codable, Sendable {
        /// The program and its version: `PostgreSQL 15.8`.
        public var title: String
        public var settings: [Setting]

        public init(title: String, settings: [Setting]) {
            self.title = title
            self.settings = settings
        }
    }

    /// As the program spells them: `synchronous_commit`, `on`.
    public struct Setting: Codable, Sendable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public init(
        id: String, title: String, notes: [String], configurations: [Configuration] = [], figures: [Figure] = [], plots: [Plot] = []
    ) {
        self.id = id
        self.title = title
        self.notes = notes
        self.configurations = configurations
        self.figures = figures
        self.plots = plots
    }

    /// Only what names a section must be there: files written before a list was added stay readable.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        title = try container.decode(String.self, forKey: .title)
        notes = try container.decodeIfPresent([String].self, forKey: .notes) ?? []
        configurations = try container.decodeIfPresent([Configuration].self, forKey: .configurations) ?? []
        figures = try container.decodeIfPresent([Figure].self, forKey: .figures) ?? []
        plots = try container.decodeIfPresent([Plot].self, forKey: .plots) ?? []
    }
}
