import CEdit
import Foundation
import Synchronization

/// Line editing and history by libedit. One editor a process: libedit's state is global.
final class LineEditor: Sendable {
    private static let historyLinesMax: Int32 = 1_000
    private let historyPath: String
    /// libedit blocks its thread while it reads, so it has one of its own.
    private let queue = DispatchQueue(label: "cashup.editor")
    private let isEditing = Atomic(false)

    /// In the home directory as the shell knows it, which NSHomeDirectory() is not.
    static var defaultHistoryPath: String {
        (ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory()) + "/.cashup_history"
    }

    init(historyPath: String = defaultHistoryPath) {
        self.historyPath = historyPath
        queue.sync {
            using_history()
            stifle_history(Self.historyLinesMax)
            _ = read_history(historyPath)
        }
    }

    /// The next line without its end; nil at the end of input.
    func line(prompt: String) async -> String? {
        await withCheckedContinuation { continuation in
            queue.async {
                self.isEditing.store(true, ordering: .relaxed)
                defer { self.isEditing.store(false, ordering: .relaxed) }
                guard let line = readline(prompt) else { return continuation.resume(returning: nil) }
                defer { free(line) }
                continuation.resume(returning: String(cString: line))
            }
        }
    }

    /// Adds a line to the history and saves it, for the owner's eyes only.
    func remember(_ line: String) {
        queue.sync {
            _ = add_history(line)
            _ = write_history(historyPath)
            _ = chmod(historyPath, 0o600)
        }
    }

    /// Prints; while a line is being edited above it, and then the line again.
    func printAbove(_ text: String) {
        guard isEditing.load(ordering: .relaxed) else { return emit(text) }
        emit("\r\u{1B}[K\(text)")
        rl_forced_update_display()
    }
}

/// One line on the standard output, at once.
func emit(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }
