import Client
import HTTPTypes

/// Refusals of the line protocol as HTTP has them: a status, and a sentence beside the code and its facts.
enum Refusals {
    static func accepted(_ answer: Answer) throws(Problem) -> Answer {
        guard let code = answer.code else { return answer }
        throw problem(code, answer.fields)
    }

    static func problem(_ code: String, _ facts: Fields) -> Problem {
        let (status, sentence) = table[code] ?? (.badRequest, "the service refused the request")
        var details: [JSON.Member] = facts.pairs.map { JSON.Member(name: fieldName($0.key), value: .string(Line.unescaped($0.value))) }
        // Which field of the request it was, for those who show it there.
        if status == .unprocessableContent, let argument = facts["argument"] ?? facts["key"] ?? facts["what"] {
            details.insert(JSON.Member(name: "field", value: .string(fieldName(argument))), at: 0)
        }
        let listed = facts.pairs.map { "\(fieldName($0.key)) \(Line.unescaped($0.value))" }.joined(separator: ", ")
        var problem = Problem(
            status: status, code: code, message: listed.isEmpty ? sentence : "\(sentence) (\(listed))", details: .object(details))
        problem.isFromService = true
        if status == .serviceUnavailable { problem.headers[.retryAfter] = "1" }
        if status == .unauthorized { problem.headers[.wwwAuthenticate] = "Bearer" }
        return problem
    }

    /// Names of the line protocol by those of this interface.
    private static func fieldName(_ name: String) -> String {
        switch name {
        case "qty": "quantity"
        case "id": "client_order_id"
        case "exec": "trade_id"
        case "fee": "commission"
        case "feeasset": "commission_asset"
        case "tif": "time_in_force"
        case "type": "order_type"
        case "expire": "expire_time"
        case "strategy": "strategy_id"
        case "note": "notes"
        case "ref": "reference"
        case "account": "account_id"
        case "stop": "stop_price"
        case "display": "iceberg_qty"
        case "post": "post_only"
        case "reduce": "reduce_only"
        case "stp": "self_trade_prevention"
        case "maker_bps": "maker_fee_bps"
        case "taker_bps": "taker_fee_bps"
        case "short": "short_allowed"
        case "listed": "listed_only"
        case "reset": "reset_loss"
        case "min_qty": "min_quantity"
        case "max_qty": "max_quantity"
        case "max_open": "max_open_orders"
        default: name
        }
    }

