import Core

/// The roles of a token, as docs/PROTOCOL.md section 3 says what each may.
public struct Roles: OptionSet, BitwiseCopyable, Sendable {
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let viewer = Roles(rawValue: 1)
    public static let trader = Roles(rawValue: 2)
    public static let connector = Roles(rawValue: 4)
    public static let admin = Roles(rawValue: 8)
    public static let all: Roles = [.viewer, .trader, .connector, .admin]
}

/// What a session may: from its token, or everything with `auth=off`.
public struct Grant: Sendable {
    public var roles: Roles
    /// Ascending; `nil`: every account.
    public var accounts: [AccountNumber]?
    /// Names; `nil`: every venue.
    public var venues: [Text]?

    public init(roles: Roles, accounts: [AccountNumber]?, venues: [Text]? = []) {
        self.roles = roles
        self.accounts = accounts?.sorted()
        self.venues = venues
    }

    /// With `auth=off`.
    public static let everything = Grant(roles: .all, accounts: nil, venues: nil)

    /// The accounts whose events and data the session may see; `nil`: all.
    public var visible: [AccountNumber]? { roles.contains(.admin) ? nil : roles.isDisjoint(with: [.viewer, .trader]) ? [] : accounts }

    /// Nothing that it asks can be forbidden.
    @inline(__always)
    var isUnrestricted: Bool { roles.contains(.admin) }

    func names(_ account: AccountNumber) -> Bool {
        guard let accounts else { return true }
        return EventFilter.contains(accounts, account)
    }

    func names(venue: Text) -> Bool {
        guard let venues else { return true }
        return venues.contains(venue)
    }
}

/// All role checks, in one place: pure functions of what is asked and what is granted.
public enum Permissions {
    public enum Verdict: Sendable {
        case allowed
        /// FIL by a trader: the session sets ``Fill/withinLimit``.
        case allowedWithinLimit
        case refused(Refusal)
    }

    /// Verbs that are taken before AUTH.
    public static func isTakenBeforeAuth(_ verb: Verb) -> Bool {
        switch verb {
        case .auth, .ping, .time, .help, .quit: true
        default: false
        }
    }

    /// Whether a request is taken in the grace period after the token's end: CXL, CXA, queries, AUTH and what needs no AUTH.
    public static func isTakenInGrace(_ line: borrowing ParsedLine) -> Bool {
        if case .query = line.request { return true }
        guard let verb = line.verb else { return true }
        return isTakenBeforeAuth(verb) || verb == .cancel || verb == .cancelAll
    }

    public static func check(_ requires: Requires, _ grant: borrowing Grant, _ registry: borrowing Registry) -> Verdict {
        if grant.isUnrestricted { return .allowed }
        let account = requires.account
        switch requires.access {
        case .nothing, .session:
            return .allowed
        case .view:
            if grant.roles.isDisjoint(with: [.viewer, .trader]) { return refused("viewer", account) }
            return account == 0 || grant.names(account) ? .allowed : refused("viewer", account)
        case .trade:
            if !grant.roles.contains(.trader) || !grant.names(account) { return refused("trader", account) }
            if requires.second != 0, !grant.names(requires.second) { return refused("trader", requires.second) }
            return .allowed
        case .fill:
            let venue = registry.venues[Int(requires.venue)]
            if grant.roles.contains(.connector), grant.names(venue: venue.name) { return .allowed }
            if grant.roles.contains(.trader), venue.kind == .manual {
                return grant.names(account) ? .allowedWithinLimit : refused("trader", account)
            }
            return .refused(.forbidden(need: "connector", account: 0, venue: venue.name))
        case .mark:
            let venue = registry.venues[Int(requires.venue)].name
            if grant.roles.contains(.connector), grant.names(venue: venue) { return .allowed }
            return .refused(.forbidden(need: "connector", account: 0, venue: venue))
        case .admin:
            return refused("admin", account)
        }
    }

    private static func refused(_ role: StaticString, _ account: AccountNumber) -> Verdict {
        .refused(.forbidden(need: role, account: account, venue: Text()))
    }
}
