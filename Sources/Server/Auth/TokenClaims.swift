public import JWTKit

/// What a token says about its bearer: the claims of section 3 of docs/PROTOCOL.md. `cashup token` signs this type and the server verifies it.
public struct TokenClaims: JWTPayload, Equatable {
    public enum Role: String, Codable, Sendable, CaseIterable {
        case viewer, trader, connector, admin
    }

    /// Some values, or every one (`*` in the token).
    public enum Scope<Value: Codable & Hashable & Sendable>: Codable, Sendable, Equatable {
        case all
        case only([Value])

        public init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let values = try? container.decode([Value].self) {
                self = .only(values)
            } else if try container.decode(String.self) == "*" {
                self = .all
            } else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "neither an array nor \"*\"")
            }
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .all: try container.encode("*")
            case .only(let values): try container.encode(values)
            }
        }
    }

    /// The only `type` taken.
    public static let accessType = "access"

    /// Who: goes into the log with everything the bearer does. Not empty.
    public var sub: String
    /// Unix seconds at which the token ends.
    public var exp: Int64
    /// Unix seconds before which it is not valid; absent: always was.
    public var nbf: Int64?
    public var type: String
    /// Without the claim: none, and whatever is asked is forbidden. Names of other services' roles are left out.
    public var roles: [Role]
    /// Without the claim: none.
    public var accounts: Scope<UInt64>
    /// Venues a connector reports for; `["*"]` or `"*"` for all.
    public var venues: Scope<String>?
    /// The same as the role admin.
    public var isSuperuser: Bool

    public init(
        sub: String, exp: Int64, roles: [Role], accounts: Scope<UInt64>, venues: Scope<String>? = nil, isSuperuser: Bool = false
    ) {
        self.sub = sub
        self.exp = exp
        self.type = Self.accessType
        self.roles = roles
        self.accounts = accounts
        self.venues = venues
        self.isSuperuser = isSuperuser
    }

    enum CodingKeys: String, CodingKey {
        case sub, exp, nbf, type, roles, accounts, venues
        case isSuperuser = "is_superuser"
    }

    /// - Throws: ``TokenFault`` that names the claim.
    public init(from decoder: any Decoder) throws {
        let claims = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value>(_ name: StaticString, _ body: () throws -> Value) throws -> Value {
            do { return try body() } catch { throw TokenFault(reason: name) }
        }
        sub = try read("claim_sub") { try claims.decode(String.self, forKey: .sub) }
        if sub.isEmpty { throw TokenFault(reason: "claim_sub") }
        exp = try read("claim_exp") { try TokenClaims.seconds(claims, .exp) }
        nbf = try read("claim_nbf") { try claims.contains(.nbf) ? TokenClaims.seconds(claims, .nbf) : nil }
        type = try read("type") { try claims.decode(String.self, forKey: .type) }
        roles = try read("claim_roles") { try claims.decodeIfPresent([String].self, forKey: .roles) ?? [] }.compactMap(Role.init)
        accounts = try read("claim_accounts") { try claims.decodeIfPresent(Scope<UInt64>.self, forKey: .accounts) ?? .only([]) }
        venues = try read("claim_venues") { try claims.decodeIfPresent(Scope<String>.self, forKey: .venues) }
        isSuperuser = try read("claim_is_superuser") { try claims.decodeIfPresent(Bool.self, forKey: .isSuperuser) ?? false }
    }

    public func encode(to encoder: any Encoder) throws {
        var claims = encoder.container(keyedBy: CodingKeys.self)
        try claims.encode(sub, forKey: .sub)
        try claims.encode(exp, forKey: .exp)
        try claims.encodeIfPresent(nbf, forKey: .nbf)
        try claims.encode(type, forKey: .type)
        try claims.encode(roles, forKey: .roles)
        try claims.encode(accounts, forKey: .accounts)
        try claims.encodeIfPresent(venues, forKey: .venues)
        if isSuperuser { try claims.encode(true, forKey: .isSuperuser) }
    }

    /// RFC 7519 lets a time have a fraction.
    private static func seconds(_ claims: KeyedDecodingContainer<CodingKeys>, _ key: CodingKeys) throws -> Int64 {
        if let whole = try? claims.decode(Int64.self, forKey: key) { return whole }
        guard let seconds = Int64(exactly: try claims.decode(Double.self, forKey: key).rounded(.down)) else {
            throw TokenFault(reason: "malformed")
        }
        return seconds
    }

    /// As the answer to AUTH and the log name them.
    package var roleNames: String {
        var names = roles
        if isSuperuser, !names.contains(.admin) { names.append(.admin) }
        return names.map(\.rawValue).joined(separator: ",")
    }

    /// Checks what does not depend on the time. `exp` is compared by the caller with the service's own time, because an expired token has
    /// a refusal of its own.
    public func verify(using algorithm: some JWTAlgorithm) async throws { try checkType() }

    func checkType() throws {
        guard type == Self.accessType else { throw TokenFault(reason: "type") }
    }
}
