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
    var text = text
    return text.withUTF8 { bytes in
      guard bytes.count == 29 else { return nil }
      func number(_ range: Range<Int>) -> Int32? {
        var number: Int32 = 0
        for byte in bytes[range] {
          guard byte.isDigit else { return nil }
          number = number * 10 + Int32(byte & 0x0F)
        }
        return number
      }
      func has(_ part: String, at place: Int) -> Bool { bytes[place...].starts(with: part.utf8) }
      guard has(", ", at: 3), bytes[7] == .space, bytes[11] == .space, bytes[16] == .space, bytes[19] == bytes[22],
        bytes[19] == UInt8(ascii: ":"), has(" GMT", at: 25), weekdays.contains(where: { has($0, at: 0) }),
        let month = months.firstIndex(where: { has($0, at: 8) }), let year = number(12..<16), let day = number(5..<7),
        let hour = number(17..<19), let minute = number(20..<22), let second = number(23..<25)
      else { return nil }
      return date(year: Int(year), month: month, day: day, clock: (hour, minute, second))
    }
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
      let minute = Int32(fields[1]), let second = Int32(fields[2])
    else { return nil }
    return date(year: year, month: month, day: day, clock: (hour, minute, second))
  }

  /// - Parameter month: from 0.
  private static func date(year: Int, month: Int, day: Int32, clock: (hour: Int32, minute: Int32, second: Int32))
    -> Date?
  {
    guard (0...23).contains(clock.hour), (0...59).contains(clock.minute), (0...60).contains(clock.second) else {
      return nil
    }
    var parts = tm()
    parts.tm_year = Int32(year - 1900)
    parts.tm_mon = Int32(month)
    parts.tm_mday = day
    parts.tm_hour = clock.hour
    parts.tm_min = clock.minute
    let time = timegm(&parts)
    // timegm carries the 31st of a shorter month over to the next.
    guard parts.tm_mday == day, parts.tm_mon == Int32(month) else { return nil }
    return Date(timeIntervalSince1970: Double(time + Int(clock.second)))
  }
}
