import Core
import Crypto
import Foundation
import Synchronization

/// A token that was verified and is in force.
package struct VerifiedToken: Sendable {
    package let claims: TokenClaims
    package let grant: Grant
    /// Service time at which it ends, microseconds.
    package let expires: Timestamp
}

/// Verifies tokens for both edges, the line protocol's AUTH and each request of the REST API. Recently verified ones are remembered by their hash
/// until they end, since a REST client sends the same token with every request.
///
/// Any thread.
package final class TokenVerifier: Sendable {
    /// Tokens remembered; beyond, the ones verified first are forgotten.
    static let rememberedMax = 4_096

    private struct Memory {
        var tokens: [SHA256Digest: VerifiedToken] = [:]
        /// In the order verified; a ring once it is full.
        var order: [SHA256Digest] = []
        var next = 0
    }

    private let key: TokenKey
    private let memory = Mutex(Memory())

    init(key: TokenKey) { self.key = key }

    /// - Parameter now: service time, microseconds.
    /// - Returns: the token's content, or BAD_TOKEN with a reason, or TOKEN_EXPIRED.
    func verify(_ token: String, now: Timestamp) async -> Result<VerifiedToken, Refusal> {
        let digest = SHA256.hash(data: Data(token.utf8))
        if let known = memory.withLock({ $0.tokens[digest] }) {
            if known.expires > now { return .success(known) }
            memory.withLock { $0.tokens[digest] = nil }
            return .failure(.tokenExpired(at: known.expires))
        }
        let claims: TokenClaims
        do {
            claims = try await key.verify(token)
        } catch {
            return .failure(.badToken(reason: (error as? TokenFault)?.reason ?? "malformed"))
        }
        let (expires, overflow) = claims.exp.multipliedReportingOverflow(by: 1_000_000)
        if overflow || expires <= 0 { return .failure(.badToken(reason: "claim_exp")) }
        if let start = claims.nbf, start > now / 1_000_000 { return .failure(.badToken(reason: "not_yet_valid")) }
        if expires <= now { return .failure(.tokenExpired(at: expires)) }
        let verified = VerifiedToken(claims: claims, grant: Grant(claims), expires: expires)
        memory.withLock { TokenVerifier.remember(digest, verified, in: &$0) }
        return .success(verified)
    }

    private static func remember(_ digest: SHA256Digest, _ token: VerifiedToken, in memory: inout Memory) {
        // Two requests with a new token at once.
        guard memory.tokens.updateValue(token, forKey: digest) == nil else { return }
        if memory.order.count < rememberedMax {
            memory.order.append(digest)
        } else {
            memory.tokens[memory.order[memory.next]] = nil
            memory.order[memory.next] = digest
            memory.next = (memory.next + 1) % rememberedMax
        }
    }

    var rememberedCount: Int { memory.withLock { $0.tokens.count } }
}
