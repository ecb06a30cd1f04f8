import ArgumentParser
import Foundation
import Server
import WAL

struct WALCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wal",
        abstract: "Look into, check or mend the log of a data directory.",
        subcommands: [Dump.self, Verify.self, Repair.self])

    struct Directory: ParsableArguments {
        @Argument(help: ArgumentHelp("The data directory.", valueName: "dir"))
        var directory: String

        func validate() throws {
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory), isDirectory.boolValue else {
                throw ValidationError("\(directory) is no directory")
            }
        }
    }

    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every record as lines of text: the events it makes, the shard, the time, and who caused it.",
            discussion: """
                The lines are those of a subscription (docs/PROTOCOL.md, section 9),
                with shard= (the wallet's number), at= (UTC, microseconds) and, where a session caused the
                record, session= and by=. SESSION lines say who that was. The log may
                be of a running service: what is not durable yet may not be there.

                Example: cashup wal dump ./data | grep id=grid-17
                """)
        @OptionGroup var data: Directory
        @Option(help: "Leave out records before this LSN.")
        var from: UInt64 = 1

        func run() async throws {
            try dump(directory: data.directory, from: from) { bytes in
                try FileHandle.standardOutput.write(contentsOf: bytes)
            }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check every frame of the log and say what was found; changes nothing.",
            discussion: """
                Exit code 0: sound, also with a torn tail, which the next start cuts;
                1: corrupt.

                Example: cashup wal verify ./data
                """)
        @OptionGroup var data: Directory

        func run() async throws {
            let report = verify(directory: data.directory)
            print(report)
            if !report.isSound { throw ExitCode.refused }
        }
    }

    struct Repair: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Cut a corrupt log at the first damage, so that the service can start. Loses what follows.",
            discussion: """
                Without --cut it only says what would be lost. The damaged files are
                kept beside, under other names.
                Exit code 0: nothing to repair, or done; 1: there is damage and --cut
                was not given, or it cannot be repaired.

                Example: cashup wal repair ./data --cut
                """)
        @OptionGroup var data: Directory

        @Flag(help: "Do it.")
        var cut = false

        func run() async throws {
            do {
                let report = try repair(directory: data.directory, cut: cut)
                print(report)
                if report.damage != nil, !report.isDone {
                    print("Nothing was changed; --cut does it.")
                    throw ExitCode.refused
                }
            } catch let error as LogError {
                printError("\(error)")
                throw ExitCode.refused
            }
        }
    }
}
