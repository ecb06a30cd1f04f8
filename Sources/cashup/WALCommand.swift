import ArgumentParser

struct WALCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wal",
        abstract: "Look into, check or mend the log of a data directory.",
        subcommands: [Dump.self, Verify.self, Repair.self])

    struct Directory: ParsableArguments {
        @Argument(help: ArgumentHelp("The data directory.", valueName: "dir"))
        var directory: String
    }

    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every record as a line of text, with its LSN, time and who caused it.",
            discussion: "Example: cashup wal dump ./data | grep id=grid-17")
        @OptionGroup var data: Directory

        func run() async throws { throw ValidationError("wal dump is not linked into this build") }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check every frame of the log and say what was found; changes nothing.",
            discussion: "Exit code 0: sound, also with a torn tail, which the next start cuts. 1: corrupt.\n\nExample: cashup wal verify ./data")
        @OptionGroup var data: Directory

        func run() async throws { throw ValidationError("wal verify is not linked into this build") }
    }

    struct Repair: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Cut a corrupt log at the first damage, so that the service can start. Loses what follows.",
            discussion: "The damaged files are kept beside, under another name.\n\nExample: cashup wal repair ./data")
        @OptionGroup var data: Directory

        func run() async throws { throw ValidationError("wal repair is not linked into this build") }
    }
}
