import HTTPTypes

/// The table of routes as a tree of path segments, so that a request finds its route without building anything. Any task.
final class RouteTable: Sendable {
    /// A route, and what of it is the same for all requests.
    final class Entry: Sendable {
        let route: Route
        let parameters: [Route.Parameter]

        init(_ route: Route) {
            self.route = route
            parameters = route.allParameters
        }
    }

    enum Match {
        /// Captures are still percent-encoded.
        case route(Entry, captures: [(name: String, value: Substring)])
        /// The path is known, not with this method; those it has.
        case otherMethods(String)
        case nothing
    }

    private final class Node: Sendable {
        let children: [(name: String, node: Node)]
        let capture: (name: String, node: Node)?
        let entries: [(method: HTTPRequest.Method, entry: Entry)]
        /// `DELETE, POST`
        let methods: String

        /// - Parameter routes: with their segments from here on.
        init(_ routes: [(segments: ArraySlice<Substring>, entry: Entry)]) {
            let here = routes.filter { $0.segments.isEmpty }
            entries = here.map { ($0.entry.route.method, $0.entry) }
            methods = here.map { $0.entry.route.method.rawValue }.sorted().joined(separator: ", ")
            var below: [(name: Substring, routes: [(segments: ArraySlice<Substring>, entry: Entry)])] = []
            for route in routes {
                guard let name = route.segments.first else { continue }
                let rest = (route.segments.dropFirst(), route.entry)
                if let index = below.firstIndex(where: { $0.name == name }) { below[index].routes.append(rest) } else { below.append((name, [rest])) }
            }
            let captures = below.filter { $0.name.hasPrefix("{") }
            precondition(captures.count < 2, "two names for one place: \(captures.map(\.name))")
            capture = captures.first.map { (String($0.name.dropFirst().dropLast()), Node($0.routes)) }
            children = below.filter { !$0.name.hasPrefix("{") }.map { (String($0.name), Node($0.routes)) }
        }
    }
    private let root: Node
    /// Paths without captures, as they are written in the table.
    private let plain: [String: Node]

    init(_ routes: [Route]) {
        let paths = routes.map { Routes.prefix + $0.path }
        let root = Node(zip(paths, routes).map { ($0.split(separator: "/")[...], Entry($1)) })
        self.root = root
        var none: [(name: String, value: Substring)] = []
        plain = Dictionary(
            paths.compactMap { path in RouteTable.find(root, Substring(path).utf8, &none).map { (path, $0) } }.filter { !$0.0.contains("{") }
        ) { first, _ in first }
    }

    /// Empty segments do not count, so a path may end with a slash. A name goes before a capture. HEAD finds what GET does; its answer is sent
    /// without the body.
    func find(_ request: EdgeRequest) -> Match {
        let method = request.method == .head ? .get : request.method
        var captures: [(name: String, value: Substring)] = []
        guard let node = plain[request.target] ?? RouteTable.find(root, request.path.utf8, &captures), !node.entries.isEmpty else { return .nothing }
        if let found = node.entries.first(where: { $0.method == method }) { return .route(found.entry, captures: captures) }
        return .otherMethods(node.methods)
    }

    private static func find(_ node: Node, _ path: Substring.UTF8View, _ captures: inout [(name: String, value: Substring)]) -> Node? {
        let path = path.drop { $0 == UInt8(ascii: "/") }
        if path.isEmpty { return node }
        let end = path.firstIndex(of: UInt8(ascii: "/")) ?? path.endIndex
        let segment = Substring(path[..<end])
        for child in node.children where child.name == segment {
            if let found = find(child.node, path[end...], &captures) { return found }
        }
        guard let capture = node.capture else { return nil }
        captures.append((capture.name, segment))
        if let found = find(capture.node, path[end...], &captures) { return found }
        captures.removeLast()
        return nil
    }
}
