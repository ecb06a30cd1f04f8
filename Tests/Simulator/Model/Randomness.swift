/// The only source of chance in a simulation: SplitMix64 (Steele, Lea, Flood 2014). One seed, one run.
package struct Randomness: Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var x = state
        x = (x ^ (x >> 30)) &* 0xBF58_476D_1CE4_E5B9
        x = (x ^ (x >> 27)) &* 0x94D0_49BB_1331_11EB
        return x ^ (x >> 31)
    }

    /// 0..<bound; the bound above 0.
    package mutating func next(below bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// Both ends included.
    package mutating func next(in range: ClosedRange<Int>) -> Int { range.lowerBound + next(below: range.count) }

    package mutating func chance(_ p: Double) -> Bool { Double(next() >> 11) < p * 9_007_199_254_740_992 }

    package mutating func pick<T>(_ choices: [T]) -> T { choices[next(below: choices.count)] }

    /// A generator of its own, so that what one part of a simulation draws does not shift what another one does.
    package mutating func split() -> Randomness { Randomness(seed: next()) }

    /// An index, with these weights.
    package mutating func weighted(_ weights: [Int]) -> Int {
        var rest = next(below: weights.reduce(0, +))
        for (index, weight) in weights.enumerated() {
            if rest < weight { return index }
            rest -= weight
        }
        return weights.count - 1
    }
}