    private static let table: [String: (HTTPResponse.Status, String)] = [
        "LINE_TOO_LONG": (.unprocessableContent, "the values of the request are too long together"),
        "BAD_VALUE": (.unprocessableContent, "a value is not allowed here"),
        "BAD_NUMBER": (.unprocessableContent, "not a plain decimal number"),
        "TOO_MANY_DECIMALS": (.unprocessableContent, "more decimals than the instrument or asset has; nothing is rounded"),
        "NUMBER_TOO_LARGE": (.unprocessableContent, "the number does not fit"),
        "NOT_SUPPORTED": (.unprocessableContent, "not supported by this version, or not on this kind of venue"),
        "OFF_TICK": (.unprocessableContent, "the price is not a multiple of the tick"),
        "OFF_LOT": (.unprocessableContent, "the quantity is not a multiple of the lot"),
        "QTY_OUT_OF_BOUNDS": (.unprocessableContent, "the quantity is outside the instrument's bounds"),
        "ALREADY_EXPIRED": (.unprocessableContent, "expire_time is not in the future"),
        "BAD_PAIR": (.unprocessableContent, "oco names no order that could be the other leg"),
        "FIXED": (.unprocessableContent, "this cannot be changed after definition"),
        "AUTH_REQUIRED": (.unauthorized, "a token is needed"),
        "BAD_TOKEN": (.unauthorized, "the token is not valid"),
        "TOKEN_EXPIRED": (.unauthorized, "the token has expired"),
        "FORBIDDEN": (.forbidden, "the token does not allow this"),
        "UNKNOWN_ACCOUNT": (.notFound, "no such account"),
        "UNKNOWN_ASSET": (.notFound, "no such asset"),
        "UNKNOWN_WALLET": (.notFound, "no such wallet"),
        "UNKNOWN_VENUE": (.notFound, "no such venue"),
        "UNKNOWN_INSTRUMENT": (.notFound, "no such instrument"),
        "UNKNOWN_ORDER": (.notFound, "no such order"),
        "UNKNOWN_SETTING": (.notFound, "no such setting"),
        "ID_REUSED": (.conflict, "this id stands for something else already; use a new one"),
        "ALREADY_EXISTS": (.conflict, "it exists already, with other content"),
        "POSITION_EXISTS": (.conflict, "there is a position already"),
        "ACCOUNT_SUSPENDED": (.badRequest, "the account is suspended"),
        "INSTRUMENT_HALTED": (.badRequest, "the instrument is halted"),
        "INSTRUMENT_POST_ONLY": (.badRequest, "the instrument takes only what rests"),
        "INSTRUMENT_CANCEL_ONLY": (.badRequest, "the instrument takes only cancels and smaller quantities"),
        "UNFILLABLE": (.badRequest, "fok: not all of it could trade at once"),
        "WOULD_TAKE": (.badRequest, "post_only: it would trade at once"),
        "WOULD_TRIGGER": (.badRequest, "the price that stop_price waits for is there already"),
        "REDUCE_ONLY": (.badRequest, "reduce_only without a position on the other side, or for more than it"),
        "IN_PAIR": (.badRequest, "an order in an oco pair cannot be replaced"),
        "UPGRADE_NEEDED": (.conflict, "the data directory is of an older format, which has no place for this"),
        "NOTIONAL_TOO_SMALL": (.badRequest, "the order is worth less than the instrument's minimum"),
        "NO_MARK": (.badRequest, "the instrument has no mark price, which this needs"),
        "ORDER_CLOSED": (.badRequest, "the order is closed"),
        "BELOW_CUM": (.badRequest, "less than what is filled already"),
        "OVERFILL": (.badRequest, "more than the order's quantity"),
        "BEYOND_LIMIT": (.badRequest, "the price is worse than the order's limit"),
        "NO_POSITION": (.badRequest, "there is no such position to close, or less of it"),
        "INSUFFICIENT_FUNDS": (.badRequest, "not enough is available"),
        "INSUFFICIENT_HELD": (.badRequest, "less than that is frozen"),
        "LIMIT_DISABLED": (.badRequest, "trading is switched off by a limit"),
        "LIMIT_QTY": (.badRequest, "beyond the limit of one order's quantity"),
        "LIMIT_NOTIONAL": (.badRequest, "beyond the limit of one order's worth"),
        "LIMIT_POSITION": (.badRequest, "beyond the position limit"),
        "LIMIT_OPEN_ORDERS": (.badRequest, "beyond the limit of open orders"),
        "LIMIT_PRICE_BAND": (.badRequest, "the price is too far from the reference price"),
        "LIMIT_ORDER_RATE": (.tooManyRequests, "more orders per second than the limit"),
        "LIMIT_CANCEL_RATE": (.tooManyRequests, "more cancels per second than the limit"),
        "LIMIT_SHORT": (.badRequest, "the account may not sell short"),
        "LIMIT_DAILY_LOSS": (.badRequest, "the account has lost too much today: only what reduces positions is taken"),
        "LIMIT_NOT_LISTED": (.badRequest, "the account may not trade this instrument"),
        "OVERFLOW": (.badRequest, "the result would not fit; nothing was done"),
        "TABLE_FULL": (.badRequest, "a maximum of definitions is reached"),
        "TOO_LATE": (.badRequest, "it came too late"),
        "STORAGE_FULL": (.serviceUnavailable, "the disk is nearly full: only cancels, fills and releases are taken"),
        "DRAINING": (.serviceUnavailable, "the service is shutting down"),
        "BUSY": (.serviceUnavailable, "busy; try again"),
    ]
}
