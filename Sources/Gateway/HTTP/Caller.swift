import Core
import HTTPTypes
import Server

/// Who sent a request, and the session through which its commands go.
struct Caller: Sendable {
    let identity: Identity
    let roles: Set<Role>
    let session: LineSession
    /// `X-Account`, with auth=off.
    let accountHeader: AccountNumber?
}

/// Finds out who sent a request. Any task.
struct Authenticator: Sendable {
    let service: Service
    let sessions: LineSessions

    /// - Throws: ``Problem``: 401 for a missing, bad or expired token.
    func caller(_ headers: HTTPFields) async throws -> Caller {
        guard service.requiresTokens else {
            let account = try accountHeader(headers)
            return Caller(
                identity: .local, roles: [.admin], session: try await sessions.session("", .local), accountHeader: account)
        }
        if headers[.xAccount] != nil {
            throw Problem(
                status: .badRequest, code: "BAD_HEADER", message: "X-Account is for a service without authentication; here account_id names the account")
        }
        guard let header = headers[.authorization] else {
            throw Problem.unauthorized("AUTH_REQUIRED", "a token is needed: Authorization: Bearer <token>")
        }
        let parts = header.split(separator: " ")
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw Problem.unauthorized("BAD_TOKEN", "expected: Authorization: Bearer <token>")
        }
        let token = String(parts[1])
        let identity: Identity
        do {
            identity = try await service.identify(token: token)
        } catch {
            switch error {
            case .tokenExpired(let end):
                throw Problem.unauthorized("TOKEN_EXPIRED", "the token ended at \(ISOTime.text(microseconds: end))")
            case .badToken(let reason): throw Problem.unauthorized("BAD_TOKEN", "the token is not valid: \(reason)")
            default: throw Problem.unauthorized("BAD_TOKEN", "the token is not valid")
            }
        }
        return Caller(
            identity: identity, roles: Set(Role.all(of: identity.grant.roles)), session: try await sessions.session(token, identity),
            accountHeader: nil)
    }

    private func accountHeader(_ headers: HTTPFields) throws -> AccountNumber? {
        guard let text = headers[.xAccount] else { return nil }
        guard let number = AccountNumber(text), number > 0, number <= 9_007_199_254_740_991 else {
            throw Problem(
                status: .unprocessableContent, code: "VALIDATION_ERROR", message: "X-Account: an account number is expected",
                details: [["field": "X-Account", "problem": "an account number is expected"]])
        }
        return number
    }
}

extension HTTPField.Name {
    static let xAccount = HTTPField.Name("X-Account")!
    static let xRequestID = HTTPField.Name("X-Request-ID")!
    static let xProcessTime = HTTPField.Name("X-Process-Time")!
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
}

extension Role {
    static func all(of roles: Roles) -> [Role] {
        var all: [Role] = []
        if roles.contains(.viewer) { all.append(.viewer) }
        if roles.contains(.trader) { all.append(.trader) }
        if roles.contains(.connector) { all.append(.connector) }
        if roles.contains(.admin) { all.append(.admin) }
        return all
    }
}
