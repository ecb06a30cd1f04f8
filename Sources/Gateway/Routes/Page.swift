/// One page of a list, and the parameters that choose it.
enum Page {
    static let parameters: [Route.Parameter] = [
        .query("page", .integer(1...1_000_000), "From 1."), .query("size", .integer(1...100), "20 unless given."),
    ]

    static func number(_ values: Values) -> (page: Int, size: Int) {
        (Int(values.integer("page") ?? 1), Int(values.integer("size") ?? 20))
    }

    static func shape(_ name: String, _ list: String, of element: Shape) -> Shape {
        Shape(
            name,
            [
                .required(list, .list(.object(element))), .required("total", .integer(0...Int64.max)),
                .required("page", .integer(1...Int64.max)), .required("size", .integer(1...100)),
                .required("pages", .integer(0...Int64.max)),
            ])
    }

    /// The page of a whole list.
    static func json<Element>(_ list: String, _ all: [Element], _ values: Values, _ element: (Element) throws -> JSON) rethrows -> JSON {
        let (page, size) = number(values)
        let (start, overflow) = (page - 1).multipliedReportingOverflow(by: size)
        let rows = overflow ? [] : all.dropFirst(start).prefix(size)
        return json(list, try rows.map(element), total: all.count, values)
    }

    /// Rows that are the page already.
    static func json(_ list: String, _ rows: [JSON], total: Int, _ values: Values) -> JSON {
        let (page, size) = number(values)
        return .object([
            JSON.Member(name: list, value: .array(rows)), JSON.Member(name: "total", value: .int(total)),
            JSON.Member(name: "page", value: .int(page)), JSON.Member(name: "size", value: .int(size)),
            JSON.Member(name: "pages", value: .int((total + size - 1) / size)),
        ])
    }
}
