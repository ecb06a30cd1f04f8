import HTTPTypes
import NIOCore
import NIOHTTP1
import Server

/// Takes a request that has found its route: who asks, what it brings, and then the route's own code.
struct Dispatch: Sendable {
    let desk: Desk
    let settings: EdgeSettings

    /// - Parameter subject: whose token it is, once that is known.
    func answer(
        _ entry: RouteTable.Entry, _ captures: [(name: String, value: Substring)], _ request: EdgeRequest, _ subject: inout String?
    ) async throws -> EdgeResponse {
        let account = try desk.authenticator.account(request.headers)
        let caller = try await desk.authenticator.caller(request.headers)
        subject = caller.identity.subject
        if let seconds = caller.rateLimit.take(now: desk.service.clock.now()) {
            throw Problem(
                status: .tooManyRequests, code: "RATE_LIMITED", message: "more requests than this token may send", details: ["retry_after": .int(seconds)],
                headers: [.retryAfter: String(seconds)])
        }
        try entry.route.check(caller.identity.grant.roles)
        let call = Call(
            desk: desk, caller: caller, accountHeader: account, entry: entry, values: try values(entry, captures, request),
            idempotencyKey: try idempotencyKey(request))
        return EdgeResponse(entry.route.status, try await entry.route.handle(call))
    }

    private func idempotencyKey(_ request: EdgeRequest) throws -> String? {
        guard request.method == .post, let key = request.headers.first(name: "idempotency-key") else { return nil }
        guard (1...36).contains(key.utf8.count), key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Problem.invalid("Idempotency-Key", "1 to 36 printable bytes without blanks, such as a UUID")
        }
        return key
    }

    // MARK: Values

    private func values(
        _ entry: RouteTable.Entry, _ captures: [(name: String, value: Substring)], _ request: EdgeRequest
    ) throws -> Values {
        var problems: [(field: String, problem: String)] = []
        var members = try body(entry.route, request, &problems)
        let parameters = entry.parameters
        for capture in captures {
            guard let parameter = parameters.first(where: { $0.place == .path && $0.name == capture.name }) else { continue }
            take(parameter, EdgeRequest.decoded(String(capture.value)), &members, &problems)
        }
        var seen: Set<String> = []
        for (name, value) in request.query {
            guard let parameter = parameters.first(where: { $0.place == .query && $0.name == name }) else {
                problems.append((name, "unknown parameter"))
                continue
            }
            if !seen.insert(name).inserted {
                problems.append((name, "is given twice"))
            } else if members.contains(where: { $0.name == name }) {
                problems.append((name, "is in the body and in the query"))
            } else {
                take(parameter, value, &members, &problems)
            }
        }
        for parameter in parameters where parameter.place == .query && parameter.isRequired && !members.contains(where: { $0.name == parameter.name }) {
            problems.append((parameter.name, "is required"))
        }
        if !problems.isEmpty { throw Problem.invalid(problems) }
        return Values(members)
    }

    private func take(
        _ parameter: Route.Parameter, _ text: String, _ members: inout [JSON.Member], _ problems: inout [(field: String, problem: String)]
    ) {
        let value: JSON =
            switch parameter.schema {
            case .integer: Schema.isPlainInteger(text) ? .number(text) : .string(text)
            case .boolean: text == "true" ? true : text == "false" ? false : .string(text)
            default: .string(text)
            }
        parameter.schema.check(value, at: parameter.name, &problems)
        members.append(JSON.Member(name: parameter.name, value: value))
    }

    private func body(
        _ route: Route, _ request: EdgeRequest, _ problems: inout [(field: String, problem: String)]
    ) throws -> [JSON.Member] {
        guard case .bytes(let bytes) = request.body else { throw settings.tooLarge }
        guard let shape = route.body else {
            if bytes.readableBytes > 0 { problems.append(("body", "this request takes none")) }
            return []
        }
        if bytes.readableBytes == 0 {
            if !route.bodyIsOptional { problems.append(("body", "is required: a JSON object")) }
            return []
        }
        let value: JSON
        do {
            value = try bytes.withUnsafeReadableBytes { (all) throws(JSONReader.Fault) in try JSONReader.read(all) }
        } catch {
            throw Problem(
                status: .badRequest, code: "BAD_JSON", message: "the body is not JSON: \(error.problem) at byte \(error.at)",
                details: ["at": .int(error.at), "problem": .string(error.problem)])
        }
        shape.check(value, at: "", &problems)
        guard case .object(let members) = value else { return [] }
        // Under their present names.
        guard shape.hasAliases else { return members }
        return members.map { member in
            guard let field = shape.fields.first(where: { $0.alias == member.name }) else { return member }
            return JSON.Member(name: field.name, value: member.value)
        }
    }
}

extension Schema {
    static func isPlainInteger(_ text: String) -> Bool {
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        return !digits.isEmpty && digits.count <= 19 && digits.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }
}
