import Essentials
package import Reporting

/// A length of time as people write it: `30m`, `90 seconds`, `7 days`.
package struct CronDuration: Sendable, Equatable {
  package let milliseconds: Int
  /// As it was written.
  package let text: String

  package static let form: ErrorText =
    "a number and a unit (ms, s, m, h, d or w, or as words), such as 30m, 90s or \"7 days\""

  /// - Throws: ``JobError`` `bad_field`, with `field`.
  package init(_ text: String, field: String) throws {
    let words = text.trimmingUnicodeWhitespace().asciiLowercased()
    guard let match = words.wholeMatch(of: #/(\d{1,9})\s*([a-z]+)/#), let number = Int(match.1), number > 0,
      let unit = Self.units.first(where: { $0.names.contains(String(match.2)) })
    else { throw JobError.badField(field, Self.form, got: .string(text)) }
    milliseconds = number * unit.milliseconds
    self.text = text
  }

  /// How long ago something was: at most 100 years, which each server's calendar has.
  /// - Throws: ``JobError`` `bad_field`, with `field`.
  package static func age(_ text: String, field: String) throws -> CronDuration {
    let age = try CronDuration(text, field: field)
    guard age.milliseconds <= 36_525 * 86_400_000 else {
      throw JobError.badField(field, "at most 36525 days", got: .string(text))
    }
    return age
  }

  /// In the largest unit that has no fraction.
  package init(milliseconds: Int) {
    let unit = Self.units.last { milliseconds % $0.milliseconds == 0 && milliseconds >= $0.milliseconds }
    self.milliseconds = milliseconds
    text = unit.map { "\(milliseconds / $0.milliseconds)\($0.names[0])" } ?? "\(milliseconds)ms"
  }

  private static let units: [(names: [String], milliseconds: Int)] = [
    (["ms", "millisecond", "milliseconds"], 1), (["s", "sec", "secs", "second", "seconds"], 1000),
    (["m", "min", "mins", "minute", "minutes"], 60_000), (["h", "hour", "hours"], 3_600_000),
    (["d", "day", "days"], 86_400_000), (["w", "week", "weeks"], 604_800_000),
  ]

  package static func == (one: CronDuration, other: CronDuration) -> Bool { one.milliseconds == other.milliseconds }
}
