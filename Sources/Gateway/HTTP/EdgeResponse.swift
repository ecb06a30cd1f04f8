import Client
import HTTPTypes
import NIOCore

/// What a request is answered with.
struct EdgeResponse: Sendable {
    var status: HTTPResponse.Status
    var contentType = "application/json"
    /// Beyond those that every response has.
    var headers: HTTPFields = [:]
    var body: ByteBuffer
    var requestID = ""
    /// Time from the whole request to the whole response, in microseconds.
    var microseconds: Int64 = 0

    init(_ status: HTTPResponse.Status, _ json: JSON) {
        self.status = status
        body = ByteBuffer()
        body.reserveCapacity(1_024)
        json.write(to: &body)
    }

    init(_ status: HTTPResponse.Status, contentType: String, body: ByteBuffer) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    init(_ problem: Problem, requestID: String) {
        self.init(problem.status, problem.body(requestID: requestID))
        headers = problem.headers
    }

    /// Appends all of it as HTTP/1.1, so that it leaves in one write.
    /// - Parameters:
    ///   - date: the value of `Date`.
    ///   - connection: the value of `Connection`, where one is needed.
    ///   - isHead: answers HEAD: the head of what GET would get.
    func write(to out: inout ByteBuffer, date: String, connection: String?, isHead: Bool) {
        out.reserveCapacity(minimumWritableBytes: 512 + body.readableBytes)
        out.writeStaticString("HTTP/1.1 ")
        out.writeDecimal(UInt64(status.code))
        out.writeStaticString(" ")
        out.writeString(status.reasonPhrase)
        out.writeStaticString("\r\nContent-Type: ")
        out.writeString(contentType)
        out.writeStaticString("\r\nContent-Length: ")
        out.writeDecimal(UInt64(body.readableBytes))
        for field in headers {
            out.writeStaticString("\r\n")
            out.writeString(field.name.rawName)
            out.writeStaticString(": ")
            out.writeString(field.value)
        }
        out.writeStaticString("\r\nX-Request-ID: ")
        out.writeString(requestID)
        out.writeStaticString("\r\nX-Process-Time: ")
        out.writeDecimal(UInt64(microseconds / 1_000_000))
        // Six digits: a one before them keeps the zeros, and is overwritten by the point.
        let point = out.writerIndex
        out.writeDecimal(UInt64(1_000_000 + microseconds % 1_000_000))
        out.setInteger(UInt8(ascii: "."), at: point)
        out.writeStaticString("\r\nX-Content-Type-Options: nosniff\r\nDate: ")
        out.writeString(date)
        out.writeStaticString("\r\nServer: cashup\r\n")
        if let connection {
            out.writeStaticString("Connection: ")
            out.writeString(connection)
            out.writeStaticString("\r\n")
        }
        out.writeStaticString("\r\n")
        if !isHead { out.writeImmutableBuffer(body) }
    }
}
