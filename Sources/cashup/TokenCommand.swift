import ArgumentParser
import Foundation
import Server

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Print a token for AUTH, signed with the secret in JWT_SECRET_KEY (HS256).",
        discussion: """
            Roles: viewer reads its accounts; trader also trades them; connector
            reports fills and marks of its venues; admin may do everything.

            Example:
              export JWT_SECRET_KEY="$(openssl rand -base64 32)"
              cashup token --sub 7 --roles trader,admin --accounts 7,8 --ttl 60
            """)

    @Option(help: "Who the token is for; it goes into the log with everything done with it.")
    var sub: String

    @Option(help: "Comma-separated: viewer, trader, connector, admin.")
    var roles: String

    @Option(help: "Comma-separated account numbers, or * for all.")
    var accounts: String

    @Option(help: "Comma-separated venues of a connector, or * for all.")
    var venues: String?

    @Option(help: ArgumentHelp("How long it is valid.", valueName: "minutes"))
    var ttl: Int = 60

    func validate() throws { _ = try claims(now: 0) }

    func run() async throws {
        let claims = try self.claims(now: Date().timeIntervalSince1970)
        guard let secret = ProcessInfo.processInfo.environment[TokenKey.environmentVariable], !secret.isEmpty else {
            printError("\(TokenKey.environmentVariable) is not set: it holds the secret that the server verifies with")
            throw ExitCode.refused
        }
        if secret.utf8.count < TokenKey.recommendedSecretBytesMin {
            printError("warning: the secret has less than \(TokenKey.recommendedSecretBytesMin) bytes; `openssl rand -base64 32` makes a good one")
        }
        print(try await TokenKey(secret: secret).sign(claims))
    }

    func claims(now: Double) throws -> TokenClaims {
        guard !sub.isEmpty else { throw ValidationError("--sub is empty") }
        let roles = try roles.split(separator: ",").map { name in
            guard let role = TokenClaims.Role(rawValue: String(name)) else {
                throw ValidationError("--roles: \(name) is none of viewer, trader, connector, admin")
            }
            return role
        }
        guard !roles.isEmpty else { throw ValidationError("--roles names none") }
        let accounts: TokenClaims.Scope<UInt64> =
            accounts == "*"
            ? .all
            : .only(
                try accounts.split(separator: ",").map { text in
                    guard let number = UInt64(text), (1...9_007_199_254_740_991).contains(number) else {
                        throw ValidationError("--accounts: \(text) is no account number (1 to 9007199254740991)")
                    }
                    return number
                })
        let venues: TokenClaims.Scope<String>? = venues.map {
            $0 == "*" ? .all : .only($0.split(separator: ",").map(String.init))
        }
        guard (1...5_256_000).contains(ttl) else { throw ValidationError("--ttl is 1 to 5256000 minutes") }
        return TokenClaims(sub: sub, exp: Int64(now) + Int64(ttl) * 60, roles: roles, accounts: accounts, venues: venues)
    }
}
