import HTTPTypes
import Server

/// One entry of the table of routes. The table is all there is: the server takes its requests from it, checks them with it, and the OpenAPI
/// document is written from it.
struct Route: Sendable {
    /// Who may ask; an administrator always may.
    enum Need: Sendable {
        /// Any valid token, for the accounts it names.
        case token
        case trader
        case traderOrConnector
        case connector
        case admin
    }

    struct Parameter: Sendable {
        enum Place: String, Sendable { case path, query }
        var name: String
        var place: Place
        var schema: Schema
        var isRequired: Bool
        var note: String

        static func path(_ name: String, _ schema: Schema, _ note: String = "") -> Parameter {
            Parameter(name: name, place: .path, schema: schema, isRequired: true, note: note)
        }
        static func query(_ name: String, _ schema: Schema, _ note: String = "") -> Parameter {
            Parameter(name: name, place: .query, schema: schema, isRequired: false, note: note)
        }
    }

    /// Whose account a request concerns.
    enum Scope: Sendable {
        case none
        /// One: the token's, or `account_id`, or the header `X-Account` with auth=off.
        case account
        /// The same, or `account_id=all`: all that the token names.
        case accounts
    }

    var method: HTTPRequest.Method
    /// Below ``Routes/prefix``.
    var path: String
    var tag: String
    var summary: String
    var note = ""
    var need: Need
    var scope: Scope
    var parameters: [Parameter] = []
    var body: Shape?
    var bodyIsOptional = false
    var status: HTTPResponse.Status = .ok
    var answer: Schema
    /// Problems beyond those that every route may have.
    var problems: [Int] = []
    var handle: @Sendable (Call) async throws -> JSON

    init(
        _ method: HTTPRequest.Method, _ path: String, tag: String, _ summary: String, note: String = "", need: Need, scope: Scope = .none,
        parameters: [Parameter] = [], body: Shape? = nil, bodyIsOptional: Bool = false, status: HTTPResponse.Status = .ok, answer: Schema,
        problems: [Int] = [], _ handle: @escaping @Sendable (Call) async throws -> JSON
    ) {
        self.method = method
        self.path = path
        self.tag = tag
        self.summary = summary
        self.note = note
        self.need = need
        self.scope = scope
        self.parameters = parameters
        self.body = body
        self.bodyIsOptional = bodyIsOptional
        self.status = status
        self.answer = answer
        self.problems = problems
        self.handle = handle
    }
}

extension Route {
    /// `account_id` as a query parameter, where the route is about accounts.
    var accountParameter: Parameter? {
        switch scope {
        case .none: nil
        case .account: .query("account_id", .account, "Needed where the token names several accounts.")
        case .accounts: .query("account_id", .string(maxBytes: 16), "An account, or `all`: every account the token names.")
        }
    }
    var allParameters: [Parameter] { parameters + (accountParameter.map { [$0] } ?? []) }

    /// Statuses of problems that the document shows.
    var problemStatuses: [Int] {
        var statuses: Set<Int> = [400, 401, 403, 422, 429, 503]
        if body != nil { statuses.insert(413) }
        statuses.formUnion(problems)
        return statuses.sorted()
    }

    /// - Throws: ``Problem``: 403.
    func check(_ roles: Roles) throws {
        let need: String
        switch self.need {
        case .token: return
        case .trader:
            if !roles.isDisjoint(with: [.trader, .admin]) { return }
            need = "trader"
        case .traderOrConnector:
            if !roles.isDisjoint(with: [.trader, .connector, .admin]) { return }
            need = "trader or connector"
        case .connector:
            if !roles.isDisjoint(with: [.connector, .admin]) { return }
            need = "connector"
        case .admin:
            if roles.contains(.admin) { return }
            need = "admin"
        }
        throw Problem.forbidden(need: need, "this needs the role \(need)")
    }
}
