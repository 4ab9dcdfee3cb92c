import Glibc

/// `Date` as RFC 9110 §5.6.7 wants it. Written here by hand, since strftime's names follow the locale.
enum HTTPDate {
  /// - Parameter time: seconds since 1970-01-01 UTC.
  static func format(_ time: time_t) -> String {
    var time = time
    var parts = tm()
    gmtime_r(&time, &parts)
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(twoDigits).joined(separator: ":")
    let month = months[Int(parts.tm_mon)]
    return "\(days[Int(parts.tm_wday)]), \(twoDigits(parts.tm_mday)) \(month) \(Int(parts.tm_year) + 1900) \(clock) GMT"
  }

  static var now: String { format(Glibc.time(nil)) }

  private static func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : String(number) }
}
