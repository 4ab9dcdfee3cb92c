package import Foundation

/// Dates as header fields carry them (RFC 9110 §5.6.7). Written and read by hand: those of `strftime` and `strptime` follow the
/// locale.
package enum HTTPDate {
  private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let longWeekdays = [
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
  ]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// An IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`. Fractions of a second are dropped.
  package static func text(_ date: Date) -> String {
    var time = time_t(date.timeIntervalSince1970.rounded(.down))
    var parts = tm()
    gmtime_r(&time, &parts)
    let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(twoDigits).joined(separator: ":")
    let day = "\(twoDigits(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(Int(parts.tm_year) + 1900)"
    return "\(weekdays[Int(parts.tm_wday)]), \(day) \(clock) GMT"
  }

  private static func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : String(number) }

  /// Reads a date in the preferred form or one of the two obsolete ones, `Sunday, 06-Nov-94 08:49:37 GMT` (RFC 850) and
  /// `Sun Nov  6 08:49:37 1994` (asctime); nil for anything else. Whether the day of the week fits is not looked at.
  /// - Parameter now: a year of two digits that appears to lie more than 50 years after it is one of the past.
  package static func parse(_ text: some StringProtocol, now: Date = Date()) -> Date? {
    let text = String(text)
    if let date = fixdate(text) { return date }
    if let match = text.wholeMatch(of: #/([A-Z][a-z]+), (\d\d)-([A-Z][a-z]{2})-(\d\d) ([0-9:]{8}) GMT/#) {
      guard longWeekdays.contains(String(match.1)), let twoDigits = Int(match.4) else { return nil }
      let present = Self.year(of: now)
      let year = present / 100 * 100 + twoDigits
      return date(year: year > present + 50 ? year - 100 : year, month: match.3, day: match.2, clock: match.5)
    }
    if let match = text.wholeMatch(of: #/([A-Z][a-z]{2}) ([A-Z][a-z]{2}) ([ \d]\d) ([0-9:]{8}) (\d{4})/#) {
      guard weekdays.contains(String(match.1)), let year = Int(match.5) else { return nil }
      return date(year: year, month: match.2, day: match.3.drop { $0 == " " }, clock: match.4)
    }
    return nil
  }

  /// Reads the preferred form by its places: a listing of a storage service holds thousands of them, and a regular expression
  /// takes a fifth of a millisecond for each.
  private static func fixdate(_ text: String) -> Date? {
    let bytes = Array(text.utf8)
    func part(_ range: Range<Int>) -> Substring { Substring(decoding: bytes[range], as: UTF8.self) }
    guard bytes.count == 29, part(3..<5) == ", ", bytes[7] == .space, bytes[11] == .space, bytes[16] == .space,
      part(25..<29) == " GMT", weekdays.contains(String(part(0..<3))),
      (bytes[5..<7] + bytes[12..<16]).allSatisfy(\.isDigit), let year = Int(part(12..<16))
    else { return nil }
    return date(year: year, month: part(8..<11), day: part(5..<7), clock: part(17..<25))
  }

  private static func year(of date: Date) -> Int {
    var time = time_t(date.timeIntervalSince1970.rounded(.down))
    var parts = tm()
    gmtime_r(&time, &parts)
    return Int(parts.tm_year) + 1900
  }

  private static func date(year: Int, month: Substring, day: Substring, clock: Substring) -> Date? {
    guard let month = months.firstIndex(of: String(month)), let day = Int32(day),
      case let fields = clock.split(separator: ":", omittingEmptySubsequences: false), fields.count == 3,
      fields.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy(\.isDigit) }), let hour = Int32(fields[0]),
      let minute = Int32(fields[1]), let second = Int32(fields[2]), (0...23).contains(hour), (0...59).contains(minute),
      (0...60).contains(second)
    else { return nil }
    var parts = tm()
    parts.tm_year = Int32(year - 1900)
    parts.tm_mon = Int32(month)
    parts.tm_mday = day
    parts.tm_hour = hour
    parts.tm_min = minute
    let time = timegm(&parts)
    // timegm carries the 31st of a shorter month over to the next.
    guard parts.tm_mday == day, parts.tm_mon == Int32(month) else { return nil }
    return Date(timeIntervalSince1970: Double(time + Int(second)))
  }
}
