import Core
import Foundation
import GRDB
import GRDBSQLite

/// Where the database is and how it is opened.
enum HistoryFile {
    static func path(in directory: String) -> String { directory + "/history.sqlite" }

    /// The database's files: SQLite's own names.
    static func files(_ path: String) -> [String] { [path, path + "-wal", path + "-shm"] }

    /// Puts the database aside as `history.sqlite.old`, in the place of the one put there before.
    static func putAside(_ path: String) throws {
        let manager = FileManager.default
        for file in files(path) {
            let aside = path + ".old" + file.dropFirst(path.count)
            if manager.fileExists(atPath: aside) { try manager.removeItem(atPath: aside) }
            if manager.fileExists(atPath: file) { try manager.moveItem(atPath: file, toPath: aside) }
        }
    }

    static func remove(_ path: String) throws {
        for file in files(path) where FileManager.default.fileExists(atPath: file) { try FileManager.default.removeItem(atPath: file) }
    }

    static func openPool(_ path: String, options: HistoryOptions, written: WrittenPages) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "cashup.history"
        configuration.foreignKeysEnabled = false
        configuration.maximumReaderCount = options.readersMax
        configuration.qos = .utility
        configuration.persistentReadOnlyConnections = true
        configuration.busyMode = .timeout(options.busySeconds)
        configuration.prepareDatabase { db in
            let isReader = db.configuration.readonly
            try db.execute(sql: "PRAGMA cache_size = -\(isReader ? options.readerCacheKiB : options.writerCacheKiB)")
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
            if isReader {
                try registerFunctions(db)
            } else {
                try db.execute(sql: "PRAGMA synchronous = NORMAL")
                // Checkpoints are made where they do not hurt: see Checkpointer.
                try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
                written.watch(db)
            }
        }
        // As private as the log; SQLite gives its other files the same mode.
        let file = Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if file >= 0 { close(file) }
        return try DatabasePool(path: path, configuration: configuration)
    }

    /// A connection of its own, for the commands.
    static func openQueue(_ path: String, readonly: Bool) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = readonly
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(5)
        return try DatabaseQueue(path: path, configuration: configuration)
    }
}

/// How many pages SQLite's write-ahead log has. Told by the writing connection, on its thread.
final class WrittenPages: @unchecked Sendable {
    private(set) var count = 0

    func watch(_ db: Database) {
        sqlite3_wal_hook(
            db.sqliteConnection,
            { context, _, _, pages in
                Unmanaged<WrittenPages>.fromOpaque(context!).takeUnretainedValue().count = Int(pages)
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }
}
