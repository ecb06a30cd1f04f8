import NIOCore
import NIOSSL

/// TLS to a server whose line port has a certificate.
public struct ClientTLS: Sendable {
    private let context: NIOSSLContext

    /// - Parameter authorities: PEM file of the certificates that the server's is to be issued by; `nil`: those the system trusts.
    /// - Throws: ``ClientError/unusable(_:)``.
    public init(authorities: String? = nil) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authorities { configuration.trustRoots = .file(authorities) }
        do {
            if let authorities { _ = try NIOSSLCertificate.fromPEMFile(authorities) }
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw ClientError.unusable("\(authorities ?? "the system's certificates"): no certificates in PEM form: \(error)")
        }
    }

    /// The handler in front of all others. The certificate must be for the name or the address that is connected to.
    func handler(host: String) throws -> NIOSSLClientHandler {
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
    }

    /// What has gone wrong, in words; `nil` for an error that is not of TLS.
    static func reason(of error: any Error) -> String? {
        guard let error = error as? NIOSSLError else { return error is NIOSSLExtraError ? "its certificate is not for this name: \(error)" : nil }
        guard case .handshakeFailed(let cause) = error else { return "TLS: \(error)" }
        let text = String(describing: cause)
        if text.contains("WRONG_VERSION_NUMBER") { return "it does not speak TLS there (or it is not the line port)" }
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return "its certificate is not issued by one that is trusted (--ca) or not for this name" }
        return "the TLS handshake failed: \(text)"
    }
}
