import Server
import Testing
import cashup

@Suite struct TokenTests {
    @Test("token: what is signed is verified, with every claim")
    func roundTrip() async throws {
        let key = await TokenKey(secret: "a secret of thirty-two bytes....")
        let claims = TokenClaims(
            sub: "7", exp: 1_763_800_000, roles: [.trader, .admin], accounts: .only([7, 8]), venues: .all)
        let token = try await key.sign(claims)
        #expect(try await key.verify(token) == claims)
        let all = TokenClaims(sub: "x", exp: 1, roles: [.viewer], accounts: .all)
        #expect(try await key.verify(try await key.sign(all)) == all)
    }

    @Test("token: a PyJWT-made one is taken")
    func foreign() async throws {
        // {"alg":"HS256","typ":"JWT"} {"sub":"7","exp":1763800000,"type":"access","roles":["viewer"],"accounts":"*","iat":1}
        let token =
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
            + "eyJzdWIiOiI3IiwiZXhwIjoxNzYzODAwMDAwLCJ0eXBlIjoiYWNjZXNzIiwicm9sZXMiOlsidmlld2VyIl0sImFjY291bnRzIjoiKiIsImlhdCI6MX0."
            + "UZbjNc7bttF3JQnXXhDzW1gR8UlC8QovgvYtIzQY66g"
        let claims = try await TokenKey(secret: "secret").verify(token)
        #expect(claims.sub == "7" && claims.accounts == .all && claims.roles == [.viewer])
    }

    @Test("token: forged, unsigned, or of another type is refused")
    func forged() async throws {
        let key = await TokenKey(secret: "secret")
        let claims = TokenClaims(sub: "7", exp: 1, roles: [.viewer], accounts: .all)
        let good = try await key.sign(claims)
        var refresh = claims
        refresh.type = "refresh"
        let parts = good.split(separator: ".")
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.\(parts[1])."
        for bad in [
            try await TokenKey(secret: "other").sign(claims), try await key.sign(refresh), none, "", "a.b.c", "\(parts[0]).\(parts[1])",
            good.dropLast(4) + "AAAA",
        ] {
            await #expect(throws: (any Error).self) { try await key.verify(String(bad)) }
        }
    }
}
