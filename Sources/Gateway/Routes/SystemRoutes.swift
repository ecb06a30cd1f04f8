import Core
import HTTPTypes
import NIOCore
import Server

/// A path that is about the process and not about anybody's account: no token, not always JSON.
struct SystemRoute: Sendable {
    /// Without a slash at its end.
    var path: String
    var summary: String
    var contentType: String
    /// By status; `nil`: not JSON.
    var answers: [(status: Int, meaning: String, schema: Schema?)]
    /// Whether the OpenAPI document shows it.
    var isShown = true
    var answer: @Sendable (Desk) async -> EdgeResponse
}

enum SystemRoutes {
    static let version = "1"

    static func all(_ assets: Assets) -> [SystemRoute] {
        [
            SystemRoute(
                path: "/", summary: "What this is", contentType: "application/json",
                answers: [(200, "", .object(Shape("Root", [
                    .required("service", .text), .required("version", .text), .required("description", .text), .required("docs_url", .text),
                ])))]
            ) { _ in
                EdgeResponse(.ok, [
                    "service": "cashup", "version": .string(version),
                    "description": "Orders, trades, positions and balances, durable before they are acknowledged.", "docs_url": "/docs",
                ])
            },
            SystemRoute(
                path: "/health", summary: "The process answers", contentType: "application/json",
                answers: [(200, "", .object(Shape("Health", [
                    .required("status", .enumeration(["healthy"])), .required("service", .text), .required("version", .text),
                    .required("timestamp", .number, "Unix time in seconds."),
                ])))]
            ) { desk in
                let now = desk.service.clock.now()
                return EdgeResponse(.ok, [
                    "status": "healthy", "service": "cashup", "version": .string(version),
                    "timestamp": .number(Exact(mantissa: Int128(now), scale: 6).text()),
                ])
            },
            SystemRoute(
                path: "/health/ready", summary: "Whether clients should be sent here, and why not", contentType: "application/json",
                answers: [(200, "", .object(readiness)), (503, "Draining, out of storage, the clock is wrong, or history lags.", .object(readiness))]
            ) { desk in
                let found = await desk.service.readiness()
                let reasons: [JSON] = found.reasons.map { ["code": .string($0.code), "message": .string($0.text)] }
                return EdgeResponse(found.isReady ? .ok : .serviceUnavailable, [
                    "status": found.isReady ? "ready" : "not_ready", "reasons": .array(reasons),
                    "checks": [
                        "log": .string("durable to LSN \(desk.service.log.durableLSN)"),
                        "history": .string(desk.history.map { "\($0.state), applied to LSN \($0.appliedLSN)" } ?? "off"),
                    ],
                ])
            },
            SystemRoute(
                path: "/metrics", summary: "Figures for Prometheus", contentType: MetricsText.contentType, answers: [(200, "Text exposition format.", nil)]
            ) { desk in
                EdgeResponse(.ok, contentType: MetricsText.contentType, body: ByteBuffer(string: await desk.service.metrics()))
            },
            SystemRoute(path: "/openapi.json", summary: "This description", contentType: "application/json", answers: [(200, "", .any)]) { desk in
                EdgeResponse(.ok, desk.description)
            },
            SystemRoute(path: "/docs", summary: "This description to read and try", contentType: "text/html; charset=utf-8", answers: [(200, "A page.", nil)]) { _ in
                EdgeResponse(.ok, contentType: "text/html; charset=utf-8", body: ByteBuffer(string: assets.isComplete ? page : pageWithoutAssets))
            },
            script("/docs/start.js", ByteBuffer(string: startScript)),
        ] + assets.files.map { name, bytes in script("/docs/\(name)", bytes) }
    }

    private static let readiness = Shape(
        "Readiness",
        [
            .required("status", .enumeration(["ready", "not_ready"])),
            .required("reasons", .list(.object(Shape("NotReady", [.required("code", .text), .required("message", .text)])))),
            .required("checks", .map(.text)),
        ])

    private static func script(_ path: String, _ bytes: ByteBuffer) -> SystemRoute {
        let type = Assets.contentType(path)
        return SystemRoute(path: path, summary: "", contentType: type, answers: [], isShown: false) { _ in
            EdgeResponse(.ok, contentType: type, body: bytes)
        }
    }

    private static let page = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>CashUp API</title>
        <link rel="stylesheet" href="/docs/swagger-ui.css">
        </head>
        <body><div id="ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body>
        </html>

        """
    private static let startScript = """
        SwaggerUIBundle({ url: "/openapi.json", dom_id: "#ui", deepLinking: true, docExpansion: "list", defaultModelsExpandDepth: 0, persistAuthorization: true });

        """
    private static let pageWithoutAssets = """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>CashUp API</title></head>
        <body><p>The files of Swagger UI are not there: <code>make docs-assets</code> fetches them; then start the service again.
        The description itself is at <a href="/openapi.json">/openapi.json</a>.</p></body></html>

        """
}
