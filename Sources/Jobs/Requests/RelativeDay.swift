package import Essentials
package import Foundation
import TableDays

/// `yesterday`, `today` or `today-3`: a day by today's date in `BACKUP_TIMEZONE`. It is replaced where a request comes in, by HTTP, a
/// message or the command line, so that a job that begins after midnight does what was asked before it.
package enum RelativeDay {
  /// The members of a request that are days.
  private static let members = ["date", "from", "to"]

  /// Whether a request names a day in this way.
  package static func isUsed(in request: JSONValue) -> Bool {
    members.contains { request.object?[$0]?.string.flatMap(daysAgo) != nil }
  }

  /// The request with the days' dates in their place.
  package static func resolved(_ request: JSONValue, now: Date, in timeZone: TimeZone) -> JSONValue {
    guard var object = request.object, isUsed(in: request) else { return request }
    for member in members {
      guard let days = object[member]?.string.flatMap(daysAgo) else { continue }
      object[member] = .string("\(Day(now, in: timeZone).adding(days: -days))")
    }
    return .object(object)
  }

  private static func daysAgo(_ text: String) -> Int? {
    if text == "today" { return 0 }
    if text == "yesterday" { return 1 }
    guard let match = text.wholeMatch(of: #/today-([0-9]{1,5})/#) else { return nil }
    return Int(match.1)
  }
}
