import Core
import Foundation

/// splitmix64: the same numbers from the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return mix(state)
    }
}

/// The seed of this run: `FUZZ_SEED`, or always the same one, so that `make test` is red for a change and not for luck. Printed before anything else.
func fuzzSeed(_ what: String) -> UInt64 {
    let seed = ProcessInfo.processInfo.environment["FUZZ_SEED"].flatMap { UInt64($0) } ?? 20_261_127
    print("\(what): FUZZ_SEED=\(seed)")
    return seed
}
