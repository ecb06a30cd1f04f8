import Dispatch
import Synchronization

/// Wakes one thread that follows the log. Ringing where nobody sleeps is one atomic load.
package final class Bell: Sendable {
    private let isArmed = Atomic<Bool>(false)
    private let signals = DispatchSemaphore(value: 0)

    package init() {}

    /// Any thread, after there is news.
    package func ring() {
        if isArmed.load(ordering: .sequentiallyConsistent), isArmed.exchange(false, ordering: .sequentiallyConsistent) {
            signals.signal()
        }
    }

    /// Any thread: ends the sleep or the pause under way, or else the next one.
    package func wake() { signals.signal() }

    /// The sleeper: until ``ring()`` or ``wake()``, unless there is news already. May return without reason.
    package func sleep(unless isNews: () -> Bool) {
        isArmed.store(true, ordering: .sequentiallyConsistent)
        // Looks after arming, the ringer rings after its news: at least one of the two sees the other.
        if isNews(), isArmed.exchange(false, ordering: .sequentiallyConsistent) { return }
        signals.wait()
    }

    /// The sleeper: so long, or until ``wake()``; rings do not end it.
    package func pause(milliseconds: Int) { _ = signals.wait(timeout: .now() + .milliseconds(milliseconds)) }
}
