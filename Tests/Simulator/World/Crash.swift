import Glibc

/// A broken invariant ends this process, too: it says which world it was in before that.
enum Crash {
    nonisolated(unsafe) static var world: World?

    static func watch() {
        for number in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS] {
            signal(number) { number in
                // Not safe in a signal's handler in general; here the process is lost anyway, and one thread did all.
                signal(number, SIG_DFL)
                if let world = Crash.world {
                    Crash.world = nil
                    print("seed \(world.seed) FAILED after \(world.steps) steps: the process ended by signal \(number)")
                    print("the world: \(world.swarm.words)")
                    for line in world.trace.lastLines { print("  " + line) }
                    print("repeat it with: simulate --seed \(world.seed)")
                }
                fflush(nil)
                _exit(1)
            }
        }
    }
}
