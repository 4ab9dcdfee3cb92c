import Essentials
import Foundation

extension ClientResponse {
  /// How long the answer asks to wait, at most a day: `Retry-After` in seconds or as a date (RFC 9110 §10.2.3); nil when it
  /// does not say, or says something else.
  public func retryAfter(now: Date = Date()) -> Duration? {
    guard let text = fields["Retry-After"]?.trimmingSpaceAndTab() else { return nil }
    if let seconds = Int(text) { return seconds >= 0 ? .seconds(min(seconds, 86_400)) : nil }
    return HTTPDate.parse(text, now: now).map { .seconds(max(0, min($0.timeIntervalSince(now), 86_400))) }
  }
}
