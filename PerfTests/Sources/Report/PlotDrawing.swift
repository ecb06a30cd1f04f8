import Foundation

/// A plot as SVG, drawn when the page is written, so that it is there without a script and in print. Colours and dashes are the style sheet's.
struct PlotDrawing {
    /// Pixels at which letters have their own size; a page shows the one that fits.
    struct Size {
        var name: String
        var width: Double
        var height: Double
        static let wide = Size(name: "wide", width: 780, height: 380)
        static let narrow = Size(name: "narrow", width: 360, height: 300)
    }
    /// Where lines are told apart by more than colour: dashes after so many, as many dashes, and then all over again.
    static let colours = 6
    static let dashes = 3
    /// Lines with no more points than this have a mark at each; curves of percentiles with more have some, others none.
    private static let markedMax = 30
    private static let marksOfCurve = 7
    /// Lines with more points are drawn thin.
    private static let denseMin = 200
    /// Beyond that nothing was measured, and nearer to zero than its inverse counts as zero: differences stay finite, steps above zero.
    private static let farthest = 1e100
    /// Points across the width that can be told apart; of more, the extremes are kept.
    private static let pointsMax = 800

    let plot: Plot
    /// With two coordinates that can be drawn, thinned.
    let lines: [[(x: Double, y: Double)]]

    init(_ plot: Plot) {
        self.plot = plot
        lines = plot.lines.map { PlotDrawing.thinned(PlotDrawing.drawable($0.points)) }
    }

    var isEmpty: Bool { lines.allSatisfy(\.isEmpty) }

    private static func drawable(_ points: [[Double]]) -> [(x: Double, y: Double)] {
        func settled(_ value: Double) -> Double { abs(value) < 1 / farthest ? 0 : value }
        return points.filter { $0.count >= 2 && abs($0[0]) < farthest && abs($0[1]) < farthest }.map { (settled($0[0]), settled($0[1])) }
    }

    /// Of each stretch the first, least, greatest and last in the order they came: a peak of one point in ten thousand must show.
    private static func thinned(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
        guard points.count > pointsMax else { return points }
        let stretch = (points.count * 4 + pointsMax - 1) / pointsMax
        return stride(from: 0, to: points.count, by: stretch).flatMap { start in
            let range = start..<min(start + stretch, points.count)
            let least = range.min { points[$0].y < points[$1].y }!
            let greatest = range.max { points[$0].y < points[$1].y }!
            return Set([range.lowerBound, least, greatest, range.upperBound - 1]).sorted().map { points[$0] }
        }
    }

    func svg(_ size: Size) -> String {
        let y = PlotScale(plot.y.scale, values: lines.joined().map(\.y), room: size.name == "wide" ? 7 : 6, fromZero: true)
        let widest = y.ticks.compactMap(\.label?.count).max() ?? 0
        let (left, right, top, bottom) = (Double(widest) * 6.8 + 14, size.width - 22, 30.0, size.height - 44)
        let x = PlotScale(plot.x.scale, values: lines.joined().map(\.x), room: Int((right - left) / 75), fromZero: false)
        func across(_ value: Double) -> Double? { x.place(value).map { left + $0 * (right - left) } }
        func down(_ value: Double) -> Double? { y.place(value).map { bottom - $0 * (bottom - top) } }

        var svg = """
            <svg class="plot \(size.name)" viewBox="0 0 \(Int(size.width)) \(Int(size.height))" role="img" aria-label="\(HTML.escape(plot.title))" \
            data-x="\(x.data(left, right))" data-y="\(y.data(bottom, top))">

            """
        for tick in y.ticks {
            guard let place = down(tick.value) else { continue }
            svg += "<line class=\"\(tick.label == nil ? "minor" : "grid")\" x1=\"\(n(left))\" x2=\"\(n(right))\" y1=\"\(n(place))\" y2=\"\(n(place))\"/>"
            if let label = tick.label { svg += "<text class=\"tick\" text-anchor=\"end\" x=\"\(n(left - 7))\" y=\"\(n(place + 4))\">\(label)</text>" }
        }
        var free = -Double.infinity
        for tick in x.ticks {
            guard let place = across(tick.value) else { continue }
            svg += "<line class=\"\(tick.label == nil ? "minor" : "grid")\" x1=\"\(n(place))\" x2=\"\(n(place))\" y1=\"\(n(top))\" y2=\"\(n(bottom))\"/>"
            // Nines crowd on a narrow page: a number that would touch the one before is left out.
            guard let label = tick.label, place - Double(label.count) * 3.4 > free else { continue }
            free = place + Double(label.count) * 3.4 + 6
            svg += "<text class=\"tick\" text-anchor=\"middle\" x=\"\(n(place))\" y=\"\(n(bottom + 17))\">\(label)</text>"
        }
        svg += """

            <path class="axis" d="M\(n(left)) \(n(top))V\(n(bottom))H\(n(right))"/>
            <text class="title" x="4" y="14">\(plot.y.titleHTML)</text>
            <text class="title" text-anchor="middle" x="\(n((left + right) / 2))" y="\(n(size.height - 6))">\(plot.x.titleHTML)</text>

            """
        for (place, line) in lines.enumerated() {
            let points = line.compactMap { point in across(point.x).flatMap { x in down(point.y).map { (x, $0) } } }
            let path = points.enumerated().map { ($0 == 0 ? "M" : "L") + "\(n($1.0)) \(n($1.1))" }.joined()
            let dense = points.count >= PlotDrawing.denseMin ? " dense" : ""
            svg += "<g class=\"line \(PlotDrawing.look(place))\(dense)\" data-line=\"\(place)\"><path d=\"\(path)\"/>"
            svg += marked(points, place).map { PlotDrawing.mark(place, $0.0, $0.1) }.joined() + "</g>\n"
        }
        return svg + "<line class=\"cursor\" y1=\"\(n(top))\" y2=\"\(n(bottom))\" hidden=\"\"/></svg>"
    }

