package import Essentials
package import Foundation

/// The answer to a request: its head is here, its body may still be on the way.
package struct ClientResponse: Sendable {
  /// The status code. A redirect (3xx) is an answer like any other: it is never followed.
  package let status: Int
  package let fields: HTTPFields
  /// The body; it is streamed, and letting go of it unread ends the transfer.
  package let body: ResponseBody

  package init(status: Int, fields: HTTPFields = [:], body: ResponseBody = ResponseBody([])) {
    self.status = status
    self.fields = fields
    self.body = body
  }

  /// Whether the status is 2xx.
  package var isSuccess: Bool { (200..<300).contains(status) }
}

extension ClientResponse {
  /// How long the answer asks to wait, at most a day: `Retry-After` in seconds or as a date (RFC 9110 §10.2.3); nil when it
  /// does not say, or says something else.
  package func retryAfter(now: Date = Date()) -> Duration? {
    guard let text = fields["Retry-After"]?.trimmingSpaceAndTab() else { return nil }
    if let seconds = Int(text) { return seconds >= 0 ? .seconds(min(seconds, 86_400)) : nil }
    return HTTPDate.parse(text, now: now).map { .seconds(max(0, min($0.timeIntervalSince(now), 86_400))) }
  }
}
