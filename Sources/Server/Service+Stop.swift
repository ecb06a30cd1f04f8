import Core
import NIOCore
import Synchronization

// The end of the service: no new connections, what was received is answered, the log is closed cleanly.

/// A step of it, taken by every loop before the next one is.
package struct StopStep: Sendable {
    /// On the loop's thread.
    let run: @Sendable (Loop) -> Void
    /// On the loop's thread: whether the loop needs no more time for it.
    let isDone: @Sendable (Loop) -> Bool
    /// How long it may take.
    package let millisMax: Int

    fileprivate init(millisMax: Int = 0, isDone: @escaping @Sendable (Loop) -> Bool = { _ in true }, _ run: @escaping @Sendable (Loop) -> Void) {
        self.run = run
        self.isDone = isDone
        self.millisMax = millisMax
    }
}

extension Service {
    /// How long a drain waits for what is under way.
    static let drainMillisMax = 10_000

    package static let stopSteps = [
        StopStep(millisMax: drainMillisMax, isDone: { $0.isQuiet }) { $0.beginDrain() },
        StopStep(millisMax: Int(Loop.closingMicrosMax / 1_000), isDone: { $0.service.connectionCount == 0 }) { $0.sayGoodbye() },
        StopStep { $0.cutConnections() },
        // Ended sessions may have cancelled orders, and that gone from loop to loop.
        StopStep { $0.enter() }, StopStep { _ in }, StopStep { $0.enter() }, StopStep { _ in }, StopStep { $0.enter() }, StopStep { _ in },
        StopStep { $0.stopTimers() },
    ]

    package func stop() async {
        beginStop()
        try? await listener?.close().get()
        for step in Service.stopSteps {
            for loop in loops { try? await loop.eventLoop.submit { step.run(loop) }.get() }
            var waited = 0
            while waited < step.millisMax {
                var isDone = true
                for loop in loops where (try? await loop.eventLoop.submit { step.isDone(loop) }.get()) != true { isDone = false }
                if isDone { break }
                try? await Task.sleep(for: .milliseconds(10))
                waited += 10
            }
        }
        follower.stop()
        snapshots.stop()
        try? await group.shutdownGracefully()
        audit?.close()
        log.close()
    }

    // MARK: The same where one thread does everything

    /// Before the steps.
    package func beginStop() {
        drains.store(true, ordering: .relaxed)
        // Who waits for one is told now, so that the drain need not wait for it.
        snapshots.beginStop()
    }

    package func run(_ step: StopStep, onLoop index: Int) { step.run(loops[index]) }
    package func isDone(_ step: StopStep, onLoop index: Int) -> Bool { step.isDone(loops[index]) }

    /// After the steps, when no loop has anything more to do.
    package func endStop() {
        follower.stop()
        log.close()
        letGo()
    }

    /// As a crash ends it: nothing is written any more, nobody is told. No loop may run after it.
    package func abandon() {
        follower.stop()
        log.abandon()
        letGo()
    }

    /// Log and loops hold each other.
    private func letGo() {
        log.onDurable = nil
        log.whileSealing = nil
        for loop in loops { loop.letGo() }
    }
}
