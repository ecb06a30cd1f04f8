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

    /// Who: goes into the log with everything the bearer does.
    public var sub: String
    /// Unix seconds at which the token ends.
    public var exp: Int64
    /// Unix seconds before which it is not valid; absent: always was.
    public var nbf: Int64?
    public var type: String
    public var roles: [Role]
    public var accounts: Scope<UInt64>
    /// Venues a connector reports for; `["*"]` or `"*"` for all.
    public var venues: Scope<String>?

    public init(
        sub: String, exp: Int64, roles: [Role], accounts: Scope<UInt64>, venues: Scope<String>? = nil
    ) {
        self.sub = sub
        self.exp = exp
        self.type = Self.accessType
        self.roles = roles
        self.accounts = accounts
        self.venues = venues
    }

    /// Checks what does not depend on the time. `exp` is compared by the caller with the service's own time, because an expired token has
    /// a refusal of its own.
    public func verify(using algorithm: some JWTAlgorithm) async throws {
        guard type == Self.accessType else {
            throw JWTError.claimVerificationFailure(failedClaim: nil, reason: "type is not \(Self.accessType)")
        }
    }
}

/// Signs and verifies tokens with one secret (HS256).
public struct TokenKey: Sendable {
    /// Environment variable that holds the secret; there is no other place for it.
    public static let environmentVariable = "JWT_SECRET_KEY"
    /// RFC 7518 3.2: a key of at least the hash's size.
    public static let recommendedSecretBytesMin = 32

    private let keys: JWTKeyCollection

    public init(secret: String) async {
        keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
    }

    public func sign(_ claims: TokenClaims) async throws -> String { try await keys.sign(claims) }

    /// - Throws: `JWTError` or `DecodingError` for a token that is malformed, forged or of another type. Does not look at `exp`.
    public func verify(_ token: String) async throws -> TokenClaims { try await keys.verify(token, as: TokenClaims.self) }
}
