import Essentials

/// Why the server refuses a request before any handler sees it. The connection is closed after the answer, as the bytes
/// that follow can no longer be trusted to begin a request (RFC 9112 §11.2).
package struct HTTPRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  /// The status of the answer.
  package let status: HTTPStatus
  /// The stable name of the reason, such as `bad_framing`.
  package let code: String
  /// What is wrong and what would be right. It never quotes the request, which may hold secrets.
  package let detail: String

  init(_ status: HTTPStatus, _ code: String, _ detail: String) {
    self.status = status
    self.code = code
    self.detail = detail
  }

  /// Status, code and detail in one line.
  package var description: String { "\(status.code) \(code): \(detail)" }

  /// The refusal as an error answer.
  package var problem: Problem { Problem(status: status, code: code, detail: detail) }

  /// The answer; a 503 says when to come again (RFC 9110 §10.2.3).
  var response: HTTPResponse { .problem(problem, headers: status == 503 ? ["Retry-After": "5"] : [:]) }

  static func badTarget(_ detail: String) -> HTTPRefusal { HTTPRefusal(400, "bad_target", detail) }
  static func badHeader(_ detail: String) -> HTTPRefusal { HTTPRefusal(400, "bad_header_line", detail) }
  static func badFraming(_ detail: String) -> HTTPRefusal { HTTPRefusal(400, "bad_framing", detail) }
  static func badChunk(_ detail: String) -> HTTPRefusal { HTTPRefusal(400, "bad_chunk", detail) }
  static func badRequestLine(_ detail: String) -> HTTPRefusal { HTTPRefusal(400, "bad_request_line", detail) }

  static func headersTooLarge(limit: Int) -> HTTPRefusal {
    HTTPRefusal(431, "headers_too_large", "The header block is over \(limit) bytes.")
  }

  static func tooManyHeaders(limit: Int) -> HTTPRefusal {
    HTTPRefusal(431, "headers_too_large", "There are more than \(limit) header lines.")
  }

  static func bodyTooLarge(limit: Int) -> HTTPRefusal {
    HTTPRefusal(413, "body_too_large", "The body is over the limit of \(limit) bytes.")
  }

  static let timeout = HTTPRefusal(
    408, "request_timeout", "The request did not arrive in time; send it again without pauses.")

  static let tooMuchUnfinished = HTTPRefusal(
    503, "too_many_connections",
    "Requests of callers without a key hold too much memory together; try again in a moment.")

  static let interrupted = HTTPRefusal(
    503, "interrupted",
    "The program had to stop before this request was done. What was finished stays; check it before you ask again."
  )

  static let tooManyConnections = HTTPRefusal(
    503, "too_many_connections", "The server has reached its limit of connections; try again in a moment.")
}
