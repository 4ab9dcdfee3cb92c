import Essentials
import Foundation

/// The five fields of a schedule: the minutes, hours, days, months and weekdays of its runs.
struct CronFields: Sendable, Equatable {
  /// Why a schedule is none.
  struct Flaw: Error {
    let reason: String

    init(_ reason: String) {
      self.reason = reason
    }
  }

  private let minutes, hours, days, months, weekdays: Set<Int>
  /// `$` in place of the days.
  let isLastDay: Bool
  /// A day must be both of `days` and of `weekdays`, since one of the fields begins with `*`; else one of them is enough.
  private let needsBoth: Bool

  init(_ words: [String]) throws(Flaw) {
    minutes = try Self.values(words[0], "minute", 0...59)
    hours = try Self.values(words[1], "hour", 0...23)
    isLastDay = words[2] == "$"
    days = isLastDay ? [] : try Self.values(words[2], "day", 1...31)
    months = try Self.values(words[3], "month", 1...12, Self.monthNames)
    weekdays = Set(try Self.values(words[4], "weekday", 0...7, Self.weekdayNames).map { $0 % 7 })
    needsBoth = words[2].hasPrefix("*") || words[4].hasPrefix("*")
  }

  private static let monthNames = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
  ]
  private static let weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

  private static func values(
    _ text: String, _ name: String, _ range: ClosedRange<Int>, _ names: [String] = []
  ) throws(Flaw) -> Set<Int> {
    var values: Set<Int> = []
    func fail(_ reason: String) -> Flaw { Flaw("the \(name) \"\(text)\" \(reason)") }
    func value(_ word: Substring) throws(Flaw) -> Int {
      if let index = names.firstIndex(of: word.asciiLowercased()) { return range.lowerBound + index }
      guard !word.isEmpty, word.utf8.allSatisfy(\.isDigit), let value = Int(word), range.contains(value) else {
        throw fail("is not within \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      let ends = parts[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
      let span: ClosedRange<Int>
      if parts[0] == "*" {
        span = range
      } else if ends.count == 2 {
        let (first, last) = (try value(ends[0]), try value(ends[1]))
        guard first <= last else { throw fail("has a range that ends before it begins, which never comes") }
        span = first...last
      } else {
        let only = try value(parts[0])
        guard parts.count == 1 else { throw fail("has a step after one value; steps follow * or a range") }
        span = only...only
      }
      var step = 1
      if parts.count == 2 {
        guard parts[1].utf8.allSatisfy(\.isDigit), let number = Int(parts[1]), (1...range.upperBound).contains(number)
        else { throw fail("has a step that is not within 1 to \(range.upperBound)") }
        step = number
      }
      values.formUnion(stride(from: span.lowerBound, through: span.upperBound, by: step))
    }
    return values
  }

  /// The first minute after `date` that the fields name on the clock of `zone`; nil where none comes in the next 28 years.
  func next(after date: Date, zone: TimeZone) -> Date? {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    let start = Date(timeIntervalSince1970: (date.timeIntervalSince1970 / 60).rounded(.down) * 60 + 60)
    var day = calendar.startOfDay(for: start)
    for _ in 0..<(28 * 366) {
      let now = calendar.dateComponents([.year, .month, .day, .weekday], from: day)
      guard let tomorrow = calendar.date(byAdding: .day, value: 1, to: day) else { return nil }
      if matches(now, isLast: calendar.component(.day, from: tomorrow) == 1) {
        for hour in hours.sorted() {
          for minute in minutes.sorted() {
            var clock = now
            clock.weekday = nil
            (clock.hour, clock.minute) = (hour, minute)
            guard let instant = calendar.date(from: clock), instant >= start else { continue }
            // Where clocks are set forward an hour does not come.
            let shown = calendar.dateComponents([.hour, .minute], from: instant)
            if shown.hour == hour, shown.minute == minute { return instant }
          }
        }
      }
      day = tomorrow
    }
    return nil
  }

  private func matches(_ day: DateComponents, isLast: Bool) -> Bool {
    guard months.contains(day.month ?? 0) else { return false }
    let isDay = days.contains(day.day ?? 0) || isLastDay && isLast
    let isWeekday = weekdays.contains((day.weekday ?? 1) - 1)
    return needsBoth ? isDay && isWeekday : isDay || isWeekday
  }
}
