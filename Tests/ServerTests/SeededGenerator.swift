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

/// The seed of this run: `FUZZ_SEED` where it is set; printed before anything else, so that a failure can be repeated.
func fuzzSeed(_ what: String) -> UInt64 {
    let seed = ProcessInfo.processInfo.environment["FUZZ_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64.max)
    print("\(what): FUZZ_SEED=\(seed)")
    return seed
}
