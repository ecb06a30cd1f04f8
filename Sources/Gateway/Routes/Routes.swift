import HTTPTypes
import Hummingbird

/// All routes. Each group's file has its routes, the shapes they take and give, and what they do.
enum Routes {
    static let prefix = "/api/v1"

    static let tags: [(name: String, note: String)] = [
        ("orders", "New, replace, cancel; live orders and history."),
        ("balances", "What accounts have in their wallets, and transfers."),
        ("trades", "Fills, and what they come to."),
        ("positions", "What accounts have traded, at weighted average cost."),
        ("accounts", "Accounts, who is connected, who did what."),
        ("risk", "Limits, exposure, and the switch that stops everything."),
        ("instruments", "Instruments, venues, wallets and assets."),
    ]

    static let all: [Route] = orders + orderLists + trades + positions + balances + desk + overview

    static func router(_ dispatch: Dispatch, _ settings: EdgeSettings) -> Router<EdgeContext> {
        let router = Router(context: EdgeContext.self)
        router.addMiddleware { EdgeMiddleware(settings: settings, logger: dispatch.desk.logger) }
        var methods: [String: [HTTPRequest.Method]] = [:]
        for route in all {
            let path = (route.isTop ? "" : prefix) + route.path
            methods[path, default: []].append(route.method)
            router.on(RouterPath(path), method: route.method) { request, context in
                try await dispatch.answer(route, request, context)
            }
        }
        for (path, allowed) in methods {
            let names = allowed.map(\.rawValue).sorted().joined(separator: ", ")
            for method in [HTTPRequest.Method.get, .post, .put, .patch, .delete] where !allowed.contains(method) {
                router.on(RouterPath(path), method: method) { _, _ -> Response in
                    throw Problem(
                        status: .methodNotAllowed, code: "METHOD_NOT_ALLOWED", message: "this path takes \(names)", headers: [.allow: names])
                }
            }
        }
        return router
    }
}
