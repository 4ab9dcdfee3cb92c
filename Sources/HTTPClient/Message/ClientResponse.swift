import Essentials

/// The answer to a request: its head is here, its body may still be on the way.
public struct ClientResponse: Sendable {
  /// The status code. A redirect (3xx) is an answer like any other: it is never followed.
  public let status: Int
  /// The header fields.
  package let fields: HTTPFields
  /// The body; it is streamed, and letting go of it unread ends the transfer.
  public let body: ResponseBody

  /// Puts an answer together, as tests do.
  package init(status: Int, fields: HTTPFields = [:], body: ResponseBody = ResponseBody([])) {
    self.status = status
    self.fields = fields
    self.body = body
  }

  /// Whether the status is 2xx.
  public var isSuccess: Bool { (200..<300).contains(status) }
}
