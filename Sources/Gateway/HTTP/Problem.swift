import HTTPTypes

/// An answer other than the one asked for: what goes into `{error, code, message, details, request_id}`.
struct Problem: Error, Sendable {
    var status: HTTPResponse.Status
    /// Stable, for programs: one of docs/REST.md or of docs/PROTOCOL.md, section 10.
    var code: String
    /// For people; may be reworded.
    var message: String
    /// Facts to mend it: an object, or a list of `{field, problem}`.
    var details: JSON = .null
    var headers: HTTPFields = [:]
    /// Refused by the service, which has noted it in its audit.
    var isFromService = false

    /// The kind of trouble, a constant per status.
    var error: String {
        switch status.code {
        case 400: "BUSINESS_ERROR"
        case 401: "AUTHENTICATION_ERROR"
        case 403: "PERMISSION_ERROR"
        case 404: "NOT_FOUND"
        case 405: "METHOD_NOT_ALLOWED"
        case 409: "CONFLICT"
        case 413: "TOO_LARGE"
        case 422: "VALIDATION_ERROR"
        case 429: "RATE_LIMITED"
        case 503: "UNAVAILABLE"
        default: "INTERNAL_ERROR"
        }
    }

    func body(requestID: String) -> JSON {
        [
            "error": .string(error), "code": .string(code), "message": .string(message), "details": details,
            "request_id": .string(requestID),
        ]
    }
}

extension Problem {
    static func notFound(_ message: String, code: String = "NOT_FOUND", _ details: JSON = .null) -> Problem {
        Problem(status: .notFound, code: code, message: message, details: details)
    }

    /// 422: which field, and what is wrong with it.
    static func invalid(_ field: String, _ problem: String, code: String = "VALIDATION_ERROR") -> Problem {
        invalid([(field, problem)], code: code)
    }

    static func invalid(_ fields: [(field: String, problem: String)], code: String = "VALIDATION_ERROR") -> Problem {
        Problem(
            status: .unprocessableContent, code: code,
            message: fields.map { "\($0.field): \($0.problem)" }.joined(separator: "; "),
            details: .array(fields.map { ["field": .string($0.field), "problem": .string($0.problem)] }))
    }

    static func notSupported(_ field: String, what: String? = nil) -> Problem {
        var details: [JSON.Member] = [JSON.Member(name: "field", value: .string(field))]
        if let what { details.append(JSON.Member(name: "what", value: .string(what))) }
        return Problem(
            status: .unprocessableContent, code: "NOT_SUPPORTED", message: "\(([field] + (what.map { [$0] } ?? [])).joined(separator: " ")) is not supported by this version, or not on this kind of venue",
            details: .object(details))
    }

    static func forbidden(need: String, _ message: String) -> Problem {
        Problem(status: .forbidden, code: "FORBIDDEN", message: message, details: ["need": .string(need)])
    }

    static func unauthorized(_ code: String, _ message: String) -> Problem {
        // RFC 6750, section 3.
        Problem(status: .unauthorized, code: code, message: message, headers: [.wwwAuthenticate: "Bearer"])
    }

    static func unavailable(_ code: String, _ message: String, _ details: JSON = .null) -> Problem {
        Problem(status: .serviceUnavailable, code: code, message: message, details: details, headers: [.retryAfter: "1"])
    }
}
