/// Why a command got no answer, or a connection could not be used.
public enum ClientError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No connection could be made.
    case unreachable(endpoint: String, reason: String)
    /// Whoever answers there does not speak this protocol, or another version of it.
    case notCashUp(received: String)
    /// The connection ended before the answer: whether the command was done is unknown; repeat it with the same id.
    /// `bye` is the server's `* BYE reason=`, if it gave one.
    case disconnected(bye: String?, reason: String)
    /// The server sent something that does not fit what was asked; the connection is closed.
    case protocolViolation(String)
    /// The line cannot be sent: empty, with a line end in it, or too long. Nothing was sent.
    case unsendable(String)
    /// No TLS connection came about; ``LineConnection/connect(to:group:window:timeoutSeconds:tls:onNotice:)`` throws ``unreachable(endpoint:reason:)``.
    case insecure(String)
    /// What the caller gave cannot be used: a file of certificates without any. Nothing was sent.
    case unusable(String)
    /// More unread notices than ``LineConnection/noticesMax``; the connection is closed, so that no gap stays unnoticed.
    case noticesUnread

    public var description: String {
        switch self {
        case .unreachable(let endpoint, let reason): "cannot connect to \(endpoint): \(reason)"
        case .notCashUp(let received): "not a CashUp line protocol 1 server; it said: \(received.prefix(80))"
        case .disconnected(let bye?, _): "disconnected by the server: \(bye)"
        case .disconnected(nil, let reason): "disconnected: \(reason)"
        case .protocolViolation(let what): "protocol violation: \(what)"
        case .unsendable(let why): "not sent: \(why)"
        case .insecure(let reason): reason
        case .unusable(let what): what
        case .noticesUnread: "too many unread events; disconnected"
        }
    }
}
