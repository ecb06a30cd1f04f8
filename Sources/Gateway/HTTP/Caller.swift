import Core
import HTTPTypes
import NIOHTTP1
import Server

/// Who sends requests with a token, and the session through which their commands go. One per token, as long as its session lives.
final class Caller: Sendable {
    let identity: Identity
    let session: LineSession
    let rateLimit: RateLimit

    init(identity: Identity, session: LineSession, rateLimit: RateLimit) {
        self.identity = identity
        self.rateLimit = rateLimit
        self.session = session
    }
}

/// Finds out who sent a request. Any task.
struct Authenticator: Sendable {
    let service: Service
    let sessions: LineSessions

    /// - Throws: ``Problem``: 401 for a missing, bad or expired token.
    func caller(_ headers: HTTPHeaders) async throws -> Caller {
        guard service.requiresTokens else {
            if let known = sessions.known("") { return known }
            return try await sessions.caller("", .local)
        }
        if headers.contains(name: "x-account") {
            throw Problem(
                status: .badRequest, code: "BAD_HEADER", message: "X-Account is for a service without authentication; here account_id names the account")
        }
        guard let header = headers.first(name: "authorization") else {
            throw Problem.unauthorized("AUTH_REQUIRED", "a token is needed: Authorization: Bearer <token>")
        }
        let parts = header.utf8.split(separator: UInt8(ascii: " "))
        guard parts.count == 2, Substring(parts[0]).lowercased() == "bearer" else {
            throw Problem.unauthorized("BAD_TOKEN", "expected: Authorization: Bearer <token>")
        }
        let token = String(Substring(parts[1]))
        // Verified when its session began; what can change since is the time.
        if let known = sessions.known(token) { return known }
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
        return try await sessions.caller(token, identity)
    }

    /// `X-Account`, which names the account where there are no tokens.
    func account(_ headers: HTTPHeaders) throws -> AccountNumber? {
        guard !service.requiresTokens, let text = headers.first(name: "x-account") else { return nil }
        guard let number = AccountNumber(text), number > 0, number <= 9_007_199_254_740_991 else {
            throw Problem(
                status: .unprocessableContent, code: "VALIDATION_ERROR", message: "X-Account: an account number is expected",
                details: [["field": "X-Account", "problem": "an account number is expected"]])
        }
        return number
    }
}