    private func isMarked(_ points: Int) -> Bool { points <= PlotDrawing.markedMax || plot.x.scale == .percentile }

    /// Of many points those next to places evenly apart, a little further along with each line so that marks of neighbours do not meet.
    private func marked(_ points: [(Double, Double)], _ place: Int) -> [(Double, Double)] {
        if points.count <= PlotDrawing.markedMax { return points }
        guard isMarked(points.count), let first = points.first, let last = points.last else { return [] }
        let step = (last.0 - first.0) / Double(PlotDrawing.marksOfCurve)
        return (0..<PlotDrawing.marksOfCurve).map { number in
            let wanted = first.0 + step * (Double(number) + Double(place % PlotDrawing.colours) / Double(PlotDrawing.colours))
            return points.min { abs($0.0 - wanted) < abs($1.0 - wanted) }!
        }
    }

    func legend() -> String {
        let entries = plot.lines.enumerated().map { place, line in
            """
            <li data-line="\(place)"><svg class="key" viewBox="0 0 34 12" aria-hidden="true"><g class="line \(PlotDrawing.look(place))">\
            <path d="M1 6H33"/>\(isMarked(lines[place].count) ? PlotDrawing.mark(place, 17, 6) : "")</g></svg><span>\(HTML.escape(line.name))</span></li>
            """
        }
        return "<ul class=\"legend\">\(entries.joined(separator: "\n"))</ul>"
    }

    /// What the read-out needs: names, units, points.
    func data() -> String {
        struct Content: Encodable {
            struct Line: Encodable {
                var name: String
                var points: [[Double]]
            }
            var x: Plot.Axis
            var y: Plot.Axis
            var lines: [Line]
        }
        let content = Content(
            x: plot.x, y: plot.y, lines: zip(plot.lines, lines).map { .init(name: $0.name, points: $1.map { [$0.x, $0.y] }) })
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let json = (try? encoder.encode(content)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
        // Inside <script> only this sign could end it.
        return json.replacingOccurrences(of: "<", with: "\\u003c")
    }

    private static func look(_ place: Int) -> String { "c\(place % colours) d\(place / colours % dashes)" }

    /// A shape a line; a colour is never the only difference.
    private static func mark(_ place: Int, _ x: Double, _ y: Double) -> String {
        func polygon(_ corners: [(Double, Double)]) -> String {
            "<polygon points=\"\(corners.map { "\(n(x + $0.0)),\(n(y + $0.1))" }.joined(separator: " "))\"/>"
        }
        return switch (place + place / colours) % colours {
        case 0: "<circle cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"3.5\"/>"
        case 1: polygon([(-3.2, -3.2), (3.2, -3.2), (3.2, 3.2), (-3.2, 3.2)])
        case 2: polygon([(0, -4.6), (4.4, 3.4), (-4.4, 3.4)])
        case 3: polygon([(0, -4.8), (4.8, 0), (0, 4.8), (-4.8, 0)])
        case 4: polygon([(0, 4.6), (4.4, -3.4), (-4.4, -3.4)])
        default: polygon([(-4.5, -1.4), (-1.4, -1.4), (-1.4, -4.5), (1.4, -4.5), (1.4, -1.4), (4.5, -1.4), (4.5, 1.4), (1.4, 1.4), (1.4, 4.5), (-1.4, 4.5), (-1.4, 1.4), (-4.5, 1.4)])
        }
    }
}

extension PlotScale {
    /// Kind, both ends as positions, both ends in pixels, the place of 100 %: what the script maps by.
    fileprivate func data(_ from: Double, _ to: Double) -> String {
        "\(kind.rawValue) \(low) \(high) \(n(from)) \(n(to)) \(edge ?? high)"
    }
}

extension Plot.Axis {
    fileprivate var titleHTML: String {
        HTML.escape(title) + (unit.isEmpty ? "" : (title.isEmpty ? "" : ", ") + HTML.unit(unit))
    }
}

/// Tenths of a pixel.
private func n(_ value: Double) -> String {
    let tenths = (value * 10).rounded() / 10
    return tenths == tenths.rounded() ? String(Int(tenths)) : String(tenths)
}
