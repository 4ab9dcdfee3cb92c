import Foundation

/// A day of the calendar, without a time zone: `2024-02-29`.
public struct Day: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  /// Year, 1...9999.
  public let year: Int
  /// Month, 1...12.
  public let month: Int
  /// Day of the month, from 1.
  public let day: Int

  /// Reads `YYYY-MM-DD`; nil for another form, and for a day that the calendar does not have.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].count == 4, parts[1].count == 2, parts[2].count == 2,
      parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }),
      let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]), year >= 1, (1...12).contains(month)
    else { return nil }
    let calendar = Self.calendar(.gmt)
    guard let first = calendar.date(from: DateComponents(year: year, month: month, day: 1)),
      let days = calendar.range(of: .day, in: .month, for: first), days.contains(day)
    else { return nil }
    self.init(year: year, month: month, day: day)
  }

  private init(year: Int, month: Int, day: Int) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// The day on which `instant` falls in `timeZone`.
  public init(_ instant: Date, in timeZone: TimeZone) {
    let parts = Self.calendar(timeZone).dateComponents([.year, .month, .day], from: instant)
    self.init(year: parts.year ?? 1, month: parts.month ?? 1, day: parts.day ?? 1)
  }

  /// The day `days` later, or earlier for a negative number.
  public func adding(days: Int) -> Day {
    let noon =
      Self.calendar(.gmt).date(from: DateComponents(year: year, month: month, day: day, hour: 12)) ?? .distantPast
    return Day(noon.addingTimeInterval(Double(days) * 86_400), in: .gmt)
  }

  /// The instant at which the day begins in `timeZone`: midnight, or the first instant after it where the clock skips
  /// midnight.
  public func start(in timeZone: TimeZone) -> Date {
    let calendar = Self.calendar(timeZone)
    let noon = calendar.date(from: DateComponents(year: year, month: month, day: day, hour: 12)) ?? .distantPast
    return calendar.startOfDay(for: noon)
  }

  /// All days from this to `last`, both included.
  public func through(_ last: Day) -> [Day] {
    var days: [Day] = []
    var day = self
    while day <= last {
      days.append(day)
      day = day.adding(days: 1)
    }
    return days
  }

  /// `YYYY-MM-DD`.
  public var description: String {
    func padded(_ number: Int, _ width: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  /// Calendar order.
  public static func < (one: Day, other: Day) -> Bool {
    (one.year, one.month, one.day) < (other.year, other.month, other.day)
  }

  /// Reads the text form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let day = Day(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a day as YYYY-MM-DD")
    }
    self = day
  }

  /// Writes the text form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  private static func calendar(_ timeZone: TimeZone) -> Calendar {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = timeZone
    return calendar
  }
}
