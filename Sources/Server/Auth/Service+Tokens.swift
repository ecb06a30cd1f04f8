import Core
import Glibc
import Logging

// Whose word the service takes: the key of the configuration, or nobody's with auth=off.

extension Service {
    /// Verifies a token for the REST edge: the same key, the same rules and the same refusals as AUTH.
    /// - Returns: the token's content; or `badToken`, `tokenExpired`. With auth=off every token is `badToken`: nobody needs one.
    package func verify(_ token: String) async -> Result<VerifiedToken, Refusal> {
        guard let verifier else { return .failure(.badToken(reason: "auth_off")) }
        return await verifier.verify(token, now: clock.now())
    }

    /// Verified tokens kept until they end.
    package var rememberedTokens: Int { verifier?.rememberedCount ?? 0 }

    /// - Returns: `nil` with auth=off.
    /// - Throws: ``StartFailure`` with what to do.
    static func verifier(_ config: Configuration, secret: String?, logger: Logger) async throws -> TokenVerifier? {
        guard config.auth == .jwt else {
            guard config.isLoopbackOnly else {
                let host = config.isLoopback ? config.http?.host ?? "" : config.host
                throw StartFailure(
                    StartFailure.usage,
                    "auth off lets anyone do everything and is taken only on a loopback address, not on \(host); listen on 127.0.0.1 or use auth jwt")
            }
            return nil
        }
        return TokenVerifier(
            key: config.jwtAlgorithm.isSymmetric ? try await secretKey(config, secret, logger) : try await publicKey(config))
    }

    private static func secretKey(_ config: Configuration, _ secret: String?, _ logger: Logger) async throws -> TokenKey {
        let variable = TokenKey.environmentVariable
        guard let secret, !secret.isEmpty else {
            throw StartFailure(
                StartFailure.usage,
                "auth jwt needs the environment variable \(variable): at least \(TokenKey.recommendedSecretBytesMin) random bytes, for example from `openssl rand -hex 32`; to try things out on this machine use --auth off")
        }
        guard secret.utf8.count >= TokenKey.recommendedSecretBytesMin else {
            throw StartFailure(
                StartFailure.usage,
                "\(variable) has \(secret.utf8.count) bytes; HS256 needs at least \(TokenKey.recommendedSecretBytesMin), for example from `openssl rand -hex 32`")
        }
        if WeakSecret.isWeak(secret) {
            let message = "\(variable) looks like a secret from an example, which anybody may know; make one, for example with `openssl rand -hex 32`"
            guard config.isLoopbackOnly else { throw StartFailure(StartFailure.usage, message) }
            logger.warning("\(message). It is taken because only this machine can connect")
        }
        return await TokenKey(secret: secret)
    }

    private static func publicKey(_ config: Configuration) async throws -> TokenKey {
        let name = config.jwtAlgorithm.rawValue
        guard let path = config.jwtPublicKeyFile else {
            throw StartFailure(
                StartFailure.usage, "jwt_algorithm \(name) needs jwt_public_key_file: the PEM file of the key that tokens are verified with")
        }
        let pem = try Configuration.contents(of: path)
        if pem.contains("PRIVATE KEY-----") {
            throw StartFailure(
                StartFailure.usage, "\(path) holds a private key; this service needs the public one alone: `openssl pkey -in FILE -pubout` prints it")
        }
        do {
            return try await TokenKey(config.jwtAlgorithm, publicPEM: pem)
        } catch {
            throw StartFailure(StartFailure.usage, "\(path): not a public key or certificate for \(name): \(error)")
        }
    }
}
