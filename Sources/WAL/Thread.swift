import Core
import Glibc

/// A thread of the operating system; ends when its body returns.
package final class Thread: @unchecked Sendable {
    private var handle = pthread_t()
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    package init(_ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(run)).toOpaque()
        let code = pthread_create(
            &handle, nil,
            { raw in
                Unmanaged<Body>.fromOpaque(raw!).takeRetainedValue().run()
                return nil
            }, body)
        invariant(code == 0, "the system gives us a thread")
    }

    /// Waits until the body has returned. Once.
    package func join() { pthread_join(handle, nil) }

    /// The calling thread gets the processor when others leave it: `nice` from 0 to 19, on Linux of a thread.
    package static func yieldsTo(others nice: Int32) { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, nice) }
}

/// A mutex with a condition to wait for. `Synchronization.Mutex` has none.
package final class Monitor: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    package init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    package func withLock<R>(_ body: () throws -> R) rethrows -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Within ``withLock(_:)``: lets go of the mutex until signalled; may also return without reason.
    package func wait() { pthread_cond_wait(condition, mutex) }

    /// The same, but at most so long.
    package func wait(milliseconds: Int) {
        var until = timespec()
        clock_gettime(CLOCK_MONOTONIC, &until)
        until.tv_nsec += (milliseconds % 1000) * 1_000_000
        until.tv_sec += milliseconds / 1000 + until.tv_nsec / 1_000_000_000
        until.tv_nsec %= 1_000_000_000
        pthread_cond_timedwait(condition, mutex, &until)
    }

    package func signal() { pthread_cond_broadcast(condition) }
}
