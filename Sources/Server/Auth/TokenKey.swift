import Foundation
import JWTKit

/// How tokens are signed: one of these is in force, whatever a token says of itself (RFC 8725, 3.1).
public enum TokenAlgorithm: String, Sendable, CaseIterable {
    /// One secret signs and verifies.
    case hs256 = "HS256"
    /// RSA, 2,048 bits or more: whoever signs keeps the private key, this service needs the public one alone.
    case rs256 = "RS256"
    /// ECDSA over P-256; keys as with RS256.
    case es256 = "ES256"

    public var isSymmetric: Bool { self == .hs256 }

    public init?(name: String) { self.init(rawValue: name.uppercased()) }
}

/// Signs or verifies tokens with one key.
public struct TokenKey: Sendable {
    /// Environment variable that holds the secret of HS256; there is no other place for it.
    public static let environmentVariable = "JWT_SECRET_KEY"
    /// RFC 7518 3.2: a key of at least the hash's size.
    public static let recommendedSecretBytesMin = 32

    public let algorithm: TokenAlgorithm
    private let keys = JWTKeyCollection()

    /// HS256.
    public init(secret: String) async {
        algorithm = .hs256
        await keys.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
    }

    /// Verifies. `pem`: a public key or a certificate.
    /// - Throws: what is wrong with the key.
    public init(_ algorithm: TokenAlgorithm, publicPEM pem: String) async throws {
        self.algorithm = algorithm
        let isCertificate = pem.contains("BEGIN CERTIFICATE")
        switch algorithm {
        case .hs256: throw TokenKeyFault("HS256 has a secret, not a key file")
        case .rs256:
            let key = try TokenKey.read(pem) {
                isCertificate ? try Insecure.RSA.PublicKey(certificatePEM: pem) : try Insecure.RSA.PublicKey(pem: pem)
            }
            await keys.add(rsa: key, digestAlgorithm: .sha256)
        case .es256:
            let key = try TokenKey.read(pem) { isCertificate ? try ES256PublicKey(certificate: pem) : try ES256PublicKey(pem: pem) }
            await keys.add(ecdsa: key)
        }
    }

    /// Signs.
    /// - Throws: what is wrong with the key.
    public init(_ algorithm: TokenAlgorithm, privatePEM pem: String) async throws {
        self.algorithm = algorithm
        switch algorithm {
        case .hs256: throw TokenKeyFault("HS256 has a secret, not a key file")
        case .rs256:
            await keys.add(rsa: try TokenKey.read(pem) { try Insecure.RSA.PrivateKey(pem: pem) }, digestAlgorithm: .sha256)
        case .es256:
            await keys.add(ecdsa: try TokenKey.read(pem) { try ES256PrivateKey(pem: pem) })
        }
    }

    private static func read<Key>(_ pem: String, _ body: () throws -> Key) throws -> Key {
        do {
            return try body()
        } catch {
            if !pem.contains("-----BEGIN ") { throw TokenKeyFault("it is not in PEM form (-----BEGIN ...)") }
            // Never the key's text.
            throw TokenKeyFault("it holds no such key in PEM form (\(Swift.type(of: error)))")
        }
    }

    public func sign(_ claims: TokenClaims) async throws -> String { try await keys.sign(claims) }

    /// - Throws: ``TokenFault`` for a token that is malformed, forged, of another algorithm or of another type. Does not look at `exp`.
    public func verify(_ token: String) async throws -> TokenClaims {
        guard TokenHeader.algorithm(of: token) == algorithm.rawValue else { throw TokenFault(reason: "algorithm_or_malformed") }
        do {
            let claims = try await keys.verify(token, as: SignedClaims.self).claims.get()
            try claims.checkType()
            return claims
        } catch let fault as TokenFault {
            throw fault
        } catch {
            throw TokenFault(reason: TokenFault.reason(of: error))
        }
    }
}

/// Why a token is not taken: the `reason=` of BAD_TOKEN.
public struct TokenFault: Error, Sendable, Equatable {
    public let reason: StaticString

    public static func == (a: TokenFault, b: TokenFault) -> Bool { a.reason.description == b.reason.description }

    fileprivate static func reason(of error: any Error) -> StaticString {
        guard let error = error as? JWTError else { return "malformed" }
        switch error.errorType {
        case .signatureVerificationFailed, .signingAlgorithmFailure: return "signature"
        case .noKeyProvided, .unknownKID, .unsupportedAlgorithm: return "algorithm_or_malformed"
        default: return "malformed"
        }
    }
}

/// Why a key is not taken; never holds the key.
public struct TokenKeyFault: Error, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// The claims, or what is wrong with them: jwt-kit makes one and the same error of all that cannot be decoded.
private struct SignedClaims: JWTPayload {
    let claims: Result<TokenClaims, any Error>
    init(from decoder: any Decoder) throws { claims = Result { try TokenClaims(from: decoder) } }
    func encode(to encoder: any Encoder) throws { try claims.get().encode(to: encoder) }
    func verify(using algorithm: some JWTAlgorithm) async throws {}
}

/// The header of a token. The key alone decides how a signature is checked; a header that names another way is refused all the same, as
/// whoever made it meant something else (RFC 8725, 3.1).
private struct TokenHeader: Decodable {
    var alg: String

    /// `nil` for what has no such header.
    static func algorithm(of token: String) -> String? {
        var text = token.prefix { $0 != "." }.replacing("-", with: "+").replacing("_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        guard let data = Data(base64Encoded: String(text)) else { return nil }
        return try? JSONDecoder().decode(TokenHeader.self, from: data).alg
    }
}
