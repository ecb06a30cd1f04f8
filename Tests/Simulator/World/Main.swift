import Glibc

/// `simulate`: runs the service in simulated worlds until something is wrong or the time is over.
@main
struct Simulate {
    var seed: UInt64?
    var fromSeed: UInt64 = 1
    var seconds: Double?
    var steps = 6_000
    var isLoud = false
    var twice = false
    var keepsGoing = false

    static func main() {
        var simulate = Simulate()
        guard simulate.parse(CommandLine.arguments.dropFirst()) else {
            print("usage: simulate [--seed N | --from-seed N] [--seconds S] [--steps N] [--log] [--twice] [--keep-going]")
            exit(64)
        }
        exit(simulate.run())
    }

    private mutating func parse(_ arguments: ArraySlice<String>) -> Bool {
        var rest = arguments
        while let argument = rest.popFirst() {
            switch argument {
            case "--log": isLoud = true
            case "--twice": twice = true
            case "--keep-going": keepsGoing = true
            case "--seed":
                guard let value = rest.popFirst().flatMap({ UInt64($0) }) else { return false }
                seed = value
            case "--from-seed":
                guard let value = rest.popFirst().flatMap({ UInt64($0) }) else { return false }
                fromSeed = value
            case "--seconds":
                guard let value = rest.popFirst().flatMap({ Double($0) }) else { return false }
                seconds = value
            case "--steps":
                guard let value = rest.popFirst().flatMap({ Int($0) }) else { return false }
                steps = value
            default: return false
            }
        }
        return true
    }

    private func run() -> Int32 {
        Crash.watch()
        var summary = Summary()
        let began = Summary.now()
        var failed = 0
        var next = seed ?? fromSeed
        repeat {
            if !runOne(next, &summary) {
                failed += 1
                if !keepsGoing { break }
            }
            next &+= 1
        } while seed == nil && Summary.now() - began < seconds ?? 0
        summary.print(seconds: Summary.now() - began)
        return failed == 0 ? 0 : 1
    }

    /// Returns whether all was well.
    private func runOne(_ seed: UInt64, _ summary: inout Summary) -> Bool {
        // First of all: whatever happens, this repeats it.
        if self.seed != nil || isLoud { print("seed \(seed)"); fflush(nil) }
        let world = World(seed: seed, isLoud: isLoud)
        Crash.world = world
        let failure = world.run(steps: steps)
        summary.add(world)
        if let failure {
            defer { fflush(nil) }
            print("seed \(seed) FAILED after \(world.steps) steps: \(failure)")
            print("the world: \(world.swarm.words)")
            print("the last events:")
            for line in world.trace.lastLines { print("  " + line) }
            print("repeat it with: simulate --seed \(seed) --steps \(steps)")
            return false
        }
        if twice {
            let again = World(seed: seed, isLoud: false)
            _ = again.run(steps: steps)
            if again.trace.hash != world.trace.hash {
                print("seed \(seed) FAILED: it does not do the same twice")
                return false
            }
        }
        if self.seed != nil { print("seed \(seed): well, trace \(String(world.trace.hash, radix: 16))") }
        return true
    }
}
