import Foundation
import Reporting
import TableDays

/// On which days a maintenance task is due: `daily`, `weekly: sunday` or `monthly: 1`.
package enum MaintenanceSchedule: Sendable, Equatable, CustomStringConvertible {
  case daily
  /// - Parameter weekday: 1 is Sunday, 7 is Saturday.
  case weekly(weekday: Int)
  /// A month that is shorter has its last day instead.
  case monthly(day: Int)

  static let form: ErrorText =
    "\"daily\", \"weekly: \" and a day such as sunday, or \"monthly: \" and a day from 1 to 31"

  private static let weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]

  /// Nil for a text of another form.
  package init?(_ text: String) {
    if text == "daily" {
      self = .daily
      return
    }
    let parts = text.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
    guard parts.count == 2 else { return nil }
    if parts[0] == "weekly", let index = Self.weekdays.firstIndex(of: parts[1]) {
      self = .weekly(weekday: index + 1)
    } else if parts[0] == "monthly", let day = Int(parts[1]), (1...31).contains(day) {
      self = .monthly(day: day)
    } else {
      return nil
    }
  }

  package var description: String {
    switch self {
    case .daily: "daily"
    case .weekly(let weekday): "weekly: \(Self.weekdays[weekday - 1])"
    case .monthly(let day): "monthly: \(day)"
    }
  }

  /// Whether the day of `instant` in `zone` is one of its days.
  func isDue(at instant: Date, in zone: TimeZone) -> Bool {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    switch self {
    case .daily: return true
    case .weekly(let weekday): return calendar.component(.weekday, from: instant) == weekday
    case .monthly(let day):
      let last = calendar.range(of: .day, in: .month, for: instant)?.count ?? 31
      return calendar.component(.day, from: instant) == min(day, last)
    }
  }
}
