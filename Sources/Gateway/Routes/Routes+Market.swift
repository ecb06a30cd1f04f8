import Client

/// What everybody may see of an instrument: prices, and the book of an internal venue.
extension Routes {
    private static let symbol = Route.Parameter.path("symbol", .name)
    private static let market = Shape(
        "Market", note: "null: there is none, or the instrument is not matched here.",
        [
            .required("symbol", .text), .required("state", .enumeration(instrumentStates)), .nullable("mark_price", .decimal),
            .nullable("last_price", .decimal), .nullable("last_quantity", .decimal), .nullable("last_trade_time", .time),
            .nullable("bid_price", .decimal), .nullable("bid_quantity", .decimal), .nullable("ask_price", .decimal),
            .nullable("ask_quantity", .decimal), .nullable("high_24h", .decimal, "Of the last 24 hours, in steps of an hour; the others, too."),
            .nullable("low_24h", .decimal), .nullable("volume_24h", .decimal, "In base."), .nullable("turnover_24h", .decimal, "In quote."),
            .nullable("trades_24h", .integer(0...Int64.max)),
        ])
    private static let level = Shape(
        "BookLevel", [.required("price", .decimal), .required("quantity", .decimal, "What shows."), .required("orders", .integer(1...Int64.max))])
    private static let book = Shape(
        "Book", note: "As it was after one change; best prices first.",
        [
            .required("symbol", .text), .required("lsn", .integer(0...Int64.max), "Of that change."), .required("bids", .list(.object(level))),
            .required("asks", .list(.object(level))),
        ])

    static let markets: [Route] = [
        Route(
            .get, "/market", tag: "market", "Prices of all instruments", need: .token,
            answer: .object(Shape("Markets", [.required("markets", .list(.object(market)))]))
        ) { call in ["markets": .array(try await call.send(Line("MKT")).rows.map(marketJSON))] },
        Route(
            .get, "/market/{symbol}", tag: "market", "Prices of an instrument", need: .token, parameters: [symbol], answer: .object(market), problems: [404]
        ) { call in
            guard let row = try await call.send(Line("MKT", call.values.required("symbol"))).rows.first else {
                throw Problem.notFound("no such instrument", code: "UNKNOWN_INSTRUMENT")
            }
            return marketJSON(row)
        },
        Route(
            .get, "/market/{symbol}/book", tag: "market", "The book of an instrument of an internal venue", need: .token,
            parameters: [symbol, .query("depth", .integer(1...1_000), "Price levels of each side; 10 unless given.")], answer: .object(book), problems: [404]
        ) { call in
            let symbol = call.values.required("symbol")
            let answer = try await call.send(Line("BOOK", symbol).with("depth", call.values.integer("depth").map { String($0) }))
            func side(_ word: String) -> JSON {
                .array(
                    answer.rows.filter { $0.words.first == word }.map {
                        ["price": .text($0["px"]), "quantity": .text($0["qty"]), "orders": .number($0["orders"] ?? "1")]
                    })
            }
            return ["symbol": .string(symbol), "lsn": .number(answer["lsn"] ?? "0"), "bids": side("bid"), "asks": side("ask")]
        },
    ]

    private static func marketJSON(_ row: Fields) -> JSON {
        let fields = [
            ("mark_price", "mark"), ("last_price", "last"), ("last_quantity", "lastqty"), ("bid_price", "bid"), ("bid_quantity", "bidqty"),
            ("ask_price", "ask"), ("ask_quantity", "askqty"), ("high_24h", "high"), ("low_24h", "low"), ("volume_24h", "volume"),
            ("turnover_24h", "turnover"),
        ]
        var members: [JSON.Member] = [
            JSON.Member(name: "symbol", value: .text(row.words.first)), JSON.Member(name: "state", value: .text(row["state"])),
        ]
        members += fields.map { JSON.Member(name: $0.0, value: .text(row[$0.1])) }
        members.append(JSON.Member(name: "last_trade_time", value: .text(ISOTime.text(milliseconds: row["lasttime"]))))
        members.append(JSON.Member(name: "trades_24h", value: row["trades"].map { .number($0) } ?? .null))
        return .object(members)
    }
}
