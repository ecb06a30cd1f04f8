import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import Server

/// Around every request: its id, its route, the time it took, problems as JSON. Any task.
struct Edge: Sendable {
    let table: RouteTable
    let dispatch: Dispatch
    let settings: EdgeSettings
    let logger: Logger
    /// Runs the tasks of requests.
    let executor: LoopExecutor

    func answer(_ request: EdgeRequest) async -> EdgeResponse {
        let start = ContinuousClock.now
        let id = Edge.accepted(request.headers.first(name: "x-request-id")) ?? ID.random()
        var subject = "-"
        var response: EdgeResponse
        do {
            response = try await answer(request, id, &subject)
        } catch let problem as Problem {
            response = EdgeResponse(problem, requestID: id)
        } catch {
            // What it was is for the log, not for whoever asked.
            logger.error("request failed: \(error)", metadata: ["request_id": "\(id)"])
            response = EdgeResponse(
                Problem(status: .internalServerError, code: "INTERNAL_ERROR", message: "something went wrong; the log has it under the request_id"),
                requestID: id)
        }
        let took = ContinuousClock.now - start
        response.requestID = id
        response.microseconds = took.components.seconds * 1_000_000 + took.components.attoseconds / 1_000_000_000_000
        return response
    }

    private func answer(_ request: EdgeRequest, _ id: String, _ subject: inout String) async throws -> EdgeResponse {
        if let fault = request.fault { throw Problem(status: .badRequest, code: "BAD_HTTP", message: fault) }
        try settings.checkHost(request)
        switch table.find(request) {
        case .route(let entry, let captures): return try await dispatch.answer(entry, captures, request, id, &subject)
        case .otherMethods(let names):
            throw Problem(status: .methodNotAllowed, code: "METHOD_NOT_ALLOWED", message: "this path takes \(names)", headers: [.allow: names])
        case .nothing: throw Problem.notFound("no such path")
        }
    }

    /// 1 to 64 printable bytes without blanks; anything else is not taken over.
    private static func accepted(_ id: String?) -> String? {
        guard let id, (1...64).contains(id.utf8.count), id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        return id
    }
}

/// What the edge itself is set to.
struct EdgeSettings: Sendable {
    /// Names that the `Host` header may have; `nil`: any.
    var allowedHosts: [String]?
    var bodyBytesMax: Int
    /// Limits of a request's head.
    var decoder: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 16 << 10
        limits.maxHeaderListSize = 32 << 10
        limits.maxHeaderFieldCount = 100
        return limits
    }

    var tooLarge: Problem {
        Problem(
            status: .contentTooLarge, code: "TOO_LARGE", message: "the body has more than \(bodyBytesMax) bytes",
            details: ["max": .int(bodyBytesMax)])
    }

    func checkHost(_ request: EdgeRequest) throws {
        guard let allowedHosts else { return }
        var host = request.headers.first(name: "host") ?? ""
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") { host = String(host[..<colon]) }
        guard allowedHosts.contains(where: { $0.lowercased() == host.lowercased() }) else {
            throw Problem(
                status: .badRequest, code: "BAD_HOST", message: "this service does not answer to that name; see allowed_hosts",
                details: ["host": .string(host)])
        }
    }
}
