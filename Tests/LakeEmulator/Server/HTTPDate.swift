import Foundation
import Glibc

/// Dates of HTTP (RFC 9110 §5.6.7).
enum HTTPDate {
  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  static func format(_ date: Date) -> String {
    var time = time_t(date.timeIntervalSince1970.rounded(.down))
    var parts = tm()
    gmtime_r(&time, &parts)
    let clock = [parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec].map { $0 < 10 ? "0\($0)" : "\($0)" }
    return "\(days[Int(parts.tm_wday)]), \(clock[0]) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900) "
      + "\(clock[1]):\(clock[2]):\(clock[3]) GMT"
  }

  /// Reads `Sun, 06 Nov 1994 08:49:37 GMT`; nil for anything else.
  static func parse(_ text: String) -> Date? {
    let parts = text.split(whereSeparator: { $0 == " " || $0 == "," || $0 == ":" })
    guard parts.count == 8, parts[7] == "GMT", days.contains(String(parts[0])),
      let month = months.firstIndex(of: String(parts[2])), let day = Int32(parts[1]), let year = Int32(parts[3]),
      let hour = Int32(parts[4]), let minute = Int32(parts[5]), let second = Int32(parts[6])
    else { return nil }
    var time = tm()
    time.tm_year = year - 1900
    time.tm_mon = Int32(month)
    time.tm_mday = day
    time.tm_hour = hour
    time.tm_min = minute
    time.tm_sec = second
    return Date(timeIntervalSince1970: Double(timegm(&time)))
  }
}
