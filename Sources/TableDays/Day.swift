package import Foundation

/// A calendar day without a time zone: `2024-02-29`.
package struct Day: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  /// Year, 1583...9999.
  package let year: Int
  /// Month, 1...12.
  package let month: Int
  /// Day of the month, from 1.
  package let day: Int

  /// Reads `YYYY-MM-DD`; nil for any other form and for a day that does not exist in the calendar.
  package init?(_ text: some StringProtocol) {
    var text = String(text)
    guard let day = text.withUTF8({ Day(utf8: $0[...]) }) else { return nil }
    self = day
  }

  /// As ``init(_:)``, of the text's bytes: a listing holds a hundred thousand days.
  package init?(utf8 text: Slice<UnsafeBufferPointer<UInt8>>) {
    var numbers = (0, 0, 0)
    var place = 0
    for byte in text {
      if place == 4 || place == 7 {
        guard byte == UInt8(ascii: "-") else { return nil }
      } else {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        let digit = Int(byte & 0x0F)
        switch place {
        case 0..<4: numbers.0 = numbers.0 * 10 + digit
        case 5..<7: numbers.1 = numbers.1 * 10 + digit
        case 8..<10: numbers.2 = numbers.2 * 10 + digit
        default: return nil
        }
      }
      place += 1
    }
    let (year, month, day) = numbers
    guard place == "YYYY-MM-DD".utf8.count, year >= Self.firstYear else { return nil }
    // A day that does not exist converts to the number of another day.
    guard (1...12).contains(month), Day(number: Self.number(year, month, day)).components == (year, month, day) else {
      return nil
    }
    self.init(year: year, month: month, day: day)
  }

  /// The first whole year of the Gregorian calendar: before it, Foundation's calendar and the server's disagree.
  package static let firstYear = 1583

  private var components: (Int, Int, Int) { (year, month, day) }

  private init(year: Int, month: Int, day: Int) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// The day of `instant` in `timeZone`.
  package init(_ instant: Date, in timeZone: TimeZone) {
    let parts = Self.calendar(timeZone).dateComponents([.year, .month, .day], from: instant)
    self.init(year: parts.year ?? 1, month: parts.month ?? 1, day: parts.day ?? 1)
  }

  /// The day `days` later, or earlier for a negative number.
  package func adding(days: Int) -> Day {
    Day(number: number + days)
  }

  /// The number of days from this day to `last`, both included; 0 when `last` is earlier.
  package func count(through last: Day) -> Int {
    max(0, last.number - number + 1)
  }

  /// Days since 1970-01-01.
  private var number: Int { Self.number(year, month, day) }

  /// Days since 1970-01-01 in the Gregorian calendar. The calculation begins years in March, so that the leap day is
  /// the last day of its year; 400 years have 146,097 days.
  private static func number(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let marchYear = month > 2 ? year : year - 1
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400 + dayOfYear - 719_468
  }

  private init(number: Int) {
    let shifted = number + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    self.init(
      year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month: month, day: dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }

  /// The instant at which the day begins in `timeZone`: midnight, or the first instant after it where the clock skips
  /// midnight.
  package func start(in timeZone: TimeZone) -> Date {
    let calendar = Self.calendar(timeZone)
    let noon = calendar.date(from: DateComponents(year: year, month: month, day: day, hour: 12)) ?? .distantPast
    return calendar.startOfDay(for: noon)
  }

  /// All days from this day to `last`, both included.
  package func through(_ last: Day) -> [Day] {
    (0..<count(through: last)).map { adding(days: $0) }
  }

  /// `YYYY-MM-DD`.
  package var description: String {
    func padded(_ number: Int, _ width: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  package static func < (one: Day, other: Day) -> Bool {
    (one.year, one.month, one.day) < (other.year, other.month, other.day)
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let day = Day(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a day as YYYY-MM-DD")
    }
    self = day
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  private static func calendar(_ timeZone: TimeZone) -> Calendar {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = timeZone
    return calendar
  }
}
