import Essentials
package import Foundation
package import Reporting

/// When pg_cron runs a job: five fields, an interval in seconds, or a word such as `@daily`, read as pg_cron reads them
/// (citusdata/pg_cron, `src/entry.c`).
///
/// What pg_cron takes and then never runs, or runs at another time than meant, is refused: `fri-sun` (an empty range), a sixth field
/// (ignored), a day that no month has.
package struct CronSchedule: Sendable, Equatable {
  enum Kind: Sendable, Equatable {
    case fields(CronFields)
    case seconds(Int)
    case reboot
  }

  /// The schedule as pg_cron gets it, with single spaces.
  package let text: String
  let kind: Kind

  /// The form, for errors.
  package static let form: ErrorText =
    "five fields (minute hour day month weekday, in GMT unless cron.timezone says otherwise) such as \"15 3 * * *\", \"30 seconds\" (1 to 59, "
    + "pg_cron 1.5 and newer), @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually or @reboot"

  /// - Throws: ``JobError`` `bad_field`, with `field`.
  package init(_ text: String, field: String) throws {
    let words = text.split { $0 == " " || $0 == "\t" }.map(String.init)
    self.text = words.joined(separator: " ")
    do throws(CronFields.Flaw) {
      kind = try Self.kind(words)
    } catch {
      throw JobError.badField(
        field, "\(Self.form)\(error.reason.isEmpty ? "" : "; \(error.reason)")", got: .string(text))
    }
    guard case .fields(let fields) = kind else { return }
    guard fields.next(after: Date(timeIntervalSince1970: 0), zone: .gmt) != nil else {
      throw JobError.badField(field, "a day that the calendar has; this schedule never comes", got: .string(text))
    }
  }

  private static func kind(_ words: [String]) throws(CronFields.Flaw) -> Kind {
    guard let first = words.first else { throw .init("") }
    if first.hasPrefix("@") {
      guard words.count == 1 else { throw .init("nothing may follow \(first)") }
      if first == "@reboot" || first == "@restart" { return .reboot }
      guard let fields = Self.words[first] else { throw .init("there is no \(first)") }
      return .fields(try CronFields(fields.split(separator: " ").map(String.init)))
    }
    if words.count == 2, ["second", "seconds"].contains(words[1].asciiLowercased()) {
      guard let seconds = Int(words[0]), (1...59).contains(seconds) else { throw .init("the seconds are 1 to 59") }
      return .seconds(seconds)
    }
    guard words.count == 5 else { throw .init("this has \(words.count) fields") }
    return .fields(try CronFields(words))
  }

  private static let words = [
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
  ]

  /// The first version of pg_cron that knows the schedule.
  package var since: CronVersion {
    switch kind {
    case .seconds: CronVersion(major: 1, minor: 5)
    case .fields(let fields) where fields.isLastDay: CronVersion(major: 1, minor: 6)
    default: CronVersion(major: 1, minor: 4)
    }
  }

  /// The next run after `date`; nil for `@reboot`, and for an interval whose last run is not known.
  /// - Parameter lastStart: when the last run began.
  package func next(after date: Date, zone: TimeZone, lastStart: Date? = nil) -> Date? {
    switch kind {
    case .reboot: nil
    case .seconds(let seconds): lastStart.map { max($0.addingTimeInterval(Double(seconds)), date) }
    case .fields(let fields): fields.next(after: date, zone: zone)
    }
  }
}

/// A version of the extension pg_cron, such as 1.4 of `1.4-1`.
package struct CronVersion: Sendable, Comparable, CustomStringConvertible {
  package var major: Int
  package var minor: Int

  package init(major: Int, minor: Int) {
    (self.major, self.minor) = (major, minor)
  }

  /// Nil where the text does not begin with two numbers.
  package init?(_ text: String) {
    guard let match = text.prefixMatch(of: #/(\d{1,4})\.(\d{1,4})/#), let major = Int(match.1), let minor = Int(match.2)
    else { return nil }
    self.init(major: major, minor: minor)
  }

  /// The least version that has `cron.alter_job`.
  static let least = CronVersion(major: 1, minor: 4)

  package static func < (one: CronVersion, other: CronVersion) -> Bool {
    (one.major, one.minor) < (other.major, other.minor)
  }

  package var description: String { "\(major).\(minor)" }
}
