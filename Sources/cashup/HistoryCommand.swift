import ArgumentParser
import Foundation
import History
import WAL

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Look at the database of closed orders, trades and the ledger, take its schema up or down, or make it again.",
        discussion: "It is made from the log, beside the log, by `cashup serve`. docs/HISTORY.md says what is in it.",
        subcommands: [Status.self, Migrate.self, Rebuild.self])

    struct Directory: ParsableArguments {
        @Option(help: ArgumentHelp("The data directory.", valueName: "dir"))
        var data: String

        func validate() throws {
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: data, isDirectory: &isDirectory), isDirectory.boolValue else {
                throw ValidationError("\(data) is no directory")
            }
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print schema version, the LSN up to which it has everything, rows and size; changes nothing.",
            discussion: """
                Also while a service runs.

                Example: cashup history status --data ./data
                """)
        @OptionGroup var directory: Directory

        func run() async throws {
            try reportingErrors {
                guard let status = try HistoryTool.status(directory: directory.data) else {
                    return print("There is no history in \(directory.data): `cashup serve` makes it, unless history is off.")
                }
                print("file     \(status.path), \(status.bytes) bytes")
                print("schema   version \(status.schema)" + (status.schema == status.knownSchema ? "" : " of \(status.knownSchema)"))
                print("applied  LSN \(status.lsn)")
                for (table, count) in status.rows { print(table.padding(toLength: 9, withPad: " ", startingAt: 0) + "\(count)") }
            }
        }
    }

    struct Migrate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take the schema to a version: up, or down for an older program. The service must be stopped.",
            discussion: """
                `cashup serve` takes it up by itself. Version 0 is an empty file, which
                the next start fills again from the log.

                Example: cashup history migrate --to 1 --data ./data
                """)
        @OptionGroup var directory: Directory

        @Option(help: ArgumentHelp("The version; the newest unless given.", valueName: "version"))
        var to = HistoryTool.latestSchema

        func validate() throws {
            guard (0...HistoryTool.latestSchema).contains(to) else {
                throw ValidationError("--to is 0 to \(HistoryTool.latestSchema)")
            }
        }

        func run() async throws {
            try reportingErrors {
                try HistoryTool.migrate(directory: directory.data, to: to) { print($0) }
                print("The schema has version \(to).")
            }
        }
    }

    struct Rebuild: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the database again from the log. The service must be stopped.",
            discussion: """
                The old one stays until the new one is whole. (Deleting the files and
                starting the service comes to the same, while it serves.)

                Example: cashup history rebuild --data ./data
                """)
        @OptionGroup var directory: Directory

        func run() async throws {
            try reportingErrors {
                let done = try HistoryTool.rebuild(directory: directory.data)
                let rate = done.seconds > 0 ? Int(Double(done.rows) / done.seconds) : done.rows
                print("\(done.rows) rows up to LSN \(done.lsn) in \((done.seconds * 1_000).rounded() / 1_000) s, \(rate) a second")
            }
        }
    }
}
