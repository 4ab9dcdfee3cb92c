package import Essentials

/// What a handler answers. The server adds `Date`, the framing headers and `Connection`; those that a handler sets itself
/// (`Content-Length`, `Transfer-Encoding`) are dropped, but `Connection: close` is heeded.
package struct HTTPResponse: Sendable {
  /// The status, 200 to 599; anything else is answered as 500 `bad_response`.
  package var status: HTTPStatus
  /// The header fields. One with a line break or another control character turns the answer into 500 `bad_response`.
  package var headers: HTTPFields
  /// The content; it is not sent for HEAD, 204 and 304.
  package var body: [UInt8]

  package init(status: HTTPStatus = 200, headers: HTTPFields = [:], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// UTF-8 text as `text/plain`.
  package static func text(_ text: String, status: HTTPStatus = 200) -> HTTPResponse {
    HTTPResponse(status: status, headers: ["Content-Type": "text/plain; charset=utf-8"], body: Array(text.utf8))
  }

  /// JSON text that is encoded already, as `application/json`.
  package static func json(_ bytes: [UInt8], status: HTTPStatus = 200, headers: HTTPFields = [:]) -> HTTPResponse {
    var headers = headers
    headers["Content-Type"] = "application/json"
    headers.askAgain(after: status)
    return HTTPResponse(status: status, headers: headers, body: bytes)
  }

  /// An error as `application/problem+json` (RFC 9457), with the status that the problem names.
  package static func problem(_ problem: Problem, headers: HTTPFields = [:]) -> HTTPResponse {
    var headers = headers
    headers["Content-Type"] = "application/problem+json"
    headers.askAgain(after: problem.status)
    return HTTPResponse(status: problem.status, headers: headers, body: problem.json + [.lineFeed])
  }
}

extension HTTPFields {
  /// Seconds after which a caller that was told 503 may ask again.
  private static let retrySeconds = 10

  /// Adds `Retry-After` (RFC 9110 §10.2.3) to a 503, unless it is there.
  fileprivate mutating func askAgain(after status: HTTPStatus) {
    if status == 503, !contains("Retry-After") { self["Retry-After"] = String(Self.retrySeconds) }
  }
}
