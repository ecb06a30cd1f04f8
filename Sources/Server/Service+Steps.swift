import Core
import NIOCore

// What a simulation drives and sees, where one thread does everything.

extension Service {
    /// One piece of what the threads beside the loops do. Returns whether there was something to do.
    package func followStep() -> Bool { follower.step() }

    package var eventLoops: [any EventLoop] { loops.map(\.eventLoop) }

    /// A snapshot, if one is due or asked for. Returns whether one was tried.
    package func snapshotStep() -> Bool { snapshots.step() }


    /// Whether nothing is under way, on the loops and between them.
    package var isQuiet: Bool { loops.allSatisfy { $0.isQuiet && $0.mailbox.count == 0 } }

    package func forEachShard(_ body: (borrowing Shard) -> Void) {
        for loop in loops { for box in loop.shards { body(box.shard) } }
    }
}
