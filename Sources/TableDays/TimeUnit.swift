package import FoundationEssentials

/// What an integer time column counts, from 1970-01-01T00:00:00Z on.
package enum TimeUnit: String, Sendable, Codable, CaseIterable {
  case seconds = "s"
  case milliseconds = "ms"
  case microseconds = "us"
  case nanoseconds = "ns"

  /// The units in one second.
  package var perSecond: Int {
    switch self {
    case .seconds: 1
    case .milliseconds: 1_000
    case .microseconds: 1_000_000
    case .nanoseconds: 1_000_000_000
    }
  }

  /// The form of a unit, for errors and documents.
  package static let form = "one of \(allCases.map(\.rawValue).joined(separator: ", "))"

  /// The value of the second that `instant` lies in; nil where 64 bits do not hold it.
  package func value(of instant: Date) -> Int? {
    let (value, overflows) = Int(instant.timeIntervalSince1970.rounded(.down)).multipliedReportingOverflow(
      by: perSecond)
    return overflows ? nil : value
  }

  /// The second that `value` lies in.
  package func instant(of value: Int) -> Date {
    let (quotient, rest) = value.quotientAndRemainder(dividingBy: perSecond)
    return Date(timeIntervalSince1970: Double(rest < 0 ? quotient - 1 : quotient))
  }
}
