import CCurl
public import Foundation

/// Dates as header fields carry them (RFC 9110 §5.6.7).
public enum HTTPDate {
  /// Reads a date, also in the obsolete forms; nil for anything else. libcurl reads it.
  public static func parse(_ text: String) -> Date? {
    let seconds = curl_getdate(text, nil)
    return seconds < 0 ? nil : Date(timeIntervalSince1970: Double(seconds))
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT`.
  public static func text(_ date: Date) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = .gmt
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return formatter.string(from: date)
  }
}
