import Client
import Core
import HTTPTypes
import Server

/// One request on its way through a route: its values are checked, its caller is known.
final class Call: Sendable {
    let desk: Desk
    let caller: Caller
    /// `X-Account`, with auth=off.
    let accountHeader: AccountNumber?
    let values: Values
    let idempotencyKey: String?
    private let entry: RouteTable.Entry
    var route: Route { entry.route }

    init(
        desk: Desk, caller: Caller, accountHeader: AccountNumber?, entry: RouteTable.Entry, values: Values, idempotencyKey: String?
    ) {
        self.desk = desk
        self.caller = caller
        self.accountHeader = accountHeader
        self.entry = entry
        self.values = values
        self.idempotencyKey = idempotencyKey
    }

    // MARK: Accounts

    /// The one account it is about.
    func account() throws -> AccountNumber {
        let account: AccountNumber
        if let named = values.integer("account_id") ?? values.text("account_id").flatMap({ Int64($0) }) ?? accountHeader {
            account = named
        } else if let accounts = caller.identity.grant.accounts, accounts.count == 1 {
            account = accounts[0]
        } else {
            throw Problem.invalid("account_id", "name the account: the token has \(caller.identity.grant.accounts.map { "\($0.count)" } ?? "all")")
        }
        try mayUse(account)
        return account
    }

    /// The accounts it is about; `nil`: every one.
    func accounts() throws -> [AccountNumber]? {
        if values.text("account_id") == "all" { return caller.identity.grant.visible }
        if let text = values.text("account_id"), Int64(text) == nil {
            throw Problem.invalid("account_id", "a whole number or `all` is expected")
        }
        return [try account()]
    }

    /// Whether an account is among those the request is about.
    func sees(_ account: AccountNumber) throws -> Bool {
        if values["account_id"] == nil, accountHeader == nil { return caller.identity.grant.visible?.contains(account) ?? true }
        return try accounts()?.contains(account) ?? true
    }

    func mayUse(_ account: AccountNumber) throws {
        let grant = caller.identity.grant
        if grant.roles.contains(.admin) { return }
        // Of which venues it may report, the service itself checks.
        if grant.roles.contains(.connector), route.need == .traderOrConnector || route.need == .connector { return }
        guard let accounts = grant.visible, !accounts.contains(account) else { return }
        if grant.roles.isDisjoint(with: [.viewer, .trader]) {
            throw Problem.forbidden(need: "viewer", "this needs the role viewer or trader, for account \(account)")
        }
        throw Problem.forbidden(need: "account", "the token does not name account \(account)")
    }

    // MARK: Lines

    /// Sends a command and waits for its answer; what it did is durable by then.
    /// - Throws: ``Problem`` for a refusal.
    func send(_ line: Line) async throws -> Answer {
        try await caller.session.send(line)
    }

    /// Sends commands one behind the other, without waiting in between, and waits for all answers.
    func send(all lines: [Line]) async throws -> [Result<Answer, Problem>] {
        try await caller.session.send(all: lines)
    }

    /// The id or reference of a command that needs one: the client's, the request's `Idempotency-Key`, or a new one that nobody will repeat.
    func id(_ given: String?, part: Int? = nil) throws -> String {
        if let given { return given }
        guard let key = idempotencyKey else { return ID.random() }
        guard let part else { return key }
        let short = key.utf8.count <= 33 ? key : key.filter { $0 != "-" }
        guard short.utf8.count <= 33 else { throw Problem.invalid("Idempotency-Key", "at most 33 bytes for a batch") }
        return "\(short)-\(part)"
    }
}

/// What a request brings, after its schema has been checked: path, query and body by name. The body goes before the query.
struct Values: Sendable {
    private let members: [JSON.Member]
    init(_ members: [JSON.Member]) { self.members = members }

    subscript(_ name: String) -> JSON? {
        guard let value = members.first(where: { $0.name == name })?.value, value != .null else { return nil }
        return value
    }

    /// Whether it was given, be it as null.
    func has(_ name: String) -> Bool { members.contains { $0.name == name } }

    func text(_ name: String) -> String? {
        switch self[name] {
        case .string(let text): text
        case .number(let text): text
        default: nil
        }
    }
    /// Decimal text, as written.
    func decimal(_ name: String) -> String? { text(name) }
    func integer(_ name: String) -> Int64? {
        guard case .number(let text) = self[name] else { return nil }
        return Int64(text)
    }
    func flag(_ name: String) -> Bool? {
        guard case .bool(let value) = self[name] else { return nil }
        return value
    }
    /// Unix time in microseconds.
    func time(_ name: String) -> Timestamp? { text(name).flatMap { ISOTime.microseconds($0) } }
    func list(_ name: String) -> [JSON]? {
        guard case .array(let elements) = self[name] else { return nil }
        return elements
    }
    func object(_ name: String) -> Values? {
        guard case .object(let members) = self[name] else { return nil }
        return Values(members)
    }

    /// For what its schema requires.
    func required(_ name: String) -> String {
        guard let text = text(name) else { preconditionFailure("\(name) was not checked") }
        return text
    }

    init(_ value: JSON) {
        guard case .object(let members) = value else { preconditionFailure("not an object") }
        self.init(members)
    }
    var all: [JSON.Member] { members }
}

enum ID {
    /// 22 characters, 100 random bits; one call of the kernel.
    static func random() -> String {
        var bits = UInt128.random(in: .min ... .max)
        return String(unsafeUninitializedCapacity: 22) { bytes in
            bytes[0] = UInt8(ascii: "r")
            bytes[1] = UInt8(ascii: "-")
            for index in 2..<22 {
                let five = UInt8(truncatingIfNeeded: bits & 31)
                bytes[index] = five < 10 ? UInt8(ascii: "0") + five : UInt8(ascii: "a") + five - 10
                bits >>= 5
            }
            return 22
        }
    }
}
