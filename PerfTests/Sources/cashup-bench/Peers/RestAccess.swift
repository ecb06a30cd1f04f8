import Foundation

/// A secret of this run and a token signed with it by the service's own command, for the service and its peer alike.
struct RestAccess {
    let token: String
    /// What a process that verifies tokens must have in its environment.
    let environment: [String: String]

    init(_ settings: Settings) throws {
        environment = ["JWT_SECRET_KEY": PeerTool.password + PeerTool.password]
        token = try PeerTool.run(
            [settings.server, "token", "--sub", "bench", "--roles", "trader,admin", "--accounts", "*", "--ttl", "1440"], environment: environment)
    }
}
