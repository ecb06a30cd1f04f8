import Glibc

/// The thread that takes over runs which loops left complete. Without ``start(_:_:)`` there is none.
final class LogThread: @unchecked Sendable {
    private let monitor = Monitor()
    private var thread: Thread?
    /// In place of a thread.
    private var stepped: (@Sendable () -> Void)?
    // Under the monitor.
    private var running = false
    private var woken = false

    /// - Parameter work: runs after each wake-up.
    func start(_ background: LogOptions.Background, _ work: @escaping @Sendable () -> Void) {
        running = true
        if background == .stepped {
            stepped = work
            return
        }
        thread = Thread { [self] in
            while monitor.withLock({ waitForWork() }) { work() }
        }
    }

    private func waitForWork() -> Bool {
        while running, !woken { monitor.wait() }
        woken = false
        return running
    }

    /// - Returns: whether there is a thread that does it.
    func wake() -> Bool {
        guard thread != nil || stepped != nil else { return false }
        monitor.withLock {
            woken = true
            monitor.signal()
        }
        return true
    }

    /// What the thread would do after a wake-up. Returns whether there was one.
    func step() -> Bool {
        guard let stepped, monitor.withLock({ woken && running }) else { return false }
        monitor.withLock { woken = false }
        stepped()
        return true
    }

    func stop() {
        monitor.withLock {
            running = false
            monitor.signal()
        }
        thread?.join()
        thread = nil
        stepped = nil
    }
}

func yieldThread() { sched_yield() }
