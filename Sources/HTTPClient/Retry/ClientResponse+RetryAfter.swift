import Foundation

extension ClientResponse {
  /// How long the answer asks to wait: `Retry-After` in seconds or as a date (RFC 9110 §10.2.3); nil when it does not say,
  /// or says something else.
  public func retryAfter(now: Date = Date()) -> Duration? {
    guard let text = fields["Retry-After"]?.trimmingCharacters(in: .whitespaces) else { return nil }
    if let seconds = Int(text) { return (0...86_400).contains(seconds) ? .seconds(seconds) : nil }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = .gmt
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
    guard let date = formatter.date(from: text) else { return nil }
    return .seconds(max(0, min(date.timeIntervalSince(now), 86_400)))
  }
}
