import Core
import Foundation
import JWTKit

extension Grant {
    /// What a token allows. Names that cannot be a venue's are left out.
    init(_ claims: TokenClaims) {
        var roles: Roles = []
        for role in claims.roles {
            switch role {
            case .viewer: roles.insert(.viewer)
            case .trader: roles.insert(.trader)
            case .connector: roles.insert(.connector)
            case .admin: roles.insert(.admin)
            }
        }
        let accounts: [AccountNumber]? =
            switch claims.accounts {
            case .all: nil
            case .only(let numbers): numbers.compactMap { AccountNumber(exactly: $0) }
            }
        let venues: [Text]? =
            switch claims.venues {
            case nil: []
            case .all?: nil
            case .only(let names)?:
                names.contains("*")
                    ? nil
                    : names.compactMap { name in
                        var name = name
                        return name.withUTF8 { Text(bytes: UnsafeRawBufferPointer($0)) }
                    }
            }
        self.init(roles: roles, accounts: accounts, venues: venues)
    }
}

enum TokenFault {
    /// The `reason=` of BAD_TOKEN.
    static func reason(of error: any Error) -> StaticString {
        guard let error = error as? JWTError else { return "malformed" }
        switch error.errorType {
        case .signatureVerificationFailed, .signingAlgorithmFailure: return "signature"
        case .claimVerificationFailure: return "type"
        case .noKeyProvided, .unknownKID, .unsupportedAlgorithm: return "algorithm"
        default: return "malformed"
        }
    }
}

/// The header of a token. The key alone decides how a signature is checked; a header that names another way is refused all the same, as
/// whoever made it meant something else (RFC 8725, 3.1).
struct TokenHeader: Decodable {
    var alg: String

    static func isHS256(_ token: String) -> Bool {
        var text = token.prefix { $0 != "." }.replacing("-", with: "+").replacing("_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        guard let data = Data(base64Encoded: String(text)), let header = try? JSONDecoder().decode(TokenHeader.self, from: data) else {
            return false
        }
        return header.alg == "HS256"
    }
}
