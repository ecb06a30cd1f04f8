import Core
import HTTPTypes
import History
import Server

// What routes ask of history. History follows the log, so it is a moment behind: a route that joins it with live state, or that must see what its
// caller has just been told, first waits until history has come so far.

extension Call {
    /// How long a request waits for history to come up to it.
    private static let patience = Duration.seconds(5)

    /// History, once it has everything that is durable now.
    /// - Throws: ``Problem``: 503 when it is off, stands still, or lags further than a request waits.
    func history() async throws -> History {
        try await history(upTo: desk.service.log.durableLSN)
    }

    func history(upTo lsn: UInt64) async throws -> History {
        guard let history = desk.history else {
            throw Problem.unavailable("HISTORY_OFF", "this service keeps no history; see the setting history")
        }
        guard await history.wait(for: lsn, timeout: Call.patience) else {
            throw Problem.unavailable(
                "HISTORY_LAGS", "history is behind: \(history.state)",
                ["applied": .int(history.appliedLSN), "wanted": .int(lsn), "state": .string("\(history.state)")])
        }
        return history
    }

    /// Runs a query of history; what it cannot answer becomes a problem.
    func asking<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as HistoryError {
            switch error {
            case .busy: throw Problem.unavailable("HISTORY_BUSY", error.description)
            case .badValue(let argument, let expected): throw Problem.invalid(argument, "\(expected) is expected")
            case .overflow: throw Problem(status: .badRequest, code: "OVERFLOW", message: error.description)
            default: throw Problem.unavailable("HISTORY_UNAVAILABLE", error.description)
            }
        }
    }

    /// Microseconds; `nil` when it has never traded, or history is off. What a request has done is not refused for history's sake: then it is `nil`
    /// also when history lags.
    func tradeTimes(_ account: AccountNumber, _ symbol: String) async throws -> (first: Timestamp, last: Timestamp)? {
        guard desk.history != nil, let name = Text(symbol) else { return nil }
        do {
            let history = try await history()
            return try await asking { try await history.firstAndLastTradeTime(account: account, symbol: name) }
        } catch let problem as Problem where route.method != .get && problem.status == .serviceUnavailable {
            return nil
        }
    }

    /// A text of a filter as the service keeps it.
    func name(_ field: String) throws -> Text? {
        guard let value = values.text(field) else { return nil }
        guard let text = Text(value) else { throw Problem.invalid(field, "at most 36 bytes") }
        return text
    }
}

extension Text {
    init?(_ string: String) {
        var string = string
        guard let text = string.withUTF8({ Text(bytes: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = text
    }
}

extension OrderFacts {
    /// A closed order of history.
    init(_ row: OrderRow) {
        id = row.id
        account = row.account
        symbol = row.symbol
        clientID = row.clientID.string
        side = row.side.word.description
        type = row.type.word.description
        timeInForce = row.timeInForce.word.description
        quantity = row.quantity
        price = row.price
        status = row.status.word.description
        leaves = row.leaves
        cumulative = row.cumulative
        average = row.average
        created = row.created / 1_000
        updated = row.updated / 1_000
        expire = row.expire.map { $0 / 1_000 }
        strategy = row.strategy.isEmpty ? nil : row.strategy.string
        note = row.note.isEmpty ? nil : row.note.string
        reason = row.reasonText.isEmpty ? row.reason?.word.description : row.reasonText.string
        options.stop = row.options.stop
        options.isTakeProfit = row.options.trigger == .takeProfit
        options.trigger = row.options.stop == nil ? nil : row.options.triggerPrice == .mark ? "mark" : "last"
        options.display = row.options.display
        options.isPostOnly = row.options.postOnly
        options.isReduceOnly = row.options.reduceOnly
        options.selfTradePrevention = row.options.selfTrade == .standard ? nil : "\(row.options.selfTrade)"
        options.oco = row.options.oco
    }
}

extension OrderFees {
    init(_ trades: [TradeRow]) {
        for trade in trades {
            if let amount = Exact(trade.fee) { add(trade.feeAsset, amount) }
            lastTrade = max(lastTrade ?? 0, trade.time / 1_000)
        }
    }
}

extension OrderWords {
    static func coreStatus(_ word: String) -> OrderStatus? {
        switch word {
        case "submitted": .new
        case "partial_filled": .partiallyFilled
        case "filled": .filled
        case "cancelled": .canceled
        case "expired": .expired
        default: nil
        }
    }
}
