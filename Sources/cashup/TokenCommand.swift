import ArgumentParser
import Foundation
import Server

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Print a token, signed with the secret in JWT_SECRET_KEY.",
        discussion: """
            Roles: viewer reads its accounts; trader also trades them; connector
            reports fills and marks of its venues; admin may do everything.

            With JWT_ALGORITHM=RS256 or ES256 (default: HS256) it is signed with the
            private key in the PEM file JWT_PRIVATE_KEY_FILE. Without --ttl it is
            valid for JWT_ACCESS_TOKEN_EXPIRE_MINUTES, or an hour.

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

    @Option(help: ArgumentHelp("How long it is valid; JWT_ACCESS_TOKEN_EXPIRE_MINUTES or 60 unless given.", valueName: "minutes"))
    var ttl: Int?

    static let minutes = 60

    func validate() throws { _ = try claims(now: 0) }

    func run() async throws {
        let claims = try self.claims(now: Date().timeIntervalSince1970)
        print(try await signingKey(ProcessInfo.processInfo.environment).sign(claims))
    }

    private func signingKey(_ environment: [String: String]) async throws -> TokenKey {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        func fail(_ message: String) -> ExitCode {
            printError(message)
            return .refused
        }
        let name = value("CASHUP_JWT_ALGORITHM") ?? value("JWT_ALGORITHM") ?? TokenAlgorithm.hs256.rawValue
        guard let algorithm = TokenAlgorithm(name: name) else {
            throw fail("JWT_ALGORITHM=\(name): expected HS256, RS256 or ES256")
        }
        if algorithm.isSymmetric {
            guard let secret = value(TokenKey.environmentVariable) else {
                throw fail("\(TokenKey.environmentVariable) is not set: it holds the secret that the server verifies with")
            }
            if secret.utf8.count < TokenKey.recommendedSecretBytesMin {
                printError("warning: the secret has less than \(TokenKey.recommendedSecretBytesMin) bytes; `openssl rand -base64 32` makes a good one")
            }
            return await TokenKey(secret: secret)
        }
        guard let path = value("JWT_PRIVATE_KEY_FILE") else {
            throw fail("JWT_PRIVATE_KEY_FILE is not set: it names the PEM file of the private key that \(algorithm.rawValue) signs with")
        }
        do {
            return try await TokenKey(algorithm, privatePEM: String(contentsOfFile: path, encoding: .utf8))
        } catch let fault as TokenKeyFault {
            throw fail("\(path): not a private key for \(algorithm.rawValue): \(fault)")
        } catch {
            throw fail("cannot read \(path): \(error.localizedDescription)")
        }
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
        let variable = ProcessInfo.processInfo.environment["JWT_ACCESS_TOKEN_EXPIRE_MINUTES"].flatMap { $0.isEmpty ? nil : $0 }
        guard let ttl = ttl ?? (variable.map { Int($0) } ?? TokenCommand.minutes), (1...5_256_000).contains(ttl) else {
            throw ValidationError("--ttl (or JWT_ACCESS_TOKEN_EXPIRE_MINUTES) is 1 to 5256000 minutes")
        }
        return TokenClaims(sub: sub, exp: Int64(now) + Int64(ttl) * 60, roles: roles, accounts: accounts, venues: venues)
    }
}
