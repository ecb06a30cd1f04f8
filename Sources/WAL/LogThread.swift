import Glibc

/// The thread that takes over runs which loops left complete. Without ``start(_:)`` there is none.
final class LogThread: @unchecked Sendable {
    private let monitor = Monitor()
    private var thread: Thread?
    // Under the monitor.
    private var running = false
    private var woken = false

    /// - Parameter work: runs after each wake-up.
    func start(_ work: @escaping @Sendable () -> Void) {
        running = true
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
        guard thread != nil else { return false }
        monitor.withLock {
            woken = true
            monitor.signal()
        }
        return true
    }

    func stop() {
        monitor.withLock {
            running = false
            monitor.signal()
        }
        thread?.join()
        thread = nil
    }
}

func yieldThread() { sched_yield() }
