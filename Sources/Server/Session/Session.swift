import Core

/// Who is at the other end of a connection, and what it may do.
struct Session: Sendable {
    /// epoch << 32 | n: in the log with everything it causes; 0 until its first AUTH, with auth=jwt.
    var number: UInt64
    var grant: Grant
    /// `sub` of the token; empty before AUTH and with auth=off.
    var subject: String
    /// As the token lists them; for the answer to AUTH and the log.
    var roles = "viewer,trader,connector,admin"
    /// Whether commands are taken at all.
    var isAuthenticated: Bool
    var name = Text()
    /// Service time at which the token ends; 0: never.
    var expires: Timestamp = 0
    var saidExpired = false
    /// `hb=`, seconds; 0: none.
    var heartbeatSeconds = 0
    var cancelOnDisconnect = false
    let peer: String

    /// With auth=off: everyone may do everything.
    static func open(number: UInt64, peer: String) -> Session {
        Session(number: number, grant: .everything, subject: "local", isAuthenticated: true, peer: peer)
    }
    /// With auth=jwt, before AUTH.
    static func unknown(peer: String) -> Session {
        Session(
            number: 0, grant: Grant(roles: [], accounts: []), subject: "", roles: "", isAuthenticated: false, peer: peer)
    }
}
