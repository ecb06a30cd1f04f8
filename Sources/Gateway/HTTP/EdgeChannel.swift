import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Server
import ServiceLifecycle

/// What Hummingbird's server makes of an accepted connection: TLS where it is set, NIO's HTTP/1.1 decoder, and an ``HTTPConnection``.
///
/// Hummingbird's own HTTP/1.1 channel passes every part of every request through an asynchronous sequence and writes head, body and end apart, which
/// costs more than an order does (docs/PERFORMANCE.md). Its server, which listens, accepts and shuts down, is what is used.
struct EdgeChannel: ServerChildChannel {
    struct Value: ServerChildChannelValue {
        let channel: any Channel
    }
    let edge: Edge
    /// `nil`: plain HTTP. Asked per connection, so that a renewed certificate is used.
    let tls: TLSFiles?

    /// - Parameter onRunning: told the port it listens on.
    func server(
        host: String, port: Int, group: any EventLoopGroup, logger: Logger, onRunning: @escaping @Sendable (Int) -> Void
    ) -> any ServiceLifecycle.Service {
        server(
            configuration: ServerConfiguration(address: .hostname(host, port: port), serverName: nil, backlog: 1_024),
            onServerRunning: { onRunning($0.localAddress?.port ?? port) }, eventLoopGroup: group, logger: logger)
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls.context)) }
            try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: edge.settings.decoder)))
            try pipeline.addHandler(HTTPConnection(edge, peer: channel.remoteAddress?.ipAddress ?? "?"))
            return Value(channel: channel)
        }
    }

    /// The handlers do the work; the server counts the connection as long as this runs.
    func handle(value: Value, logger: Logger) async {
        try? await value.channel.closeFuture.get()
    }
}
