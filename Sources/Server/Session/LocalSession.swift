import Core
import Glibc
import NIOCore
import NIOPosix

/// Who acts through a connection within the process.
package struct Identity: Sendable {
    /// `sub` of the token; `local` with auth=off.
    package var subject: String
    /// As the token lists them; for the log.
    package var roles: String
    package var grant: Grant
    /// Service time at which the token ends; 0: never.
    package var expires: Timestamp

    /// With auth=off.
    package static let local = Identity(subject: "local", roles: "viewer,trader,connector,admin", grant: .everything, expires: 0)
}

// The REST edge reaches the service as everybody does: by lines, over a socket, so that there is one path to the state. Its sockets are pairs
// within the process, and the session is entered with what the edge has found in a token already.

extension Service {
    /// Makes a connection within the process. Any thread.
    /// - Parameter peer: for the log, beside the subject.
    /// - Returns: the client's end, a connected stream socket. Who takes it closes it.
    /// - Throws: ``Refusal/busy(_:)`` when the process has no descriptors left.
    package func connectLocally(_ identity: Identity, peer: String) async throws -> CInt {
        var ends: [CInt] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Refusal.busy("descriptors")
        }
        let number = nextSession()
        let loop = loops[Int(number % UInt64(loops.count))]
        do {
            _ = try await ClientBootstrap(group: loop.eventLoop)
                .channelOption(.maxMessagesPerRead, value: 1)
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Service.readBytesMax))
                .channelOption(.writeBufferWaterMark, value: Service.waterMark)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try self.adopt(channel, loop, number, identity, peer) }
                }
                .withConnectedSocket(ends[1]).get()
        } catch {
            close(ends[0])
            throw error
        }
        return ends[0]
    }

    private func adopt(_ channel: any Channel, _ loop: Loop, _ number: UInt64, _ identity: Identity, _ peer: String) throws {
        noteConnected(channel)
        var session = Session.open(number: number, peer: peer)
        session.subject = identity.subject
        session.roles = identity.roles
        session.grant = identity.grant
        session.expires = identity.expires
        // Whoever asks for heartbeats is not closed for being idle.
        session.heartbeatSeconds = 3_600
        let connection = Connection(loop: loop, session: session, allocator: channel.allocator)
        connection.register()
        try channel.pipeline.syncOperations.addHandler(connection)
    }
}

extension Service {
    /// Whether who is not known by a token is refused.
    package var requiresTokens: Bool { auth == .jwt }

    /// Who the bearer of a token is. Any task.
    /// - Throws: ``Refusal/badToken(reason:)``, ``Refusal/tokenExpired(at:)``.
    package func identify(token: String) async throws(Refusal) -> Identity {
        let verified = try await verify(token).get()
        return Identity(subject: verified.claims.sub, roles: verified.claims.roleNames, grant: verified.grant, expires: verified.expires)
    }
}
