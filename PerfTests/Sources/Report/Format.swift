import Foundation

/// Numbers as people read them. Locale-independent: a report reads the same everywhere.
enum Format {
    /// Four significant digits from 1,000 on, three below, whole numbers below 1,000 as they are: `1,235,000`, `187`, `23.5`, `0.0123`.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        if value == 0 { return "0" }
        let magnitude = abs(value)
        if magnitude >= 1e15 || magnitude < 1e-6 { return String(format: "%.2e", value) }
        if magnitude < 1_000, value == value.rounded() { return String(Int(value)) }
        let rounded = round(value, significant: magnitude >= 1_000 ? 4 : 3)
        if abs(rounded) >= 1_000 { return grouped(Int(rounded.rounded())) }
        return String(format: "%.\(max(0, 2 - exponent(rounded)))f", rounded)
    }

    /// Exact, for what was chosen and not measured: a goal, a tick. `0.5`, `1.25`, `2,200,000`.
    static func plain(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        if abs(value) >= 1_000, abs(value) < 1e15 { return grouped(Int(value.rounded())) }
        return String(format: "%.6g", value)
    }

    /// For axes: `200 k`, `1.5 M`; below `least` as it is.
    static func short(_ value: Double, from least: Double) -> String {
        for (power, suffix) in [(1e9, " G"), (1e6, " M"), (1e3, " k")] where abs(value) >= max(power, least) * (1 - 1e-9) {
            return String(format: "%.4g", value / power) + suffix
        }
        return plain(value)
    }

    /// Three significant digits also where the number is whole: `1.00 x`, `0.617 x`.
    static func ratio(_ value: Double) -> String {
        let isWhole = value == value.rounded() && abs(value) < 10
        return (isWhole ? String(format: "%.2f", value) : number(value)) + " x"
    }

    /// `+24 %`, `-3.1 %`
    static func signedPercent(_ fraction: Double) -> String { (fraction > 0 ? "+" : "") + percent(fraction) }

    static func percent(_ fraction: Double) -> String {
        let value = fraction * 100
        return (abs(value) < 9.95 ? String(format: "%.1f", value) : number(value.rounded())) + " %"
    }

    static func grouped(_ value: Int) -> String {
        let digits = Array(String(abs(value)))
        var text = value < 0 ? "-" : ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    /// Bytes as GiB.
    static func gibibytes(_ bytes: Int64) -> String { String(format: "%.1f GiB", Double(bytes) / 1_073_741_824) }

    private static func exponent(_ value: Double) -> Int { value == 0 ? 0 : Int(floor(log10(abs(value)) + 1e-12)) }

    private static func round(_ value: Double, significant: Int) -> Double {
        let scale = pow(10, Double(significant - 1 - exponent(value)))
        return (value * scale).rounded() / scale
    }
}

extension Figure {
    /// `min..max` of the samples; empty with fewer than two.
    var rangeText: String { range.map { "\(Format.number($0.lowerBound))..\(Format.number($0.upperBound))" } ?? "" }

    /// Half of the range as a part of the median, `±3.1 %`; empty with fewer than two samples.
    var spreadText: String {
        guard let range, median != 0 else { return "" }
        return "±" + Format.percent((range.upperBound - range.lowerBound) / 2 / abs(median))
    }

    /// `≥ 5,000,000`, `≤ 1.25 x`; empty without a goal.
    var goalText: String {
        let sign = better == .higher ? "≥" : "≤"
        return switch goal {
        case .value(let value): "\(sign) \(Format.plain(value))"
        case .ratio(let ratio): "\(sign) \(Format.plain(ratio)) x"
        case nil: ""
        }
    }

    /// `0.617 x`; `absent` when the limit is not in the report; empty when there is none.
    var ratioText: String {
        guard let limit else { return "" }
        return limit.ratio.map(Format.ratio) ?? "absent"
    }
}

extension Machine {
    /// In one line: `AMD EPYC, 2 cores, 7.8 GiB, Linux 6.1, overlayfs`.
    var summary: String {
        "\(processor), \(cores) cores, \(Format.gibibytes(memoryBytes)), kernel \(kernel), \(filesystem)"
    }
}
