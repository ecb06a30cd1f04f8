import ArgumentParser
import Client
import Foundation
import WAL

// What an operator does with a data directory as a whole: snapshot, backup, restore, upgrade.

struct SnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Have a running service make a snapshot, or make one of the directory of a stopped one.",
        discussion: """
            A snapshot bounds what the next start has to replay, and lets go of
            the log before the snapshot before it. Services make them by
            themselves (snapshot_records, snapshot_bytes, snapshot_seconds).
            Prints its LSN when it is on the disk.

            Examples:
              cashup snapshot --connect 127.0.0.1:7070
              cashup snapshot --data ./data
            """)

    @OptionGroup var connection: ConnectOptions

    @Option(help: ArgumentHelp("The directory of a service that does not run.", valueName: "dir"))
    var data: String?

    @Flag(help: "With --data: delete the parts of the log that no snapshot needs any more, rather than put them away.")
    var remove = false

    func run() async throws {
        if let data {
            return try reportingErrors {
                guard let report = try makeSnapshot(directory: data, keepsSegments: !remove) else { return print("The newest snapshot holds everything already.") }
                for warning in report.warnings { printError("\(warning)") }
                print("\(report.file): LSN \(report.lsn), \(report.orders) orders, \(report.bytes) bytes, \(report.microseconds / 1_000) ms")
            }
        }
        do {
            let server = try await LineConnection.connect(to: connection.connect, tls: try connection.clientTLS(), onNotice: { _ in })
            if let token = connection.tokenOrEnvironment { try check(try await server.send("AUTH \(token)")) }
            let answer = try await server.send("SNP")
            try check(answer)
            print(answer.line)
            await server.close()
        } catch let error as ClientError {
            printError("\(error)")
            throw ExitCode.disconnected
        }
    }

    private func check(_ answer: Answer) throws {
        if answer.isDone { return }
        printError(answer.line)
        throw ExitCode.refused
    }
}

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy a data directory, also of a running service, and check the copy.",
        discussion: """
            The copy is the state at one moment, everything in it was durable, and
            it is a data directory itself: `cashup wal verify` reads it, and
            `cashup restore` makes another of it. It is checked before this
            command says done: every frame, every snapshot, and that a replay
            comes to the snapshots' states. Logs, the audit and history.sqlite
            are not in it; the last is made anew from the log.

            Example: cashup backup /mnt/backup/2026-11-27 --data ./data
            """)

    @Argument(help: ArgumentHelp("Where to: a directory that is empty or not there.", valueName: "dir"))
    var destination: String

    @Option(help: ArgumentHelp("The data directory.", valueName: "dir"))
    var data: String

    @Flag(help: "Leave out the archived parts of the log; history cannot be made of such a copy.")
    var withoutArchive = false

    func run() async throws {
        try reportingErrors {
            let report = try backUp(directory: data, to: destination, archive: !withoutArchive)
            print(report.verified)
            print("copied \(report.files) files, \(report.bytes) bytes")
        }
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a data directory of a backup, and check both.",
        discussion: """
            The backup stays as it is. A service started on the new directory goes
            on from the backup's last record: what was acknowledged after it is
            not there.

            Example: cashup restore /mnt/backup/2026-11-27 --data ./data
            """)

    @Argument(help: ArgumentHelp("The backup.", valueName: "dir"))
    var backup: String

    @Option(help: ArgumentHelp("Where to: a directory that is empty or not there.", valueName: "dir"))
    var data: String

    func run() async throws {
        try reportingErrors {
            let report = try restore(backup: backup, to: data)
            print(report.verified)
            print("restored \(report.files) files, \(report.bytes) bytes; start it with: cashup serve --data \(data)")
        }
    }
}

struct UpgradeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade",
        abstract: "Bring a data directory to this version's format, so that it can use what is new.",
        discussion: """
            A directory of an older format is served as it is, without what needs
            the newer one, so that the version that wrote it still starts on it.
            Without --commit this only says what would change. Take a backup
            first; there is no way back.

            Example: cashup upgrade ./data --commit
            """)

    @OptionGroup var directory: WALCommand.Directory

    @Flag(help: "Do it. The service must be stopped.")
    var commit = false

    func run() async throws {
        try reportingErrors {
            let format = try DataFormat.upgrade(directory: directory.directory, commit: commit)
            if format == DataFormat.current {
                print("\(directory.directory) has format \(format), the newest this version knows; nothing to do.")
            } else if commit {
                print("\(directory.directory) has format \(DataFormat.current) now.")
            } else {
                print("\(directory.directory) has format \(format). Format \(DataFormat.current) adds:")
                if format < DataFormat.snapshots { print("  snapshots; and what they make dispensable is put away") }
                print("  internal venues with their fees, states and order types; the limits, timers and settings that came with them")
                print("Versions before this one will not start on it any more. Nothing was changed; --commit does it.")
            }
        }
    }
}
