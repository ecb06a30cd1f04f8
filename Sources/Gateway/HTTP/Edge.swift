import Core
import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import Server

/// Around every request: its id, its route, the time it took, problems as JSON. Any task.
struct Edge: Sendable {
    let table: RouteTable
    /// By path.
    let system: [String: SystemRoute]
    let dispatch: Dispatch
    let settings: EdgeSettings
    let logger: Logger
    /// `nil`: nothing is kept of requests.
    let access: AccessLog?
    /// Runs the tasks of requests.
    let executor: LoopExecutor

    func answer(_ request: EdgeRequest) async -> EdgeResponse {
        let start = ContinuousClock.now
        let id = Edge.accepted(request.headers.first(name: "x-request-id")) ?? ID.random()
        var subject: String?
        var response: EdgeResponse
        do {
            response = try await answer(request, &subject)
        } catch let problem as Problem {
            response = EdgeResponse(problem, requestID: id)
            if !problem.isFromService { audit(request, problem, subject) }
        } catch {
            // What it was is for the log, not for whoever asked.
            logger.error("request failed: \(error)", metadata: ["request_id": "\(id)"])
            response = EdgeResponse(
                Problem(status: .internalServerError, code: "INTERNAL_ERROR", message: "something went wrong; the log has it under the request_id"),
                requestID: id)
        }
        settings.shareAcross(request, &response)
        let took = ContinuousClock.now - start
        response.requestID = id
        response.microseconds = took.components.seconds * 1_000_000 + took.components.attoseconds / 1_000_000_000_000
        note(request, response, subject)
        return response
    }

    private func answer(_ request: EdgeRequest, _ subject: inout String?) async throws -> EdgeResponse {
        if let fault = request.fault { throw Problem(status: .badRequest, code: "BAD_HTTP", message: fault) }
        try settings.checkHost(request)
        if request.method == .options, let preflight = settings.preflight(request) { return preflight }
        switch table.find(request) {
        case .route(let entry, let captures): return try await dispatch.answer(entry, captures, request, &subject)
        case .otherMethods(let names):
            throw Problem(status: .methodNotAllowed, code: "METHOD_NOT_ALLOWED", message: "this path takes \(names)", headers: [.allow: names])
        case .nothing: return try await answerForProcess(request)
        }
    }

    /// What is about the process, for which nobody needs a token.
    private func answerForProcess(_ request: EdgeRequest) async throws -> EdgeResponse {
        let path = request.path
        guard let route = system[String(path.utf8.count > 1 && path.utf8.last == UInt8(ascii: "/") ? path.dropLast() : path)] else {
            throw Problem.notFound("no such path")
        }
        guard request.method == .get || request.method == .head else {
            throw Problem(status: .methodNotAllowed, code: "METHOD_NOT_ALLOWED", message: "this path takes GET", headers: [.allow: "GET"])
        }
        return await route.answer(dispatch.desk)
    }

    /// A request that never became a command has no other place where it is kept: who was refused, and why. Reads that were merely asked wrongly are
    /// not worth it.
    private func audit(_ request: EdgeRequest, _ problem: Problem, _ subject: String?) {
        let isRefusal = problem.status.code == 401 || problem.status.code == 403
        guard isRefusal || request.method != .get && (400..<500).contains(problem.status.code), let trail = dispatch.desk.service.audit else { return }
        trail.note(
            time: dispatch.desk.service.clock.now(), session: 0, subject: subject ?? "", roles: "", peer: request.peer, name: Text(),
            command: "\(request.method.rawValue) \(request.target)", code: problem.code, facts: "message=\(Line.escaped(problem.message))")
    }

    private func note(_ request: EdgeRequest, _ response: EdgeResponse, _ subject: String?) {
        guard let access, access.isKept else { return }
        access.note(
            AccessEntry(
                requestID: response.requestID, method: request.method.rawValue, path: request.target, status: response.status.code,
                bytes: response.body.readableBytes, microseconds: response.microseconds, peer: request.peer, subject: subject,
                code: response.code, userAgent: request.headers.first(name: "user-agent")))
    }

    /// 1 to 64 printable bytes without blanks; anything else is not taken over.
    private static func accepted(_ id: String?) -> String? {
        guard let id, (1...64).contains(id.utf8.count), id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        return id
    }
}

/// What the edge itself is set to.
struct EdgeSettings: Sendable {
    /// Names that the `Host` header may have, in lower case; `nil`: any.
    var allowedHosts: [String]?
    /// Origins whose pages may read the answers; `nil`: any.
    var corsOrigins: [String]?
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

    private func allows(origin: String) -> Bool { corsOrigins.map { $0.contains(origin) } ?? true }

    /// Lets the page of another origin read the answer, where that is set (CORS, fetch.spec.whatwg.org).
    func shareAcross(_ request: EdgeRequest, _ response: inout EdgeResponse) {
        guard let origin = request.headers.first(name: "origin"), allows(origin: origin) else { return }
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.vary] = "Origin"
        response.headers[.accessControlExposeHeaders] = "X-Request-ID, X-Process-Time, Retry-After"
    }

    /// The answer to a browser that asks before it sends a request from another origin; `nil`: it asks for nothing of the kind.
    func preflight(_ request: EdgeRequest) -> EdgeResponse? {
        guard let origin = request.headers.first(name: "origin"), allows(origin: origin), request.headers.contains(name: "access-control-request-method")
        else { return nil }
        var response = EdgeResponse(.noContent, contentType: "text/plain", body: ByteBuffer())
        response.headers[.accessControlAllowMethods] = "GET, POST, PUT, PATCH, DELETE"
        response.headers[.accessControlAllowHeaders] = "Authorization, Content-Type, Idempotency-Key, X-Account, X-Request-ID"
        response.headers[.accessControlMaxAge] = "600"
        return response
    }

    func checkHost(_ request: EdgeRequest) throws {
        guard let allowedHosts else { return }
        var host = request.headers.first(name: "host") ?? ""
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") { host = String(host[..<colon]) }
        guard allowedHosts.contains(host.lowercased()) else {
            throw Problem(
                status: .badRequest, code: "BAD_HOST", message: "this service does not answer to that name; see allowed_hosts",
                details: ["host": .string(host)])
        }
    }
}
