/// The OpenAPI 3.1 document of a table of routes: nothing in it is written by hand.
enum OpenAPI {
    static func document(_ routes: [Route], _ system: [SystemRoute], version: String, requiresTokens: Bool) -> JSON {
        var components: [(String, Shape)] = []
        func note(_ shape: Shape) {
            guard !components.contains(where: { $0.0 == shape.name }) else { return }
            components.append((shape.name, shape))
            for field in shape.fields { note(field.schema) }
        }
        func note(_ schema: Schema) {
            switch schema {
            case .object(let shape): note(shape)
            case .array(let element, _), .map(let element), .nullable(let element): note(element)
            default: break
            }
        }
        for route in routes {
            note(route.answer)
            if let body = route.body { note(body) }
        }
        note(problemShape)
        for route in system { for answer in route.answers { if let schema = answer.schema { note(schema) } } }

        var paths: [JSON.Member] = []
        for route in routes {
            let path = Routes.prefix + route.path
            let operation = JSON.Member(name: route.method.rawValue.lowercased(), value: operation(route))
            if let index = paths.firstIndex(where: { $0.name == path }), case .object(let others) = paths[index].value {
                paths[index].value = .object(others + [operation])
            } else {
                paths.append(JSON.Member(name: path, value: .object([operation])))
            }
        }
        for route in system where route.isShown {
            paths.append(JSON.Member(name: route.path, value: ["get": operation(route)]))
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "CashUp", "version": .string(version),
                "summary": "Orders, trades, positions and balances, durable before they are acknowledged.",
                "description": .string(about), "license": ["name": "MIT", "identifier": "MIT"],
            ],
            "tags": .array(
                Routes.tags.map { ["name": .string($0.name), "description": .string($0.note)] }),
            "paths": .object(paths),
            "components": [
                "schemas": .object(components.map { JSON.Member(name: $0.0, value: schema($0.1)) }),
                "securitySchemes": [
                    "bearer": ["type": "http", "scheme": "bearer", "bearerFormat": "JWT"],
                    "account": [
                        "type": "apiKey", "in": "header", "name": "X-Account",
                        "description": "With authentication off: the account a request is about.",
                    ],
                ],
            ],
            "security": requiresTokens ? [["bearer": []]] : [["account": []], [:]],
        ]
    }

    private static let about = """
        Every request becomes a command of the line protocol and is answered after its fsync. Decimals are strings and exact: more decimals than an instrument has are refused, never \
        rounded. Times are ISO 8601 in UTC. A POST may carry `Idempotency-Key` (1 to 36 bytes): its repeat changes nothing and answers the same object, also after a restart.
        """

    static let problemShape = Shape(
        "Problem", note: "Why a request was not done; nothing has changed.",
        [
            .required("error", .text, "The kind of trouble, one per status."),
            .required("code", .text, "Stable, for programs."), .required("message", .text, "For people."),
            .required("details", .any, "Facts to mend it: an object, or a list of {field, problem}."),
            .required("request_id", .text, "Also in the header X-Request-ID and in the logs."),
        ])

    private static func operation(_ route: Route) -> JSON {
        var members: [JSON.Member] = [
            JSON.Member(name: "tags", value: [.string(route.tag)]), JSON.Member(name: "summary", value: .string(route.summary)),
            JSON.Member(name: "operationId", value: .string(operationID(route))),
        ]
        let notes = [route.note, who(route)].filter { !$0.isEmpty }.joined(separator: " ")
        members.append(JSON.Member(name: "description", value: .string(notes)))
        var parameters = route.allParameters.map { parameter -> JSON in
            [
                "name": .string(parameter.name), "in": .string(parameter.place.rawValue), "required": .bool(parameter.isRequired),
                "description": .string(parameter.note), "schema": schema(parameter.schema, isRequest: true),
            ]
        }
        if route.method == .post {
            parameters.append([
                "name": "Idempotency-Key", "in": "header", "required": false, "description": "The repeat of an accepted request with the same key changes nothing.",
                "schema": ["type": "string", "minLength": 1, "maxLength": 36, "pattern": "^[!-~]+$"],
            ])
        }
        if !parameters.isEmpty { members.append(JSON.Member(name: "parameters", value: .array(parameters))) }
        if let body = route.body {
            var content: [JSON.Member] = [JSON.Member(name: "schema", value: reference(body))]
            if let example = body.example { content.append(JSON.Member(name: "example", value: example)) }
            members.append(
                JSON.Member(
                    name: "requestBody",
                    value: ["required": .bool(!route.bodyIsOptional), "content": ["application/json": .object(content)]]))
        }
        var responses: [JSON.Member] = [
            JSON.Member(
                name: String(route.status.code),
                value: [
                    "description": .string(route.status.reasonPhrase),
                    "headers": [
                        "X-Request-ID": ["schema": ["type": "string"]], "X-Process-Time": ["schema": ["type": "string"]],
                    ],
                    "content": ["application/json": ["schema": schema(route.answer)]],
                ])
        ]
        for status in route.problemStatuses {
            responses.append(
                JSON.Member(
                    name: String(status),
                    value: [
                        "description": .string(meaning[status] ?? ""),
                        "content": ["application/json": ["schema": reference(problemShape)]],
                    ]))
        }
        members.append(JSON.Member(name: "responses", value: .object(responses)))
        return .object(members)
    }

    private static func operation(_ route: SystemRoute) -> JSON {
        let responses = route.answers.map { answer -> JSON.Member in
            let content = answer.schema.map { schema($0) } ?? ["type": "string"]
            return JSON.Member(
                name: String(answer.status),
                value: [
                    "description": .string(answer.meaning.isEmpty ? "OK" : answer.meaning),
                    "content": .object([JSON.Member(name: route.contentType, value: ["schema": content])]),
                ])
        }
        return [
            "tags": ["system"], "summary": .string(route.summary),
            "operationId": .string("get_" + (route.path == "/" ? "root" : route.path.split { !$0.isLetter }.joined(separator: "_"))),
            "security": [], "responses": .object(responses),
        ]
    }

    private static func who(_ route: Route) -> String {
        switch route.need {
        case .token where route.scope == .none: "Any valid token."
        case .token: "Role: viewer or trader, for the accounts the token names."
        case .trader: "Role: trader."
        case .traderOrConnector: "Role: trader or connector."
        case .connector: "Role: connector."
        case .admin: "Role: admin."
        }
    }

    private static let meaning: [Int: String] = [
        400: "Refused for a business reason, or the request is malformed.", 401: "The token is missing, bad or expired.",
        403: "The token has not that role or account.", 404: "Not there.", 409: "It exists, or the id was used for something else.",
        413: "The body is too large.", 422: "A field is missing or wrong; details says which and why.",
        429: "Too many requests with this token; Retry-After says when.", 503: "Recovering, draining, out of storage, or history lags.",
    ]

    private static func operationID(_ route: Route) -> String {
        let words = route.path.split { !$0.isLetter && !$0.isNumber }.map { String($0) }
        return ([route.method.rawValue.lowercased()] + words).joined(separator: "_")
    }

    private static func reference(_ shape: Shape) -> JSON { ["$ref": .string("#/components/schemas/\(shape.name)")] }

    private static func schema(_ shape: Shape) -> JSON {
        var members: [JSON.Member] = [JSON.Member(name: "type", value: "object")]
        if !shape.note.isEmpty { members.append(JSON.Member(name: "description", value: .string(shape.note))) }
        members.append(
            JSON.Member(
                name: "properties",
                value: .object(
                    shape.fields.map { field in
                        var property = schema(shape.isRequest && !field.isRequired ? field.schema.orNull : field.schema, isRequest: shape.isRequest)
                        if !field.note.isEmpty, case .object(let members) = property, !members.contains(where: { $0.name == "$ref" }) {
                            property = .object(members + [JSON.Member(name: "description", value: .string(field.note))])
                        }
                        return JSON.Member(name: field.name, value: property)
                    })))
        let required = shape.fields.filter(\.isRequired).map { JSON.string($0.name) }
        if !required.isEmpty { members.append(JSON.Member(name: "required", value: .array(required))) }
        if shape.isRequest { members.append(JSON.Member(name: "additionalProperties", value: false)) }
        if let example = shape.example { members.append(JSON.Member(name: "examples", value: [example])) }
        return .object(members)
    }

    private static let decimalPattern = "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?$"

    private static func schema(_ schema: Schema, isRequest: Bool = false) -> JSON {
        switch schema {
        case .string(let maxBytes):
            guard isRequest else { return ["type": "string"] }
            return maxBytes.map { ["type": "string", "minLength": 1, "maxLength": .int($0)] } ?? ["type": "string", "minLength": 1]
        case .decimal(let sign):
            let pattern = sign == .any ? decimalPattern : decimalPattern.replacing("-?", with: "")
            let text: JSON = ["type": "string", "pattern": .string(pattern), "examples": ["0.50000000"]]
            guard isRequest else { return text }
            let number: JSON =
                sign == .positive ? ["type": "number", "exclusiveMinimum": 0] : sign == .notNegative ? ["type": "number", "minimum": 0] : ["type": "number"]
            return ["anyOf": [text, number]]
        case .integer(let range):
            return ["type": "integer", "minimum": .int(range.lowerBound), "maximum": .int(range.upperBound)]
        case .identifier: return ["anyOf": [["type": "integer", "minimum": 1], ["type": "string", "minLength": 1, "maxLength": 36]]]
        case .number: return ["type": "number"]
        case .boolean: return ["type": "boolean"]
        case .time: return ["type": "string", "format": "date-time"]
        case .enumeration(let cases): return ["type": "string", "enum": .array(cases.map { .string($0) })]
        case .array(let element, let most):
            var members: [JSON.Member] = [
                JSON.Member(name: "type", value: "array"), JSON.Member(name: "items", value: self.schema(element, isRequest: isRequest)),
            ]
            if isRequest { members.append(JSON.Member(name: "minItems", value: 1)) }
            if let most { members.append(JSON.Member(name: "maxItems", value: .int(most))) }
            return .object(members)
        case .object(let shape): return reference(shape)
        case .map(let element):
            return ["type": "object", "additionalProperties": self.schema(element, isRequest: isRequest)]
        case .nullable(let inner): return ["anyOf": [self.schema(inner, isRequest: isRequest), ["type": "null"]]]
        case .any: return [:]
        }
    }
}
