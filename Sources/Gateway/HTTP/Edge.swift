import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Server

/// What Hummingbird makes per request.
struct EdgeContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let peer: String
    let requestID: RequestIdentifier

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress?.ipAddress ?? "?"
        requestID = RequestIdentifier()
    }
}

/// The id of a request: the client's `X-Request-ID`, or a new one. Set once, by ``EdgeMiddleware``, before anyone reads it.
final class RequestIdentifier: @unchecked Sendable {
    var text = ""
    var subject = "-"
}

/// Around every request: its id, the time it took, problems as JSON, the access log.
struct EdgeMiddleware: RouterMiddleware {
    let settings: EdgeSettings
    let logger: Logger

    func handle(_ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response) async throws -> Response {
        let start = ContinuousClock.now
        context.requestID.text = Self.accepted(request.headers[.xRequestID]) ?? ID.random()
        var response: Response
        do {
            try settings.checkHost(request)
            response = try await next(request, context)
        } catch let problem as Problem {
            response = Self.response(problem, context)
        } catch let error as HTTPError {
            response = Self.response(Self.problem(error), context)
        } catch is NIOTooManyBytesError {
            response = Self.response(settings.tooLarge, context)
        } catch let error as CancellationError {
            throw error
        } catch {
            // What it was is for the log, not for whoever asked.
            logger.error("request failed: \(error)", metadata: ["request_id": "\(context.requestID.text)"])
            response = Self.response(
                Problem(status: .internalServerError, code: "INTERNAL_ERROR", message: "something went wrong; the log has it under the request_id"), context)
        }
        let took = ContinuousClock.now - start
        response.headers[.xRequestID] = context.requestID.text
        response.headers[.xProcessTime] = Self.seconds(took)
        response.headers[.xContentTypeOptions] = "nosniff"
        return response
    }

    /// 1 to 64 printable bytes without blanks; anything else is not taken over.
    private static func accepted(_ id: String?) -> String? {
        guard let id, (1...64).contains(id.utf8.count), id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        return id
    }

    private static func problem(_ error: HTTPError) -> Problem {
        switch error.status.code {
        case 404: .notFound("no such path")
        case 413: Problem(status: .contentTooLarge, code: "TOO_LARGE", message: "the body is too large")
        default: Problem(status: error.status, code: "HTTP_ERROR", message: error.body ?? error.status.reasonPhrase)
        }
    }

    static func response(_ problem: Problem, _ context: EdgeContext) -> Response {
        var response = json(problem.body(requestID: context.requestID.text), status: problem.status)
        for field in problem.headers { response.headers.append(field) }
        return response
    }

    static func json(_ value: JSON, status: HTTPResponse.Status) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(bytes: value.bytes)))
    }

    private static func seconds(_ duration: Duration) -> String {
        let micros = duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
        let fraction = String(1_000_000 + micros % 1_000_000).dropFirst()
        return "\(micros / 1_000_000).\(fraction)"
    }
}

/// What the edge itself is set to.
struct EdgeSettings: Sendable {
    /// Names that the `Host` header may have; `nil`: any.
    var allowedHosts: [String]?
    var bodyBytesMax: Int

    var tooLarge: Problem {
        Problem(
            status: .contentTooLarge, code: "TOO_LARGE", message: "the body has more than \(bodyBytesMax) bytes",
            details: ["max": .int(bodyBytesMax)])
    }

    func checkHost(_ request: Request) throws {
        guard let allowedHosts else { return }
        var host = request.head.authority ?? ""
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") { host = String(host[..<colon]) }
        guard allowedHosts.contains(where: { $0.caseInsensitiveCompare(host) == .orderedSame }) else {
            throw Problem(
                status: .badRequest, code: "BAD_HOST", message: "this service does not answer to that name; see allowed_hosts",
                details: ["host": .string(host)])
        }
    }
}

extension HTTPField.Name {
    static let xContentTypeOptions = HTTPField.Name("X-Content-Type-Options")!
}
