import Logging
import NIOCore
import NIOSSL
import Synchronization

/// The certificate and its key, for both ports. Files that were renewed are read again by ``reload()``: connections made from then on use them.
///
/// Any thread.
package final class TLSFiles: Sendable {
    private let certificate: String
    private let key: String
    private let current: Mutex<NIOSSLContext>

    /// - Returns: `nil` when the configuration names none.
    /// - Throws: ``StartFailure`` with the file and what is wrong with it.
    static func open(_ config: Configuration) throws -> TLSFiles? {
        switch (config.tlsCertificate, config.tlsKey) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return try TLSFiles(certificate: certificate, key: key)
        case (nil, _): throw StartFailure(StartFailure.usage, "tls_key is given without tls_certificate")
        case (_, nil): throw StartFailure(StartFailure.usage, "tls_certificate is given without tls_key")
        }
    }

    private init(certificate: String, key: String) throws {
        self.certificate = certificate
        self.key = key
        current = Mutex(try TLSFiles.context(certificate, key))
    }

    /// For a connection that begins now.
    package var context: NIOSSLContext { current.withLock { $0 } }

    /// Reads the files again; what is wrong with them leaves the present ones in force.
    package func reload() throws {
        let new = try TLSFiles.context(certificate, key)
        current.withLock { $0 = new }
    }

    private static func configuration(_ certificate: String, _ key: String) throws -> TLSConfiguration {
        func read<Value>(_ path: String, _ what: String, _ body: () throws -> Value) throws -> Value {
            // Reading it first tells a missing file from a wrong one.
            _ = try Configuration.contents(of: path)
            do {
                return try body()
            } catch {
                throw StartFailure(StartFailure.usage, "\(path): no \(what) in PEM form: \(error)")
            }
        }
        let chain = try read(certificate, "certificate") { try NIOSSLCertificate.fromPEMFile(certificate) }
        let privateKey = try read(key, "private key") { try NIOSSLPrivateKey(file: key, format: .pem) }
        guard !chain.isEmpty else { throw StartFailure(StartFailure.usage, "\(certificate): no certificate in PEM form") }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        configuration.minimumTLSVersion = .tlsv12
        return configuration
    }

    private static func context(_ certificate: String, _ key: String) throws -> NIOSSLContext {
        let configuration = try configuration(certificate, key)
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw StartFailure(StartFailure.usage, "\(certificate) and \(key) do not belong together: \(error)")
        }
    }
}

/// In front of TLS on the line port: a client that speaks plain text, or says nothing because it waits for the greeting, is told so in plain text. It
/// would see nothing else than the end of the connection.
///
/// Owner: the loop's thread.
final class TLSGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A TLS client speaks first, as soon as it is connected.
    static let helloSecondsMax: Int64 = 3
    /// Of a TLS record that is part of a handshake (RFC 8446, 5.1).
    private static let handshake: UInt8 = 0x16

    private var timeout: Scheduled<Void>?

    func channelActive(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timeout = context.eventLoop.scheduleTask(in: .seconds(TLSGate.helloSecondsMax)) {
            let (gate, context) = bound.value
            gate.refuse(context)
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let timeout else { return }
        guard let first = unwrapInboundIn(data).readableBytesView.first, first == TLSGate.handshake else { return refuse(context) }
        timeout.cancel()
        self.timeout = nil
        context.fireChannelRead(data)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timeout?.cancel()
        timeout = nil
        context.fireChannelInactive()
    }

    private func refuse(_ context: ChannelHandlerContext) {
        guard let timeout else { return }
        timeout.cancel()
        self.timeout = nil
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "* BYE reason=tls_required\n"))).whenComplete { _ in channel.close(promise: nil) }
    }
}
