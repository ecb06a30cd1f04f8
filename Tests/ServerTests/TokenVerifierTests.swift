import Crypto
import Foundation
import Glibc
import Server
import Testing

struct TokenVerifierTests {
    private static let secret = "fedcba98765432100123456789abcdef"

    /// Signed claims, of whatever kind.
    private func signed(_ claims: String) -> String {
        func encoded(_ bytes: some Sequence<UInt8>) -> String {
            Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        }
        let text = encoded(#"{"alg":"HS256"}"#.utf8) + "." + encoded(claims.utf8)
        let key = SymmetricKey(data: Data(TokenVerifierTests.secret.utf8))
        return text + "." + encoded(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key))
    }

    private func service() async throws -> TestService {
        var test = TestService(loops: 1)
        test.config.auth = .jwt
        test.secret = TokenVerifierTests.secret
        try await test.start()
        return test
    }

    private let later = Int64(time(nil)) + 600

    @Test("tokens: what claims may be, and what is said of those that may not")
    func claims() async throws {
        var test = try await service()
        defer { test.remove() }
        func outcome(_ claims: String) async throws -> String {
            switch await test.service!.verify(signed(claims)) {
            case .success(let token):
                let accounts = token.grant.accounts.map { $0.map(String.init).joined(separator: ",") } ?? "*"
                return "\(token.claims.roleNames)|\(accounts)|\(token.grant.roles.rawValue)"
            case .failure(.badToken(let reason)): return reason.description
            case .failure(let refusal): return refusal.code.name.description
            }
        }
        let base = #""sub":"7","exp":\#(later),"type":"access""#
        #expect(try await outcome(#"{\#(base),"roles":["trader"],"accounts":[8,7]}"#) == "trader|7,8|2")
        // As the user service of the original mints them.
        #expect(try await outcome(#"{\#(base),"username":"ann","iat":1}"#) == "||0")
        #expect(try await outcome(#"{\#(base),"roles":["trader","auditor","viewer"],"accounts":"*"}"#) == "trader,viewer|*|3")
        #expect(try await outcome(#"{\#(base),"is_superuser":true}"#) == "admin||8")
        #expect(try await outcome(#"{\#(base),"is_superuser":true,"roles":["admin"]}"#) == "admin||8")
        #expect(try await outcome(#"{\#(base),"is_superuser":false,"roles":null,"accounts":null}"#) == "||0")
        #expect(try await outcome(#"{"sub":"7","exp":\#(later).5,"type":"access"}"#) == "||0")
        for (claims, reason) in [
            (#""sub":7,"exp":\#(later),"type":"access""#, "claim_sub"), (#""sub":"","exp":\#(later),"type":"access""#, "claim_sub"),
            (#""exp":\#(later),"type":"access""#, "claim_sub"), (#""sub":"7","type":"access""#, "claim_exp"),
            (#""sub":"7","exp":"x","type":"access""#, "claim_exp"), (#""sub":"7","exp":1e300,"type":"access""#, "claim_exp"),
            (#""sub":"7","exp":9e17,"type":"access""#, "claim_exp"), (#""sub":"7","exp":\#(later)"#, "type"),
            (#""sub":"7","exp":\#(later),"type":"refresh""#, "type"), (#"\#(base),"roles":"admin""#, "claim_roles"),
            (#"\#(base),"roles":[1]"#, "claim_roles"), (#"\#(base),"accounts":"7""#, "claim_accounts"),
            (#"\#(base),"accounts":["7"]"#, "claim_accounts"), (#"\#(base),"accounts":[-7]"#, "claim_accounts"),
            (#"\#(base),"venues":5"#, "claim_venues"), (#"\#(base),"is_superuser":"yes""#, "claim_is_superuser"),
            (#"\#(base),"nbf":"x""#, "claim_nbf"), (#"\#(base),"nbf":\#(later)"#, "not_yet_valid"),
            (#""sub":"7","exp":5,"type":"access""#, "TOKEN_EXPIRED"),
        ] { #expect(try await outcome("{\(claims)}") == reason, "\(claims)") }
        #expect(try await outcome("[1]") == "malformed")
        await test.stop()
    }

    @Test("tokens: remembered until they end, and no longer; another's signature is not remembered")
    func memory() async throws {
        var test = try await service()
        defer { test.remove() }
        let service = test.service!
        let ends = Int64(time(nil)) + 2
        let token = signed(#"{"sub":"7","exp":\#(ends),"type":"access"}"#)
        func outcome(_ token: String) async -> String {
            switch await service.verify(token) {
            case .success: "taken"
            case .failure(let refusal): refusal.code.name.description
            }
        }
        for _ in 0..<3 { #expect(await outcome(token) == "taken") }
        #expect(service.rememberedTokens == 1)
        #expect(await outcome(token.dropLast(2) + "AA") == "BAD_TOKEN")
        #expect(service.rememberedTokens == 1)
        while Int64(time(nil)) <= ends { usleep(50_000) }
        #expect(await outcome(token) == "TOKEN_EXPIRED")
        #expect(service.rememberedTokens == 0)
        await test.stop()
    }

    @Test("secrets: one from an example is taken on this machine only")
    func weakSecrets() async throws {
        for secret in [
            "your-secret-key-change-in-production", "changeme-changeme-changeme-changeme", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "your-super-secret-jwt-key-here-32-chars",
        ] {
            for (host, http) in [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0")] {
                var test = TestService(loops: 1)
                test.config.auth = .jwt
                test.config.host = host
                test.config.http = Configuration.Endpoint(host: http, port: 0)
                test.secret = secret
                await #expect(throws: StartFailure.self, "\(secret) on \(host)") { try await test.start() }
                test.remove()
            }
            var test = TestService(loops: 1)
            test.config.auth = .jwt
            test.secret = secret
            try await test.start()
            await test.stop()
            test.remove()
        }
    }

    @Test("auth off: neither port beyond this machine")
    func openRest() async throws {
        var test = TestService(loops: 1)
        defer { test.remove() }
        test.config.http = Configuration.Endpoint(host: "0.0.0.0", port: 0)
        await #expect(throws: StartFailure.self) { try await test.start() }
    }
}
