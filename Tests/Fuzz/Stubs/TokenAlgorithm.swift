/// In place of Server/Auth, which brings JWTKit with it.
package enum TokenAlgorithm: String, Sendable {
    case hs256 = "HS256", rs256 = "RS256", es256 = "ES256"
    init?(name: String) { self.init(rawValue: name.uppercased()) }
}
