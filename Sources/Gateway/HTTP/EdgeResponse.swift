import HTTPTypes
import NIOCore

/// What a request is answered with.
struct EdgeResponse: Sendable {
    var status: HTTPResponse.Status
    var contentType = "application/json"
    /// Beyond those that every response has.
    var headers: HTTPFields = [:]
    var body: ByteBuffer
    /// Of a problem.
    var code: String?
    var requestID = ""
    /// Time from the whole request to the whole response, in microseconds.
    var microseconds: Int64 = 0

    init(_ status: HTTPResponse.Status, _ json: JSON) {
        self.status = status
        body = json.bytes
    }

    init(_ status: HTTPResponse.Status, contentType: String, body: ByteBuffer) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    init(_ problem: Problem, requestID: String) {
        self.init(problem.status, problem.body(requestID: requestID))
        headers = problem.headers
        code = problem.code
    }

    /// All of it as HTTP/1.1, so that it leaves in one write.
    /// - Parameters:
    ///   - date: the value of `Date`.
    ///   - connection: the value of `Connection`, where one is needed.
    ///   - isHead: answers HEAD: the head of what GET would get.
    func bytes(date: String, connection: String?, isHead: Bool) -> ByteBuffer {
        var out = ByteWriter(capacity: 512 + body.readableBytes)
        out.write("HTTP/1.1 ")
        out.write(UInt64(status.code))
        out.write(" ")
        out.write(status.reasonPhrase)
        out.write("\r\nContent-Type: ")
        out.write(contentType)
        out.write("\r\nContent-Length: ")
        out.write(UInt64(body.readableBytes))
        for field in headers {
            out.write("\r\n")
            out.write(field.name.rawName)
            out.write(": ")
            out.write(field.value)
        }
        out.write("\r\nX-Request-ID: ")
        out.write(requestID)
        out.write("\r\nX-Process-Time: ")
        out.write(UInt64(microseconds / 1_000_000))
        out.write(".")
        out.write(UInt64(microseconds % 1_000_000), digits: 6)
        out.write("\r\nX-Content-Type-Options: nosniff\r\nDate: ")
        out.write(date)
        if let connection {
            out.write("\r\nConnection: ")
            out.write(connection)
        }
        out.write("\r\nServer: cashup\r\n\r\n")
        if !isHead { out.write(body) }
        return ByteBuffer(bytes: out.bytes)
    }
}
