import WAL

/// Prometheus' text exposition format, version 0.0.4: families of samples, one after the other. Base units: seconds, bytes, counts.
package struct MetricsText: Sendable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    /// Of the HTTP answer.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package private(set) var text = ""
    private var name = ""

    package init() {}

    /// Begins a family; its samples follow. A name is given once in an exposition.
    package mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    package mutating func sample(_ value: some BinaryInteger, _ labels: [(String, String)] = []) { line("", labels, String(value)) }
    package mutating func sample(_ value: Double, _ labels: [(String, String)] = []) { line("", labels, MetricsText.number(value)) }

    /// A family of one sample.
    package mutating func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) {
        family(name, .gauge, help)
        sample(value)
    }
    package mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        family(name, .gauge, help)
        sample(value)
    }
    package mutating func counter(_ name: String, _ help: String, _ value: some BinaryInteger) {
        family(name, .counter, help)
        sample(value)
    }

    /// The samples of one histogram of the family. Buckets outside of `range` (upper bounds) are left out; their values count in the next above.
    /// - Parameter perUnit: how many of the values are one in the unit of the family: 1e9 for nanoseconds in one of seconds. Bounds are divided by it,
    ///   which gives the nearest number, so that they print short.
    package mutating func histogram(
        _ counts: HistogramCounts, perUnit: Double, range: ClosedRange<UInt64>, _ labels: [(String, String)] = []
    ) {
        var total: UInt64 = 0
        for bucket in counts.counts.indices {
            total += counts.counts[bucket]
            guard bucket < Histogram.bucketCount - 1, range.contains(Histogram.bound(of: bucket)) else { continue }
            line("_bucket", labels + [("le", MetricsText.number(Double(Histogram.bound(of: bucket)) / perUnit))], String(total))
        }
        line("_bucket", labels + [("le", "+Inf")], String(total))
        line("_sum", labels, MetricsText.number(Double(counts.sum) / perUnit))
        line("_count", labels, String(total))
    }

    private mutating func line(_ suffix: String, _ labels: [(String, String)], _ value: String) {
        text += name + suffix
        if !labels.isEmpty {
            text += "{"
            for (index, (key, value)) in labels.enumerated() {
                text += (index > 0 ? "," : "") + key + "=\"" + MetricsText.escaped(value) + "\""
            }
            text += "}"
        }
        text += " \(value)\n"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
