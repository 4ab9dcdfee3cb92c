import Essentials
import Foundation

/// The host's dates: ISO 8601 with `Z`, an offset or no zone at all (which is UTC then), with or without fractions.
enum EnvelopeDate {
  /// - Returns: nil for no date, one that cannot be read, and year 1, by which .NET says "never".
  static func parse(_ value: JSONValue?) -> Date? {
    guard
      let text = value?.decoded.string,
      let match = text.wholeMatch(
        of: #/(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|([+\-])(\d\d):(\d\d))?/#),
      let year = Int(match.1), year > 1
    else { return nil }
    var parts = DateComponents()
    parts.year = year
    parts.month = Int(match.2)
    parts.day = Int(match.3)
    parts.hour = Int(match.4)
    parts.minute = Int(match.5)
    parts.second = Int(match.6)
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    guard parts.isValidDate(in: calendar), let date = calendar.date(from: parts) else { return nil }
    let fraction = match.7.flatMap { Double("0" + $0) } ?? 0
    var offset = 0
    if let sign = match.9, let hours = match.10.flatMap({ Int($0) }), let minutes = match.11.flatMap({ Int($0) }) {
      offset = (hours * 3600 + minutes * 60) * (sign == "-" ? -1 : 1)
    }
    return date.addingTimeInterval(fraction - Double(offset))
  }
}
