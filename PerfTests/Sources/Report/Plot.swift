/// Lines over two axes.
public struct Plot: Codable, Sendable {
    public enum Scale: String, Codable, Sendable {
        case linear
        /// Points that are not above zero are left out.
        case logarithmic
        /// Percentiles, 0...100, by log 1 / (1 - p): each further nine takes the same width. 100 is the maximum and stands at the edge.
        case percentile
    }
    public struct Axis: Codable, Sendable {
        public var title: String
        public var unit: String
        public var scale: Scale
        public init(title: String, unit: String, scale: Scale) {
            self.title = title
            self.unit = unit
            self.scale = scale
        }
    }
    public struct Line: Codable, Sendable {
        public var name: String
        /// (x, y)
        public var points: [[Double]]
        public init(name: String, points: [[Double]]) {
            self.name = name
            self.points = points
        }
    }
    public var id: String
    public var title: String
    public var x: Axis
    public var y: Axis
    public var lines: [Line]

    public init(id: String, title: String, x: Axis, y: Axis, lines: [Line]) {
        self.id = id
        self.title = title
        self.x = x
        self.y = y
        self.lines = lines
    }
}
