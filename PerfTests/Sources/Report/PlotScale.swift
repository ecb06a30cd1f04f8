import Foundation

/// From values to a place on an axis, and the ticks in between. The page's script does the same sum for the read-out (`PageScript`).
struct PlotScale {
    struct Tick {
        var value: Double
        /// nil: a thin line without a number.
        var label: String?
    }
    let kind: Plot.Scale
    /// Positions, that is after the logarithm, of both ends.
    private(set) var low = 0.0
    private(set) var high = 1.0
    private(set) var ticks: [Tick] = []
    /// Where 100 % stands on an axis of percentiles.
    private(set) var edge: Double?

    /// A percentile's distance from 100 is no longer told apart beyond this: 99.9999999.
    private static let ninesMax = 9.0

    /// - Parameters:
    ///   - values: All there are; those that have no place are ignored.
    ///   - room: How many numbers fit along the axis.
    ///   - fromZero: Whether a linear axis of values not below zero always starts there: true for heights, which are compared by length.
    init(_ kind: Plot.Scale, values: [Double], room: Int, fromZero: Bool) {
        self.kind = kind
        let positions = values.compactMap { PlotScale.position($0, kind, edge: nil) }.sorted()
        let least = positions.first ?? 0
        let greatest = positions.last ?? 1
        switch kind {
        case .linear: setLinear(least, greatest, room, fromZero)
        case .logarithmic: setLogarithmic(least, greatest, room)
        case .percentile: setPercentile(greatest, hasMaximum: values.contains { $0 >= 100 })
        }
    }

    /// 0...1 from the low end to the high one; nil for a value that has no place on this axis.
    func place(_ value: Double) -> Double? {
        PlotScale.position(value, kind, edge: edge).map { ($0 - low) / (high - low) }
    }

    private static func position(_ value: Double, _ kind: Plot.Scale, edge: Double?) -> Double? {
        guard value.isFinite else { return nil }
        return switch kind {
        case .linear: value
        case .logarithmic: value > 0 ? log10(value) : nil
        case .percentile: value >= 100 ? edge : value < 0 ? nil : min(ninesMax, -log10(1 - value / 100))
        }
    }

    private mutating func setLinear(_ least: Double, _ greatest: Double, _ room: Int, _ fromZero: Bool) {
        let start = least >= 0 && (fromZero || least < greatest / 4) ? 0 : least
        // Never so short that its steps are lost in the digits of a number.
        let extent = greatest > start ? max(greatest - start, max(abs(start), abs(greatest)) * 1e-12) : max(abs(greatest), 1)
        let step = PlotScale.niceStep(extent / Double(max(1, room)))
        low = floor(start / step) * step
        high = max(low + step, ceil(greatest / step - 1e-9) * step)
        let count = Int(((high - low) / step).rounded())
        ticks = (0...count).map { count in
            // A multiple of the step, so that zero is zero.
            let value = ((low / step).rounded() + Double(count)) * step
            return Tick(value: value, label: Format.short(value, from: 10_000))
        }
    }

    /// 1, 2, 2.5 or 5 times a power of ten, at least that.
    private static func niceStep(_ least: Double) -> Double {
        let power = pow(10, floor(log10(least)))
        return ([1, 2, 2.5, 5].first { $0 * power >= least * (1 - 1e-9) } ?? 10) * power
    }

    private mutating func setLogarithmic(_ least: Double, _ greatest: Double, _ room: Int) {
        let marks = [1.0, 2, 5]
        func around(_ position: Double) -> [Double] { (-1...1).flatMap { decade in marks.map { log10($0) + floor(position) + Double(decade) } } }
        low = around(least).last { $0 <= least + 1e-9 } ?? floor(least)
        high = around(greatest).first { $0 >= greatest - 1e-9 } ?? ceil(greatest)
        if high <= low { high = around(low).first { $0 > low + 1e-9 } ?? low + 1 }
        let decades = high - low
        // As many numbers as there is room for: 1-2-5, then powers of ten, then every so many of them.
        let numbered: Set<Double> = decades * 3 <= Double(room) ? [1, 2, 5] : [1]
        let every = max(1, Int((decades / Double(max(1, room))).rounded(.up)))
        for decade in Int(floor(low))...Int(ceil(high)) {
            for digit in 1...9 {
                let position = Double(decade) + log10(Double(digit))
                guard position >= low - 1e-9, position <= high + 1e-9, digit == 1 || decades <= 6 else { continue }
                let value = Double(digit) * pow(10, Double(decade))
                let isNumbered = numbered.contains(Double(digit)) && (digit > 1 || decade % every == 0)
                ticks.append(Tick(value: value, label: isNumbered ? Format.short(value, from: 1_000) : nil))
            }
        }
    }

    private mutating func setPercentile(_ greatest: Double, hasMaximum: Bool) {
        high = max(1, greatest)
        var labelled: [(Double, String)] = [(0, "0 %"), (50, "50 %"), (90, "90 %"), (99, "99 %")]
        var digits = ""
        for _ in 3...Int(PlotScale.ninesMax) {
            digits += "9"
            labelled.append((Double("99." + digits)!, "99.\(digits) %"))
        }
        ticks = labelled.filter { PlotScale.position($0.0, kind, edge: nil)! <= high + 1e-9 }.map { Tick(value: $0.0, label: $0.1) }
        if hasMaximum {
            high += 0.5
            edge = high
            ticks.append(Tick(value: 100, label: "max"))
        }
    }
}
