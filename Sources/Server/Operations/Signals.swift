import Core
import Dispatch
import Glibc
import Synchronization

/// Where the signal handler writes. A constant at first, so that reading it in the handler initializes nothing.
private nonisolated(unsafe) var signalPipeEnd: Int32 = -1

/// The process's signals: SIGTERM and SIGINT stop it (a second SIGINT ends it at once, as the impatient expect), SIGHUP has log files and certificates
/// opened anew, SIGUSR1 makes the log more talkative, SIGUSR2 less. A service whose messages go to a terminal ends with it, as any program there: its SIGHUP
/// stops it.
///
/// Until ``started()`` there is nothing to drain: a signal that stops ends the process at once, as a crash would. A start may die at any call, and may take
/// minutes where the log is long.
final class Signals: @unchecked Sendable {
    private struct State {
        var isStarting = true
        var name: String?
        var waiter: CheckedContinuation<String, Never>?
        var onReload: @Sendable () -> Void = {}
        var onLevel: @Sendable (Bool) -> Void = { _ in }
    }
    private let isOnTerminal = isatty(2) == 1
    private let state = Mutex(State())
    /// Kept alive; set by the initializer alone.
    private var source: (any DispatchSourceRead)?

    /// From here on no signal is lost: a handler notes it in a pipe, whenever somebody gets to read that. (A signal that is ignored until a
    /// dispatch source is there for it would be lost in between: the source is made elsewhere and later.)
    init() {
        var ends: [Int32] = [-1, -1]
        invariant(pipe(&ends) == 0, "a pipe for signals")
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        signalPipeEnd = ends[1]
        let readEnd = ends[0]
        for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2] {
            signal(number) { number in
                let error = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(signalPipeEnd, &byte, 1)
                errno = error
            }
        }
        let source = DispatchSource.makeReadSource(fileDescriptor: readEnd, queue: .global())
        source.setEventHandler { [unowned self] in
            var byte: UInt8 = 0
            while read(readEnd, &byte, 1) == 1 { take(Int32(byte)) }
        }
        source.resume()
        self.source = source
    }

    /// What SIGHUP does. Runs on a thread of its own.
    var onReload: @Sendable () -> Void {
        get { state.withLock { $0.onReload } }
        set { state.withLock { $0.onReload = newValue } }
    }

    /// What SIGUSR1 (`true`) and SIGUSR2 do.
    var onLevel: @Sendable (_ talkative: Bool) -> Void {
        get { state.withLock { $0.onLevel } }
        set { state.withLock { $0.onLevel = newValue } }
    }

    private func take(_ number: Int32) {
        if number == SIGUSR1 || number == SIGUSR2 { return onLevel(number == SIGUSR1) }
        if number == SIGHUP, !isOnTerminal { return onReload() }
        let name = number == SIGINT ? "SIGINT" : number == SIGHUP ? "SIGHUP" : "SIGTERM"
        let waiter: CheckedContinuation<String, Never>? = state.withLock { state in
            if state.isStarting { die(of: number, name) }
            if state.name != nil, number == SIGINT { _exit(130) }
            state.name = state.name ?? name
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: name)
    }

    /// From now on a signal that stops is for ``stop()``.
    func started() { state.withLock { $0.isStarting = false } }

    /// By the signal's default action, so that whoever sent it sees that it was that. Does not return.
    private func die(of number: Int32, _ name: String) {
        let message = "cashup: \(name) during the start: ending at once; the log is as a crash would leave it, and whole\n"
        message.withCString { _ = write(2, $0, strlen($0)) }
        signal(number, SIG_DFL)
        _ = kill(getpid(), number)
        while true { _ = pause() }
    }

    /// Returns the name of the signal that stops the process, when it has come.
    func stop() async -> String {
        await withCheckedContinuation { continuation in
            let name: String? = state.withLock { state in
                if state.name == nil { state.waiter = continuation }
                return state.name
            }
            if let name { continuation.resume(returning: name) }
        }
    }
}
